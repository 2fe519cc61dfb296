package text

import (
	"encoding/binary"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"

	"millrace/internal/charset"
)

// newRuneEncoder returns what writes the characters of a set.
func newRuneEncoder(target charset.Charset) (runeEncoder, error) {
	name := target.String()
	switch name {
	case encodingUTF8, "UTF8-MAC":
		return func(dst []byte, r rune) ([]byte, error) { return utf8.AppendRune(dst, r), nil }, nil
	case encodingASCII, encodingBinary:
		return asciiEncoder, nil
	case "UTF-16BE", "UTF-16", "UTF-16LE":
		return newUTF16Encoder(name), nil
	case "UTF-32BE", "UTF-32", "UTF-32LE":
		return newUTF32Encoder(name), nil
	}
	if e := multiByte(name); e != nil {
		enc := e.NewEncoder()
		return func(dst []byte, r rune) ([]byte, error) {
			b, err := enc.String(string(r))
			if err != nil {
				return dst, errUnencodable
			}
			return append(dst, b...), nil
		}, nil
	}
	if !isSingleByte(name) {
		return nil, noConverter(encodingUTF8, name)
	}
	return newTableEncoder(target), nil
}

func asciiEncoder(dst []byte, r rune) ([]byte, error) {
	if r >= utf8.RuneSelf {
		return dst, errUnencodable
	}
	return append(dst, byte(r)), nil
}

// newUTF16Encoder writes a byte order mark first where the name says no order.
func newUTF16Encoder(name string) runeEncoder {
	order := binary.AppendByteOrder(binary.BigEndian)
	if name == "UTF-16LE" {
		order = binary.LittleEndian
	}
	mark := name == "UTF-16"
	return func(dst []byte, r rune) ([]byte, error) {
		if mark {
			dst = order.AppendUint16(dst, 0xfeff)
			mark = false
		}
		if r1, r2 := utf16.EncodeRune(r); r1 != utf8.RuneError {
			return order.AppendUint16(order.AppendUint16(dst, uint16(r1)), uint16(r2)), nil
		}
		return order.AppendUint16(dst, uint16(r)), nil
	}
}

func newUTF32Encoder(name string) runeEncoder {
	order := binary.AppendByteOrder(binary.BigEndian)
	if name == "UTF-32LE" {
		order = binary.LittleEndian
	}
	mark := name == "UTF-32"
	return func(dst []byte, r rune) ([]byte, error) {
		if mark {
			dst = order.AppendUint32(dst, 0xfeff)
			mark = false
		}
		return order.AppendUint32(dst, uint32(r)), nil
	}
}

// multiByte returns the x/text encoding of a set that is no table.
func multiByte(name string) encoding.Encoding {
	switch name {
	case "EUC-JP", "eucJP-ms":
		return japanese.EUCJP
	case "Shift_JIS", "Windows-31J", "SJIS-DoCoMo":
		return japanese.ShiftJIS
	case "ISO-2022-JP", "CP50220":
		return japanese.ISO2022JP
	case "EUC-KR":
		return korean.EUCKR
	case "GBK":
		return simplifiedchinese.GBK
	case "GB18030":
		return simplifiedchinese.GB18030
	case "Big5":
		return traditionalchinese.Big5
	case "IBM037":
		return charmap.CodePage037
	}
	return nil
}

// newTableEncoder turns the decoding of each byte round.
func newTableEncoder(target charset.Charset) runeEncoder {
	d := target.NewDecoder()
	table := make(map[rune]byte, 128)
	var buf [8]byte
	for c := 0xff; c >= 0x80; c-- {
		if r, _ := utf8.DecodeRune(d.Append(buf[:0], string([]byte{byte(c)}))); r != utf8.RuneError {
			table[r] = byte(c)
		}
	}
	return func(dst []byte, r rune) ([]byte, error) {
		if r < utf8.RuneSelf {
			return append(dst, byte(r)), nil
		}
		c, ok := table[r]
		if !ok {
			return dst, errUnencodable
		}
		return append(dst, c), nil
	}
}

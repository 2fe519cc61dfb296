package text

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"millrace/internal/charset"
)

// EncodeOptions are the options of String#encode.
type EncodeOptions struct {
	ReplaceInvalid, ReplaceUndef bool
	Replace                      *string // in UTF-8; nil for the default of the destination
	Fallback                     func(char string) (string, bool, error)
	XML                          string // "text", "attr" or ""
	Newline                      string // "universal", "crlf", "cr" or ""
}

// FindEncoding is Encoding.find(name).name.
func FindEncoding(name string) (string, error) {
	c, err := charset.Find(name)
	if err != nil {
		return "", argumentError("unknown encoding name - %s", name)
	}
	return c.String(), nil
}

// ValidEncoding is String#valid_encoding? of bytes in the named encoding.
func ValidEncoding(s, encoding string) bool {
	switch encoding {
	case encodingUTF8:
		return utf8.ValidString(s)
	case encodingBinary:
		return true
	case encodingASCII:
		return isASCII(s)
	}
	if isSingleByte(encoding) {
		return true
	}
	_, err := Encode(s, encodingUTF8, encoding, nil)
	return err == nil
}

// isSingleByte reports whether each byte is a character, be it one without a meaning.
func isSingleByte(encoding string) bool {
	for _, prefix := range []string{"ISO-8859-", "Windows-125", "IBM", "KOI8-", "TIS-620", "mac"} {
		if strings.HasPrefix(encoding, prefix) {
			return true
		}
	}
	return encoding == "Windows-874"
}

// Encode is String#encode(to, from, **options). A nil o has no options.
func Encode(s, to, from string, o *EncodeOptions) (string, error) {
	if o == nil {
		o = &EncodeOptions{}
	}
	source, err := charset.Find(from)
	if err != nil {
		return "", noConverter(from, to)
	}
	target, err := charset.Find(to)
	if err != nil {
		return "", noConverter(from, to)
	}
	from, to = source.String(), target.String()
	if from == to && !o.ReplaceInvalid && o.XML == "" && o.Newline == "" {
		return s, nil
	}
	x := transcoder{from: from, to: to, o: o}
	if x.write, err = newRuneEncoder(target); err != nil {
		return "", err
	}
	if o.XML == "attr" {
		x.ascii(`"`)
	}
	if err := x.decode(s, source); err != nil {
		return "", err
	}
	if o.XML == "attr" {
		x.ascii(`"`)
	}
	return string(x.out), nil
}

func noConverter(from, to string) error {
	return &Error{"Encoding::ConverterNotFoundError", fmt.Sprintf("code converter not found (%s to %s)", from, to)}
}

// errUnencodable is what a runeEncoder returns for a character that its set does not have.
var errUnencodable = errors.New("the character set has no such character")

// runeEncoder appends a character in some encoding.
type runeEncoder func(dst []byte, r rune) ([]byte, error)

type transcoder struct {
	out      []byte
	from, to string
	o        *EncodeOptions
	write    runeEncoder
	returned bool // the last character was a carriage return that a line feed may belong to
}

// ascii writes characters that all encodings have.
func (x *transcoder) ascii(s string) {
	for _, r := range s {
		if out, err := x.write(x.out, r); err == nil {
			x.out = out
		}
	}
}

// char writes one character as the options want it.
func (x *transcoder) char(r rune) error {
	if x.newline(r) {
		return nil
	}
	if x.o.XML != "" {
		switch {
		case r == '&':
			x.ascii("&amp;")
			return nil
		case r == '<':
			x.ascii("&lt;")
			return nil
		case r == '>':
			x.ascii("&gt;")
			return nil
		case r == '"' && x.o.XML == "attr":
			x.ascii("&quot;")
			return nil
		case r == '\'' && x.o.XML == "attr":
			x.ascii("&apos;")
			return nil
		}
	}
	out, err := x.write(x.out, r)
	if err == nil {
		x.out = out
		return nil
	}
	return x.undefined(r)
}

// newline writes r where it is part of a line end that the options change.
func (x *transcoder) newline(r rune) bool {
	returned := x.returned
	x.returned = false
	switch x.o.Newline {
	case "universal":
		if r == '\r' {
			x.returned = true
			x.ascii("\n")
			return true
		}
		return r == '\n' && returned
	case "crlf":
		if r == '\n' {
			x.ascii("\r\n")
			return true
		}
	case "cr":
		if r == '\n' {
			x.ascii("\r")
			return true
		}
	}
	return false
}

// undefined deals with a character that the destination does not have.
func (x *transcoder) undefined(r rune) error {
	switch {
	case x.o.Fallback != nil:
		s, ok, err := x.o.Fallback(string(r))
		if err != nil {
			return err
		}
		if ok {
			x.ascii(s)
			return nil
		}
	case x.o.XML != "":
		x.ascii(fmt.Sprintf("&#x%X;", r))
		return nil
	case x.o.ReplaceUndef:
		x.replacement()
		return nil
	}
	way := " from UTF-8 to " + x.to
	if x.from != encodingUTF8 {
		way = " to " + x.to + " in conversion from " + x.from + " to UTF-8 to " + x.to
	} else if strings.HasPrefix(x.to, "Windows-") { // whose converter has its name in capitals, so that Ruby takes it for another step
		name := strings.ToUpper(x.to)
		way = " to " + name + " in conversion from UTF-8 to " + name
	}
	return &Error{"Encoding::UndefinedConversionError", fmt.Sprintf("U+%04X%s", r, way)}
}

func (x *transcoder) replacement() {
	switch {
	case x.o.Replace != nil:
		x.ascii(*x.o.Replace)
	case strings.HasPrefix(x.to, "UTF"):
		x.ascii("\ufffd")
	default:
		x.ascii("?")
	}
}

// decode reads s and writes its characters.
func (x *transcoder) decode(s string, source charset.Charset) error {
	switch {
	case x.from == encodingUTF8:
		return x.decodeUTF8(s)
	case x.from == encodingBinary || x.from == encodingASCII || isSingleByte(x.from):
		return x.decodeBytes(s, source)
	}
	for _, r := range string(source.NewDecoder().Append(nil, s)) {
		if r == utf8.RuneError {
			if !x.o.ReplaceInvalid {
				return x.invalid("invalid byte sequence")
			}
			x.replacement()
			continue
		}
		if err := x.char(r); err != nil {
			return err
		}
	}
	return nil
}

func (x *transcoder) invalid(what string) error {
	return &Error{"Encoding::InvalidByteSequenceError", what + " on " + x.from}
}

func (x *transcoder) decodeUTF8(s string) error {
	for s != "" {
		r, n := utf8.DecodeRuneInString(s)
		if r != utf8.RuneError || n > 1 {
			s = s[n:]
			if err := x.char(r); err != nil {
				return err
			}
			continue
		}
		n = badLen(s)
		if x.o.ReplaceInvalid {
			x.replacement()
			s = s[n:]
			continue
		}
		if x.from == x.to {
			x.out = append(x.out, s[:n]...)
			s = s[n:]
			continue
		}
		bad := InspectBinary(s[:n])
		switch {
		case !beginsChar(s[:n]):
		case n == len(s):
			return x.invalid("incomplete " + bad)
		default:
			bad += " followed by " + InspectBinary(s[n:n+1])
		}
		return x.invalid(bad)
	}
	return nil
}

// decodeBytes reads sets in which each byte is a character, if it is defined.
func (x *transcoder) decodeBytes(s string, source charset.Charset) error {
	d := source.NewDecoder()
	var buf [8]byte
	for i := range len(s) {
		r, _ := utf8.DecodeRune(d.Append(buf[:0], s[i:i+1]))
		if r != utf8.RuneError {
			if err := x.char(r); err != nil {
				return err
			}
			continue
		}
		switch {
		case x.from == encodingASCII && x.o.ReplaceInvalid, x.from != encodingASCII && x.o.ReplaceUndef:
			x.replacement()
		case x.from == encodingASCII:
			return x.invalid(InspectBinary(s[i : i+1]))
		default:
			way := " from " + x.from + " to UTF-8"
			if x.to != encodingUTF8 || x.from != encodingBinary {
				way = " to UTF-8 in conversion from " + x.from + " to UTF-8"
			}
			if x.to != encodingUTF8 {
				way += " to " + x.to
			}
			return &Error{"Encoding::UndefinedConversionError", InspectBinary(s[i:i+1]) + way}
		}
	}
	return nil
}

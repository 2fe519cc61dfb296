package text

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"math/big"
	"strings"
	"unicode/utf8"
)

// Unpack is String#unpack(template, offset: offset). The values are int64, *big.Int, float64, Bytes, string (US-ASCII) and nil.
func Unpack(s, template string, offset int) ([]Arg, error) {
	if offset < 0 {
		offset += len(s)
	}
	if offset < 0 || offset > len(s) {
		return nil, argumentError("offset outside of string")
	}
	u := unpacker{s: s, at: offset, start: offset}
	for {
		d, rest, err := nextDirective(template)
		if err != nil {
			return nil, err
		}
		if d.letter == 0 {
			return u.out, nil
		}
		template = rest
		if err := u.directive(&d); err != nil {
			return nil, err
		}
	}
}

type unpacker struct {
	s         string
	at, start int
	out       []Arg
}

func (u *unpacker) directive(d *packDirective) error {
	switch d.letter {
	case 'a', 'A', 'Z':
		u.text(d)
	case 'b', 'B':
		u.bits(d, 1)
	case 'h', 'H':
		u.bits(d, 4)
	case 'U':
		return u.codePoints(d)
	case 'w':
		u.compressed(d)
	case 'm':
		return u.base64(d)
	case 'M':
		u.out = append(u.out, Bytes(unquotePrintable(u.s[u.at:])))
		u.at = len(u.s)
	case 'u':
		u.uu()
	case 'x', 'X', '@':
		return u.move(d)
	default:
		if d.size > 0 {
			u.fixed(d)
		}
	}
	return nil
}

func (u *unpacker) rest() int { return len(u.s) - u.at }

// fixed unpacks numbers of a fixed size; those that are not there are nil.
func (u *unpacker) fixed(d *packDirective) {
	n := u.rest() / d.size
	missing := 0
	if d.count != packAll {
		missing = max(0, d.count-n)
		n = min(n, d.count)
	}
	for range n {
		var buf [8]byte
		var bits uint64
		if d.big {
			copy(buf[8-d.size:], u.s[u.at:u.at+d.size])
			bits = binary.BigEndian.Uint64(buf[:])
		} else {
			copy(buf[:], u.s[u.at:u.at+d.size])
			bits = binary.LittleEndian.Uint64(buf[:])
		}
		u.at += d.size
		u.out = append(u.out, d.value(bits))
	}
	for range missing {
		u.out = append(u.out, nil)
	}
}

func (d *packDirective) value(bits uint64) Arg {
	switch {
	case d.isFloat() && d.size == 4:
		return float64(math.Float32frombits(uint32(bits)))
	case d.isFloat():
		return math.Float64frombits(bits)
	case d.signed:
		shift := 64 - 8*d.size
		return int64(bits<<shift) >> shift
	case bits > math.MaxInt64:
		return new(big.Int).SetUint64(bits)
	}
	return int64(bits)
}

func (u *unpacker) text(d *packDirective) {
	n := u.rest()
	if d.count != packAll {
		n = min(n, d.count)
	}
	s := u.s[u.at : u.at+n]
	u.at += n
	switch d.letter {
	case 'A':
		s = strings.TrimRight(s, " \x00")
	case 'Z':
		if i := strings.IndexByte(s, 0); i >= 0 {
			if d.count == packAll {
				u.at += i + 1 - n
			}
			s = s[:i]
		}
	}
	u.out = append(u.out, Bytes(s))
}

// bits unpacks digits of so many bits each.
func (u *unpacker) bits(d *packDirective, width int) {
	per := 8 / width
	n := u.rest() * per
	if d.count != packAll {
		n = min(n, d.count)
	}
	out := make([]byte, n)
	for i := range n {
		c := u.s[u.at+i/per]
		k := i % per
		if d.letter < 'a' {
			k = per - 1 - k
		}
		out[i] = "0123456789abcdef"[c>>(k*width)&(1<<width-1)]
	}
	u.at += (n + per - 1) / per
	u.out = append(u.out, string(out))
}

func (u *unpacker) codePoints(d *packDirective) error {
	for n := 0; u.at < len(u.s) && n != d.count; n++ {
		r, size := utf8.DecodeRuneInString(u.s[u.at:])
		if r == utf8.RuneError && size == 1 {
			return u.malformed()
		}
		u.at += size
		u.out = append(u.out, int64(r))
	}
	return nil
}

// malformed reads what package utf8 refuses as Ruby does, which takes surrogates and up to six bytes.
func (u *unpacker) malformed() error {
	c := u.s[u.at]
	size := 1
	for size < 7 && c&(0x80>>size) != 0 {
		size++
	}
	if c < 0xc0 || c >= 0xfe {
		return argumentError("malformed UTF-8 character")
	}
	if size > u.rest() {
		return argumentError("malformed UTF-8 character (expected %d bytes, given %d bytes)", size, u.rest())
	}
	r := int64(c & (0x7f >> size))
	for _, b := range []byte(u.s[u.at+1 : u.at+size]) {
		if b&0xc0 != 0x80 {
			return argumentError("malformed UTF-8 character")
		}
		r = r<<6 | int64(b&0x3f)
	}
	if least := [...]int64{0, 0, 0x80, 0x800, 0x10000, 0x200000, 0x4000000}[size]; r < least {
		return argumentError("redundant UTF-8 sequence")
	}
	u.at += size
	u.out = append(u.out, r)
	return nil
}

func (u *unpacker) compressed(d *packDirective) {
	for n := 0; u.at < len(u.s) && n != d.count; n++ {
		v := new(big.Int)
		for done := false; !done; {
			if u.at == len(u.s) {
				return // what has no end is no number
			}
			c := u.s[u.at]
			u.at++
			v.Lsh(v, 7)
			v.Or(v, big.NewInt(int64(c&0x7f)))
			done = c&0x80 == 0
		}
		u.out = append(u.out, normalInt(v))
	}
}

// move executes x, X and @.
func (u *unpacker) move(d *packDirective) error {
	n := d.count
	if d.letter == '@' && !d.counted {
		n = 0
	}
	if n == packAll {
		n = u.rest()
	}
	at := u.at
	switch d.letter {
	case 'x':
		at += n
	case 'X':
		at -= n
	case '@':
		at = u.start + n
	}
	if at < 0 || at > len(u.s) {
		return argumentError("%c outside of string", d.letter)
	}
	u.at = at
	return nil
}

// base64 unpacks the rest; with a count of 0 it has to be strictly RFC 4648.
func (u *unpacker) base64(d *packDirective) error {
	s := u.s[u.at:]
	u.at = len(u.s)
	if d.counted && d.count == 0 {
		out, err := base64.StdEncoding.Strict().DecodeString(s)
		if err != nil || strings.ContainsAny(s, "\r\n") {
			return argumentError("invalid base64")
		}
		u.out = append(u.out, Bytes(out))
		return nil
	}
	u.out = append(u.out, Bytes(looseBase64(s)))
	return nil
}

// looseBase64 passes over what is not of the alphabet and ends at a padding character.
func looseBase64(s string) string {
	out := make([]byte, 0, len(s)*3/4)
	var group uint32
	n := 0
	for i := range len(s) {
		v := base64Value(s[i])
		if v < 0 {
			if s[i] == '=' && n >= 2 {
				break
			}
			continue
		}
		group = group<<6 | uint32(v)
		if n++; n == 4 {
			out = append(out, byte(group>>16), byte(group>>8), byte(group))
			n, group = 0, 0
		}
	}
	switch n {
	case 2:
		out = append(out, byte(group>>4))
	case 3:
		out = append(out, byte(group>>10), byte(group>>2))
	}
	return string(out)
}

func base64Value(c byte) int {
	switch {
	case 'A' <= c && c <= 'Z':
		return int(c - 'A')
	case 'a' <= c && c <= 'z':
		return int(c-'a') + 26
	case isDigit(c):
		return int(c-'0') + 52
	case c == '+':
		return 62
	case c == '/':
		return 63
	}
	return -1
}

func unquotePrintable(s string) string {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); {
		if s[i] != '=' {
			out = append(out, s[i])
			i++
			continue
		}
		rest := s[i+1:]
		if n := lineEnd(rest); n > 0 {
			i += 1 + n
			continue
		}
		if len(rest) < 2 || digitValue(rest[0]) > 15 || digitValue(rest[1]) > 15 {
			return string(append(out, s[i:]...))
		}
		out = append(out, byte(digitValue(rest[0])<<4|digitValue(rest[1])))
		i += 3
	}
	return string(out)
}

// uu unpacks lines of uuencode as long as a line begins with a length.
func (u *unpacker) uu() {
	var out []byte
	for u.at < len(u.s) && u.s[u.at] > ' ' && u.s[u.at] < 'a' {
		n := int(u.s[u.at]-' ') & 63
		u.at++
		for n > 0 && u.at < len(u.s) {
			var g [4]byte
			for k := range g {
				if u.at < len(u.s) && u.s[u.at] >= ' ' && u.s[u.at] < 'a' {
					g[k] = (u.s[u.at] - ' ') & 63
					u.at++
				}
			}
			three := [3]byte{g[0]<<2 | g[1]>>4, g[1]<<4 | g[2]>>2, g[2]<<6 | g[3]}
			take := min(n, 3)
			out = append(out, three[:take]...)
			n -= take
			if u.at < len(u.s) && lineEnd(u.s[u.at:]) > 0 {
				break
			}
		}
		if u.at < len(u.s) && u.s[u.at] == '\r' {
			u.at++
		}
		if u.at < len(u.s) && u.s[u.at] == '\n' {
			u.at++
		} else if u.at+1 < len(u.s) && u.s[u.at+1] == '\n' {
			u.at += 2 // a checksum
		}
	}
	u.out = append(u.out, Bytes(out))
}

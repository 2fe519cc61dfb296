package text

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"math/big"
	"unicode/utf8"
)

// The names of the encodings that Pack returns.
const (
	encodingBinary = "ASCII-8BIT"
	encodingASCII  = "US-ASCII"
	encodingUTF8   = "UTF-8"
)

// Pack is Array#pack. The encoding of the result is ASCII-8BIT, US-ASCII or UTF-8.
func Pack(template string, args []Arg) (packed, encoding string, err error) {
	p := packer{args: args}
	encoding = encodingASCII
	for {
		d, rest, err := nextDirective(template)
		if err != nil {
			return "", "", err
		}
		if d.letter == 0 {
			return string(p.out), encoding, nil
		}
		template = rest
		switch d.letter {
		case 'U':
			if encoding == encodingASCII {
				encoding = encodingUTF8
			}
		case 'm', 'M', 'u':
		default:
			encoding = encodingBinary
		}
		if err := p.directive(&d); err != nil {
			return "", "", err
		}
	}
}

type packer struct {
	out  []byte
	args []Arg
}

func (p *packer) next() (Arg, error) {
	if len(p.args) == 0 {
		return nil, argumentError("too few arguments")
	}
	v := p.args[0]
	p.args = p.args[1:]
	return v, nil
}

func (p *packer) directive(d *packDirective) error {
	switch d.letter {
	case 'a', 'A', 'Z', 'b', 'B', 'h', 'H':
		return p.text(d)
	case 'u', 'm', 'M':
		return p.encoded(d)
	case 'x':
		p.zeros(max(d.count, 0))
		return nil
	case 'X':
		n := max(d.count, 0)
		if n > len(p.out) {
			return argumentError("X outside of string")
		}
		p.out = p.out[:len(p.out)-n]
		return nil
	case '@':
		n := max(d.count, 0)
		p.zeros(n - len(p.out))
		p.out = p.out[:n]
		return nil
	case 'U', 'w':
	default:
		if d.size == 0 {
			return nil // Ruby takes no notice of other letters
		}
	}
	n := d.count
	if n == packAll {
		n = len(p.args)
	}
	for range n {
		v, err := p.next()
		if err != nil {
			return err
		}
		if err := p.number(d, v); err != nil {
			return err
		}
	}
	return nil
}

func (p *packer) zeros(n int) {
	if n > 0 {
		p.out = append(p.out, make([]byte, n)...)
	}
}

// number packs one integer, float or character.
func (p *packer) number(d *packDirective, v Arg) error {
	if d.isFloat() {
		f, err := packFloat(v)
		if err != nil {
			return err
		}
		if d.size == 4 {
			p.fixed(d, uint64(math.Float32bits(float32(f))))
		} else {
			p.fixed(d, math.Float64bits(f))
		}
		return nil
	}
	n, err := packInt(v)
	if err != nil {
		return err
	}
	switch d.letter {
	case 'U':
		return p.codePoint(n)
	case 'w':
		return p.compressed(n)
	}
	if n.Big == nil {
		p.fixed(d, uint64(n.Small))
		return nil
	}
	low := new(big.Int).And(n.Big, new(big.Int).SetUint64(math.MaxUint64))
	p.fixed(d, low.Uint64())
	return nil
}

func (p *packer) fixed(d *packDirective, bits uint64) {
	var buf [8]byte
	if d.big {
		binary.BigEndian.PutUint64(buf[:], bits)
		p.out = append(p.out, buf[8-d.size:]...)
		return
	}
	binary.LittleEndian.PutUint64(buf[:], bits)
	p.out = append(p.out, buf[:d.size]...)
}

func (p *packer) codePoint(n Int) error {
	if n.Big != nil {
		return rangeError("bignum too big to convert into `long'")
	}
	if n.Small < 0 || n.Small > 0x7fffffff {
		return rangeError("pack(U): value out of range")
	}
	r := n.Small
	if r <= utf8.MaxRune && utf8.ValidRune(rune(r)) {
		p.out = utf8.AppendRune(p.out, rune(r))
		return nil
	}
	// Ruby writes what is no character in the same way: surrogates, and up to six bytes.
	size := 3
	for ; size < 6 && r >= 1<<(5*size+1); size++ {
	}
	p.out = append(p.out, byte(0xff<<(8-size))|byte(r>>(6*(size-1))))
	for i := size - 2; i >= 0; i-- {
		p.out = append(p.out, byte(0x80|r>>(6*i)&0x3f))
	}
	return nil
}

// compressed packs an integer in seven bits a byte, as BER does.
func (p *packer) compressed(n Int) error {
	b := new(big.Int).Set(n.BigInt())
	if b.Sign() < 0 {
		return argumentError("can't compress negative numbers")
	}
	groups := max(1, (b.BitLen()+6)/7)
	for i := groups - 1; i >= 0; i-- {
		g := new(big.Int).Rsh(b, uint(7*i))
		c := byte(g.And(g, big.NewInt(0x7f)).Uint64())
		if i > 0 {
			c |= 0x80
		}
		p.out = append(p.out, c)
	}
	return nil
}

func packInt(v Arg) (Int, error) {
	switch v.(type) {
	case int64, *big.Int, float64, Numeric:
		return toInteger(v)
	}
	return Int{}, typeError("no implicit conversion of %s into Integer", className(v))
}

func packFloat(v Arg) (float64, error) {
	switch v.(type) {
	case string, Bytes:
		return 0, typeError("can't convert String into Float")
	}
	return toFloat(v)
}

// packText returns the argument of a directive for strings.
func packText(v Arg) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case Bytes:
		return string(v), nil
	}
	return "", typeError("no implicit conversion of %s into String", className(v))
}

// text packs strings, bits and hexadecimal digits.
func (p *packer) text(d *packDirective) error {
	v, err := p.next()
	if err != nil {
		return err
	}
	s := ""
	if v != nil {
		if s, err = packText(v); err != nil {
			return err
		}
	}
	n := d.count
	if n == packAll {
		n = len(s)
		if d.letter == 'Z' {
			n++
		}
	}
	switch d.letter {
	case 'b', 'B':
		p.bits(d, s, n, 1)
	case 'h', 'H':
		p.bits(d, s, n, 4)
	default:
		p.out = append(p.out, s[:min(n, len(s))]...)
		fill := byte(0)
		if d.letter == 'A' {
			fill = ' '
		}
		for range n - len(s) {
			p.out = append(p.out, fill)
		}
	}
	return nil
}

// bits packs n digits of so many bits each; small letters have the low ones first.
func (p *packer) bits(d *packDirective, s string, n, width int) {
	per := 8 / width
	extra := 0
	if n > len(s) {
		extra = (n+1)/2 - (len(s)+1)/2
		if width == 1 { // Ruby writes four times what is lacking
			extra = (n - len(s) + 1) / 2
		}
		n = len(s)
	}
	for i := 0; i < n; i += per {
		var c byte
		for k := range per {
			v := byte(0)
			if i+k < n {
				v = bitDigit(s[i+k], width)
			}
			if d.letter >= 'a' {
				c |= v << (k * width)
			} else {
				c |= v << ((per - 1 - k) * width)
			}
		}
		p.out = append(p.out, c)
	}
	p.zeros(extra)
}

// bitDigit is the value of a digit, which any byte is.
func bitDigit(c byte, width int) byte {
	if width == 1 {
		return c & 1
	}
	if 'a' <= c|0x20 && c|0x20 <= 'z' {
		return (c + 9) & 15
	}
	return c & 15
}

// encoded packs base64, uuencode and quoted-printable.
func (p *packer) encoded(d *packDirective) error {
	v, err := p.next()
	if err != nil {
		return err
	}
	if d.letter == 'M' {
		s, err := argText(v, false)
		if err != nil {
			return err
		}
		width := 72
		if d.counted && d.count > 1 {
			width = d.count
		}
		p.out = appendQuotedPrintable(p.out, s, width)
		return nil
	}
	s, err := packText(v)
	if err != nil {
		return err
	}
	if d.letter == 'm' && d.counted && d.count == 0 {
		p.out = base64.StdEncoding.AppendEncode(p.out, []byte(s))
		return nil
	}
	width := 45
	if d.counted && d.count > 2 {
		width = d.count / 3 * 3
		if d.letter == 'u' {
			width = min(width, 63)
		}
	}
	for s != "" {
		line := s[:min(width, len(s))]
		s = s[len(line):]
		if d.letter == 'm' {
			p.out = base64.StdEncoding.AppendEncode(p.out, []byte(line))
		} else {
			p.out = appendUU(p.out, line)
		}
		p.out = append(p.out, '\n')
	}
	return nil
}

const uuAlphabet = "`!\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_"

// appendUU appends a line of uuencode without its end.
func appendUU(dst []byte, line string) []byte {
	dst = append(dst, uuAlphabet[len(line)&63])
	for i := 0; i < len(line); i += 3 {
		var g [3]byte
		copy(g[:], line[i:])
		dst = append(dst, uuAlphabet[g[0]>>2], uuAlphabet[g[0]<<4&0x30|g[1]>>4], uuAlphabet[g[1]<<2&0x3c|g[2]>>6], uuAlphabet[g[2]&0x3f])
	}
	return dst
}

// appendQuotedPrintable breaks lines softly behind width characters.
func appendQuotedPrintable(dst []byte, s string, width int) []byte {
	n := 0
	prev := -1
	for i := range len(s) {
		c := s[i]
		switch {
		case c > 126 || c < 32 && c != '\n' && c != '\t' || c == '=':
			dst = append(dst, '=', hexDigits[c>>4], hexDigits[c&15])
			n += 3
			prev = -1
		case c == '\n':
			if prev == ' ' || prev == '\t' {
				dst = append(dst, '=', '\n')
			}
			dst = append(dst, '\n')
			n = 0
			prev = '\n'
		default:
			dst = append(dst, c)
			n++
			prev = int(c)
		}
		if n > width {
			dst = append(dst, '=', '\n')
			n = 0
			prev = '\n'
		}
	}
	if n > 0 {
		dst = append(dst, '=', '\n')
	}
	return dst
}

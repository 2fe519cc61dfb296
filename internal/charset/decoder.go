package charset

import (
	"unicode/utf8"
	"unsafe"

	"golang.org/x/text/encoding"
	"golang.org/x/text/transform"
	"golang.org/x/text/unicode/norm"
)

// Arena is where converted text is made; event.Arena is one.
type Arena interface {
	Free() []byte
	Take(b []byte) string
}

// Decoder converts texts of one character set. One owner, no lock.
type Decoder struct {
	def *definition
	dec *encoding.Decoder // of def.encoding
}

// NewDecoder returns a decoder of the character set.
func (c Charset) NewDecoder() *Decoder {
	d := &Decoder{def: c.def}
	if c.def != nil && c.def.encoding != nil {
		d.dec = c.def.encoding.NewDecoder()
	}
	return d
}

// Clean reports whether s is its own UTF-8 form, so that Append would copy it.
func (d *Decoder) Clean(s string) bool {
	if d.def == nil {
		return isASCII(s) || utf8.ValidString(s)
	}
	return d.def.ascii && isASCII(s)
}

// Decode returns s as UTF-8: s itself where it is that already, else a text made in a.
func (d *Decoder) Decode(a Arena, s string) string {
	if d.Clean(s) {
		return s
	}
	return a.Take(d.Append(a.Free(), s))
}

// Append appends s as UTF-8.
func (d *Decoder) Append(dst []byte, s string) []byte {
	switch {
	case d.def == nil:
		if utf8.ValidString(s) {
			return append(dst, s...)
		}
		return AppendEscaped(dst, s)
	case d.def.table != nil:
		return d.def.appendSingle(dst, s)
	case d.def.compose:
		if !utf8.ValidString(s) {
			return AppendEscaped(dst, s)
		}
		return norm.NFC.AppendString(dst, s)
	}
	start := len(dst)
	dst = d.appendTransformed(dst, s)
	if d.def.jis {
		return append(dst[:start], standardSigns(dst[start:])...)
	}
	return dst
}

// standardSigns puts the signs of JIS X 0208 in the place of those that Microsoft reads there, as Ruby does for the sets that are not
// Microsoft's. No sign is longer than the one it stands for, so the text is changed in its place.
func standardSigns(text []byte) []byte {
	n := 0
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		if sign := standardSign(r); sign != r {
			n += utf8.EncodeRune(text[n:], sign)
		} else {
			n += copy(text[n:], text[i:i+size])
		}
		i += size
	}
	return text[:n]
}

func standardSign(r rune) rune {
	switch r {
	case '\uFF5E': // fullwidth tilde, wave dash
		return '\u301C'
	case '\uFF0D': // fullwidth hyphen, minus sign
		return '\u2212'
	case '\u2015': // horizontal bar, em dash
		return '\u2014'
	case '\u2225': // parallel to, double vertical line
		return '\u2016'
	case '\uFFE0':
		return '¢'
	case '\uFFE1':
		return '£'
	case '\uFFE2':
		return '¬'
	}
	return r
}

func (def *definition) appendSingle(dst []byte, s string) []byte {
	for i := 0; i < len(s); {
		if n := asciiPrefix(s[i:]); n > 0 {
			dst = append(dst, s[i:i+n]...)
			i += n
			continue
		}
		dst = utf8.AppendRune(dst, def.table[s[i]-0x80])
		i++
	}
	return dst
}

// appendTransformed runs a decoder of x/text over s. Those give U+FFFD for whatever they cannot read, and no error.
func (d *Decoder) appendTransformed(dst []byte, s string) []byte {
	src := unsafe.Slice(unsafe.StringData(s), len(s)) // only read
	d.dec.Reset()
	for {
		dst = grow(dst, len(src)+utf8.UTFMax)
		nDst, nSrc, err := d.dec.Transform(dst[len(dst):cap(dst)], src, true)
		dst, src = dst[:len(dst)+nDst], src[nSrc:]
		if err != transform.ErrShortDst {
			if err != nil {
				dst = append(dst, "\uFFFD"...)
			}
			return dst
		}
	}
}

func grow(dst []byte, n int) []byte {
	if cap(dst)-len(dst) >= n {
		return dst
	}
	return append(make([]byte, 0, 2*cap(dst)+n), dst...)
}

package text

import "strings"

// packAll is the count that a star stands for.
const packAll = -1

// packDirective is one letter of a template with what follows it.
type packDirective struct {
	letter  byte
	count   int // packAll for a star
	counted bool
	size    int // in bytes, of an integer or float; 0 for all others
	signed  bool
	big     bool // endian
}

// nextDirective reads a directive from the template; a letter of 0 means the end.
func nextDirective(s string) (d packDirective, rest string, err error) {
	for {
		s = strings.TrimLeft(s, " \t\n\v\f\r\x00")
		if !strings.HasPrefix(s, "#") {
			break
		}
		_, s, _ = strings.Cut(s, "\n")
	}
	if s == "" {
		return d, "", nil
	}
	d.letter = s[0]
	s = s[1:]
	native := false
	order := byte(0)
	for s != "" && strings.IndexByte("_!<>", s[0]) >= 0 {
		if strings.IndexByte("sSiIlLqQjJ", d.letter) < 0 {
			return d, "", argumentError("'%c' allowed only after types sSiIlLqQjJ", s[0])
		}
		if c := s[0]; c == '<' || c == '>' {
			if order != 0 {
				return d, "", rangeError("Can't use both '<' and '>'")
			}
			order = c
		} else {
			native = true
		}
		s = s[1:]
	}
	d.layout(native, order == '>')
	d.count = 1
	switch {
	case strings.HasPrefix(s, "*"):
		d.count, d.counted = packAll, true
		s = s[1:]
	case s != "" && isDigit(s[0]):
		d.count, d.counted = 0, true
		for s != "" && isDigit(s[0]) {
			if d.count = 10*d.count + int(s[0]-'0'); d.count > widthMax {
				return d, "", rangeError("pack length too big")
			}
			s = s[1:]
		}
	}
	return d, s, nil
}

// layout sets size, sign and byte order.
func (d *packDirective) layout(native, big bool) {
	d.big = big
	switch d.letter {
	case 'c', 'C':
		d.size = 1
	case 's', 'S', 'n', 'v':
		d.size = 2
	case 'i', 'I', 'N', 'V', 'f', 'F', 'e', 'g':
		d.size = 4
	case 'l', 'L':
		d.size = 4
		if native {
			d.size = 8
		}
	case 'q', 'Q', 'j', 'J', 'd', 'D', 'E', 'G':
		d.size = 8
	}
	switch d.letter {
	case 'n', 'N', 'g', 'G':
		d.big = true
	case 'c', 's', 'i', 'l', 'q', 'j':
		d.signed = true
	}
}

func (d *packDirective) isFloat() bool { return strings.IndexByte("dDfFeEgG", d.letter) >= 0 }

package mutate

import "millrace/filters/internal/ruby"

// number returns the text of a number without white space around it and without its thousands separators. With eu the dot separates
// thousands and the comma decimals. The bytes are valid until the next call.
func (s *scratch) number(text string, eu bool) []byte {
	s.buf = s.buf[:0]
	thousands, decimal := byte(','), byte('.')
	if eu {
		thousands, decimal = decimal, thousands
	}
	text = ruby.Strip(text)
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case thousands:
		case decimal:
			s.buf = append(s.buf, '.')
		default:
			s.buf = append(s.buf, c)
		}
	}
	return s.buf
}

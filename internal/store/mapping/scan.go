package mapping

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// scanner reads JSON without building anything.
type scanner struct {
	b     []byte
	i     int
	depth int
	keys  []string // of the objects that are open
}

// maxNesting bounds the recursion; Elasticsearch's parser ends at 1,000.
const maxNesting = 1000

type syntaxError struct {
	at  int
	msg string
}

func (e *syntaxError) Error() string { return e.msg }

func (s *scanner) reset() {
	clear(s.keys[:cap(s.keys)])
	s.b, s.i, s.depth, s.keys = nil, 0, 0, s.keys[:0]
}

func (s *scanner) fail(msg string) error {
	if s.i >= len(s.b) {
		msg = "Unexpected end of file"
	}
	return &syntaxError{s.i, msg}
}

// space passes over white space and returns the next byte, 0 at the end.
func (s *scanner) space() byte {
	for ; s.i < len(s.b); s.i++ {
		switch c := s.b[s.i]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

func (s *scanner) enter() error {
	if s.depth++; s.depth > maxNesting {
		return s.fail("Document nesting depth exceeds the maximum allowed (1000)")
	}
	return nil
}

func (s *scanner) leave() { s.depth-- }

// openObject begins the list of an object's keys.
func (s *scanner) openObject() int {
	s.depth++
	return len(s.keys)
}

func (s *scanner) closeObject(mark int) {
	s.depth--
	s.keys = s.keys[:mark]
}

// unique remembers a key of the object that openObject began, and refuses one that it has. Objects are small, so looking at all of them
// costs less than a map; one with many keys pays for it.
func (s *scanner) unique(mark int, key string) error {
	if s.depth > maxNesting {
		return s.fail("Document nesting depth exceeds the maximum allowed (1000)")
	}
	for _, k := range s.keys[mark:] {
		if len(k) == len(key) && k == key {
			return s.fail("Duplicate field '" + key + "'")
		}
	}
	if len(s.keys)-mark >= maxKeys {
		return s.fail("an object has more than " + strconv.Itoa(maxKeys) + " keys")
	}
	s.keys = append(s.keys, key)
	return nil
}

// maxKeys bounds what unique compares: 8 million comparisons of lengths are a few milliseconds.
const maxKeys = 4096

// key reads a key and the colon after it.
func (s *scanner) key(a *arena) (string, error) {
	if s.i >= len(s.b) || s.b[s.i] != '"' {
		return "", s.fail("expected a field name in quotes")
	}
	k, err := s.str(a)
	if err != nil {
		return "", err
	}
	if s.space() != ':' {
		return "", s.fail("expected a colon after the field name")
	}
	s.i++
	return k, nil
}

// str reads a string; without escapes it is part of the document's bytes.
func (s *scanner) str(a *arena) (string, error) {
	from := s.i + 1
	for i := from; i < len(s.b); i++ {
		switch c := s.b[i]; {
		case c == '"':
			s.i = i + 1
			return str(s.b[from:i]), nil
		case c == '\\':
			return s.escaped(a, from, i)
		case c < ' ':
			s.i = i
			return "", s.fail("Illegal unquoted character ((CTRL-CHAR, code " + strconv.Itoa(int(c)) + ")): has to be escaped using backslash to be included in string value")
		}
	}
	s.i = len(s.b)
	return "", s.fail("")
}

// escaped is str for what has a backslash at i.
func (s *scanner) escaped(a *arena, from, i int) (string, error) {
	end := i
	for end < len(s.b) && s.b[end] != '"' {
		if s.b[end] == '\\' {
			end++
		}
		end++
	}
	if end >= len(s.b) {
		s.i = len(s.b)
		return "", s.fail("")
	}
	a.room(end - from + utf8.UTFMax)
	start := len(a.bytes)
	a.bytes = append(a.bytes, s.b[from:i]...)
	for i < end {
		c := s.b[i]
		switch {
		case c < ' ':
			s.i = i
			return "", s.fail("Illegal unquoted character")
		case c != '\\':
			a.bytes = append(a.bytes, c)
			i++
			continue
		}
		n, ok := s.escape(a, i)
		if !ok {
			s.i = i
			return "", s.fail("Unrecognized character escape")
		}
		i += n
	}
	s.i = end + 1
	return text(a.bytes[start:]), nil
}

// escape appends what the escape at i stands for, and returns its length.
func (s *scanner) escape(a *arena, i int) (n int, ok bool) {
	const from, to = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
	for k := range len(from) {
		if s.b[i+1] == from[k] {
			a.bytes = append(a.bytes, to[k])
			return 2, true
		}
	}
	r, ok := s.hex4(i)
	if !ok {
		return 0, false
	}
	if utf16.IsSurrogate(r) {
		if low, ok := s.hex4(i + 6); ok {
			if full := utf16.DecodeRune(r, low); full != utf8.RuneError {
				a.bytes = utf8.AppendRune(a.bytes, full)
				return 12, true
			}
		}
		r = utf8.RuneError
	}
	a.bytes = utf8.AppendRune(a.bytes, r)
	return 6, true
}

func (s *scanner) hex4(i int) (rune, bool) {
	if i+6 > len(s.b) || s.b[i] != '\\' || s.b[i+1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(s.b[i+2:i+6]), 16, 32)
	return rune(n), err == nil
}

// word passes over true, false or null.
func (s *scanner) word(w string) error {
	if len(s.b)-s.i < len(w) || string(s.b[s.i:s.i+len(w)]) != w || s.i+len(w) < len(s.b) && isWord(s.b[s.i+len(w)]) {
		return s.noValue()
	}
	s.i += len(w)
	return nil
}

// noValue is the error of what is no value of JSON.
func (s *scanner) noValue() error {
	end := s.i
	for end < len(s.b) && isWord(s.b[end]) {
		end++
	}
	token := string(s.b[s.i:end])
	if s.i = end; token == "" {
		return s.fail("expected a value")
	}
	return &syntaxError{end, "Unrecognized token '" + token + "': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')"}
}

func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_'
}

// number reads a number and tells whether it is written without point and exponent.
func (s *scanner) number() (raw string, whole bool, err error) {
	b, from, i := s.b, s.i, s.i
	whole = true
	digits := func() bool {
		n := i
		for i < len(b) && b[i] >= '0' && b[i] <= '9' {
			i++
		}
		return i > n
	}
	if i < len(b) && b[i] == '-' {
		i++
	}
	first := i
	ok := digits() && (b[first] != '0' || i == first+1)
	if ok && i < len(b) && b[i] == '.' {
		i++
		whole, ok = false, digits()
	}
	if ok && i < len(b) && b[i]|0x20 == 'e' {
		if i++; i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		whole, ok = false, digits()
	}
	if !ok || i < len(b) && isWord(b[i]) {
		return "", false, s.noValue()
	}
	s.i = i
	return str(b[from:i]), whole, nil
}

// skip passes over any value.
func (s *scanner) skip(depth int) error {
	if s.depth+depth > maxNesting {
		return s.fail("Document nesting depth exceeds the maximum allowed (1000)")
	}
	switch c := s.space(); c {
	case '{', '[':
		return s.skipContainer(c, depth)
	case '"':
		return s.skipString()
	case 't':
		return s.word("true")
	case 'f':
		return s.word("false")
	case 'n':
		return s.word("null")
	}
	_, _, err := s.number()
	return err
}

func (s *scanner) skipString() error {
	for i := s.i + 1; i < len(s.b); i++ {
		switch c := s.b[i]; {
		case c == '"':
			s.i = i + 1
			return nil
		case c == '\\':
			if i++; i >= len(s.b) {
				break
			}
			switch s.b[i] {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			case 'u':
				if _, ok := s.hex4(i - 1); ok {
					continue
				}
				fallthrough
			default:
				s.i = i
				return s.fail("Unrecognized character escape")
			}
		case c < ' ':
			s.i = i
			return s.fail("Illegal unquoted character")
		}
	}
	s.i = len(s.b)
	return s.fail("")
}

func (s *scanner) skipContainer(open byte, depth int) error {
	end := byte('}')
	if open == '[' {
		end = ']'
	}
	s.i++
	if s.space() == end {
		s.i++
		return nil
	}
	for {
		if open == '{' {
			if s.space() != '"' {
				return s.fail("expected a field name in quotes")
			}
			if err := s.skipString(); err != nil {
				return err
			}
			if s.space() != ':' {
				return s.fail("expected a colon after the field name")
			}
			s.i++
		}
		if err := s.skip(depth + 1); err != nil {
			return err
		}
		switch s.space() {
		case ',':
			s.i++
		case end:
			s.i++
			return nil
		default:
			return s.fail("expected a comma or the end")
		}
	}
}

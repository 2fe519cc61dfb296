package esbulk

import (
	"bytes"
	"errors"
	"strings"
)

// errAnswer says that a bulk answer cannot be understood: cut off, or not from Elasticsearch.
var errAnswer = errors.New("the answer to a bulk request cannot be understood")

// Item is what an answer says of one operation.
type Item struct {
	Status int
	Error  []byte // as it stands in the answer; nil if none
}

// allDone reports whether the answer says that no operation failed: its first member, whatever white space a proxy added, is
// "errors":false or a number (took) followed by that.
func allDone(b []byte) bool {
	s := scan{b: b}
	if !s.open('{') {
		return false
	}
	for {
		key, ok := s.key()
		if !ok {
			return false
		}
		if string(key) == "errors" {
			s.space()
			return bytes.HasPrefix(s.b[s.i:], []byte("false"))
		}
		if string(key) == "items" || !s.skip() || !s.next() {
			return false
		}
	}
}

// parseAnswer calls f for every item of a bulk answer in order, and returns how many there were. It builds nothing: the bytes that f
// gets are parts of b. An answer without items (filtered away by a proxy) has none.
func parseAnswer(b []byte, f func(i int, it Item)) (items int, err error) {
	s := scan{b: b}
	if !s.open('{') {
		return 0, errAnswer
	}
	if s.close('}') {
		return 0, s.end()
	}
	for {
		key, ok := s.key()
		if !ok {
			return items, errAnswer
		}
		if string(key) == "items" {
			items, ok = s.items(f)
		} else {
			ok = s.skip()
		}
		if !ok {
			return items, errAnswer
		}
		if s.next() {
			continue
		}
		if !s.close('}') {
			return items, errAnswer
		}
		return items, s.end()
	}
}

// scan is a cursor over JSON.
type scan struct {
	b []byte
	i int
}

func (s *scan) space() {
	for s.i < len(s.b) && (s.b[s.i] == ' ' || s.b[s.i] == '\n' || s.b[s.i] == '\r' || s.b[s.i] == '\t') {
		s.i++
	}
}

func (s *scan) open(c byte) bool {
	s.space()
	if s.i < len(s.b) && s.b[s.i] == c {
		s.i++
		return true
	}
	return false
}

func (s *scan) close(c byte) bool { return s.open(c) }
func (s *scan) next() bool        { return s.open(',') }

func (s *scan) end() error {
	if s.space(); s.i != len(s.b) {
		return errAnswer
	}
	return nil
}

// key reads a member's name and its colon.
func (s *scan) key() ([]byte, bool) {
	s.space()
	start := s.i + 1
	if !s.str() {
		return nil, false
	}
	k := s.b[start : s.i-1]
	return k, s.open(':')
}

func (s *scan) str() bool {
	if s.i >= len(s.b) || s.b[s.i] != '"' {
		return false
	}
	for i := s.i + 1; i < len(s.b); {
		j := bytes.IndexByte(s.b[i:], '"')
		if j < 0 {
			return false
		}
		i += j + 1
		slashes := 0
		for k := i - 2; s.b[k] == '\\'; k-- {
			slashes++
		}
		if slashes%2 == 0 {
			s.i = i
			return true
		}
	}
	return false
}

// skip passes one value. Brackets are matched by depth, not by kind: what comes here was written by a JSON encoder or is refused
// elsewhere.
func (s *scan) skip() bool {
	s.space()
	depth := 0
	for s.i < len(s.b) {
		switch c := s.b[s.i]; c {
		case '"':
			if !s.str() {
				return false
			}
		case '{', '[':
			depth++
			s.i++
			continue
		case '}', ']':
			if depth == 0 {
				return false
			}
			depth--
			s.i++
		case ',', ':', ' ', '\n', '\r', '\t':
			if depth == 0 {
				return false
			}
			s.i++
			continue
		default:
			for s.i < len(s.b) && !bytes.ContainsRune([]byte(",:]} \n\r\t"), rune(s.b[s.i])) {
				s.i++
			}
		}
		if depth == 0 {
			return true
		}
	}
	return false
}

// items reads the array of items.
func (s *scan) items(f func(int, Item)) (n int, ok bool) {
	if !s.open('[') {
		return 0, false
	}
	if s.close(']') {
		return 0, true
	}
	for {
		it, ok := s.item()
		if !ok {
			return n, false
		}
		f(n, it)
		n++
		if s.next() {
			continue
		}
		return n, s.close(']')
	}
}

// item reads {"create":{"status":201,…}}. Elasticsearch before 1.0 said "ok":true in place of a status.
func (s *scan) item() (it Item, ok bool) {
	if !s.open('{') {
		return it, false
	}
	if _, ok := s.key(); !ok || !s.open('{') {
		return it, false
	}
	for {
		key, ok := s.key()
		if !ok {
			return it, false
		}
		s.space()
		start := s.i
		if !s.skip() {
			return it, false
		}
		switch value := s.b[start:s.i]; string(key) {
		case "status":
			for _, c := range value {
				if c < '0' || c > '9' || it.Status > 1000 {
					return it, false
				}
				it.Status = it.Status*10 + int(c-'0')
			}
		case "error":
			it.Error = value
		case "ok":
			if it.Status == 0 && string(value) == "true" {
				it.Status = 200
			}
		}
		if s.next() {
			continue
		}
		closed := s.close('}') // of the operation's result
		closed = s.close('}') && closed
		return it, closed && it.Status > 0
	}
}

// errorType returns the type of an item's error; of Elasticsearch 1.x, whose errors are texts, the name before the bracket.
func errorType(e []byte) string { return errorMember(e, "type") }

// errorReason returns the reason of an item's error.
func errorReason(e []byte) string { return errorMember(e, "reason") }

func errorMember(e []byte, name string) string {
	s := scan{b: e}
	if !s.open('{') {
		text := unquote(e)
		if i := strings.IndexByte(text, '['); i > 0 && name == "type" {
			text = text[:i]
		}
		return text
	}
	for {
		key, ok := s.key()
		if !ok {
			return ""
		}
		s.space()
		start := s.i
		if !s.skip() {
			return ""
		}
		if string(key) == name {
			return unquote(s.b[start:s.i])
		}
		if !s.next() {
			return ""
		}
	}
}

// unquote takes the quotes off a JSON string, whose escapes stay.
func unquote(b []byte) string {
	if len(b) >= 2 && b[0] == '"' {
		b = b[1 : len(b)-1]
	}
	return string(b)
}

// Member returns the value of the member that the names lead to, nil if there is none.
func Member(b []byte, names ...string) []byte {
	for _, name := range names {
		s := scan{b: b}
		if !s.open('{') {
			return nil
		}
		b = nil
		for b == nil {
			key, ok := s.key()
			if !ok {
				return nil
			}
			s.space()
			start := s.i
			if !s.skip() {
				return nil
			}
			if string(key) == name {
				b = s.b[start:s.i]
			} else if !s.next() {
				return nil
			}
		}
	}
	return b
}

package mutate

import (
	"errors"
	"fmt"
	"strings"

	"millrace/pipeline/event"
)

// replacement is the third item of a gsub. References to fields are resolved first; what comes of them may hold references to groups.
type replacement struct {
	template event.Template
	static   bool
	parts    []part // if static
}

// part is a literal text or a reference to what was matched.
type part struct {
	kind partKind
	text string // literal, or the name of a group
}

type partKind int

// A part of kind 0 to 9 is that group.
const (
	wholeMatch partKind = -iota
	literal
	beforeMatch
	afterMatch
	namedGroup
	malformed
)

var errGroupFormat = errors.New("gsub: invalid format of a reference to a named group")

// parseReplacement appends the parts of text, in which Ruby's String#gsub knows \0 and \& (the match), \1 to \9, \k<name>, \` and \'
// (the text before and behind) and \\. Other backslashes are plain text.
func parseReplacement(parts []part, text string) []part {
	lit := func(s string) {
		if s != "" {
			parts = append(parts, part{literal, s})
		}
	}
	done := 0
	for i := 0; i+1 < len(text); i++ {
		if text[i] != '\\' {
			continue
		}
		c := text[i+1]
		p, size := part{}, 2
		switch {
		case c == '0' || c == '&':
			p.kind = wholeMatch
		case c >= '1' && c <= '9':
			p.kind = partKind(c - '0')
		case c == '`':
			p.kind = beforeMatch
		case c == '\'':
			p.kind = afterMatch
		case c == '\\':
			p = part{literal, text[i : i+1]}
		case c == 'k' && i+2 < len(text) && text[i+2] == '<':
			end := strings.IndexByte(text[i+3:], '>')
			if end < 0 {
				return append(parts, part{kind: malformed})
			}
			p, size = part{namedGroup, text[i+3 : i+3+end]}, end+4
		default:
			i++
			continue
		}
		lit(text[done:i])
		parts = append(parts, p)
		i += size - 1
		done = i + 1
	}
	lit(text[done:])
	return parts
}

// appendReplacement appends the replacement for the match that the matcher holds.
func (m *matching) appendReplacement(dst []byte, text string) ([]byte, error) {
	for i := range m.parts {
		p := &m.parts[i]
		switch p.kind {
		case literal:
			dst = append(dst, p.text...)
		case wholeMatch:
			dst = m.appendGroup(dst, text, 0)
		case beforeMatch:
			start, _ := m.matcher.Group(0)
			dst = append(dst, text[:start]...)
		case afterMatch:
			_, end := m.matcher.Group(0)
			dst = append(dst, text[end:]...)
		case namedGroup:
			var ok bool
			if dst, ok = m.appendNamed(dst, text, p.text); !ok {
				return dst, fmt.Errorf("gsub: undefined group name reference: %s", p.text)
			}
		case malformed:
			return dst, errGroupFormat
		default:
			if len(m.regexp.Names()) == 0 { // with named groups there are no others
				dst = m.appendGroup(dst, text, int(p.kind))
			}
		}
	}
	return dst, nil
}

func (m *matching) appendGroup(dst []byte, text string, group int) []byte {
	if start, end := m.matcher.Group(group); start >= 0 {
		dst = append(dst, text[start:end]...)
	}
	return dst
}

// appendNamed appends the last group of that name that took part in the match.
func (m *matching) appendNamed(dst []byte, text, name string) (_ []byte, ok bool) {
	for _, n := range m.regexp.Names() {
		if n.Name != name {
			continue
		}
		for i := len(n.Groups) - 1; i >= 0; i-- {
			if start, _ := m.matcher.Group(n.Groups[i]); start >= 0 {
				return m.appendGroup(dst, text, n.Groups[i]), true
			}
		}
		return dst, true
	}
	return dst, false
}

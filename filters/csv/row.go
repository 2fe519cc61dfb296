package csv

import (
	"errors"
	"strings"

	"millrace/pipeline/event"
)

// grammar is what a row looks like.
type grammar struct {
	sep, quote string
	err        error // what is wrong with them
}

var (
	errQuoting  = errors.New("illegal quoting: a quote character inside a value that is not quoted")
	errUnclosed = errors.New("unclosed quoted field")
	errTrailing = errors.New("text behind a quoted value")
	errNewline  = errors.New("a value without quotes holds a line end of another kind than the row")
)

// row appends the values of the first row of s to dst as Ruby's CSV.parse_line reads them: nothing between separators is null, two quotes
// are the empty string. blank tells that there is no row, or one without anything in it.
func (g *grammar) row(a *event.Arena, s string, dst []event.Value) (_ []event.Value, blank bool, err error) {
	if g.err != nil {
		return dst, false, g.err
	}
	eol := lineEnd(s)
	if s == "" || eol != "" && strings.HasPrefix(s, eol) {
		return dst, true, nil
	}
	for {
		var v event.Value
		var next delimiter
		if v, s, next, err = g.value(a, s, eol); err != nil {
			return dst, false, err
		}
		dst = append(dst, v)
		if next != separator {
			return dst, false, nil
		}
	}
}

// lineEnd finds how lines end: by the first of \r\n, \n and \r that there is.
func lineEnd(s string) string {
	i := strings.IndexAny(s, "\r\n")
	switch {
	case i < 0:
		return ""
	case s[i] == '\r' && i+1 < len(s) && s[i+1] == '\n':
		return "\r\n"
	}
	return s[i : i+1]
}

// delimiter is what follows a value.
type delimiter uint8

const (
	rowEnd delimiter = iota
	separator
)

// value reads the first value of s.
func (g *grammar) value(a *event.Arena, s, eol string) (v event.Value, rest string, next delimiter, err error) {
	if strings.HasPrefix(s, g.quote) {
		return g.quoted(a, s[len(g.quote):], eol)
	}
	text, rest, found := strings.Cut(s, g.sep)
	if eol != "" {
		if line, _, ends := strings.Cut(text, eol); ends {
			text, rest, found = line, "", false
		}
		if strings.ContainsAny(text, "\r\n") {
			return v, "", rowEnd, errNewline
		}
	}
	if strings.Contains(text, g.quote) {
		return v, "", rowEnd, errQuoting
	}
	if text != "" {
		v = event.StringValue(text)
	}
	if found {
		next = separator
	}
	return v, rest, next, nil
}

// quoted reads on behind an opening quote.
func (g *grammar) quoted(a *event.Arena, s, eol string) (v event.Value, rest string, next delimiter, err error) {
	text, s, closed := strings.Cut(s, g.quote)
	if !closed {
		return v, "", rowEnd, errUnclosed
	}
	if strings.HasPrefix(s, g.quote) {
		if text, s, err = g.doubled(a, text, s); err != nil {
			return v, "", rowEnd, err
		}
	}
	v = event.StringValue(text)
	switch {
	case s == "", eol != "" && strings.HasPrefix(s, eol):
		return v, "", rowEnd, nil
	case strings.HasPrefix(s, g.sep):
		return v, s[len(g.sep):], separator, nil
	}
	return v, "", rowEnd, errTrailing
}

// doubled reads on behind a value's first doubled quote, of which s holds the second half.
func (g *grammar) doubled(a *event.Arena, text, s string) (_, rest string, err error) {
	dst := append(a.Free(), text...)
	for strings.HasPrefix(s, g.quote) {
		text, rest, closed := strings.Cut(s[len(g.quote):], g.quote)
		if !closed {
			return "", "", errUnclosed
		}
		dst = append(append(dst, g.quote...), text...)
		s = rest
	}
	return a.Take(dst), s, nil
}

// Package edn reads and writes the extensible data notation of Clojure as values of events, for the codecs edn and edn_lines.
package edn

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"millrace/internal/joda"
	"millrace/pipeline/event"
)

// Errors of a text that is not EDN.
var (
	ErrSyntax    = errors.New("edn: syntax error")
	ErrTruncated = errors.New("edn: unexpected end")
	ErrDepth     = errors.New("edn: nested deeper than 500")
)

const maxDepth = 500

// Read reads the first value of s, which belongs to e. Keywords and symbols are strings without their colon, lists, vectors and sets
// are lists, #inst is an instant; other tags are left out.
func Read(e *event.Event, s string) (event.Value, error) {
	r := reader{e: e, s: s}
	return r.value(0)
}

type reader struct {
	e *event.Event
	s string
	i int
}

const blanks = " \t\n\r\f\v,"

// skip moves behind white space, comments and values that #_ takes out.
func (r *reader) skip(depth int) error {
	for r.i < len(r.s) {
		switch {
		case strings.IndexByte(blanks, r.s[r.i]) >= 0:
			r.i++
		case r.s[r.i] == ';':
			end := strings.IndexByte(r.s[r.i:], '\n')
			if end < 0 {
				end = len(r.s) - r.i
			}
			r.i += end
		case strings.HasPrefix(r.s[r.i:], "#_"):
			r.i += 2
			if _, err := r.value(depth + 1); err != nil {
				return err
			}
		default:
			return nil
		}
	}
	return nil
}

func (r *reader) value(depth int) (event.Value, error) {
	if depth > maxDepth {
		return event.Value{}, ErrDepth
	}
	if err := r.skip(depth); err != nil {
		return event.Value{}, err
	}
	if r.i == len(r.s) {
		return event.Value{}, ErrTruncated
	}
	switch c := r.s[r.i]; c {
	case '"':
		return r.str()
	case '{':
		r.i++
		return r.hash(depth)
	case '[', '(':
		r.i++
		return r.list(depth, c+closing(c))
	case '#':
		return r.tagged(depth)
	case '\\':
		return r.char()
	case ']', ')', '}':
		return event.Value{}, ErrSyntax
	}
	return r.atom()
}

// closing is the distance from an opening bracket to its other half.
func closing(c byte) byte {
	if c == '(' {
		return 1
	}
	return 2
}

func (r *reader) list(depth int, end byte) (event.Value, error) {
	l := r.e.NewList()
	for {
		done, err := r.at(end, depth)
		if done || err != nil {
			return event.ListValue(l), err
		}
		v, err := r.value(depth + 1)
		if err != nil {
			return event.Value{}, err
		}
		l.Append(v)
	}
}

func (r *reader) hash(depth int) (event.Value, error) {
	o := r.e.NewObject()
	for {
		done, err := r.at('}', depth)
		if done || err != nil {
			return event.ObjectValue(o), err
		}
		k, err := r.value(depth + 1)
		if err != nil {
			return event.Value{}, err
		}
		v, err := r.value(depth + 1)
		if err != nil {
			return event.Value{}, err
		}
		o.Set(k.Text(), v)
	}
}

// at reports whether the next thing is the byte end, which it takes.
func (r *reader) at(end byte, depth int) (bool, error) {
	if err := r.skip(depth); err != nil {
		return false, err
	}
	if r.i == len(r.s) {
		return false, ErrTruncated
	}
	if r.s[r.i] != end {
		return false, nil
	}
	r.i++
	return true, nil
}

// tagged reads a set or a value with a tag.
func (r *reader) tagged(depth int) (event.Value, error) {
	r.i++
	if strings.HasPrefix(r.s[r.i:], "{") {
		r.i++
		return r.list(depth, '}')
	}
	tag := r.token()
	if tag == "" {
		return event.Value{}, ErrSyntax
	}
	v, err := r.value(depth + 1)
	if err == nil && tag == "inst" {
		if t, ok := joda.ParseTimestamp(v.Str()); ok {
			return event.TimeValue(t), nil
		}
		return event.Value{}, ErrSyntax
	}
	return v, err
}

// token takes what reaches to the next delimiter.
func (r *reader) token() string {
	start := r.i
	for r.i < len(r.s) && strings.IndexByte(blanks+`"()[]{};`, r.s[r.i]) < 0 {
		r.i++
	}
	return r.s[start:r.i]
}

// char reads a character: \a, \newline, \u00e9.
func (r *reader) char() (event.Value, error) {
	r.i++
	if r.i == len(r.s) {
		return event.Value{}, ErrTruncated
	}
	_, size := utf8.DecodeRuneInString(r.s[r.i:])
	first := r.s[r.i : r.i+size]
	r.i += size
	word := first + r.token()
	switch word {
	case "newline":
		word = "\n"
	case "return":
		word = "\r"
	case "space":
		word = " "
	case "tab":
		word = "\t"
	}
	if len(word) == 5 && word[0] == 'u' {
		if n, err := strconv.ParseUint(word[1:], 16, 32); err == nil {
			word = string(rune(n))
		}
	}
	if utf8.RuneCountInString(word) != 1 {
		return event.Value{}, ErrSyntax
	}
	return event.StringValue(word), nil
}

func (r *reader) atom() (event.Value, error) {
	word := r.token()
	switch word {
	case "":
		return event.Value{}, ErrSyntax
	case "nil":
		return event.Value{}, nil
	case "true":
		return event.BoolValue(true), nil
	case "false":
		return event.BoolValue(false), nil
	}
	c := word[0]
	if c-'0' <= 9 || (c == '-' || c == '+') && len(word) > 1 && word[1]-'0' <= 9 {
		return number(word)
	}
	if c == ':' {
		word = word[1:]
	}
	return event.StringValue(word), nil
}

func number(word string) (event.Value, error) {
	digits := strings.TrimPrefix(word, "+")
	if whole := strings.TrimSuffix(digits, "N"); strings.Trim(strings.TrimPrefix(whole, "-"), "0123456789") == "" {
		if n := strings.TrimPrefix(whole, "-"); len(n) > 1 && n[0] == '0' {
			return event.Value{}, ErrSyntax
		}
		return event.BigIntValue(whole), nil
	}
	f, err := strconv.ParseFloat(strings.TrimSuffix(digits, "M"), 64)
	if err != nil && !math.IsInf(f, 0) || strings.ContainsAny(word, "xX_pP") {
		return event.Value{}, ErrSyntax
	}
	return event.FloatValue(f), nil
}

// str reads a string. Without an escape it is a part of the text.
func (r *reader) str() (event.Value, error) {
	r.i++
	n := strings.IndexAny(r.s[r.i:], `"\`)
	if n < 0 {
		return event.Value{}, ErrTruncated
	}
	if r.s[r.i+n] == '"' {
		s := r.s[r.i : r.i+n]
		r.i += n + 1
		return event.StringValue(s), nil
	}
	dst := r.e.Arena.Free()
	for {
		n := strings.IndexAny(r.s[r.i:], `"\`)
		if n < 0 || r.s[r.i+n] == '\\' && r.i+n+1 == len(r.s) {
			return event.Value{}, ErrTruncated
		}
		dst = append(dst, r.s[r.i:r.i+n]...)
		r.i += n + 1
		if r.s[r.i-1] == '"' {
			return event.StringValue(r.e.Arena.Take(dst)), nil
		}
		c := r.s[r.i]
		r.i++
		if at := strings.IndexByte(`nrtbf"\`, c); at >= 0 {
			dst = append(dst, "\n\r\t\b\f\"\\"[at])
			continue
		}
		if c != 'u' || len(r.s)-r.i < 4 {
			return event.Value{}, ErrSyntax
		}
		code, err := strconv.ParseUint(r.s[r.i:r.i+4], 16, 32)
		if err != nil {
			return event.Value{}, ErrSyntax
		}
		dst = utf8.AppendRune(dst, rune(code))
		r.i += 4
	}
}

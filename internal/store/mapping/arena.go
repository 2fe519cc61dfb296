package mapping

import (
	"unicode"
	"unicode/utf8"
	"unsafe"

	"millrace/internal/store/query"
)

// arena holds what the documents of one request are made of, so that a document costs no allocation of its own. A slice handed out stays
// valid when its arena grows: growing leaves the old memory to whoever points to it.
type arena struct {
	fields []query.Field
	terms  []string
	gaps   []int
	ints   []int64
	floats []float64
	bytes  []byte
}

func (a *arena) reset() {
	clear(a.fields)
	clear(a.terms)
	a.fields, a.terms, a.gaps, a.ints, a.floats = a.fields[:0], a.terms[:0], a.gaps[:0], a.ints[:0], a.floats[:0]
	a.bytes = nil // strings of documents may outlive the request in error messages
}

// Limits of what an arena keeps from one request to the next: a request of 2 MiB needs about half of them.
const (
	maxKeptFields = 1 << 16
	maxKeptTerms  = 1 << 19
)

func (a *arena) tooLarge() bool { return cap(a.fields) > maxKeptFields || cap(a.terms) > maxKeptTerms }

const byteChunk = 64 << 10

// room makes sure that n bytes can be appended to a.bytes without moving what is there.
func (a *arena) room(n int) {
	if cap(a.bytes)-len(a.bytes) < n {
		a.bytes = make([]byte, 0, max(byteChunk, n))
	}
}

func text(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	return unsafe.String(&b[0], len(b))
}

func extend[T any](all *[]T, old []T, v T) []T {
	if len(old) > 0 {
		return append(old, v)
	}
	n := len(*all)
	*all = append(*all, v)
	return (*all)[n : n+1 : n+1]
}

// lower returns s in lower case, as Java's Character.toLowerCase of each character.
func (a *arena) lower(s string, ascii bool) string {
	a.room(len(s) + len(s)/2 + utf8.UTFMax)
	n := len(a.bytes)
	if ascii {
		for i := 0; i < len(s); i++ {
			c := s[i]
			if c-'A' < 26 {
				c |= 0x20
			}
			a.bytes = append(a.bytes, c)
		}
		return text(a.bytes[n:])
	}
	for _, r := range s {
		if r == 'İ' {
			a.bytes = append(a.bytes, 'i')
			continue
		}
		a.bytes = utf8.AppendRune(a.bytes, unicode.ToLower(r))
	}
	return text(a.bytes[n:])
}

// tokens appends the tokens of s to a.terms.
func (a *arena) tokens(s string) {
	for i := 0; ; {
		from, to, ascii, upper := nextToken(s, i)
		if to == 0 {
			return
		}
		t := s[from:to]
		if upper {
			t = a.lower(t, ascii)
		}
		a.terms = append(a.terms, t)
		i = to
	}
}

// Analyze returns the tokens of s as the standard analyzer makes them.
func Analyze(s string) []string {
	var a arena
	a.tokens(s)
	return a.terms
}

// Lower returns s as the standard analyzer's normalizer does, for wildcards and prefixes over text.
func Lower(s string) string {
	var a arena
	return a.lower(s, false)
}

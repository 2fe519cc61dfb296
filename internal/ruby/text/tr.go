package text

import "unicode/utf8"

// deleted stands for a character that a Translation deletes, unchanged for one that it leaves alone.
const (
	deleted   rune = -1
	unchanged rune = -2
)

// Translation is what the two arguments of String#tr mean. It is immutable.
type Translation struct {
	ascii    [utf8.RuneSelf]rune // unchanged, deleted or what to write
	from, to []runeRange
	total    int // number of characters in to
	negated  bool
	narrow   bool // all but some characters of Latin-1: tr_s, but not tr, leaves all others alone then, in MRI as in JRuby
}

// NewTranslation reads the arguments of tr.
func NewTranslation(from, to string) (*Translation, error) {
	t := &Translation{}
	var err error
	if t.from, t.negated, err = parseRanges(from); err != nil {
		return nil, err
	}
	t.narrow = t.negated
	for _, r := range t.from {
		t.narrow = t.narrow && r.hi <= 0xff
	}
	// A caret means itself on this side, and so does a backslash before nothing.
	if len(to) > 1 && to[0] == '^' {
		to = `\` + to
	}
	if t.to, _, err = parseRanges(to); err != nil {
		return nil, err
	}
	if n := len(t.to); n > 0 {
		t.total = t.to[n-1].at + int(t.to[n-1].hi-t.to[n-1].lo) + 1
	}
	for c := range t.ascii {
		t.ascii[c] = t.slowLookup(rune(c))
	}
	return t, nil
}

func (t *Translation) lookup(r rune) rune {
	if r < utf8.RuneSelf {
		return t.ascii[r]
	}
	return t.slowLookup(r)
}

func (t *Translation) slowLookup(r rune) rune {
	i := findRange(t.from, r)
	if (i < 0) != t.negated {
		return unchanged
	}
	if t.total == 0 {
		return deleted
	}
	at := t.total - 1
	if !t.negated {
		at = min(at, t.from[i].at+int(r-t.from[i].lo))
	}
	for j := len(t.to) - 1; ; j-- {
		if t.to[j].at <= at {
			return t.to[j].lo + rune(at-t.to[j].at)
		}
	}
}

// Apply is String#tr, or with squeeze String#tr_s.
func (t *Translation) Apply(s string, squeeze bool) (string, error) {
	var out []byte
	kept := 0
	last := unchanged // what the character before was translated to
	for i, r := range s {
		if r == utf8.RuneError && !validAt(s, i) {
			return "", invalidBytes()
		}
		to := t.lookup(r)
		if squeeze && t.narrow && r > 0xff {
			to = unchanged
		}
		if to == unchanged || to == r && !squeeze {
			last = unchanged
			continue
		}
		if out == nil {
			out = make([]byte, 0, len(s)+8)
		}
		out = append(out, s[kept:i]...)
		kept = i + utf8.RuneLen(r)
		if to == deleted || squeeze && to == last {
			continue
		}
		out = utf8.AppendRune(out, to)
		last = to
	}
	if kept == 0 {
		return s, nil
	}
	return string(append(out, s[kept:]...)), nil
}

// Tr is String#tr.
func Tr(s, from, to string) (string, error) { return translate(s, from, to, false) }

// TrS is String#tr_s.
func TrS(s, from, to string) (string, error) { return translate(s, from, to, true) }

func translate(s, from, to string, squeeze bool) (string, error) {
	if s == "" || from == "" && to != "" {
		return s, nil
	}
	if to == "" {
		return Delete(s, from)
	}
	t, err := NewTranslation(from, to)
	if err != nil {
		return "", err
	}
	return t.Apply(s, squeeze)
}

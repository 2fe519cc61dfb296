package onig

import (
	"math/bits"
	"slices"
	"unicode"
	"unicode/utf8"
)

// runeRange is an inclusive range of code points.
type runeRange struct{ lo, hi rune }

// charSet is a set of characters: sorted, disjoint ranges of code points, and whether a byte that is not part of valid UTF-8 (which counts as one
// character) belongs to it. Sets are immutable once a node holds them.
type charSet struct {
	r       []runeRange
	invalid bool
}

func (s *charSet) add(lo, hi rune) {
	if lo <= hi {
		s.r = append(s.r, runeRange{lo, hi})
	}
}

// normalize sorts the ranges and joins those that touch.
func (s *charSet) normalize() *charSet {
	if len(s.r) < 2 {
		return s
	}
	slices.SortFunc(s.r, func(a, b runeRange) int { return int(a.lo) - int(b.lo) })
	out := s.r[:1]
	for _, x := range s.r[1:] {
		last := &out[len(out)-1]
		if x.lo <= last.hi+1 {
			last.hi = max(last.hi, x.hi)
		} else {
			out = append(out, x)
		}
	}
	s.r = out
	return s
}

// negate returns the complement; bytes that are not UTF-8 change sides too.
func (s *charSet) negate() *charSet {
	out := &charSet{r: make([]runeRange, 0, len(s.r)+1), invalid: !s.invalid}
	next := rune(0)
	for _, x := range s.r {
		out.add(next, x.lo-1)
		next = x.hi + 1
	}
	out.add(next, unicode.MaxRune)
	return out
}

func (s *charSet) union(o *charSet) *charSet {
	out := &charSet{r: make([]runeRange, 0, len(s.r)+len(o.r)), invalid: s.invalid || o.invalid}
	out.r = append(append(out.r, s.r...), o.r...)
	return out.normalize()
}

func (s *charSet) intersect(o *charSet) *charSet {
	out := &charSet{invalid: s.invalid && o.invalid}
	for i, j := 0, 0; i < len(s.r) && j < len(o.r); {
		a, b := s.r[i], o.r[j]
		out.add(max(a.lo, b.lo), min(a.hi, b.hi))
		if a.hi < b.hi {
			i++
		} else {
			j++
		}
	}
	return out
}

func (s *charSet) subtract(o *charSet) *charSet { return s.intersect(o.negate()) }

func (s *charSet) contains(c rune) bool {
	i, j := 0, len(s.r)
	for i < j {
		m := int(uint(i+j) >> 1)
		if s.r[m].hi < c {
			i = m + 1
		} else {
			j = m
		}
	}
	return i < len(s.r) && s.r[i].lo <= c
}

func (s *charSet) equal(o *charSet) bool { return s.invalid == o.invalid && slices.Equal(s.r, o.r) }

func (s *charSet) empty() bool { return len(s.r) == 0 && !s.invalid }

// single returns the only character of the set, if it has exactly one.
func (s *charSet) single() (rune, bool) {
	if len(s.r) == 1 && s.r[0].lo == s.r[0].hi && !s.invalid {
		return s.r[0].lo, true
	}
	return 0, false
}

// highCoverage reports whether all of what is not ASCII belongs to the set, invalid bytes included, or none of it. Surrogates, which UTF-8 cannot hold, do
// not count.
func (s *charSet) highCoverage() (all, none bool) {
	none = !s.invalid
	next := rune(utf8.RuneSelf)
	for _, x := range s.r {
		if x.hi < utf8.RuneSelf {
			continue
		}
		none = false
		if x.lo > next && !(next >= 0xD800 && x.lo <= 0xE000) {
			return false, none
		}
		next = x.hi + 1
	}
	return s.invalid && next > unicode.MaxRune, none
}

// byteSet is a set of byte values.
type byteSet [4]uint64

var allBytes = byteSet{^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0)}

func (b *byteSet) add(c byte)      { b[c>>6] |= 1 << (c & 63) }
func (b *byteSet) has(c byte) bool { return b[c>>6]&(1<<(c&63)) != 0 }
func (b byteSet) or(o byteSet) byteSet {
	return byteSet{b[0] | o[0], b[1] | o[1], b[2] | o[2], b[3] | o[3]}
}
func (b byteSet) and(o byteSet) byteSet {
	return byteSet{b[0] & o[0], b[1] & o[1], b[2] & o[2], b[3] & o[3]}
}
func (b byteSet) minus(o byteSet) byteSet {
	return byteSet{b[0] &^ o[0], b[1] &^ o[1], b[2] &^ o[2], b[3] &^ o[3]}
}
func (b byteSet) count() int {
	return bits.OnesCount64(b[0]) + bits.OnesCount64(b[1]) + bits.OnesCount64(b[2]) + bits.OnesCount64(b[3])
}
func (b byteSet) empty() bool { return b[0]|b[1]|b[2]|b[3] == 0 }

// Entries of class.tab.
const (
	tabNo     = 0 // no character that starts with this byte belongs to the class
	tabYes    = 1 // every character that starts with this byte does
	tabDecode = 2 // the character has to be decoded
)

// class is a charSet made ready for matching.
type class struct {
	tab      [256]uint8
	set      *charSet
	first    byteSet // bytes a member may start with
	bytewise bool    // what is not ASCII belongs to it wholly or not at all: runs of it can be measured byte by byte
	allHigh  bool
	any      bool // every character
}

func newClass(s *charSet) *class {
	c := &class{set: s}
	all, none := s.highCoverage()
	c.bytewise, c.allHigh = all || none, all
	for _, x := range s.r {
		for r := x.lo; r <= x.hi && r < utf8.RuneSelf; r++ {
			c.tab[r] = tabYes
			c.first.add(byte(r))
		}
	}
	switch {
	case all:
		for b := utf8.RuneSelf; b < 256; b++ {
			c.tab[b] = tabYes
			c.first.add(byte(b))
		}
	case !none:
		c.markLeads(s)
	}
	c.any = c.first == allBytes && all
	return c
}

// markLeads fills in which bytes above ASCII may start a member.
func (c *class) markLeads(s *charSet) {
	if s.invalid {
		for b := utf8.RuneSelf; b < 256; b++ {
			c.tab[b] = tabDecode
			c.first.add(byte(b))
		}
		return
	}
	for _, x := range s.r {
		if x.hi < utf8.RuneSelf {
			continue
		}
		for b := leadByte(max(x.lo, utf8.RuneSelf)); b <= leadByte(x.hi); b++ {
			c.tab[b] = tabDecode
			c.first.add(byte(b))
		}
	}
}

// leadByte returns the first byte of r's encoding, also for surrogates.
func leadByte(r rune) int {
	switch {
	case r < 0x80:
		return int(r)
	case r < 0x800:
		return 0xC0 | int(r>>6)
	case r < 0x10000:
		return 0xE0 | int(r>>12)
	}
	return 0xF0 | int(r>>18)
}

// matchHigh decides a character that is not ASCII, at s[pos:], and returns its length in bytes, 0 if it is no member.
func (c *class) matchHigh(s string, pos int) int {
	r, n := utf8.DecodeRuneInString(s[pos:])
	switch {
	case r == utf8.RuneError && n <= 1:
		if c.set.invalid {
			return 1
		}
	case c.set.contains(r):
		return n
	}
	return 0
}

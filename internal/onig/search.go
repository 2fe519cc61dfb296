package onig

import (
	"math"
	"strings"
	"unicode/utf8"
)

// startKind says where a match can start.
type startKind uint8

const (
	startAnywhere startKind = iota
	startText               // at the beginning of the text only
	startLine               // at beginnings of lines only
	startSearch             // where the search starts only: \G, or .* in front, which reaches every later start
	startByte               // at one byte
	startSet                // at one of several bytes
	startLiteral            // at a literal
)

// searcher is what is known of a pattern before it is run.
type searcher struct {
	kind      startKind
	required  string   // the longest of literals
	literals  []string // what every match contains, in this order
	prefix    string
	b         byte
	set       *[256]uint8
	second    *[256]uint8 // bytes that may come second; nil if any may
	secondEnd bool        // the text may end behind the first
	broad     bool        // so many bytes can start a match that a filter pays
	least     int         // bytes a match has at least
}

func (c *compiler) newSearcher(root *node) searcher {
	s := searcher{literals: requiredLiterals(root)}
	s.required = longestOf(s.literals)
	if least, _ := charRange(root); c.ret < 0 {
		s.least = least
	}
	f := c.followOf(root, anything)
	prefix := literalPrefix(root)
	switch {
	case leadAnchor(root, anchorBeginText):
		s.kind = startText
	case leadAnchor(root, anchorStart):
		s.kind = startSearch
	case leadAnchor(root, anchorBeginLine):
		s.kind = startLine
	case len(prefix) > 1:
		s.kind, s.prefix = startLiteral, prefix
	case len(prefix) == 1:
		s.kind, s.b = startByte, prefix[0]
	case !c.dependent && c.leadingAny(root):
		s.kind = startSearch
	case f.bytes != allBytes && !f.end && !emptyable(root):
		s.kind, s.set = startSet, c.followTable(f)
		s.broad = f.bytes.and(highBytes).empty() && f.bytes.and(wordBytes).count() >= minFilterStarts
	}
	if s.kind == startByte || s.kind == startSet {
		if b, end := c.secondBytes(root, anything); b != allBytes && f.bytes.and(highBytes).empty() {
			s.second, s.secondEnd = c.followTable(follow{bytes: b}), end
		}
	}
	return s
}

// leadAnchor reports whether every match of n begins with an anchor of the kind.
func leadAnchor(n *node, a anchorKind) bool {
	switch n.kind {
	case nodeAnchor:
		return n.anchor == a
	case nodeCat:
		for _, k := range n.kids {
			if leadAnchor(k, a) {
				return true
			}
			if k.kind != nodeAnchor && k.kind != nodeLook {
				return false
			}
		}
	case nodeGroup, nodeAtomic:
		return leadAnchor(n.kids[0], a)
	case nodeAlt:
		for _, k := range n.kids {
			if !leadAnchor(k, a) {
				return false
			}
		}
		return true
	case nodeRepeat:
		return n.min > 0 && leadAnchor(n.kids[0], a)
	}
	return false
}

// literalPrefix returns the text every match starts with.
func literalPrefix(n *node) string {
	s, _ := exactPrefix(n)
	return s
}

// exactPrefix returns the text n starts with, and whether that is all n matches.
func exactPrefix(n *node) (string, bool) {
	switch n.kind {
	case nodeEmpty, nodeAnchor:
		return "", true
	case nodeLook:
		return "", true
	case nodeLit:
		return n.lit, true
	case nodeGroup, nodeAtomic:
		return exactPrefix(n.kids[0])
	case nodeCat:
		all := ""
		for _, k := range n.kids {
			s, whole := exactPrefix(k)
			all += s
			if !whole {
				return all, false
			}
		}
		return all, true
	case nodeRepeat:
		if n.min > 0 {
			s, whole := exactPrefix(n.kids[0])
			return s, whole && n.min == 1 && n.max == 1
		}
	}
	return "", false
}

// maxLiterals is how many literals are looked for: more of them rule out hardly any more texts.
const maxLiterals = 8

// requiredLiterals returns texts that every match of n contains, in this order and one behind the other. Single bytes are left out where there are longer ones.
func requiredLiterals(n *node) []string {
	var found []string
	run, longest := "", 0
	flush := func() {
		if run != "" {
			found = append(found, run)
			longest = max(longest, len(run))
		}
		run = ""
	}
	var walk func(n *node)
	walk = func(n *node) {
		switch n.kind {
		case nodeLit:
			run += n.lit
		case nodeEmpty, nodeAnchor, nodeLook:
		case nodeGroup, nodeAtomic, nodeCat:
			for _, k := range n.kids {
				walk(k)
			}
		case nodeRepeat:
			flush()
			if n.min > 0 {
				walk(n.kids[0])
				flush()
			}
		default:
			flush()
		}
	}
	walk(n)
	flush()
	kept := found[:0]
	for _, lit := range found {
		if len(lit) > 1 || longest == 1 && len(kept) == 0 {
			kept = append(kept, lit)
		}
	}
	return kept[:min(len(kept), maxLiterals)]
}

// longestOf returns the longest of some literals, "" if there are none.
func longestOf(lits []string) string {
	longest := ""
	for _, lit := range lits {
		if len(lit) > len(longest) {
			longest = lit
		}
	}
	return longest
}

// find searches m.text from start.
func (m *Matcher) find(start int) bool {
	se := &m.re.search
	if !m.lucky && m.lacks(start) {
		return false
	}
	if m.debug {
		return m.findAnywhere(start)
	}
	switch se.kind {
	case startText:
		return start == 0 && m.attempt(0)
	case startSearch:
		return m.attempt(start)
	case startLine:
		return m.findLines(start)
	case startLiteral, startByte, startSet:
		return m.findFirst(start, se)
	}
	return m.findAnywhere(start)
}

// lacks reports whether the text has no literal that every match contains. Where the last text matched, the next one is likely to do so too, and it is asked
// only when the first attempt has failed.
func (m *Matcher) lacks(start int) bool {
	m.lucky = false
	se := &m.re.search
	if se.required == "" {
		m.within = math.MaxInt32
		return false
	}
	return !strings.Contains(m.text[start:], se.required) || !m.reach(start)
}

// reach looks for the literals that a match from start on has to contain, and notes how far to the right it may start at most before they have to be looked for
// again.
func (m *Matcher) reach(start int) bool {
	s := m.text
	for i, lit := range m.re.search.literals {
		j := strings.Index(s[start:], lit)
		if j < 0 {
			return false
		}
		if start += j; i == 0 {
			m.within = start
		}
		start += len(lit)
	}
	return true
}

func (m *Matcher) findAnywhere(start int) bool {
	s := m.text
	last := len(s) - m.re.search.least
	for i := start; i <= last && !m.timedOut; {
		if i > m.within && !m.reach(i) && !m.debug {
			return false
		}
		if m.attempt(i) {
			return true
		}
		if m.lucky && m.lacks(start) {
			return false
		}
		if i < len(s) && s[i] >= utf8.RuneSelf {
			_, n := utf8.DecodeRuneInString(s[i:])
			i += n
		} else {
			i++
		}
	}
	return false
}

func (m *Matcher) findLines(start int) bool {
	s := m.text
	if start == 0 || s[start-1] == '\n' {
		if m.attempt(start) {
			return true
		}
	}
	if m.lucky && m.lacks(start) {
		return false
	}
	for i := start; !m.timedOut; {
		j := strings.IndexByte(s[i:], '\n')
		if j < 0 {
			return false
		}
		i += j + 1
		if m.attempt(i) {
			return true
		}
	}
	return false
}

// findFirst tries the places where the first two bytes fit.
func (m *Matcher) findFirst(start int, se *searcher) bool {
	s := m.text
	for i := start; !m.timedOut; i = int(charEnd(s, int32(i))) {
		if i = se.nextStart(s, i); i < 0 || i > m.within && !m.reach(i) {
			return false
		}
		if m.attempt(i) {
			return true
		}
		if m.lucky && m.lacks(start) {
			return false
		}
		if m.filter != nil {
			return m.findFiltered(i+1, se)
		}
		if se.broad && m.misses < missesToFilter {
			m.miss()
		}
	}
	return false
}

// miss counts the places that looked like the start of a match and were none, until there are enough of them for a filter.
func (m *Matcher) miss() {
	if m.misses++; m.misses == missesToFilter {
		m.filter = m.re.filter()
	}
}

// findFiltered tries the places that the filter leaves. All of them have an ASCII byte, so that they are no middle of a character.
func (m *Matcher) findFiltered(i int, se *searcher) bool {
	s, f := m.text, m.filter
	for !m.timedOut {
		first, last, ok := f.starts(s, i)
		if !ok {
			m.credit = min(m.credit+len(s)-i, filterCredit)
			return false
		}
		if m.credit += last - i - filterCost; m.credit < -filterCredit {
			m.filter = nil // it stops nearly everywhere
		}
		for i = first; ; i++ {
			if i = se.nextStart(s, i); i < 0 {
				return false
			}
			if i > last {
				break
			}
			if i > m.within && !m.reach(i) {
				return false
			}
			if m.attempt(i) {
				return true
			}
			if m.timedOut {
				return false
			}
		}
		i = last + 1
	}
	return false
}

// nextStart returns the first place from i on where a match may start, -1 if there is none.
func (se *searcher) nextStart(s string, i int) int {
	for {
		switch se.kind {
		case startLiteral:
			j := strings.Index(s[i:], se.prefix)
			if j < 0 {
				return -1
			}
			return i + j
		case startByte:
			j := strings.IndexByte(s[i:], se.b)
			if j < 0 {
				return -1
			}
			i += j
		default:
			for i < len(s) && se.set[s[i]] == 0 {
				i++
			}
			if i >= len(s) {
				return -1
			}
		}
		switch {
		case se.second == nil:
			return i
		case i+1 == len(s):
			if se.secondEnd {
				return i
			}
			return -1
		case se.second[s[i+1]] != 0:
			return i
		}
		i++ // a first byte is ASCII here, so the next character starts behind it
	}
}

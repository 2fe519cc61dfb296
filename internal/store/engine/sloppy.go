package engine

import "slices"

// phraseMatcher computes how often a document holds a phrase, as Lucene does: exactly, a match counts one; with slop, a match in which
// the terms are n moves away from their places counts 1/(1+n), and matches are found by always advancing the term that is furthest
// behind. Documents with several ways to match get the same value as there only if the same ways are counted, so the order of the steps
// is part of the result.
type phraseMatcher struct {
	slop   int
	groups [][]*phrasePos // places with the same term
	all    []phrasePos
	queue  []*phrasePos // by position, the least first
	end    int          // the greatest position
	length int          // of the current match
	alive  bool
}

// phrasePos is one term of the phrase in a document. Its position is where the phrase would begin by it.
type phrasePos struct {
	offset   int
	position int
	rest     []uint32
	group    int // of repeated terms; -1: not repeated
	nth      int // in the group
}

// newPhraseMatcher returns a matcher; first has for each place the first place of the same term.
func newPhraseMatcher(slop int, first []int) *phraseMatcher {
	m := &phraseMatcher{slop: slop, all: make([]phrasePos, len(first))}
	for i := range m.all {
		m.all[i] = phrasePos{offset: i, group: -1}
	}
	for i, f := range first {
		if f == i {
			continue
		}
		if m.all[f].group < 0 {
			m.all[f].group = len(m.groups)
			m.groups = append(m.groups, []*phrasePos{&m.all[f]})
		}
		g := m.all[f].group
		m.all[i].group, m.all[i].nth = g, len(m.groups[g])
		m.groups[g] = append(m.groups[g], &m.all[i])
	}
	return m
}

// freq returns how often the phrase is in the document of which slots hold the positions.
func (m *phraseMatcher) freq(slots []slotReader) float32 {
	if m.slop == 0 {
		return exactFreq(slots)
	}
	m.alive = m.begin(slots)
	freq := float32(0)
	for m.next() {
		freq += 1 / (1 + float32(m.length))
	}
	return freq
}

func exactFreq(slots []slotReader) float32 {
	n := 0
	for _, p := range slots[0].pos {
		all := true
		for i := 1; i < len(slots) && all; i++ {
			_, all = slices.BinarySearch(slots[i].pos, p+uint32(i))
		}
		if all {
			n++
		}
	}
	return float32(n)
}

// begin places all terms: each at its first position, repeated ones each at another.
func (m *phraseMatcher) begin(slots []slotReader) bool {
	m.queue, m.end = m.queue[:0], -1<<31
	for i := range m.all {
		m.all[i].rest = slots[i].pos
		if !m.all[i].advance() {
			return false
		}
	}
	for _, g := range m.groups {
		for j := 1; j < len(g); j++ {
			for range j {
				if !g[j].advance() {
					return false
				}
			}
		}
	}
	for i := range m.all {
		m.end = max(m.end, m.all[i].position)
		m.push(&m.all[i])
	}
	return true
}

func (p *phrasePos) advance() bool {
	if len(p.rest) == 0 {
		return false
	}
	p.position = int(p.rest[0]) - p.offset
	p.rest = p.rest[1:]
	return true
}

func (p *phrasePos) before(o *phrasePos) bool {
	return p.position < o.position || p.position == o.position && p.offset < o.offset
}

// push and pop keep the queue sorted; phrases are short.
func (m *phraseMatcher) push(p *phrasePos) {
	i := len(m.queue)
	for i > 0 && p.before(m.queue[i-1]) {
		i--
	}
	m.queue = slices.Insert(m.queue, i, p)
}

func (m *phraseMatcher) pop() *phrasePos {
	p := m.queue[0]
	m.queue = slices.Delete(m.queue, 0, 1)
	return p
}

func (m *phraseMatcher) advance(p *phrasePos) bool {
	if !p.advance() {
		return false
	}
	m.end = max(m.end, p.position)
	return true
}

// next goes to the next match within the slop.
func (m *phraseMatcher) next() bool {
	if !m.alive {
		return false
	}
	p := m.pop()
	m.length = m.end - p.position
	following := m.queue[0].position
	for m.advance(p) {
		if p.group >= 0 && !m.separate(p) {
			break
		}
		if p.position > following {
			m.push(p)
			if m.length <= m.slop {
				return true
			}
			p = m.pop()
			following = m.queue[0].position
			m.length = m.end - p.position
		} else {
			m.length = min(m.length, m.end-p.position)
		}
	}
	m.alive = false
	return m.length <= m.slop
}

// separate moves repeated terms on until no two stand on the same token, and puts those of the queue that moved in their place.
func (m *phraseMatcher) separate(p *phrasePos) bool {
	first := p.nth
	group := m.groups[p.group]
	moved := false
	for {
		other := collision(group, p)
		if other == nil {
			break
		}
		k := other.nth
		if other.before(p) {
			p = other
		}
		if !m.advance(p) {
			return false
		}
		if k != first {
			moved = true
		}
	}
	if moved {
		slices.SortStableFunc(m.queue, func(a, b *phrasePos) int {
			if a.before(b) {
				return -1
			}
			return 1
		})
	}
	return true
}

func collision(group []*phrasePos, p *phrasePos) *phrasePos {
	for _, o := range group {
		if o != p && o.position+o.offset == p.position+p.offset {
			return o
		}
	}
	return nil
}

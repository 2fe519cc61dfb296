package onig

import (
	"math/bits"
	"unsafe"
)

// filter is an automaton that runs over the text once and finds the places where a match may have started, by the first bytes of the pattern. Row 0 means that
// one may have.
type filter struct {
	kinds *[256]uint8
	next  []uint16
	start uint16 // the row in which no match is under way
}

// Limits of a filter. It pays where many bytes can start a match, and where the place a search starts at is not the one that matches: a few
// failures are waited for before it is made.
const (
	maxFilterStates = 300
	minFilterStarts = 8
	missesToFilter  = 50
	filterCost      = 12      // bytes that have to be passed over for a place it finds, on average
	filterCredit    = 1 << 12 // by how much it may fall short
)

// underWay is in a state where a match may have started before: with what that can go on with alone, it may look like one where none has.
const underWay = 254

// newFilter makes the filter of a pattern, nil if it would be too large or say nothing.
func newFilter(pattern string, fl flags) *filter {
	scratch := takeScratch()
	root, groups, calls, err := parse(pattern, fl, scratch)
	if err != nil || calls {
		return nil
	}
	c := scratch.newCompiler(pattern, root, groups, calls)
	defer scratch.give(c)
	root = c.simplify(root)
	for _, depth := range []int{12, 8, 5, 3} {
		b := c.takeBuilder(anything)
		var done positions
		done.add(acceptPosition)
		entry, ok := b.approximate(root, done, 0, depth)
		if !ok || entry.has(acceptPosition) {
			continue
		}
		if f := b.determineFilter(entry); f != nil {
			return f
		}
	}
	return nil
}

// approximate adds what n begins with up to depth bytes from the start of the pattern, of which at least came are behind it. What it cannot express, it takes
// as matched, so that no match is missed.
func (b *builder) approximate(n *node, next positions, came, depth int) (entry positions, ok bool) {
	var done positions
	done.add(acceptPosition)
	if came >= depth {
		return done, true
	}
	switch n.kind {
	case nodeEmpty, nodeLook, nodeAnchor, nodeKeep:
		return next, true
	case nodeFail:
		return positions{}, true
	case nodeLit:
		text := n.lit
		if len(text) > depth-came {
			text, next = text[:depth-came], done
		}
		for i := len(text) - 1; i >= 0; i-- {
			var s byteSet
			s.add(text[i])
			if next, ok = b.position(s, next); !ok {
				return next, false
			}
		}
		return next, true
	case nodeClass:
		first := b.c.class(n.set).first
		if entry, ok = b.position(first.minus(highBytes), next); !ok {
			return next, false
		}
		if high := first.and(highBytes); !high.empty() {
			e, ok := b.position(high, done)
			return entry.or(e), ok
		}
		return entry, true
	case nodeGroup, nodeAtomic:
		return b.approximate(n.kids[0], next, came, depth)
	case nodeCat:
		return b.approximateCat(n, next, came, depth)
	case nodeAlt:
		for _, k := range n.kids {
			e, ok := b.approximate(k, next, came, depth)
			if !ok {
				return next, false
			}
			entry = entry.or(e)
		}
		return entry, true
	case nodeRepeat:
		return b.approximateRepeat(n, next, came, depth)
	}
	return done, true
}

func (b *builder) approximateCat(n *node, next positions, came, depth int) (positions, bool) {
	at := make([]int, len(n.kids))
	for i, k := range n.kids {
		at[i] = came
		least, _ := charRange(k)
		came = addLength(came, least)
	}
	ok := true
	for i := len(n.kids) - 1; i >= 0 && ok; i-- {
		next, ok = b.approximate(n.kids[i], next, at[i], depth)
	}
	return next, ok
}

func (b *builder) approximateRepeat(n *node, next positions, came, depth int) (positions, bool) {
	body := n.kids[0]
	least, _ := charRange(body)
	// Iterations behind the depth are not looked at. One that may be empty says little about where the next one is.
	copies := depth
	if least > 0 {
		copies = (depth-came)/least + 1
	}
	if n.max < copies {
		copies = n.max
	} else {
		next.add(acceptPosition)
	}
	skip, ok := next, true
	for i := copies; i > 0; i-- {
		mark := len(b.sets)
		if next, ok = b.approximate(body, next, addLength(came, mulLength(least, i-1)), depth); !ok {
			return next, false
		}
		if i > n.min {
			next = next.or(skip)
		}
		if len(b.sets) == mark && least == 0 {
			break // nothing but assertions: nested, they would take exponential time
		}
	}
	return next, true
}

// determineFilter makes the filter: in every state a match may start too.
func (b *builder) determineFilter(entry positions) *filter {
	kinds, ok := b.kinds()
	if !ok {
		return nil
	}
	samples, width := kindSamples(&kinds)
	number, rows := &b.number, b.rows[:0]
	defer func() { b.rows = rows }()
	number.reset()
	number.of(entry)
	blank := make([]uint16, width)
	rows = append(rows, blank...)
	for at := 1; at < len(number.states); at++ {
		s := number.states[at]
		s.remove(underWay)
		row := len(rows)
		rows = append(rows, blank...)
		for k := range width {
			if samples[k] < 0 {
				continue
			}
			to := entry
			for w := range s {
				for ps := s[w]; ps != 0; ps &= ps - 1 {
					if p := w<<6 | bits.TrailingZeros64(ps); b.sets[p].has(byte(samples[k])) {
						to = to.or(b.after[p])
						to.add(underWay)
					}
				}
			}
			if to.has(acceptPosition) {
				continue
			}
			id := number.of(to)
			if id >= maxFilterStates || int(id)*width > 1<<15 {
				return nil
			}
			rows[row+k] = id * uint16(width)
		}
	}
	return &filter{kinds: &kinds, next: append([]uint16(nil), rows...), start: uint16(width)}
}

// starts returns a range of places from i on, the last one included, outside of which no match starts up to the last one. It is not ok if none starts at all.
func (f *filter) starts(s string, i int) (first, last int, ok bool) {
	text, rows := unsafe.Pointer(unsafe.StringData(s)), unsafe.Pointer(unsafe.SliceData(f.next))
	row, start, kinds := uint(f.start), uint(f.start), f.kinds
	first = i
	for p := i; p < len(s); p++ {
		row = uint(*(*uint16)(unsafe.Add(rows, 2*(row+uint(kinds[*(*byte)(unsafe.Add(text, p))])))))
		if row == 0 {
			return first, p, true
		}
		if row == start {
			first = p + 1
		}
	}
	return 0, 0, false
}

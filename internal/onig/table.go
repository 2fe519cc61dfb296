package onig

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"unicode/utf8"
	"unsafe"
)

// Limits of an automaton: positions are what stands in the expression, states what the text can have come to. Larger ones are slower to build than they are
// worth; most of what is in the pattern library stays far below.
const (
	maxPositions = 240
	maxStates    = 160
	minGain      = 3 // instructions that have to be saved
)

// acceptPosition stands for the end of the expression.
const acceptPosition = 255

// positions is a set of positions: what may come next.
type positions [4]uint64

func (p positions) or(o positions) positions {
	return positions{p[0] | o[0], p[1] | o[1], p[2] | o[2], p[3] | o[3]}
}
func (p *positions) add(i int)      { p[i>>6] |= 1 << (i & 63) }
func (p *positions) remove(i int)   { p[i>>6] &^= 1 << (i & 63) }
func (p *positions) has(i int) bool { return p[i>>6]&(1<<(i&63)) != 0 }

// appendTo appends the numbers of the positions and how many they are.
func (p positions) appendTo(dst []byte) []byte {
	n := len(dst)
	for w := range p {
		for ps := p[w]; ps != 0; ps &= ps - 1 {
			dst = append(dst, byte(w<<6|bits.TrailingZeros64(ps)))
		}
	}
	return append(dst, byte(len(dst)-n))
}

// automaton decides byte by byte, without going back, how far a part of the pattern reaches. Row 0 of next is the end; the last column of a row tells
// whether the part may end there.
type automaton struct {
	kinds *[256]uint8 // kinds of bytes
	next  []uint16    // by row and kind: where the next row begins
	start uint16
	width uint16 // kinds and one
	extra extra  // what instructions that run it point to
}

// builder makes an automaton of a part of the tree that captures nothing, back to front: what follows a node is known as a set of positions.
type builder struct {
	c     *compiler
	f     follow // what follows the part
	sets  []byteSet
	after []positions

	distinct []byteSet // the different ones among sets
	which    []uint8   // by position: its place in distinct

	loops positions // positions that stand for the head of a loop under construction

	*shared
	key    []byte
	rows   []uint16
	masks  []byteSet // kinds, by distinct set
	number stateNumbers
}

// stateNumbers finds the number of a state.
type stateNumbers struct {
	slots  [1024]uint16 // more than twice the limits of automata and filters
	states []positions  // the first one is the end
}

func (n *stateNumbers) reset() {
	clear(n.slots[:])
	n.states = append(n.states[:0], positions{})
}

// of returns the number of a state, a new one if it was not met before.
func (n *stateNumbers) of(p positions) uint16 {
	h := (p[0]*0x9E3779B97F4A7C15 ^ p[1]*0xC2B2AE3D27D4EB4F ^ p[2]*0x165667B19E3779F9 ^ p[3]*0xD6E8FEB86659FD93)
	for i := h>>32 ^ h>>54; ; i++ {
		slot := &n.slots[i%uint64(len(n.slots))]
		if *slot == 0 {
			*slot = uint16(len(n.states))
			n.states = append(n.states, p)
			return *slot
		}
		if n.states[*slot] == p {
			return *slot
		}
	}
}

// genTable generates the longest sequence of kids that ends at kids[last] and an automaton can match, and returns where it begins: its instruction and the
// index of its first kid. The order of alternatives has no say there: where what follows cannot go on in the way the part itself does, only
// the longest match of the part can lead on.
func (c *compiler) genTable(kids []*node, last int, next int32, f follow) (pc int32, first int, ok bool) {
	if c.plain || c.tooBig {
		return 0, 0, false
	}
	// What would be part of it at most, before it is built.
	low, gain, size := last+1, 0, 0
	for low > 0 {
		k := kids[low-1]
		if k.kind == nodeLit && len(k.lit) > 3 && low <= last {
			break // quicker compared as a whole
		}
		n := c.places(k)
		if n < 0 || size+n > maxPositions {
			break
		}
		size += n
		gain += tableGain(k)
		low--
	}
	if gain < minGain {
		return 0, 0, false
	}
	r := c.sharedTable(kids[low:last+1], f)
	if r.auto == nil {
		return 0, 0, false
	}
	first = last + 1 - r.count
	i := inst{op: opTable, auto: r.auto, next: next, src: int32(kids[first].src)}
	if r.least >= minTraced {
		i.op, i.reg = opTraced, c.traces
		c.traces++
	}
	return c.emit(i), first, true
}

// tableResult is an automaton and how many nodes it stands for.
type tableResult struct {
	auto  *automaton
	count int
	least int // bytes it matches at least
}

// sharedTable is makeTable, remembered for nodes that stand in several patterns.
func (c *compiler) sharedTable(kids []*node, f follow) tableResult {
	key := c.builder.key[:0]
	for _, k := range kids {
		if !k.shared {
			return c.makeTable(kids, f)
		}
		key = binary.LittleEndian.AppendUint64(key, uint64(uintptr(unsafe.Pointer(k))))
	}
	for _, w := range f.bytes {
		key = binary.LittleEndian.AppendUint64(key, w)
	}
	if f.end {
		key = append(key, 1)
	}
	c.builder.key = key
	r, ok := c.tables[string(key)]
	if !ok {
		text := string(key)
		r = c.makeTable(kids, f)
		c.tables[text] = r
	}
	return r
}

// makeTable makes an automaton of as many of the last nodes as it can.
func (c *compiler) makeTable(kids []*node, f follow) (r tableResult) {
	b := c.takeBuilder(f)
	var entry positions
	entry.add(acceptPosition)
	gain, first := 0, len(kids)
	for ; first > 0; first-- {
		mark := len(b.sets)
		e, ok := b.build(kids[first-1], entry)
		if !ok {
			b.sets, b.after = b.sets[:mark], b.after[:mark]
			break
		}
		entry = e
		gain += tableGain(kids[first-1])
	}
	if gain < minGain {
		return r
	}
	r = tableResult{auto: b.find(entry, false), count: len(kids) - first}
	for _, k := range kids[first:] {
		least, _ := byteRange(k)
		r.least = addLength(r.least, least)
	}
	return r
}

// genLongest generates the body of an atomic group as an automaton that takes the longest match, if that is the one the order of alternatives prefers: where
// each byte can belong to one place of the body only, and whoever may go on does.
func (c *compiler) genLongest(body *node, next, src int32) (pc int32, ok bool) {
	if c.plain || c.tooBig || tableGain(body) < minGain || c.places(body) < 0 || !eager(body) {
		return 0, false
	}
	b := c.takeBuilder(anything)
	var entry positions
	entry.add(acceptPosition)
	if entry, ok = b.build(body, entry); !ok {
		return 0, false
	}
	a := b.find(entry, true)
	if a == nil {
		return 0, false
	}
	return c.emit(inst{op: opLongest, auto: a, next: next, src: src}), true
}

// eager reports whether n prefers to go on wherever it has the choice.
func eager(n *node) bool {
	switch n.kind {
	case nodeLit, nodeClass:
		return true
	case nodeRepeat:
		if n.mode != greedy || emptyable(n.kids[0]) {
			return false
		}
	case nodeAlt:
		for _, k := range n.kids {
			if emptyable(k) {
				return false
			}
		}
	case nodeCat:
	default:
		return false
	}
	for _, k := range n.kids {
		if !eager(k) {
			return false
		}
	}
	return true
}

// places returns how many positions n takes at most, -1 if it can be no part of an automaton.
func (c *compiler) places(n *node) int {
	f := &n.found
	if f.places == 0 {
		f.places = int32(c.findPlaces(n)) + 1
		if f.places == 0 {
			f.places = -1
		}
	}
	if f.places < 0 {
		return -1
	}
	return int(f.places) - 1
}

func (c *compiler) findPlaces(n *node) int {
	size := 0
	switch n.kind {
	case nodeEmpty:
	case nodeLit:
		return min(len(n.lit), maxPositions+1)
	case nodeClass:
		cl := c.class(n.set)
		if cl.bytewise && !cl.allHigh {
			return 1
		}
		if high := fewHigh(n.set); high != nil {
			return 1 + utf8.UTFMax*len(high)
		}
		return -1
	case nodeLook:
		if !n.neg {
			return -1
		}
	case nodeAnchor:
		if n.anchor != anchorWordBound {
			return -1
		}
	case nodeCat, nodeAlt, nodeAtomic:
		for _, k := range n.kids {
			p := c.places(k)
			if p < 0 || size+p > maxPositions {
				return -1
			}
			size += p
		}
	case nodeRepeat:
		p := c.places(n.kids[0])
		if p < 0 || n.mode == possessive {
			return -1
		}
		copies := n.max
		if n.max == infinite {
			copies = n.min + 1
			p++ // the head
		}
		if s := oneChar(n.kids[0]); s != nil && n.max > 8 && !shortRuns(s) || copies > 16 || p*copies > maxPositions {
			return -1
		}
		size = p * copies
	default:
		return -1
	}
	return size
}

// shortRuns reports whether s is a range of digits or the space: runs of them are short, others are quicker measured by themselves.
func shortRuns(s *charSet) bool {
	return len(s.r) == 1 && (s.r[0].lo >= '0' && s.r[0].hi <= '9' || s.r[0] == runeRange{' ', ' '})
}

// fewHigh returns the members of s that are not ASCII, nil if they are many.
func fewHigh(s *charSet) []rune {
	const few = 4
	if s.invalid {
		return nil
	}
	var high []rune
	for _, r := range s.r {
		for x := max(r.lo, utf8.RuneSelf); x <= r.hi; x++ {
			if len(high) == few || !utf8.ValidRune(x) {
				return nil
			}
			high = append(high, x)
		}
	}
	return high
}

func (c *compiler) takeBuilder(f follow) *builder {
	b := c.builder
	b.c, b.f, b.sets, b.after, b.loops = c, f, b.sets[:0], b.after[:0], positions{}
	return b
}

// tableGain estimates how many instructions an automaton saves where n is part of it.
func tableGain(n *node) int {
	switch n.kind {
	case nodeAlt:
		return 3
	case nodeRepeat:
		if oneChar(n.kids[0]) == nil {
			return 1 + tableGain(n.kids[0])
		}
		if n.min != n.max && n.max != infinite {
			return 1
		}
	case nodeCat:
		g := 0
		for _, k := range n.kids {
			g += tableGain(k)
		}
		return g
	}
	return 0
}

// position adds a byte that belongs to set, and is followed by next.
func (b *builder) position(set byteSet, next positions) (positions, bool) {
	if len(b.sets) >= maxPositions {
		return next, false
	}
	var p positions
	p.add(len(b.sets))
	b.sets, b.after = append(b.sets, set), append(b.after, next)
	return p, true
}

// build adds n, which next follows, and returns what n can begin with.
func (b *builder) build(n *node, next positions) (positions, bool) {
	ok := true
	switch n.kind {
	case nodeEmpty:
		return next, true
	case nodeLit:
		for i := len(n.lit) - 1; i >= 0 && ok; i-- {
			var s byteSet
			s.add(n.lit[i])
			next, ok = b.position(s, next)
		}
		return next, ok
	case nodeClass:
		return b.buildClass(n.set, next)
	case nodeCat:
		for i := len(n.kids) - 1; i >= 0 && ok; i-- {
			next, ok = b.build(n.kids[i], next)
		}
		return next, ok
	case nodeAlt:
		var all positions
		for _, k := range n.kids {
			e, ok := b.build(k, next)
			if !ok {
				return next, false
			}
			all = all.or(e)
		}
		return all, true
	case nodeAtomic:
		// What has one length has nothing to go back to.
		if least, most := byteRange(n.kids[0]); least != most {
			return next, false
		}
		return b.build(n.kids[0], next)
	case nodeRepeat:
		return b.buildRepeat(n, next)
	case nodeLook:
		return next, b.c.lookHolds(n, b.followOf(next))
	case nodeAnchor:
		return next, n.anchor == anchorWordBound && boundHolds(n, b.followOf(next))
	}
	return next, false
}

// buildClass adds one character of a set: an ASCII one, or one of a few others byte by byte.
func (b *builder) buildClass(set *charSet, next positions) (positions, bool) {
	cl := b.c.class(set)
	if cl.bytewise && !cl.allHigh {
		return b.position(cl.first, next)
	}
	high := fewHigh(set)
	if high == nil {
		return next, false
	}
	all, ok := b.position(cl.first.minus(highBytes), next)
	for _, r := range high {
		var enc [utf8.UTFMax]byte
		at := next
		for i := utf8.EncodeRune(enc[:], r) - 1; i >= 0 && ok; i-- {
			var s byteSet
			s.add(enc[i])
			at, ok = b.position(s, at)
		}
		all = all.or(at)
	}
	return all, ok
}

func (b *builder) buildRepeat(n *node, next positions) (positions, bool) {
	body := n.kids[0]
	if n.mode == possessive {
		return next, false
	}
	ok := true
	if n.max == infinite {
		if next, ok = b.buildLoop(body, next); !ok {
			return next, false
		}
	} else {
		skip := next
		for i := n.min; i < n.max; i++ {
			mark := len(b.sets)
			if next, ok = b.build(body, next); !ok {
				return next, false
			}
			next = next.or(skip)
			if len(b.sets) == mark {
				break // nothing but assertions: nested, they would take exponential time
			}
		}
	}
	for range n.min {
		mark := len(b.sets)
		if next, ok = b.build(body, next); !ok {
			return next, false
		}
		if len(b.sets) == mark {
			break
		}
	}
	return next, true
}

// buildLoop adds a body that may be repeated without limit. Its head is a position of its own until what it consists of is known.
func (b *builder) buildLoop(body *node, next positions) (positions, bool) {
	if emptyable(body) {
		return next, false
	}
	mark := len(b.sets)
	head, ok := b.position(byteSet{}, positions{})
	if !ok {
		return next, false
	}
	b.loops.add(mark)
	entry, ok := b.build(body, head.or(next))
	b.loops.remove(mark)
	if !ok {
		return next, false
	}
	entry = entry.or(next)
	entry.remove(mark)
	for i := mark; i < len(b.after); i++ {
		if b.after[i].has(mark) {
			b.after[i].remove(mark)
			b.after[i] = b.after[i].or(entry)
		}
	}
	return entry, true
}

// followOf describes what the positions of next can go on with.
func (b *builder) followOf(next positions) follow {
	var f follow
	for i, s := range b.sets {
		if next.has(i) {
			if b.loops.has(i) {
				return anything
			}
			f.bytes = f.bytes.or(s)
		}
	}
	if next.has(acceptPosition) {
		f.bytes, f.end = f.bytes.or(b.f.bytes), b.f.end
	}
	return f
}

// kinds numbers the bytes by which positions take them, and the sets of the positions; not ok if there are too many kinds.
func (b *builder) kinds() (kinds [256]uint8, ok bool) {
	count := 1
	b.distinct, b.which = b.distinct[:0], b.which[:0]
	for _, s := range b.sets {
		at := slices.Index(b.distinct, s)
		if at >= 0 {
			b.which = append(b.which, uint8(at))
			continue
		}
		b.which = append(b.which, uint8(len(b.distinct)))
		b.distinct = append(b.distinct, s)
		var moved [256]uint8
		for w := range s {
			for bs := s[w]; bs != 0; bs &= bs - 1 {
				c := w<<6 | bits.TrailingZeros64(bs)
				old := kinds[c]
				if moved[old] == 0 {
					if count > 250 {
						return kinds, false
					}
					moved[old] = uint8(count)
					count++
				}
				kinds[c] = moved[old]
			}
		}
	}
	return kinds, true
}

// kindSamples returns a byte of each kind, -1 for a kind that has lost all of its bytes to others, and the number of kinds.
func kindSamples(kinds *[256]uint8) (samples [256]int16, width int) {
	for i := range samples {
		samples[i] = -1
	}
	for c, k := range kinds {
		samples[k] = int16(c)
		width = max(width, int(k)+1)
	}
	return samples, width
}

// maskKinds notes which kinds of bytes the distinct sets hold.
func (b *builder) maskKinds(samples []int16) {
	b.masks = b.masks[:0]
	for _, s := range b.distinct {
		var mask byteSet
		for k, c := range samples {
			if c >= 0 && s.has(byte(c)) {
				mask.add(byte(k))
			}
		}
		b.masks = append(b.masks, mask)
	}
}

// find makes the automaton, or returns one that was made of the same positions before.
func (b *builder) find(entry positions, longest bool) *automaton {
	key := b.key[:0]
	for i := range b.sets {
		for _, w := range b.sets[i] {
			key = binary.LittleEndian.AppendUint64(key, w)
		}
		key = b.after[i].appendTo(key)
	}
	key = entry.appendTo(key)
	for _, w := range b.f.bytes {
		key = binary.LittleEndian.AppendUint64(key, w)
	}
	if longest {
		key = append(key, 1)
	}
	b.key = key
	a, ok := b.known[string(key)]
	if !ok {
		a = b.determine(entry, longest)
		b.known[string(key)] = a
	}
	return a
}

// determine makes the automaton, nil if it would be too large. It is nil too if what follows could go on in the way the part does or, where the longest match
// is taken whatever follows, if a byte could belong to several places.
func (b *builder) determine(entry positions, longest bool) *automaton {
	kinds, ok := b.kinds()
	if !ok {
		return nil
	}
	samples, width := kindSamples(&kinds)
	b.maskKinds(samples[:width])
	a := automaton{kinds: &kinds, width: uint16(width + 1), start: uint16(width + 1)}
	number, rows := &b.number, b.rows[:0]
	defer func() { b.rows = rows }()
	number.reset()
	number.of(entry)
	var to [256]positions
	blank := make([]uint16, a.width)
	rows = append(rows, blank...)
	for at := 1; at < len(number.states); at++ {
		s := number.states[at]
		row := len(rows)
		rows = append(rows, blank...)
		accepts := s.has(acceptPosition)
		s.remove(acceptPosition)
		if accepts {
			rows[row+width] = 1
		}
		clear(to[:width])
		for w := range s {
			for ps := s[w]; ps != 0; ps &= ps - 1 {
				p := w<<6 | bits.TrailingZeros64(ps)
				if accepts && !longest && !b.sets[p].and(b.f.bytes).empty() {
					return nil
				}
				after, mask := b.after[p], &b.masks[b.which[p]]
				for v := range mask {
					for ks := mask[v]; ks != 0; ks &= ks - 1 {
						k := v<<6 | bits.TrailingZeros64(ks)
						if longest && to[k] != (positions{}) {
							return nil
						}
						to[k] = to[k].or(after)
					}
				}
			}
		}
		var last positions
		id := uint16(0)
		for k := range width {
			if to[k] == (positions{}) {
				continue
			}
			if to[k] != last {
				last = to[k]
				if id = number.of(last); id >= maxStates {
					return nil
				}
			}
			rows[row+k] = id * a.width
		}
	}
	a.next = slices.Clone(rows)
	a.extra.auto = &a
	return &a
}

// byteRange returns the least and the greatest number of bytes n matches.
func byteRange(n *node) (least, most int) {
	if n.kind == nodeLit {
		return len(n.lit), len(n.lit)
	}
	switch n.kind {
	case nodeClass:
		if _, none := n.set.highCoverage(); none {
			return 1, 1
		}
		return 1, utf8.UTFMax
	case nodeCat:
		for _, k := range n.kids {
			a, b := byteRange(k)
			least, most = addLength(least, a), addLength(most, b)
		}
		return least, most
	case nodeAlt:
		least = lengthLimit
		for _, k := range n.kids {
			a, b := byteRange(k)
			least, most = min(least, a), max(most, b)
		}
		return least, most
	case nodeRepeat:
		a, b := byteRange(n.kids[0])
		return mulLength(a, n.min), mulLength(b, n.max)
	case nodeEmpty:
		return 0, 0
	}
	return 0, lengthLimit
}

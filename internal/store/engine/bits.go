package engine

import "math/bits"

// bitset is a set of document numbers of one segment: a query's matches, what was deleted, or which documents have a field. A segment of a
// million documents takes 125 KB, which is why sets are combined a word at a time and never become lists.
type bitset []uint64

func newBitset(n uint32) bitset { return make(bitset, (uint64(n)+63)/64) }

// bitsetBytes is the length of a set on disk.
func bitsetBytes(n uint32) uint64 { return (uint64(n) + 63) / 64 * 8 }

func (b bitset) set(i uint32)      { b[i>>6] |= 1 << (i & 63) }
func (b bitset) get(i uint32) bool { return b[i>>6]&(1<<(i&63)) != 0 }

// has is get for a set that may be nil, which is the empty set.
func (b bitset) has(i uint32) bool { return b != nil && b.get(i) }

func (b bitset) count() int {
	n := 0
	for _, w := range b {
		n += bits.OnesCount64(w)
	}
	return n
}

func (b bitset) and(o bitset) {
	for i := range b {
		b[i] &= o[i]
	}
}

func (b bitset) or(o bitset) {
	for i := range b {
		b[i] |= o[i]
	}
}

func (b bitset) andNot(o bitset) {
	for i := range b {
		b[i] &^= o[i]
	}
}

// setRange adds the numbers from lo to hi, which is not among them.
func (b bitset) setRange(lo, hi uint32) {
	if lo >= hi {
		return
	}
	first, last := lo>>6, (hi-1)>>6
	head, tail := ^uint64(0)<<(lo&63), ^uint64(0)>>(63-(hi-1)&63)
	if first == last {
		b[first] |= head & tail
		return
	}
	b[first] |= head
	for i := first + 1; i < last; i++ {
		b[i] = ^uint64(0)
	}
	b[last] |= tail
}

// countRange counts the members from lo to hi, which is not among them.
func (b bitset) countRange(lo, hi uint32) int {
	if lo >= hi {
		return 0
	}
	first, last := lo>>6, (hi-1)>>6
	head, tail := ^uint64(0)<<(lo&63), ^uint64(0)>>(63-(hi-1)&63)
	if first == last {
		return bits.OnesCount64(b[first] & head & tail)
	}
	n := bits.OnesCount64(b[first]&head) + bits.OnesCount64(b[last]&tail)
	for i := first + 1; i < last; i++ {
		n += bits.OnesCount64(b[i])
	}
	return n
}

// next returns the first member that is at least i, and whether there is one.
func (b bitset) next(i uint32) (uint32, bool) {
	w := int(i >> 6)
	if w >= len(b) {
		return 0, false
	}
	if rest := b[w] >> (i & 63); rest != 0 {
		return i + uint32(bits.TrailingZeros64(rest)), true
	}
	for w++; w < len(b); w++ {
		if b[w] != 0 {
			return uint32(w<<6 + bits.TrailingZeros64(b[w])), true
		}
	}
	return 0, false
}

func (b bitset) clone() bitset { return append(bitset(nil), b...) }

// ranked is a bitset that tells how many members come before one of them: it turns a document's number into the place of its value.
// A nil set stands for all documents, which is how most fields of logs are.
type ranked struct {
	set    bitset
	before []uint32 // of each word: the members in the words before
}

func newRanked(b bitset) ranked {
	if b == nil {
		return ranked{}
	}
	r := ranked{set: b, before: make([]uint32, len(b))}
	n := 0
	for i, w := range b {
		r.before[i] = uint32(n)
		n += bits.OnesCount64(w)
	}
	return r
}

// rank returns the place of a member among the members, and whether it is one.
func (r *ranked) rank(i uint32) (uint32, bool) {
	if r.set == nil {
		return i, true
	}
	w := r.set[i>>6]
	mask := uint64(1) << (i & 63)
	if w&mask == 0 {
		return 0, false
	}
	return r.before[i>>6] + uint32(bits.OnesCount64(w&(mask-1))), true
}

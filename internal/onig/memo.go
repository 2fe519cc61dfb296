package onig

// memoLimit is the size of the table in words of 64 bits: 32 MiB. Longer texts have the time limit alone.
const memoLimit = 4 << 20

// memo remembers which alternatives have been tried at which positions. Where an alternative depends on nothing but its instruction and the position, it
// leads nowhere the second time as it did the first, so a match takes polynomial time however the pattern nests its repeats. Patterns with
// back-references, conditionals or calls have no such alternatives, nor has the inside of look-arounds, atomic groups and counted loops.
type memo struct {
	started bool // for the text at hand
	on      bool
	width   int // positions
	seen    []uint64
}

// start switches the table on, for a text of n bytes.
func (m *memo) start(ids, n int) {
	m.started, m.on = true, false
	words := (ids*(n+1) + 63) / 64
	if ids == 0 || words > memoLimit {
		return
	}
	if cap(m.seen) < words {
		m.seen = make([]uint64, words)
	} else {
		m.seen = m.seen[:words]
		clear(m.seen)
	}
	m.on, m.width = true, n+1
}

// visited reports whether alternative id was tried at pos before, and notes that it now is.
func (m *memo) visited(id, pos int32) bool {
	bit := int(id-1)*m.width + int(pos)
	w, mask := &m.seen[bit>>6], uint64(1)<<(bit&63)
	if *w&mask != 0 {
		return true
	}
	*w |= mask
	return false
}

// numberMemos gives the alternatives that may be remembered their numbers and returns how many there are.
func (c *compiler) numberMemos() int {
	if c.dependent {
		return 0
	}
	n := int32(0)
	for i := range c.prog {
		in := &c.prog[i]
		if in.flags&flagMemo == 0 {
			continue
		}
		in.memo = n + 1
		if in.op != opAlt {
			n++
			continue
		}
		longest := 0
		for _, list := range in.lists {
			longest = max(longest, len(list))
		}
		// A byte of the text belongs to one list, but positions share the number of an alternative, not of a target.
		in.max = int32(longest)
		n += int32(longest * len(in.lists))
	}
	return int(n)
}

package onig

import (
	"math"
	"slices"
	"unicode/utf8"
	"unsafe"
)

// code is an instruction in the form the machine runs: linked by pointers, with what the hot ones need at hand and neighbours fused where that saves
// steps. A capture that begins right before a hot instruction (pre) or ends right behind it (post) is set by that instruction; where there is none, the
// end of the match is set, which nobody reads before it is known, and that is quicker than to ask. When the machine goes back to an alternative, it blanks the registers from blankFrom to blankTo.
type code struct {
	op        opcode
	b         byte
	ends      uint8
	size      uint8 // opWord: bytes
	flags     uint16
	pre       uint16
	post      uint16
	blankFrom uint8
	blankTo   uint8
	idx       int32
	reg       int32
	min       int32
	max       int32
	memo      int32
	next      *code
	alt       *code
	tab       *[256]uint8 // members of the class, or the choice
	fol       *[256]uint8 // what follows may start with; nil if anything may
	word      uint64      // opWord: the text; with flagStops, the two bytes that end the run
	x         *extra
}

// extra is what only some instructions need.
type extra struct {
	lit   string
	refs  []int32
	lists [][]*code
	seq   []step
	auto  *automaton
}

// class returns the class of which tab is the first part.
func (k *code) class() *class { return (*class)(unsafe.Pointer(k.tab)) }

// setStops notes the bytes that end a run: the only ones outside the class, or where what follows may start too.
func (k *code) setStops(stops []byte) {
	k.flags |= flagStops
	k.word = uint64(stops[0]) | uint64(stops[len(stops)-1])<<8
}

// literal returns the text of opWord.
func (k *code) literal() string {
	if k.op == opLit {
		return k.x.lit
	}
	text := make([]byte, k.size)
	for i := range text {
		text[i] = byte(k.word >> (8 * i))
	}
	return string(text)
}

// step is one byte of a fused sequence: lo ≤ b ≤ lo+width, or a member of tab.
type step struct {
	tab   *[256]uint8
	lo    byte
	width byte
}

// linker is the scratch space of link.
type linker struct {
	out   []code
	uses  []uint8
	index []int32
	order []*code
	flows []flow
	edges []int32
}

// link turns the program of the compiler into code, and tells where it is entered now. The first registers are those of captures.
// Places in the pattern are kept by those who ask for them, in srcs.
func (l *linker) link(prog []inst, entry, captures int32, use purpose) (linked []code, at int32, srcs []int32) {
	if cap(l.out) < len(prog) {
		l.out, l.uses, l.index = make([]code, 2*len(prog)), make([]uint8, 2*len(prog)), make([]int32, 2*len(prog))
	}
	out := l.out[:len(prog)]
	rare := make([]extra, countExtra(prog))
	used := 0
	more := func() *extra {
		used++
		return &rare[used-1]
	}
	for i := range prog {
		in := &prog[i]
		k := &out[i]
		*k = code{op: in.op, b: in.b, ends: in.ends, flags: in.flags, pre: noSave, post: noSave, idx: int32(i), reg: in.reg, next: &out[in.next],
			min: in.min, max: in.max, memo: in.memo, tab: in.tab}
		linkOne(k, in, out, more)
	}
	uses := countUses(out, l.uses[:len(prog)])
	for i := range out {
		fuseSequence(&out[i], uses)
	}
	for i := range out {
		fuseBranch(&out[i])
	}
	l.planUndo(out, entry, captures, use == forDebug)
	fuseSaves(out, prog)
	linked = l.compact(out, rare, &out[entry])
	if use != forSpeed {
		srcs = make([]int32, len(linked))
		for i, k := range l.order {
			srcs[i] = prog[k.idx].src
		}
	}
	at = l.index[entry]
	clear(l.order)
	clear(out)
	return linked, at, srcs
}

// linkOne fills in what an instruction needs besides its successor.
func linkOne(k *code, in *inst, out []code, more func() *extra) {
	switch in.op {
	case opSaveBoth:
		k.max = in.alt
	case opTable, opTraced, opLongest:
		k.x, k.tab = &in.auto.extra, in.auto.kinds
	case opAlt:
		k.x = more()
		k.x.lists = linkLists(out, in.lists)
	case opBackref, opCond:
		k.alt, k.x = &out[in.alt], more()
		k.x.refs = in.lists[0]
	case opLit:
		if !linkWord(k, in.lit) {
			k.x = more()
			k.x.lit = in.lit
		}
	case opSet, opLookSet, opSpan, opSpanBack, opSpanLazy, opSpanFast, opSpanGreedy:
		k.tab, k.fol = &in.cls.tab, in.tab
		linkSpan(k, in)
	case opSpanEscaped:
		k.tab, k.fol = &in.cls.tab, in.tab
		if stops := stopBytes(in.cls); len(stops) <= 2 {
			k.setStops(stops)
		}
	case opPeek:
		k.tab, k.fol, k.alt = &in.cls.tab, in.tab, &out[in.alt]
	default:
		k.alt = &out[in.alt]
	}
}

func linkLists(out []code, lists [][]int32) [][]*code {
	total := 0
	for _, list := range lists {
		total += len(list)
	}
	linked, all := make([][]*code, len(lists)), make([]*code, 0, total)
	for i, list := range lists {
		from := len(all)
		for _, t := range list {
			all = append(all, &out[t])
		}
		linked[i] = all[from:len(all):len(all)]
	}
	return linked
}

// compact copies what can be reached, in the order in which it is run if all goes well, so that the machine walks through memory in one direction.
func (l *linker) compact(out []code, rare []extra, entry *code) []code {
	index := l.index[:len(out)]
	for i := range index {
		index[i] = -1
	}
	order := l.order[:0]
	todo := []*code{entry}
	for len(todo) > 0 {
		k := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for k != nil && index[k.idx] < 0 {
			index[k.idx] = int32(len(order))
			order = append(order, k)
			if k.alt != nil {
				todo = append(todo, k.alt)
			}
			if k.op == opAlt {
				for _, list := range k.x.lists {
					todo = append(todo, list...)
				}
			}
			k = k.next
		}
	}
	linked := make([]code, len(order))
	moved := func(k *code) *code {
		if k == nil || index[k.idx] < 0 {
			return nil
		}
		return &linked[index[k.idx]]
	}
	for i, k := range order {
		to := &linked[i]
		*to = *k
		to.idx, to.next, to.alt = int32(i), moved(k.next), moved(k.alt)
	}
	for i := range rare {
		for _, list := range rare[i].lists {
			for j, t := range list {
				list[j] = moved(t)
			}
		}
	}
	l.order = order
	return linked
}

// countExtra returns how many instructions need an extra of their own.
func countExtra(prog []inst) int {
	n := 0
	for i := range prog {
		switch prog[i].op {
		case opAlt, opBackref, opCond:
			n++
		case opLit:
			if len(prog[i].lit) > maxWord {
				n++
			}
		}
	}
	return n
}

// countUses counts, up to 2, how often an instruction is named by others, and names the one single byte it follows, if that is all.
func countUses(out []code, uses []uint8) []uint8 {
	clear(uses)
	use := func(k *code, weight uint8) {
		if k != nil {
			uses[k.idx] = min(2, uses[k.idx]+weight)
		}
	}
	for i := range out {
		k := &out[i]
		switch k.op {
		case opByte, opWord, opSetByte:
			use(k.next, 1)
		default:
			use(k.next, 2)
			use(k.alt, 2)
		}
		if k.op == opAlt {
			for _, l := range k.x.lists {
				for _, t := range l {
					use(t, 2)
				}
			}
		}
	}
	return uses
}

// maxWord is the longest text that is compared as one number.
const maxWord = 8

// linkWord prepares the comparison of a short literal as one number; min is by how many bits the others are shifted out.
func linkWord(k *code, lit string) bool {
	if len(lit) > maxWord {
		return false
	}
	k.op, k.size, k.min = opWord, uint8(len(lit)), int32(64-8*len(lit))
	for i := range len(lit) {
		k.word |= uint64(lit[i]) << (8 * i)
	}
	return true
}

// stopBytes returns the bytes that end a run of c.
func stopBytes(c *class) []byte {
	var stops []byte
	for b, t := range c.tab {
		if t == tabNo {
			stops = append(stops, byte(b))
		}
	}
	return stops
}

// linkSpan picks a special form of a run where there is one.
func linkSpan(k *code, in *inst) {
	if in.op == opLookSet && in.cls.bytewise {
		k.op = opLookByte
		return
	}
	if in.op == opSet && in.cls.bytewise && !in.cls.allHigh {
		k.op = opSetByte
		return
	}
	if in.op == opSpanLazy {
		linkLazy(k, in)
		return
	}
	if in.cls.allHigh && (in.op == opSpanFast || in.op == opSpanGreedy) {
		if stops := stopBytes(in.cls); len(stops) > 2 && stops[len(stops)-1] <= ' ' {
			k.flags |= flagGraph
			if in.op == opSpanFast {
				k.op = opSpanGraph
			}
		}
	}
	if in.op != opSpanFast || in.flags&flagUnbound == 0 || in.min > 1 || !in.cls.allHigh {
		return
	}
	stops := stopBytes(in.cls)
	switch len(stops) {
	case 0:
		k.op = opSpanAll
	case 1, 2:
		k.op = opSpanStops
		k.setStops(stops)
	}
}

// linkLazy looks for a lazy run that one or two bytes interrupt: by ending it, or because what follows may start there.
func linkLazy(k *code, in *inst) {
	if in.flags&flagUnbound == 0 || in.tab == nil || !in.cls.allHigh {
		return
	}
	var stops []byte
	for b, t := range in.cls.tab {
		if t == tabNo || in.tab[b] != 0 {
			stops = append(stops, byte(b))
		}
	}
	if len(stops) == 0 || len(stops) > 2 || stops[len(stops)-1] >= utf8.RuneSelf {
		return
	}
	k.setStops(stops)
}

// fuseSequence joins a chain of single bytes, of which at least one is a class, into one instruction. What stands inside such a chain and is reached in no
// other way has no need of it.
func fuseSequence(k *code, uses []uint8) {
	if uses[k.idx] == 1 || k.op != opByte && k.op != opWord && k.op != opSetByte {
		return
	}
	steps := make([]step, 0, 16)
	at, sets := k, 0
	for len(steps) < 16 {
		switch at.op {
		case opByte:
			steps = append(steps, step{lo: at.b})
		case opWord:
			for i := range at.size {
				steps = append(steps, step{lo: byte(at.word >> (8 * i))})
			}
		case opSetByte:
			steps = append(steps, classStep(at.class()))
			sets++
		default:
			if len(steps) >= 2 && sets > 0 {
				k.op, k.next, k.x = opSeq, at, &extra{seq: slices.Clone(steps)}
			}
			return
		}
		at = at.next
	}
}

func classStep(c *class) step {
	if len(c.set.r) == 1 && c.set.r[0].hi < utf8.RuneSelf {
		r := c.set.r[0]
		return step{lo: byte(r.lo), width: byte(r.hi - r.lo)}
	}
	return step{tab: &c.tab}
}

// fuseBranch lets a branch step over a single byte that it has already decided: size and b are how many bytes next and alt are behind.
func fuseBranch(k *code) {
	if k.op != opBranch {
		return
	}
	if accepts(k, k.next, mayTake) {
		k.size, k.next = 1, k.next.next
	}
	if accepts(k, k.alt, maySkip) {
		k.b, k.alt = 1, k.alt.next
	}
}

// accepts reports whether t is a single byte that matches whenever the branch k goes that way.
func accepts(k, t *code, way uint8) bool {
	if t.op != opByte && t.op != opSetByte || k.ends&way != 0 {
		return false
	}
	for b, v := range k.tab {
		if v&way != 0 && !(t.op == opByte && byte(b) == t.b || t.op == opSetByte && t.tab[b] != 0) {
			return false
		}
	}
	return true
}

// noSave is the register that is set where there is no capture: the end of the match.
const noSave = 1

// fuseSaves lets instructions set the captures around them.
func fuseSaves(out []code, prog []inst) {
	for i := range out {
		k := &out[i]
		switch k.op {
		case opByte, opWord, opSeq, opSetByte, opTable, opTraced, opLongest, opSpanFast, opSpanGraph, opSpanStops, opSpanAll, opSpanEscaped, opLookByte:
			if s := k.next; s.op == opSave && s.flags&flagUndo == 0 && s.reg <= math.MaxUint16 {
				k.post, k.next = uint16(s.reg), s.next
			}
		}
	}
	for i := range out {
		k := &out[i]
		if k.op != opSave || k.flags&flagUndo != 0 || k.reg > math.MaxUint16 {
			continue
		}
		if n := k.next; n.op != opSave && n.op != opMatch && n.pre == noSave {
			idx, reg := k.idx, k.reg
			prog[idx].src = prog[n.idx].src
			*k = *n
			k.idx, k.pre = idx, uint16(reg)
		}
	}
}

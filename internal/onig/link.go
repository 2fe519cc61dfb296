package onig

import (
	"slices"
	"unicode/utf8"
)

// code is an instruction in the form the machine runs: linked by pointers, with what the hot ones need at hand and neighbours fused where that saves
// steps. A capture that begins right before a hot instruction (pre) or ends right behind it (post) is set by that instruction.
type code struct {
	op    opcode
	b     byte
	ends  uint8
	size  uint8 // opWord: bytes
	flags uint16
	pre   uint16
	post  uint16
	idx   int32
	reg   int32
	next  *code
	alt   *code
	tab   *[256]uint8 // members of the class, or the choice
	fol   *[256]uint8 // what follows may start with; nil if anything may
	word  uint64      // opWord: the text
	mask  uint64
	min   int32
	max   int32
	memo  int32
	src   int32
	x     *extra
}

// extra is what only some instructions need.
type extra struct {
	cls     *class
	lit     string
	refs    []int32
	lists   [][]*code
	seq     []step
	stops   [2]byte // opSpanStops: the only bytes outside the class
	stopped bool    // opSpanLazy: the run ends, or what follows starts, at one of stops
	auto    *automaton
	alt     int32 // register of opSaveBoth
}

// step is one byte of a fused sequence: lo ≤ b ≤ lo+width, or a member of tab.
type step struct {
	tab   *[256]uint8
	lo    byte
	width byte
}

// link turns the program of the compiler into code.
func link(prog []inst) []code {
	out := make([]code, len(prog))
	rare := make([]extra, 0, countExtra(prog))
	more := func(x extra) *extra {
		rare = append(rare, x)
		return &rare[len(rare)-1]
	}
	for i := range prog {
		in := &prog[i]
		k := &out[i]
		*k = code{op: in.op, b: in.b, ends: in.ends, flags: in.flags, idx: int32(i), reg: in.reg, next: &out[in.next],
			min: in.min, max: in.max, memo: in.memo, src: in.src, tab: in.tab}
		switch in.op {
		case opSaveBoth:
			k.x = more(extra{alt: in.alt})
		case opTable, opLongest:
			k.x, k.tab = more(extra{auto: in.auto}), in.auto.kinds
		case opAlt:
			k.x = more(extra{lists: make([][]*code, len(in.lists))})
			for j, l := range in.lists {
				for _, t := range l {
					k.x.lists[j] = append(k.x.lists[j], &out[t])
				}
			}
		case opBackref, opCond:
			k.alt, k.x = &out[in.alt], more(extra{refs: in.lists[0]})
		case opLit:
			k.x = more(extra{lit: in.lit})
			linkWord(k, in.lit)
		case opSet, opLookSet, opSpan, opSpanBack, opSpanLazy, opSpanFast, opSpanGreedy:
			k.x = more(extra{cls: in.cls})
			k.tab, k.fol = &in.cls.tab, in.tab
			linkSpan(k, in)
		case opSpanEscaped:
			k.tab, k.fol = &in.cls.tab, in.tab
			stops := stopBytes(in.cls)
			if len(stops) <= 2 {
				k.x = more(extra{stopped: true, stops: [2]byte{stops[0], stops[len(stops)-1]}})
			}
		case opPeek:
			k.tab, k.fol, k.alt = &in.cls.tab, in.tab, &out[in.alt]
		default:
			k.alt = &out[in.alt]
		}
	}
	uses := countUses(out)
	for i := range out {
		fuseSequence(&out[i], uses)
	}
	for i := range out {
		fuseBranch(&out[i])
	}
	fuseSaves(out)
	return out
}

// countExtra returns how many instructions need an extra.
func countExtra(prog []inst) int {
	n := 0
	for i := range prog {
		switch prog[i].op {
		case opSaveBoth, opSpanEscaped, opTable, opLongest, opAlt, opBackref, opCond, opLit, opSet, opLookSet, opSpan, opSpanBack, opSpanLazy, opSpanFast, opSpanGreedy:
			n++
		}
	}
	return n
}

// countUses counts, up to 2, how often an instruction is named by others, and names the one single byte it follows, if that is all.
func countUses(out []code) []uint8 {
	uses := make([]uint8, len(out))
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

// linkWord prepares the comparison of a short literal as one number.
func linkWord(k *code, lit string) {
	if len(lit) > 8 {
		return
	}
	k.op, k.size = opWord, uint8(len(lit))
	for i := range len(lit) {
		k.word |= uint64(lit[i]) << (8 * i)
		k.mask |= 0xFF << (8 * i)
	}
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
	if in.op != opSpanFast || in.flags&flagUnbound == 0 || in.min > 1 || !in.cls.allHigh {
		return
	}
	stops := stopBytes(in.cls)
	switch len(stops) {
	case 0:
		k.op = opSpanAll
	case 1:
		k.op, k.x.stops = opSpanStops, [2]byte{stops[0], stops[0]}
	case 2:
		k.op, k.x.stops = opSpanStops, [2]byte{stops[0], stops[1]}
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
	k.x.stopped, k.x.stops = true, [2]byte{stops[0], stops[len(stops)-1]}
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
			steps = append(steps, classStep(at.x.cls))
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

// fuseSaves lets hot instructions set the captures around them.
func fuseSaves(out []code) {
	const most = 1<<16 - 1
	for i := range out {
		k := &out[i]
		switch k.op {
		case opByte, opWord, opSeq, opTable, opLongest, opSpanFast, opSpanStops, opSpanAll:
			if s := k.next; s.op == opSave && s.reg > 0 && s.reg <= most {
				k.post, k.next = uint16(s.reg), s.next
			}
		}
	}
	for i := range out {
		k := &out[i]
		if k.op != opSave || k.reg <= 0 || k.reg > most {
			continue
		}
		switch n := k.next; n.op {
		case opByte, opWord, opSeq, opTable, opLongest, opSpanFast, opSpanStops, opSpanAll, opSpanGreedy, opBranch, opAlt, opMark:
			if n.pre == 0 {
				idx, reg := k.idx, k.reg
				*k = *n
				k.idx, k.pre = idx, uint16(reg)
			}
		}
	}
}

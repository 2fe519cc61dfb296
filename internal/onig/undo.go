package onig

import (
	"math"
	"math/bits"
)

// When an alternative fails, the captures made since it was chosen have to be forgotten. Nearly always that needs no stack: most of them are made again on the
// way to any match, and the others were blank when the choice was made, so that it is enough to blank them when the machine goes back to it. What remains are
// captures in loops: only those note the old value (flagUndo).

// regSet is a set of capture registers.
type regSet [2]uint64

// maxTracked is how many registers are looked at: more than 63 groups have all their captures noted.
const maxTracked = 128

func (s regSet) or(o regSet) regSet  { return regSet{s[0] | o[0], s[1] | o[1]} }
func (s regSet) and(o regSet) regSet { return regSet{s[0] & o[0], s[1] & o[1]} }
func (s regSet) has(r int32) bool    { return s[r>>6]>>(r&63)&1 != 0 }
func (s *regSet) add(r int32)        { s[r>>6] |= 1 << (r & 63) }
func (s *regSet) remove(r int32)     { s[r>>6] &^= 1 << (r & 63) }

// span returns the groups that the members of s, of which there are some, belong to: from the first register of the first one to the end of the last one.
func (s regSet) span() (from, to int) {
	if from = bits.TrailingZeros64(s[0]); from == 64 {
		from += bits.TrailingZeros64(s[1])
	}
	if to = 64 + bits.Len64(s[1]); to == 64 {
		to = bits.Len64(s[0])
	}
	return from &^ 1, to + to&1
}

// bitsBelow returns the bits below n, which may be out of range.
func bitsBelow(n int) uint64 {
	switch {
	case n <= 0:
		return 0
	case n >= 64:
		return math.MaxUint64
	}
	return 1<<n - 1
}

// flow is what is known of the captures around an instruction.
type flow struct {
	first, end int32  // of the instructions that may be run next, in linker.edges
	reached    bool   // from the entry
	before     regSet // may have been made when it runs
	writes     regSet // may be made from it on
	live       regSet // what they are before it may be seen by somebody
}

// planUndo decides for each capture register whether its old value has to be noted, and for each alternative which registers it blanks. A plain
// program notes all of them: it is what the tests compare with.
func (l *linker) planUndo(out []code, entry, captures int32, plain bool) {
	saves := false
	for i := range out {
		switch k := &out[i]; k.op {
		case opSave:
			k.flags |= flagUndo // until it is known to be useless
			saves = true
		case opCall, opAbsent:
			return
		}
	}
	if !saves || captures > maxTracked || plain {
		return
	}
	l.drawEdges(out)
	l.lookAhead(out, captures)
	l.lookBack(out, entry)
	var noted regSet
	for i := range out {
		if l.flows[i].reached {
			noted = noted.or(l.blankOrNote(&out[i]))
		}
	}
	for i := range out {
		if k := &out[i]; k.op == opSave && !noted.has(k.reg) {
			k.flags &^= flagUndo
		}
	}
}

// drawEdges lists what may be run after each instruction.
func (l *linker) drawEdges(out []code) {
	if cap(l.flows) < len(out) {
		l.flows = make([]flow, 2*len(out))
	}
	l.flows = l.flows[:len(out)]
	clear(l.flows)
	met := l.index[:len(out)] // the last choice that names an instruction, counted from 1
	clear(met)
	edges := l.edges[:0]
	for i := range out {
		k, f := &out[i], &l.flows[i]
		f.first = int32(len(edges))
		switch k.op {
		case opMatch, opFail, opNegEnd:
		case opAlt:
			for _, list := range k.x.lists {
				for _, t := range list {
					if met[t.idx] != int32(i+1) {
						met[t.idx] = int32(i + 1)
						edges = append(edges, t.idx)
					}
				}
			}
		case opBranch, opPeek, opNegLook, opCond, opCountLoop, opEmptyCheck:
			edges = append(edges, k.next.idx, k.alt.idx)
		default:
			edges = append(edges, k.next.idx)
		}
		f.end = int32(len(edges))
	}
	l.edges = edges
}

// lookAhead finds writes and live. An instruction is made after those that follow it, so that all but loops is found in one pass.
func (l *linker) lookAhead(out []code, captures int32) {
	var all regSet
	for r := range captures {
		all.add(r)
	}
	for again := true; again; {
		again = false
		for i := range l.flows {
			f := &l.flows[i]
			writes, live := f.writes, f.live
			loop := false
			for _, t := range l.edges[f.first:f.end] {
				writes, live = writes.or(l.flows[t].writes), live.or(l.flows[t].live)
				loop = loop || int(t) >= i
			}
			switch k := &out[i]; k.op {
			case opSave:
				writes.add(k.reg)
				live.remove(k.reg)
			case opMatch, opBackref, opCond:
				live = all
			}
			again = again || loop && (writes != f.writes || live != f.live)
			f.writes, f.live = writes, live
		}
	}
}

// lookBack finds before.
func (l *linker) lookBack(out []code, entry int32) {
	l.flows[entry].reached = true
	l.flows[entry].before = regSet{3} // the match itself is never blank
	for again := true; again; {
		again = false
		for i := len(out) - 1; i >= 0; i-- {
			f := &l.flows[i]
			if !f.reached {
				continue
			}
			after := f.before
			if out[i].op == opSave {
				after.add(out[i].reg)
			}
			for _, t := range l.edges[f.first:f.end] {
				to := &l.flows[t]
				if was := to.before; !to.reached || was.or(after) != was {
					to.reached, to.before = true, was.or(after)
					again = again || int(t) >= i
				}
			}
		}
	}
}

// blankOrNote lets k blank what has to be forgotten when the machine goes back to it, or returns it if that is not possible.
func (l *linker) blankOrNote(k *code) regSet {
	f := &l.flows[k.idx]
	var writes, live regSet
	switch k.op {
	case opSpanGreedy, opSpanBack, opSpanLazy, opAlt, opCountLoop:
		writes, live = f.writes, f.live // what k itself does has no part in it
	case opBranch, opNegLook:
		writes, live = f.writes, l.flows[k.alt.idx].live
	}
	need := live.and(writes)
	if need == (regSet{}) || k.op == opBranch && !leavesChoice(k) {
		return regSet{}
	}
	from, to := need.span()
	for w := range f.before {
		if f.before[w]&(bitsBelow(to-64*w)&^bitsBelow(from-64*w)) != 0 {
			return need
		}
	}
	k.blankFrom, k.blankTo = uint8(from), uint8(to)
	return regSet{}
}

// leavesChoice reports whether a branch can be gone back to.
func leavesChoice(k *code) bool {
	if k.ends == mayTake|maySkip {
		return true
	}
	for _, v := range k.tab {
		if v == mayTake|maySkip {
			return true
		}
	}
	return false
}

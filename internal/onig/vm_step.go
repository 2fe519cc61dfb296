package onig

import (
	"math"
	"strings"
)

// step runs an instruction that is too rare for fast, or where it meets what is: characters that are not ASCII.
func (m *Matcher) step(in *code, at, height int) (*code, int, int, reason) {
	s, regs := m.text, m.regs
	n := int32(len(s))
	pos, sp := int32(at), int32(height)
	holds := false
	switch in.op {
	case opLit:
		if holds = strings.HasPrefix(s[pos:], in.x.lit); holds {
			pos += int32(len(in.x.lit))
		}
	case opSet:
		var end, count int32
		if end, count = spanChars(in.class(), s, pos, 1); count == 1 {
			pos, holds = end, true
		}
	case opSpan, opSpanBack, opSpanGreedy:
		least, count := spanChars(in.class(), s, pos, in.min)
		if count < in.min {
			break
		}
		pos, holds = least, true
		if in.max > in.min {
			limit := int32(math.MaxInt32)
			if in.flags&flagUnbound == 0 {
				limit = in.max - in.min
			}
			pos, _ = spanChars(in.class(), s, pos, limit)
		}
		if in.op != opSpan && pos > least {
			sp = m.push(sp, frame{in.idx, pos, least})
		}
	case opSpanLazy:
		end, count := spanChars(in.class(), s, pos, in.min)
		if count < in.min {
			break
		}
		left := int32(math.MaxInt32)
		if in.flags&flagUnbound == 0 {
			left = in.max - in.min
		} else if in.fol != nil {
			if end = lazyEnd(in, s, end); end < 0 {
				break
			}
		}
		pos, holds = end, true
		sp = m.push(sp, frame{in.idx, pos, left})
	case opBeginText:
		holds = pos == 0
	case opBeginLine:
		holds = pos == 0 || s[pos-1] == '\n' && pos < n
	case opEndLine:
		holds = pos == n || s[pos] == '\n'
	case opEndText:
		holds = pos == n
	case opSemiEnd:
		holds = pos == n || pos == n-1 && s[pos] == '\n'
	case opWordBound:
		holds = atWordBound(s, pos, in.flags)
	case opNotWordBound:
		holds = !atWordBound(s, pos, in.flags)
	case opStart:
		holds = pos == m.start
	case opLookSet:
		holds = lookSet(in, s, pos)
	case opStepBack:
		i := in.min
		for ; i > 0 && pos > 0; i-- {
			pos = charStart(s, pos)
		}
		holds = i == 0
	case opAtMark:
		holds = pos == regs[in.reg+1]
	case opBackref:
		if end := m.backref(in, pos); end >= 0 {
			pos, holds = end, true
		}
	case opCluster:
		if holds = pos < n; holds {
			pos = clusterEnd(s, pos)
		}
	case opAbsent:
		end, ok := m.absentEnd(in, pos, sp)
		if !ok || end < pos {
			break
		}
		if end > pos {
			sp = m.push(sp, frame{in.idx, end, pos})
		}
		pos, holds = end, true
	case opAbsentEnd:
		m.limit = min(m.limit, pos)
	case opFail:
	default:
		return m.control(in, pos, sp)
	}
	if !holds {
		return in, int(pos), int(sp), fromFail
	}
	return in.next, int(pos), int(sp), fromHere
}

// push puts a frame on the stack.
func (m *Matcher) push(sp int32, f frame) int32 {
	if int(sp) >= len(m.stack) {
		m.grow()
	}
	m.stack[sp] = f
	return sp + 1
}

// save puts the value of a register on the stack.
func (m *Matcher) save(sp, reg int32) int32 { return m.push(sp, frame{pc: ^reg, pos: m.regs[reg]}) }

// control runs the rare instructions that work on stack and registers.
func (m *Matcher) control(in *code, pos, sp int32) (*code, int, int, reason) {
	regs, to := m.regs, in.next
	switch in.op {
	case opSaveBoth:
		sp = m.save(m.save(sp, in.reg), in.reg+1)
		regs[in.reg], regs[in.reg+1] = regs[in.max], pos
	case opMark:
		if in.flags&flagUndo != 0 {
			sp = m.save(m.save(sp, in.reg), in.reg+1)
		}
		regs[in.reg], regs[in.reg+1] = sp, pos
	case opCut:
		sp = cut(m.stack, regs[in.reg], sp, in.flags)
	case opLookEnd:
		pos = regs[in.reg+1]
		sp = cut(m.stack, regs[in.reg], sp, in.flags)
	case opNegLook:
		if in.flags&flagUndo != 0 {
			sp = m.save(m.save(sp, in.reg), in.reg+1)
		}
		regs[in.reg], regs[in.reg+1] = sp, pos
		sp = m.push(sp, frame{in.idx, pos, 0})
	case opNegEnd:
		// Undo what the body did, and drop the alternative that stands for its failure.
		mark := regs[in.reg]
		for sp > mark {
			sp--
			if f := m.stack[sp]; f.pc < 0 {
				regs[^f.pc] = f.pos
			}
		}
		return in, int(pos), int(sp), fromFail
	case opCall:
		sp, to = m.call(in, sp), in.alt
	case opReturn:
		sp, to = m.callReturn(sp)
	case opCond:
		to = in.alt
		for _, g := range in.x.refs {
			if regs[2*g+1] >= 0 {
				to = in.next
			}
		}
	case opCountInit:
		sp = m.save(sp, in.reg)
		regs[in.reg] = 0
	case opCountLoop:
		sp, to = m.count(in, pos, sp)
	case opEmptyMark:
		sp = m.save(sp, in.reg)
		regs[in.reg] = pos
	case opEmptyCheck:
		if regs[in.reg] == pos {
			to = in.alt
		}
	default:
		panic("BUG: unknown instruction")
	}
	return to, int(pos), int(sp), fromHere
}

// call enters a subroutine; the registers of the caller go to the stack.
func (m *Matcher) call(in *code, sp int32) int32 {
	m.steps--
	for r := in.reg; r < in.max; r++ {
		sp = m.save(sp, r)
	}
	ret := m.re.ret
	sp = m.push(sp, frame{^ret, m.stack[sp-1-(in.max-1-ret)].pos, in.idx})
	m.regs[ret] = sp - 1
	return sp
}

// callReturn goes back to the caller and gives it its registers back.
func (m *Matcher) callReturn(sp int32) (int32, *code) {
	m.steps--
	at := m.regs[m.re.ret]
	call := &m.re.code[m.stack[at].aux]
	width := call.max - call.reg
	for r := call.reg; r < call.max; r++ {
		sp = m.save(sp, r)
		m.regs[r] = m.stack[at-width+(r-call.reg)].pos
	}
	return sp, call.next
}

// count decides whether a counted loop goes on.
func (m *Matcher) count(in *code, pos, sp int32) (int32, *code) {
	count := m.regs[in.reg]
	switch {
	case count < in.min:
		sp = m.save(sp, in.reg)
	case count >= in.max:
		return sp, in.next
	case in.flags&flagLazy != 0:
		return m.push(sp, frame{in.idx, pos, count}), in.next
	default:
		sp = m.push(sp, frame{in.idx, pos, count})
		sp = m.save(sp, in.reg)
	}
	m.regs[in.reg] = count + 1
	return sp, in.alt
}

// resume goes on with the alternative on top of the stack, which is one that fast leaves to it.
func (m *Matcher) resume(height int) (*code, int, int, reason) {
	s := m.text
	sp := int32(height)
	f := &m.stack[sp-1]
	in := &m.re.code[f.pc]
	to, pos, id := in.next, f.pos, in.memo
	keep := false // the frame has more alternatives
	switch in.op {
	case opSpanGreedy, opSpanBack:
		for {
			pos = charStart(s, pos)
			if in.fol == nil || in.fol[s[pos]] != 0 {
				break
			}
			if pos <= f.aux {
				return in, int(pos), int(sp - 1), fromStack
			}
		}
		keep = pos > f.aux
		f.pos = pos
	case opSpanLazy:
		end, count := spanChars(in.class(), s, pos, 1)
		if f.aux == 0 || count == 0 {
			return in, int(pos), int(sp - 1), fromStack
		}
		if in.fol != nil && f.aux == math.MaxInt32 {
			end = lazyEnd(in, s, end)
			m.steps -= int(end-pos) / longRun
			if end < 0 {
				return in, int(pos), int(sp - 1), fromStack
			}
		}
		keep = true
		f.pos, pos = end, end
		if f.aux != math.MaxInt32 {
			f.aux--
			id = 0 // what is left differs from time to time
		}
	case opBranch:
		to = in.alt
	case opAlt:
		list, i := in.x.lists[f.aux>>16], f.aux&0xFFFF
		id = in.memo + f.aux>>16*in.max + i
		to = list[i]
		keep = int(i)+1 < len(list)
		f.aux++
	case opNegLook:
		to, id = in.alt, 0
	case opCountLoop:
		id = 0
		if in.flags&flagLazy != 0 {
			count := f.aux
			*f = frame{^in.reg, count, 0}
			m.regs[in.reg] = count + 1
			keep, to = true, in.alt
		}
	case opAbsent:
		id = 0
		pos = charStart(s, pos)
		keep = pos > f.aux
		f.pos = pos
	default:
		panic("BUG: instruction cannot be resumed")
	}
	if !keep {
		sp--
	}
	if m.memo.on && id != 0 && in.memo != 0 && m.memo.visited(id, pos) {
		if keep && in.op == opSpanLazy {
			sp-- // without a limit, whoever was here before has gone on from here too
		}
		return in, int(pos), int(sp), fromStack
	}
	m.resumed = int(pos)
	if in.op == opBranch {
		pos += int32(in.b)
	}
	return to, int(pos), int(sp), fromHere
}

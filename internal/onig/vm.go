package onig

import (
	"math"
	"unicode/utf8"
)

// charStart returns where the character that ends at pos begins; pos > 0.
func charStart(s string, pos int32) int32 {
	if s[pos-1] < utf8.RuneSelf {
		return pos - 1
	}
	_, n := utf8.DecodeLastRuneInString(s[:pos])
	return pos - int32(n)
}

// charEnd returns where the character at pos ends; pos < len(s).
func charEnd(s string, pos int32) int32 {
	if s[pos] < utf8.RuneSelf {
		return pos + 1
	}
	_, n := utf8.DecodeRuneInString(s[pos:])
	return pos + int32(n)
}

// spanChars measures a run of at most limit characters of c, which may need decoding, and returns its end and its length in characters.
func spanChars(c *class, s string, pos, limit int32) (end, count int32) {
	n := int32(len(s))
	for count < limit && pos < n {
		switch t := c.tab[s[pos]]; {
		case t == tabNo:
			return pos, count
		case s[pos] < utf8.RuneSelf:
			pos++
		case t == tabYes:
			pos = charEnd(s, pos)
		default:
			l := c.matchHigh(s, int(pos))
			if l == 0 {
				return pos, count
			}
			pos += int32(l)
		}
		count++
	}
	return pos, count
}

// grow makes room on the stack.
func (m *Matcher) grow() []frame {
	m.stack = append(m.stack, make([]frame, len(m.stack))...)
	return m.stack
}

// attempt tries to match at pos.
func (m *Matcher) attempt(pos int) bool {
	for i := range m.regs {
		m.regs[i] = -1
	}
	m.regs[0], m.from = int32(pos), int32(pos)
	return m.run(m.re.entry, int32(pos), 0)
}

// run tries to match the program from entry at pos, with the stack in use up to base. It is the one function that has to be fast, and one switch, so it is
// as long as the instruction set: a call per instruction would cost more than most instructions.
func (m *Matcher) run(entry, start, base int32) bool {
	s := m.text
	n := int32(len(s))
	prog := m.re.prog
	regs := m.regs
	stk := m.stack
	sp := base
	pos := start
	in := &prog[entry]
	pc := entry
	for {
		in = &prog[pc]
		if int(sp)+4 > len(stk) {
			stk = m.grow()
		}
		switch in.op {
		case opMatch:
			regs[1] = pos
			return true
		case opByte:
			if pos < n && s[pos] == in.b {
				pos++
				pc = in.next
				continue
			}
		case opLit:
			if l := int32(len(in.lit)); n-pos >= l && s[pos:pos+l] == in.lit {
				pos += l
				pc = in.next
				continue
			}
		case opSet:
			if pos < n {
				c := s[pos]
				t := in.cls.tab[c]
				if t == tabYes && c < utf8.RuneSelf {
					pos++
					pc = in.next
					continue
				}
				if t != tabNo {
					if end, count := spanChars(in.cls, s, pos, 1); count == 1 {
						pos = end
						pc = in.next
						continue
					}
				}
			}
		case opSpanFast:
			limit := n
			if in.flags&flagUnbound == 0 && in.max < n-pos {
				limit = pos + in.max
			}
			from := pos
			tab := &in.cls.tab
			for pos < limit && tab[s[pos]] != 0 {
				pos++
			}
			if pos-from >= in.min {
				pc = in.next
				continue
			}
		case opSpanGreedy:
			limit := n
			if in.flags&flagUnbound == 0 && in.max < n-pos {
				limit = pos + in.max
			}
			from := pos
			tab := &in.cls.tab
			for pos < limit && tab[s[pos]] != 0 {
				pos++
			}
			least := from + in.min
			if pos < least {
				break
			}
			if in.min == 1 {
				least = charEnd(s, from)
			}
			if pos > least {
				stk[sp] = frame{pc, pos, least}
				sp++
				if in.tab != nil && (pos < n && in.tab[s[pos]] == 0 || pos == n && in.flags&flagEndOK == 0) {
					break // resumed at once, one character back
				}
			}
			pc = in.next
			continue
		case opSpan, opSpanBack:
			least, count := spanChars(in.cls, s, pos, in.min)
			if count < in.min {
				break
			}
			pos = least
			if in.max > in.min {
				limit := int32(math.MaxInt32)
				if in.flags&flagUnbound == 0 {
					limit = in.max - in.min
				}
				pos, _ = spanChars(in.cls, s, pos, limit)
			}
			if in.op == opSpanBack && pos > least {
				stk[sp] = frame{pc, pos, least}
				sp++
			}
			pc = in.next
			continue
		case opSpanLazy:
			end, count := spanChars(in.cls, s, pos, in.min)
			if count < in.min {
				break
			}
			pos = end
			left := int32(math.MaxInt32)
			if in.flags&flagUnbound == 0 {
				left = in.max - in.min
			}
			stk[sp] = frame{pc, pos, left}
			sp++
			pc = in.next
			continue
		case opBranch:
			v := in.ends
			if pos < n {
				v = in.tab[s[pos]]
			}
			switch v {
			case mayTake:
				pc = in.next
				continue
			case maySkip:
				pc = in.alt
				continue
			case mayTake | maySkip:
				stk[sp] = frame{pc, pos, 0}
				sp++
				pc = in.next
				continue
			}
		case opAlt:
			v := in.ends
			if pos < n {
				v = in.tab[s[pos]]
			}
			list := in.lists[v]
			if len(list) > 0 {
				if len(list) > 1 {
					stk[sp] = frame{pc, pos, int32(v)<<16 | 1}
					sp++
				}
				pc = list[0]
				continue
			}
		case opSave:
			if sp > 0 {
				stk[sp] = frame{^in.reg, regs[in.reg], 0}
				sp++
			}
			regs[in.reg] = pos
			pc = in.next
			continue
		case opSaveBoth:
			stk[sp] = frame{^in.reg, regs[in.reg], 0}
			stk[sp+1] = frame{^(in.reg + 1), regs[in.reg+1], 0}
			sp += 2
			regs[in.reg], regs[in.reg+1] = regs[in.alt], pos
			pc = in.next
			continue
		case opBeginText:
			if pos == 0 {
				pc = in.next
				continue
			}
		case opBeginLine:
			if pos == 0 || s[pos-1] == '\n' && pos < n {
				pc = in.next
				continue
			}
		case opEndLine:
			if pos == n || s[pos] == '\n' {
				pc = in.next
				continue
			}
		case opEndText:
			if pos == n {
				pc = in.next
				continue
			}
		case opSemiEnd:
			if pos == n || pos == n-1 && s[pos] == '\n' {
				pc = in.next
				continue
			}
		case opWordBound:
			if atWordBound(s, pos, in.flags) {
				pc = in.next
				continue
			}
		case opNotWordBound:
			if !atWordBound(s, pos, in.flags) {
				pc = in.next
				continue
			}
		case opStart:
			if pos == m.start {
				pc = in.next
				continue
			}
		case opLookSet:
			if lookSet(in, s, pos) {
				pc = in.next
				continue
			}
		case opMark:
			if in.flags&flagUndo != 0 {
				stk[sp] = frame{^in.reg, regs[in.reg], 0}
				stk[sp+1] = frame{^(in.reg + 1), regs[in.reg+1], 0}
				sp += 2
			}
			regs[in.reg], regs[in.reg+1] = sp, pos
			pc = in.next
			continue
		case opCut:
			sp = cut(stk, regs[in.reg], sp, in.flags)
			pc = in.next
			continue
		case opLookEnd:
			pos = regs[in.reg+1]
			sp = cut(stk, regs[in.reg], sp, in.flags)
			pc = in.next
			continue
		case opNegLook:
			if in.flags&flagUndo != 0 {
				stk[sp] = frame{^in.reg, regs[in.reg], 0}
				stk[sp+1] = frame{^(in.reg + 1), regs[in.reg+1], 0}
				sp += 2
			}
			stk[sp] = frame{pc, pos, 0}
			regs[in.reg], regs[in.reg+1] = sp, pos
			sp++
			pc = in.next
			continue
		case opNegEnd:
			// Undo what the body did, and drop the alternative that stands for its failure.
			mark := regs[in.reg]
			for sp > mark {
				sp--
				if f := stk[sp]; f.pc < 0 {
					regs[^f.pc] = f.pos
				}
			}
		case opStepBack:
			p := pos
			i := in.min
			for ; i > 0 && p > 0; i-- {
				p = charStart(s, p)
			}
			if i == 0 {
				pos = p
				pc = in.next
				continue
			}
		case opAtMark:
			if pos == regs[in.reg+1] {
				pc = in.next
				continue
			}
		case opBackref:
			if end := m.backref(in, pos); end >= 0 {
				pos = end
				pc = in.next
				continue
			}
		case opCall:
			for int(sp)+int(in.max-in.reg)+4 > len(stk) {
				stk = m.grow()
			}
			if int(sp) > maxStack {
				m.timedOut = true
				m.stack = stk
				return false
			}
			for r := in.reg; r < in.max; r++ {
				stk[sp] = frame{^r, regs[r], 0}
				sp++
			}
			stk[sp] = frame{^m.re.ret, stk[sp-1-(in.max-1-m.re.ret)].pos, pc}
			sp++
			regs[m.re.ret] = sp - 1
			pc = in.alt
			continue
		case opReturn:
			at := regs[m.re.ret]
			call := &prog[stk[at].aux]
			width := call.max - call.reg
			for int(sp)+int(width)+4 > len(stk) {
				stk = m.grow()
			}
			for r := call.reg; r < call.max; r++ {
				stk[sp] = frame{^r, regs[r], 0}
				sp++
				regs[r] = stk[at-width+(r-call.reg)].pos
			}
			pc = call.next
			continue
		case opCond:
			pc = in.alt
			for _, g := range in.lists[0] {
				if regs[2*g+1] >= 0 {
					pc = in.next
				}
			}
			continue
		case opCluster:
			if pos < n {
				pos = clusterEnd(s, pos)
				pc = in.next
				continue
			}
		case opAbsent:
			m.stack = stk
			end, ok := m.absentEnd(in, pos, sp)
			stk, regs = m.stack, m.regs
			if !ok {
				return false
			}
			if end < pos {
				break
			}
			if end > pos {
				stk[sp] = frame{pc, end, pos}
				sp++
			}
			pos = end
			pc = in.next
			continue
		case opAbsentEnd:
			m.limit = min(m.limit, pos)
		case opCountInit:
			stk[sp] = frame{^in.reg, regs[in.reg], 0}
			sp++
			regs[in.reg] = 0
			pc = in.next
			continue
		case opCountLoop:
			count := regs[in.reg]
			switch {
			case count < in.min:
				stk[sp] = frame{^in.reg, count, 0}
				sp++
				regs[in.reg] = count + 1
				pc = in.alt
			case count >= in.max:
				pc = in.next
			case in.flags&flagLazy != 0:
				stk[sp] = frame{pc, pos, count}
				sp++
				pc = in.next
			default:
				stk[sp] = frame{pc, pos, count}
				stk[sp+1] = frame{^in.reg, count, 0}
				sp += 2
				regs[in.reg] = count + 1
				pc = in.alt
			}
			continue
		case opEmptyMark:
			stk[sp] = frame{^in.reg, regs[in.reg], 0}
			sp++
			regs[in.reg] = pos
			pc = in.next
			continue
		case opEmptyCheck:
			pc = in.next
			if regs[in.reg] == pos {
				pc = in.alt
			}
			continue
		case opFail:
		}
		// Nothing matched here: go back to the last alternative.
		if m.steps--; m.steps < 0 {
			m.stack = stk
			if !m.look(in, pos) {
				return false
			}
			if int(sp) > maxStack {
				m.timedOut = true
				return false
			}
		}
	back:
		if sp == base {
			return false
		}
		f := &stk[sp-1]
		if f.pc < 0 {
			regs[^f.pc] = f.pos
			sp--
			goto back
		}
		pc = f.pc
		in = &prog[pc]
		switch in.op {
		case opSpanGreedy, opSpanBack:
			p, least := f.pos, f.aux
			for {
				p = charStart(s, p)
				if in.tab == nil || in.tab[s[p]] != 0 {
					break
				}
				if p <= least {
					sp--
					goto back
				}
			}
			if p <= least {
				sp--
			} else {
				f.pos = p
			}
			if m.memo.on && in.memo != 0 && m.memo.visited(in.memo, p) {
				goto back
			}
			pos = p
			pc = in.next
		case opSpanLazy:
			p := f.pos
			if f.aux == 0 {
				sp--
				goto back
			}
			end, count := spanChars(in.cls, s, p, 1)
			if count == 0 {
				sp--
				goto back
			}
			f.pos = end
			if f.aux != math.MaxInt32 {
				f.aux--
			} else if m.memo.on && in.memo != 0 && m.memo.visited(in.memo, end) {
				// Without a limit, whoever was here before has gone on from here too.
				sp--
				goto back
			}
			pos = end
			pc = in.next
		case opBranch:
			pos = f.pos
			sp--
			pc = in.alt
			if m.memo.on && in.memo != 0 && m.memo.visited(in.memo, pos) {
				goto back
			}
		case opAlt:
			list := in.lists[f.aux>>16]
			i := f.aux & 0xFFFF
			pos = f.pos
			pc = list[i]
			id := in.memo + f.aux>>16*in.max + i
			if int(i)+1 == len(list) {
				sp--
			} else {
				f.aux++
			}
			if m.memo.on && in.memo != 0 && m.memo.visited(id, pos) {
				goto back
			}
		case opNegLook:
			pos = f.pos
			sp--
			pc = in.alt
		case opCountLoop:
			pos = f.pos
			if in.flags&flagLazy != 0 {
				count := f.aux
				*f = frame{^in.reg, count, 0}
				regs[in.reg] = count + 1
				pc = in.alt
			} else {
				sp--
				pc = in.next
			}
		case opAbsent:
			p := charStart(s, f.pos)
			if p <= f.aux {
				sp--
			} else {
				f.pos = p
			}
			pos = p
			pc = in.next
		default:
			panic("BUG: instruction cannot be resumed")
		}
	}
}

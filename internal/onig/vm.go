package onig

import (
	"math"
	"strings"
	"unicode/utf8"
	"unsafe"
)

// byteAt returns the byte at pos, which the caller has compared with the length of the text.
func byteAt(text unsafe.Pointer, pos int32) byte { return *(*byte)(unsafe.Add(text, pos)) }

// stopAfter returns where the first of the two stop bytes stands from pos on, or the end. It looks at a window at a time, so that a stop byte far away is
// not searched for again and again when the other one is frequent.
func stopAfter(in *code, s string, pos int32) int32 {
	const window = 256
	first, second := in.stops()
	for int(pos) < len(s) {
		w := s[pos:min(int(pos)+window, len(s))]
		i := strings.IndexByte(w, first)
		if i >= 0 {
			w = w[:i]
		}
		if second != first {
			if j := strings.IndexByte(w, second); j >= 0 {
				return pos + int32(j)
			}
		}
		pos += int32(len(w))
		if i >= 0 {
			return pos
		}
	}
	return pos
}

// shortRun is how many bytes of a run are looked at eight at a time before the faster search, which takes longer to begin, goes on.
const shortRun = 48

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

// lazyEnd returns the first place from pos on where what follows a lazy run without limit may start, -1 if the run ends before.
func lazyEnd(in *code, s string, pos int32) int32 {
	n := int32(len(s))
	if in.flags&flagStops != 0 {
		pos = stopAfter(in, s, pos)
		if pos < n && in.fol[s[pos]] == 0 {
			return -1
		}
	} else {
		for pos < n && in.fol[s[pos]] == 0 {
			if c := s[pos]; c < utf8.RuneSelf && in.tab[c] != 0 {
				pos++
				continue
			}
			end, count := spanChars(in.class(), s, pos, 1)
			if count == 0 {
				return -1
			}
			pos = end
		}
	}
	if pos == n && in.flags&flagEndOK == 0 {
		return -1
	}
	return pos
}

// errStack is the panic that ends a match whose stack has reached its limit; see guarded.
var errStack = new(int)

// grow makes room on the stack.
func (m *Matcher) grow() []frame {
	if len(m.stack) >= maxStack || len(m.stack) >= deepStack && m.guard && m.late() {
		panic(errStack)
	}
	m.stack = append(m.stack, make([]frame, len(m.stack))...)
	return m.stack
}

// attempt tries to match at pos.
func (m *Matcher) attempt(pos int) bool {
	copy(m.regs, m.re.blank)
	m.regs[0], m.from = int32(pos), int32(pos)
	return m.run(m.re.entry, int32(pos), 0)
}

// run tries to match the program from entry at pos, with the stack in use up to base. It is the one function that has to be fast, and one switch, so it is
// as long as the instruction set: a call per instruction would cost more than most instructions. It reads the text through a pointer, each time behind a
// comparison of the position with n.
func (m *Matcher) run(entry, start, base int32) bool {
	s := m.text
	n := int32(len(s))
	text := unsafe.Pointer(unsafe.StringData(s))
	regs := m.regs
	stk := m.stack
	sp := base
	pos, resumed := start, start
	in := &m.re.code[entry]
	for {
		switch in.op {
		case opMatch:
			regs[1] = pos
			return true
		case opByte:
			if in.pre != 0 {
				if sp > 0 {
					if int(sp) >= len(stk) {
						stk = m.grow()
					}
					stk[sp] = frame{^int32(in.pre), regs[in.pre], 0}
					sp++
				}
				regs[in.pre] = pos
			}
			if pos < n && byteAt(text, pos) == in.b {
				pos++
				goto matched
			}
		case opWord:
			if in.pre != 0 {
				if sp > 0 {
					if int(sp) >= len(stk) {
						stk = m.grow()
					}
					stk[sp] = frame{^int32(in.pre), regs[in.pre], 0}
					sp++
				}
				regs[in.pre] = pos
			}
			if pos+8 <= n {
				if (*(*uint64)(unsafe.Add(text, pos))^in.word)<<(uint32(in.min)&63) == 0 {
					pos += int32(in.size)
					goto matched
				}
			} else if startsWithWord(s[pos:], in) {
				pos += int32(in.size)
				goto matched
			}
		case opLit:
			if strings.HasPrefix(s[pos:], in.x.lit) {
				pos += int32(len(in.x.lit))
				in = in.next
				continue
			}
		case opSeq:
			if in.pre != 0 {
				if sp > 0 {
					if int(sp) >= len(stk) {
						stk = m.grow()
					}
					stk[sp] = frame{^int32(in.pre), regs[in.pre], 0}
					sp++
				}
				regs[in.pre] = pos
			}
			seq := in.x.seq
			if int(n-pos) < len(seq) {
				break
			}
			for i := range seq {
				c := byteAt(text, pos)
				if st := &seq[i]; st.tab == nil && c-st.lo > st.width || st.tab != nil && st.tab[c] == 0 {
					goto fail
				}
				pos++
			}
			goto matched
		case opTable:
			if in.pre != 0 {
				if sp > 0 {
					if int(sp) >= len(stk) {
						stk = m.grow()
					}
					stk[sp] = frame{^int32(in.pre), regs[in.pre], 0}
					sp++
				}
				regs[in.pre] = pos
			}
			a := in.x.auto
			rows, kinds := unsafe.Pointer(unsafe.SliceData(a.next)), in.tab
			row := a.start
			for pos < n {
				to := *(*uint16)(unsafe.Add(rows, 2*(uint(row)+uint(kinds[byteAt(text, pos)]))))
				if to == 0 {
					break
				}
				row = to
				pos++
			}
			if a.next[row+a.width-1] != 0 {
				goto matched
			}
		case opTraced:
			if in.pre != 0 {
				if sp > 0 {
					if int(sp) >= len(stk) {
						stk = m.grow()
					}
					stk[sp] = frame{^int32(in.pre), regs[in.pre], 0}
					sp++
				}
				regs[in.pre] = pos
			}
			a := in.x.auto
			rows, kinds := unsafe.Pointer(unsafe.SliceData(a.next)), in.tab
			row := a.start
			from, limit := pos, pos // what is run over up to limit is remembered
			t := &m.traces[in.reg]
			if pos+traceLength <= n {
				t.rows[0] = row
				k := t.common(unsafe.Add(text, pos))
				row = t.rows[k]
				pos, limit = pos+k, pos+traceLength
			}
			for pos < n {
				to := *(*uint16)(unsafe.Add(rows, 2*(uint(row)+uint(kinds[byteAt(text, pos)]))))
				if to == 0 {
					break
				}
				row = to
				pos++
				if pos <= limit {
					t.rows[pos-from] = row
				}
			}
			if limit > from {
				t.keep(unsafe.Add(text, from), pos-from)
			}
			if a.next[row+a.width-1] != 0 {
				goto matched
			}
		case opLongest:
			if in.pre != 0 {
				if sp > 0 {
					if int(sp) >= len(stk) {
						stk = m.grow()
					}
					stk[sp] = frame{^int32(in.pre), regs[in.pre], 0}
					sp++
				}
				regs[in.pre] = pos
			}
			a := in.x.auto
			rows, kinds, accepts := unsafe.Pointer(unsafe.SliceData(a.next)), in.tab, uint(a.width-1)
			row, end := a.start, int32(-1)
			if a.next[row+a.width-1] != 0 {
				end = pos
			}
			for p := pos; p < n; {
				row = *(*uint16)(unsafe.Add(rows, 2*(uint(row)+uint(kinds[byteAt(text, p)]))))
				if row == 0 {
					break
				}
				p++
				if *(*uint16)(unsafe.Add(rows, 2*(uint(row)+accepts))) != 0 {
					end = p
				}
			}
			if end >= 0 {
				pos = end
				goto matched
			}
		case opSetByte:
			if pos < n && in.tab[byteAt(text, pos)] != 0 {
				pos++
				in = in.next
				continue
			}
		case opSet:
			if pos < n {
				c := s[pos]
				t := in.tab[c]
				if t == tabYes && c < utf8.RuneSelf {
					pos++
					in = in.next
					continue
				}
				if t != tabNo {
					if end, count := spanChars(in.class(), s, pos, 1); count == 1 {
						pos = end
						in = in.next
						continue
					}
				}
			}
		case opSpanFast:
			if in.pre != 0 {
				if sp > 0 {
					if int(sp) >= len(stk) {
						stk = m.grow()
					}
					stk[sp] = frame{^int32(in.pre), regs[in.pre], 0}
					sp++
				}
				regs[in.pre] = pos
			}
			limit := n
			if in.flags&flagUnbound == 0 && in.max < n-pos {
				limit = pos + in.max
			}
			least := pos + in.min
			if in.flags&flagGraph != 0 {
				pos = pastGraph(text, pos, limit)
			}
			for tab := in.tab; pos < limit && tab[byteAt(text, pos)] != 0; {
				pos++
			}
			if pos >= least {
				goto matched
			}
		case opSpanStops, opSpanAll:
			if in.pre != 0 {
				if sp > 0 {
					if int(sp) >= len(stk) {
						stk = m.grow()
					}
					stk[sp] = frame{^int32(in.pre), regs[in.pre], 0}
					sp++
				}
				regs[in.pre] = pos
			}
			least := pos + in.min
			if in.op == opSpanAll {
				pos = n
			} else {
				a, b := in.stops()
				limit := min(n, pos+shortRun)
				pos = pastOthers(text, pos, limit, a, b)
				for tab := in.tab; pos < limit && tab[byteAt(text, pos)] != 0; {
					pos++
				}
				if pos == limit && pos < n {
					pos = stopAfter(in, s, pos)
				}
			}
			if pos >= least {
				goto matched
			}
		case opSpanEscaped:
			from := pos
			for {
				limit := n
				if in.flags&flagStops != 0 {
					a, b := in.stops()
					limit = min(n, pos+shortRun)
					pos = pastOthers(text, pos, limit, a, b)
				}
				for tab := in.tab; pos < limit && tab[byteAt(text, pos)] != 0; {
					pos++
				}
				if pos == limit && pos < n {
					pos = stopAfter(in, s, pos)
				}
				// What an escaped character has behind its first byte belongs to the run.
				if pos+1 >= n || byteAt(text, pos) != in.b || in.fol[byteAt(text, pos+1)] == 0 {
					break
				}
				pos += 2
			}
			if pos >= from+in.min {
				in = in.next
				continue
			}
		case opSpanGreedy:
			if in.pre != 0 {
				if sp > 0 {
					if int(sp) >= len(stk) {
						stk = m.grow()
					}
					stk[sp] = frame{^int32(in.pre), regs[in.pre], 0}
					sp++
				}
				regs[in.pre] = pos
			}
			limit := n
			if in.flags&flagUnbound == 0 && in.max < n-pos {
				limit = pos + in.max
			}
			from := pos
			if in.flags&flagGraph != 0 {
				pos = pastGraph(text, pos, limit)
			}
			for tab := in.tab; pos < limit && tab[byteAt(text, pos)] != 0; {
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
				if int(sp) >= len(stk) {
					stk = m.grow()
				}
				stk[sp] = frame{in.idx, pos, least}
				sp++
				if in.fol != nil && (pos < n && in.fol[byteAt(text, pos)] == 0 || pos == n && in.flags&flagEndOK == 0) {
					break // resumed at once, one character back
				}
			}
			in = in.next
			continue
		case opSpan, opSpanBack:
			least, count := spanChars(in.class(), s, pos, in.min)
			if count < in.min {
				break
			}
			pos = least
			if in.max > in.min {
				limit := int32(math.MaxInt32)
				if in.flags&flagUnbound == 0 {
					limit = in.max - in.min
				}
				pos, _ = spanChars(in.class(), s, pos, limit)
			}
			if in.op == opSpanBack && pos > least {
				if int(sp)+2 >= len(stk) {
					stk = m.grow()
				}
				stk[sp] = frame{in.idx, pos, least}
				sp++
			}
			in = in.next
			continue
		case opSpanLazy:
			end, count := spanChars(in.class(), s, pos, in.min)
			if count < in.min {
				break
			}
			pos = end
			left := int32(math.MaxInt32)
			if in.flags&flagUnbound == 0 {
				left = in.max - in.min
			} else if in.fol != nil {
				if pos = lazyEnd(in, s, pos); pos < 0 {
					pos = end
					break
				}
			}
			if int(sp)+2 >= len(stk) {
				stk = m.grow()
			}
			stk[sp] = frame{in.idx, pos, left}
			sp++
			in = in.next
			continue
		case opPeek:
			if pos+1 < n && in.tab[byteAt(text, pos)] != 0 && in.fol[byteAt(text, pos+1)] != 0 {
				in = in.next
			} else {
				in = in.alt
			}
			continue
		case opBranch:
			if in.pre != 0 {
				if sp > 0 {
					if int(sp) >= len(stk) {
						stk = m.grow()
					}
					stk[sp] = frame{^int32(in.pre), regs[in.pre], 0}
					sp++
				}
				regs[in.pre] = pos
			}
			v := in.ends
			if pos < n {
				v = in.tab[byteAt(text, pos)]
			}
			switch v {
			case mayTake:
				pos += int32(in.size)
				in = in.next
				continue
			case maySkip:
				pos += int32(in.b)
				in = in.alt
				continue
			case mayTake | maySkip:
				if int(sp)+2 >= len(stk) {
					stk = m.grow()
				}
				stk[sp] = frame{in.idx, pos, 0}
				sp++
				pos += int32(in.size)
				in = in.next
				continue
			}
		case opAlt:
			if in.pre != 0 {
				if sp > 0 {
					if int(sp) >= len(stk) {
						stk = m.grow()
					}
					stk[sp] = frame{^int32(in.pre), regs[in.pre], 0}
					sp++
				}
				regs[in.pre] = pos
			}
			v := in.ends
			if pos < n {
				v = in.tab[byteAt(text, pos)]
			}
			list := in.x.lists[v]
			if len(list) > 0 {
				if len(list) > 1 {
					if int(sp)+2 >= len(stk) {
						stk = m.grow()
					}
					stk[sp] = frame{in.idx, pos, int32(v)<<16 | 1}
					sp++
				}
				in = list[0]
				continue
			}
		case opSave:
			if sp > 0 {
				if int(sp)+2 >= len(stk) {
					stk = m.grow()
				}
				stk[sp] = frame{^in.reg, regs[in.reg], 0}
				sp++
			}
			regs[in.reg] = pos
			in = in.next
			continue
		case opSaveBoth:
			if int(sp)+2 >= len(stk) {
				stk = m.grow()
			}
			stk[sp] = frame{^in.reg, regs[in.reg], 0}
			stk[sp+1] = frame{^(in.reg + 1), regs[in.reg+1], 0}
			sp += 2
			regs[in.reg], regs[in.reg+1] = regs[in.max], pos
			in = in.next
			continue
		case opBeginText:
			if pos == 0 {
				in = in.next
				continue
			}
		case opBeginLine:
			if pos == 0 || s[pos-1] == '\n' && pos < n {
				in = in.next
				continue
			}
		case opEndLine:
			if pos == n || s[pos] == '\n' {
				in = in.next
				continue
			}
		case opEndText:
			if pos == n {
				in = in.next
				continue
			}
		case opSemiEnd:
			if pos == n || pos == n-1 && s[pos] == '\n' {
				in = in.next
				continue
			}
		case opWordBound:
			if atWordBound(s, pos, in.flags) {
				in = in.next
				continue
			}
		case opNotWordBound:
			if !atWordBound(s, pos, in.flags) {
				in = in.next
				continue
			}
		case opStart:
			if pos == m.start {
				in = in.next
				continue
			}
		case opLookByte:
			held := false
			if in.flags&flagBehind == 0 {
				held = pos < n && in.tab[byteAt(text, pos)] != 0
			} else {
				held = pos > 0 && in.tab[byteAt(text, pos-1)] != 0
			}
			if held != (in.flags&flagNeg != 0) {
				in = in.next
				continue
			}
		case opLookSet:
			if lookSet(in, s, pos) {
				in = in.next
				continue
			}
		case opMark:
			if in.pre != 0 {
				if sp > 0 {
					if int(sp) >= len(stk) {
						stk = m.grow()
					}
					stk[sp] = frame{^int32(in.pre), regs[in.pre], 0}
					sp++
				}
				regs[in.pre] = pos
			}
			if in.flags&flagUndo != 0 {
				if int(sp)+2 >= len(stk) {
					stk = m.grow()
				}
				stk[sp] = frame{^in.reg, regs[in.reg], 0}
				stk[sp+1] = frame{^(in.reg + 1), regs[in.reg+1], 0}
				sp += 2
			}
			regs[in.reg], regs[in.reg+1] = sp, pos
			in = in.next
			continue
		case opCut:
			sp = cut(stk, regs[in.reg], sp, in.flags)
			in = in.next
			continue
		case opLookEnd:
			pos = regs[in.reg+1]
			sp = cut(stk, regs[in.reg], sp, in.flags)
			in = in.next
			continue
		case opNegLook:
			if in.flags&flagUndo != 0 {
				if int(sp)+2 >= len(stk) {
					stk = m.grow()
				}
				stk[sp] = frame{^in.reg, regs[in.reg], 0}
				stk[sp+1] = frame{^(in.reg + 1), regs[in.reg+1], 0}
				sp += 2
			}
			if int(sp)+2 >= len(stk) {
				stk = m.grow()
			}
			stk[sp] = frame{in.idx, pos, 0}
			regs[in.reg], regs[in.reg+1] = sp, pos
			sp++
			in = in.next
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
				in = in.next
				continue
			}
		case opAtMark:
			if pos == regs[in.reg+1] {
				in = in.next
				continue
			}
		case opBackref:
			if end := m.backref(in, pos); end >= 0 {
				pos = end
				in = in.next
				continue
			}
		case opCall:
			m.steps--
			for int(sp)+int(in.max-in.reg)+4 > len(stk) {
				stk = m.grow()
			}
			for r := in.reg; r < in.max; r++ {
				if int(sp)+2 >= len(stk) {
					stk = m.grow()
				}
				stk[sp] = frame{^r, regs[r], 0}
				sp++
			}
			if int(sp)+2 >= len(stk) {
				stk = m.grow()
			}
			stk[sp] = frame{^m.re.ret, stk[sp-1-(in.max-1-m.re.ret)].pos, in.idx}
			sp++
			regs[m.re.ret] = sp - 1
			in = in.alt
			continue
		case opReturn:
			m.steps--
			at := regs[m.re.ret]
			call := &m.re.code[stk[at].aux]
			width := call.max - call.reg
			for int(sp)+int(width)+4 > len(stk) {
				stk = m.grow()
			}
			for r := call.reg; r < call.max; r++ {
				if int(sp)+2 >= len(stk) {
					stk = m.grow()
				}
				stk[sp] = frame{^r, regs[r], 0}
				sp++
				regs[r] = stk[at-width+(r-call.reg)].pos
			}
			in = call.next
			continue
		case opCond:
			to := in.alt
			for _, g := range in.x.refs {
				if regs[2*g+1] >= 0 {
					to = in.next
				}
			}
			in = to
			continue
		case opCluster:
			if pos < n {
				pos = clusterEnd(s, pos)
				in = in.next
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
				if int(sp)+2 >= len(stk) {
					stk = m.grow()
				}
				stk[sp] = frame{in.idx, end, pos}
				sp++
			}
			pos = end
			in = in.next
			continue
		case opAbsentEnd:
			m.limit = min(m.limit, pos)
		case opCountInit:
			if int(sp)+2 >= len(stk) {
				stk = m.grow()
			}
			stk[sp] = frame{^in.reg, regs[in.reg], 0}
			sp++
			regs[in.reg] = 0
			in = in.next
			continue
		case opCountLoop:
			count := regs[in.reg]
			switch {
			case count < in.min:
				if int(sp)+2 >= len(stk) {
					stk = m.grow()
				}
				stk[sp] = frame{^in.reg, count, 0}
				sp++
				regs[in.reg] = count + 1
				in = in.alt
			case count >= in.max:
				in = in.next
			case in.flags&flagLazy != 0:
				if int(sp)+2 >= len(stk) {
					stk = m.grow()
				}
				stk[sp] = frame{in.idx, pos, count}
				sp++
				in = in.next
			default:
				if int(sp)+2 >= len(stk) {
					stk = m.grow()
				}
				stk[sp] = frame{in.idx, pos, count}
				stk[sp+1] = frame{^in.reg, count, 0}
				sp += 2
				regs[in.reg] = count + 1
				in = in.alt
			}
			continue
		case opEmptyMark:
			if int(sp)+2 >= len(stk) {
				stk = m.grow()
			}
			stk[sp] = frame{^in.reg, regs[in.reg], 0}
			sp++
			regs[in.reg] = pos
			in = in.next
			continue
		case opEmptyCheck:
			if regs[in.reg] == pos {
				in = in.alt
			} else {
				in = in.next
			}
			continue
		case opFail:
		}
		goto fail
	matched:
		if in.post != 0 {
			if sp > 0 {
				if int(sp) >= len(stk) {
					stk = m.grow()
				}
				stk[sp] = frame{^int32(in.post), regs[in.post], 0}
				sp++
			}
			regs[in.post] = pos
		}
		in = in.next
		continue
	fail:
		// Nothing matched here: go back to the last alternative. What was passed since the last time costs steps too.
		m.steps--
		if pos-resumed >= longRun {
			m.steps -= int(pos-resumed) / longRun
		}
		if m.steps < 0 {
			m.stack = stk
			if !m.look(in, pos) {
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
		in = &m.re.code[f.pc]
		switch in.op {
		case opSpanGreedy, opSpanBack:
			p, least := f.pos, f.aux
			for {
				p = charStart(s, p)
				if in.fol == nil || in.fol[s[p]] != 0 {
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
			in = in.next
		case opSpanLazy:
			p := f.pos
			if f.aux == 0 {
				sp--
				goto back
			}
			end, count := spanChars(in.class(), s, p, 1)
			if count == 0 {
				sp--
				goto back
			}
			if in.fol != nil && f.aux == math.MaxInt32 {
				end = lazyEnd(in, s, end)
				m.steps -= int(end-p) / longRun
				if end < 0 {
					sp--
					goto back
				}
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
			in = in.next
		case opBranch:
			pos = f.pos
			sp--
			if m.memo.on && in.memo != 0 && m.memo.visited(in.memo, pos) {
				goto back
			}
			pos += int32(in.b)
			in = in.alt
		case opAlt:
			list := in.x.lists[f.aux>>16]
			i := f.aux & 0xFFFF
			pos = f.pos
			id := in.memo + f.aux>>16*in.max + i
			if int(i)+1 == len(list) {
				sp--
			} else {
				f.aux++
			}
			if m.memo.on && in.memo != 0 && m.memo.visited(id, pos) {
				goto back
			}
			in = list[i]
		case opNegLook:
			pos = f.pos
			sp--
			in = in.alt
		case opCountLoop:
			pos = f.pos
			if in.flags&flagLazy != 0 {
				count := f.aux
				*f = frame{^in.reg, count, 0}
				regs[in.reg] = count + 1
				in = in.alt
			} else {
				sp--
				in = in.next
			}
		case opAbsent:
			p := charStart(s, f.pos)
			if p <= f.aux {
				sp--
			} else {
				f.pos = p
			}
			pos = p
			in = in.next
		default:
			panic("BUG: instruction cannot be resumed")
		}
		resumed = pos
	}
}

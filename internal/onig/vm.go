package onig

import (
	"math"
	"unicode/utf8"
	"unsafe"
)

// byteAt returns the byte at pos, which the caller has compared with the length of the text.
func byteAt(text unsafe.Pointer, pos int) byte { return *(*byte)(unsafe.Add(text, pos)) }

// entry returns an entry of a table. Through a pointer to an array, each access would be a look at the pointer too.
func entry(tab unsafe.Pointer, c byte) uint8 { return *(*uint8)(unsafe.Add(tab, uintptr(c))) }

// regAt returns a register, of which there are enough.
func regAt(regs unsafe.Pointer, r uint16) int32 {
	return *(*int32)(unsafe.Add(regs, 4*uintptr(r)))
}

// frame returns entry i of the stack, where there is room for it.
func (m *Matcher) frame(i int) *frame {
	return (*frame)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(m.stack)), frameSize*i))
}

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
		pos = int32(pastStops(unsafe.Pointer(unsafe.StringData(s)), int(pos), len(s), in.word))
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

// frameSize is what an entry of the stack takes.
const frameSize = int(unsafe.Sizeof(frame{}))

// errStack is the panic that ends a match whose stack has reached its limit; see guarded.
var errStack = new(int)

// grow makes room on the stack.
func (m *Matcher) grow() {
	if len(m.stack) >= maxStack || len(m.stack) >= deepStack && m.guard && m.late() {
		panic(errStack)
	}
	m.stack = append(m.stack, make([]frame, len(m.stack))...)
}

// attempt tries to match at pos.
func (m *Matcher) attempt(pos int) bool {
	copy(m.regs, m.re.blank)
	m.regs[0], m.from = int32(pos), int32(pos)
	return m.run(m.re.entry, int32(pos), 0)
}

// run tries to match the program from entry at pos, with the stack in use up to base. It leaves nearly all to fast, and does what fast hands fromStack.
func (m *Matcher) run(entry, start, base int32) bool {
	m.base, m.resumed = int(base), int(start)
	in, pos, sp, why := &m.re.code[entry], int(start), int(base), fromHere
	for {
		switch in, pos, sp, why = m.fast(in, pos, sp, why); why {
		case stopMatched:
			return true
		case stopLost:
			return false
		case stopFull:
			m.grow()
			why = fromHere
		case stopLate:
			if !m.look(in, int32(pos)) {
				return false
			}
			why = fromStack
		case stopResume:
			in, pos, sp, why = m.resume(sp)
		default:
			if in, pos, sp, why = m.step(in, pos, sp); m.timedOut {
				return false
			}
		}
	}
}

// reason is why fast stopped, and from where it is to go on.
type reason uint8

const (
	fromHere    reason = iota // with the instruction
	fromFail                  // the instruction did not match
	fromStack                 // with what is on the stack
	stopMatched               // the end of the pattern was reached
	stopLost                  // the stack has no alternative left
	stopFull                  // the stack needs room for the instruction
	stopLate                  // the steps are used up; the instruction did not match
	stopResume                // the alternative on the stack is for resume
	stopRare                  // the instruction is for step
)

// fast runs the program as far as it consists of frequent instructions. It is the one function that has to be fast, and it is so by what it does not do: it
// calls nothing but scan, at one place, so that all it works on stays in registers of the processor. A second call, or an instruction with more to remember than
// the processor has registers for, would have everything stored before each instruction. It is one switch, as long as its part of the instruction set. Text,
// registers, stack and automata are read through pointers, each time behind a comparison with the length or by an index that the compiler made.
//
// The loop is entered at three places, which makes it none in the eyes of the compiler, and it leaves values where they are. With one entry it moved more of them
// between registers than it saved: 14 % more instructions.
func (m *Matcher) fast(in *code, pos, sp int, why reason) (*code, int, int, reason) {
	n := len(m.text)
	text := unsafe.Pointer(unsafe.StringData(m.text))
	regs := unsafe.Pointer(unsafe.SliceData(m.regs))
	switch why {
	case fromFail:
		goto fail
	case fromStack:
		goto unwind
	}
next:
	*(*int32)(unsafe.Add(regs, 4*uintptr(in.pre))) = int32(pos)
	switch in.op {
	case opMatch:
		*(*int32)(unsafe.Add(regs, 4)) = int32(pos)
		return in, pos, sp, stopMatched
	case opByte:
		if pos < n && byteAt(text, pos) == in.b {
			pos++
			goto done
		}
		goto fail
	case opWord:
		if pos+8 <= n {
			if (*(*uint64)(unsafe.Add(text, pos))^in.word)<<(uint32(in.min)&63) == 0 {
				pos += int(in.size)
				goto done
			}
			goto fail
		}
		if n-pos < int(in.size) {
			goto fail
		}
		for i, w := pos, in.word; i < pos+int(in.size); i++ {
			if byteAt(text, i) != byte(w) {
				goto fail
			}
			w >>= 8
		}
		pos += int(in.size)
		goto done
	case opSeq:
		seq := in.x.seq
		if n-pos < len(seq) {
			goto fail
		}
		for i := range seq {
			c := byteAt(text, pos)
			if st := &seq[i]; st.tab == nil && c-st.lo > st.width || st.tab != nil && st.tab[c] == 0 {
				goto fail
			}
			pos++
		}
		goto done
	case opTable, opLongest:
		{
			a := in.x.auto
			rows, kinds, row := unsafe.Pointer(unsafe.SliceData(a.next)), unsafe.Pointer(in.tab), uint(a.start)
			for pos < n {
				to := *(*uint16)(unsafe.Add(rows, 2*(row+uint(entry(kinds, byteAt(text, pos))))))
				if to == 0 {
					break
				}
				row = uint(to)
				pos++
			}
			if *(*uint16)(unsafe.Add(rows, 2*(row+uint(a.width)-1))) != 0 {
				goto done
			}
			if in.op == opTable {
				goto fail
			}
			// The longest match is shorter than what the automaton ran over.
			pos = int(regAt(regs, in.pre))
			goto scan
		}
	case opTraced, opSpanStops, opSpanEscaped, opSpanGraph:
		goto scan
	case opSetByte:
		if pos < n && in.tab[byteAt(text, pos)] != 0 {
			pos++
			goto done
		}
		goto fail
	case opSet:
		if pos < n {
			c := byteAt(text, pos)
			switch {
			case in.tab[c] == tabNo:
			case c < utf8.RuneSelf:
				pos++
				goto done
			default:
				return in, pos, sp, stopRare
			}
		}
		goto fail
	case opSpanFast:
		least, limit := pos+int(in.min), min(n, pos+int(in.max))
		for tab := unsafe.Pointer(in.tab); pos < limit && entry(tab, byteAt(text, pos)) != 0; {
			pos++
		}
		if pos >= least {
			goto done
		}
		goto fail
	case opSpanAll:
		if n-pos >= int(in.min) {
			pos = n
			goto done
		}
		goto fail
	case opSpanGreedy:
		if sp+2 >= len(m.stack) {
			return in, pos, sp, stopFull
		}
		if in.flags&flagGraph != 0 {
			goto scan
		}
		limit := min(n, pos+int(in.max))
		for tab := unsafe.Pointer(in.tab); pos < limit && entry(tab, byteAt(text, pos)) != 0; {
			pos++
		}
		goto greedy
	case opSpanLazy:
		if in.min > 0 || in.flags&flagUnbound == 0 || in.fol == nil {
			return in, pos, sp, stopRare
		}
		if sp+2 >= len(m.stack) {
			return in, pos, sp, stopFull
		}
		goto scan
	case opPeek:
		if pos+1 < n && in.tab[byteAt(text, pos)] != 0 && in.fol[byteAt(text, pos+1)] != 0 {
			in = in.next
		} else {
			in = in.alt
		}
		goto next
	case opBranch:
		v := in.ends
		if pos < n {
			v = in.tab[byteAt(text, pos)]
		}
		switch v {
		case mayTake:
			pos += int(in.size)
			in = in.next
			goto next
		case maySkip:
			pos += int(in.b)
			in = in.alt
			goto next
		case mayTake | maySkip:
			if sp+2 >= len(m.stack) {
				return in, pos, sp, stopFull
			}
			f := m.frame(sp)
			f.pc, f.pos, f.aux = in.idx, int32(pos), 0
			sp++
			pos += int(in.size)
			in = in.next
			goto next
		}
		goto fail
	case opAlt:
		v := in.ends
		if pos < n {
			v = in.tab[byteAt(text, pos)]
		}
		list := in.x.lists[v]
		if len(list) == 0 {
			goto fail
		}
		if len(list) > 1 {
			if sp+2 >= len(m.stack) {
				return in, pos, sp, stopFull
			}
			f := m.frame(sp)
			f.pc, f.pos, f.aux = in.idx, int32(pos), int32(v)<<16|1
			sp++
		}
		in = list[0]
		goto next
	case opSave:
		r := (*int32)(unsafe.Add(regs, 4*uintptr(in.reg)))
		if in.flags&flagUndo != 0 && sp > 0 {
			if sp+2 >= len(m.stack) {
				return in, pos, sp, stopFull
			}
			f := m.frame(sp)
			f.pc, f.pos = ^in.reg, *r
			sp++
		}
		*r = int32(pos)
		in = in.next
		goto next
	case opMark:
		if in.flags&flagUndo != 0 {
			return in, pos, sp, stopRare
		}
		r := (*[2]int32)(unsafe.Add(regs, 4*uintptr(in.reg)))
		r[0], r[1] = int32(sp), int32(pos)
		in = in.next
		goto next
	case opCut:
		if in.flags&flagUndo != 0 {
			return in, pos, sp, stopRare
		}
		sp = int(*(*int32)(unsafe.Add(regs, 4*uintptr(in.reg))))
		in = in.next
		goto next
	case opWordBound, opNotWordBound:
		// 0 and 0 beyond the ends: no word characters there.
		var before, after byte
		if pos > 0 {
			before = byteAt(text, pos-1)
		}
		if pos < n {
			after = byteAt(text, pos)
		}
		if before|after >= utf8.RuneSelf {
			return in, pos, sp, stopRare
		}
		if (wordBit(before) != wordBit(after)) == (in.op == opWordBound) {
			goto done
		}
		goto fail
	case opLookByte:
		at := pos
		if in.flags&flagBehind != 0 {
			at--
		}
		if held := uint(at) < uint(n) && in.tab[byteAt(text, at)] != 0; held != (in.flags&flagNeg != 0) {
			goto done
		}
		goto fail
	}
	return in, pos, sp, stopRare
done:
	*(*int32)(unsafe.Add(regs, 4*uintptr(in.post))) = int32(pos)
	in = in.next
	goto next
scan:
	pos = m.scan(in, pos)
	if pos < 0 {
		pos = ^pos
		goto fail
	}
	switch in.op {
	case opSpanLazy:
		f := m.frame(sp)
		f.pc, f.pos, f.aux = in.idx, int32(pos), math.MaxInt32
		sp++
	case opSpanGreedy:
		goto greedy
	}
	goto done
greedy:
	{
		from := int(regAt(regs, in.pre))
		least := from + int(in.min)
		if pos < least {
			goto fail
		}
		if in.min == 1 && byteAt(text, from) >= utf8.RuneSelf {
			return in, from, sp, stopRare // the first character, which is not given back, has more bytes
		}
		if pos > least {
			f := m.frame(sp)
			f.pc, f.pos, f.aux = in.idx, int32(pos), int32(least)
			sp++
			if in.fol != nil && (pos < n && in.fol[byteAt(text, pos)] == 0 || pos == n && in.flags&flagEndOK == 0) {
				goto fail // resumed at once, one character back
			}
		}
		goto done
	}
fail:
	// Nothing matched here: go back to the last alternative. What was passed since the last time costs steps too.
	m.steps--
	if passed := pos - m.resumed; passed >= longRun {
		m.steps -= passed / longRun
	}
	if m.steps < 0 {
		return in, pos, sp, stopLate
	}
unwind:
	if sp == m.base {
		return in, pos, sp, stopLost
	}
	f := m.frame(sp - 1)
	if f.pc < 0 {
		*(*int32)(unsafe.Add(regs, 4*uintptr(^f.pc))) = f.pos
		sp--
		goto unwind
	}
	in = (*code)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(m.re.code)), uintptr(f.pc)*unsafe.Sizeof(code{})))
	for r, to := uintptr(in.blankFrom), uintptr(in.blankTo); r < to; r += 2 {
		*(*int64)(unsafe.Add(regs, 4*r)) = -1
	}
	if m.memo.on {
		return in, pos, sp, stopResume
	}
	switch in.op {
	case opBranch:
		sp--
		pos = int(f.pos)
		m.resumed = pos
		pos += int(in.b)
		in = in.alt
		goto next
	case opAlt:
		pos = int(f.pos)
		m.resumed = pos
		list := in.x.lists[f.aux>>16]
		i := int(f.aux & 0xFFFF)
		if i+1 == len(list) {
			sp--
		} else {
			f.aux++
		}
		in = list[i]
		goto next
	case opSpanGreedy:
		fol := in.fol
		for p, least := int(f.pos), int(f.aux); ; {
			p--
			c := byteAt(text, p)
			if c >= utf8.RuneSelf {
				break
			}
			if fol != nil && fol[c] == 0 {
				if p > least {
					continue
				}
				sp--
				goto unwind
			}
			if p > least {
				f.pos = int32(p)
			} else {
				sp--
			}
			pos = p
			m.resumed = p
			in = in.next
			goto next
		}
	case opSpanLazy:
		if p := int(f.pos); f.aux == math.MaxInt32 && in.min == 0 && in.fol != nil && p < n && byteAt(text, p) < utf8.RuneSelf {
			sp--
			if in.tab[byteAt(text, p)] == tabNo {
				goto unwind
			}
			m.resumed = p
			pos = p + 1
			goto scan
		}
	}
	return in, pos, sp, stopResume
}

package onig

import "unicode/utf8"

// maxStack limits the backtracking stack: 12 bytes an entry, so some 200 MB. Only recursion and enormous texts come near it.
const maxStack = 16 << 20

// deepStack is where deep recursion, which may go on for long without going back, begins to look at the clock.
const deepStack = 1 << 20

// keepStack and keepMemo are what a matcher keeps from one match to the next: some 3 MB of stack, 1 MB of memo.
const (
	keepStack = 1 << 18
	keepMemo  = 1 << 17
)

// longRun is how many bytes count as a step, so that the clock is looked at in time where much is passed between two failures.
const longRun = 16

// guarded searches where the stack may reach its limit: with recursion, or a text so long that a few entries a byte are too many.
func (m *Matcher) guarded(start int) (ok bool) {
	m.guard = true
	defer func() {
		m.guard = false
		if r := recover(); r != nil {
			if r != errStack {
				panic(r)
			}
			m.timedOut, ok = true, false
		}
	}()
	return m.find(start)
}

// isWord reports whether c is a word character for \b.
func isWord(c rune) bool {
	if c < utf8.RuneSelf {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_'
	}
	return wordSet().contains(c)
}

// atWordBound reports whether exactly one of the characters around pos is a word character.
func atWordBound(s string, pos int32, flags uint16) bool {
	before, after := false, false
	if pos > 0 {
		if c := s[pos-1]; c < utf8.RuneSelf {
			before = isWord(rune(c))
		} else if flags&flagAscii == 0 {
			r, _ := utf8.DecodeLastRuneInString(s[:pos])
			before = isWord(r)
		}
	}
	if pos < int32(len(s)) {
		if c := s[pos]; c < utf8.RuneSelf {
			after = isWord(rune(c))
		} else if flags&flagAscii == 0 {
			r, _ := utf8.DecodeRuneInString(s[pos:])
			after = isWord(r)
		}
	}
	return before != after
}

// lookSet runs opLookSet.
func lookSet(in *code, s string, pos int32) bool {
	neg := in.flags&flagNeg != 0
	if in.flags&flagBehind != 0 {
		if pos == 0 {
			return neg
		}
		pos = charStart(s, pos)
	}
	if pos >= int32(len(s)) {
		return neg
	}
	_, count := spanChars(in.class(), s, pos, 1)
	return (count == 1) != neg
}

// cut removes the alternatives above mark from the stack; registers to restore stay where the instruction says that there may be some.
func cut(stk []frame, mark, sp int32, flags uint16) int32 {
	if flags&flagUndo == 0 {
		return mark
	}
	for i := mark; i < sp; i++ {
		if stk[i].pc < 0 {
			stk[mark] = stk[i]
			mark++
		}
	}
	return mark
}

// backref returns where the text of a group ends that stands at pos too, -1 if it does not. Of several groups of one name the last that matches counts.
func (m *Matcher) backref(in *code, pos int32) int32 {
	list := in.x.refs
	for i := len(list) - 1; i >= 0; i-- {
		a, b := m.regs[2*list[i]], m.regs[2*list[i]+1]
		if a < 0 || b < a {
			continue
		}
		text := m.text[a:b]
		if in.flags&flagFold != 0 {
			if end := foldedEnd(m.text, pos, text); end >= 0 {
				return end
			}
			continue
		}
		if l := int32(len(text)); int32(len(m.text))-pos >= l && m.text[pos:pos+l] == text {
			return pos + l
		}
	}
	return -1
}

// foldedEnd compares text with what stands at pos, ignoring case.
func foldedEnd(s string, pos int32, text string) int32 {
	for _, c := range text {
		if pos >= int32(len(s)) {
			return -1
		}
		r, n := utf8.DecodeRuneInString(s[pos:])
		if simpleFold(r) != simpleFold(c) {
			return -1
		}
		pos += int32(n)
	}
	return pos
}

// absentEnd returns how far from pos a text may reach in which the body of in does not match, less than pos if even the empty text is no such text.
func (m *Matcher) absentEnd(in *code, pos, sp int32) (end int32, ok bool) {
	limit, base, resumed := m.limit, m.base, m.resumed
	n := int32(len(m.text))
	m.limit = n + 1
	for p := pos; p <= n && p < m.limit; {
		m.run(in.alt.idx, p, sp)
		if m.timedOut {
			return 0, false
		}
		if p == n {
			break
		}
		p = charEnd(m.text, p)
	}
	// A text that ends where the body ends contains it, so the last character has to go.
	end = m.limit
	m.limit, m.base, m.resumed = limit, base, resumed
	if end == n+1 {
		return n, true
	}
	if end == pos {
		return pos - 1, true
	}
	return charStart(m.text, end), true
}

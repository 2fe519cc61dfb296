package onig

import (
	"math/bits"
	"unsafe"
)

// blockSize is how many bytes are searched at a time, where there are as many.
const blockSize = 16

// scan measures, from pos on, what takes longer than a call: it returns where that ends or, if the instruction does not match, the complement of how far it got.
func (m *Matcher) scan(in *code, pos int) int {
	n := len(m.text)
	text := unsafe.Pointer(unsafe.StringData(m.text))
	switch in.op {
	case opSpanGraph, opSpanGreedy:
		least, limit := pos+int(in.min), min(n, pos+int(in.max))
		pos = pastGraph(text, pos, limit)
		for tab := in.tab; pos < limit && tab[byteAt(text, pos)] != 0; {
			pos++
		}
		if pos < least {
			return ^pos
		}
		return pos
	case opSpanStops:
		end := pastRun(in, text, pos, n)
		if end < pos+int(in.min) {
			return ^end
		}
		return end
	case opSpanEscaped:
		return escaped(in, text, pos, n)
	case opSpanLazy:
		if end := lazyEnd(in, m.text, int32(pos)); end >= 0 {
			return int(end)
		}
		return ^pos
	case opTraced:
		return m.traced(in, text, pos, n)
	case opLongest:
		return longest(in, text, pos, n)
	}
	panic("BUG: instruction cannot be scanned")
}

// pastRun returns the end of a run.
func pastRun(in *code, text unsafe.Pointer, pos, n int) int {
	if in.flags&flagStops != 0 {
		return pastStops(text, pos, n, in.word)
	}
	for tab := in.tab; pos < n && tab[byteAt(text, pos)] != 0; {
		pos++
	}
	return pos
}

// escaped measures the inside of a quoted text.
func escaped(in *code, text unsafe.Pointer, pos, n int) int {
	least := pos + int(in.min)
	for {
		pos = pastRun(in, text, pos, n)
		// What an escaped character has behind its first byte belongs to the run.
		if pos+1 >= n || byteAt(text, pos) != in.b || in.fol[byteAt(text, pos+1)] == 0 {
			break
		}
		pos += 2
	}
	if pos < least {
		return ^pos
	}
	return pos
}

// longest runs an automaton and returns where it could end last.
func longest(in *code, text unsafe.Pointer, pos, n int) int {
	a := in.x.auto
	rows, kinds, accepts := unsafe.Pointer(unsafe.SliceData(a.next)), in.tab, uint(a.width-1)
	row, end := uint(a.start), ^pos
	for {
		if *(*uint16)(unsafe.Add(rows, 2*(row+accepts))) != 0 {
			end = pos
		}
		if pos >= n {
			return end
		}
		row = uint(*(*uint16)(unsafe.Add(rows, 2*(row+uint(kinds[byteAt(text, pos)])))))
		if row == 0 {
			return end
		}
		pos++
	}
}

// Eight bytes at a time: the lowest flagged byte is the first one that was looked for; those above it may be flagged by mistake.
const (
	lowBits  = 0x0101010101010101
	highBits = 0x8080808080808080
)

// pastGraph skips bytes above the space from pos on.
func pastGraph(text unsafe.Pointer, pos, n int) int {
	if n-pos >= blockSize {
		return pos + findBlank(unsafe.Add(text, pos), n-pos)
	}
	for pos = graphWords(text, pos, n); pos < n && byteAt(text, pos) > ' '; {
		pos++
	}
	return pos
}

// graphWords does so while eight bytes are left in front of n.
func graphWords(text unsafe.Pointer, pos, n int) int {
	for pos+8 <= n {
		v := *(*uint64)(unsafe.Add(text, pos))
		if found := (v - (' '+1)*lowBits) &^ v & highBits; found != 0 {
			return pos + bits.TrailingZeros64(found)>>3
		}
		pos += 8
	}
	return pos
}

// pastStops skips bytes that are neither of the two lowest of word from pos on.
func pastStops(text unsafe.Pointer, pos, n int, word uint64) int {
	if n-pos >= blockSize {
		return pos + findEither(unsafe.Add(text, pos), n-pos, word)
	}
	as, bs := word&0xFF*lowBits, word>>8*lowBits
	for pos+8 <= n {
		v := *(*uint64)(unsafe.Add(text, pos))
		va, vb := v^as, v^bs
		if found := ((va-lowBits)&^va | (vb-lowBits)&^vb) & highBits; found != 0 {
			return pos + bits.TrailingZeros64(found)>>3
		}
		pos += 8
	}
	for a, b := byte(word), byte(word>>8); pos < n; pos++ {
		if c := byteAt(text, pos); c == a || c == b {
			break
		}
	}
	return pos
}

package onig

import (
	"math/bits"
	"unsafe"
)

// The time stamps of lines that follow each other have most of their bytes in common. So a long automaton remembers the last text it ran over and the rows it
// went through, and goes on where the text at hand differs: eight bytes are compared in the time of one step.

// traceLength is how many bytes are remembered; minTraced is the least length of what is worth it.
const (
	traceLength = 32
	minTraced   = 10
)

// trace is the last run of one automaton.
type trace struct {
	words  [traceLength / 8]uint64 // the text
	length int32                   // of the run
	rows   [traceLength + 1]uint16 // by position: the row that was reached
}

// traced runs the automaton of opTraced.
func (m *Matcher) traced(in *code, text unsafe.Pointer, pos, n int) int {
	a := in.x.auto
	rows, kinds := unsafe.Pointer(unsafe.SliceData(a.next)), in.tab
	row := a.start
	from, limit := pos, pos // what is run over up to limit is remembered
	same := 0
	t := &m.traces[in.reg]
	if pos+traceLength <= n {
		t.rows[0] = row
		same = t.common(unsafe.Add(text, pos))
		row = t.rows[same]
		pos, limit = pos+same, pos+traceLength
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
	if limit > from && (pos-from != same || same != int(t.length)) {
		t.keep(unsafe.Add(text, from), pos-from)
	}
	if a.next[row+a.width-1] == 0 {
		return ^pos
	}
	return pos
}

// common returns how many bytes at text are those of the last run; traceLength bytes can be read there.
func (t *trace) common(text unsafe.Pointer) int {
	for i, w := range t.words {
		if x := *(*uint64)(unsafe.Add(text, 8*i)) ^ w; x != 0 {
			return min(int(t.length), 8*i+bits.TrailingZeros64(x)>>3)
		}
	}
	return int(t.length)
}

// keep notes the text of a run.
func (t *trace) keep(text unsafe.Pointer, length int) {
	for i := range t.words {
		t.words[i] = *(*uint64)(unsafe.Add(text, 8*i))
	}
	t.length = int32(min(length, traceLength))
}

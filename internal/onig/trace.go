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

// common returns how many bytes at text are those of the last run; traceLength bytes can be read there.
func (t *trace) common(text unsafe.Pointer) int32 {
	for i, w := range t.words {
		if x := *(*uint64)(unsafe.Add(text, 8*i)) ^ w; x != 0 {
			return min(t.length, int32(8*i+bits.TrailingZeros64(x)>>3))
		}
	}
	return t.length
}

// keep notes the text of a run.
func (t *trace) keep(text unsafe.Pointer, length int32) {
	for i := range t.words {
		t.words[i] = *(*uint64)(unsafe.Add(text, 8*i))
	}
	t.length = min(length, traceLength)
}

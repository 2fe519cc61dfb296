package onig

import (
	"math/bits"
	"unsafe"
)

// Eight bytes at a time: the lowest flagged byte is the first one that was looked for; those above it may be flagged by mistake.
const (
	lowBits  = 0x0101010101010101
	highBits = 0x8080808080808080
)

// pastGraph skips bytes above the space from pos on, while eight are left in front of n.
func pastGraph(text unsafe.Pointer, pos, n int32) int32 {
	for pos+8 <= n {
		v := *(*uint64)(unsafe.Add(text, pos))
		if found := (v - (' '+1)*lowBits) &^ v & highBits; found != 0 {
			return pos + int32(bits.TrailingZeros64(found)>>3)
		}
		pos += 8
	}
	return pos
}

// pastOthers skips bytes that are neither a nor b from pos on, while eight are left in front of n.
func pastOthers(text unsafe.Pointer, pos, n int32, a, b byte) int32 {
	as, bs := uint64(a)*lowBits, uint64(b)*lowBits
	for pos+8 <= n {
		v := *(*uint64)(unsafe.Add(text, pos))
		va, vb := v^as, v^bs
		if found := ((va-lowBits)&^va | (vb-lowBits)&^vb) & highBits; found != 0 {
			return pos + int32(bits.TrailingZeros64(found)>>3)
		}
		pos += 8
	}
	return pos
}

package engine

import "math/bits"

// Lucene keeps the length of a text in one byte: lengths up to 39 exactly, greater ones with four significant bits. Scores compute with
// the rounded length, so ours have to round alike.

// plainNorms is how many lengths are their own norm: what is left of 255 when the greatest 32-bit length takes 231.
const plainNorms = 24

// normOf returns the norm of a length (SmallFloat.intToByte4).
func normOf(length int) byte {
	if length < plainNorms {
		return byte(length)
	}
	v := uint64(length - plainNorms)
	n := bits.Len64(v)
	if n < 4 {
		return byte(plainNorms + v)
	}
	// The four highest bits: the first is always set and gives way to the exponent.
	shift := n - 4
	return byte(plainNorms + (int(v>>shift)&7 | (shift+1)<<3))
}

// lengthOf returns the length that a norm stands for (SmallFloat.byte4ToInt).
func lengthOf(norm byte) int {
	if norm < plainNorms {
		return int(norm)
	}
	v := int(norm) - plainNorms
	mantissa, shift := v&7, v>>3-1
	if shift < 0 {
		return plainNorms + mantissa
	}
	return plainNorms + (mantissa|8)<<shift
}

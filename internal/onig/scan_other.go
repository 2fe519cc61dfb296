//go:build !amd64 || purego

package onig

import (
	"strings"
	"unsafe"
)

// findEither returns where the first of the n bytes at p is that equals one of the two lowest bytes of word, n if there is none. It looks at a window at a time,
// so that a byte far away is not searched for again and again when the other one is frequent.
func findEither(p unsafe.Pointer, n int, word uint64) int {
	const window = 256
	s := unsafe.String((*byte)(p), n)
	first, second := byte(word), byte(word>>8)
	for pos := 0; pos < n; {
		w := s[pos:min(pos+window, n)]
		i := strings.IndexByte(w, first)
		if i >= 0 {
			w = w[:i]
		}
		if second != first {
			if j := strings.IndexByte(w, second); j >= 0 {
				return pos + j
			}
		}
		pos += len(w)
		if i >= 0 {
			return pos
		}
	}
	return n
}

// findBlank returns where the first of the n bytes at p is that is a space or below, n if there is none.
func findBlank(p unsafe.Pointer, n int) int {
	i := graphWords(p, 0, n)
	for i < n && byteAt(p, i) > ' ' {
		i++
	}
	return i
}

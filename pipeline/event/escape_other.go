//go:build !amd64 || purego

package event

import (
	"encoding/binary"
	"math/bits"
	"unsafe"
)

// putText writes s to dst, a backslash before each quote and backslash, and returns the length; -1 if s has a control character. At dst
// there is room for 2*len(s)+blockRoom.
func putText(dst *byte, s string) int {
	buf := unsafe.Slice(dst, 2*len(s))
	n := 0
	for {
		k := plainPrefix(s)
		n += copy(buf[n:], s[:k])
		if k == len(s) {
			return n
		}
		if s[k] < 0x20 {
			return -1
		}
		buf[n], buf[n+1] = '\\', s[k]
		n += 2
		s = s[k+1:]
	}
}

// putStrings writes ,"key":"text" to dst for each of count fields, up to one that is no string, that has a control character, that is
// longer than bigText together, or for which there are not 2*len(key)+2*len(text)+pairRoom bytes before end. It returns the bytes and
// fields written.
func putStrings(dst, end *byte, fields *Field, count int) (n, done int) {
	buf := unsafe.Slice(dst, uintptr(unsafe.Pointer(end))-uintptr(unsafe.Pointer(dst)))
	for _, f := range unsafe.Slice(fields, count) {
		size := len(f.Key) + int(f.Val.num)
		if f.Val.kind != String || size >= bigText || len(buf)-n < 2*size+pairRoom {
			break
		}
		k := putKey(&buf[n], f.Key)
		if k < 0 {
			break
		}
		at := n + k
		buf[at] = '"'
		if k = putText(&buf[at+1], f.Val.text()); k < 0 {
			break
		}
		buf[at+1+k] = '"'
		n = at + k + 2
		done++
	}
	return n, done
}

// putKey writes ,"key": to dst as putText does, and returns the length; -1 if it has a control character. At dst there is room for
// 2*len(key)+pairRoom.
func putKey(dst *byte, key string) int {
	buf := unsafe.Slice(dst, 2*len(key)+pairRoom)
	buf[0], buf[1] = ',', '"'
	k := putText(&buf[2], key)
	if k < 0 {
		return -1
	}
	buf[k+2], buf[k+3] = '"', ':'
	return k + 4
}

// escapeMask has the high bit of the first byte of w set that needs an escape: one below 0x20, a quote or a backslash. Bits above it
// may be wrong: each test leaves the high bit of a byte set where it holds, and its borrow can only set bits above the first true one.
func escapeMask(w uint64) uint64 {
	quote := w ^ lows*'"'
	slash := w ^ lows*'\\'
	return (((w - lows*0x20) &^ w) | ((quote - lows) &^ quote) | ((slash - lows) &^ slash)) & highs
}

// plainPrefix returns how many bytes at the start of s need no escape.
func plainPrefix(s string) int {
	p := unsafe.Slice(unsafe.StringData(s), len(s))
	i := 0
	for ; i+8 <= len(p); i += 8 {
		if m := escapeMask(binary.LittleEndian.Uint64(p[i:])); m != 0 {
			return i + bits.TrailingZeros64(m)/8
		}
	}
	for ; i < len(p); i++ {
		if c := p[i]; c < 0x20 || c == '"' || c == '\\' {
			return i
		}
	}
	return i
}

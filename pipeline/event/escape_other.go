//go:build !amd64 || purego

package event

import (
	"encoding/binary"
	"math/bits"
	"strconv"
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

// putFields writes ,"key":value to dst for each of count fields, and nothing for holes, up to one that it leaves to its caller: a value
// of another kind than text, JSON text, a truth, an integer up to maxPutInt or the instant of clock, a control character, or what there
// is no room for before end: 2*len(key)+2*len(text)+pairRoom bytes, with shortRoom for what is no text. It returns the bytes and fields
// written.
func putFields(dst, end *byte, fields *Field, count int, clock *timestampText) (n, done int) {
	buf := unsafe.Slice(dst, uintptr(unsafe.Pointer(end))-uintptr(unsafe.Pointer(dst)))
	for ; done < count; done++ {
		if f := &unsafe.Slice(fields, count)[done]; f.Val.kind != hole {
			k := putField(buf[n:], f, clock)
			if k < 0 {
				break
			}
			n += k
		}
	}
	return n, done
}

// putField writes one field that is no hole and returns the length; -1 if it is left to the caller.
func putField(buf []byte, f *Field, clock *timestampText) int {
	size := len(f.Key) + f.Val.textRoom()
	if len(buf) < 2*size+pairRoom {
		return -1
	}
	switch f.Val.kind {
	case String, rawJSON, Bool:
	case Int:
		if f.Val.num > maxPutInt {
			return -1
		}
	case Time:
		if clock.n == 0 || clock.sec != int64(f.Val.num) || clock.nsec != f.Val.nsec {
			return -1
		}
	default:
		return -1
	}
	n := putKey(&buf[0], f.Key)
	if n < 0 {
		return -1
	}
	switch f.Val.kind {
	case Int:
		return len(strconv.AppendUint(buf[:n], f.Val.num, 10))
	case Bool:
		return len(strconv.AppendBool(buf[:n], f.Val.num != 0))
	case rawJSON:
		return n + copy(buf[n:], f.Val.text())
	case Time:
		buf[n] = '"'
		n += 1 + copy(buf[n+1:], clock.text[:clock.n])
	default:
		buf[n] = '"'
		k := putText(&buf[n+1], f.Val.text())
		if k < 0 {
			return -1
		}
		n += k + 1
	}
	buf[n] = '"'
	return n + 1
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

//go:build !amd64

package event

import "unsafe"

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

// putPair writes ,"key":"text" to dst as putText does, and returns the length; -1 if either has a control character. At dst there is
// room for 2*len(key)+2*len(text)+pairRoom.
func putPair(dst *byte, key, text string) int {
	buf := unsafe.Slice(dst, 2*len(key)+2*len(text)+pairRoom)
	buf[0], buf[1] = ',', '"'
	k := putText(&buf[2], key)
	if k < 0 {
		return -1
	}
	n := 2 + k
	n += copy(buf[n:], `":"`)
	if k = putText(&buf[n], text); k < 0 {
		return -1
	}
	buf[n+k] = '"'
	return n + k + 1
}

//go:build !purego

package event

// putText writes s to dst, a backslash before each quote and backslash, and returns the length; -1 if s has a control character. It
// stores in blocks of sixteen bytes: at dst there is room for 2*len(s)+blockRoom.
//
//go:noescape
func putText(dst *byte, s string) int

// putPair writes ,"key":"text" to dst as putText does, and returns the length; -1 if either has a control character. At dst there is
// room for 2*len(key)+2*len(text)+pairRoom.
//
//go:noescape
func putPair(dst *byte, key, text string) int

// putKey writes ,"key": to dst as putText does, and returns the length; -1 if it has a control character. At dst there is room for
// 2*len(key)+pairRoom.
//
//go:noescape
func putKey(dst *byte, key string) int

// plainPrefix returns how many bytes at the start of s need no escape.
//
//go:noescape
func plainPrefix(s string) int

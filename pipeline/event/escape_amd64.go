//go:build !purego

package event

// putText writes s to dst, a backslash before each quote and backslash, and returns the length; -1 if s has a control character. It
// stores in blocks of sixteen bytes: at dst there is room for 2*len(s)+blockRoom.
//
//go:noescape
func putText(dst *byte, s string) int

// putFields writes ,"key":value to dst for each of count fields, and nothing for holes, up to one that it leaves to its caller: a value
// of another kind than text, JSON text, a truth, an integer up to maxPutInt or the instant of clock, a control character, or what there
// is no room for before end: 2*len(key)+2*len(text)+pairRoom bytes, with shortRoom for what is no text. It returns the bytes and fields
// written.
//
//go:noescape
func putFields(dst, end *byte, fields *Field, count int, clock *timestampText) (n, done int)

// putKey writes ,"key": to dst as putText does, and returns the length; -1 if it has a control character. At dst there is room for
// 2*len(key)+pairRoom.
//
//go:noescape
func putKey(dst *byte, key string) int

// plainPrefix returns how many bytes at the start of s need no escape.
//
//go:noescape
func plainPrefix(s string) int

const _ = maxPutInt // escape_amd64.s has it

//go:build !purego

package event

// putText writes s to dst, a backslash before each quote and backslash, and returns the length; -1 if s has a control character. It
// stores in blocks of sixteen bytes: at dst there is room for 2*len(s)+blockRoom.
//
//go:noescape
func putText(dst *byte, s string) int

// putStrings writes ,"key":"text" to dst for each of count fields, up to one that is no string, that has a control character, that is
// longer than bigText together, or for which there are not 2*len(key)+2*len(text)+pairRoom bytes before end. It returns the bytes and
// fields written.
//
//go:noescape
func putStrings(dst, end *byte, fields *Field, count int) (n, done int)

// putKey writes ,"key": to dst as putText does, and returns the length; -1 if it has a control character. At dst there is room for
// 2*len(key)+pairRoom.
//
//go:noescape
func putKey(dst *byte, key string) int

// plainPrefix returns how many bytes at the start of s need no escape.
//
//go:noescape
func plainPrefix(s string) int

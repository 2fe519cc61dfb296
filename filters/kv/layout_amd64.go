//go:build !purego

package kv

import (
	"unsafe"

	"millrace/pipeline/event"
)

// The layout of what runPairs writes, which nothing but assembly refers to.
const (
	partName    = unsafe.Offsetof(event.Part{}.Name)
	partText    = unsafe.Offsetof(event.Part{}.Text)
	partTextLen = unsafe.Offsetof(event.Part{}.TextLen)
	partNameLen = unsafe.Offsetof(event.Part{}.NameLen)
	partSize    = unsafe.Sizeof(event.Part{})

	_ = partName + partNameLen + partText + partTextLen + partSize
)

// What runPairs relies on: a name has 64 bytes, and a mark stands behind a length in names and in parts.
var (
	_ [64]byte = [unsafe.Sizeof(name{})]byte{}
	_ [1]byte  = [unsafe.Offsetof(name{}.mark) - unsafe.Offsetof(name{}.size)]byte{}
	_ [1]byte  = [unsafe.Offsetof(event.Part{}.Mark) - partNameLen]byte{}
)

// runPairs does what run does from pos on, in text of size bytes, and stops at any pair that is not quite simple: with a long key, with
// blanks before its value, with a text that ends short before the end of a page. It returns how many parts it wrote, where the next pair
// begins and the number of the last name.
//
//go:noescape
func runPairs(with *grammar, l *layout, text *byte, size, slash, pos int, last uint64, room *event.Part, count int, skipEmpty bool) (n, next int, name uint64)

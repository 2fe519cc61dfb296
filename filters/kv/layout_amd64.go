//go:build !purego

package kv

import (
	"unsafe"

	"millrace/pipeline/event"
)

// The layout of what runPairs writes, which nothing but assembly refers to.
const (
	partName    = unsafe.Offsetof(event.Part{}.Name)
	partNameLen = unsafe.Offsetof(event.Part{}.NameLen)
	partText    = unsafe.Offsetof(event.Part{}.Text)
	partTextLen = unsafe.Offsetof(event.Part{}.TextLen)
	partMark    = unsafe.Offsetof(event.Part{}.Mark)
	partSize    = unsafe.Sizeof(event.Part{})

	_ = partName + partNameLen + partText + partTextLen + partMark + partSize
)

var _ [0]struct{} = [unsafe.Sizeof(name{}) - 64]struct{}{} // runPairs multiplies by it

// runPairs does what run does from pos on, in text of size bytes behind which up to load bytes may be read, and stops at any pair that is
// not quite simple: at the end of a text, with a long key, or with blanks before its value. It returns how many parts it wrote, where the
// next pair begins and the number of the last name.
//
//go:noescape
func runPairs(with *grammar, l *layout, text *byte, size, slash, pos int, last uint64, room *event.Part, count int, skipEmpty bool) (n, next int, name uint64)

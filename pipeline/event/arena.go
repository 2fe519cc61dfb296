package event

import "unsafe"

// arenaChunk is what an arena allocates at a time. It holds the texts that some hundred events make (numbers as text, lower-cased or
// joined strings), so making one costs a share of one pointer-free allocation.
const arenaChunk = 32 << 10

// Arena turns bytes into strings that live as long as anybody refers to them: texts are appended to a chunk that is written once and
// then left to the garbage collector. One owner, no lock.
type Arena struct{ buf []byte }

// String returns a copy of b as a string.
func (a *Arena) String(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if len(b) > cap(a.buf)-len(a.buf) {
		if len(b) > arenaChunk/8 {
			return string(b)
		}
		a.buf = make([]byte, 0, arenaChunk)
	}
	n := len(a.buf)
	a.buf = append(a.buf, b...)
	return unsafe.String(&a.buf[n], len(b))
}

// Free returns an empty slice over the arena's free space (at least 1 KiB) to append one text to; [Arena.Take] makes a string of it.
// Between the two calls the arena must not be used.
func (a *Arena) Free() []byte {
	if cap(a.buf)-len(a.buf) < 1<<10 {
		a.buf = make([]byte, 0, arenaChunk)
	}
	return a.buf[len(a.buf):]
}

// Take returns the text b, which was appended to what [Arena.Free] returned, as a string. If b outgrew the free space it has storage
// of its own and is simply that.
func (a *Arena) Take(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	n := len(a.buf)
	if n+len(b) <= cap(a.buf) && unsafe.SliceData(b) == unsafe.SliceData(a.buf[n:n+1]) {
		a.buf = a.buf[:n+len(b)]
	}
	return unsafe.String(&b[0], len(b))
}

package event

import (
	"sync"
	"sync/atomic"
)

// Chunk is memory that a stream was read into. Texts of batches, and so of events, are parts of it. When all who use it have given it back it is
// filled anew; a chunk that one of them only forgets is left to the garbage collector, which is right as well, and slower.
type Chunk struct {
	Bytes []byte

	users atomic.Int32
	from  *Chunks
}

// Use counts one more who uses c.
func (c *Chunk) Use() { c.users.Add(1) }

// GiveBack says that one of those who use c keeps nothing of it.
func (c *Chunk) GiveBack() {
	switch n := c.users.Add(-1); {
	case n == 0:
		c.from.put(c)
	case n < 0:
		panic("BUG: a chunk was given back more often than it was used")
	}
}

// Chunks lends chunks of one size. Those that nobody needs for a while go to the garbage collector.
type Chunks struct {
	// Reuse is called with a chunk that comes back; nil outside of tests.
	Reuse func(*Chunk)

	idle sync.Pool
}

// Get returns a chunk of that many bytes with one user. It holds whatever was in it.
func (p *Chunks) Get(size int) *Chunk {
	c, _ := p.idle.Get().(*Chunk)
	if c == nil || len(c.Bytes) != size {
		c = &Chunk{Bytes: make([]byte, size), from: p}
	}
	c.Use()
	return c
}

func (p *Chunks) put(c *Chunk) {
	if p.Reuse != nil {
		p.Reuse(c)
	}
	p.idle.Put(c)
}

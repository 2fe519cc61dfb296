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

// Chunks lends chunks of one size. The one that came back last is the first to go: it is the one that the processor still has in its caches.
type Chunks struct {
	// Reuse is called with a chunk that comes back; nil outside of tests.
	Reuse func(*Chunk)

	mu   sync.Mutex
	idle []*Chunk
}

// maxIdle bounds the chunks that are kept: 8 MiB of the size that inputs use. A sync.Pool would give all up at each collection, and the
// heap would be larger by what is then made anew.
const maxIdle = 64

// Get returns a chunk of that many bytes with one user. It holds whatever was in it.
func (p *Chunks) Get(size int) *Chunk {
	c := p.take()
	if c == nil || len(c.Bytes) != size {
		c = &Chunk{Bytes: make([]byte, size), from: p}
	}
	c.Use()
	return c
}

func (p *Chunks) take() *Chunk {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.idle) - 1
	if n < 0 {
		return nil
	}
	c := p.idle[n]
	p.idle[n], p.idle = nil, p.idle[:n]
	return c
}

func (p *Chunks) put(c *Chunk) {
	if p.Reuse != nil {
		p.Reuse(c)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) < maxIdle {
		p.idle = append(p.idle, c)
	}
}

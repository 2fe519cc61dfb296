package esbulk

import "sync/atomic"

// Buffer collects encoded operations: action lines with the document lines that belong to them, as they stand in a bulk body. A
// worker owns it until it flushes it.
type Buffer struct {
	// B holds the operations. Who appends one ends it with [Buffer.End].
	B []byte

	ends  []uint32     // of each operation in B
	spans []span       // whose the operations are, in order
	notes map[int]note // of the few operations that have one
	extra int          // bytes of notes

	_ [64]byte // a line of the cache between the buffers of two workers, which write to them with each operation
}

// note is what an operation has besides its bytes.
type note struct {
	document []byte // of one that carries none
	replayed bool   // its event comes from a dead letter queue
}

// span says that the next n operations belong to a turn.
type span struct {
	t *turn
	n int
}

// Settler is what a turn came from; Settle is called once.
type Settler interface{ Settle() }

// turn is what one worker flushed at once.
type turn struct {
	of      Settler
	pending atomic.Int64 // operations that are not settled yet
}

// settle says that n operations of the turn are done.
func (t *turn) settle(n int) {
	switch left := t.pending.Add(-int64(n)); {
	case left == 0:
		t.of.Settle()
	case left < 0:
		panic("BUG: operations were settled twice")
	}
}

// End ends the operation that was appended to B.
func (b *Buffer) End() { b.ends = append(b.ends, uint32(len(b.B))) }

// EndHidden is End for an operation that carries no document (delete); document is what a dead letter shows of it.
func (b *Buffer) EndHidden(document []byte) {
	b.note(len(b.ends), note{document: document})
	b.End()
}

// Replayed notes of the operation that was ended last that its event comes from a dead letter queue.
func (b *Buffer) Replayed() {
	last := len(b.ends) - 1
	n := b.notes[last]
	b.extra -= len(n.document)
	n.replayed = true
	b.note(last, n)
}

// Len returns the number of operations.
func (b *Buffer) Len() int { return len(b.ends) }

// size returns the bytes that count against the bound.
func (b *Buffer) size() int { return len(b.B) + b.extra }

// op returns the bytes of operation i.
func (b *Buffer) op(i int) []byte { return b.B[b.start(i):b.ends[i]] }

func (b *Buffer) start(i int) uint32 {
	if i == 0 {
		return 0
	}
	return b.ends[i-1]
}

func (b *Buffer) reset() {
	b.B, b.ends = b.B[:0], b.ends[:0]
	clear(b.spans)
	b.spans = b.spans[:0]
	b.notes, b.extra = nil, 0
}

// claim makes all operations, which have no owner yet, those of t.
func (b *Buffer) claim(t *turn) {
	b.spans = append(b.spans[:0], span{t, len(b.ends)})
	t.pending.Store(int64(len(b.ends)))
}

// appendAll appends the operations of c.
func (b *Buffer) appendAll(c *Buffer) {
	base, first := uint32(len(b.B)), len(b.ends)
	b.B = append(b.B, c.B...)
	for _, end := range c.ends {
		b.ends = append(b.ends, base+end)
	}
	b.spans = append(b.spans, c.spans...)
	for i, n := range c.notes {
		b.note(first+i, n)
	}
}

func (b *Buffer) note(i int, n note) {
	if b.notes == nil {
		b.notes = make(map[int]note)
	}
	b.notes[i] = n
	b.extra += len(n.document)
}

// appendOp appends operation i of c, which is one of t.
func (b *Buffer) appendOp(c *Buffer, i int, t *turn) {
	if n, ok := c.notes[i]; ok {
		b.note(len(b.ends), n)
	}
	b.B = append(b.B, c.op(i)...)
	b.End()
	if n := len(b.spans); n > 0 && b.spans[n-1].t == t {
		b.spans[n-1].n++
		return
	}
	b.spans = append(b.spans, span{t, 1})
}

// owners calls f for every operation from first on with the turn that it belongs to.
func (b *Buffer) owners(f func(i int, t *turn)) {
	i := 0
	for _, s := range b.spans {
		for range s.n {
			f(i, s.t)
			i++
		}
	}
}

// split moves the operations from i on into a buffer of their own.
func (b *Buffer) split(i int) *Buffer {
	rest := new(Buffer)
	b.owners(func(j int, t *turn) {
		if j >= i {
			rest.appendOp(b, j, t)
		}
	})
	for j, n := range b.notes {
		if j >= i {
			delete(b.notes, j)
			b.extra -= len(n.document)
		}
	}
	b.B = b.B[:b.start(i)]
	b.ends = b.ends[:i]
	for k, left := 0, i; k < len(b.spans); k++ {
		if left <= b.spans[k].n {
			b.spans[k].n = left
			if left > 0 {
				k++
			}
			clear(b.spans[k:])
			b.spans = b.spans[:k]
			break
		}
		left -= b.spans[k].n
	}
	return rest
}

// Each calls f for every operation; f may change its bytes.
func (b *Buffer) Each(f func(op []byte)) {
	for i := range b.ends {
		f(b.op(i))
	}
}

// Discard forgets the operations, which nobody claimed yet.
func (b *Buffer) Discard() { b.reset() }

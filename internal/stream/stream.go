// Package stream turns a stream of bytes into batches of records: it owns the chunks that are read into and calls the codec's framer.
package stream

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"
	"unsafe"

	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// CutTag marks a record that was longer than the limit: this is the part of it that fitted.
const CutTag = "_record_too_long"

// The sizes of chunks. A quiet connection waits in a small one, so that ten thousand of them cost 20 MB; a busy one reads 128 KiB at
// a time, which the kernel fills in one call and a worker goes through in some hundred microseconds.
const (
	minChunk = 2 << 10
	maxChunk = 128 << 10
	minFree  = 512 // free space below which a new chunk is cheaper than a short read
)

// DefaultMaxRecord is the limit on the bytes of one record where none is given: longer ones are cut, since a sender that never ends
// its line must not take all memory.
const DefaultMaxRecord = 16 << 20

// Limits bounds what a Reader keeps.
type Limits struct {
	MaxRecord int // bytes of one record; 0 means DefaultMaxRecord
}

// Reader reads batches from one stream. It is used by one goroutine. The records of its batches are parts of chunks, which are written
// once and then left to the garbage collector, unless they are lent by a pool: those of lines are filled anew after [event.Batch.Recycle].
type Reader struct {
	r      io.Reader
	framer plugin.Framer
	pool   *Pool
	limit  int

	chunk      []byte
	lent       *event.Chunk // what chunk is the memory of; nil: it is written once and left to the garbage collector
	start, end int          // what is read and not yet part of a record
	size       int          // of the next chunk
	cut        int64
}

// NewReader returns a Reader of r, which cuts records by framer.
func NewReader(r io.Reader, framer plugin.Framer, l Limits) *Reader {
	if l.MaxRecord <= 0 {
		l.MaxRecord = DefaultMaxRecord
	}
	return &Reader{r: r, framer: framer, limit: l.MaxRecord, size: minChunk}
}

// WithPool makes the reader take its batches from p.
func (r *Reader) WithPool(p *Pool) *Reader {
	r.pool = p
	return r
}

// Pending reports whether the stream has begun a record that is not complete.
func (r *Reader) Pending() bool { return r.end > r.start }

// IdleAfter returns after which time without data the pending bytes are a record all the same; 0 means never.
func (r *Reader) IdleAfter() time.Duration {
	if f, ok := r.framer.(plugin.IdleFramer); ok {
		return f.IdleAfter()
	}
	return 0
}

// SetIdleDeadline bounds how long the next read of c, which r reads, waits for more of a record that is complete when nothing comes for a while.
// When ctx has ended, whose end sets the deadline to a time long ago, it does so again: the one may have overwritten the other.
func (r *Reader) SetIdleDeadline(ctx context.Context, c net.Conn) {
	after := r.IdleAfter()
	if after == 0 {
		return
	}
	deadline := time.Time{}
	if r.Pending() {
		deadline = time.Now().Add(after)
	}
	_ = c.SetReadDeadline(deadline)
	if ctx.Err() != nil {
		_ = c.SetReadDeadline(time.Unix(1, 0))
	}
}

// Next reads once and returns the records that this completed; nil if none. At the end of the stream it returns the last records
// together with io.EOF. A read that timed out by a deadline returns [os.ErrDeadlineExceeded] and loses nothing: call Next or Flush.
func (r *Reader) Next() (*event.Batch, error) {
	r.makeRoom()
	n, err := r.r.Read(r.chunk[r.end:cap(r.chunk)])
	var b *event.Batch
	if n > 0 {
		b = r.frame(n)
	}
	if err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		return b, err
	}
	if last := r.flush(b); last != nil {
		b = last
	}
	return b, err
}

// Flush returns what is pending as the records that the end of the stream would make of it.
func (r *Reader) Flush() *event.Batch { return r.flush(nil) }

func (r *Reader) flush(b *event.Batch) *event.Batch {
	rest := r.rest()
	r.start = r.end
	if b == nil {
		b = r.batch()
	}
	b.Spread()
	if rest != "" {
		r.keep()
	}
	b.Records = r.framer.Flush(rest, b.Records)
	b.Bytes += len(rest)
	return r.orNil(b)
}

func (r *Reader) rest() string {
	if r.start == r.end {
		return ""
	}
	return unsafe.String(&r.chunk[r.start], r.end-r.start)
}

// frame cuts records out of the n bytes that were read behind the pending ones.
func (r *Reader) frame(n int) *event.Batch {
	full := n == cap(r.chunk)-r.end
	r.end += n
	r.adapt(n, full)
	b := r.batch()
	rest := r.cutRecords(b, r.rest())
	r.start = r.end - len(rest)
	if len(rest) > r.limit {
		r.start = r.end
		b.Spread()
		first := len(b.Records)
		r.keep()
		b.Records = r.framer.Flush(rest, b.Records)
		for i := first; i < len(b.Records); i++ {
			b.Records[i].Tag = CutTag
		}
		r.cut++
	}
	b.Bytes = n
	return r.orNil(b)
}

// cutRecords puts the records of data into b and returns the rest.
func (r *Reader) cutRecords(b *event.Batch, data string) (rest string) {
	if f, ok := r.framer.(plugin.SpanFramer); ok {
		if b.Spans, rest, ok = f.FrameSpans(data, b.Spans); ok {
			b.Text = data
			if r.lent != nil && len(b.Spans) > 0 {
				r.lent.Use()
				b.Chunk = r.lent
			}
			return rest
		}
	}
	r.keep()
	b.Records, rest = r.framer.Frame(data, b.Records)
	return rest
}

// keep leaves the chunk to the garbage collector: records that are no spans hold on to it, and nobody says when they are done.
func (r *Reader) keep() { r.lent = nil }

// adapt chooses the size of the next chunk by what the stream brings.
func (r *Reader) adapt(n int, full bool) {
	switch {
	case full:
		r.size = min(4*r.size, maxChunk)
	case n < r.size/16:
		r.size = max(r.size/2, minChunk)
	}
}

// makeRoom replaces a chunk that has no space left by one that begins with the pending bytes.
func (r *Reader) makeRoom() {
	if cap(r.chunk)-r.end >= min(minFree, r.size/4) && r.chunk != nil {
		return
	}
	pending := r.end - r.start
	size := r.size
	if pending > size/2 {
		size = min(2*pending+minChunk, pending+4*maxChunk) // a long record: grow by doubling, then by steps
	}
	next, lent := r.newChunk(size)
	copy(next, r.chunk[r.start:r.end])
	if r.lent != nil {
		r.lent.GiveBack()
	}
	r.chunk, r.lent, r.start, r.end = next, lent, 0, pending
}

// newChunk returns memory to read into. That of busy streams is lent and comes back as soon as there are no events of it any more, so that it
// is still in the processor's caches and gives the garbage collector nothing to do.
func (r *Reader) newChunk(size int) ([]byte, *event.Chunk) {
	if size != maxChunk || r.pool == nil {
		return make([]byte, size), nil
	}
	c := r.pool.chunks.Get(size)
	return c.Bytes, c
}

func (r *Reader) batch() *event.Batch {
	if r.pool == nil {
		return &event.Batch{Time: time.Now()}
	}
	return r.pool.get()
}

// orNil returns b, or nil and b to the pool if it has no records.
func (r *Reader) orNil(b *event.Batch) *event.Batch {
	if b.Len() > 0 {
		return b
	}
	if r.pool != nil {
		r.pool.put(b)
	}
	return nil
}

// Pool keeps batches and chunks for reuse by the readers of one input. The zero Pool is empty.
type Pool struct {
	batches sync.Pool
	chunks  event.Chunks
}

// keepRecords bounds the records that a batch in the pool has room for.
const keepRecords = 8 << 10

func (p *Pool) get() *event.Batch {
	b, _ := p.batches.Get().(*event.Batch)
	if b == nil {
		b = new(event.Batch)
	}
	b.Time = time.Now()
	b.Done = p.put
	return b
}

// put takes a batch that is done.
func (p *Pool) put(b *event.Batch) {
	if cap(b.Records) > keepRecords || cap(b.Spans) > keepRecords {
		return
	}
	b.Reuse()
	p.batches.Put(b)
}

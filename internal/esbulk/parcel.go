package esbulk

import (
	"errors"
	"io"
	"sync"
	"time"
)

// parcel is what one request carries: buffers, one after the other.
type parcel struct {
	bufs     []*Buffer
	bytes    int // as held against the bound
	ops      int
	attempts int       // requests or items that failed so far
	due      time.Time // when it may be sent again
	alone    bool      // not to be merged: one of its operations is suspected
	trial    bool      // sent ahead of its time, to see whether the fault is over
	since    time.Time // of the first failure
	invalid  int       // answers 400 in a row to its only operation
}

func newParcel(bufs ...*Buffer) *parcel {
	p := &parcel{bufs: bufs}
	p.count()
	return p
}

func (p *parcel) count() {
	p.bytes, p.ops = 0, 0
	for _, b := range p.bufs {
		p.bytes += b.size()
		p.ops += b.Len()
	}
}

// length returns the length of the body.
func (p *parcel) length() int {
	n := 0
	for _, b := range p.bufs {
		n += len(b.B)
	}
	return n
}

// halve moves half of the operations, by bytes where there are several buffers, into another parcel. p has two operations at least.
func (p *parcel) halve() *parcel {
	q := &parcel{attempts: p.attempts, due: p.due, since: p.since, alone: p.alone}
	if len(p.bufs) == 1 {
		b := p.bufs[0]
		q.bufs = []*Buffer{b.split(b.Len() / 2)}
	} else {
		half, n := p.bytes/2, 0
		cut := 1
		for i, b := range p.bufs[:len(p.bufs)-1] {
			if n += b.size(); n >= half {
				cut = i + 1
				break
			}
			cut = i + 1
		}
		q.bufs = append(q.bufs, p.bufs[cut:]...)
		p.bufs = p.bufs[:cut:cut]
	}
	p.count()
	q.count()
	return q
}

// body reads the bytes of a parcel. The HTTP transport may go on reading after the answer came; detach ends that, so that the buffers
// can be used again.
type body struct {
	mu   sync.Mutex
	bufs []*Buffer
	off  int
	gone bool
}

var errDetached = errors.New("the request is over")

// Read implements io.Reader.
func (r *body) Read(dst []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.gone {
		return 0, errDetached
	}
	n := 0
	for n < len(dst) && len(r.bufs) > 0 {
		c := copy(dst[n:], r.bufs[0].B[r.off:])
		n += c
		if r.off += c; r.off == len(r.bufs[0].B) {
			r.bufs, r.off = r.bufs[1:], 0
		}
	}
	if n == 0 && len(r.bufs) == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// writePiece bounds what one write holds detach up for.
const writePiece = 256 << 10

// WriteTo implements io.WriterTo: what is left goes to w from where it is, without a copy.
func (r *body) WriteTo(w io.Writer) (n int64, err error) {
	for err == nil {
		var m int
		if m, err = r.writePiece(w); m == 0 && err == nil {
			return n, nil
		}
		n += int64(m)
	}
	return n, err
}

func (r *body) writePiece(w io.Writer) (n int, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.gone {
		return 0, errDetached
	}
	for len(r.bufs) > 0 && r.off == len(r.bufs[0].B) {
		r.bufs, r.off = r.bufs[1:], 0
	}
	if len(r.bufs) == 0 {
		return 0, nil
	}
	b := r.bufs[0].B[r.off:]
	n, err = w.Write(b[:min(len(b), writePiece)])
	r.off += n
	return n, err
}

func (r *body) detach() {
	r.mu.Lock()
	r.gone, r.bufs = true, nil
	r.mu.Unlock()
}

package pipeline

import (
	"context"
	"sync"
	"sync/atomic"
)

// gate bounds the bytes between an input's read and the last output's settling. A batch larger than the limit passes alone.
type gate struct {
	limit   int64
	n       atomic.Int64 // bytes inside; raised by acquire only while within the limit, lowered by release
	waiting atomic.Int32 // who is about to park or parked; read by release after it lowered n

	mu   sync.Mutex
	wake chan struct{} // closed, and forgotten, by a release that found somebody waiting
}

func (g *gate) try(n int64) bool {
	for {
		cur := g.n.Load()
		if cur > 0 && cur+n > g.limit {
			return false
		}
		if g.n.CompareAndSwap(cur, cur+n) {
			return true
		}
	}
}

// acquire waits until n more bytes fit.
func (g *gate) acquire(ctx context.Context, n int64) error {
	if g.try(n) {
		return nil
	}
	g.waiting.Add(1)
	defer g.waiting.Add(-1)
	for {
		g.mu.Lock()
		if g.wake == nil {
			g.wake = make(chan struct{})
		}
		wake := g.wake
		g.mu.Unlock()
		if g.try(n) { // after wake was taken, so that no release in between goes unseen
			return nil
		}
		select {
		case <-wake:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (g *gate) release(n int64) {
	g.n.Add(-n)
	if g.waiting.Load() == 0 {
		return
	}
	g.mu.Lock()
	if g.wake != nil {
		close(g.wake)
		g.wake = nil
	}
	g.mu.Unlock()
}

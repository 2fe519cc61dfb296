package netout

import (
	"context"
	"sync"
)

// Gate bounds what an output holds and tells when it holds nothing any more.
type Gate struct {
	limit int64

	mu    sync.Mutex
	held  int64
	freed chan struct{} // closed and replaced when something leaves
}

// NewGate returns a gate for so many bytes, or whatever else is counted.
func NewGate(limit int64) *Gate { return &Gate{limit: limit, freed: make(chan struct{})} }

// Enter waits until n fits, and returns the error of ctx if that ends before. What is larger than the limit enters alone.
func (g *Gate) Enter(ctx context.Context, n int64) error {
	return g.wait(ctx, func() bool {
		fits := g.fits(n)
		if fits {
			g.held += n
		}
		return fits
	})
}

// Room waits until something that counts 1 would fit, without entering, and returns the error of ctx if that ends before.
func (g *Gate) Room(ctx context.Context) error { return g.wait(ctx, func() bool { return g.fits(1) }) }

// fits is called with mu held.
func (g *Gate) fits(n int64) bool { return g.held == 0 || g.held+n <= g.limit }

// wait returns when done, which is called with mu held, says so, and the error of ctx if that ends before.
func (g *Gate) wait(ctx context.Context, done func() bool) error {
	for {
		g.mu.Lock()
		ready, freed := done(), g.freed
		g.mu.Unlock()
		if ready {
			return nil
		}
		select {
		case <-freed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Force enters without waiting, also beyond the limit.
func (g *Gate) Force(n int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.held += n
}

// Leave makes room for n again.
func (g *Gate) Leave(n int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.held -= n
	close(g.freed)
	g.freed = make(chan struct{})
}

// Drain waits until nothing is held or ctx ends, and returns what is left.
func (g *Gate) Drain(ctx context.Context) (left int64) {
	_ = g.wait(ctx, func() bool { // what is left says whether ctx ended before
		left = g.held
		return left == 0
	})
	return left
}

// Held returns what is held.
func (g *Gate) Held() int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.held
}

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
	for {
		g.mu.Lock()
		if g.held == 0 || g.held+n <= g.limit {
			g.held += n
			g.mu.Unlock()
			return nil
		}
		freed := g.freed
		g.mu.Unlock()
		select {
		case <-freed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Room waits until something that counts 1 would fit, without entering, and returns the error of ctx if that ends before.
func (g *Gate) Room(ctx context.Context) error {
	for {
		g.mu.Lock()
		full, freed := g.held > 0 && g.held+1 > g.limit, g.freed
		g.mu.Unlock()
		if !full {
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
func (g *Gate) Drain(ctx context.Context) int64 {
	for {
		g.mu.Lock()
		held, freed := g.held, g.freed
		g.mu.Unlock()
		if held == 0 {
			return 0
		}
		select {
		case <-freed:
		case <-ctx.Done():
			return held
		}
	}
}

// Held returns what is held.
func (g *Gate) Held() int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.held
}

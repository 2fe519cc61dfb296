package kafka

import (
	"context"
	"sync"
)

// gate bounds the bytes that the output holds.
type gate struct {
	limit int64

	mu    sync.Mutex
	held  int64
	freed chan struct{} // closed and replaced when something leaves
}

func newGate(limit int64) *gate { return &gate{limit: limit, freed: make(chan struct{})} }

// enter waits until n bytes fit. What is larger than the limit enters alone.
func (g *gate) enter(ctx context.Context, n int64) error {
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

func (g *gate) leave(n int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.held -= n
	close(g.freed)
	g.freed = make(chan struct{})
}

// drain waits until nothing is held or ctx ends, and returns what is left.
func (g *gate) drain(ctx context.Context) int64 {
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

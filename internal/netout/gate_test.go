package netout

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

func TestGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		g := NewGate(10)
		require.NoError(t, g.Enter(ctx, 100), "what is larger than the limit enters alone")
		entered, drained := make(chan error, 2), make(chan int64, 2)
		for range 2 {
			go func() { entered <- g.Enter(ctx, 6) }()
		}
		synctest.Wait()
		require.Empty(t, entered)
		g.Leave(100)
		synctest.Wait()
		require.Len(t, entered, 1, "six and six are more than ten")
		require.NoError(t, <-entered)
		require.Equal(t, int64(6), g.Held())

		go func() { drained <- g.Drain(t.Context()) }()
		cancel()
		synctest.Wait()
		require.ErrorIs(t, <-entered, context.Canceled)
		require.Equal(t, int64(6), g.Drain(ctx), "what is left at the end of ctx")
		require.Empty(t, drained)
		g.Leave(6)
		require.Zero(t, <-drained)
	})
}

func TestGateForce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewGate(2)
		require.NoError(t, g.Room(t.Context()))
		g.Force(3)
		ctx, cancel := context.WithCancel(t.Context())
		room := make(chan error, 2)
		for _, ctx := range []context.Context{ctx, t.Context()} {
			go func() { room <- g.Room(ctx) }()
		}
		cancel()
		synctest.Wait()
		require.ErrorIs(t, <-room, context.Canceled)
		g.Leave(1)
		synctest.Wait()
		require.Empty(t, room, "two of two are held")
		g.Leave(1)
		require.NoError(t, <-room)
		require.Equal(t, int64(1), g.Held(), "who asked for room did not take it")
	})
}

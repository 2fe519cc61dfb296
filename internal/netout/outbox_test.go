package netout

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"millrace/pipeline/event"
)

type testTurn struct{ b *event.Batch }

// TestOutbox: turns are sent in their order, one that does not fit waits and stays with who gives up, and the end waits for what can still be sent.
func TestOutbox(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var box *Outbox[testTurn]
		var sent []*testTurn
		proceed := make(chan struct{})
		box = NewOutbox[testTurn](10, func() {
			for {
				select {
				case <-box.Ready:
				case <-box.Ctx.Done():
					return
				}
				for _, x := range box.Take() {
					<-proceed
					sent = append(sent, x)
					box.Done(x, x.b, 6)
				}
			}
		})
		settled := 0
		batch := func() *event.Batch {
			b := &event.Batch{Done: func(*event.Batch) { settled++ }}
			b.Expect(1)
			return b
		}
		one, two := box.Turn(), box.Turn()
		one.b, two.b = batch(), batch()
		require.NoError(t, box.Hand(t.Context(), one, 6))
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, box.Hand(ended, two, 6), context.Canceled)
		handed := make(chan error)
		go func() { handed <- box.Hand(t.Context(), two, 6) }()
		synctest.Wait()
		proceed <- struct{}{}
		require.NoError(t, <-handed)
		go func() { proceed <- struct{}{} }()
		require.Zero(t, box.Close(t.Context()))
		require.Equal(t, []*testTurn{one, two}, sent)
		require.Equal(t, 2, settled)
		require.Error(t, box.Ctx.Err())
	})
}

package stream_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/internal/stream"
	"millrace/pipeline/event"
)

type sink func(ctx context.Context) error

func (s sink) Push(ctx context.Context, _ *event.Batch) error { return s(ctx) }

func TestPush(t *testing.T) {
	const limit = 2 * time.Second
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	f := func(ctx context.Context, s sink, want error, lost bool) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			var said bytes.Buffer
			began := time.Now()
			err := stream.Push(ctx, s, &event.Batch{Records: make([]event.Record, 3)}, limit, slog.New(slog.NewTextHandler(&said, nil)))
			require.ErrorIs(t, err, want)
			require.LessOrEqual(t, time.Since(began), limit)
			require.Equal(t, lost, bytes.Contains(said.Bytes(), []byte("records=3")), said.String())
		})
	}
	broken := errors.New("broken")
	f(context.Background(), func(context.Context) error { return nil }, nil, false)
	f(context.Background(), func(context.Context) error { return broken }, broken, false)
	f(ended, func(ctx context.Context) error { return ctx.Err() }, nil, false) // the second attempt has time
	f(ended, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, context.DeadlineExceeded, true)
}

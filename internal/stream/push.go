package stream

import (
	"context"
	"log/slog"
	"time"

	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Push hands b over; when ctx has ended, within limit: its records come from somebody who does not keep them. log is told if they are lost
// then; it is nil where whoever calls knows better.
func Push(ctx context.Context, out plugin.Sink, b *event.Batch, limit time.Duration, log *slog.Logger) error {
	err := out.Push(ctx, b)
	if err == nil || ctx.Err() == nil {
		return err
	}
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	if err = out.Push(late, b); err != nil && log != nil {
		log.Error("records are lost: they had been read, and the pipeline did not take them before the end of the stop", "records", b.Len(), "error", err)
	}
	return err
}

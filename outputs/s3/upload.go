package s3

import (
	"context"
	"log/slog"

	"millrace/internal/netout"
)

// upload uploads files until the output closes.
func (o *output) upload() {
	for {
		o.queueLock.Lock()
		for len(o.queue) == 0 && !o.closing {
			o.pending.Wait()
		}
		if len(o.queue) == 0 || o.ctx.Err() != nil {
			o.queueLock.Unlock()
			return
		}
		f := o.queue[0]
		o.queue = o.queue[1:]
		o.queueLock.Unlock()
		if o.uploadOne(f) {
			o.backlog.Leave(1)
		}
	}
}

// uploadOne uploads a file, as often as the options allow. It returns false if the output was closed before the store had it.
func (o *output) uploadOne(f *file) (done bool) {
	for try := 0; ; try++ {
		err := o.send(o.ctx, f)
		switch {
		case err == nil:
			o.uploaded.Add(1)
			o.env.Stats.Delivered.Add(f.events)
			return true
		case o.ctx.Err() != nil:
			return false
		}
		o.failed.Add(1)
		switch {
		case gone(err):
			o.env.Stats.Dropped.Add(f.events)
			o.env.Log.Error("a file was taken away before it was uploaded; its events are lost", slog.String("file", f.path), slog.Int64("events", f.events))
			return true
		case o.o.RetryCount != nil && try >= *o.o.RetryCount:
			o.env.Stats.Dropped.Add(f.events)
			o.env.Log.Error("an upload is given up; the file stays", slog.String("file", f.path), slog.Int64("events", f.events), errorAttr(err))
			return true
		}
		o.env.Stats.Retried.Add(f.events)
		o.log.Warn("an upload failed; trying again", slog.String("key", f.key), errorAttr(err))
		if netout.Pause(o.ctx, o.o.RetryDelay) != nil {
			return false
		}
	}
}

// send uploads a file once and removes it.
func (o *output) send(ctx context.Context, f *file) error {
	put := o.put
	if f.gzip {
		put.Encoding = "gzip"
	}
	if err := o.client.PutFile(ctx, o.o.Bucket, f.key, f.path, &put); err != nil {
		return err
	}
	o.env.Log.Debug("a file was uploaded", slog.String("key", f.key), slog.Int64("bytes", f.written))
	if err := f.remove(); err != nil {
		o.log.Error("a file that was uploaded cannot be removed; a later run with restore => true uploads it again", errorAttr(err))
	}
	return nil
}

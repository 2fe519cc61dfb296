package s3

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"millrace/internal/s3client"
	"millrace/pipeline/plugin"
)

// session is one Run.
type session struct {
	*input
	out plugin.Sink

	mu        sync.Mutex
	stopped   bool           // Run has ended: what is left to be done with objects is done by who settles their last batch
	finishing sync.WaitGroup // of objects that are delivered; no more are added once stopped
}

// Run reads what is there, and looks again by the interval until ctx ends.
func (in *input) Run(ctx context.Context, out plugin.Sink) error {
	if err := in.prepare(ctx); err != nil {
		return err
	}
	if in.t == nil {
		t, err := loadTracker(in.sincedb)
		if err != nil {
			return fmt.Errorf("%w: %w", plugin.ErrFatal, err)
		}
		in.t = t
	}
	s := &session{input: in, out: out}
	defer s.stop()
	if !in.o.Watch {
		if err := s.look(ctx); err != nil {
			return ended(ctx, err)
		}
		s.gate.Drain(ctx)
		return nil
	}
	return in.schedule.RunUntil(ctx, s.look)
}

// ended returns err unless it says that ctx ended.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// prepare makes the folders and the bucket that the options name.
func (in *input) prepare(ctx context.Context) error {
	if err := os.MkdirAll(in.o.TemporaryDirectory, 0o755); err != nil {
		return fmt.Errorf("the temporary directory: %w", err)
	}
	if in.o.BackupToDir != "" {
		if err := os.MkdirAll(in.o.BackupToDir, 0o700); err != nil {
			return fmt.Errorf("the folder for backups: %w", err)
		}
	}
	if in.o.BackupToBucket != "" {
		if err := in.client.EnsureBucket(ctx, in.o.BackupToBucket); err != nil {
			return ended(ctx, err)
		}
	}
	return nil
}

// stop keeps how far the input came.
func (s *session) stop() {
	s.mu.Lock()
	s.stopped = true
	s.mu.Unlock()
	s.finishing.Wait()
	s.save(true)
}

func (s *session) save(now bool) {
	if err := s.t.save(now); err != nil {
		s.log.Error("the sincedb cannot be written: objects may be read again", slog.String("sincedb_path", s.sincedb), slog.Any("error", err))
	}
}

// look lists the bucket and reads what is new. Its error is that of the pipeline.
func (s *session) look(ctx context.Context) error {
	found, err := s.list(ctx)
	if err != nil {
		if ctx.Err() == nil {
			s.input.failed.Add(1)
			s.env.Log.Error("the bucket cannot be listed; the next look is that of the interval", slog.Any("error", err))
		}
		return nil
	}
	for _, o := range s.t.listed(found) {
		if err := s.gate.Enter(ctx, 1); err != nil {
			return nil
		}
		if err := s.object(ctx, o); err != nil {
			return err
		}
		s.save(false)
	}
	s.save(true)
	return nil
}

// list returns the objects that may be read.
func (s *session) list(ctx context.Context) (found []s3client.Object, err error) {
	any := false
	youngest := time.Now().Add(-s.o.Cutoff)
	err = s.client.List(ctx, s.o.Bucket, s.o.Prefix, func(o s3client.Object) error {
		any = true
		if o.Size > 0 && !s.ignored(o.Key) && !o.LastModified.After(youngest) && !s.t.passed(o.LastModified) && !s.archived(ctx, &o) {
			found = append(found, o)
		}
		return nil
	})
	if err == nil && !any {
		s.env.Log.Info("there is no object in the bucket", slog.String("bucket", s.o.Bucket), slog.String("prefix", s.o.Prefix))
	}
	return found, err
}

// ignored reports whether an object is none to read by its name.
func (in *input) ignored(key string) bool {
	switch {
	case key == in.o.Prefix || strings.HasSuffix(key, "/"):
		return true
	case in.o.BackupAddPrefix != "" && in.o.BackupToBucket == in.o.Bucket && strings.HasPrefix(key, in.o.BackupAddPrefix):
		return true
	}
	return in.exclude != nil && in.exclude.MatchString(key)
}

// archived reports whether an object lies in an archive, from which it has to be called back. What cannot be asked for is taken to be there.
func (s *session) archived(ctx context.Context, o *s3client.Object) bool {
	if o.StorageClass != "GLACIER" && o.StorageClass != "DEEP_ARCHIVE" {
		return false
	}
	now, err := s.client.Stat(ctx, s.o.Bucket, o.Key)
	return err != nil || now.Restore == nil || now.Restore.OngoingRestore || now.Restore.ExpiryTime.Before(time.Now())
}

// object reads an object. Its error is that of the pipeline.
func (s *session) object(ctx context.Context, o *object) error {
	s.t.begin(o)
	r := &reading{session: s, o: o}
	if err := r.download(ctx); err != nil {
		s.unread(ctx, o, err)
		return nil
	}
	pushed := r.push(ctx)
	if pushed == nil {
		r.settle()
		return nil
	}
	if ctx.Err() != nil {
		s.env.Log.Info("stopped in the middle of an object; it is read again by the next run", slog.String("key", o.info.Key))
	}
	r.abandon()
	return ended(ctx, pushed)
}

// unread notes that an object could not be fetched.
func (s *session) unread(ctx context.Context, o *object, err error) {
	status := s3client.Status(err)
	switch {
	case ctx.Err() != nil, status == http.StatusPreconditionFailed, status == http.StatusNotFound: // gone or replaced, which the next listing tells
		s.t.release(o)
	default:
		s.input.failed.Add(1)
		if s.t.failed(o) {
			s.env.Log.Error("an object cannot be read and is given up: too many others are done behind it", slog.String("key", o.info.Key), slog.Any("error", err))
			break
		}
		s.log.Error("an object cannot be read; it is tried again with the next look", slog.String("key", o.info.Key), slog.Any("error", err))
	}
	s.gate.Leave(1)
}

// done notes that nothing is left to be done with an object.
func (s *session) done(o *object) {
	s.t.finished(o)
	s.mu.Lock()
	stopped := s.stopped
	s.mu.Unlock()
	s.save(stopped)
	s.gate.Leave(1)
}

// errReplaced says that an object is not the one that was read any more.
var errReplaced = errors.New("the object was replaced after it had been read")

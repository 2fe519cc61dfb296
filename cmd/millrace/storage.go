package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"millrace/internal/logging"
	"millrace/internal/settings"
	"millrace/pipeline"
	"millrace/pipeline/plugin"
	"millrace/pipeline/queue"
	"millrace/pipeline/queue/vfs"
)

// queueRoot is the folder in which each pipeline's persistent queue has a folder.
func queueRoot(s *settings.Settings) string {
	if dir := s.Get("path.queue"); dir != "" {
		return dir
	}
	return filepath.Join(dataDir(s), "queue")
}

// deadLetterRoot is the folder in which each pipeline's dead letter queue has a folder.
func deadLetterRoot(s *settings.Settings) string {
	if dir := s.Get("path.dead_letter_queue"); dir != "" {
		return dir
	}
	return filepath.Join(dataDir(s), "dead_letter_queue")
}

// folderOf is the name of a pipeline's folder: its id, unless that leads elsewhere.
func folderOf(id string) string {
	if id == "." || id == ".." {
		return strings.ReplaceAll(id, ".", "%2E")
	}
	if strings.ContainsAny(id, `/\`) {
		return url.PathEscape(id)
	}
	return id
}

// queueOptions returns the settings of a pipeline's persistent queue.
func queueOptions(s *settings.Settings) (pipeline.QueueOptions, error) {
	o := pipeline.QueueOptions{
		Options: queue.DefaultOptions(), Dir: filepath.Join(queueRoot(s), folderOf(s.Get("pipeline.id"))), Drain: s.Bool("queue.drain"),
	}
	o.PageCapacity, o.MaxBytes, o.MaxEvents = s.Bytes("queue.page_capacity"), s.Bytes("queue.max_bytes"), int64(s.Int("queue.max_events"))
	o.CheckpointAcks, o.CheckpointWrites = s.Int("queue.checkpoint.acks"), s.Int("queue.checkpoint.writes")
	o.Compression = queue.Compression(s.Get("queue.compression"))
	var errs []error
	for _, name := range []string{"queue.max_events", "queue.checkpoint.acks", "queue.checkpoint.writes"} {
		if s.Int(name) < 0 {
			errs = append(errs, fmt.Errorf("setting %q must not be negative", name))
		}
	}
	switch {
	case o.PageCapacity == 0:
		errs = append(errs, errors.New(`setting "queue.page_capacity" must not be 0`))
	case o.MaxBytes < o.PageCapacity:
		errs = append(errs, fmt.Errorf(`setting "queue.max_bytes" (%s) must not be less than "queue.page_capacity" (%s)`,
			s.Get("queue.max_bytes"), s.Get("queue.page_capacity")))
	}
	return o, errors.Join(errs...)
}

// checkStorage checks the settings of all queues.
func (l *loaded) checkStorage() error {
	var errs []error
	for _, s := range l.pipelines {
		_, err := queueOptions(s)
		_, err2 := deadLetterOptions(s)
		if err = errors.Join(err, err2); err != nil {
			errs = append(errs, fmt.Errorf("pipeline %s: %w", s.Get("pipeline.id"), err))
		}
	}
	return errors.Join(errs...)
}

// persist gives pl the persistent queue, if the settings ask for it.
func persist(pl *pipeline.Pipeline, s *settings.Settings) {
	if s.Get("queue.type") == "persisted" {
		o, _ := queueOptions(s) // checked when the settings were loaded
		pl.Persist(o)
	}
}

// deadLetterOptions returns the settings of a pipeline's dead letter queue.
func deadLetterOptions(s *settings.Settings) (queue.DeadLetterOptions, error) {
	o := queue.DeadLetterOptions{
		MaxBytes: s.Bytes("dead_letter_queue.max_bytes"), Policy: queue.StoragePolicy(s.Get("dead_letter_queue.storage_policy")),
		RetainAge: s.Duration("dead_letter_queue.retain.age"), FlushInterval: s.Milliseconds("dead_letter_queue.flush_interval"),
	}
	var errs []error
	if o.MaxBytes <= 0 {
		errs = append(errs, errors.New(`setting "dead_letter_queue.max_bytes" must not be 0; dead_letter_queue.enable turns the queue off`))
	}
	if age := s.Get("dead_letter_queue.retain.age"); age != "" && o.RetainAge <= 0 {
		errs = append(errs, fmt.Errorf(`setting "dead_letter_queue.retain.age": expected an age such as 2d or 12h, not %q`, age))
	}
	if o.FlushInterval < 0 {
		errs = append(errs, errors.New(`setting "dead_letter_queue.flush_interval" must not be negative`))
	}
	return o, errors.Join(errs...)
}

// deadLetters returns the dead letter queue of a pipeline, nil if it is off. A folder has one for the life of the program, so that a
// pipeline that replaces another shares it. Nothing is opened.
func (p *program) deadLetters(s *settings.Settings, log *slog.Logger) plugin.DeadLetters {
	if !s.Bool("dead_letter_queue.enable") {
		return nil
	}
	o, _ := deadLetterOptions(s) // checked when the settings were loaded
	id := s.Get("pipeline.id")
	dir := filepath.Join(deadLetterRoot(s), folderOf(id))
	d := p.deadLetterQueues[dir]
	if d == nil {
		d = pipeline.NewDeadLetters(id, dir, o, nil, log)
		if p.deadLetterQueues == nil {
			p.deadLetterQueues = make(map[string]*pipeline.DeadLetters)
		}
		p.deadLetterQueues[dir] = d
	}
	return d
}

// lockData makes sure that no other process works on path.data, and returns what ends that. A folder that nobody named is not locked as
// a whole: two pipelines tried out side by side do not disturb each other, and each queue has a lock of its own.
func (a *agent) lockData(ctx context.Context) (func(), error) {
	dir, nothing := dataDir(a.loaded.settings), func() {}
	if a.loaded.settings.Get("path.data") == "" && dir != imageDataDir {
		return nothing, nil
	}
	if _, err := os.Stat(dir); err != nil {
		if !a.persists() {
			return nothing, nil // nothing is written there before the first dead letter
		}
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("path.data: %w", err)
		}
	}
	lock, err := vfs.OS{}.Lock(filepath.Join(dir, ".lock"))
	if errors.Is(err, vfs.ErrLocked) {
		a.log.Log(ctx, logging.LevelFatal, `Millrace could not be started because there is already another instance using the configured data directory. If you wish to run multiple instances, you must change the "path.data" setting.`, "path.data", dir)
		return nil, exitError(1)
	}
	if err != nil {
		a.log.Warn("path.data cannot be locked: nothing keeps a second process from using it", "error", err)
		return nothing, nil
	}
	return func() { _ = lock.Close() }, nil // nothing was written through it
}

// persists reports whether some pipeline has a persistent queue.
func (a *agent) persists() bool {
	for _, s := range a.loaded.pipelines {
		if s.Get("queue.type") == "persisted" {
			return true
		}
	}
	return false
}

// checkDeadLetters warns at the start if dead letters could not be kept.
func (a *agent) checkDeadLetters(pipelines []*pipeline.Pipeline) {
	for _, pl := range pipelines {
		d := pl.DeadLetters()
		if d == nil {
			continue
		}
		at := d.Dir()
		for {
			if _, err := os.Stat(at); err == nil || !errors.Is(err, os.ErrNotExist) || filepath.Dir(at) == at {
				break
			}
			at = filepath.Dir(at)
		}
		const writable = 2
		if err := syscall.Access(at, writable); err != nil {
			a.log.Warn("the dead letter queue cannot be written: events that cannot be delivered will be logged and dropped",
				"pipeline.id", pl.ID(), "folder", d.Dir(), "error", &os.PathError{Op: "write", Path: at, Err: err})
		}
	}
}

// reportStorage logs what stays in the queues of a pipeline that has ended.
func (a *agent) reportStorage(pl *pipeline.Pipeline) {
	if q := pl.QueueStats(); q.Type == "persisted" {
		a.log.Info("persistent queue", "pipeline.id", pl.ID(), "stored", q.Disk.AppendedEvents, "settled", q.Disk.AckedEvents,
			"left_for_the_next_start", q.Events, "bytes", q.Bytes, "damaged_bytes", q.Disk.DamagedBytes, "lost_to_damage", q.Disk.LostEvents)
	}
	if d := pl.DeadLetters(); d != nil {
		if s := d.Stats(); s.Written > 0 || s.Dropped > 0 || s.Expired > 0 {
			a.log.Info("dead letter queue", "pipeline.id", pl.ID(), "written", s.Written, "dropped", s.Dropped, "expired", s.Expired, "bytes", s.Bytes)
		}
	}
}

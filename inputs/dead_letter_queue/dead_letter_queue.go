// Package deadletterqueue reads the dead letter queue of a pipeline: the events that could not be delivered, and why.
package deadletterqueue

import (
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"millrace/internal/joda"
	"millrace/internal/throttle"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
	"millrace/pipeline/queue"
	"millrace/pipeline/queue/vfs"
)

// Plugin is the dead_letter_queue input.
var Plugin = plugin.DefineInput("dead_letter_queue", Options{PipelineID: "main", CommitOffsets: true}, New)

// Options configures the input. The option codec has no effect: what is read are events.
type Options struct {
	// Folder of the dead letter queues: path.dead_letter_queue, or <path.data>/dead_letter_queue.
	Path string `opt:"path,required"`

	// Pipeline whose dead letters are read: the folder of that name in path.
	PipelineID string `opt:"pipeline_id"`

	// File that remembers how far the queue was read; by default a file in path.data.
	SincedbPath string `opt:"sincedb_path"`

	// Whether to remember it. What is remembered is delivered: after an end without warning some letters come again, and none is lost.
	CommitOffsets bool `opt:"commit_offsets"`

	// Where to begin when nothing is remembered: the first letter that was written at or after this time (ISO 8601).
	StartTimestamp string `opt:"start_timestamp"`

	// Delete what was read and delivered, by whole segments; needs commit_offsets.
	CleanConsumed bool `opt:"clean_consumed"`
}

type input struct {
	o       Options
	env     *plugin.Env
	fs      vfs.FS
	dir     string
	sincedb string
	since   time.Time
	poll    time.Duration
	log     *throttle.Logger
	damaged *atomic.Int64
	cleaned *atomic.Int64
}

// pollInterval is how often the input looks for new letters.
const pollInterval = 250 * time.Millisecond

// New checks the options; nothing is opened.
func New(o Options, env *plugin.Env) (plugin.Input, error) {
	in := &input{
		o: o, env: env, fs: vfs.OS{}, dir: filepath.Join(o.Path, o.PipelineID), poll: pollInterval,
		log:     throttle.New(env.Log, time.Minute),
		damaged: env.Counter("dead_letter_damaged_bytes", "Bytes of the dead letter queue that hold no intact letter."),
		cleaned: env.Counter("dead_letter_segments_cleaned", "Segments of the dead letter queue that were read and deleted."),
	}
	var errs []error
	if o.PipelineID == "" || strings.ContainsAny(o.PipelineID, `/\`) || o.PipelineID == ".." || o.PipelineID == "." {
		errs = append(errs, plugin.OptionError("pipeline_id", fmt.Errorf("%q is not the id of a pipeline", o.PipelineID)))
	}
	if o.CleanConsumed && !o.CommitOffsets {
		errs = append(errs, plugin.OptionError("clean_consumed", errors.New("clean_consumed needs commit_offsets => true")))
	}
	if o.StartTimestamp != "" {
		t, ok := joda.ParseTimestamp(o.StartTimestamp)
		if !ok {
			errs = append(errs, plugin.OptionError("start_timestamp", fmt.Errorf("%q is not a time such as 2024-01-31T13:00:00Z", o.StartTimestamp)))
		}
		in.since = t
	}
	if info, err := os.Stat(o.SincedbPath); o.SincedbPath != "" && err == nil && info.IsDir() {
		errs = append(errs, plugin.OptionError("sincedb_path", fmt.Errorf("%q is a folder, and has to be a file", o.SincedbPath)))
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	if _, err := os.Stat(o.Path); err != nil {
		env.Warn("path", "the folder %q is not there yet; it is looked for until it is", o.Path)
	}
	if o.PipelineID == env.Pipeline && filepath.Clean(o.Path) == filepath.Join(env.DataDir, "dead_letter_queue") {
		env.Warn("pipeline_id", "this pipeline reads its own dead letters: an event that fails again is logged and dropped")
	}
	in.sincedb = o.SincedbPath
	if in.sincedb == "" {
		name := fmt.Sprintf(".sincedb_%x", md5.Sum([]byte(o.Path)))
		in.sincedb = filepath.Join(env.DataDir, "plugins", "inputs", "dead_letter_queue", o.PipelineID, name)
	}
	return in, nil
}

// Codec returns the codec of the records: documents that are events already.
func (in *input) Codec() *plugin.Codec { return Codec() }

// The limits of a batch.
const (
	batchRecords = 128
	batchBytes   = 1 << 20
)

// readPause is how long the input waits after a file could not be read.
const readPause = time.Second

// Run reads until ctx ends.
func (in *input) Run(ctx context.Context, out plugin.Sink) error {
	from, since, err := in.start()
	if err != nil {
		return err
	}
	in.lookForOtherSegments()
	r := queue.OpenDeadLetterReader(in.dir, from, since, in.fs)
	defer func() { _ = r.Close() }() // it was open for reading only
	c := newCommitter(in)
	defer c.stop()
	source := in.env.NewSource()
	for ctx.Err() == nil {
		b, err := in.batch(ctx, r)
		if b != nil {
			b.Source, b.Done = source, c.push(r.Position())
			if err := out.Push(ctx, b); err != nil {
				if ctx.Err() != nil {
					return nil // what was not pushed is not remembered as read
				}
				return err
			}
		}
		if err != nil && ctx.Err() == nil {
			in.log.Error("the dead letter queue cannot be read; trying again", slog.Any("error", err))
			select {
			case <-time.After(readPause):
			case <-ctx.Done():
			}
		}
	}
	return nil
}

// start returns where to begin: where an earlier run ended, or else at start_timestamp.
func (in *input) start() (queue.Position, time.Time, error) {
	if !in.o.CommitOffsets {
		return queue.Position{}, in.since, nil
	}
	if _, err := os.Stat(in.sincedb); err != nil {
		return queue.Position{}, in.since, nil
	}
	p, err := queue.LoadPosition(in.fs, in.sincedb)
	return p, time.Time{}, err
}

// lookForOtherSegments says so if the folder holds segments that a Logstash wrote.
func (in *input) lookForOtherSegments() {
	if found, _ := filepath.Glob(filepath.Join(in.dir, "*.log")); len(found) > 0 {
		in.env.Log.Warn("the folder holds dead letters that a Logstash wrote; they have another format and are left alone", "folder", in.dir, "segments", len(found))
	}
}

// batch waits for a letter and returns it with those that follow at once.
func (in *input) batch(ctx context.Context, r *queue.DeadLetterReader) (*event.Batch, error) {
	before := r.DamagedBytes
	defer func() { in.damaged.Add(r.DamagedBytes - before) }()
	l, _, err := r.Next(ctx, in.poll)
	if err != nil {
		return nil, err
	}
	b := &event.Batch{Time: time.Now()}
	for {
		rec := Record(&l)
		b.Records = append(b.Records, rec)
		b.Bytes += len(rec.Data)
		if len(b.Records) == batchRecords || b.Bytes >= batchBytes {
			return b, nil
		}
		var ok bool
		if l, ok, err = r.TryNext(); !ok || err != nil {
			return b, err
		}
	}
}

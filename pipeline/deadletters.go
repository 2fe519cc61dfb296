package pipeline

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"millrace/internal/throttle"
	"millrace/pipeline/plugin"
	"millrace/pipeline/queue"
	"millrace/pipeline/queue/vfs"
)

// DeadLetters is the dead letter queue of one pipeline as its outputs see it. Its folder is made with the first dead letter; one that
// is there already is opened with the pipeline, so that what is too old goes. Several pipelines may use one after the other and, while
// a configuration is replaced, at the same time.
type DeadLetters struct {
	pipeline  string
	dir       string
	o         queue.DeadLetterOptions
	fs        vfs.FS
	log       *slog.Logger
	throttled *throttle.Logger
	dropped   atomic.Uint64 // letters that were not stored: the folder is not usable, or they come from a dead letter queue

	mu    sync.Mutex
	users int
	q     *queue.DeadLetters
	tried time.Time // of the last attempt to open q
	err   error     // of that attempt
	last  queue.DeadLetterStats
}

// NewDeadLetters returns the dead letter queue in the folder dir. Nothing is opened. A nil fsys is the operating system's.
func NewDeadLetters(pipeline, dir string, o queue.DeadLetterOptions, fsys vfs.FS, log *slog.Logger) *DeadLetters {
	if fsys == nil {
		fsys = vfs.OS{}
	}
	log = log.With("pipeline_id", pipeline, "dead_letter_queue", dir)
	if o.Logger == nil {
		o.Logger = log
	}
	return &DeadLetters{pipeline: pipeline, dir: dir, o: o, fs: fsys, log: log, throttled: throttle.New(log, time.Minute)}
}

// Open tells that a pipeline begins to use d, until it calls Close.
func (d *DeadLetters) Open() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.users++
	if _, err := d.fs.ReadDir(d.dir); err != nil || d.q != nil {
		return
	}
	if err := d.open(); err != nil {
		d.throttled.Warn("the dead letter queue cannot be used: events that cannot be delivered will be logged and dropped", slog.Any("error", err))
	}
}

// reopenPause is how long letters are dropped without another attempt to open the queue.
const reopenPause = 5 * time.Second

// open opens the queue. mu is held.
func (d *DeadLetters) open() error {
	if d.err != nil && time.Since(d.tried) < reopenPause {
		return d.err
	}
	d.tried = time.Now()
	d.q, d.err = queue.OpenDeadLetters(d.dir, d.o, d.fs)
	if errors.Is(d.err, queue.ErrLocked) {
		d.err = fmt.Errorf("%q is in use by another process: give each process a path.data (or path.dead_letter_queue) of its own", d.dir)
	}
	return d.err
}

// queue returns the open queue.
func (d *DeadLetters) queue() (*queue.DeadLetters, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.q == nil {
		if err := d.open(); err != nil {
			return nil, err
		}
	}
	return d.q, nil
}

var (
	errDeadLettersFull = errors.New("the dead letter queue is full")
	errReplayed        = errors.New("it comes from a dead letter queue, and does not go there again")
)

// Write implements [plugin.DeadLetters].
func (d *DeadLetters) Write(l plugin.DeadLetter) error {
	if l.Replayed {
		d.dropped.Add(1)
		d.drop(l, errReplayed)
		return errReplayed
	}
	q, err := d.queue()
	if err != nil {
		d.dropped.Add(1)
		d.drop(l, err)
		return err
	}
	stored, err := q.Write(queue.DeadLetter{
		EntryTime: l.Time, PluginType: l.PluginType, PluginID: l.PluginID, Reason: l.Reason, Pipeline: d.pipeline, Event: l.Document,
	})
	if err == nil && stored == 0 {
		err = errDeadLettersFull
	} else if err != nil {
		d.dropped.Add(1)
	}
	if err != nil {
		d.drop(l, err)
	}
	return err
}

// maxLogged bounds what the log shows of a dropped document.
const maxLogged = 2 << 10

func (d *DeadLetters) drop(l plugin.DeadLetter, err error) {
	d.throttled.Error("an event that cannot be delivered is dropped", slog.Any("error", err), slog.String("plugin", l.PluginID),
		slog.String("reason", l.Reason), slog.String("document", string(l.Document[:min(len(l.Document), maxLogged)])))
}

// Stats returns the figures of the queue.
func (d *DeadLetters) Stats() queue.DeadLetterStats {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.last
	if d.q != nil {
		s = d.q.Stats()
	}
	s.MaxBytes, s.Policy = d.o.MaxBytes, d.o.Policy
	s.Dropped += d.dropped.Load()
	if d.err != nil {
		s.LastError = d.err.Error()
	}
	return s
}

// Dir returns the queue's folder.
func (d *DeadLetters) Dir() string { return d.dir }

// Close tells that a pipeline does not use d any more. The last one closes the queue.
func (d *DeadLetters) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.users--; d.users > 0 || d.q == nil {
		return nil
	}
	d.last = d.q.Stats()
	err := d.q.Close()
	d.q = nil
	return err
}

// DeadLetters returns the pipeline's dead letter queue, nil if it has none.
func (p *Pipeline) DeadLetters() *DeadLetters { return p.deadLetters }

// Package queue keeps records on disk: the persistent queue between inputs and workers, and the dead letter queue. It
// stores bytes and knows nothing of events.
//
// # The persistent queue
//
// A queue is a folder of pages, files to which entries are only ever appended, and two small checkpoint files. An entry
// is a batch: a header and its records, framed and checksummed (frame.go). Entries come out in the order in which they
// went in, are acknowledged in any order, and a page is deleted when it is full and all of its entries are
// acknowledged. An entry that was not acknowledged comes out again after a restart: delivery is at least once.
//
// What a nil from Append promises:
//   - The process may be killed at any moment afterwards: the entry will be delivered. The kernel has it.
//   - The machine may lose power if Options.CheckpointWrites is 1. With a greater value up to that many events, the
//     newest, may be lost with the power; with 0 those of the page that is being written; in both cases not those
//     older than Options.CheckpointInterval. A full page is always synced before the next one is begun.
//
// Appends that come while another is writing or syncing go to disk together, with one write and one sync.
package queue

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/klauspost/compress/zstd"

	"millrace/pipeline/queue/vfs"
)

// ErrClosed is returned by the methods of a queue that was closed.
var ErrClosed = errors.New("queue is closed")

// ErrLocked is returned by Open when another process uses the folder.
var ErrLocked = vfs.ErrLocked

// ErrDiskFull is what errors.Is finds in the error of an Append for which there was no space. Nothing is lost by it, and
// Append works again as soon as there is space.
var ErrDiskFull = errors.New("disk is full")

// WriteError is the error of an Append that the file system refused. The entry is not in the queue.
type WriteError struct {
	Path string
	Err  error
}

func (e *WriteError) Error() string { return fmt.Sprintf("writing %q: %v", e.Path, e.Err) }

// Unwrap returns the file system's error.
func (e *WriteError) Unwrap() error { return e.Err }

// Is makes errors.Is(err, ErrDiskFull) true for a full disk and a reached quota.
func (e *WriteError) Is(target error) bool {
	return target == ErrDiskFull && (errors.Is(e.Err, syscall.ENOSPC) || errors.Is(e.Err, syscall.EDQUOT))
}

// Options are the settings of a persistent queue. The zero value of a field means what is said there; DefaultOptions has
// the values that Logstash has.
type Options struct {
	// PageCapacity is queue.page_capacity. An entry that is larger gets a page of its own.
	PageCapacity int64

	// MaxBytes is queue.max_bytes: while the files would be larger, Append waits. Space is freed by whole pages.
	MaxBytes int64

	// MaxEvents is queue.max_events: while more events would not be acknowledged, Append waits; 0 sets no limit.
	// A batch larger than the limit goes into an empty queue.
	MaxEvents int64

	// CheckpointWrites is queue.checkpoint.writes: a sync at the latest after this many events; 0 syncs at the end of a
	// page only.
	CheckpointWrites int

	// CheckpointAcks is queue.checkpoint.acks: a checkpoint is written after this many acknowledged events; 0 writes
	// one by CheckpointInterval and Close only. Acknowledgements that are in no checkpoint are repeated by a
	// restart.
	CheckpointAcks int

	// CheckpointInterval is queue.checkpoint.interval: how long written events stay without sync, and acknowledgements
	// without checkpoint; 0 sets no limit.
	CheckpointInterval time.Duration

	// Compression is queue.compression; empty is none.
	Compression Compression

	// MemoryBytes bounds the entries that are kept in memory for Next, so that a consumer that keeps up never reads
	// the disk; 0 keeps none.
	MemoryBytes int64

	// Logger hears of damage and of failing disks; nil is slog.Default.
	Logger *slog.Logger
}

// DefaultOptions returns the defaults of logstash.yml, and 8 MiB of memory.
func DefaultOptions() Options {
	return Options{
		PageCapacity: 64 << 20, MaxBytes: 1024 << 20,
		CheckpointWrites: 1024, CheckpointAcks: 1024, CheckpointInterval: time.Second,
		Compression: CompressNone, MemoryBytes: 8 << 20,
	}
}

func (o *Options) check() error {
	switch {
	case o.PageCapacity <= 0:
		return fmt.Errorf("queue.page_capacity must be positive, not %d", o.PageCapacity)
	case o.MaxBytes < o.PageCapacity:
		return fmt.Errorf("queue.max_bytes (%d) must not be less than queue.page_capacity (%d)", o.MaxBytes, o.PageCapacity)
	case o.MaxEvents < 0, o.CheckpointWrites < 0, o.CheckpointAcks < 0, o.CheckpointInterval < 0, o.MemoryBytes < 0:
		return errors.New("queue settings must not be negative")
	}
	return nil
}

// Queue is a persistent queue. All methods may be called concurrently.
//
// Locks are taken in the order ioMu, mu. Nobody waits for the disk while he holds mu.
type Queue struct {
	fs      vfs.FS
	dir     string
	o       Options
	log     *slog.Logger
	lock    io.Closer
	encoder *zstd.Encoder
	packs   sync.Pool // *[]byte, for compression
	gather  gather

	// ioMu is held by whoever writes or syncs the page at the end: one round of appends, the housekeeper, Close.
	ioMu     sync.Mutex
	file     vfs.File // of the last page, if that is open for appending
	unsynced int      // events written to file since its last sync

	// ckMu is held by whoever writes a checkpoint.
	ckMu    sync.Mutex
	ckFiles [2]vfs.File
	ckBuf   []byte

	mu         sync.Mutex
	closed     bool
	failed     bool    // the last write failed; said once in the log
	pages      []*page // oldest first; the last is open for appending if it is not sealed
	next       uint64  // id of the next entry
	nextPage   uint64
	generation uint64
	reserved   int64 // bytes of appends that are under way
	bytes      int64 // of all pages
	entries    uint64
	events     uint64 // not acknowledged
	unread     uint64 // events not yet returned by Next, of those
	waiting    uint64 // entries not yet returned by Next
	acked      int    // events acknowledged since the last checkpoint
	inflight   map[uint64]flight
	memory     memory
	read       uint64     // id from which on nothing has been returned by Next
	cursor     cursor     // where that is on disk
	past       checkpoint // what earlier processes had acknowledged
	reading    bool       // somebody reads the disk; others wait for him
	readers    waiters
	space      waiters // appends, for room
	idle       waiters // Drain and Close
	stats      Stats

	stop context.CancelFunc
	done chan struct{}
}

// flight is an entry that Next returned and that is not acknowledged.
type flight struct {
	page   *page
	events uint64
}

// cursor is a place on disk.
type cursor struct {
	page *page // nil: before the first page
	off  int64
}

// Stats are the figures of a queue: those up to MaxBytes as they are now, the others counted since Open.
type Stats struct {
	Entries  uint64 // not acknowledged
	Events   uint64 // not acknowledged
	Unread   uint64 // events not yet returned by Next
	Bytes    int64
	Pages    int
	Memory   int64 // bytes kept in memory for Next
	MaxBytes int64

	AppendedEntries uint64
	AppendedEvents  uint64
	AppendedBytes   uint64
	AckedEvents     uint64
	ReadEntries     uint64 // returned by Next
	Writes          uint64 // write calls for entries
	Syncs           uint64
	SyncTime        time.Duration
	Checkpoints     uint64
	DiskReads       uint64 // entries that Next had to read back
	Blocked         time.Duration
	WriteErrors     uint64 // rounds of appends that were refused
	SyncErrors      uint64 // after one, events that were accepted without a sync of their own may be lost with the power

	// What start-up and reading back found missing.
	DamagedBytes       uint64
	DamagedRanges      uint64
	DamagedCheckpoints uint64
	UnreadableFiles    uint64
	// Entries that were counted once and then not found again. Those in DamagedBytes that never were, are not in here.
	LostEntries uint64
	LostEvents  uint64
}

// Open opens the queue in the folder dir, which it makes. Damage is cut off, counted and logged, and never keeps a
// queue from opening; what does is a folder in use, a folder that cannot be read or written, and wrong options.
func Open(dir string, o Options, fsys vfs.FS) (*Queue, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	encoder, err := newEncoder(o.Compression)
	if err != nil {
		return nil, err
	}
	q := &Queue{fs: fsys, dir: dir, o: o, log: o.Logger, encoder: encoder, inflight: map[uint64]flight{}}
	q.packs.New = func() any { return new([]byte) }
	if q.log == nil {
		q.log = slog.Default()
	}
	if err := fsys.MkdirAll(dir); err != nil {
		return nil, fmt.Errorf("making folder of queue: %w", err)
	}
	if q.lock, err = fsys.Lock(filepath.Join(dir, ".lock")); err != nil {
		return nil, fmt.Errorf("opening queue: %w", err)
	}
	if err := q.recover(); err != nil {
		q.lock.Close()
		return nil, fmt.Errorf("opening queue: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	q.stop, q.done = cancel, make(chan struct{})
	go q.housekeep(ctx)
	return q, nil
}

// Stats returns the figures of the queue.
func (q *Queue) Stats() Stats {
	q.mu.Lock()
	defer q.mu.Unlock()
	s := q.stats
	s.Entries, s.Events, s.Unread = q.entries, q.events, q.unread
	s.Bytes, s.Pages, s.MaxBytes, s.Memory = q.bytes, len(q.pages), q.o.MaxBytes, q.memory.bytes
	return s
}

// Drain waits until every entry is acknowledged: queue.drain. Appends remain possible, and are waited for, too.
func (q *Queue) Drain(ctx context.Context) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.entries > 0 || q.reserved > 0 {
		if q.closed {
			return ErrClosed
		}
		if err := q.idle.wait(ctx, &q.mu); err != nil {
			return err
		}
	}
	return nil
}

// Close syncs everything and gives the folder up. Appends under way are finished first; entries that were not
// acknowledged come out again when the queue is opened the next time.
func (q *Queue) Close() error {
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return nil
	}
	q.closed = true
	q.readers.wakeAll()
	q.space.wakeAll()
	q.idle.wakeAll()
	for q.reserved > 0 || q.reading {
		_ = q.idle.wait(context.Background(), &q.mu) // cannot fail: the context is never done
	}
	q.mu.Unlock()
	q.stop()
	<-q.done

	q.ioMu.Lock()
	defer q.ioMu.Unlock()
	errs := []error{q.seal(), q.writeCheckpoint(true), q.memory.reader.close()}
	if q.encoder != nil {
		errs = append(errs, q.encoder.Close())
	}
	q.mu.Lock()
	doomed := q.removeAcked()
	q.mu.Unlock()
	q.discard(doomed)
	errs = append(errs, q.fs.SyncDir(q.dir), q.lock.Close())
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("closing queue in %q: %w", q.dir, err)
	}
	return nil
}

// housekeep keeps the promise of CheckpointInterval.
func (q *Queue) housekeep(ctx context.Context) {
	defer close(q.done)
	if q.o.CheckpointInterval == 0 {
		return
	}
	ticker := time.NewTicker(q.o.CheckpointInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		q.ioMu.Lock()
		err := q.sync()
		if err != nil {
			q.abandon()
		}
		q.ioMu.Unlock()
		q.mu.Lock()
		acked := q.acked
		q.mu.Unlock()
		if acked > 0 {
			err = errors.Join(err, q.writeCheckpoint(false))
		}
		if err != nil {
			q.log.Warn("checkpoint of the persistent queue", "dir", q.dir, "error", err)
		}
	}
}

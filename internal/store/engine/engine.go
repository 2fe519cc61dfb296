package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"millrace/internal/store/query"
)

// Options are where the store is and how much it may hold. The zero value of each but Dir is its default.
type Options struct {
	// Dir is the folder of the store; it is made where it does not exist. One process may use it at a time.
	Dir string
	// MaxBytes is what the store may take on disk, 2 GiB by default: above it the oldest segments go.
	MaxBytes int64
	// MaxAge is how old a document may become, 7 days by default; negative: as old as it likes.
	MaxAge time.Duration
	// FlushBytes is how much of new documents may stand in memory before it becomes files, 16 MiB by default and less in a small store.
	FlushBytes int
	// Log gets what background work has to say; discarded by default.
	Log *slog.Logger

	now        func() time.Time // the clock of retention, for tests
	flushPause time.Duration
	maxSegment uint64 // how long merged segments may become; a sixteenth of MaxBytes by default
}

const (
	// retentionInterval is how often documents are looked at for their age.
	retentionInterval = time.Minute
	// flushAge is how long documents stay in memory, and in the log, where few come.
	flushAge = 10 * time.Minute
	// flushPause is how long a flush that failed is not tried again: on a full disk each try costs as much as one that succeeds.
	flushPause = 2 * time.Second
)

func (o *Options) setDefaults() {
	if o.MaxBytes <= 0 {
		o.MaxBytes = 2 << 30
	}
	if o.MaxAge == 0 {
		o.MaxAge = 7 * 24 * time.Hour
	}
	if o.FlushBytes <= 0 {
		// The log may become as long, and with what is being written twice as long: that is to be little against the limit.
		o.FlushBytes = int(max(min(16<<20, o.MaxBytes/32), 1<<20))
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.maxSegment == 0 {
		// Retention by size removes whole segments, and should not remove much more than it must. The formats could take 4 GiB.
		o.maxSegment = uint64(min(max(o.MaxBytes/16, 1<<20), 1<<30))
	}
	if o.flushPause == 0 {
		o.flushPause = flushPause
	}
	if o.now == nil {
		o.now = time.Now
	}
}

// Engine is a query.Engine in a folder.
//
// Three locks, taken in this order: write, commit, mu. write makes requests one after the other, from the decision what each operation
// does until it is done in memory. commit is held by whoever changes which segments there are, from reading the deletions of the old ones
// until the new ones stand in the catalogue and in memory: a deletion is then either in the set that was stored or in the log that is
// still there. mu guards all state in memory and is held for no reading of files but that of IDs.
type Engine struct {
	o   Options
	cat *catalogue

	write           sync.Mutex
	logged          uint64 // the last request in the log; this and the buffers for the next are guarded by write
	logRaw, logBody []byte

	commit sync.Mutex

	mu        sync.Mutex
	indices   map[string]*index
	byKey     map[uint64]*index
	closed    bool
	flushErr  error         // why the last flush failed; nil after one that did not
	lastFlush time.Time     // when it ended
	flushed   chan struct{} // closed and made anew at the end of each flush
	nextKey   uint64        // of the next segment

	flushes, merges chan struct{} // of one place: something to do
	flushing        sync.Mutex    // one flush at a time
	stop            context.CancelFunc
	background      context.Context
	done            sync.WaitGroup

	counters counters
}

var _ query.Engine = (*Engine)(nil)

// errClosed is returned by everything that is asked of a closed engine.
var errClosed = errors.New("the store is closed")

// Open opens the store in a folder, with all that was ever acknowledged and not removed since.
func Open(o Options) (*Engine, error) {
	o.setDefaults()
	if err := os.MkdirAll(filepath.Join(o.Dir, "segments"), 0o700); err != nil {
		return nil, fmt.Errorf("opening the store: %w", err)
	}
	cat, err := openCatalogue(filepath.Join(o.Dir, "catalogue.db"))
	if err != nil {
		return nil, err
	}
	e := &Engine{
		o: o, cat: cat,
		indices: map[string]*index{}, byKey: map[uint64]*index{},
		flushed: make(chan struct{}), flushes: make(chan struct{}, 1), merges: make(chan struct{}, 1),
	}
	e.background, e.stop = context.WithCancel(context.Background())
	if err := e.load(); err != nil {
		e.stop()
		e.releaseAll()
		cat.close()
		return nil, fmt.Errorf("opening the store in %q: %w", o.Dir, err)
	}
	e.done.Add(2)
	go e.flusher()
	go e.merger()
	return e, nil
}

// load makes the state in memory from the catalogue, the segments and the log.
func (e *Engine) load() error {
	all, err := e.cat.load()
	if err != nil {
		return err
	}
	for i := range all.indices {
		ix := newIndex(all.indices[i])
		e.indices[ix.rec.Name], e.byKey[ix.rec.Key] = ix, ix
	}
	known := map[string]bool{}
	for _, r := range all.segments {
		e.nextKey = max(e.nextKey, r.Key)
		ix := e.byKey[r.Index]
		if ix == nil {
			return corrupt("a segment of no index")
		}
		s, err := openSegmentFile(e.segmentPath(r.Key), r)
		if err != nil {
			return err
		}
		known[filepath.Base(s.path)] = true
		ix.open(s, all.deleted[r.Key])
	}
	if err := e.removeUnknown(known); err != nil {
		return err
	}
	for _, ix := range e.byKey {
		slices.SortFunc(ix.views, func(a, b view) int { return int(min(1, max(-1, a.firstSeq-b.firstSeq))) })
	}
	return e.cat.replay(func(n uint64, body []byte) error {
		e.logged = n
		raw, err := openLog(body)
		if err != nil {
			return err
		}
		return decodeLog(raw, func(en *entry) error { return e.insert([]entry{*en}) })
	})
}

// removeUnknown removes the files of segments that were being written, or about to be removed, when the process ended.
func (e *Engine) removeUnknown(known map[string]bool) error {
	dir := filepath.Join(e.o.Dir, "segments")
	files, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, f := range files {
		if !known[f.Name()] && strings.HasSuffix(f.Name(), segmentSuffix) {
			if err := os.Remove(filepath.Join(dir, f.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// Close writes what is in memory to disk and closes the store. Searches must have ended.
func (e *Engine) Close() error {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return nil
	}
	e.closed = true
	e.mu.Unlock()
	e.stop()
	e.done.Wait()
	// What cannot be written stays in the log, so that a full disk is no reason to fail here.
	err := e.flush(context.Background())
	if errors.Is(err, query.ErrFull) {
		err = nil
	}
	e.write.Lock()
	defer e.write.Unlock()
	return errors.Join(err, e.releaseAll(), e.cat.close())
}

func (e *Engine) releaseAll() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	var errs []error
	for _, ix := range e.byKey {
		for i := range ix.views {
			errs = append(errs, ix.views[i].release())
		}
		ix.views = nil
	}
	return errors.Join(errs...)
}

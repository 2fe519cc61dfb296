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
	"sync/atomic"
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

// CreateIndex makes an empty index; one that exists is left as it is.
func (e *Engine) CreateIndex(name string, meta []byte) error {
	e.write.Lock()
	defer e.write.Unlock()
	e.mu.Lock()
	_, exists := e.indices[name]
	closed := e.closed
	e.mu.Unlock()
	if closed {
		return errClosed
	}
	if exists {
		return nil
	}
	r := indexRecord{Name: strings.Clone(name), Created: e.o.now().UnixMilli(), Meta: slices.Clone(meta)}
	err := e.cat.update(func(tx catalogueTx) error {
		var err error
		if r.Key, err = tx.newIndexKey(); err != nil {
			return err
		}
		return errors.Join(tx.putIndex(&r), tx.putMeta(r.Key, meta))
	})
	if err != nil {
		return fmt.Errorf("creating index %q: %w", name, err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	ix := newIndex(r)
	e.indices[r.Name], e.byKey[r.Key] = ix, ix
	return nil
}

// SetMeta replaces the owner's own data of an index, and returns when it is on disk.
func (e *Engine) SetMeta(name string, meta []byte) error {
	e.write.Lock()
	defer e.write.Unlock()
	ix, err := e.index(name)
	if err != nil {
		return err
	}
	if err := e.cat.update(func(tx catalogueTx) error { return tx.putMeta(ix.rec.Key, meta) }); err != nil {
		return fmt.Errorf("storing the metadata of index %q: %w", name, err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	ix.rec.Meta = slices.Clone(meta)
	return nil
}

// DeleteIndex removes an index and its files, and reports whether there was one.
func (e *Engine) DeleteIndex(name string) (bool, error) {
	e.write.Lock()
	defer e.write.Unlock()
	e.commit.Lock()
	defer e.commit.Unlock()
	ix, err := e.index(name)
	if errors.Is(err, query.ErrNoIndex) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	var keys []uint64
	e.mu.Lock()
	for _, v := range ix.views {
		if v.key != 0 {
			keys = append(keys, v.key)
		}
	}
	e.mu.Unlock()
	if err := e.cat.update(func(tx catalogueTx) error { return tx.deleteIndex(ix.rec.Key, keys) }); err != nil {
		return false, fmt.Errorf("deleting index %q: %w", name, err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.indices, ix.rec.Name)
	delete(e.byKey, ix.rec.Key)
	for i := range ix.views {
		e.drop(&ix.views[i])
	}
	ix.views, ix.building = nil, nil
	return true, nil
}

// drop lets go of a segment of an index, and of its file as soon as no search reads it. mu is held.
func (e *Engine) drop(v *view) {
	v.dropped.Store(true)
	if err := v.release(); err != nil {
		e.o.Log.Warn("removing a segment", "error", err)
	}
}

// index returns the index of a name.
func (e *Engine) index(name string) (*index, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.indexLocked(name)
}

func (e *Engine) indexLocked(name string) (*index, error) {
	if e.closed {
		return nil, errClosed
	}
	ix := e.indices[name]
	if ix == nil {
		return nil, fmt.Errorf("%w: %q", query.ErrNoIndex, name)
	}
	return ix, nil
}

// Indices returns what the engine knows of each index, by name.
func (e *Engine) Indices() []query.IndexInfo {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := make([]query.IndexInfo, 0, len(e.indices))
	for _, ix := range e.indices {
		all = append(all, ix.info())
	}
	slices.SortFunc(all, func(a, b query.IndexInfo) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// counters are what Stats sums up; background work adds to them without a lock.
type counters struct {
	applies, applyNanos, documents   atomic.Int64
	flushes, merges                  atomic.Int64
	removedBySize, removedByAge      atomic.Int64
	full                             atomic.Int64
	searches, searchNanos, cancelled atomic.Int64
}

// Stats is the state of the store and what it did since it was opened.
type Stats struct {
	Documents, Bytes, MemoryBytes int64
	Indices, Segments             int
	Applied                       int64 // documents taken
	Applies, Searches             int64
	ApplyTime, SearchTime         time.Duration // of all of them
	Flushes, Merges               int64
	RemovedBySize, RemovedByAge   int64 // documents
	Refused                       int64 // requests for which there was no room
}

// Stats returns the state of the store.
func (e *Engine) Stats() Stats {
	c := &e.counters
	s := Stats{
		Applied: c.documents.Load(), Applies: c.applies.Load(), Searches: c.searches.Load(),
		ApplyTime: time.Duration(c.applyNanos.Load()), SearchTime: time.Duration(c.searchNanos.Load()),
		Flushes: c.flushes.Load(), Merges: c.merges.Load(),
		RemovedBySize: c.removedBySize.Load(), RemovedByAge: c.removedByAge.Load(), Refused: c.full.Load(),
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	s.Indices = len(e.indices)
	for _, ix := range e.indices {
		info := ix.info()
		s.Documents += info.Docs
		s.Segments += len(ix.views)
	}
	s.Bytes, s.MemoryBytes = e.diskBytes(), int64(e.memoryBytes())
	return s
}

// diskBytes is what the store takes on disk. mu is held.
func (e *Engine) diskBytes() int64 {
	n := int64(0)
	if st, err := os.Stat(filepath.Join(e.o.Dir, "catalogue.db")); err == nil {
		n = st.Size()
	}
	for _, ix := range e.byKey {
		for _, v := range ix.views {
			if v.key != 0 {
				n += int64(v.src.size)
			}
		}
	}
	return n
}

// memoryBytes is what new documents take in memory. mu is held.
func (e *Engine) memoryBytes() int {
	n := 0
	for _, ix := range e.byKey {
		if ix.building != nil {
			n += ix.building.bytes
		}
		for _, v := range ix.views {
			if v.key == 0 {
				n += int(v.src.size)
			}
		}
	}
	return n
}

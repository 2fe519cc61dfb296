package engine

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

const segmentSuffix = ".seg"

func (e *Engine) segmentPath(key uint64) string {
	return filepath.Join(e.o.Dir, "segments", fmt.Sprintf("%016x%s", key, segmentSuffix))
}

func openSegmentFile(path string, r segmentRecord) (*segment, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	s, err := openSegment(&source{file: f, size: r.Bytes})
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("segment %q: %w", path, err)
	}
	s.key, s.path = r.Key, path
	return s, nil
}

// flusher writes what is in memory to disk when there is enough of it or it is there for long, and looks at what has become too old or
// too much.
func (e *Engine) flusher() {
	defer e.done.Done()
	tick := time.NewTicker(retentionInterval)
	defer tick.Stop()
	wake(e.flushes) // what the log held may be much, and the limits may be others than before
	for {
		select {
		case <-e.background.Done():
			return
		case <-tick.C:
			if e.flushedBefore(flushAge) {
				e.tryFlush()
			}
		case <-e.flushes:
			if e.lastFailed() == nil || e.flushedBefore(e.o.flushPause) {
				e.tryFlush()
			}
		}
		if err := e.retain(); err != nil && e.background.Err() == nil {
			e.o.Log.Error("removing old documents", "error", err)
		}
		wake(e.merges)
	}
}

func (e *Engine) tryFlush() {
	if err := e.flush(e.background); err != nil && e.background.Err() == nil {
		e.o.Log.Error("writing documents from memory to disk; they stay in the log", "error", err)
	}
}

// flushedBefore tells whether the last flush is some time ago.
func (e *Engine) flushedBefore(d time.Duration) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return time.Since(e.lastFlush) >= d
}

func (e *Engine) lastFailed() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.flushErr
}

// flushJob is the segments in memory of one index, which become one on disk.
type flushJob struct {
	ix      *index
	in      []view
	written *writtenSegment
}

// flush writes all that is in memory to segments on disk and removes it from the log.
func (e *Engine) flush(ctx context.Context) (err error) {
	e.flushing.Lock()
	defer e.flushing.Unlock()
	jobs, upTo := e.freeze()
	defer func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		for _, j := range jobs {
			for i := range j.in {
				j.in[i].frozen = false
				j.in[i].release()
			}
			if err != nil {
				j.written.discard()
			}
		}
		e.flushErr, e.lastFlush = err, time.Now()
		close(e.flushed)
		e.flushed = make(chan struct{})
	}()
	for i := range jobs {
		if jobs[i].written, err = e.writeSegment(ctx, jobs[i].in); err != nil {
			return err
		}
	}
	if err := e.commitFlush(jobs, upTo); err != nil {
		return err
	}
	e.counters.flushes.Add(1)
	return nil
}

// freeze takes all segments in memory as they are now, and the number of the last request that they hold.
func (e *Engine) freeze() ([]*flushJob, uint64) {
	e.write.Lock()
	defer e.write.Unlock()
	e.mu.Lock()
	defer e.mu.Unlock()
	var jobs []*flushJob
	for _, ix := range e.byKey {
		ix.seal()
		ix.building = nil
		j := &flushJob{ix: ix}
		for i := range ix.views {
			if v := &ix.views[i]; v.key == 0 {
				v.acquire()
				v.frozen = true
				j.in = append(j.in, *v)
			}
		}
		if len(j.in) > 0 {
			jobs = append(jobs, j)
		}
	}
	return jobs, e.logged
}

// writtenSegment is a merged segment on disk that no index has yet.
type writtenSegment struct {
	seg *segment // nil: no document was left
	m   *merger
}

func (w *writtenSegment) discard() {
	if w != nil && w.seg != nil {
		w.seg.dropped.Store(true)
		w.seg.release()
	}
}

// since returns what was deleted while the segment was written.
func (w *writtenSegment) since(ix *index) deletions {
	return deletions{ix, w.seg, w.m.since(ix.views)}
}

// writeSegment merges segments into a file and returns when it is on disk, though not in the catalogue.
func (e *Engine) writeSegment(ctx context.Context, in []view) (*writtenSegment, error) {
	e.mu.Lock()
	e.nextKey++
	r := segmentRecord{Key: e.nextKey}
	e.mu.Unlock()
	m := newMerger(ctx, in)
	if m.docs == 0 {
		return &writtenSegment{m: m}, nil
	}
	path := e.segmentPath(r.Key)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fullError(err)
	}
	s, err := e.fillFile(f, m, r)
	if err != nil {
		f.Close()
		return nil, errors.Join(fullError(fmt.Errorf("writing a segment: %w", err)), os.Remove(path))
	}
	s.path = path
	return &writtenSegment{seg: s, m: m}, nil
}

func (e *Engine) fillFile(f *os.File, m *merger, r segmentRecord) (*segment, error) {
	w := bufio.NewWriterSize(f, 256<<10)
	var err error
	if r.Bytes, err = m.writeTo(w); err != nil {
		return nil, err
	}
	if err := errors.Join(w.Flush(), f.Sync(), syncDir(filepath.Dir(f.Name()))); err != nil {
		return nil, err
	}
	s, err := openSegment(&source{file: f, size: r.Bytes})
	if err != nil {
		return nil, err
	}
	s.key = r.Key
	return s, nil
}

// commitFlush puts the new segments and all deletions into the catalogue, with the end of the log that they replace, and into memory.
func (e *Engine) commitFlush(jobs []*flushJob, upTo uint64) error {
	e.commit.Lock()
	defer e.commit.Unlock()
	e.mu.Lock()
	var changes []deletions
	var records []indexRecord
	for _, ix := range e.byKey {
		changes = append(changes, ix.unstored()...)
		ix.rec.NextSeq = ix.nextSeq
		records = append(records, ix.rec)
	}
	for _, j := range jobs {
		if j.written.seg != nil {
			if c := j.written.since(j.ix); c.set != nil {
				changes = append(changes, c)
			}
		}
	}
	e.mu.Unlock()
	err := e.cat.update(func(tx catalogueTx) error {
		for _, j := range jobs {
			if s := j.written.seg; s != nil && tx.hasIndex(j.ix.rec.Key) {
				if err := tx.putSegment(segmentRecord{Key: s.key, Index: j.ix.rec.Key, Bytes: s.src.size}); err != nil {
					return err
				}
			}
		}
		for i := range records {
			if tx.hasIndex(records[i].Key) {
				if err := tx.putIndex(&records[i]); err != nil {
					return err
				}
			}
		}
		for _, c := range changes {
			if err := tx.putDeleted(c.seg.key, c.set); err != nil {
				return err
			}
		}
		return tx.trimLog(upTo)
	})
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, c := range changes {
		c.ix.stored[c.seg] = uint32(c.set.count())
	}
	for _, j := range jobs {
		e.install(j.ix, j.in, j.written)
	}
	return nil
}

package engine

import (
	"context"
	"math/bits"
)

// Segments are merged in steps of a factor, only with their neighbours, so that documents stay in the order in which they came. A document
// is written some three times in all: from the log, from memory, and once or twice in a merge.
const (
	mergeFactor = 8
	// leastMerge is how many segments are worth a merge where the limit of a segment's length leaves no place for mergeFactor.
	leastMerge = 4
)

// level is the step of a length: below 1 MiB, below 8, below 64, and so on.
func level(size uint64) int { return (bits.Len64(size>>20) + 2) / 3 }

// merger does merges as long as there are any, each time that something has become a segment.
func (e *Engine) merger() {
	defer e.done.Done()
	for {
		select {
		case <-e.background.Done():
			return
		case <-e.merges:
		}
		for {
			ix, in := e.nextMerge()
			if in == nil {
				break
			}
			if err := e.merge(e.background, ix, in); err != nil {
				if e.background.Err() == nil {
					e.o.Log.Error("merging segments", "index", ix.rec.Name, "error", err)
				}
				break
			}
		}
	}
}

// nextMerge returns segments to merge, acquired, or nil.
func (e *Engine) nextMerge() (*index, []view) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, ix := range e.byKey {
		if in := pickMerge(ix.views, e.o.maxSegment); in != nil {
			in = append([]view(nil), in...)
			for i := range in {
				in[i].acquire()
			}
			return ix, in
		}
	}
	return nil, nil
}

// pickMerge chooses neighbours on disk: enough of them of at most one level, or a single one of which a third was deleted.
func pickMerge(views []view, most uint64) []view {
	n := 0
	for n < len(views) && views[n].key != 0 {
		n++
	}
	views = views[:n]
	for i := range views {
		if v := &views[i]; v.nDeleted > 0 && v.nDeleted >= v.docs/3 {
			return views[i : i+1]
		}
	}
	top := level(most)
	for l := 0; l <= top; l++ {
		from := 0
		for i := range views {
			if level(views[i].src.size) > l || views[i].src.size > most/2 {
				from = i + 1
				continue
			}
			if i+1-from < mergeFactor {
				continue
			}
			if in := fitting(views[from:i+1], most); len(in) >= leastMerge {
				return in
			}
			from++
		}
	}
	return nil
}

// fitting returns the first of some segments that are together no longer than a segment may be.
func fitting(views []view, most uint64) []view {
	total := uint64(0)
	for i := range views {
		if total += views[i].src.size; total > most {
			return views[:i]
		}
	}
	return views
}

// merge puts one segment in the place of several, in the catalogue and in memory.
func (e *Engine) merge(ctx context.Context, ix *index, in []view) error {
	defer func() {
		for i := range in {
			in[i].release()
		}
	}()
	w, err := e.writeSegment(ctx, in)
	if err != nil {
		return err
	}
	e.commit.Lock()
	defer e.commit.Unlock()
	e.mu.Lock()
	there := ix.where(in) >= 0
	deleted := w.m.since(ix.views)
	e.mu.Unlock()
	if !there { // retention was faster
		w.discard()
		return nil
	}
	err = e.cat.update(func(tx catalogueTx) error {
		for i := range in {
			if err := tx.deleteSegment(in[i].key); err != nil {
				return err
			}
		}
		if w.seg == nil {
			return nil
		}
		if err := tx.putSegment(segmentRecord{Key: w.seg.key, Index: ix.rec.Key, Bytes: w.seg.src.size}); err != nil {
			return err
		}
		if deleted == nil {
			return nil
		}
		return tx.putDeleted(w.seg.key, deleted)
	})
	if err != nil {
		w.discard()
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if w.seg != nil && deleted != nil {
		ix.stored[w.seg] = uint32(deleted.count())
	}
	e.install(ix, in, w)
	e.counters.merges.Add(1)
	return nil
}

package engine

// Retention removes what has become too old, and the oldest while the store is too large. Whole segments go at once; of a segment that is
// only partly too old, the old documents are marked as deleted, and a merge removes them when they are many.

// retain removes what may not stay.
func (e *Engine) retain() error {
	if err := e.retainBySize(); err != nil {
		return err
	}
	if e.o.MaxAge < 0 {
		return nil
	}
	return e.retainByAge(e.o.now().Add(-e.o.MaxAge).UnixMilli())
}

// retainBySize removes the segments with the oldest documents until the rest is within the limit.
func (e *Engine) retainBySize() error {
	e.commit.Lock()
	defer e.commit.Unlock()
	for {
		e.mu.Lock()
		var ix *index
		var oldest view
		if e.diskBytes() > e.o.MaxBytes {
			for _, x := range e.byKey {
				for _, v := range x.views {
					if v.key != 0 && (ix == nil || v.maxTime < oldest.maxTime) {
						ix, oldest = x, v
					}
				}
			}
		}
		e.mu.Unlock()
		if ix == nil {
			return nil
		}
		if err := e.removeSegment(ix, oldest); err != nil {
			return err
		}
		e.counters.removedBySize.Add(int64(oldest.live()))
		e.o.Log.Info("removed the oldest documents to stay within the limit of the store", "index", ix.rec.Name, "documents", oldest.live(), "limit_bytes", e.o.MaxBytes)
	}
}

// removeSegment removes a segment from the catalogue and from its index. commit is held.
func (e *Engine) removeSegment(ix *index, v view) error {
	if err := e.cat.update(func(tx catalogueTx) error { return tx.deleteSegment(v.key) }); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if at := ix.where([]view{v}); at >= 0 {
		e.drop(&ix.views[at])
		delete(ix.stored, v.segment)
		ix.views = append(ix.views[:at:at], ix.views[at+1:]...)
	}
	return nil
}

// retainByAge removes documents from before a time.
func (e *Engine) retainByAge(before int64) error {
	e.commit.Lock()
	defer e.commit.Unlock()
	type old struct {
		ix *index
		v  view
	}
	var all []old
	e.mu.Lock()
	for _, ix := range e.byKey {
		for _, v := range ix.views {
			if v.key != 0 && v.minTime < before {
				v.acquire()
				all = append(all, old{ix, v})
			}
		}
	}
	e.mu.Unlock()
	var failed error
	for _, o := range all {
		if failed == nil {
			failed = e.retainSegment(o.ix, o.v, before)
		}
		o.v.release()
	}
	return failed
}

func (e *Engine) retainSegment(ix *index, v view, before int64) error {
	if v.maxTime < before {
		e.counters.removedByAge.Add(int64(v.live()))
		return e.removeSegment(ix, v)
	}
	docs, err := v.olderThan(before)
	if err != nil || len(docs) == 0 {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	at := ix.where([]view{v})
	if at < 0 {
		return nil
	}
	owned := map[*segment]bool{}
	had := ix.views[at].nDeleted
	for _, doc := range docs {
		ix.remove(place{at, doc}, owned)
	}
	e.counters.removedByAge.Add(int64(ix.views[at].nDeleted - had))
	return nil
}

// olderThan returns the living documents from before a time.
func (v *view) olderThan(before int64) ([]uint32, error) {
	var r packedReader
	r.reset(v.src, &v.times)
	var docs []uint32
	for b := range v.times.blocks {
		if v.times.blocks[b].min >= before {
			continue
		}
		first := uint32(b * columnBlock)
		for doc := first; doc < first+uint32(v.times.blockLen(b)); doc++ {
			if !v.deleted.has(doc) && r.at(doc) < before {
				docs = append(docs, doc)
			}
		}
	}
	return docs, r.err
}

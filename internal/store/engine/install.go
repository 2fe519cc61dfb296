package engine

// deletions is a set of deleted documents on its way to the catalogue.
type deletions struct {
	ix  *index
	seg *segment
	set bitset
}

// unstored returns the deletions in segments on disk that the catalogue does not have. mu is held.
func (ix *index) unstored() []deletions {
	var all []deletions
	for i := range ix.views {
		v := &ix.views[i]
		if v.key != 0 && v.nDeleted != ix.stored[v.segment] {
			all = append(all, deletions{ix, v.segment, v.deleted})
		}
	}
	return all
}

// where returns the place of segments that follow each other in an index, -1 if one of them is no longer there. mu is held.
func (ix *index) where(in []view) int {
	for i := range ix.views {
		if ix.views[i].segment != in[0].segment {
			continue
		}
		if len(ix.views)-i < len(in) {
			return -1
		}
		for j := range in {
			if ix.views[i+j].segment != in[j].segment {
				return -1
			}
		}
		return i
	}
	return -1
}

// install puts a merged segment in the place of those that it was made of, with what was deleted meanwhile. mu and commit are held.
func (e *Engine) install(ix *index, in []view, w *writtenSegment) {
	at := ix.where(in)
	if at < 0 {
		w.discard() // the index was deleted
		return
	}
	var merged []view
	if w.seg != nil {
		v := view{segment: w.seg, deleted: w.m.since(ix.views)}
		if v.deleted != nil {
			v.nDeleted = uint32(v.deleted.count())
		}
		merged = append(merged, v)
	}
	old := append([]view(nil), ix.views[at:at+len(in)]...)
	rest := append(merged, ix.views[at+len(in):]...)
	ix.views = append(ix.views[:at:at], rest...)
	for i := range old {
		delete(ix.stored, old[i].segment)
		e.drop(&old[i])
	}
}

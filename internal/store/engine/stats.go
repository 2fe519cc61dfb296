package engine

import (
	"os"
	"path/filepath"
	"sync/atomic"
	"time"
)

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

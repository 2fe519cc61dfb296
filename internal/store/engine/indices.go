package engine

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"millrace/internal/store/query"
)

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

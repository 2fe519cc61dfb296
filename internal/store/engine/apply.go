package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"millrace/internal/store/query"
)

// Apply does operations in their order and returns when they are on disk. It decides what each does, writes the decisions to the log in
// one transaction, and only then does them in memory, all at once for whoever searches.
func (e *Engine) Apply(ctx context.Context, ops []query.Op) ([]query.Outcome, error) {
	begun := time.Now()
	outcomes, err := e.apply(ctx, ops)
	if err != nil {
		if errors.Is(err, query.ErrFull) {
			e.counters.full.Add(1)
		}
		return nil, err
	}
	e.counters.applies.Add(1)
	e.counters.applyNanos.Add(int64(time.Since(begun)))
	e.counters.documents.Add(int64(len(ops)))
	return outcomes, nil
}

func (e *Engine) apply(ctx context.Context, ops []query.Op) ([]query.Outcome, error) {
	if err := e.waitForRoom(ctx); err != nil {
		return nil, err
	}
	e.write.Lock()
	defer e.write.Unlock()
	outcomes, entries, err := e.decide(ops)
	if err != nil || len(entries) == 0 {
		return outcomes, err
	}
	if err := e.writeLog(entries); err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.insert(entries); err != nil {
		return nil, err
	}
	if e.memoryBytes() >= e.o.FlushBytes {
		wake(e.flushes)
	}
	return outcomes, nil
}

// writeLog puts decided operations into the log. write is held.
func (e *Engine) writeLog(entries []entry) error {
	raw := e.logRaw[:0]
	for i := range entries {
		raw = appendEntry(raw, &entries[i])
	}
	if len(raw) > maxLogBody {
		return fmt.Errorf("a request of %d bytes: at most %d can be taken at once", len(raw), maxLogBody)
	}
	body := sealLog(e.logBody, raw)
	if cap(raw) <= maxLogKept {
		e.logRaw, e.logBody = raw, body
	}
	n := e.logged + 1
	if err := e.cat.update(func(tx catalogueTx) error { return tx.appendLog(n, body) }); err != nil {
		return fmt.Errorf("writing the log: %w", err)
	}
	e.logged = n
	return nil
}

// waitForRoom waits while twice as much is in memory as should be: the disk is slower than the senders. Where flushing fails for want of
// room on disk, nothing will get better by waiting, and the request is refused.
func (e *Engine) waitForRoom(ctx context.Context) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		e.mu.Lock()
		closed, over, err, flushed := e.closed, e.memoryBytes() >= 2*e.o.FlushBytes, e.flushErr, e.flushed
		e.mu.Unlock()
		switch {
		case closed:
			return errClosed
		case !over:
			return nil
		case err != nil:
			wake(e.flushes)
			return fmt.Errorf("writing segments: %w", err)
		}
		wake(e.flushes)
		select {
		case <-flushed:
		case <-ctx.Done():
		case <-e.background.Done():
		}
	}
}

func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // it knows already
	}
}

// known is what is true of an ID after the operations so far of one request.
type known struct {
	exists       bool
	seq, version int64
}

type knownKey struct {
	ix *index
	id string
}

// decision finds out what the operations of one request do.
type decision struct {
	e       *Engine
	seen    map[knownKey]known
	nextSeq map[*index]int64
	kinds   map[*index]map[string]query.Kind // of fields that are new in this request
}

// decide returns the outcome of each operation, and an entry for each that changes something. Nothing is changed yet.
func (e *Engine) decide(ops []query.Op) ([]query.Outcome, []entry, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	d := decision{e: e, seen: map[knownKey]known{}, nextSeq: map[*index]int64{}, kinds: map[*index]map[string]query.Kind{}}
	outcomes := make([]query.Outcome, len(ops))
	entries := make([]entry, 0, len(ops))
	var ix *index
	for i := range ops {
		op := &ops[i]
		if ix == nil || ix.rec.Name != op.Doc.Index {
			var err error
			if ix, err = e.indexLocked(op.Doc.Index); err != nil {
				return nil, nil, err
			}
		}
		if op.Kind != query.Delete {
			if err := d.checkKinds(ix, &op.Doc); err != nil {
				return nil, nil, err
			}
		}
		en, err := d.one(ix, op, &outcomes[i])
		if err != nil {
			return nil, nil, err
		}
		if en != nil {
			entries = append(entries, *en)
		}
	}
	return outcomes, entries, nil
}

// checkKinds refuses a field that the index, or an operation before, has with another kind.
func (d *decision) checkKinds(ix *index, doc *query.Doc) error {
	if err := ix.checkKinds(doc); err != nil {
		return err
	}
	for i := range doc.Fields {
		f := &doc.Fields[i]
		if b := ix.building; b != nil && i < len(b.fields) && b.fields[i].name == f.Name {
			continue
		}
		if _, ok := ix.kinds[f.Name]; ok {
			continue
		}
		if d.kinds[ix] == nil {
			d.kinds[ix] = map[string]query.Kind{}
		}
		if k, ok := d.kinds[ix][f.Name]; ok && k != f.Kind {
			return fmt.Errorf("field %q of index %q is of kind %d and %d in one request", f.Name, ix.rec.Name, k, f.Kind)
		}
		d.kinds[ix][f.Name] = f.Kind
	}
	return nil
}

func (d *decision) one(ix *index, op *query.Op, out *query.Outcome) (*entry, error) {
	fresh := op.Fresh && op.Kind == query.Create
	var k known
	if !fresh {
		var err error
		if k, err = d.know(ix, op.Doc.ID); err != nil {
			return nil, err
		}
	}
	if op.Kind == query.Create && k.exists || !fresh && op.IfSeqNo >= 0 && (!k.exists || k.seq != op.IfSeqNo) {
		*out = query.Outcome{Status: query.Conflict, Version: k.version, SeqNo: k.seq}
		return nil, nil
	}
	seq, ok := d.nextSeq[ix]
	if !ok {
		seq = ix.nextSeq
	}
	d.nextSeq[ix] = seq + 1
	*out = query.Outcome{Version: k.version + 1, SeqNo: seq}
	switch {
	case op.Kind == query.Delete && !k.exists:
		out.Status = query.NotFound // logged all the same: its number is taken
	case op.Kind == query.Delete:
		out.Status = query.Deleted
	case k.exists:
		out.Status = query.Updated
	default:
		out.Status = query.Created
	}
	if op.Kind == query.Delete {
		d.seen[knownKey{ix, op.Doc.ID}] = known{}
	} else if !fresh {
		d.seen[knownKey{ix, op.Doc.ID}] = known{true, seq, out.Version}
	}
	return &entry{op: op, index: ix.rec.Key, seq: seq, version: out.Version, replace: k.exists}, nil
}

func (d *decision) know(ix *index, id string) (known, error) {
	if k, ok := d.seen[knownKey{ix, id}]; ok {
		return k, nil
	}
	p, ok, err := ix.find(id)
	if err != nil || !ok {
		return known{}, err
	}
	seq, version, err := ix.numbers(p)
	return known{true, seq, version}, err
}

// insert does decided operations in memory. mu is held, or nobody else is there yet.
func (e *Engine) insert(entries []entry) error {
	owned := map[*segment]bool{}
	for i := range entries {
		en := &entries[i]
		ix := e.byKey[en.index]
		if ix == nil {
			continue // of the log, and the index was deleted since
		}
		if en.op.Kind == query.Delete || en.replace {
			p, ok, err := ix.find(en.op.Doc.ID)
			if err != nil {
				return err
			}
			if ok {
				ix.remove(p, owned)
			}
		}
		ix.nextSeq = max(ix.nextSeq, en.seq+1)
		if en.op.Kind != query.Delete {
			ix.add(&en.op.Doc, en.seq, en.version)
		}
	}
	return nil
}

// Get returns the document with an ID.
func (e *Engine) Get(name, id string) (query.Hit, bool, error) {
	e.mu.Lock()
	ix, err := e.indexLocked(name)
	if err != nil {
		e.mu.Unlock()
		return query.Hit{}, false, err
	}
	p, ok, err := ix.find(id)
	if ok && p.view < 0 {
		ix.seal()
		p, ok, err = ix.find(id)
	}
	if err != nil || !ok {
		e.mu.Unlock()
		return query.Hit{}, false, err
	}
	v := ix.views[p.view]
	v.acquire()
	e.mu.Unlock()
	defer v.release()
	hit := query.Hit{Index: name, ID: id}
	if hit.SeqNo, err = v.seqOf(p.doc); err != nil {
		return hit, false, err
	}
	if hit.Version, err = v.versionOf(p.doc); err != nil {
		return hit, false, err
	}
	var r storedReader
	r.reset(v.src, &v.stored)
	hit.Source, err = r.source(p.doc)
	return hit, err == nil, err
}

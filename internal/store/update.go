package store

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"reflect"
	"slices"

	"millrace/internal/store/query"
)

// change is the body of an update.
type change struct {
	doc, upsert object
	docAsUpsert bool
	noNoop      bool // detect_noop: false
}

func parseChange(body object) (*change, error) {
	var c change
	for _, k := range slices.Sorted(maps.Keys(body)) {
		v := body[k]
		on := v == true || v == "true"
		obj, isObject := v.(object)
		switch k {
		case "doc":
			c.doc = obj
		case "upsert":
			c.upsert = obj
		case "doc_as_upsert":
			c.docAsUpsert, isObject = on, true
		case "detect_noop":
			c.noNoop, isObject = !on, true
		case "script", "scripted_upsert", "_source":
			return nil, unsupported("[%s] of an update", k)
		default:
			return nil, failure(http.StatusBadRequest, "x_content_parse_exception", "[UpdateRequest] unknown field [%s]", k)
		}
		if !isObject {
			return nil, failure(http.StatusBadRequest, "x_content_parse_exception", "[UpdateRequest] %s doesn't support values of another type than an object", k)
		}
	}
	if c.doc == nil {
		return nil, validation("script or doc is missing")
	}
	return &c, nil
}

// updateTries bounds how often an update begins anew because the document changed meanwhile. Elasticsearch answers with a conflict at once
// unless retry_on_conflict says otherwise; a few trials more spare the sender a request.
const updateTries = 3

// update merges a part of a document into what is there.
func (b *bulkRun) update(ctx context.Context, i int) error {
	it := &b.items[i]
	body, err := decodeObject(it.source)
	if err != nil {
		return err
	}
	c, err := parseChange(body)
	if err != nil {
		return err
	}
	for range max(updateTries, it.retry) {
		old, found, err := b.s.engine.Get(it.ix.name, it.id)
		if err != nil {
			return err
		}
		op, done, err := b.merge(it, c, old, found)
		if err != nil || done {
			return err
		}
		b.add(i, op)
		it.err = nil
		if b.apply(ctx); it.err == nil || it.err.status != http.StatusConflict || it.ifSeqNo >= 0 {
			return nil
		}
	}
	return it.err
}

// merge makes the operation that an update comes to; done says that nothing is to be done.
func (b *bulkRun) merge(it *item, c *change, old query.Hit, found bool) (op query.Op, done bool, err error) {
	op.Kind, op.IfSeqNo = query.Create, -1
	fresh := c.upsert
	if c.docAsUpsert {
		fresh = c.doc
	}
	if !found {
		if fresh == nil || it.ifSeqNo >= 0 {
			e := failure(http.StatusNotFound, "document_missing_exception", "[%s]: document missing", it.id)
			e.index = it.ix
			return op, false, e
		}
	} else {
		if it.ifSeqNo >= 0 && it.ifSeqNo != old.SeqNo {
			it.outcome = query.Outcome{Status: query.Conflict, SeqNo: old.SeqNo, Version: old.Version}
			return op, false, it.conflict()
		}
		if fresh, err = decodeObject(old.Source); err != nil {
			return op, false, err
		}
		changed := mergeDoc(fresh, c.doc)
		if !changed && !c.noNoop {
			it.noop, it.outcome = true, query.Outcome{Status: query.Updated, Version: old.Version, SeqNo: old.SeqNo}
			return op, true, nil
		}
		op.Kind, op.IfSeqNo = query.Put, old.SeqNo
	}
	source, err := json.Marshal(fresh)
	if err != nil {
		return op, false, err
	}
	op.Doc, err = b.document(it.ix, it.id, source)
	return op, false, err
}

// mergeDoc puts the fields of from into to, objects into objects, and reports whether that changed anything.
func mergeDoc(to, from object) bool {
	changed := false
	for k, v := range from {
		old, had := to[k]
		sub, ok := v.(object)
		into, ok2 := old.(object)
		switch {
		case ok && ok2:
			changed = mergeDoc(into, sub) || changed
		case !had || !reflect.DeepEqual(old, v):
			to[k], changed = v, true
		}
	}
	return changed
}

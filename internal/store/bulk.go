package store

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"

	"millrace/internal/store/mapping"
	"millrace/internal/store/query"
)

// action is what an operation of a bulk request does.
type action uint8

const (
	actIndex action = iota
	actCreate
	actUpdate
	actDelete
)

var actionNames = [...]string{"index", "create", "update", "delete"}

// item is one operation of a bulk request and what became of it.
type item struct {
	act     action
	name    string // of the index, as it was asked for
	id      string
	autoID  bool
	source  []byte
	ifSeqNo int64
	ifTerm  int64
	special *apiError // a part of the action line that this store refuses for the operation
	retry   int       // retry_on_conflict

	ix      *index
	outcome query.Outcome
	noop    bool
	err     *apiError
	op      int // its place in bulkRun.ops
}

// bulkRun is what one bulk request works with; it is used again by others.
type bulkRun struct {
	s      *Server
	body   []byte
	items  []item
	ops    []query.Op
	owner  []int // the items that the operations belong to
	parser mapping.Parser
	ids    []byte
	out    []byte
	filter bulkFilter
	now    int64
}

// maxKeptBody bounds what a run keeps for the next request.
const maxKeptBody = 8 << 20

func (b *bulkRun) release(s *Server) {
	clear(b.items)
	clear(b.ops)
	b.items, b.ops, b.owner, b.ids = b.items[:0], b.ops[:0], b.owner[:0], nil
	if cap(b.body) <= maxKeptBody && b.parser.Reset() {
		s.parsers.Put(b)
	}
}

// bulk answers POST _bulk.
func (q *request) bulk(defaultIndex string) error {
	if err := q.only("refresh", "pipeline", "routing", "wait_for_active_shards", "require_alias", "require_data_stream", "_source", "_source_includes",
		"_source_excludes", "list_executed_pipelines", "op_type", "type"); err != nil {
		return err
	}
	for _, k := range []string{"pipeline", "require_alias", "require_data_stream", "_source", "_source_includes", "_source_excludes", "op_type"} {
		if v := q.q.Get(k); v != "" && v != "false" && v != "_none" {
			return unsupported("the parameter [%s=%s] of _bulk", k, v)
		}
	}
	size := max(q.ContentLength, 4096)
	if now := q.s.inFlight.Add(size); now > q.s.o.MaxInFlight && now != size {
		q.s.inFlight.Add(-size)
		return failure(http.StatusTooManyRequests, "es_rejected_execution_exception",
			"rejected execution of coordinating operation [coordinating_and_primary_bytes=%d, replica_bytes=0, all_bytes=%d, coordinating_operation_bytes=%d, max_coordinating_bytes=%d]",
			now-size, now-size, size, q.s.o.MaxInFlight)
	}
	defer q.s.inFlight.Add(-size)
	b := q.s.parsers.Get().(*bulkRun)
	defer b.release(q.s)
	b.s, b.now = q.s, q.s.o.Now().UnixMilli()
	body, err := q.body(b.body)
	if err != nil {
		return err
	}
	b.body = body
	if err := b.parse(defaultIndex); err != nil {
		return err
	}
	b.run(q.Context())
	b.filter = newBulkFilter(q.q["filter_path"])
	b.answer(q.took())
	if b.filter.general || q.q.Has("pretty") {
		q.sendJSON(http.StatusOK, b.out)
	} else {
		q.sendBytes(http.StatusOK, b.out)
	}
	return nil
}

// parse cuts the body into operations.
func (b *bulkRun) parse(defaultIndex string) error {
	rest := b.body
	if len(bytes.TrimSpace(rest)) == 0 {
		return failure(http.StatusBadRequest, "parse_exception", "request body is required")
	}
	if rest[len(rest)-1] != '\n' {
		return badRequest("The bulk request must be terminated by a newline [\\n]")
	}
	for line := 1; len(rest) > 0; line++ {
		var meta []byte
		meta, rest = cutLine(rest)
		if len(bytes.TrimSpace(meta)) == 0 {
			continue
		}
		b.items = append(b.items, item{name: defaultIndex, ifSeqNo: -1, op: -1})
		it := &b.items[len(b.items)-1]
		if err := it.parseMeta(meta, line); err != nil {
			return err
		}
		if it.name == "" {
			return validation("index is missing")
		}
		if it.act == actDelete {
			if it.id == "" {
				return validation("id is missing")
			}
			continue
		}
		if len(rest) == 0 {
			return badRequest("The bulk request must be terminated by a newline [\\n]")
		}
		line++
		it.source, rest = cutLine(rest)
		if it.act == actUpdate && it.id == "" {
			return validation("id is missing")
		}
		if len(bytes.TrimSpace(it.source)) == 0 {
			return validation("source is missing")
		}
	}
	if len(b.items) == 0 {
		return validation("no requests added")
	}
	return nil
}

func validation(what string) error {
	return failure(http.StatusBadRequest, "action_request_validation_exception", "Validation Failed: 1: %s;", what)
}

func cutLine(b []byte) (line, rest []byte) {
	i := bytes.IndexByte(b, '\n')
	line, rest = b[:i], b[i+1:]
	if i > 0 && line[i-1] == '\r' {
		line = line[:i-1]
	}
	return line, rest
}

// run does the operations.
func (b *bulkRun) run(ctx context.Context) {
	b.resolve()
	c := b.s.cat
	c.mu.RLock()
	defer c.mu.RUnlock() // until the end no index is removed
	for i := range b.items {
		it := &b.items[i]
		if it.err != nil {
			continue
		}
		if c.indices[it.ix.name] != it.ix {
			it.err = noSuchIndex(it.name)
			continue
		}
		if err := b.prepare(ctx, i); err != nil {
			it.err = asAPIError(err)
		}
	}
	b.apply(ctx)
}

// resolve finds the index of each operation, and makes those that are missing.
func (b *bulkRun) resolve() {
	var last string
	var t target
	for i := range b.items {
		it := &b.items[i]
		if it.special != nil {
			it.err = it.special
			continue
		}
		if it.name != last || t.ix == nil {
			last = it.name
			var err error
			if t, err = b.s.cat.forWrite(it.name, it.act == actCreate); err != nil {
				it.err = asAPIError(err)
				t = target{}
				continue
			}
		}
		it.ix = t.ix
		if t.stream && it.act != actCreate {
			it.err = asAPIError(onlyCreate(it.name))
		}
	}
}

// prepare turns an operation into one of the engine's. The caller holds the catalog's lock.
func (b *bulkRun) prepare(ctx context.Context, i int) error {
	it := &b.items[i]
	switch it.act {
	case actDelete:
		b.add(i, query.Op{Kind: query.Delete, Doc: query.Doc{Index: it.ix.name, ID: it.id}, IfSeqNo: it.ifSeqNo})
		return nil
	case actUpdate:
		b.apply(ctx) // it sees what came before it
		return b.update(ctx, i)
	}
	if it.id == "" {
		it.autoID, it.id = true, b.newID()
		if it.act == actIndex {
			it.ifSeqNo = -1
		}
	}
	if len(it.id) > 512 {
		return validation("id [" + it.id + "] is too long, must be no longer than 512 bytes but was: " + itoa(int64(len(it.id))))
	}
	doc, err := b.document(it.ix, it.id, it.source)
	if err != nil {
		return err
	}
	op := query.Op{Kind: query.Put, Doc: doc, IfSeqNo: it.ifSeqNo, Fresh: it.autoID}
	if it.act == actCreate || it.autoID {
		op.Kind = query.Create
	}
	b.add(i, op)
	return nil
}

func (b *bulkRun) add(i int, op query.Op) {
	b.items[i].op = len(b.ops)
	b.ops, b.owner = append(b.ops, op), append(b.owner, i)
}

func (b *bulkRun) newID() string {
	if cap(b.ids)-len(b.ids) < idLen {
		b.ids = make([]byte, 0, 500*idLen)
	}
	n := len(b.ids)
	b.ids = b.s.ids.appendID(b.ids)
	return stringOf(b.ids[n:])
}

// document parses a source by the index's mapping, which grows where it has to.
func (b *bulkRun) document(ix *index, id string, source []byte) (query.Doc, error) {
	ix.mu.RLock()
	b.parser.Grow(false)
	fields, err := b.parser.Parse(ix.mapping, id, source)
	ix.mu.RUnlock()
	if errors.Is(err, mapping.ErrNewFields) {
		ix.mu.Lock()
		b.parser.Grow(true)
		fields, err = b.parser.Parse(ix.mapping, id, source)
		if b.parser.Added() {
			ix.version++
		}
		ix.mu.Unlock()
	}
	// Age counts from arrival: who sends old logs wants to look at them.
	return query.Doc{Index: ix.name, ID: id, Source: source, Fields: fields, Time: b.now}, err
}

// apply hands the operations that are ready to the engine.
func (b *bulkRun) apply(ctx context.Context) {
	if len(b.ops) == 0 {
		return
	}
	var outcomes []query.Outcome
	err := b.saveMappings()
	if err == nil {
		// Whoever sent the request may be gone: what was begun is done.
		outcomes, err = b.s.engine.Apply(context.WithoutCancel(ctx), b.ops)
	}
	for k, i := range b.owner {
		it := &b.items[i]
		if err != nil {
			it.err = applyError(err)
		} else {
			it.outcome = outcomes[k]
			it.err = it.conflict()
		}
	}
	clear(b.ops)
	b.ops, b.owner = b.ops[:0], b.owner[:0]
}

func applyError(err error) *apiError {
	if errors.Is(err, query.ErrFull) {
		return failure(http.StatusTooManyRequests, "es_rejected_execution_exception", "rejected execution of primary operation: %s", err)
	}
	return failure(http.StatusServiceUnavailable, "unavailable_shards_exception", "writing to the store: %s", err)
}

// saveMappings writes the mappings that grew to disk, before documents that need them.
func (b *bulkRun) saveMappings() error {
	var last *index
	for _, i := range b.owner {
		if ix := b.items[i].ix; ix != last {
			last = ix
			if err := b.s.cat.save(ix); err != nil {
				return err
			}
		}
	}
	return nil
}

// conflict returns the error of an operation whose outcome is one.
func (it *item) conflict() *apiError {
	if it.outcome.Status != query.Conflict {
		return nil
	}
	var e *apiError
	if it.ifSeqNo >= 0 {
		e = failure(http.StatusConflict, "version_conflict_engine_exception",
			"[%s]: version conflict, required seqNo [%d], primary term [%d]. current document has seqNo [%d] and primary term [1]", it.id, it.ifSeqNo, it.ifTerm, it.outcome.SeqNo)
	} else {
		e = failure(http.StatusConflict, "version_conflict_engine_exception", "[%s]: version conflict, document already exists (current version [%d])", it.id, it.outcome.Version)
	}
	e.index = it.ix
	return e
}

// bulkFilter says which parts of a bulk answer are wanted.
type bulkFilter struct {
	general                  bool // none of the forms that the writer itself knows
	took, errors, items, all bool
	status, err              bool
}

func newBulkFilter(paths []string) bulkFilter {
	if len(paths) == 0 {
		return bulkFilter{took: true, errors: true, items: true, all: true}
	}
	var f bulkFilter
	for p := range strings.SplitSeq(strings.Join(paths, ","), ",") {
		switch p {
		case "took":
			f.took = true
		case "errors":
			f.errors = true
		case "items":
			f.items, f.all = true, true
		case "items.*.status":
			f.items, f.status = true, true
		case "items.*.error":
			f.items, f.err = true, true
		default:
			return bulkFilter{general: true, took: true, errors: true, items: true, all: true}
		}
	}
	return f
}

// answer writes the answer to b.out.
func (b *bulkRun) answer(took int64) {
	out := append(b.out[:0], '{')
	failed := false
	for i := range b.items {
		failed = failed || b.items[i].err != nil
	}
	if b.filter.errors {
		out = append(out, `"errors":`...)
		out = appendBool(out, failed)
		out = append(out, ',')
	}
	if b.filter.took {
		out = append(appendInt(append(out, `"took":`...), took), ',')
	}
	if b.filter.items {
		out = append(out, `"items":[`...)
		n := len(out)
		for i := range b.items {
			out = b.items[i].appendTo(out, &b.filter)
		}
		if len(out) > n {
			out = out[:len(out)-1]
			out = append(out, `],`...)
		} else {
			out = out[:n-len(`"items":[`)]
		}
	}
	if out[len(out)-1] == ',' {
		out = out[:len(out)-1]
	}
	b.out = append(out, '}')
}

func (it *item) appendTo(out []byte, f *bulkFilter) []byte {
	if !f.all && !f.status && it.err == nil {
		return out
	}
	out = append(append(append(out, `{"`...), actionNames[it.act]...), `":{`...)
	if f.all {
		name := it.name
		if it.ix != nil {
			name = it.ix.name
		}
		out = appendString(append(out, `"_index":`...), name)
		if it.id != "" {
			out = appendString(append(out, `,"_id":`...), it.id)
		} else {
			out = append(out, `,"_id":null`...)
		}
		if it.err == nil {
			out = it.appendResult(out)
		}
		out = append(out, ',')
	}
	if f.all || f.status {
		out = append(appendInt(append(out, `"status":`...), int64(it.status())), ',')
	}
	if it.err != nil && (f.all || f.err) {
		out = append(it.err.appendBody(append(out, `"error":`...)), ',')
	}
	return append(out[:len(out)-1], "}},"...)
}

// status returns the HTTP status of the operation.
func (it *item) status() int {
	switch {
	case it.err != nil:
		return it.err.status
	case it.noop:
		return http.StatusOK
	}
	switch it.outcome.Status {
	case query.Created:
		return http.StatusCreated
	case query.NotFound:
		return http.StatusNotFound
	}
	return http.StatusOK
}

// appendResult appends what a successful operation did, beginning with a comma.
func (it *item) appendResult(out []byte) []byte {
	result, shards := "noop", `{"total":0,"successful":0,"failed":0}`
	if !it.noop {
		shards = `{"total":1,"successful":1,"failed":0}`
		switch it.outcome.Status {
		case query.Created:
			result = "created"
		case query.Updated:
			result = "updated"
		case query.Deleted:
			result = "deleted"
		case query.NotFound:
			result = "not_found"
		}
	}
	out = appendInt(append(out, `,"_version":`...), it.outcome.Version)
	out = append(append(append(out, `,"result":"`...), result...), `","_shards":`...)
	out = append(out, shards...)
	out = appendInt(append(out, `,"_seq_no":`...), it.outcome.SeqNo)
	return append(out, `,"_primary_term":1`...)
}

package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"millrace/internal/store/dsl"
	"millrace/internal/store/mapping"
	"millrace/internal/store/query"
)

// maxWindow is Elasticsearch's index.max_result_window.
const maxWindow = 10000

// search is one search as it was asked for.
type search struct {
	s    *Server
	list []*index
	now  time.Time

	query      any                // of the body; nil: everything
	q          string             // of the query string
	qo         *dsl.StringOptions // of q; nil: there is none
	from, size int
	sort       []*sortKey
	after      []any
	source     sourceFilter
	noSource   bool
	track      int // of hits: count up to so many, -1: all, 0: none
	trackSet   bool
	scores     bool
	version    bool
	seqNo      bool
	timeout    time.Duration
	aggs       []*aggregation
	typedKeys  bool
	totalAsInt bool
	took       func() int64

	failures []shardFailure
}

// shardFailure is an index that cannot answer.
type shardFailure struct {
	ix  *index
	err *apiError
}

func (q *request) newSearch(list []*index) *search {
	return &search{s: q.s, list: list, now: q.s.o.Now(), size: 10, track: 10000, took: q.took}
}

// searchParams are the query parameters of a search. Those that say how a cluster does its work have no effect on one node.
var searchParams = append([]string{"q", "df", "default_operator", "analyzer", "analyze_wildcard", "lenient", "size", "from", "sort", "_source", "_source_includes",
	"_source_excludes", "track_total_hits", "track_scores", "version", "seq_no_primary_term", "typed_keys", "rest_total_hits_as_int", "search_type",
	"preference", "routing", "request_cache", "batched_reduce_size", "max_concurrent_shard_requests", "pre_filter_shard_size", "ccs_minimize_roundtrips",
	"allow_partial_search_results", "ignore_throttled"}, expandParams...)

func (q *request) search(expr string) error {
	if err := q.only(searchParams...); err != nil {
		return err
	}
	list, err := q.expand(expr)
	if err != nil {
		return err
	}
	s := q.newSearch(list)
	body, err := q.json()
	if err == nil {
		err = s.readBody(body)
	}
	if err == nil {
		err = s.readParams(q)
	}
	if err != nil {
		return err
	}
	out, err := s.run(q.Context())
	if err != nil {
		return err
	}
	q.sendJSON(http.StatusOK, out)
	return nil
}

// readParams takes what the query string says.
func (s *search) readParams(q *request) error {
	if err := q.queryParam(&s.q, &s.qo); err != nil {
		return err
	}
	var err error
	num := func(name string, to *int) {
		n, e := q.atoi(name, *to)
		if *to = n; err == nil {
			err = e
		}
	}
	flag := func(name string, to *bool) {
		on, e := q.flag(name, *to)
		if *to = on; err == nil {
			err = e
		}
	}
	num("size", &s.size)
	num("from", &s.from)
	flag("track_scores", &s.scores)
	flag("version", &s.version)
	flag("seq_no_primary_term", &s.seqNo)
	flag("typed_keys", &s.typedKeys)
	flag("rest_total_hits_as_int", &s.totalAsInt)
	if err != nil {
		return err
	}
	if s.totalAsInt && !s.trackSet {
		s.track = -1
	}
	if v, ok := q.q["track_total_hits"]; ok {
		if err := s.setTrack(v[0]); err != nil {
			return err
		}
	}
	if t := q.q.Get("search_type"); t != "" && t != "query_then_fetch" {
		return unsupported("[search_type=%s]", t)
	}
	if q.q.Has("_source") || q.q.Has("_source_includes") || q.q.Has("_source_excludes") {
		f, show, err := q.sourceParams()
		if err != nil {
			return err
		}
		s.source, s.noSource = f, !show
	}
	if t := q.q.Get("timeout"); t != "" {
		if err := s.setTimeout(t); err != nil {
			return err
		}
	}
	if v := q.q.Get("sort"); v != "" {
		s.sort = nil
		for part := range strings.SplitSeq(v, ",") {
			name, order, _ := strings.Cut(part, ":")
			k := newSortKey(name)
			if order != "" {
				if err := k.setOrder(order); err != nil {
					return err
				}
			}
			s.sort = append(s.sort, k)
		}
	}
	return s.check()
}

// queryParam reads ?q= and what belongs to it.
func (q *request) queryParam(text *string, to **dsl.StringOptions) error {
	if !q.q.Has("q") {
		for _, k := range []string{"df", "default_operator", "lenient"} {
			if q.q.Has(k) {
				return badRequest("[%s] needs [q]", k)
			}
		}
		return nil
	}
	o := &dsl.StringOptions{DefaultField: q.q.Get("df")}
	switch op := strings.ToLower(q.q.Get("default_operator")); op {
	case "", "or":
	case "and":
		o.And = true
	default:
		return badRequest("No enum constant org.elasticsearch.index.query.Operator.%s", strings.ToUpper(op))
	}
	if q.q.Has("lenient") {
		on, err := q.flag("lenient", false)
		if err != nil {
			return err
		}
		o.Lenient = &on
	}
	if a := q.q.Get("analyzer"); a != "" && a != "standard" {
		return unsupported("[analyzer=%s]", a)
	}
	if a := q.q.Get("analyze_wildcard"); a != "" && a != "false" {
		return unsupported("[analyze_wildcard=%s]", a)
	}
	*text, *to = q.q.Get("q"), o
	return nil
}

func (s *search) setTrack(v any) error {
	s.trackSet = true
	switch t := fmt.Sprint(v); t {
	case "true", "":
		s.track = -1
	case "false":
		s.track = 0
	default:
		n, err := strconv.Atoi(t)
		if err != nil || n < -1 {
			return badRequest("[track_total_hits] parameter must be positive or equals to -1, got %s", t)
		}
		s.track = n
	}
	return nil
}

func (s *search) setTimeout(t string) error {
	if t == "-1" {
		return nil
	}
	d, err := time.ParseDuration(strings.Replace(t, "micros", "us", 1))
	if days, ok := strings.CutSuffix(t, "d"); ok && err != nil {
		var n int
		n, err = strconv.Atoi(days)
		d = time.Duration(n) * 24 * time.Hour
	}
	if err != nil || d < 0 {
		return badRequest("failed to parse setting [timeout] with value [%s] as a time value", t)
	}
	s.timeout = d
	return nil
}

// check refuses what no search may ask for.
func (s *search) check() error {
	switch {
	case s.size < 0:
		return badRequest("[size] parameter cannot be negative, found [%d]", s.size)
	case s.from < 0:
		return badRequest("[from] parameter cannot be negative but was [%d]", s.from)
	case s.after != nil && s.from > 0:
		return validation("`from` parameter must be set to 0 when `search_after` is used")
	case s.from+s.size > maxWindow:
		return s.allFailed(badRequest("Result window is too large, from + size must be less than or equal to: [%d] but was [%d]. See the scroll api for a more efficient way to request large data sets. This limit can be set by changing the [index.max_result_window] index level setting.", maxWindow, s.from+s.size))
	case s.after != nil && len(s.after) != len(s.sort):
		return s.allFailed(badRequest("search_after has %d value(s) but sort has %d.", len(s.after), len(s.sort)))
	}
	return nil
}

// readBody takes what the body says.
func (s *search) readBody(body object) error {
	for _, k := range slices.Sorted(maps.Keys(body)) {
		if err := s.readMember(k, body[k]); err != nil {
			return err
		}
	}
	return s.check()
}

func (s *search) readMember(k string, v any) (err error) {
	flag := func(to *bool) error {
		switch fmt.Sprint(v) {
		case "true":
			*to = true
		case "false":
			*to = false
		default:
			return badRequest("Failed to parse value [%v] as only [true] or [false] are allowed.", v)
		}
		return nil
	}
	num := func(to *int) error {
		n, err := strconv.Atoi(fmt.Sprint(v))
		if err != nil {
			return failure(http.StatusBadRequest, "x_content_parse_exception", "[%s] must be a whole number, found [%v]", k, v)
		}
		*to = n
		return nil
	}
	switch k {
	case "query":
		s.query = v
		return nil
	case "size":
		return num(&s.size)
	case "from":
		return num(&s.from)
	case "sort":
		s.sort, err = parseSort(v)
		return err
	case "search_after":
		list, ok := v.([]any)
		if !ok || len(list) == 0 {
			return badRequest("Values must contains at least one value.")
		}
		s.after = list
		return nil
	case "_source":
		return s.readSource(v)
	case "track_total_hits":
		return s.setTrack(v)
	case "track_scores":
		return flag(&s.scores)
	case "version":
		return flag(&s.version)
	case "seq_no_primary_term":
		return flag(&s.seqNo)
	case "timeout":
		return s.setTimeout(fmt.Sprint(v))
	case "aggs", "aggregations":
		s.aggs, err = parseAggs(v, 1)
		return err
	case "stored_fields", "docvalue_fields", "fields", "script_fields", "runtime_mappings", "indices_boost", "stats":
		if isEmpty(v) {
			return nil
		}
	case "explain", "profile":
		var on bool
		if err := flag(&on); err != nil || !on {
			return err
		}
	case "highlight", "suggest", "post_filter", "rescore", "collapse", "min_score", "terminate_after", "slice", "pit", "knn", "rank", "retriever", "ext":
		if isEmpty(v) {
			return nil
		}
	default:
		return failure(http.StatusBadRequest, "parsing_exception", "unknown key [%s] in the body of a search", k)
	}
	return unsupported("[%s] in the body of a search", k)
}

func isEmpty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case object:
		return len(v) == 0
	case []any:
		return len(v) == 0
	}
	return false
}

// readSource reads _source: true, a pattern, a list of patterns, or includes and excludes.
func (s *search) readSource(v any) error {
	switch v := v.(type) {
	case bool:
		s.noSource = !v
	case string:
		s.source.includes = []string{v}
	case []any:
		s.source.includes = textList(v)
	case object:
		for k, p := range v {
			list := textList(p)
			if str, ok := p.(string); ok {
				list = []string{str}
			}
			switch k {
			case "includes", "include":
				s.source.includes = list
			case "excludes", "exclude":
				s.source.excludes = list
			default:
				return failure(http.StatusBadRequest, "parsing_exception", "Unknown key for a START_OBJECT in [%s].", k)
			}
		}
	default:
		return failure(http.StatusBadRequest, "parsing_exception", "Expected one of [VALUE_BOOLEAN, VALUE_STRING, START_ARRAY, START_OBJECT] for [_source]")
	}
	return nil
}

// context returns what queries of an index are compiled for. The caller holds ix.mu.
func (s *search) context(ix *index) *dsl.Context {
	c := &dsl.Context{Now: s.now, Index: ix.name, Mapping: ix.mapping}
	if ix.stream != "" {
		c.Names = []string{ix.stream}
	}
	if f := ix.settings["index.query.default_field"]; f != "" {
		if json.Unmarshal([]byte(f), &c.DefaultFields) != nil {
			c.DefaultFields = []string{f}
		}
	}
	return c
}

// compile makes the query of one index.
func (s *search) compile(c *dsl.Context) (query.Query, error) {
	var parts []query.Query
	if s.query != nil {
		q, err := c.Compile(s.query)
		if err != nil {
			return nil, err
		}
		parts = append(parts, q)
	}
	if s.qo != nil {
		q, err := c.QueryString(s.q, s.qo)
		if err != nil {
			return nil, err
		}
		parts = []query.Query{q} // as in Elasticsearch, ?q= takes the place of the body's query
	}
	if len(parts) == 0 {
		return query.All{}, nil
	}
	return parts[0], nil
}

// prepare makes the engine's search. A mistake that is one for every index is an error; one of a few indices is remembered as their failure.
func (s *search) prepare() (*query.Search, error) {
	if len(s.list) == 0 {
		// Mistakes show even where there is nothing to search.
		if _, err := s.compile(&dsl.Context{Now: s.now, Mapping: mapping.New()}); err != nil {
			var e *dsl.Error
			if !errors.As(err, &e) || !e.Shard {
				return nil, err
			}
		}
	}
	r := &query.Search{From: s.from, Size: s.size, TrackTotal: s.track, NeedScore: s.scores}
	for _, ix := range s.list {
		ix.mu.RLock()
		q, err := s.compile(s.context(ix))
		for _, k := range s.sort {
			if err == nil {
				err = k.bind(ix)
			}
		}
		for _, a := range s.aggs {
			if err == nil {
				err = a.bind(ix)
			}
		}
		ix.mu.RUnlock()
		if err != nil {
			var e *dsl.Error
			if errors.As(err, &e) && !e.Shard {
				return nil, err
			}
			var own *apiError
			if errors.As(err, &own) && own.index == nil {
				return nil, err
			}
			s.failures = append(s.failures, shardFailure{ix, asAPIError(err)})
			continue
		}
		r.Targets = append(r.Targets, query.Target{Index: ix.name, Query: q})
	}
	if len(r.Targets) == 0 && len(s.failures) > 0 {
		return nil, s.allFailed(s.failures[0].err)
	}
	for _, k := range s.sort {
		r.Sort = append(r.Sort, k.sort())
	}
	for i, v := range s.after {
		a, err := s.sort[i].after(v)
		if err != nil {
			return nil, s.allFailed(err)
		}
		r.After = append(r.After, a)
	}
	for _, a := range s.aggs {
		r.Aggs = a.engine(r.Aggs)
	}
	return r, nil
}

// allFailed is the error of a search that no index can answer.
func (s *search) allFailed(cause error) *apiError {
	c := asAPIError(cause)
	e := failure(http.StatusBadRequest, "search_phase_execution_exception", "all shards failed")
	failed := []any{}
	roots := []any{}
	for i, ix := range s.list {
		if i > 0 {
			break // they are grouped
		}
		one := c.body()
		one["index"], one["index_uuid"] = ix.name, ix.uuid
		failed = append(failed, object{"shard": 0, "index": ix.name, "node": s.s.o.Name, "reason": one})
		root := maps.Clone(one)
		delete(root, "caused_by")
		roots = append(roots, root)
	}
	if len(roots) == 0 {
		return c
	}
	e.more = object{"phase": "query", "grouped": true, "failed_shards": failed, "root_cause": roots}
	e.cause = c
	return e
}

// run searches and returns the answer.
func (s *search) run(ctx context.Context) ([]byte, error) {
	r, err := s.prepare()
	if err != nil {
		return nil, err
	}
	if s.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.timeout)
		defer cancel()
	}
	res, err := s.ask(ctx, r)
	if err != nil {
		if errors.Is(err, context.DeadlineExceeded) {
			return nil, failure(http.StatusGatewayTimeout, "search_timeout_exception", "Time exceeded")
		}
		return nil, err
	}
	aggs, err := s.aggAnswers(res.Aggs)
	if err != nil {
		return nil, err
	}
	return s.appendAnswer(nil, res, aggs), nil
}

// ask lets the engine search. An index that somebody deletes meanwhile is left out.
func (s *search) ask(ctx context.Context, r *query.Search) (*query.Result, error) {
	for len(r.Targets) > 0 {
		res, err := s.s.engine.Search(ctx, r)
		if err == nil || !s.dropGone(r) && (!errors.Is(err, query.ErrNoIndex) || ctx.Err() != nil) {
			return res, err
		}
	}
	return &query.Result{TotalExact: true}, nil
}

// dropGone removes targets that are not there any more, and reports whether there was one. The engine is asked too, for an index that was deleted and is being
// made again is in the catalogue before it is there; if it has come back meanwhile, the next search finds it.
func (s *search) dropGone(r *query.Search) bool {
	there := make(map[string]bool)
	for _, ix := range s.s.engine.Indices() {
		there[ix.Name] = true
	}
	n := len(r.Targets)
	s.s.cat.mu.RLock()
	defer s.s.cat.mu.RUnlock()
	r.Targets = slices.DeleteFunc(r.Targets, func(t query.Target) bool { return s.s.cat.indices[t.Index] == nil || !there[t.Index] })
	return len(r.Targets) < n
}

func (s *search) aggAnswers(results []query.AggResult) (object, error) {
	if len(s.aggs) == 0 {
		return nil, nil
	}
	out := object{}
	for _, a := range s.aggs {
		v, rest, err := a.answer(results, s)
		if err != nil {
			return nil, err
		}
		results = rest
		out[a.key(s.typedKeys)] = v
	}
	return out, nil
}

func (s *search) shards() object {
	o := shards(len(s.list), len(s.failures))
	o["skipped"] = 0
	if len(s.failures) > 0 {
		var list []any
		for _, f := range s.failures {
			reason := f.err.body()
			reason["index"], reason["index_uuid"] = f.ix.name, f.ix.uuid
			list = append(list, object{"shard": 0, "index": f.ix.name, "node": s.s.o.Name, "reason": reason})
		}
		o["failures"] = list
	}
	return o
}

// appendAnswer writes the answer. Hits are written without building anything: there may be thousands.
func (s *search) appendAnswer(b []byte, res *query.Result, aggs object) []byte {
	b = appendInt(append(b, `{"took":`...), s.took())
	b = append(b, `,"timed_out":false,"_shards":`...)
	b = append(b, marshal(s.shards())...)
	b = append(b, `,"hits":{`...)
	switch {
	case s.track == 0:
	case s.totalAsInt:
		b = append(appendInt(append(b, `"total":`...), res.Total), ',')
	default:
		total, relation := res.Total, "eq"
		if !res.TotalExact || s.track > 0 && total > int64(s.track) {
			total, relation = min(total, int64(s.track)), "gte"
		}
		b = appendInt(append(b, `"total":{"value":`...), total)
		b = append(append(append(b, `,"relation":"`...), relation...), `"},`...)
	}
	scored := len(s.sort) == 0 || s.scores || slices.ContainsFunc(s.sort, func(k *sortKey) bool { return k.field == "_score" })
	b = append(b, `"max_score":`...)
	switch {
	case scored && len(res.Hits) > 0 && (len(s.sort) == 0 || s.scores), len(s.list) == 0:
		b = appendScore(b, res.MaxScore)
	default:
		b = append(b, "null"...)
	}
	b = append(b, `,"hits":[`...)
	for i := range res.Hits {
		if i > 0 {
			b = append(b, ',')
		}
		b = s.appendHit(b, &res.Hits[i], scored)
	}
	b = append(b, "]}"...)
	if aggs != nil {
		b = append(append(b, `,"aggregations":`...), marshal(aggs)...)
	}
	return append(b, '}')
}

func appendScore(b []byte, v float32) []byte {
	b = strconv.AppendFloat(b, float64(v), 'f', -1, 32)
	if v == float32(int64(v)) {
		b = append(b, ".0"...)
	}
	return b
}

func (s *search) appendHit(b []byte, h *query.Hit, scored bool) []byte {
	b = appendString(append(b, `{"_index":`...), h.Index)
	b = appendString(append(b, `,"_id":`...), h.ID)
	if s.version {
		b = appendInt(append(b, `,"_version":`...), h.Version)
	}
	if s.seqNo {
		b = append(appendInt(append(b, `,"_seq_no":`...), h.SeqNo), `,"_primary_term":1`...)
	}
	b = append(b, `,"_score":`...)
	if scored {
		b = appendScore(b, h.Score)
	} else {
		b = append(b, "null"...)
	}
	if !s.noSource {
		b = append(append(b, `,"_source":`...), filterSource(h.Source, &s.source)...)
	}
	if len(s.sort) > 0 {
		b = append(b, `,"sort":[`...)
		for i, v := range h.Sort {
			if i > 0 {
				b = append(b, ',')
			}
			b = s.sort[i].appendValue(b, v)
		}
		b = append(b, ']')
	}
	return append(b, '}')
}

// count answers _count.
func (q *request) count(expr string) error {
	if err := q.only(append([]string{"q", "df", "default_operator", "analyzer", "analyze_wildcard", "lenient", "preference", "routing", "ignore_throttled"}, expandParams...)...); err != nil {
		return err
	}
	list, err := q.expand(expr)
	if err != nil {
		return err
	}
	s := q.newSearch(list)
	s.size, s.track = 0, -1
	body, err := q.json()
	if err != nil {
		return err
	}
	for k, v := range body {
		if k != "query" {
			return failure(http.StatusBadRequest, "parsing_exception", "request does not support [%s]", k)
		}
		s.query = v
	}
	if err := q.queryParam(&s.q, &s.qo); err != nil {
		return err
	}
	r, err := s.prepare()
	if err != nil {
		return err
	}
	res, err := s.ask(q.Context(), r)
	if err != nil {
		return err
	}
	q.send(http.StatusOK, object{"count": res.Total, "_shards": s.shards()})
	return nil
}

// maxSearches bounds the searches of one _msearch.
const maxSearches = 1000

// msearch answers _msearch: pairs of lines, what is searched and the search.
func (q *request) msearch(expr string) error {
	if err := q.only(append([]string{"max_concurrent_searches", "typed_keys", "rest_total_hits_as_int", "search_type", "pre_filter_shard_size",
		"max_concurrent_shard_requests", "ccs_minimize_roundtrips"}, expandParams...)...); err != nil {
		return err
	}
	body, err := q.body(nil)
	if err != nil {
		return err
	}
	if len(body) == 0 || body[len(body)-1] != '\n' {
		return badRequest("The msearch request must be terminated by a newline [\\n]")
	}
	out := []byte(`{"took":`)
	var answers []byte
	for n := 0; len(body) > 0; n++ {
		var head, text []byte
		head, body = cutLine(body)
		if len(body) == 0 {
			if len(head) == 0 {
				break
			}
			return validation("a search has no body")
		}
		if n >= maxSearches {
			return badRequest("more than %d searches in one request", maxSearches)
		}
		text, body = cutLine(body)
		if n > 0 {
			answers = append(answers, ',')
		}
		answers = q.oneSearch(answers, expr, head, text)
	}
	out = append(appendInt(out, q.took()), `,"responses":[`...)
	q.sendJSON(http.StatusOK, append(append(out, answers...), "]}"...))
	return nil
}

// oneSearch appends the answer to one of several searches, which may be an error.
func (q *request) oneSearch(out []byte, expr string, head, text []byte) []byte {
	answer, err := q.searchLine(expr, head, text)
	if err != nil {
		return append(out, marshal(asAPIError(err).answer())...)
	}
	return append(append(out, answer[:len(answer)-1]...), `,"status":200}`...)
}

func (q *request) searchLine(expr string, head, text []byte) ([]byte, error) {
	h, err := decodeObject(head)
	if err != nil {
		return nil, err
	}
	lenient := false
	for k, v := range h {
		switch k {
		case "index", "indices":
			if names := textList(v); len(names) > 0 {
				expr = strings.Join(names, ",")
			}
		case "ignore_unavailable":
			lenient = fmt.Sprint(v) == "true"
		case "expand_wildcards", "allow_no_indices", "preference", "routing", "request_cache", "ccs_minimize_roundtrips", "allow_partial_search_results":
		case "search_type":
			if v != "query_then_fetch" {
				return nil, unsupported("[search_type: %v]", v)
			}
		default:
			return nil, badRequest("key [%s] is not supported in the metadata section", k)
		}
	}
	list, err := q.s.cat.expand(expr, lenient)
	if err != nil {
		return nil, err
	}
	s := q.newSearch(list)
	s.typedKeys = q.q.Get("typed_keys") == "true"
	if s.totalAsInt = q.q.Get("rest_total_hits_as_int") == "true"; s.totalAsInt {
		s.track = -1
	}
	body, err := decodeObject(text)
	if err == nil {
		err = s.readBody(body)
	}
	if err != nil {
		return nil, err
	}
	return s.run(q.Context())
}

// evalDateMath and loadZone are dsl's, for names of indices.
func evalDateMath(expr string, now time.Time, zone *time.Location) (int64, error) {
	f, err := mapping.NewDateFormat(mapping.DefaultDateFormat)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return dsl.DateMath(expr, f, now, zone, false)
}

func loadZone(name string) (*time.Location, error) { return dsl.LoadZone(name) }

package store

import (
	"encoding/json"
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

// Limits of aggregations: the depth is ours, the number of buckets Elasticsearch's search.max_buckets.
const (
	maxAggDepth = 5
	maxBuckets  = 65536
)

// aggregation is one aggregation as it was asked for.
type aggregation struct {
	name, typ, field string
	sub              []*aggregation
	meta             any
	node             *mapping.Node // of the first index that maps the field

	size, minCount int
	order          []query.Order
	histogram      *histogram
	format         *mapping.DateFormat
	precision      bool
}

// metricTypes are the metrics, with the engine's name of each. stats is made of others.
var metricTypes = map[string]query.AggType{
	"min": query.AggMin, "max": query.AggMax, "avg": query.AggAvg, "sum": query.AggSum, "value_count": query.AggCount, "cardinality": query.AggCardinality, "stats": 0,
}

func parseAggs(v any, depth int) ([]*aggregation, error) {
	defs, ok := v.(object)
	if !ok {
		return nil, failure(http.StatusBadRequest, "parsing_exception", "Expected [START_OBJECT] under [aggs]")
	}
	if depth > maxAggDepth {
		return nil, badRequest("aggregations more than %d deep are not supported by this store", maxAggDepth)
	}
	var list []*aggregation
	for _, name := range slices.Sorted(maps.Keys(defs)) {
		if strings.ContainsAny(name, "[]>") || name == "" {
			return nil, failure(http.StatusBadRequest, "parsing_exception", "Invalid aggregation name [%s]. Aggregation names can contain any character except '[', ']', and '>'", name)
		}
		def, ok := defs[name].(object)
		if !ok {
			return nil, failure(http.StatusBadRequest, "parsing_exception", "Aggregation definition for [%s] must be an object", name)
		}
		a, err := parseAgg(name, def, depth)
		if err != nil {
			return nil, err
		}
		list = append(list, a)
	}
	return list, nil
}

func parseAgg(name string, def object, depth int) (*aggregation, error) {
	a := &aggregation{name: name}
	var params object
	var err error
	for _, k := range slices.Sorted(maps.Keys(def)) {
		switch k {
		case "aggs", "aggregations":
			if a.sub, err = parseAggs(def[k], depth+1); err != nil {
				return nil, err
			}
		case "meta":
			a.meta = def[k]
		default:
			if a.typ != "" {
				return nil, failure(http.StatusBadRequest, "parsing_exception", "Found two aggregation type definitions in [%s]: [%s] and [%s]", name, a.typ, k)
			}
			a.typ = k
			params, _ = def[k].(object)
		}
	}
	switch {
	case a.typ == "":
		return nil, failure(http.StatusBadRequest, "parsing_exception", "Missing definition for aggregation [%s]", name)
	case a.typ == "terms":
		err = a.readTerms(params)
	case a.typ == "date_histogram":
		err = a.readHistogram(params)
	default:
		if _, ok := metricTypes[a.typ]; !ok {
			return nil, unsupported("the aggregation [%s] of type [%s]", name, a.typ)
		}
		if len(a.sub) > 0 {
			return nil, failure(http.StatusBadRequest, "aggregation_initialization_exception", "Aggregator [%s] of type [%s] cannot accept sub-aggregations", name, a.typ)
		}
		err = a.readMetric(params)
	}
	if err == nil && a.field == "" {
		err = badRequest("Required one of fields [field, script], but none were specified.")
	}
	return a, err
}

// unknownParam refuses a parameter of an aggregation.
func (a *aggregation) unknownParam(k string) error {
	if slices.Contains([]string{"script", "missing", "include", "exclude", "keyed", "hard_bounds", "value_type", "format", "offset", "rehash", "interval", "show_term_doc_count_error", "shard_min_doc_count"}, k) {
		return unsupported("[%s] of the aggregation [%s] of type [%s]", k, a.name, a.typ)
	}
	return failure(http.StatusBadRequest, "x_content_parse_exception", "[%s] unknown field [%s]", a.typ, k)
}

func (a *aggregation) readMetric(params object) error {
	for k, v := range params {
		switch k {
		case "field":
			a.field, _ = v.(string)
		case "precision_threshold":
			a.precision = true // counts here are at least as good
		case "format":
			f, err := mapping.NewDateFormat(asText(v))
			if err != nil {
				return badRequest("%s", err)
			}
			a.format = f
		default:
			return a.unknownParam(k)
		}
	}
	return nil
}

func asText(v any) string {
	s, _ := dsl.Text(v)
	return s
}

func (a *aggregation) readTerms(params object) error {
	a.size, a.minCount = 10, 1
	for k, v := range params {
		var err error
		switch k {
		case "field":
			a.field, _ = v.(string)
		case "size":
			if a.size, err = strconv.Atoi(asText(v)); err != nil || a.size < 1 {
				return badRequest("[size] must be greater than 0. Found [%v] in [%s]", v, a.name)
			}
		case "min_doc_count":
			if a.minCount, err = strconv.Atoi(asText(v)); err != nil || a.minCount < 0 {
				return badRequest("[min_doc_count] must be greater than or equal to 0. Found [%v] in [%s]", v, a.name)
			}
			if a.minCount == 0 {
				return unsupported("[min_doc_count: 0] of the aggregation [%s] of type [terms]", a.name)
			}
		case "order":
			if err := a.readOrder(v); err != nil {
				return err
			}
		case "shard_size", "execution_hint", "collect_mode":
		case "show_term_doc_count_error":
			if v == true {
				return a.unknownParam(k)
			}
		default:
			return a.unknownParam(k)
		}
	}
	if a.size > maxBuckets {
		return badRequest("Trying to create too many buckets. Must be less than or equal to: [%d] but was [%d]. This limit can be set by changing the [search.max_buckets] cluster level setting.", maxBuckets, a.size)
	}
	return a.checkOrder()
}

// readOrder reads {"_count":"desc"} or a list of such.
func (a *aggregation) readOrder(v any) error {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	for _, e := range list {
		o, ok := e.(object)
		if !ok || len(o) != 1 {
			return failure(http.StatusBadRequest, "parsing_exception", "Must specify at least one field for [order]")
		}
		for by, dir := range o {
			d := strings.ToLower(asText(dir))
			if d != "asc" && d != "desc" {
				return failure(http.StatusBadRequest, "parsing_exception", "Unknown order direction [%s]", d)
			}
			a.order = append(a.order, query.Order{By: strings.TrimSuffix(by, ".value"), Descending: d == "desc"})
		}
	}
	return nil
}

// checkOrder makes sure that what buckets are ordered by is there, and adds the key to decide between equals.
func (a *aggregation) checkOrder() error {
	if a.order == nil {
		return nil
	}
	keyed := false
	for _, o := range a.order {
		keyed = keyed || o.By == "_key"
		if o.By == "_key" || o.By == "_count" {
			continue
		}
		i := slices.IndexFunc(a.sub, func(s *aggregation) bool { return s.name == o.By })
		if i < 0 {
			return badRequest("Invalid aggregator order path [%s]. The provided aggregation [%s] either does not exist, or is a pipeline aggregation and cannot be used to sort the buckets.", o.By, o.By)
		}
		if t, ok := metricTypes[a.sub[i].typ]; !ok || t == 0 {
			return unsupported("ordering buckets by the aggregation [%s] of type [%s]", o.By, a.sub[i].typ)
		}
	}
	if !keyed {
		a.order = append(a.order, query.Order{By: "_key"})
	}
	return nil
}

// bind looks the fields up in the mapping of an index. The caller holds ix.mu.
func (a *aggregation) bind(ix *index) error {
	for _, s := range a.sub {
		if err := s.bind(ix); err != nil {
			return err
		}
	}
	if strings.HasPrefix(a.field, "_") && ix.mapping.Field(a.field) == nil && slices.Contains([]string{"_index", "_id", "_routing", "_tier", "_seq_no", "_version", "_doc_count"}, a.field) {
		return unsupported("an aggregation over [%s]", a.field)
	}
	n := ix.mapping.Field(a.field)
	if n == nil {
		return nil
	}
	if err := aggregatable(n, ix, "aggregated"); err != nil {
		return err
	}
	kind := n.Type.Kind()
	wrong := kind == query.Keyword && a.typ != "terms" && a.typ != "value_count" && a.typ != "cardinality"
	if wrong || a.typ == "date_histogram" && kind != query.Date {
		e := badRequest("Field [%s] of type [%s] is not supported for aggregation [%s]", a.field, n.Type, a.typ)
		e.index = ix
		return e
	}
	if a.node == nil {
		a.node = n
		return nil
	}
	if k := a.node.Type.Kind(); k != kind || (a.node.Type == mapping.IP) != (n.Type == mapping.IP) || (a.node.Type == mapping.Boolean) != (n.Type == mapping.Boolean) {
		return badRequest("the field [%s] of the aggregation [%s] is of type [%s] in one index and [%s] in another, which is not supported by this store", a.field, a.name, a.node.Type, n.Type)
	}
	return nil
}

// engine appends the engine's aggregations; none where no index maps the field.
func (a *aggregation) engine(list []query.Agg) []query.Agg {
	if a.node == nil {
		return list
	}
	e := query.Agg{Name: a.name, Field: a.node.Path, Kind: a.node.Type.Kind()}
	for _, s := range a.sub {
		e.Sub = s.engine(e.Sub)
	}
	switch a.typ {
	case "terms":
		e.Type, e.Size, e.MinCount, e.Order = query.AggTerms, a.size, a.minCount, a.order
	case "date_histogram":
		// Holes are filled by fill, which knows what lies between two buckets.
		e.Type, e.MinCount, e.Bounds = query.AggDateHistogram, max(a.minCount, 1), a.histogram.start
	case "stats":
		for _, t := range []query.AggType{query.AggCount, query.AggMin, query.AggMax, query.AggSum} {
			part := e
			part.Type = t
			list = append(list, part)
		}
		return list
	default:
		e.Type = metricTypes[a.typ]
	}
	return append(list, e)
}

// key is the name in the answer, with the type before it where the client asked for it.
func (a *aggregation) key(typed bool) string {
	if !typed {
		return a.name
	}
	typ := a.typ
	if typ == "terms" {
		switch {
		case a.node == nil:
			typ = "umterms"
		case a.node.Type.Kind() == query.Keyword:
			typ = "sterms"
		case a.node.Type.Kind() == query.Float:
			typ = "dterms"
		default:
			typ = "lterms"
		}
	}
	return typ + "#" + a.name
}

// answer takes its results from the front of the engine's and returns what the API says of them. Without results it is the answer over no
// documents.
func (a *aggregation) answer(results []query.AggResult, s *search) (o object, rest []query.AggResult, err error) {
	var own []query.AggResult
	n := 0
	if a.node != nil {
		if n = 1; a.typ == "stats" {
			n = 4
		}
	}
	if len(results) >= n {
		own, rest = results[:n], results[n:]
	}
	switch a.typ {
	case "terms":
		o, err = a.termsAnswer(first(own), s)
	case "date_histogram":
		o, err = a.histogramAnswer(first(own), s)
	case "stats":
		o = a.statsAnswer(own)
	default:
		o = a.metricAnswer(first(own))
	}
	if a.meta != nil && o != nil {
		o["meta"] = a.meta
	}
	return o, rest, err
}

func first(list []query.AggResult) *query.AggResult {
	if len(list) == 0 {
		return &query.AggResult{}
	}
	return &list[0]
}

func double(v float64) json.RawMessage { return appendDouble(nil, v, 64) }

// dateFormat is by which dates are written beside their number; nil for other fields.
func (a *aggregation) dateFormat() *mapping.DateFormat {
	switch {
	case a.format != nil:
		return a.format
	case a.node != nil && a.node.Type.Kind() == query.Date:
		return a.node.Format
	}
	return nil
}

func (a *aggregation) value(o object, k string, v float64) {
	o[k] = double(v)
	if f := a.dateFormat(); f != nil && a.node != nil && a.node.Type.Kind() == query.Date {
		o[k+"_as_string"] = string(f.Append(nil, int64(v), nil))
	} else if a.node != nil && a.node.Type == mapping.Boolean {
		o[k+"_as_string"] = strconv.FormatBool(v != 0)
	}
}

func (a *aggregation) metricAnswer(r *query.AggResult) object {
	o := object{}
	switch {
	case a.typ == "value_count" || a.typ == "cardinality":
		o["value"] = int64(r.Value)
	case a.typ == "sum":
		a.value(o, "value", r.Value)
	case r.Count == 0:
		o["value"] = nil
	default:
		a.value(o, "value", r.Value)
	}
	return o
}

func (a *aggregation) statsAnswer(r []query.AggResult) object {
	o := object{"count": 0, "min": nil, "max": nil, "avg": nil, "sum": double(0)}
	if len(r) < 4 || r[1].Count == 0 {
		return o
	}
	o["count"] = int64(r[0].Value)
	a.value(o, "min", r[1].Value)
	a.value(o, "max", r[2].Value)
	a.value(o, "avg", r[3].Value/float64(r[1].Count))
	a.value(o, "sum", r[3].Value)
	return o
}

// subAnswers adds the answers of sub-aggregations to a bucket.
func (a *aggregation) subAnswers(b object, results []query.AggResult, s *search) error {
	for _, sub := range a.sub {
		v, rest, err := sub.answer(results, s)
		if err != nil {
			return err
		}
		results = rest
		b[sub.key(s.typedKeys)] = v
	}
	return nil
}

func (a *aggregation) termsAnswer(r *query.AggResult, s *search) (object, error) {
	buckets := make([]object, 0, len(r.Buckets))
	for i := range r.Buckets {
		b := &r.Buckets[i]
		o := object{"doc_count": b.Count}
		switch {
		case a.node.Type == mapping.IP:
			o["key"] = mapping.IPText(b.Key)
		case a.node.Type == mapping.Boolean:
			o["key"], o["key_as_string"] = b.Int, strconv.FormatBool(b.Int != 0)
		case a.node.Type.Kind() == query.Date:
			o["key"], o["key_as_string"] = b.Int, string(a.dateFormat().Append(nil, b.Int, nil))
		case a.node.Type.Kind() == query.Int:
			o["key"] = b.Int
		case a.node.Type.Kind() == query.Float:
			o["key"] = double(b.Float)
		default:
			o["key"] = b.Key
		}
		if err := a.subAnswers(o, b.Sub, s); err != nil {
			return nil, err
		}
		buckets = append(buckets, o)
	}
	return object{"doc_count_error_upper_bound": 0, "sum_other_doc_count": r.Other, "buckets": buckets}, nil
}

// histogram cuts time into buckets.
type histogram struct {
	zone     *time.Location
	fixed    int64 // milliseconds; 0: by the calendar
	unit     byte  // of the calendar
	offset   int64
	min, max *string // extended_bounds
	desc     bool
}

// calendarUnits are the names of calendar intervals.
var calendarUnits = map[string]byte{
	"minute": 'm', "1m": 'm', "hour": 'h', "1h": 'h', "day": 'd', "1d": 'd', "week": 'w', "1w": 'w', "month": 'M', "1M": 'M', "quarter": 'q', "1q": 'q', "year": 'y', "1y": 'y',
}

func (a *aggregation) readHistogram(params object) error {
	h := &histogram{zone: time.UTC}
	a.histogram = h
	given := 0
	for k, v := range params {
		var err error
		text := asText(v)
		switch k {
		case "field":
			a.field = text
		case "fixed_interval":
			given++
			if h.fixed, err = parseInterval(text); err != nil || h.fixed < 1 {
				return badRequest("failed to parse setting [date_histogram.fixedInterval] with value [%s] as a time value: unit is missing or unrecognized", text)
			}
		case "calendar_interval":
			given++
			var ok bool
			if h.unit, ok = calendarUnits[text]; !ok {
				return badRequest("The supplied interval [%s] could not be parsed as a calendar interval.", text)
			}
		case "time_zone":
			if h.zone, err = dsl.LoadZone(text); err != nil {
				return err
			}
		case "min_doc_count":
			if a.minCount, err = strconv.Atoi(text); err != nil || a.minCount < 0 {
				return badRequest("[minDocCount] must be greater than or equal to 0. Found [%v] in [%s]", v, a.name)
			}
		case "format":
			if a.format, err = mapping.NewDateFormat(text); err != nil {
				return badRequest("%s", err)
			}
		case "offset":
			if h.offset, err = parseOffset(text); err != nil {
				return badRequest("failed to parse [offset] [%s]", text)
			}
		case "extended_bounds":
			err = h.readBounds(v)
		case "order":
			err = h.readOrder(v)
		case "keyed":
			if v == true {
				return a.unknownParam(k)
			}
		default:
			return a.unknownParam(k)
		}
		if err != nil {
			return err
		}
	}
	if given != 1 {
		return badRequest("Invalid interval specified, must be non-null and non-empty: one of [fixed_interval] and [calendar_interval] is needed")
	}
	return nil
}

func (h *histogram) readBounds(v any) error {
	o, ok := v.(object)
	if !ok {
		return badRequest("[extended_bounds] must be an object")
	}
	for k, b := range o {
		text := asText(b)
		switch k {
		case "min":
			h.min = &text
		case "max":
			h.max = &text
		default:
			return badRequest("[extended_bounds] unknown field [%s]", k)
		}
	}
	return nil
}

func (h *histogram) readOrder(v any) error {
	o, _ := v.(object)
	dir := strings.ToLower(asText(o["_key"]))
	if len(o) != 1 || dir != "asc" && dir != "desc" {
		return unsupported("ordering a date_histogram by anything but [_key]")
	}
	h.desc = dir == "desc"
	return nil
}

// parseInterval reads 30s, 5m, 1h, 7d, 250ms as milliseconds.
func parseInterval(s string) (int64, error) {
	i := 0
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	n, err := strconv.ParseInt(s[:i], 10, 40)
	if err != nil {
		return 0, err
	}
	unit, ok := map[string]int64{"ms": 1, "s": 1000, "m": 60000, "h": 3600000, "d": 86400000}[s[i:]]
	if !ok {
		return 0, strconv.ErrSyntax
	}
	return n * unit, nil
}

func parseOffset(s string) (int64, error) {
	neg := strings.HasPrefix(s, "-")
	n, err := parseInterval(strings.TrimLeft(s, "+-"))
	if neg {
		n = -n
	}
	return n, err
}

// start returns the start of the bucket that a time falls in.
func (h *histogram) start(ms int64) int64 {
	ms -= h.offset
	if h.fixed == 0 {
		t, _ := dsl.Floor(time.UnixMilli(ms).In(h.zone), h.unit)
		return t.UnixMilli() + h.offset
	}
	if h.zone == time.UTC {
		return floor(ms, h.fixed) + h.offset
	}
	_, before := time.UnixMilli(ms).In(h.zone).Zone()
	local := floor(ms+int64(before)*1000, h.fixed)
	utc := local - int64(before)*1000
	if _, at := time.UnixMilli(utc).In(h.zone).Zone(); at != before {
		utc = local - int64(at)*1000
	}
	return utc + h.offset
}

func floor(v, step int64) int64 {
	q := v / step
	if v%step < 0 {
		q--
	}
	return q * step
}

// next returns the start of the bucket after the one that starts at key.
func (h *histogram) next(key int64) int64 {
	span := h.fixed
	if span == 0 {
		const hour = 3600000
		span = map[byte]int64{'m': 60000, 'h': hour, 'd': 24 * hour, 'w': 7 * 24 * hour, 'M': 31 * 24 * hour, 'q': 92 * 24 * hour, 'y': 366 * 24 * hour}[h.unit]
	}
	for add := span; ; add += span / 2 {
		if k := h.start(key + add); k > key {
			return k
		}
	}
}

func (a *aggregation) histogramAnswer(r *query.AggResult, s *search) (object, error) {
	buckets, err := a.fill(r.Buckets, s)
	if err != nil {
		return nil, err
	}
	out := make([]object, 0, len(buckets))
	f := a.dateFormat()
	for i := range buckets {
		b := &buckets[i]
		o := object{"key": b.Int, "doc_count": b.Count}
		if f == nil {
			o["key_as_string"] = string(mapping.AppendISO(nil, b.Int, a.histogram.zone))
		} else {
			o["key_as_string"] = string(f.Append(nil, b.Int, a.histogram.zone))
		}
		if err := a.subAnswers(o, b.Sub, s); err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	if a.histogram.desc {
		slices.Reverse(out)
	}
	return object{"buckets": out}, nil
}

// fill adds the empty buckets between those with documents, and out to extended_bounds.
func (a *aggregation) fill(buckets []query.Bucket, s *search) ([]query.Bucket, error) {
	if a.minCount > 0 {
		return buckets, nil
	}
	h := a.histogram
	var from, to int64
	some := len(buckets) > 0
	if some {
		from, to = buckets[0].Int, buckets[len(buckets)-1].Int
	}
	bound := func(text *string) (int64, error) {
		f := a.dateFormat()
		if f == nil {
			var err error
			if f, err = mapping.NewDateFormat(mapping.DefaultDateFormat); err != nil {
				return 0, err
			}
		}
		ms, err := dsl.DateMath(*text, f, s.now, h.zone, false)
		return h.start(ms), err
	}
	if h.min != nil {
		v, err := bound(h.min)
		if err != nil {
			return nil, err
		}
		if !some || v < from {
			from = v
		}
		if !some {
			to = v
		}
	}
	if h.max != nil {
		v, err := bound(h.max)
		if err != nil {
			return nil, err
		}
		if !some && h.min == nil {
			from = v
		}
		to = max(to, v)
	}
	if !some && (h.min == nil || h.max == nil) {
		return nil, nil
	}
	var out []query.Bucket
	for key := from; key <= to; key = h.next(key) {
		if len(out) >= maxBuckets {
			return nil, &apiError{status: http.StatusBadRequest, typ: "too_many_buckets_exception", reason: "Trying to create too many buckets. Must be less than or equal to: [65536] but this number of buckets was exceeded. This limit can be set by changing the [search.max_buckets] cluster level setting."}
		}
		if len(buckets) > 0 && buckets[0].Int == key {
			out, buckets = append(out, buckets[0]), buckets[1:]
			continue
		}
		out = append(out, query.Bucket{Int: key})
	}
	return out, nil
}

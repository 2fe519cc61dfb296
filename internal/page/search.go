package page

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The limits of a search. What a page shows is read at most once in two seconds by one browser, so four at a time serve many.
const (
	maxSearches    = 4
	searchPatience = 3 * time.Second  // to wait for a place
	searchTimeout  = 15 * time.Second // for the answer
	clusterTimeout = "10s"            // after which the cluster answers with what it has
	pageSize       = 50
	maxQuery       = 4 << 10
	maxColumns     = 8
	maxAfter       = 512
	maxAnswer      = 32 << 20
)

// request is what the form of the search page asks for.
type request struct {
	Query   string
	Range   string // a key of ranges, or "absolute"
	From    time.Time
	To      time.Time
	Columns []string
	Target  int
	After   string // the sort values behind which the page begins, as JSON
	Number  int    // of the page, from 1
	Oldest  bool   // the oldest first
	Refresh int    // seconds; 0: not
}

// span is a range of time up to now.
type span struct {
	Key, Label string
	Length     time.Duration
}

// spans are the relative ranges of the form.
func spans() []span {
	return []span{
		{"15m", "Last 15 minutes", 15 * time.Minute}, {"1h", "Last hour", time.Hour},
		{"24h", "Last 24 hours", 24 * time.Hour}, {"7d", "Last 7 days", 7 * 24 * time.Hour},
	}
}

const absolute = "absolute"

// readRequest reads the form. Times without a zone are of loc.
func readRequest(q url.Values, now time.Time, loc *time.Location, targets int) (request, error) {
	o := request{Query: strings.TrimSpace(q.Get("q")), Range: q.Get("range"), After: q.Get("after"), Number: 1, Oldest: q.Get("order") == "asc"}
	o.Target, _ = strconv.Atoi(q.Get("target")) // 0 for what is no number
	if o.Target < 0 || o.Target >= targets {
		o.Target = 0
	}
	if n, err := strconv.Atoi(q.Get("page")); err == nil && n > 0 && n < 1e6 && o.After != "" {
		o.Number = n
	}
	if n, err := strconv.Atoi(q.Get("refresh")); err == nil && (n == 2 || n == 10) {
		o.Refresh = n
	}
	for _, c := range strings.Split(q.Get("cols"), ",") {
		if c = strings.TrimSpace(c); c != "" && len(c) < 256 && !slices.Contains(o.Columns, c) && len(o.Columns) < maxColumns {
			o.Columns = append(o.Columns, c)
		}
	}
	if o.Range == "" {
		o.Range = "15m"
	}
	if len(o.Query) > maxQuery {
		o.Query = ""
		o.setRelative("15m", now)
		return o, fmt.Errorf("the query is longer than %d bytes", maxQuery)
	}
	if o.Range != absolute {
		if !o.setRelative(o.Range, now) {
			o.setRelative("15m", now)
			return o, fmt.Errorf("there is no range of time %q", short(q.Get("range"), 20))
		}
		return o, nil
	}
	var errFrom, errTo error
	o.From, errFrom = readTime(q.Get("from"), loc)
	o.To, errTo = readTime(q.Get("to"), loc)
	if q.Get("to") == "" {
		o.To, errTo = now, nil
	}
	if err := errors.Join(errFrom, errTo); err != nil {
		o.setRelative("15m", now)
		return o, err
	}
	if !o.From.Before(o.To) {
		from := o.From
		o.setRelative("15m", now)
		return o, fmt.Errorf("the range of time ends before it begins, at %s", from.In(loc).Format(inputForm))
	}
	return o, nil
}

func (o *request) setRelative(key string, now time.Time) bool {
	for _, s := range spans() {
		if s.Key == key {
			o.Range, o.From, o.To = key, now.Add(-s.Length), now
			return true
		}
	}
	return false
}

// inputForm is that of <input type=datetime-local>.
const inputForm = "2006-01-02T15:04:05"

func readTime(s string, loc *time.Location) (time.Time, error) {
	if ms, err := strconv.ParseInt(s, 10, 64); err == nil && ms > 1e9 {
		return time.UnixMilli(ms), nil
	}
	for _, form := range []string{inputForm, "2006-01-02T15:04:05.999", "2006-01-02T15:04"} {
		if t, err := time.ParseInLocation(form, s, loc); err == nil {
			return t, nil
		}
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return t, fmt.Errorf("%q is no time: write 2026-01-31T12:00:00", short(s, 40))
	}
	return t, nil
}

// url is the address of a page like this one, after change.
func (o request) url(change func(*request)) string {
	o.Columns = slices.Clone(o.Columns)
	if change != nil {
		change(&o)
	}
	q := url.Values{}
	set := func(name, value, usual string) {
		if value != usual {
			q.Set(name, value)
		}
	}
	set("q", o.Query, "")
	set("range", o.Range, "15m")
	if o.Range == absolute {
		q.Set("from", strconv.FormatInt(o.From.UnixMilli(), 10))
		q.Set("to", strconv.FormatInt(o.To.UnixMilli(), 10))
	}
	set("cols", strings.Join(o.Columns, ","), "")
	set("target", strconv.Itoa(o.Target), "0")
	if o.Oldest {
		q.Set("order", "asc")
	}
	if o.After != "" {
		q.Set("after", o.After)
		q.Set("page", strconv.Itoa(o.Number))
	}
	set("refresh", strconv.Itoa(o.Refresh), "0")
	if len(q) == 0 {
		return Prefix + "search"
	}
	return Prefix + "search?" + q.Encode()
}

// object and list are JSON in a request.
type (
	object map[string]any
	list   []any
)

// body is the request to Elasticsearch.
func (o request) body(interval step) ([]byte, error) {
	query := object{"match_all": object{}}
	if o.Query != "" {
		query = object{"query_string": object{"query": o.Query}}
	}
	direction := "desc"
	if o.Oldest {
		direction = "asc"
	}
	from, to := o.From.UnixMilli(), o.To.UnixMilli()
	b := object{
		"size": pageSize, "track_total_hits": true, "timeout": clusterTimeout,
		"query": object{"bool": object{
			"must":   list{query},
			"filter": list{object{"range": object{"@timestamp": object{"gte": from, "lt": to, "format": "epoch_millis"}}}},
		}},
		"sort": list{
			object{"@timestamp": object{"order": direction, "unmapped_type": "date"}},
			object{"_doc": object{"order": direction}},
		},
		"aggs": object{"over_time": object{"date_histogram": object{
			"field": "@timestamp", "fixed_interval": interval.Name, "min_doc_count": 1,
		}}},
	}
	if o.After != "" {
		var after []any
		if err := unmarshal([]byte(o.After), &after); err != nil || len(o.After) > maxAfter || len(after) != 2 {
			return nil, errors.New("the address of this page is damaged: its parameter after is not what a search returned")
		}
		b["search_after"] = after
	}
	return json.Marshal(b)
}

// answer is what is read of Elasticsearch's answer.
type answer struct {
	Took     int64 `json:"took"`
	TimedOut bool  `json:"timed_out"`
	Shards   struct {
		Failed   int            `json:"failed"`
		Failures []shardFailure `json:"failures"`
	} `json:"_shards"`
	Hits struct {
		Total struct {
			Value    int64  `json:"value"`
			Relation string `json:"relation"`
		} `json:"total"`
		Hits []rawHit `json:"hits"`
	} `json:"hits"`
	Aggregations struct {
		OverTime struct {
			Buckets []bucket `json:"buckets"`
		} `json:"over_time"`
	} `json:"aggregations"`
	Error json.RawMessage `json:"error"`
}

type shardFailure struct {
	Index  string `json:"index"`
	Reason reason `json:"reason"`
}

type reason struct {
	Type     string   `json:"type"`
	Reason   string   `json:"reason"`
	Root     []reason `json:"root_cause"`
	CausedBy *reason  `json:"caused_by"`
}

type rawHit struct {
	Index  string          `json:"_index"`
	ID     string          `json:"_id"`
	Source json.RawMessage `json:"_source"`
	Sort   json.RawMessage `json:"sort"`
}

type bucket struct {
	Key   int64 `json:"key"`
	Count int64 `json:"doc_count"`
}

// errBusy tells that too many searches run.
var errBusy = errors.New("too many searches are running; try again in a moment")

// ask runs a search.
func (p *Page) ask(ctx context.Context, t Target, body []byte) (*answer, error) {
	release, ok := acquire(ctx, p.searches, searchPatience)
	if !ok {
		return nil, errBusy
	}
	defer release()
	ctx, cancel := context.WithTimeout(ctx, searchTimeout)
	defer cancel()
	status, text, err := t.Searcher.Search(ctx, t.Index, body)
	if err != nil {
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return nil, fmt.Errorf("no answer came within %s; narrow the range of time or the query", took(searchTimeout))
		}
		return nil, err
	}
	if len(text) > maxAnswer {
		return nil, fmt.Errorf("the answer is larger than %s; narrow the query", size(maxAnswer))
	}
	var a answer
	if err := json.Unmarshal(text, &a); err != nil {
		return nil, fmt.Errorf("status %d with an answer that is not Elasticsearch's", status)
	}
	if status != http.StatusOK || len(a.Error) > 0 {
		return nil, fmt.Errorf("status %d: %s", status, explained(a.Error))
	}
	return &a, nil
}

// explained finds the sentence that says why a search was refused.
func explained(text json.RawMessage) string {
	var r reason
	if json.Unmarshal(text, &r) != nil {
		var s string
		if json.Unmarshal(text, &s) == nil && s != "" {
			return short(s, 500)
		}
		return "no reason was given"
	}
	return r.deepest()
}

func (r reason) deepest() string {
	best := r
	for c := r.CausedBy; c != nil; c = c.CausedBy {
		best = *c
	}
	if r.CausedBy == nil && len(r.Root) > 0 {
		best = r.Root[0]
	}
	if best.Reason == "" {
		best = r
	}
	return short(strings.TrimSpace(best.Type+": "+best.Reason), 500)
}

package page

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"
)

// searchView is what the template of the search page gets.
type searchView struct {
	request
	FromText, ToText string // of the inputs
	Spans            []span
	Targets          []Target
	Chosen           Target
	Error            string
	Warning          string

	Total          int64
	AtLeast        bool
	Took           time.Duration
	Histogram      histogram
	Hits           []hit
	First, Last    int64 // numbers of the hits shown
	Fields         []fieldInfo
	Heads          []head
	Grid           string // class of the grid of the hits
	Newest, Older  string // addresses; "" if there is none
	Reverse, Reset string
	ColumnsText    string
	Poll           string // address of the part that changes; "" if it is not refreshed
}

// head is the head of a column.
type head struct{ Name, Remove string }

func (p *Page) serveSearch(w http.ResponseWriter, r *http.Request) {
	l := &layout{Title: "Search", Tab: "search"}
	targets := p.targets()
	v := searchView{Spans: spans(), Targets: targets}
	loc := location(r)
	var err error
	v.request, err = readRequest(r.URL.Query(), time.Now(), loc, len(targets))
	// The inputs have whole seconds: the range of the next search is not smaller than that of this one.
	v.FromText, v.ToText = v.From.In(loc).Format(inputForm), v.To.Add(time.Second-time.Millisecond).In(loc).Format(inputForm)
	v.ColumnsText = strings.Join(v.Columns, ",")
	v.Reset = v.url(func(n *request) { n.Query, n.After, n.Columns = "", "", nil })
	code := http.StatusOK
	if may := p.options.MaySee; may != nil && err == nil {
		if ok, why := may(r); !ok {
			err, code = errors.New(why), http.StatusForbidden
		}
	}
	if len(targets) > 0 {
		v.Chosen = targets[v.Target]
		if err == nil {
			err = p.search(r, &v, loc)
		}
	}
	if err != nil {
		v.Error = visible(err.Error())
		if code == http.StatusOK {
			code = http.StatusBadRequest
		}
	}
	if v.Refresh > 0 {
		v.Poll = v.url(nil) + "&fragment"
	}
	p.render(w, r, code, "search", l, &v)
}

// search asks for the hits and prepares what is shown of them.
func (p *Page) search(r *http.Request, v *searchView, loc *time.Location) error {
	s := stepFor(v.To.Sub(v.From))
	body, err := v.body(s)
	if err != nil {
		return err
	}
	a, err := p.ask(r.Context(), v.Chosen, body)
	if err != nil {
		return err
	}
	v.Total, v.AtLeast, v.Took = a.Hits.Total.Value, a.Hits.Total.Relation == "gte", time.Duration(a.Took)*time.Millisecond
	switch {
	case a.TimedOut:
		v.Warning = "The search took too long; these are the hits found within " + clusterTimeout + "."
	case a.Shards.Failed > 0 && len(a.Shards.Failures) > 0:
		f := a.Shards.Failures[0]
		v.Warning = visible("Parts of the index did not answer: " + short(f.Index, 100) + ": " + f.Reason.deepest())
	case a.Shards.Failed > 0:
		v.Warning = "Parts of the index did not answer."
	}
	v.Histogram = newHistogram(v.request, s, a.Aggregations.OverTime.Buckets, loc)
	for _, raw := range a.Hits.Hits {
		v.Hits = append(v.Hits, newHit(raw, v.Columns))
	}
	v.Fields = fieldList(v.request, v.Hits)
	v.paging(a)
	v.Grid = "c0"
	if n := len(v.Columns); n > 0 {
		v.Grid = "c" + string(rune('0'+n))
	}
	for _, c := range v.Columns {
		v.Heads = append(v.Heads, head{visible(c), v.url(func(n *request) {
			n.Columns = slices.DeleteFunc(n.Columns, func(x string) bool { return x == c })
		})})
	}
	return nil
}

// paging sets the addresses of the pages before and behind this one.
func (v *searchView) paging(a *answer) {
	v.First = int64(v.Number-1)*pageSize + 1
	v.Last = v.First + int64(len(v.Hits)) - 1
	if n := len(a.Hits.Hits); n == pageSize && v.Last < v.Total {
		if last := a.Hits.Hits[n-1].Sort; len(last) > 0 && len(last) <= maxAfter {
			v.Older = v.url(func(o *request) { o.After, o.Number, o.Refresh = string(last), o.Number+1, 0 })
		}
	}
	if v.After != "" {
		v.Newest = v.url(func(o *request) { o.After, o.Number = "", 1 })
	}
	v.Reverse = v.url(func(o *request) { o.After, o.Oldest = "", !o.Oldest })
}

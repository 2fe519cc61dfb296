package elasticsearch

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"millrace/internal/esclient"
	"millrace/pipeline/event"
)

// page is an answer with documents.
type page struct {
	ScrollID string `json:"_scroll_id"`
	PIT      string `json:"pit_id"`
	Shards   struct {
		Failed   int             `json:"failed"`
		Failures json.RawMessage `json:"failures"`
	} `json:"_shards"`
	Hits struct {
		Hits []json.RawMessage `json:"hits"`
	} `json:"hits"`
	Aggregations json.RawMessage `json:"aggregations"`
}

// ask sends a request whose answer is a page.
func (r *run) ask(ctx context.Context, path string, body any) (*page, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	answer, err := r.in.client.Ask(ctx, http.MethodPost, path, string(text))
	if err != nil {
		return nil, err
	}
	p := new(page)
	if err := json.Unmarshal([]byte(answer), p); err != nil {
		return nil, fmt.Errorf("reading the answer to a search: %w", err)
	}
	if p.Shards.Failed > 0 && r.in.cursor != nil { // the next run would begin behind their documents
		return nil, fmt.Errorf("%d shards failed: %s", p.Shards.Failed, p.Shards.Failures)
	}
	if p.Shards.Failed > 0 {
		r.in.env.Log.Warn("some shards failed: their documents are missing", slog.Int("shards", p.Shards.Failed), slog.String("failures", string(p.Shards.Failures)))
	}
	return p, nil
}

// pages reads all documents, in slices side by side if there are some.
func (r *run) pages(ctx context.Context) (err error) {
	read := r.scrollSlice
	if r.in.api == "search_after" {
		var pit string
		if pit, err = r.openPIT(ctx); err != nil {
			return err
		}
		defer func() { r.forget(ctx, "/_pit", map[string]string{"id": pit}) }()
		read = func(ctx context.Context, slice int) error { return r.searchAfter(ctx, pit, slice) }
	}
	if r.in.o.Slices == nil || *r.in.o.Slices == 1 {
		return read(ctx, -1)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	var once sync.Once
	for slice := range *r.in.o.Slices {
		wg.Go(func() {
			if e := read(ctx, slice); e != nil {
				once.Do(func() { err = fmt.Errorf("slice %d: %w", slice, e) })
				cancel()
			}
		})
	}
	wg.Wait()
	return err
}

// request is the body of a search for one slice, -1 for all.
func (r *run) request(slice int) map[string]any {
	body := make(map[string]any, len(r.body)+4)
	for k, v := range r.body {
		body[k] = v
	}
	if slice >= 0 {
		body["slice"] = map[string]int{"id": slice, "max": *r.in.o.Slices}
	}
	return body
}

// take makes events of a page and looks at the tracking field of its last document.
func (r *run) take(ctx context.Context, p *page) error {
	hits := p.Hits.Hits
	if r.in.cursor != nil && len(hits) > 0 {
		e := event.New(nil)
		if r.in.fill(e, string(hits[len(hits)-1])) {
			if v, ok := e.Get(&r.in.o.TrackingField); ok && !v.IsNull() {
				r.in.cursor.see(v.Text())
			}
		}
	}
	return r.push(ctx, hits)
}

func (r *run) openPIT(ctx context.Context) (id string, err error) {
	err = r.in.retry(ctx, "opening a point in time", func() error {
		answer, err := r.in.client.Ask(ctx, http.MethodPost, "/"+esclient.EscapeIndex(r.in.o.Index)+"/_pit?keep_alive="+r.in.o.Scroll, "")
		if err != nil {
			return err
		}
		var pit struct {
			ID string `json:"id"`
		}
		if err := json.Unmarshal([]byte(answer), &pit); err != nil || pit.ID == "" {
			return fmt.Errorf("opening a point in time: the answer holds no id")
		}
		id = pit.ID
		return nil
	})
	return id, err
}

// searchAfter reads a slice page by page. A page that failed is asked for again: that neither repeats nor leaves out a document.
func (r *run) searchAfter(ctx context.Context, pit string, slice int) error {
	var after json.RawMessage
	for {
		body := r.request(slice)
		body["pit"] = map[string]string{"id": pit, "keep_alive": r.in.o.Scroll}
		if _, ok := body["sort"]; !ok {
			body["sort"] = map[string]string{"_shard_doc": "asc"}
		}
		if after != nil {
			body["search_after"] = after
		}
		var p *page
		err := r.in.retry(ctx, "searching", func() (err error) {
			p, err = r.ask(ctx, "/_search?size="+strconv.Itoa(r.in.o.Size), body)
			return err
		})
		if err != nil {
			return err
		}
		n := len(p.Hits.Hits)
		if n == 0 {
			return nil
		}
		if err := r.take(ctx, p); err != nil {
			return err
		}
		var last struct {
			Sort json.RawMessage `json:"sort"`
		}
		if err := json.Unmarshal(p.Hits.Hits[n-1], &last); err != nil || last.Sort == nil {
			return fmt.Errorf("the last document of a page tells no values of its sort order, so that there is no next page")
		}
		after = last.Sort
		if p.PIT != "" {
			pit = p.PIT
		}
	}
}

// scrollSlice reads a slice by scroll. Where a request fails it begins anew, as in Logstash: the cluster has gone on to the next page by then, and
// documents that come again are better than documents that do not come.
func (r *run) scrollSlice(ctx context.Context, slice int) error {
	return r.in.retry(ctx, "reading by scroll", func() (err error) {
		var id string
		defer func() {
			if id != "" {
				r.forget(ctx, "/_search/scroll", map[string]string{"scroll_id": id})
			}
		}()
		q := url.Values{"scroll": {r.in.o.Scroll}, "size": {strconv.Itoa(r.in.o.Size)}}
		p, err := r.ask(ctx, "/"+esclient.EscapeIndex(r.in.o.Index)+"/_search?"+q.Encode(), r.request(slice))
		for err == nil {
			if p.ScrollID != "" {
				id = p.ScrollID
			}
			if err = r.take(ctx, p); err != nil || len(p.Hits.Hits) == 0 || p.ScrollID == "" {
				return err
			}
			p, err = r.ask(ctx, "/_search/scroll", map[string]string{"scroll": r.in.o.Scroll, "scroll_id": id})
		}
		return err
	})
}

// forgetTime bounds how long freeing what the cluster keeps may hold up the end.
const forgetTime = 5 * time.Second

// forget frees what the cluster keeps for a search, also if ctx ended. It would end by itself later.
func (r *run) forget(ctx context.Context, path string, body map[string]string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), forgetTime)
	defer cancel()
	text, _ := json.Marshal(body) // texts can be marshalled
	if _, err := r.in.client.Ask(ctx, http.MethodDelete, path, string(text)); err != nil {
		r.in.env.Log.Warn("the cluster could not be told that a search has ended", slog.Any("error", err))
	}
}

// aggregations makes an event of what a request aggregates.
func (r *run) aggregations(ctx context.Context) error {
	return r.in.retry(ctx, "aggregating", func() error {
		p, err := r.ask(ctx, "/"+esclient.EscapeIndex(r.in.o.Index)+"/_search?size=0", r.body)
		if err != nil {
			return err
		}
		doc, err := json.Marshal(map[string]json.RawMessage{"_source": p.Aggregations})
		if err != nil {
			return err
		}
		return r.push(ctx, []json.RawMessage{doc})
	})
}

// esql makes an event of every row of an ES|QL query.
func (r *run) esql(ctx context.Context) error {
	var result struct {
		Columns []struct{ Name string }
		Values  [][]json.RawMessage
	}
	err := r.in.retry(ctx, "running ES|QL", func() error {
		text, _ := json.Marshal(map[string]string{"query": r.query}) // a text can be marshalled
		answer, err := r.in.client.Ask(ctx, http.MethodPost, "/_query?format=json&drop_null_columns=true", string(text))
		if err != nil {
			return err
		}
		return json.Unmarshal([]byte(answer), &result)
	})
	if err != nil {
		return err
	}
	names := make([]string, len(result.Columns))
	for i, c := range result.Columns {
		names[i] = c.Name
	}
	paths, multi := columns(names)
	if len(multi) > 0 {
		r.in.env.Log.Warn("fields below others are not in the events; RENAME makes them fields of their own", slog.Any("fields", multi))
	}
	var docs []json.RawMessage
	for _, values := range result.Values {
		docs = append(docs, row(paths, values))
	}
	return r.push(ctx, docs)
}

// columns returns the keys that columns have in an event, a.b standing for [a][b]; nil for those below another column, the names of which are
// returned too: the forms of a text, such as title.keyword.
func columns(names []string) (paths [][]string, multi []string) {
	all := make(map[string]bool, len(names))
	for _, n := range names {
		all[n] = true
	}
	for _, n := range names {
		path := strings.Split(n, ".")
		for i := 1; i < len(path); i++ {
			if all[strings.Join(path[:i], ".")] {
				path, multi = nil, append(multi, n)
				break
			}
		}
		paths = append(paths, path)
	}
	return paths, multi
}

// row returns the document of a row; what is null is not in it.
func row(paths [][]string, values []json.RawMessage) json.RawMessage {
	source := make(map[string]any)
	for i, path := range paths {
		if path == nil || i >= len(values) || string(values[i]) == "null" {
			continue
		}
		at := source
		for _, k := range path[:len(path)-1] {
			next, ok := at[k].(map[string]any)
			if !ok {
				next = make(map[string]any)
				at[k] = next
			}
			at = next
		}
		at[path[len(path)-1]] = values[i]
	}
	doc, err := json.Marshal(map[string]any{"_source": source})
	if err != nil {
		panic("BUG: " + err.Error()) // all values were read as JSON
	}
	return doc
}

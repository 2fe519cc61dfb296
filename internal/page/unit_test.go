package page

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/internal/page/pagetest"
	"millrace/pipeline/monitor"
)

func demoTime() time.Time { return time.Now() }

func fetch(t testing.TB, url string) string {
	t.Helper()
	res, err := http.Get(url)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return string(body)
}

func TestFormats(t *testing.T) {
	f := func(got, want string) {
		t.Helper()
		require.Equal(t, want, got)
	}
	f(count(0), "0")
	f(count(999), "999")
	f(count(-1234567), "-1,234,567")
	f(size(1023), "1023 B")
	f(size(1536), "1.5 KiB")
	f(size(int64(3)<<40), "3 TiB")
	f(rate(0), "0")
	f(rate(0.001), "<0.01")
	f(rate(1.234), "1.23")
	f(rate(1843.4), "1,843")
	f(rate(43210), "43.2k")
	f(rate(5e6), "5M")
	f(percent(0), "0 %")
	f(percent(0.00001), "<0.1 %")
	f(percent(0.021), "2.1 %")
	f(percent(0.5), "50 %")
	f(took(12), "12 ns")
	f(took(1500), "1.5 µs")
	f(took(25*time.Millisecond), "25 ms")
	f(took(90*time.Second), "1 min 30 s")
	f(duration(25*time.Hour), "1 d 1 h")
	f(visible("plain\ttext\n"), "plain\ttext\n")
	f(visible("a\x00b\x1b\x7f"), "a␀b␛␡")
	f(visible("a\u202Eb\uFEFF\u200B"), "a⟨U+202E⟩b⟨U+FEFF⟩⟨U+200B⟩")
	f(visible("\xff\xc3 é 👨‍👩‍👧"), "\uFFFD\uFFFD é 👨‍👩‍👧")
	f(short("añb", 2), "a…")
}

func TestReadRequest(t *testing.T) {
	now := time.Date(2026, 3, 29, 12, 0, 0, 0, time.UTC)
	oslo, err := time.LoadLocation("Europe/Oslo")
	require.NoError(t, err)
	f := func(query string, from, to time.Time, wantErr string) request {
		t.Helper()
		q, err := url.ParseQuery(query)
		require.NoError(t, err)
		o, err := readRequest(q, now, oslo, 2)
		if wantErr != "" {
			require.ErrorContains(t, err, wantErr)
		} else {
			require.NoError(t, err)
		}
		require.Equal(t, from.UnixMilli(), o.From.UnixMilli())
		require.Equal(t, to.UnixMilli(), o.To.UnixMilli())
		return o
	}
	quarter := now.Add(-15 * time.Minute)
	f("", quarter, now, "")
	f("range=7d", now.Add(-7*24*time.Hour), now, "")
	f("range=8d", quarter, now, "no range of time")
	f("range=absolute&from=2026-03-29T13:00:00&to=2026-03-29T13:30", now.Add(-time.Hour), now.Add(-30*time.Minute), "")
	f("range=absolute&from=1774785600000&to=1774785600000", quarter, now, "ends before it begins")
	f("range=absolute&from=2026-03-29T10:00:00Z", now.Add(-2*time.Hour), now, "")
	f("range=absolute&from=x&to=y", quarter, now, `"x" is no time`)
	f("q="+strings.Repeat("a", maxQuery+1), quarter, now, "longer than")
	o := f("q=+a+&cols=a,b,,a,"+strings.Repeat("x,", 3)+"c&target=7&page=3&order=asc&refresh=2", quarter, now, "")
	require.Equal(t, request{Query: "a", Range: "15m", From: o.From, To: o.To, Columns: []string{"a", "b", "x", "c"}, Number: 1, Oldest: true, Refresh: 2}, o)
	require.Equal(t, Prefix+"search?cols=a%2Cb%2Cx%2Cc&order=asc&q=a&refresh=2", o.url(nil))
}

func TestSearchBody(t *testing.T) {
	now := time.UnixMilli(1_700_000_000_000)
	o := request{Query: `a AND "b`, From: now.Add(-time.Hour), To: now, After: `[1699999999999,18446744073709551615]`}
	body, err := o.body(stepFor(time.Hour))
	require.NoError(t, err)
	require.JSONEq(t, `{"size":50,"track_total_hits":true,"timeout":"10s",
		"query":{"bool":{"must":[{"query_string":{"query":"a AND \"b"}}],"filter":[{"range":{"@timestamp":{"gte":1699996400000,"lt":1700000000000,"format":"epoch_millis"}}}]}},
		"sort":[{"@timestamp":{"order":"desc","unmapped_type":"date"}},{"_doc":{"order":"desc"}}],
		"search_after":[1699999999999,18446744073709551615],
		"aggs":{"over_time":{"date_histogram":{"field":"@timestamp","fixed_interval":"1m","min_doc_count":1}}}}`, string(body))
	require.Contains(t, string(body), "18446744073709551615", "a number of the sort loses no digit")
	for _, after := range []string{"x", "[1]", "[1,2,3]", `{"a":1}`, "[" + strings.Repeat(" ", maxAfter) + "1,2]"} {
		o.After = after
		_, err := o.body(stepFor(time.Hour))
		require.ErrorContains(t, err, "after", after)
	}
}

func TestStepsAndTicks(t *testing.T) {
	for _, length := range []time.Duration{time.Second, time.Minute, 15 * time.Minute, time.Hour, 24 * time.Hour, 7 * 24 * time.Hour, 365 * 24 * time.Hour} {
		s := stepFor(length)
		require.LessOrEqual(t, length, mostBars*s.Length, length)
		require.True(t, s.Length == time.Second || length > 10*s.Length, length)
		from := time.Date(2026, 3, 28, 22, 13, 7, 0, time.UTC)
		marks := ticks(from, from.Add(length), time.UTC, chartWidth/float64(max(1, length.Milliseconds())))
		require.LessOrEqual(t, len(marks), 8, length)
		for _, m := range marks {
			require.Greater(t, m.Percent(), 0.0)
			require.Less(t, m.Percent(), 100.0)
		}
	}
	require.Equal(t, 1.0, niceAbove(0.3))
	require.Equal(t, 3.0, niceAbove(2.4))
	require.Equal(t, 150.0, niceAbove(101))
}

func TestHistogramEdges(t *testing.T) {
	from := time.UnixMilli(1_000_500)
	o := request{Range: absolute, From: from, To: from.Add(time.Minute)}
	s := step{"10s", 10 * time.Second}
	h := newHistogram(o, s, []bucket{{1_000_000, 3}, {1_010_000, 10}, {1_060_000, 1}, {2_000_000, 99}}, time.UTC)
	require.EqualValues(t, 113, h.Total)
	require.Len(t, h.Bars, 3, "what lies outside of the range is no bar")
	require.Equal(t, int64(1_000_500), h.Bars[0].From, "a bar at the edge covers what was searched")
	require.Equal(t, int64(1_060_500), h.Bars[2].To)
	require.Equal(t, 0.0, h.Bars[0].X)
	require.Contains(t, h.Bars[1].URL, "from=1010000")
	require.Contains(t, h.Bars[1].URL, "to=1020000")
}

func TestNewHit(t *testing.T) {
	source := `{"@timestamp":"2026-01-01T00:00:00.5Z","message":"a\nb","n":12345678901234567890,"f":1.50,"b":true,"z":null,"o":{"p":{"q":"x"},"e":{}},"l":[1,"a",{"k":1}]}`
	h := newHit(rawHit{ID: "i", Index: "x", Source: json.RawMessage(source)}, nil)
	var got []string
	for _, f := range h.Fields {
		got = append(got, f.Name+"="+f.Value+" "+f.Kind)
	}
	require.Equal(t, []string{
		"@timestamp=2026-01-01T00:00:00.5Z text", "b=true bool", "f=1.50 number", `l=1, a, {"k":1} list`, "message=a\nb text", "n=12345678901234567890 number",
		"o.e={} object", "o.p.q=x text", "z=null null",
	}, got)
	require.Equal(t, "message", h.Summary[0].Name)
	require.Equal(t, "a b", h.Summary[0].Value)
	require.Equal(t, 500*time.Millisecond, time.Duration(h.Time.Nanosecond()))

	h = newHit(rawHit{Source: json.RawMessage(source)}, []string{"o.p.q", "none"})
	require.Equal(t, []string{"x", ""}, h.Cells)
	require.Empty(t, h.Summary)

	deep := strings.Repeat(`{"a":`, 300) + "1" + strings.Repeat("}", 300)
	require.Len(t, newHit(rawHit{Source: json.RawMessage(deep)}, nil).Fields, 1)
	require.Equal(t, "_source", newHit(rawHit{Source: json.RawMessage(`[1`)}, nil).Fields[0].Name)

	wide := make(map[string]string)
	for i := range 1000 {
		wide[fmt.Sprintf("f%04d", i)] = strings.Repeat("x", 1000)
	}
	doc, err := json.Marshal(wide)
	require.NoError(t, err)
	h = newHit(rawHit{Source: doc}, nil)
	require.Equal(t, 66, len(h.Fields))
	require.Equal(t, "934 more fields", h.More)
}

func TestTerms(t *testing.T) {
	f := func(query, name, value, kind, want string) {
		t.Helper()
		require.Equal(t, want, and(query, term(name, value, kind)))
	}
	f("", "a.b", "x y", "text", `a.b:"x y"`)
	f("", "@timestamp", `say "hi" \n`, "text", `@timestamp:"say \"hi\" \\n"`)
	f("", "a b", "-1.5", "number", `a\ b:\-1.5`)
	f("x", "a", "true", "bool", `x AND a:true`)
	f("x OR y", "a", "1", "number", `(x OR y) AND a:1`)
	f("x y", "a", "1", "number", `(x y) AND a:1`)
	f("x AND y", "a", "1", "number", `x AND y AND a:1`)
}

// searcher is a Searcher made of a function.
type searcher func(ctx context.Context, body []byte) (int, []byte, error)

func (s searcher) Search(ctx context.Context, _ string, body []byte) (int, []byte, error) {
	return s(ctx, body)
}

func TestSearchTellsWhatWentWrong(t *testing.T) {
	f := func(status int, answer string, err error, want string) {
		t.Helper()
		p := New(Options{Targets: func() []Target {
			return []Target{{Index: "x", Searcher: searcher(func(context.Context, []byte) (int, []byte, error) { return status, []byte(answer), err })}}
		}})
		body := get(t, p, "/ui/search").Body.String()
		require.Contains(t, body, want)
	}
	f(400, `{"error":{"root_cause":[{"type":"query_shard_exception","reason":"Failed to parse query [a:]"}],"type":"search_phase_execution_exception","reason":"all shards failed"}}`,
		nil, "query_shard_exception: Failed to parse query [a:]")
	f(400, `{"error":{"type":"a","reason":"b","caused_by":{"type":"c","reason":"d","caused_by":{"type":"e","reason":"f"}}}}`, nil, "status 400: e: f")
	f(401, `{"error":"no permission"}`, nil, "status 401: no permission")
	f(503, `{}`, nil, "no reason was given")
	f(502, `<html>`, nil, "not Elasticsearch")
	f(0, ``, errors.New("dial tcp: refused"), "dial tcp: refused")
	f(200, `{"timed_out":true,"hits":{"total":{"value":1,"relation":"gte"},"hits":[]}}`, nil, "took too long")
	f(200, `{"_shards":{"failed":1,"failures":[{"index":"logs-a","reason":{"type":"t","reason":"r"}}]}}`, nil, "logs-a: t: r")
	f(200, `{"_shards":{"failed":1}}`, nil, "Parts of the index did not answer")
}

func TestSearchesAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		running, most := 0, 0
		lock := make(chan struct{}, 1)
		slow := searcher(func(ctx context.Context, _ []byte) (int, []byte, error) {
			lock <- struct{}{}
			running++
			most = max(most, running)
			<-lock
			<-ctx.Done()
			lock <- struct{}{}
			running--
			<-lock
			return 0, nil, ctx.Err()
		})
		p := New(Options{Targets: func() []Target { return []Target{{Index: "x", Searcher: slow}} }})
		results := make(chan string, 3*maxSearches)
		start := time.Now()
		for range cap(results) {
			go func() { results <- get(t, p, "/ui/search").Body.String() }()
		}
		busy, late := 0, 0
		for range cap(results) {
			body := <-results
			switch {
			case strings.Contains(body, errBusy.Error()):
				busy++
			case strings.Contains(body, "no answer came within 15 s"):
				late++
			}
		}
		require.Equal(t, maxSearches, most)
		require.Equal(t, maxSearches, late)
		require.Equal(t, 2*maxSearches, busy)
		require.Equal(t, searchTimeout, time.Since(start))
	})
}

func TestWhoMaySeeEvents(t *testing.T) {
	p := New(Options{
		Targets: func() []Target { return []Target{{Index: "x", Searcher: demoEvents(10, time.Now())}} },
		MaySee:  func(r *http.Request) (bool, string) { return r.Header.Get("Let") != "", "events are shown to <nobody>" },
	})
	w := get(t, p, "/ui/search")
	require.Equal(t, http.StatusForbidden, w.Code)
	require.Contains(t, w.Body.String(), "events are shown to &lt;nobody&gt;")
	require.NotContains(t, w.Body.String(), "container.name")
	r := httptest.NewRequest(http.MethodGet, "/ui/search?range=24h", nil)
	r.Header.Set("Let", "1")
	w = httptest.NewRecorder()
	p.ServeHTTP(w, r)
	require.Contains(t, w.Body.String(), "container.name")
}

func TestSafety(t *testing.T) {
	p := New(Options{})
	ask := func(method, host string, local net.Addr, header map[string]string, form string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, "/ui/grok", strings.NewReader(form))
		r.Host = host
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for k, v := range header {
			r.Header.Set(k, v)
		}
		if local != nil {
			r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, local))
		}
		w := httptest.NewRecorder()
		p.ServeHTTP(w, r)
		return w
	}
	loopback, lan := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9600}, &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 9600}
	f := func(code int, method, host string, local net.Addr, header map[string]string) {
		t.Helper()
		w := ask(method, host, local, header, "pattern=a&lines=a")
		require.Equal(t, code, w.Code)
		require.Equal(t, policy, w.Header().Get("Content-Security-Policy"))
		require.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"))
		require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
	}
	// A name of somebody else's that stands for this machine is not served.
	f(200, "GET", "127.0.0.1:9600", loopback, nil)
	f(200, "GET", "[::1]:9600", loopback, nil)
	f(200, "GET", "localhost:9600", loopback, nil)
	f(200, "GET", "LOCALHOST", loopback, nil)
	f(421, "GET", "evil.example:9600", loopback, nil)
	f(421, "GET", "localhost.evil.example", loopback, nil)
	f(200, "GET", "logs.example", lan, nil)
	// A form of another site is not taken.
	f(200, "POST", "localhost:9600", loopback, map[string]string{"Origin": "http://localhost:9600", "Sec-Fetch-Site": "same-origin"})
	f(403, "POST", "localhost:9600", loopback, map[string]string{"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"})
	f(403, "POST", "localhost:9600", loopback, map[string]string{"Origin": "http://evil.example"})
	f(403, "POST", "localhost:9600", loopback, map[string]string{"Sec-Fetch-Site": "same-site"})
	// Nothing is written.
	for _, method := range []string{"PUT", "DELETE", "PATCH"} {
		f(404, method, "localhost", loopback, nil)
	}
	w := httptest.NewRecorder()
	p.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/ui/search", nil))
	require.Equal(t, http.StatusNotFound, w.Code)
}

func post(t *testing.T, p *Page, form url.Values) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/ui/grok", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	return w
}

func TestGrokLimits(t *testing.T) {
	p := New(Options{})
	f := func(form url.Values, code int, want ...string) {
		t.Helper()
		start := time.Now()
		w := post(t, p, form)
		require.Equal(t, code, w.Code)
		for _, s := range want {
			require.Contains(t, w.Body.String(), s)
		}
		require.Less(t, time.Since(start), 30*time.Second)
	}
	f(url.Values{"pattern": {strings.Repeat("a", maxPattern+1)}}, 413, "may have 8 KiB")
	f(url.Values{"pattern": {"a"}, "definitions": {strings.Repeat("a", maxDefinitions+1)}}, 413, "may have")
	f(url.Values{"pattern": {"a"}, "lines": {strings.Repeat("a", maxForm)}}, 413, "larger than 128 KiB")
	f(url.Values{"pattern": {"b"}, "lines": {strings.Repeat("a\n", maxLines+10)}}, 200, "The other 10 lines were not tried", "0 of 50 lines matched")
	f(url.Values{"pattern": {"(a|b|ab)*(?=.*c)(a+)+(\\1|b)*d"}, "lines": {strings.Repeat(strings.Repeat("ab", 4000)+"\n", 12)}}, 200)
	f(url.Values{"pattern": {"%{A}"}, "definitions": {"A %{B}\nB %{A}"}}, 200, "alert bad")
	f(url.Values{"pattern": {"("}}, 200, "alert bad", "<mark>")
	f(url.Values{"pattern": {"%{COMMONAPACHELOG}"}, "ecs": {"disabled"}, "lines": {`a - - [10/Oct/2023:13:55:36 +0000] "GET / HTTP/1.0" 200 5`}}, 200, `<th scope="row">clientip</th>`)
	f(url.Values{"pattern": {"%{WORD}"}, "all": {"on"}, "lines": {"abc"}}, 200, `<th scope="row">WORD</th>`)
	f(url.Values{"pattern": {"a"}, "filter": {"99"}, "lines": {"a"}}, 200, "1 of 1 line matched")
}

func TestGrokUsesTheRunningDefinitions(t *testing.T) {
	d := newDemo(t, new(pagetest.Elasticsearch), nil)
	res, err := http.PostForm(d.URL+"/ui/grok", url.Values{"pattern": {"^%{ORDER:order}$"}, "lines": {"AB-123456"}, "filter": {"1"}})
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.Contains(t, string(body), `<th scope="row">order</th><td>AB-123456`)
	require.Contains(t, fetch(t, d.URL+"/ui/grok?filter=2"), `%{DATA:a} %{DATA:b} %{GREEDYDATA:rest}</textarea>`)
}

func TestCompressionAndCaching(t *testing.T) {
	p := New(Options{})
	r := httptest.NewRequest(http.MethodGet, assetURL("page.css"), nil)
	r.Header.Set("Accept-Encoding", "gzip")
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	require.Equal(t, "gzip", w.Header().Get("Content-Encoding"))
	require.Contains(t, w.Header().Get("Cache-Control"), "immutable")
	z, err := gzip.NewReader(bytes.NewReader(w.Body.Bytes()))
	require.NoError(t, err)
	text, err := io.ReadAll(z)
	require.NoError(t, err)
	require.Equal(t, assets()["page.css"].body, text)

	r = httptest.NewRequest(http.MethodGet, Prefix+"assets/page.css", nil)
	r.Header.Set("If-None-Match", w.Header().Get("ETag"))
	w = httptest.NewRecorder()
	p.ServeHTTP(w, r)
	require.Equal(t, http.StatusNotModified, w.Code)
	require.Equal(t, "no-cache", w.Header().Get("Cache-Control"))
}

func TestTimeZone(t *testing.T) {
	f := func(cookie, want string) {
		t.Helper()
		r := httptest.NewRequest(http.MethodGet, "/ui/search", nil)
		if cookie != "" {
			r.AddCookie(&http.Cookie{Name: zoneCookie, Value: cookie})
		}
		require.Equal(t, want, location(r).String())
	}
	f("", "UTC")
	f("Europe/Oslo", "Europe/Oslo")
	f("../../etc/passwd", "UTC")
	f("Local", "UTC")
	f(strings.Repeat("x", 100), "UTC")
}

// The policy allows neither scripts nor styles in a page; this finds them before a browser does.
func TestNothingInline(t *testing.T) {
	d := newDemo(t, demoEvents(50, time.Now()), nil)
	for _, path := range everyPage() {
		body := fetch(t, d.URL+path)
		for _, bad := range []string{" style=", "<style", " onclick=", " onload=", "javascript:", "<script>", "http://www", "https://"} {
			text := strings.ReplaceAll(body, "https://&lt;hidden&gt;@es-1", "")
			text = strings.ReplaceAll(text, "https://es-2", "")
			require.False(t, strings.Contains(text, bad), "%s holds %s", path, bad)
		}
		require.Equal(t, 1, strings.Count(body, "<script"), path)
		for _, bad := range []string{"ZgotmplZ", "%!(", "%!s", "%!d"} {
			require.False(t, strings.Contains(body, bad), "%s holds %s", path, bad)
		}
	}
}

// What an address holds is shown as text in which nothing hides, before any script has run: the browser tests see the pages after.
func TestAddressesHideNothing(t *testing.T) {
	d := newDemo(t, demoEvents(1, time.Now()), nil)
	markup := regexp.MustCompile(`(?s)<textarea.*?</textarea>|<[^>]*>`) // the fields of forms hold what was typed
	hidden := regexp.MustCompile("[\u202a-\u202e\u2066-\u2069\x00-\x08]")
	for _, s := range hostile() {
		q := url.Values{}
		for _, name := range []string{"cols", "q", "target", "from", "to", "after", "range", "at", "if", "sample", "pipeline"} {
			q.Set(name, s)
		}
		for _, path := range []string{"/ui/search", "/ui/live", "/ui/pipeline", "/ui/config", "/ui/grok", "/ui/grok/patterns"} {
			text := markup.ReplaceAllString(fetch(t, d.URL+path+"?"+q.Encode()), "")
			require.Empty(t, hidden.FindAllString(text, -1), "%s with %q", path, s)
		}
	}
}

func TestPipelineWithoutFilesOrFigures(t *testing.T) {
	s := demoSnapshot(t)
	s.Files = nil
	p := New(Options{Pipelines: func() []monitor.Snapshot { return []monitor.Snapshot{s, {ID: "empty"}} }})
	body := get(t, p, "/ui/pipeline").Body.String()
	require.Contains(t, body, "elasticsearch")
	require.Contains(t, body, "nothing was done yet")
	require.NotContains(t, body, "NaN")
	require.NotContains(t, get(t, p, "/ui/pipeline?fragment").Body.String(), "<html")
}

func BenchmarkPages(b *testing.B) {
	now := time.Now()
	d := newDemo(b, demoEvents(1, now), nil)
	var o Options
	newDemo(b, d.es, func(x *Options) { o = *x })
	// What others do for a page is done once: the time is the page's own.
	snapshot, configs := demoSnapshot(b), o.Configs()
	request, err := readRequest(url.Values{}, now, time.UTC, 1)
	require.NoError(b, err)
	body, err := request.body(stepFor(15 * time.Minute))
	require.NoError(b, err)
	_, answer, err := demoEvents(4000, now).Search(context.Background(), "", body)
	require.NoError(b, err)
	o.Pipelines = func() []monitor.Snapshot { return []monitor.Snapshot{snapshot} }
	o.Configs = func() []Config { return configs }
	o.Targets = func() []Target {
		return []Target{{Index: "x", Searcher: searcher(func(context.Context, []byte) (int, []byte, error) { return 200, answer, nil })}}
	}
	p := New(o)
	for _, path := range []string{"search", "live", "pipeline", "grok", "config", "grok/patterns"} {
		b.Run(strings.ReplaceAll(path, "/", "-"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				w := httptest.NewRecorder()
				r := httptest.NewRequest(http.MethodGet, Prefix+path, nil)
				r.Header.Set("Accept-Encoding", "gzip")
				p.ServeHTTP(w, r)
				b.ReportMetric(float64(w.Body.Len()), "wire-B")
			}
		})
	}
}

package engine

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/internal/store/query"
)

// apache makes documents as the pipeline makes them of access logs: twenty fields, of which a message of some 25 tokens.
type apache struct {
	r      *rand.Rand
	zipf   *rand.Zipf
	ips    []string
	paths  [][]string // the tokens of each
	agents [][]string
	n      int
	start  time.Time
}

func newApache() *apache {
	r := rand.New(rand.NewPCG(1, 2))
	a := &apache{r: r, zipf: rand.NewZipf(r, 1.2, 8, 9999), start: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	for range 1 << 16 {
		a.ips = append(a.ips, fmt.Sprintf("10.%d.%d.%d", r.IntN(4), r.IntN(256), r.IntN(256)))
	}
	for range 10_000 {
		var p []string
		for range 2 + r.IntN(2) {
			w := make([]byte, 3+r.IntN(8))
			for i := range w {
				w[i] = byte('a' + r.IntN(26))
			}
			p = append(p, string(w))
		}
		a.paths = append(a.paths, p)
	}
	a.agents = [][]string{
		{"mozilla", "5.0", "x11", "linux", "x86_64", "applewebkit", "537.36", "khtml", "like", "gecko", "chrome", "120.0", "safari", "537.36"},
		{"mozilla", "5.0", "windows", "nt", "10.0", "win64", "x64", "gecko", "20100101", "firefox", "121.0"},
		{"curl", "8.5.0"},
		{"googlebot", "2.1", "http", "www.google.com", "bot.html"},
	}
	return a
}

// interval is how far apart the documents are in time: 10 million cover some 55 hours.
const interval = 20 * time.Millisecond

func (a *apache) op(op *query.Op, source []byte) []byte {
	ts := a.start.Add(time.Duration(a.n) * interval)
	a.n++
	path := a.paths[a.zipf.Uint64()]
	ip, agent := a.ips[a.r.IntN(len(a.ips))], a.agents[a.r.IntN(len(a.agents))]
	verb, code := "GET", []int64{200, 200, 200, 200, 200, 301, 304, 404, 500}[a.r.IntN(9)]
	if a.r.IntN(10) == 0 {
		verb = "POST"
	}
	size := int64(a.r.IntN(60_000))
	codes, sizes, second := strconv.FormatInt(code, 10), strconv.FormatInt(size, 10), ts.Format("02 jan 2006 15:04:05 0000")
	url, ua := "/", ""
	for _, p := range path {
		url += p + "/"
	}
	for _, t := range agent {
		ua += t + " "
	}
	tokens := make([]string, 0, 40)
	tokens = append(tokens, ip, second[:2], second[3:6], second[7:11], second[12:14], second[15:17], second[18:20], second[21:], verb)
	tokens = append(append(append(tokens, path...), "http", "1.1", codes, sizes, "example.org"), agent...)
	from := len(source)
	source = fmt.Appendf(source, `{"@timestamp":%q,"message":"%s - - [%s] \"%s %s HTTP/1.1\" %d %d \"http://example.org\" \"%s\"","clientip":%q,"verb":%q,"request":%q,"response":%d,"bytes":%d,"agent":%q,"httpversion":"1.1","ident":"-","auth":"-","host":{"name":"web-%02d"},"service":{"name":"shop"},"event":{"dataset":"apache.access"},"tags":["apache"]}`,
		ts.Format("2006-01-02T15:04:05.000Z"), ip, second, verb, url, code, size, ua, ip, verb, url, code, size, ua, a.n%20)
	ms := ts.UnixMilli()
	keyword := func(name, v string) query.Field {
		return query.Field{Name: name, Kind: query.Keyword, Terms: []string{v}}
	}
	*op = query.Op{Kind: query.Create, Fresh: true, IfSeqNo: -1, Doc: query.Doc{
		Index: "logs", ID: fmt.Sprintf("Xk%x", uint64(a.n)*0x9e3779b97f4a7c15), Source: source[from:], Time: ms,
		Fields: []query.Field{
			{Name: "@timestamp", Kind: query.Date, Ints: []int64{ms}}, {Name: "message", Kind: query.Text, Terms: tokens},
			keyword("clientip", ip), keyword("verb", verb), keyword("request", url), {Name: "response", Kind: query.Int, Ints: []int64{code}},
			{Name: "bytes", Kind: query.Int, Ints: []int64{size}}, keyword("agent", ua), keyword("httpversion", "1.1"), keyword("ident", "-"),
			keyword("auth", "-"), keyword("host.name", fmt.Sprintf("web-%02d", a.n%20)), keyword("service.name", "shop"),
			keyword("event.dataset", "apache.access"), keyword("tags", "apache"), keyword("log.level", "info"), keyword("ua.name", agent[0]),
			keyword("url.domain", "example.org"), {Name: "ua.tokens", Kind: query.Int, Ints: []int64{int64(len(agent))}}, keyword("ecs.version", "8.0"),
		},
	}}
	return source
}

func (a *apache) bulk(n int) []query.Op {
	ops := make([]query.Op, n)
	source := make([]byte, 0, n*1000)
	for i := range ops {
		source = a.op(&ops[i], source)
	}
	return ops
}

// BenchmarkApply takes bulks of a thousand documents, all that follows in the background included: with IDs that the store made, with
// IDs of the sender, and documents that replace others.
func BenchmarkApply(b *testing.B) {
	ids := map[string]func(op *query.Op, n int){
		"fresh":    func(*query.Op, int) {},
		"with IDs": func(op *query.Op, n int) { op.Kind, op.Fresh, op.Doc.ID = query.Put, false, fmt.Sprint("id-", n) },
		"replace": func(op *query.Op, n int) {
			op.Kind, op.Fresh, op.Doc.ID = query.Put, false, fmt.Sprint("id-", n%20_000)
		},
	}
	for name, change := range ids {
		b.Run(name, func(b *testing.B) { benchmarkApply(b, change) })
	}
}

func benchmarkApply(b *testing.B, change func(op *query.Op, n int)) {
	e, err := Open(Options{Dir: b.TempDir(), MaxAge: -1})
	require.NoError(b, err)
	require.NoError(b, e.CreateIndex("logs", nil))
	const bulk = 1000
	var bulks [][]query.Op
	a := newApache()
	for range 16 {
		bulks = append(bulks, a.bulk(bulk))
	}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		ops := bulks[n%len(bulks)]
		for i := range ops {
			change(&ops[i], n*bulk+i)
		}
		_, err := e.Apply(context.Background(), ops)
		require.NoError(b, err)
		n++
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n*bulk), "ns/doc")
	require.NoError(b, e.Close())
}

// searches are those that the store has to answer quickly.
func (a *apache) searches() map[string]*query.Search {
	last := a.start.Add(time.Duration(a.n) * interval).UnixMilli()
	search := func(q query.Query) *query.Search {
		return &query.Search{Targets: []query.Target{{Index: "logs", Query: q}}, Size: 10, TrackTotal: -1}
	}
	term, hour, histogram, terms := search(query.Term{Field: "message", Term: "firefox"}), search(query.NumberRange{Field: "@timestamp", Min: last - 3_600_000, Max: last}), search(query.All{}), search(query.All{})
	hour.Sort = []query.Sort{{Field: "@timestamp", Kind: query.Date, Descending: true}}
	histogram.Size, terms.Size = 0, 0
	histogram.Aggs = []query.Agg{{Name: "h", Type: query.AggDateHistogram, Field: "@timestamp", Kind: query.Date, Bounds: func(ms int64) int64 { return ms - ms%3_600_000 }}}
	terms.Aggs = []query.Agg{{Name: "t", Type: query.AggTerms, Field: "clientip", Kind: query.Keyword, Size: 10, MinCount: 1}}
	all := search(query.Bool{Filter: []query.Query{query.NumberRange{Field: "@timestamp", Min: last - 3_600_000, Max: last}, query.Term{Field: "message", Term: "firefox"}}})
	all.Sort, all.Aggs = hour.Sort, []query.Agg{{Name: "h", Type: query.AggDateHistogram, Field: "@timestamp", Kind: query.Date, Bounds: func(ms int64) int64 { return ms - ms%60_000 }}}
	phrase := search(query.Phrase{Field: "message", Terms: []string{"windows", "nt"}})
	newest := search(query.All{})
	newest.Sort = hour.Sort
	return map[string]*query.Search{
		"one term": term, "last hour": hour, "histogram": histogram, "one term in the last hour with histogram": all,
		"top addresses": terms, "phrase": phrase, "newest": newest, "rare term": search(query.Term{Field: "clientip", Term: a.ips[7]}),
		"wildcard": search(query.Pattern{Field: "request", Pattern: "*abc*"}),
	}
}

// BenchmarkSearch searches 200,000 documents.
func BenchmarkSearch(b *testing.B) {
	e, err := Open(Options{Dir: b.TempDir(), MaxAge: -1})
	require.NoError(b, err)
	defer e.Close()
	require.NoError(b, e.CreateIndex("logs", nil))
	a := newApache()
	for range 200 {
		_, err := e.Apply(context.Background(), a.bulk(1000))
		require.NoError(b, err)
	}
	for name, s := range a.searches() {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, err := e.Search(context.Background(), s)
				require.NoError(b, err)
			}
		})
	}
}

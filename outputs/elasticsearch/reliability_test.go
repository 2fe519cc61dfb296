package elasticsearch

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/internal/faultproxy"
	"millrace/internal/testenv"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

var shared = testenv.SharedElasticsearch()

func TestMain(m *testing.M) { os.Exit(shared.Run(m)) }

// trial is one fault against the real Elasticsearch.
type trial struct {
	name   string
	conf   string // beyond hosts, index and buffer_max_bytes
	change func(*plugin.Builder)
	doc    func(n int64) string
	fault  func(p *faultproxy.Proxy) // begins it; nil: none at the proxy
	mend   func(p *faultproxy.Proxy) // ends it; nil: the proxy's faults
	length time.Duration
	lossy  bool // answers may be lost, so that duplicates may be made
	pace   time.Duration
	bound  int64 // of bytes held
	status int   // that must have been answered
	proxy  faultproxy.Config
	url    func(p *faultproxy.Proxy) string  // to reach the proxy by; nil: its own
	setup  func(r *rig, p *faultproxy.Proxy) // before the first event; nil: nothing

	es      *testenv.ES
	written atomic.Int64
	settled atomic.Int64
}

// load writes documents, 50 a turn, until stop is closed and everything that was begun is flushed.
func (tr *trial) load(t *testing.T, w plugin.Writer, stop <-chan struct{}, maxHeld func()) {
	e := event.New(nil)
	tick := time.NewTicker(tr.pace)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		var turn int64
		for range 50 {
			n := tr.written.Add(1)
			e.Reset()
			v, _, _, err := e.ParseJSON(tr.doc(n))
			if err != nil {
				t.Error(err)
				return
			}
			e.SetRoot(v.Object())
			e.Create(time.Now())
			if w.Append(e) == nil {
				turn++
			}
		}
		b := &event.Batch{Time: time.Now(), Done: func(*event.Batch) { tr.settled.Add(50) }}
		b.Expect(1)
		if err := w.Flush(context.Background(), b); err != nil {
			t.Error(err)
			return
		}
		maxHeld()
	}
}

// row is what a trial showed.
type row struct {
	name                                  string
	written, lost, duplicates, deadLetter int64
	lostAnswers                           int
	held                                  int64
	recovery                              time.Duration
}

func (r row) String() string {
	return fmt.Sprintf("| %s | %d | %d | %d | %d | %d | %d KiB | %.1f s |", r.name, r.written, r.lost, r.lostAnswers, r.duplicates, r.deadLetter,
		r.held>>10, r.recovery.Seconds())
}

// run writes for a second, during the fault, and until it ends; then everything must be settled within seconds.
func (tr *trial) run(t *testing.T) {
	if tr.es == nil {
		tr.es = shared.Get(t)
	}
	if tr.length == 0 {
		tr.length = 3 * time.Second
	}
	if tr.pace == 0 {
		tr.pace = 10 * time.Millisecond
	}
	if tr.bound == 0 {
		tr.bound = 1 << 20
	}
	if tr.doc == nil {
		tr.doc = func(n int64) string { return fmt.Sprintf(`{"n":%d,"message":"line %d of a log with some text"}`, n, n) }
	}
	index := "trial-" + strings.ToLower(strings.NewReplacer(" ", "-", "%", "", ",", "", "/", "-", "'", "").Replace(tr.name))
	tr.es.Must(http.MethodPut, index, `{"settings":{"number_of_replicas":0},"mappings":{"properties":{"n":{"type":"long"},"message":{"type":"text"}}}}`)
	tr.proxy.Target, tr.proxy.Seed = tr.es.Addr(), 1
	p := faultproxy.New(t, tr.proxy)
	url := p.URL()
	if tr.url != nil {
		url = tr.url(p)
	}
	dlq := new(letters)
	r := open(t, fmt.Sprintf(`hosts => [%q] index => %q manage_template => false buffer_max_bytes => %d %s`, url, index, tr.bound, tr.conf),
		func(b *plugin.Builder) {
			b.DeadLetters = dlq
			if tr.change != nil {
				tr.change(b)
			}
		})
	if tr.setup != nil {
		tr.setup(r, p)
	}
	var wg sync.WaitGroup
	var held atomic.Int64
	stop := make(chan struct{})
	for range 2 {
		w := r.NewWriter()
		wg.Go(func() {
			tr.load(t, w, stop, func() { held.Store(max(held.Load(), int64(r.sender.State().Held))) })
		})
	}
	require.Eventually(t, func() bool { return r.env.Stats.Delivered.Load() > 500 || r.env.Stats.DeadLettered.Load() > 500 }, patience, time.Millisecond, "delivery begins")
	if tr.fault != nil {
		tr.fault(p)
	}
	wait(tr.length)
	if tr.mend != nil {
		tr.mend(p)
	} else {
		p.Clear()
	}
	ended := time.Now()
	close(stop)
	wg.Wait()
	require.Eventually(t, func() bool { return tr.settled.Load() == tr.written.Load() }, 2*patience, time.Millisecond, "everything is settled: %+v", r.sender.State())
	res := row{name: tr.name, written: tr.written.Load(), recovery: time.Since(ended), deadLetter: int64(dlq.len()), held: held.Load()}
	st := p.Stats()
	res.lostAnswers = st.Lost + st.Unknown
	stored, distinct := numbers(tr.es, index)
	res.duplicates = stored - distinct
	res.lost = res.written - distinct - res.deadLetter
	fmt.Println(res)
	require.Zero(t, res.lost, "lost documents")
	require.LessOrEqual(t, res.held, tr.bound, "held bytes")
	require.Less(t, res.recovery, recoverySoon, "recovery")
	if !tr.lossy || strings.Contains(tr.conf, "idempotent") {
		require.Zero(t, res.duplicates, "duplicates; %d answers were lost", res.lostAnswers)
	}
	if tr.status != 0 {
		again := r.metrics.Retryable.Load() // of single documents, which answers of status 200 refuse
		require.True(t, r.metrics.Responses()[tr.status] > 0 || tr.status == 429 && again > 0, "status %d was never answered: %v", tr.status, r.metrics.Responses())
	}
	stats := r.env.Stats
	require.Equal(t, res.written, stats.Delivered.Load()+stats.DeadLettered.Load()+stats.Dropped.Load())
}

// wait lets a fault last.
func wait(d time.Duration) { <-time.After(d) }

// numbers returns how many documents an index has and how many different numbers they bear.
func numbers(es *testenv.ES, index string) (stored, distinct int64) {
	es.Refresh(index)
	seen := map[int64]bool{}
	after := ""
	for {
		var answer struct {
			Hits struct {
				Hits []struct {
					Sort []json.Number
				}
			}
		}
		body := es.Must(http.MethodPost, index+"/_search", `{"size":10000,"_source":false,"sort":[{"n":"asc"},{"_doc":"asc"}]`+after+`}`)
		if err := json.Unmarshal(body, &answer); err != nil {
			panic(err)
		}
		hits := answer.Hits.Hits
		if len(hits) == 0 {
			return stored, int64(len(seen))
		}
		for _, h := range hits {
			n, err := h.Sort[0].Int64()
			if err != nil {
				panic(err)
			}
			seen[n] = true
			stored++
		}
		last := hits[len(hits)-1].Sort
		after = fmt.Sprintf(`,"search_after":[%s,%s]`, last[0], last[1])
	}
}

// TestReliability is the table of docs/RELIABILITY.md:
//
//	go test ./outputs/elasticsearch -run TestReliability -v | grep '^|'
func TestReliability(t *testing.T) {
	set := func(f faultproxy.Faults) func(*faultproxy.Proxy) {
		return func(p *faultproxy.Proxy) { f.Path = "/_bulk"; p.Set(f) }
	}
	whole := func(f faultproxy.Faults) func(*faultproxy.Proxy) { return func(p *faultproxy.Proxy) { p.Set(f) } }
	for _, tr := range []*trial{
		{name: "none"},
		{name: "connection refused", fault: whole(faultproxy.Faults{Refuse: true}), lossy: true},
		{name: "black hole", fault: whole(faultproxy.Faults{BlackHole: true}), lossy: true},
		{name: "1 KB/s", fault: whole(faultproxy.Faults{BytesPerSecond: 1024}), lossy: true},
		{name: "half of the requests reset", fault: set(faultproxy.Faults{ResetRequest: 0.5})},
		{name: "a third of the answers reset", fault: set(faultproxy.Faults{ResetResponse: 0.3}), lossy: true},
		{name: "the same, idempotent", conf: "idempotent => true", fault: set(faultproxy.Faults{ResetResponse: 0.3}), lossy: true},
		{name: "a third of the answers cut off", fault: set(faultproxy.Faults{CutResponse: 0.3, CutAfter: 60}), lossy: true},
		{name: "the same cut off, idempotent", conf: "idempotent => true", fault: set(faultproxy.Faults{CutResponse: 0.3, CutAfter: 60}), lossy: true},
		{name: "a tenth of the answers never sent", fault: set(faultproxy.Faults{DropResponse: 0.1}), lossy: true},
		{name: "every request 500", fault: set(faultproxy.Faults{Status: 500, StatusRate: 1})},
		{name: "half of the requests 502", fault: set(faultproxy.Faults{Status: 502, StatusRate: 0.5})},
		{name: "every request 503", fault: set(faultproxy.Faults{Status: 503, StatusRate: 1})},
		{name: "half of the requests 429", fault: set(faultproxy.Faults{Status: 429, StatusRate: 0.5})},
		{name: "every request 401", fault: set(faultproxy.Faults{Status: 401, StatusRate: 1})},
		{name: "413 above 4 KB by a proxy", conf: "compression_level => 0", fault: set(faultproxy.Faults{MaxBody: 4096})},
	} {
		t.Run(tr.name, tr.run)
	}
	t.Run("one in ten documents conflicts with the mapping", func(t *testing.T) {
		tr := &trial{name: "one in ten documents conflicts", doc: func(n int64) string {
			if n%10 == 0 {
				return fmt.Sprintf(`{"n":"not a number %d"}`, n)
			}
			return fmt.Sprintf(`{"n":%d}`, n)
		}}
		tr.run(t)
	})
	t.Run("read-only index", func(t *testing.T) {
		es := shared.Get(t)
		block := func(on string) {
			es.Must(http.MethodPut, "trial-read-only-index/_settings", `{"index.blocks.read_only_allow_delete":`+on+`}`)
		}
		tr := &trial{name: "read-only index", fault: func(*faultproxy.Proxy) { block("true") }, mend: func(*faultproxy.Proxy) { block("null") }}
		tr.run(t)
	})
}

// TestReliabilityNodes are the faults that need a node of their own.
func TestReliabilityNodes(t *testing.T) {
	t.Run("429 storm", func(t *testing.T) {
		es := testenv.Elasticsearch(t, testenv.WithSetting("thread_pool.write.size", "1"), testenv.WithSetting("thread_pool.write.queue_size", "1"))
		tr := &trial{name: "write queue of 1", es: es, conf: "bulk_max_bytes => 5000", pace: time.Millisecond, status: 429}
		tr.run(t)
	})
	t.Run("413", func(t *testing.T) {
		es := testenv.Elasticsearch(t, testenv.WithSetting("http.max_content_length", "1mb"))
		pad := strings.Repeat("x", 2000)
		tr := &trial{name: "requests above 1 MB refused", es: es, conf: "bulk_max_bytes => 4000000 compression_level => 0", bound: 16 << 20, status: 413, doc: func(n int64) string {
			if n == 1000 {
				return fmt.Sprintf(`{"n":%d,"message":%q}`, n, strings.Repeat(pad, 600))
			}
			return fmt.Sprintf(`{"n":%d,"message":%q}`, n, pad)
		}}
		tr.run(t)
	})
	t.Run("killed", func(t *testing.T) {
		es := testenv.Elasticsearch(t)
		tr := &trial{name: "node killed by SIGKILL and started again", es: es, lossy: true, length: time.Second,
			fault: func(*faultproxy.Proxy) { es.Kill() }, mend: func(*faultproxy.Proxy) { es.Start() }}
		tr.run(t)
		tr = &trial{name: "node killed, idempotent", es: es, lossy: true, length: time.Second, conf: "idempotent => true",
			fault: func(*faultproxy.Proxy) { es.Kill() }, mend: func(*faultproxy.Proxy) { es.Start() }}
		tr.run(t)
	})
}

package page

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/codecs"
	"millrace/filters"
	"millrace/inputs"
	"millrace/internal/logging"
	"millrace/internal/page/pagetest"
	"millrace/outputs"
	"millrace/pipeline"
	"millrace/pipeline/config"
	"millrace/pipeline/monitor"
	"millrace/pipeline/plugin"
	"millrace/pipeline/queue"
)

// demoConfig is a config with what the pages have to show: branches, secrets, an old option, a slow pattern.
const demoConfig = `# Lines of the containers. password => "left-in-a-comment"
input {
  tcp { id => "containers" port => 9000 codec => json_lines }
  beats { port => 5044 ssl_enabled => false ssl_key_passphrase => "${KEY_PASS:of-the-key}" }
}

filter {
  if [container][name] =~ /^web/ {
    grok {
      id => "access"
      match => { "message" => "%{COMBINEDAPACHELOG}" }
      pattern_definitions => { "ORDER" => "[A-Z]{2}-[0-9]{6}" }
    }
    date { match => ["timestamp", "dd/MMM/yyyy:HH:mm:ss Z"] }
    if [http][response][status_code] >= 500 {
      mutate { add_tag => ["server_error"] }
    }
  } else if [message] =~ /healthz/ {
    drop { }
  } else {
    grok { match => { "message" => ["%{DATA:a} %{DATA:b} %{GREEDYDATA:rest}"] } }
    kv { field_split => "; " }
  }
  mutate { lowercase => ["[http][request][method]"] }
}

output {
  elasticsearch {
    hosts => ["https://shipper:in-the-url@es-1:9200", "https://es-2:9200"]
    user => "shipper"
    password => "of-the-user"
    custom_headers => { "X-Team" => "logs" "Authorization" => "Bearer of-the-header" }
  }
}
`

// secrets are those of demoConfig.
func secrets() []string {
	return []string{"left-in-a-comment", "of-the-key", "in-the-url", "of-the-user", "of-the-header"}
}

func registry() *plugin.Registry {
	return plugin.NewRegistry(inputs.All(), codecs.All(), filters.All(), outputs.All())
}

func parsed(t testing.TB, text string) *config.File {
	t.Helper()
	f, diags := config.Parse("/etc/millrace/pipeline.conf", []byte(text), config.ParseOptions{})
	require.False(t, diags.HasErrors(), diags.String())
	return f
}

// demoSnapshot has figures for the plugins of demoConfig.
func demoSnapshot(t testing.TB) monitor.Snapshot {
	file := parsed(t, demoConfig)
	s := monitor.Snapshot{
		ID: "main", State: pipeline.Running, At: time.Now(), Started: time.Now().Add(-3*time.Hour - 12*time.Minute), Files: []*config.File{file},
		Received: 10_482_113, Made: 0, Dropped: 60_112, Unrouted: 0, Routed: 10_421_940, Processing: 61,
		Recent:       monitor.Rates{In: 1843.2, Out: 1839.1, Backpressure: 0.021, Busy: 0.31, Work: 3100 * time.Millisecond},
		Work:         3000 * time.Second,
		Queue:        pipeline.QueueStats{Type: "memory", Events: 212, Bytes: 84_211, MaxBytes: 64 << 20},
		QueueBatches: 3, QueueSlots: 1024,
		DeadLetters: &queue.DeadLetterStats{Bytes: 24_512, MaxBytes: 1 << 30, Written: 37},
	}
	s.Settings = pipeline.DefaultSettings()
	s.Settings.Workers = 2
	for i := range 300 {
		at := s.At.Add(time.Duration(i-299) * time.Second)
		in := 1800 + 500*math.Sin(float64(i)/23) + 120*math.Sin(float64(i)/3)
		m := monitor.Moment{At: at, Rates: monitor.Rates{In: in, Out: in * 0.97, Busy: 0.3}}
		if i > 210 && i < 224 {
			m.Out, m.Backpressure = 300, 0.6
		}
		s.Trend = append(s.Trend, m)
	}
	p := func(kind plugin.Kind, id, name string, in, out, failures int64, share float64) monitor.PluginSnapshot {
		return monitor.PluginSnapshot{
			ID: id, Name: name, Kind: kind, In: in, Out: out, Matched: in - failures, Failures: failures, Rate: float64(in) / 5700, RecentIn: in / 570,
			RecentNanos: time.Duration(share * float64(s.Recent.Work)), Nanos: time.Duration(share * float64(s.Work)), Bytes: in * 210,
		}
	}
	s.Inputs = []monitor.PluginSnapshot{p(plugin.InputKind, "containers", "tcp", 10_300_000, 10_300_000, 0, 0), p(plugin.InputKind, "beats_1", "beats", 182_113, 182_113, 0, 0)}
	s.Filters = []monitor.PluginSnapshot{
		p(plugin.FilterKind, "access", "grok", 8_100_000, 8_100_000, 1204, 0.31), p(plugin.FilterKind, "date_1", "date", 8_100_000, 8_100_000, 17, 0.06),
		p(plugin.FilterKind, "mutate_1", "mutate", 9_412, 9_412, 0, 0.001), p(plugin.FilterKind, "drop_1", "drop", 60_112, 0, 0, 0.002),
		p(plugin.FilterKind, "grok_2", "grok", 2_322_001, 2_322_001, 88_214, 0.19), p(plugin.FilterKind, "kv_1", "kv", 2_322_001, 2_322_001, 0, 0.08),
		p(plugin.FilterKind, "mutate_2", "mutate", 10_422_001, 10_422_001, 0, 0.03),
	}
	o := p(plugin.OutputKind, "es", "elasticsearch", 10_421_940, 10_421_940, 0, 0.17)
	o.Taken, o.Delivered, o.DeadLettered, o.Rejected, o.InFlight, o.Retried = 10_421_940, 10_420_671, 37, 0, 1232, 412
	o.Own = map[string]any{
		"requests":      map[string]any{"in_flight": 2, "limit": 6, "body_in_bytes": 1 << 20, "held_in_bytes": 1_412_331, "to_repeat": 0, "blocked": false, "failing": ""},
		"bulk_requests": map[string]any{"successes": int64(41_221), "with_errors": int64(12), "failures": int64(3), "responses": map[string]int64{"200": 41_233, "429": 3}},
	}
	s.Outputs = []monitor.PluginSnapshot{o}
	return s
}

// demoEvents stores access lines of the last hours in a search target.
func demoEvents(n int, now time.Time) *pagetest.Elasticsearch {
	es := new(pagetest.Elasticsearch)
	r := rand.New(rand.NewPCG(1, 2))
	paths := []string{"/", "/api/orders", "/api/orders/4711", "/login", "/static/app.js", "/api/search?q=mill", "/healthz", "/cart"}
	services := []string{"web-1", "web-2", "checkout", "auth"}
	var docs []string
	for i := range n {
		age := time.Duration(r.ExpFloat64() * float64(6*time.Minute))
		at := now.Add(-age - 300*time.Millisecond)
		status := 200
		switch x := r.IntN(100); {
		case x < 3:
			status = 503
		case x < 9:
			status = 404
		case x < 14:
			status = 302
		}
		method := []string{"GET", "GET", "GET", "POST"}[r.IntN(4)]
		path, size, ip := paths[r.IntN(len(paths))], 200+r.IntN(20000), fmt.Sprintf("198.51.100.%d", 1+r.IntN(250))
		message := fmt.Sprintf(`%s - - [%s] "%s %s HTTP/1.1" %d %d "-" "Mozilla/5.0 (X11; Linux x86_64)"`, ip, at.Format("02/Jan/2006:15:04:05 -0700"), method, path, status, size)
		level := "info"
		if status >= 500 {
			level = "error"
		}
		doc, err := json.Marshal(map[string]any{
			"@timestamp": at.UTC().Format("2006-01-02T15:04:05.000Z"), "@version": "1", "message": message,
			"container": map[string]any{"name": services[r.IntN(len(services))], "image": map[string]any{"name": "registry.example/web:1.4"}},
			"host":      map[string]any{"name": fmt.Sprintf("node-%d", 1+i%3)},
			"http":      map[string]any{"request": map[string]any{"method": method}, "response": map[string]any{"status_code": status, "body": map[string]any{"bytes": size}}},
			"log":       map[string]any{"level": level},
			"source":    map[string]any{"address": ip},
			"url":       map[string]any{"original": path},
			"tags":      []string{"access"},
		})
		if err != nil {
			panic(err)
		}
		docs = append(docs, string(doc))
	}
	es.Add(docs...)
	return es
}

// fakeTap sends what it is given to whoever follows.
type fakeTap struct {
	mu        sync.Mutex
	followers map[chan string]bool // guarded by mu
	asked     []string             // queries; guarded by mu
}

func (f *fakeTap) send(events ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.followers {
		for _, e := range events {
			c <- e
		}
	}
}

func (f *fakeTap) serve(w http.ResponseWriter, r *http.Request) {
	if r.FormValue("if") == "(" {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprint(w, `{"error":{"message":"unexpected end of the <b>condition</b>"}}`)
		return
	}
	c := make(chan string, 10_000)
	f.mu.Lock()
	if f.followers == nil {
		f.followers = make(map[chan string]bool)
	}
	f.followers[c] = true // before the browser hears that it follows
	f.asked = append(f.asked, r.URL.RawQuery)
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		delete(f.followers, c)
		f.mu.Unlock()
	}()
	w.Header().Set("Content-Type", "text/event-stream")
	_, _ = fmt.Fprint(w, "event: attached\ndata: {}\n\n")
	_ = http.NewResponseController(w).Flush()
	for {
		select {
		case e := <-c:
			_, _ = fmt.Fprintf(w, "data: %s\n\n", e)
			if len(c) == 0 {
				_ = http.NewResponseController(w).Flush()
			}
		case <-r.Context().Done():
			return
		}
	}
}

const demoPoints = `[{"pipeline":"main","id":"input:containers","kind":"input","plugin":"tcp","plugin_id":"containers","file":"/etc/pipeline.conf","line":3,"conditions":[]},
{"pipeline":"main","id":"filter:access","kind":"filter","plugin":"grok","plugin_id":"access","file":"/etc/pipeline.conf","line":9,"conditions":["if [container][name] =~ /^web/"]},
{"pipeline":"main","id":"output","kind":"output","conditions":[]},
{"pipeline":"main","id":"output:es","kind":"output","plugin":"elasticsearch","plugin_id":"es","file":"/etc/pipeline.conf","line":31,"conditions":[]}]`

// demo is a page with something to show everywhere.
type demo struct {
	URL string
	tap *fakeTap
	es  *pagetest.Elasticsearch
}

func newDemo(t testing.TB, es *pagetest.Elasticsearch, change func(*Options)) *demo {
	t.Helper()
	d := &demo{tap: new(fakeTap), es: es}
	file := parsed(t, demoConfig)
	reg := registry()
	_, diags := pipeline.Compile([]*config.File{file}, reg, demoSettings(), plugin.Builder{Log: logging.Discard(), Lookup: func(string) (string, bool) { return "", false }})
	old := parsed(t, demoConfig[:len(demoConfig)-len("}\n")]+"  stdout { codec => dots }\n}\n")
	o := Options{
		Node: "node-1", Version: "0.1.0", Began: time.Now().Add(-3*time.Hour - 12*time.Minute), TapPath: "/tap", Registry: reg,
		Pipelines: func() []monitor.Snapshot { return []monitor.Snapshot{demoSnapshot(t)} },
		Configs: func() []Config {
			return []Config{{
				Pipeline: "main", Settings: []Setting{{"pipeline.workers", "2"}, {"pipeline.batch.size", "125"}, {"pipeline.ecs_compatibility", "v8"}},
				Files: []*config.File{file}, Diagnostics: diags, Loaded: time.Now().Add(-time.Hour), Previous: []*config.File{old},
			}}
		},
		Targets: func() []Target { return []Target{{"main", "es", "logs-generic-default", es}} },
	}
	if change != nil {
		change(&o)
	}
	mux := http.NewServeMux()
	mux.Handle(Prefix, New(o))
	mux.HandleFunc("/tap", d.tap.serve)
	mux.HandleFunc("/tap/points", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, demoPoints) })
	s := httptest.NewServer(mux)
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	d.URL = s.URL
	return d
}

func demoSettings() pipeline.Settings {
	s := pipeline.DefaultSettings()
	s.ECS = "v8"
	return s
}

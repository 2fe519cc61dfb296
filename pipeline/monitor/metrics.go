package monitor

import (
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"millrace/pipeline"
	"millrace/pipeline/queue"
)

// family is one metric: all that is known of it before there are values.
type family struct {
	name   string
	help   string
	kind   prometheus.ValueType
	labels []string
}

// families is the list of all metrics but Go's, the process's and the plugins' own.
func families() []family {
	none := []string(nil)
	perPipeline := []string{"pipeline"}
	perPlugin := []string{"pipeline", "plugin_id", "plugin"}
	perOutcome := []string{"pipeline", "plugin_id", "plugin", "outcome"}
	const counter, gauge = prometheus.CounterValue, prometheus.GaugeValue
	return []family{
		{"millrace_build_info", "Always 1; the labels tell what runs.", gauge, []string{"version", "logstash_version", "goversion", "environment"}},
		{"millrace_start_seconds", "Time from the start of the process until all pipelines were running; 0 until then.", gauge, none},
		{"millrace_uptime_seconds", "Time since the start of the process.", gauge, none},

		{"millrace_pipeline_up", "1 while the pipeline is running.", gauge, perPipeline},
		{"millrace_pipeline_workers", "Workers of the pipeline.", gauge, perPipeline},
		{"millrace_events_received_total", "Events decoded from what inputs read.", counter, perPipeline},
		{"millrace_events_made_total", "Events that filters made (split, clone, aggregate).", counter, perPipeline},
		{"millrace_events_dropped_total", "Events that a filter of the config dropped.", counter, perPipeline},
		{"millrace_events_unrouted_total", "Events that no output took: conditions sent them nowhere.", counter, perPipeline},
		{"millrace_events_routed_total", "Events that at least one output took.", counter, perPipeline},
		{"millrace_events_processing", "Events in the hands of workers: received + made - dropped - unrouted - routed.", gauge, perPipeline},
		{"millrace_condition_mismatches_total", "Comparisons of conditions that were false because the values cannot be compared.", counter, perPipeline},
		{"millrace_panics_total", "Bugs that an event's content met; the event went on with a tag.", counter, perPipeline},
		{"millrace_source_errors_total", "Facts of a source that could not be set in an event.", counter, perPipeline},
		{"millrace_option_errors_total", "Common options (add_field and the like) that could not be applied to an event.", counter, perPipeline},
		{"millrace_backpressure_seconds_total", "Time that inputs waited for room in the queue.", counter, perPipeline},
		{"millrace_worker_seconds_total", "Time that workers spent on batches, waiting for outputs included.", counter, perPipeline},
		{"millrace_output_wait_seconds_total", "Time that workers waited for outputs to take a batch.", counter, perPipeline},

		{"millrace_queue_info", "Always 1; the label type is memory or persisted.", gauge, []string{"pipeline", "type"}},
		{"millrace_queue_events", "Records read and not yet settled by every output: in memory, or on disk.", gauge, perPipeline},
		{"millrace_queue_bytes", "Bytes read and not yet settled by every output: in memory, or on disk.", gauge, perPipeline},
		{"millrace_queue_max_bytes", "Bytes that may be read and not yet settled.", gauge, perPipeline},
		{"millrace_queue_syncs_total", "Syncs of the persistent queue.", counter, perPipeline},
		{"millrace_queue_sync_seconds_total", "Time spent on syncs of the persistent queue.", counter, perPipeline},
		{"millrace_queue_write_errors_total", "Rounds of appends that the persistent queue refused.", counter, perPipeline},
		{"millrace_queue_sync_errors_total", "Syncs of the persistent queue that failed.", counter, perPipeline},
		{"millrace_queue_damaged_bytes_total", "Bytes of the persistent queue that were found damaged.", counter, perPipeline},
		{"millrace_queue_lost_events_total", "Records that the persistent queue counted once and did not find again.", counter, perPipeline},
		{"millrace_queue_orphan_events_total", "Records read back whose input is not in the config any more.", counter, perPipeline},
		{"millrace_queue_unstorable_events_total", "Records larger than the persistent queue may be, which went past it.", counter, perPipeline},
		{"millrace_queue_batches", "Batches that wait for a worker.", gauge, perPipeline},
		{"millrace_queue_max_batches", "Batches that may wait for a worker.", gauge, perPipeline},

		{"millrace_dead_letter_queue_bytes", "Size of the dead letter queue.", gauge, perPipeline},
		{"millrace_dead_letter_queue_max_bytes", "Size that the dead letter queue may have; 0 if it is off.", gauge, perPipeline},
		{"millrace_dead_letter_queue_written_events_total", "Events written to the dead letter queue.", counter, perPipeline},
		{"millrace_dead_letter_queue_dropped_events_total", "Events that the full dead letter queue dropped.", counter, perPipeline},
		{"millrace_dead_letter_queue_expired_events_total", "Events that the dead letter queue removed for their age.", counter, perPipeline},

		{"millrace_input_events_total", "Records that an input read.", counter, perPlugin},
		{"millrace_input_bytes_total", "Bytes that an input read.", counter, perPlugin},
		{"millrace_input_batches_total", "Batches of records that an input pushed.", counter, perPlugin},
		{"millrace_input_restarts_total", "Starts of an input after it failed.", counter, perPlugin},

		{"millrace_filter_events_in_total", "Events that reached a filter.", counter, perPlugin},
		{"millrace_filter_events_out_total", "Events that left a filter.", counter, perPlugin},
		{"millrace_filter_events_matched_total", "Events for which a filter succeeded.", counter, perPlugin},
		{"millrace_filter_failures_total", "Events that a filter tagged as failed.", counter, perPlugin},
		{"millrace_filter_seconds_total", "Time spent in a filter, estimated from a sample of the events.", counter, perPlugin},

		{"millrace_output_events_in_total", "Events that an output took: delivered + dead_lettered + dropped + in flight.", counter, perPlugin},
		{"millrace_output_events_total", "Events of an output by what became of them; retried ones are still in flight.", counter, perOutcome},
		{"millrace_output_in_flight_events", "Events that an output took and has not settled.", gauge, perPlugin},
		{"millrace_output_batches_total", "Batches handed to an output.", counter, perPlugin},
		{"millrace_output_seconds_total", "Time spent on encoding for an output, estimated from a sample of the events.", counter, perPlugin},
	}
}

// MetricNames returns the names of all metrics of Millrace itself, for tests of dashboards and alerts. There are also those of the Go
// runtime (go_), of the process (process_) and of plugins (millrace_plugin_…_total, after plugin.Env.Counter).
func MetricNames() []string {
	var names []string
	for _, f := range families() {
		names = append(names, f.name)
	}
	slices.Sort(names)
	return names
}

func (s *Server) metricsHandler() http.Handler {
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		newCollector(s), pluginCollector{s.options.Counters})
	return promhttp.HandlerFor(reg, promhttp.HandlerOpts{ErrorLog: promLog{s}})
}

// promLog logs what the handler of /metrics could not do.
type promLog struct{ s *Server }

// Println implements promhttp.Logger.
func (l promLog) Println(v ...any) {
	l.s.log.Error("metrics could not be written", "error", fmt.Sprintln(v...))
}

// collector reads the pipelines' counters when Prometheus asks.
type collector struct {
	s     *Server
	descs map[string]familyDesc
}

type familyDesc struct {
	family
	desc *prometheus.Desc
}

func newCollector(s *Server) *collector {
	c := &collector{s: s, descs: make(map[string]familyDesc)}
	for _, f := range families() {
		c.descs[f.name] = familyDesc{f, prometheus.NewDesc(f.name, f.help, f.labels, nil)}
	}
	return c
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, f := range c.descs {
		ch <- f.desc
	}
}

// emitter sends the metrics of one scrape.
type emitter struct {
	c      *collector
	ch     chan<- prometheus.Metric
	labels []string
}

func (e emitter) with(labels ...string) emitter {
	e.labels = append(slices.Clip(e.labels), labels...)
	return e
}

func (e emitter) send(name string, v float64) {
	f, ok := e.c.descs[name]
	if !ok {
		panic("BUG: no family of metrics is called " + name)
	}
	e.ch <- prometheus.MustNewConstMetric(f.desc, f.kind, v, e.labels...)
}

func (e emitter) count(name string, n int64)   { e.send(name, float64(n)) }
func (e emitter) seconds(name string, n int64) { e.send(name, time.Duration(n).Seconds()) }

// Collect implements prometheus.Collector.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	e := emitter{c: c, ch: ch}
	o := &c.s.options
	e.with(o.Build, o.Version, runtime.Version(), o.Environment).send("millrace_build_info", 1)
	e.seconds("millrace_start_seconds", c.s.started.Load())
	e.seconds("millrace_uptime_seconds", int64(time.Since(o.Began)))
	for _, v := range c.s.views {
		collectPipeline(e.with(v.ID()), v.Pipeline.Pipeline)
	}
}

func collectPipeline(e emitter, p *pipeline.Pipeline) {
	b := balanceOf(p)
	s, set := &p.Stats, p.Settings()
	up := 0.0
	if p.State() == pipeline.Running {
		up = 1
	}
	e.send("millrace_pipeline_up", up)
	e.count("millrace_pipeline_workers", int64(set.Workers))
	e.count("millrace_events_received_total", b.received)
	e.count("millrace_events_made_total", b.made)
	e.count("millrace_events_dropped_total", b.dropped)
	e.count("millrace_events_unrouted_total", b.unrouted)
	e.count("millrace_events_routed_total", b.routed)
	e.count("millrace_events_processing", b.processing)
	e.count("millrace_condition_mismatches_total", p.Mismatches())
	e.count("millrace_panics_total", s.Panics.Load())
	e.count("millrace_source_errors_total", s.SourceErrs.Load())
	e.count("millrace_option_errors_total", s.OptionErrs.Load())
	e.seconds("millrace_backpressure_seconds_total", s.PushWait.Load())
	e.seconds("millrace_worker_seconds_total", s.WorkNanos.Load())
	e.seconds("millrace_output_wait_seconds_total", s.FlushNanos.Load())
	collectQueue(e, p)
	for _, st := range p.Inputs() {
		collectInput(e.with(st.ID, st.Name), st)
	}
	for _, st := range p.Filters() {
		collectFilter(e.with(st.ID, st.Name), st)
	}
	for _, o := range b.outputs {
		collectOutput(e.with(o.stats.ID, o.stats.Name), o)
	}
}

func collectQueue(e emitter, p *pipeline.Pipeline) {
	q := p.QueueStats()
	e.with(q.Type).count("millrace_queue_info", 1)
	e.count("millrace_queue_events", q.Events)
	e.count("millrace_queue_bytes", q.Bytes)
	e.count("millrace_queue_max_bytes", q.MaxBytes)
	e.count("millrace_queue_syncs_total", int64(q.Disk.Syncs))
	e.seconds("millrace_queue_sync_seconds_total", int64(q.Disk.SyncTime))
	e.count("millrace_queue_write_errors_total", int64(q.Disk.WriteErrors))
	e.count("millrace_queue_sync_errors_total", int64(q.Disk.SyncErrors))
	e.count("millrace_queue_damaged_bytes_total", int64(q.Disk.DamagedBytes))
	e.count("millrace_queue_lost_events_total", int64(q.Disk.LostEvents))
	e.count("millrace_queue_orphan_events_total", q.Orphans)
	e.count("millrace_queue_unstorable_events_total", q.Unstorable)
	batches, slots := p.Queue()
	e.count("millrace_queue_batches", int64(batches))
	e.count("millrace_queue_max_batches", int64(slots))
	var d queue.DeadLetterStats
	if dead := p.DeadLetters(); dead != nil {
		d = dead.Stats()
	}
	e.count("millrace_dead_letter_queue_bytes", d.Bytes)
	e.count("millrace_dead_letter_queue_max_bytes", d.MaxBytes)
	e.count("millrace_dead_letter_queue_written_events_total", int64(d.Written))
	e.count("millrace_dead_letter_queue_dropped_events_total", int64(d.Dropped))
	e.count("millrace_dead_letter_queue_expired_events_total", int64(d.Expired))
}

func collectInput(e emitter, st *pipeline.PluginStats) {
	e.count("millrace_input_events_total", st.Out.Load())
	e.count("millrace_input_bytes_total", st.Bytes.Load())
	e.count("millrace_input_batches_total", st.Batches.Load())
	e.count("millrace_input_restarts_total", st.Restarts.Load())
}

func collectFilter(e emitter, st *pipeline.PluginStats) {
	e.count("millrace_filter_events_in_total", st.In.Load())
	e.count("millrace_filter_events_out_total", st.Out.Load())
	e.count("millrace_filter_events_matched_total", st.Matched.Load())
	e.count("millrace_filter_failures_total", st.Plugin.Failures.Load())
	e.seconds("millrace_filter_seconds_total", st.Nanos.Load())
}

func collectOutput(e emitter, o outputBalance) {
	e.count("millrace_output_events_in_total", o.taken)
	e.with("delivered").count("millrace_output_events_total", o.delivered)
	e.with("dead_lettered").count("millrace_output_events_total", o.deadLettered)
	e.with("dropped").count("millrace_output_events_total", o.dropped)
	e.with("retried").count("millrace_output_events_total", o.stats.Plugin.Retried.Load())
	e.count("millrace_output_in_flight_events", o.inFlight)
	e.count("millrace_output_batches_total", o.stats.Batches.Load())
	e.seconds("millrace_output_seconds_total", o.stats.Nanos.Load())
}

// pluginCollector exports the plugins' own counters, which become known while pipelines are compiled; so it describes none.
type pluginCollector struct{ counters *Counters }

// Describe implements prometheus.Collector.
func (pluginCollector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c pluginCollector) Collect(ch chan<- prometheus.Metric) {
	for _, n := range c.counters.list() {
		desc := prometheus.NewDesc("millrace_plugin_"+n.name+"_total", c.counters.helpOf(n.name), []string{"pipeline", "kind", "plugin", "plugin_id"}, nil)
		ch <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(n.value.Load()), n.pipeline, n.kind, n.plugin, n.id)
	}
}

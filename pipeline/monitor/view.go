package monitor

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"millrace/internal/uuid4"
	"millrace/pipeline"
	"millrace/pipeline/config"
)

// Pipeline is a pipeline to watch, with what it does not know of itself.
type Pipeline struct {
	*pipeline.Pipeline

	// Files are the config it was compiled of: for the hash, the graph and the names of codecs. Nil leaves these out.
	Files []*config.File

	// Plugin returns the plugin of an id, whose optional method NodeStats adds to its statistics. Nil: there are none.
	Plugin func(id string) any
}

// NodeStats is a plugin with statistics of its own for /_node/stats: the elasticsearch output's documents and bulk_requests. Values
// are numbers, texts and maps of these. A cluster_uuid goes to the plugin's vertex, where Metricbeat looks for it.
type NodeStats interface {
	NodeStats() map[string]any
}

// view is a pipeline with the history of its counters.
type view struct {
	Pipeline
	hash        string
	ephemeralID string
	history     *history
	trend       trend
	graph       *graph
}

// The counts of a capture: those of the pipeline, then two of every plugin.
const (
	countIn = iota
	countFiltered
	countOut
	countPushWait
	countWork
	countQueueEvents // a gauge: its rate is the growth
	countQueueBytes  // so is this
	countOutputWait
	countPlugins
)

func newView(p Pipeline) *view {
	v := &view{Pipeline: p, ephemeralID: uuid4.New(), history: newHistory()}
	v.hash = configHash(p.Files)
	v.graph = newGraph(p)
	return v
}

// configHash identifies a config: Metricbeat ignores pipelines without it.
func configHash(files []*config.File) string {
	h := sha256.New()
	for _, f := range files {
		_, _ = fmt.Fprintf(h, "%d\n%s\n", len(f.Text), f.Text) // a hash takes everything
	}
	return hex.EncodeToString(h.Sum(nil))
}

// nameUUID returns a UUID that depends on name alone (version 8).
func nameUUID(name string) string {
	sum := sha256.Sum256([]byte(name))
	b := [16]byte(sum[:16])
	b[6] = b[6]&0x0f | 0x80
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:16])
}

// capture reads all counters.
func (v *view) capture(now time.Time) capture {
	b := balanceOf(v.Pipeline.Pipeline)
	s := &v.Stats
	q := v.QueueStats()
	counts := []int64{
		countIn: b.received, countFiltered: b.out, countOut: b.out, countPushWait: s.PushWait.Load(), countWork: s.WorkNanos.Load(),
		countQueueEvents: q.Events, countQueueBytes: q.Bytes, countOutputWait: s.FlushNanos.Load(),
	}
	for _, st := range v.plugins() {
		counts = append(counts, st.In.Load(), st.Nanos.Load())
	}
	return capture{now, counts}
}

// plugins returns the counts of all plugins: inputs, filters, outputs. The i-th has the counts countPlugins+2i and the one after it.
func (v *view) plugins() []*pipeline.PluginStats {
	out := append([]*pipeline.PluginStats{}, v.Inputs()...)
	return append(append(out, v.Filters()...), v.Outputs()...)
}

// balance is an account of a pipeline's events that adds up whenever it is read:
// received + made = dropped + unrouted + routed + processing, no term below zero.
type balance struct {
	received, made    int64
	dropped, unrouted int64
	out, routed       int64
	processing        int64 // in the hands of workers
	outputs           []outputBalance
}

// outputBalance is taken = delivered + deadLettered + dropped + inFlight.
type outputBalance struct {
	stats                                             *pipeline.PluginStats
	taken, delivered, deadLettered, dropped, inFlight int64
}

// balanceOf reads the counts against the order in which a worker publishes them (events in, made, dropped, out, unrouted): what is
// seen at the far end was seen coming in, so nothing is negative while workers go on.
func balanceOf(p *pipeline.Pipeline) balance {
	var b balance
	for _, st := range p.Outputs() {
		o := outputBalance{
			stats: st, delivered: st.Plugin.Delivered.Load(), deadLettered: st.Plugin.DeadLettered.Load(), dropped: st.Plugin.Dropped.Load(),
		}
		// An output may deliver before the worker publishes at the end of its turn what it took.
		settled := o.delivered + o.deadLettered + o.dropped
		o.taken = max(st.In.Load(), settled)
		o.inFlight = o.taken - settled
		b.outputs = append(b.outputs, o)
	}
	s := &p.Stats
	b.unrouted = s.NoOutput.Load()
	b.out = s.Out.Load()
	b.dropped = s.DroppedLine.Load()
	b.made = s.Made.Load()
	b.received = s.In.Load()
	b.routed = b.out - b.unrouted
	b.processing = b.received + b.made - b.dropped - b.out
	return b
}

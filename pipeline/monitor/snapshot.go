package monitor

import (
	"sync"
	"time"

	"millrace/pipeline"
	"millrace/pipeline/config"
	"millrace/pipeline/plugin"
	"millrace/pipeline/queue"
)

// Snapshot is what one pipeline did since its start and does at the moment, for a page that shows it.
type Snapshot struct {
	ID       string
	State    pipeline.State
	Settings pipeline.Settings
	At       time.Time
	Started  time.Time      // zero before the start
	Files    []*config.File // nil if they are not known or are not those of the pipeline

	// Received + Made = Dropped + Unrouted + Routed + Processing, no term below zero.
	Received, Made, Dropped, Unrouted, Routed, Processing int64

	Panics, SourceErrors, OptionErrors, Mismatches int64

	Recent Rates    // of the last ten seconds
	Trend  []Moment // of the last minutes, oldest first
	Work   time.Duration
	Wait   time.Duration // of Work, waiting for outputs

	Queue                    pipeline.QueueStats
	QueueBatches, QueueSlots int
	DeadLetters              *queue.DeadLetterStats // nil: there is no dead letter queue

	Inputs, Filters, Outputs []PluginSnapshot // in the order of the config
}

// Rates are what happens in a second.
type Rates struct {
	In, Out      float64       // events
	Backpressure float64       // seconds that inputs waited for room in the queue
	Busy         float64       // seconds that workers spent on batches, over all of them
	Work         time.Duration // of workers, in all of the period
	OutputWait   time.Duration // of Work, waiting for outputs
}

// Moment is the rates of one second.
type Moment struct {
	At time.Time
	Rates
}

// PluginSnapshot is what one plugin did and does.
type PluginSnapshot struct {
	ID, Name string
	Kind     plugin.Kind

	In, Out, Matched, Failures int64
	FailureTag                 string // what a failure is told by, "" if it is not known
	Bytes, Batches, Restarts   int64
	Nanos                      time.Duration // spent, estimated from a sample of the events

	Rate        float64       // events in a second, of the last ten
	RecentIn    int64         // events of the last ten seconds
	RecentNanos time.Duration // time spent on them

	// Of an output: taken = Delivered + DeadLettered + Rejected + InFlight.
	Taken, Delivered, DeadLettered, Rejected, InFlight, Retried int64

	Own map[string]any // what the plugin tells of itself (NodeStats)
}

// Snapshots returns a snapshot of each pipeline.
func (s *Server) Snapshots() []Snapshot {
	out := make([]Snapshot, len(s.views))
	for i, v := range s.views {
		out[i] = s.snapshot(v, time.Now())
	}
	return out
}

func (s *Server) snapshot(v *view, now time.Time) Snapshot {
	b := balanceOf(v.Pipeline.Pipeline)
	st := &v.Stats
	o := Snapshot{
		ID: v.ID(), State: v.State(), Settings: v.Settings(), At: now,
		Received: b.received, Made: b.made, Dropped: b.dropped, Unrouted: b.unrouted, Routed: b.routed, Processing: b.processing,
		Panics: st.Panics.Load(), SourceErrors: st.SourceErrs.Load(), OptionErrors: st.OptionErrs.Load(), Mismatches: v.Mismatches(),
		Work: time.Duration(st.WorkNanos.Load()), Wait: time.Duration(st.FlushNanos.Load()), Trend: v.trend.moments(), Queue: v.QueueStats(),
	}
	if o.State >= pipeline.Running {
		o.Started = st.Started
	}
	if v.graph != nil {
		o.Files = v.Files
	}
	o.QueueBatches, o.QueueSlots = v.Pipeline.Queue()
	if d := v.DeadLetters(); d != nil {
		stats := d.Stats()
		o.DeadLetters = &stats
	}
	flows := v.history.flows(v.capture(now))
	f := flows[0]
	for i := range flows {
		if flows[i].name == "current" {
			f = flows[i]
		}
	}
	seconds := max(f.elapsed.Seconds(), 1e-3)
	o.Recent = Rates{
		In: f.delta(countIn) / seconds, Out: f.delta(countOut) / seconds, Backpressure: f.delta(countPushWait) / 1e9 / seconds,
		Busy: f.delta(countWork) / 1e9 / seconds, Work: time.Duration(f.delta(countWork)),
		OutputWait: time.Duration(f.delta(countOutputWait)),
	}
	s.snapshotPlugins(v, &o, b, f, seconds)
	return o
}

// snapshotPlugins adds the plugins.
func (s *Server) snapshotPlugins(v *view, o *Snapshot, b balance, f flow, seconds float64) {
	for i, st := range v.plugins() {
		n := countPlugins + 2*i
		p := PluginSnapshot{
			ID: st.ID, Name: st.Name, Kind: st.Kind, In: st.In.Load(), Out: st.Out.Load(), Matched: st.Matched.Load(), Failures: st.Plugin.Failures.Load(),
			Bytes: st.Bytes.Load(), Batches: st.Batches.Load(), Restarts: st.Restarts.Load(), Nanos: time.Duration(st.Nanos.Load()),
			Rate: f.delta(n) / seconds, RecentIn: int64(f.delta(n)), RecentNanos: time.Duration(f.delta(n + 1)), Own: v.nodeStats(st.ID),
		}
		if own, ok := s.options.Counters.value(v.ID(), st.ID, "failures"); ok {
			p.Failures = own
		}
		if v.Plugin != nil {
			if t, ok := v.Plugin(st.ID).(plugin.FailureTagger); ok {
				p.FailureTag = t.FailureTag()
			}
		}
		switch {
		case i < len(v.Inputs()):
			o.Inputs = append(o.Inputs, p)
		case i < len(v.Inputs())+len(v.Filters()):
			o.Filters = append(o.Filters, p)
		default:
			x := b.outputs[len(o.Outputs)]
			p.Taken, p.Delivered, p.DeadLettered, p.Rejected, p.InFlight = x.taken, x.delivered, x.deadLettered, x.dropped, x.inFlight
			p.Retried = st.Plugin.Retried.Load()
			o.Outputs = append(o.Outputs, p)
		}
	}
}

// trendLength is how many seconds of a pipeline's life a trend has: 300 of 40 bytes.
const trendLength = 300

// trend keeps a few counters of every second.
type trend struct {
	mu   sync.Mutex
	kept []trendPoint // oldest first; guarded by mu
}

type trendPoint struct {
	at                  time.Time
	in, out, wait, work int64
}

func (t *trend) add(c capture) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.kept) > trendLength {
		t.kept = append(t.kept[:0], t.kept[1:]...)
	}
	t.kept = append(t.kept, trendPoint{c.at, c.counts[countIn], c.counts[countOut], c.counts[countPushWait], c.counts[countWork]})
}

func (t *trend) moments() []Moment {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []Moment
	for i := 1; i < len(t.kept); i++ {
		a, b := t.kept[i-1], t.kept[i]
		s := b.at.Sub(a.at).Seconds()
		if s <= 0 {
			continue
		}
		out = append(out, Moment{b.at, Rates{
			In: float64(b.in-a.in) / s, Out: float64(b.out-a.out) / s, Backpressure: float64(b.wait-a.wait) / 1e9 / s,
			Busy: float64(b.work-a.work) / 1e9 / s, Work: time.Duration(b.work - a.work),
		}})
	}
	return out
}

package pipeline

import (
	"sync/atomic"
	"time"

	"millrace/pipeline/plugin"
)

// PluginStats counts what went through one plugin, over all workers. Workers add to it once a turn.
type PluginStats struct {
	ID, Name string
	Kind     plugin.Kind

	In       atomic.Int64 // events that reached it; for an input the events it made
	Out      atomic.Int64 // events that left it: In and what a filter made, less what it cancelled
	Matched  atomic.Int64 // events for which a filter succeeded
	Nanos    atomic.Int64 // time spent, estimated from a sample of the events
	Batches  atomic.Int64 // reads of an input, flushes of an output
	Bytes    atomic.Int64 // what an input read
	Restarts atomic.Int64 // of an input that failed

	Plugin *plugin.Stats // the counts that the plugin keeps itself
}

// Stats counts what a pipeline did. The conservation law of the events holds at every moment (see [Account]).
type Stats struct {
	Started time.Time

	In          atomic.Int64 // events decoded from what inputs read
	Made        atomic.Int64 // events that filters made
	DroppedLine atomic.Int64 // events that a filter of the config cancelled
	Out         atomic.Int64 // events that left the filters
	NoOutput    atomic.Int64 // of those, events that no output took: a condition in the config sent them nowhere
	Panics      atomic.Int64 // bugs that an event's content met; the event went on, tagged
	SourceErrs  atomic.Int64 // facts of a source that could not be set in an event
	OptionErrs  atomic.Int64 // common options that failed for an event

	PushWait   atomic.Int64 // nanoseconds that inputs waited for room in the queue
	WorkNanos  atomic.Int64 // nanoseconds that workers spent on batches
	FlushNanos atomic.Int64 // of those, waiting for outputs to take a batch

	QueueBatches atomic.Int64 // batches pushed and not yet taken by a worker
	QueueEvents  atomic.Int64 // records pushed and not yet settled by every output
}

// Account is the balance of a pipeline's events: Received + Made = Dropped + Unrouted + Out, and for each output what it got is
// delivered, dead-lettered, dropped by the output's rules or still in flight.
type Account struct {
	Received, Made            int64
	Dropped, Unrouted, Routed int64
	Outputs                   []OutputAccount
}

// OutputAccount is the balance of one output.
type OutputAccount struct {
	ID, Name                                          string
	Taken, Delivered, DeadLettered, Dropped, InFlight int64 // taken from the workers, and what an earlier run left on disk
	OnDisk                                            int64 // of those in flight: put aside by on_full => "spill"
}

// Account returns the balance. While events flow the numbers are read one after the other and may be a turn apart.
func (p *Pipeline) Account() Account {
	s := &p.Stats
	a := Account{
		Received: s.In.Load(), Made: s.Made.Load(), Dropped: s.DroppedLine.Load(),
		Unrouted: s.NoOutput.Load(), Routed: s.Out.Load() - s.NoOutput.Load(),
	}
	for _, o := range p.outputs {
		st := o.stats.Plugin
		oa := OutputAccount{
			ID: o.stats.ID, Name: o.stats.Name, Taken: o.stats.In.Load(),
			Delivered: st.Delivered.Load(), DeadLettered: st.DeadLettered.Load(), Dropped: st.Dropped.Load(),
		}
		if o.isolated != nil && o.isolated.spill != nil {
			oa.Taken += o.isolated.spill.restored.Load()
		}
		oa.InFlight = oa.Taken - oa.Delivered - oa.DeadLettered - oa.Dropped
		if o.isolated != nil && o.isolated.spill != nil {
			oa.OnDisk = min(oa.InFlight, o.isolated.spill.figures().Events) // an entry stays until the last of its events is settled
		}
		a.Outputs = append(a.Outputs, oa)
	}
	return a
}

package page

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"millrace/pipeline"
	"millrace/pipeline/config"
	"millrace/pipeline/monitor"
)

// pipelineView is one pipeline of the pipeline page.
type pipelineView struct {
	monitor.Snapshot
	Running  bool
	Status   string
	Up       string
	Tiles    []tile
	Trend    trendChart
	Flow     flowChart
	Inputs   []node
	Filters  []node
	Outputs  []node
	Queue    queueView
	Costs    []slice // of the workers' time
	Busy     float64 // share of the workers' time
	Account  []balanceTerm
	AddsUp   bool
	Outs     []*pluginView
	Failures []failure
}

// tile is one figure at the top.
type tile struct {
	Label, Value, Unit, Note string
	Level                    string // "", "warn" or "bad"
}

// slice is a part of a bar.
type slice struct {
	Name  string
	Value int64
	Share float64
	X, W  float64 // of 1000
	Class string
	Note  string
}

// balanceTerm is a term of the loss accounting.
type balanceTerm struct {
	Sign, Name string
	Value      int64
	Note       string
}

// failure is what went wrong for events, by the tag or the word for it.
type failure struct {
	Tag, Where string
	Count      int64
	Share      float64 // of the events that got there
}

type queueView struct {
	Type, Note    string
	Fill          float64 // of 1
	Width         float64
	Events, Bytes string
	Batches       string
}

// bulk is what an elasticsearch output tells of its requests.
type bulk struct {
	InFlight, Limit, Repeat int64
	Held, Body              int64
	OK, WithErrors, Failed  int64
	Responses               string
	Blocked                 bool
	Failing                 string
	Latency                 string
}

func (p *Page) servePipeline(w http.ResponseWriter, r *http.Request) {
	var v struct {
		Pipelines []pipelineView
		Poll      string
		One       bool
	}
	v.Poll = Prefix + "pipeline?fragment"
	mask := p.mask()
	for _, s := range p.snapshots() {
		v.Pipelines = append(v.Pipelines, newPipelineView(mask, s))
	}
	v.One = len(v.Pipelines) == 1
	p.render(w, r, http.StatusOK, "pipeline", &layout{Title: "Pipeline", Tab: "pipeline"}, &v)
}

func newPipelineView(mask masker, s monitor.Snapshot) pipelineView {
	v := pipelineView{Snapshot: s, Running: s.State == pipeline.Running, Status: stateName(s.State)}
	if !s.Started.IsZero() {
		v.Up = duration(s.At.Sub(s.Started))
	}
	total := s.Recent.Work
	recent := total > 0
	if !recent {
		total = s.Work
	}
	share := func(p monitor.PluginSnapshot) float64 {
		switch {
		case total <= 0 || string(p.Kind) == config.KindInput:
			return 0
		case recent:
			return float64(p.RecentNanos) / float64(total)
		}
		return float64(p.Nanos) / float64(total)
	}
	v.Inputs = section(mask, s.Files, config.KindInput, s.Inputs, share)
	v.Filters = section(mask, s.Files, config.KindFilter, s.Filters, share)
	v.Outputs = section(mask, s.Files, config.KindOutput, s.Outputs, share)
	each(v.Outputs, func(o *pluginView) {
		o.Bulk = newBulk(o.Own)
		o.balance()
		v.Outs = append(v.Outs, o)
	})
	v.Busy = s.Recent.Busy / float64(max(1, s.Settings.Workers))
	wait := 0.0
	switch {
	case recent:
		wait = float64(s.Recent.OutputWait) / float64(total)
	case total > 0:
		wait = float64(s.Wait) / float64(total)
	}
	v.costs(share, wait)
	v.queue()
	v.accounting()
	v.failures()
	v.tiles()
	v.Trend = newTrend(s.Trend)
	v.Flow = newFlow(&v)
	return v
}

func each(nodes []node, visit func(*pluginView)) {
	for _, n := range nodes {
		if n.Plugin != nil {
			visit(n.Plugin)
		}
		for _, a := range n.Arms {
			each(a.Nodes, visit)
		}
	}
}

func stateName(s pipeline.State) string {
	switch s {
	case pipeline.Running:
		return "running"
	case pipeline.Starting:
		return "starting"
	case pipeline.Draining:
		return "draining"
	case pipeline.Terminated:
		return "terminated"
	}
	return "not started"
}

// costs divides the workers' time among the plugins; what none of them took is decoding, conditions and, apart, waiting for outputs.
func (v *pipelineView) costs(share func(monitor.PluginSnapshot) float64, wait float64) {
	rest := 1.0
	add := func(name, class, note string, part float64) {
		if part > 0.0005 {
			v.Costs = append(v.Costs, slice{Name: name, Share: part, Class: class, Note: note})
		}
	}
	for _, p := range slices.Concat(v.Snapshot.Filters, v.Snapshot.Outputs) {
		part := min(share(p), max(rest, 0))
		rest -= part
		add(p.Name, string(p.Kind), p.ID, part)
	}
	slices.SortStableFunc(v.Costs, func(a, b slice) int { return cmp.Compare(b.Share, a.Share) })
	if len(v.Costs) == 0 && v.Work == 0 {
		return
	}
	wait = min(wait, max(rest, 0))
	add("waiting for outputs", "wait", "", wait)
	add("decoding, conditions, the rest", "rest", "", rest-wait)
	lay(v.Costs)
}

// lay puts slices side by side into a bar of 1000.
func lay(slices []slice) {
	x := 0.0
	for i := range slices {
		slices[i].X, slices[i].W = round(x), round(slices[i].Share*1000)
		x += slices[i].Share * 1000
		if n := slices[i].Class; n == string(config.KindFilter) {
			slices[i].Class = fmt.Sprintf("f%d", i%7)
		}
	}
}

func (v *pipelineView) queue() {
	q := v.Snapshot.Queue
	v.Queue = queueView{Type: q.Type, Events: count(q.Events), Bytes: size(q.Bytes), Batches: fmt.Sprintf("%d of %d batches wait", v.QueueBatches, v.QueueSlots)}
	if q.MaxBytes > 0 {
		v.Queue.Fill = min(1, float64(q.Bytes)/float64(q.MaxBytes))
		v.Queue.Note = "of " + size(q.MaxBytes)
	}
	v.Queue.Width = round(v.Queue.Fill * 100)
}

// accounting lists the terms of the pipeline's balance.
func (v *pipelineView) accounting() {
	v.Account = []balanceTerm{
		{"", "received", v.Received, "decoded from what inputs read"},
		{"+", "made", v.Made, "by filters such as split and clone"},
		{"=", "dropped", v.Dropped, "by a line of the config"},
		{"+", "sent nowhere", v.Unrouted, "no output's condition took them"},
		{"+", "in workers", v.Processing, "being filtered now"},
		{"+", "sent to outputs", v.Routed, "taken by at least one output"},
	}
	v.AddsUp = v.Received+v.Made == v.Dropped+v.Unrouted+v.Processing+v.Routed
}

// balance divides what an output took.
func (o *pluginView) balance() {
	o.AddsUp = o.Taken == o.Delivered+o.DeadLettered+o.Rejected+o.InFlight
	total := float64(max(1, o.Taken))
	for _, s := range []slice{
		{Name: "delivered", Value: o.Delivered, Class: "good"}, {Name: "in flight", Value: o.InFlight, Class: "wait"},
		{Name: "dead-lettered", Value: o.DeadLettered, Class: "dead"}, {Name: "dropped", Value: o.Rejected, Class: "bad"},
	} {
		s.Share = float64(s.Value) / total
		o.Balance = append(o.Balance, s)
	}
	lay(o.Balance)
}

// failures lists what went wrong for events.
func (v *pipelineView) failures() {
	add := func(tag, where string, n, of int64) {
		if n > 0 {
			v.Failures = append(v.Failures, failure{tag, where, n, float64(n) / float64(max(n, of))})
		}
	}
	each(v.Filters, func(p *pluginView) {
		tag := p.FailureTag
		if tag == "" {
			tag = usualTag(p.Name)
		}
		add(tag, p.Name+" "+p.Place, p.Failures, p.In)
	})
	add("_millrace_bug", "an event's content met a bug; the event went on", v.Panics, v.Received)
	add("options", "add_field and the like could not be applied", v.OptionErrors, v.Received)
	add("source", "facts of the source could not be set", v.SourceErrors, v.Received)
	add("conditions", "comparisons of values that cannot be compared were false", v.Mismatches, v.Received)
	slices.SortStableFunc(v.Failures, func(a, b failure) int { return cmp.Compare(b.Count, a.Count) })
}

// usualTag is the tag that a filter puts on events that it fails for.
func usualTag(name string) string {
	switch name {
	case "grok", "json", "date", "csv", "xml":
		return "_" + name + "parsefailure"
	case "dissect":
		return "_dissectfailure"
	case "geoip":
		return "_geoip_lookup_failure"
	}
	return name
}

func (v *pipelineView) tiles() {
	var inFlight, dead, lost int64
	for _, o := range v.Outs {
		inFlight, dead, lost = inFlight+o.InFlight, dead+o.DeadLettered, lost+o.Rejected
	}
	level := func(f, warn, bad float64) string {
		switch {
		case f >= bad:
			return "bad"
		case f >= warn:
			return "warn"
		}
		return ""
	}
	v.Tiles = []tile{
		{Label: "In", Value: rate(v.Recent.In), Unit: "/s", Note: count(v.Received) + " in all"},
		{Label: "Out", Value: rate(v.Recent.Out), Unit: "/s", Note: count(v.Routed+v.Unrouted) + " in all"},
		{Label: "Back-pressure", Value: percent(v.Recent.Backpressure), Note: "time inputs waited", Level: level(v.Recent.Backpressure, 0.1, 0.8)},
		{Label: "Workers", Value: percent(min(v.Busy, 1)), Note: fmt.Sprintf("of %d busy", v.Settings.Workers), Level: level(v.Busy, 0.9, 2)},
		{Label: "In flight", Value: count(inFlight), Note: "taken, not yet settled"},
		{Label: "Dead letters", Value: count(dead), Note: deadNote(v.DeadLetters != nil, lost), Level: level(float64(dead+lost), 1, 1e18)},
	}
}

func deadNote(on bool, lost int64) string {
	switch {
	case lost > 0:
		return count(lost) + " dropped by outputs"
	case on:
		return "kept on disk"
	}
	return "no queue for them"
}

// newBulk reads what the elasticsearch output tells of itself, nil for other outputs.
func newBulk(own map[string]any) *bulk {
	requests, ok := own["requests"].(map[string]any)
	if !ok {
		return nil
	}
	n := func(m map[string]any, key string) int64 {
		switch x := m[key].(type) {
		case int:
			return int64(x)
		case int64:
			return x
		}
		return 0
	}
	b := &bulk{
		InFlight: n(requests, "in_flight"), Limit: n(requests, "limit"), Repeat: n(requests, "to_repeat"), Held: n(requests, "held_in_bytes"),
		Body: n(requests, "body_in_bytes"),
	}
	b.Blocked, _ = requests["blocked"].(bool)
	b.Failing, _ = requests["failing"].(string)
	b.Failing = visible(hideLoose(short(b.Failing, 300)))
	if us := n(requests, "latency_in_micros"); us > 0 {
		b.Latency = took(time.Duration(us) * time.Microsecond)
	}
	if bulk, ok := own["bulk_requests"].(map[string]any); ok {
		b.OK, b.WithErrors, b.Failed = n(bulk, "successes"), n(bulk, "with_errors"), n(bulk, "failures")
		if responses, ok := bulk["responses"].(map[string]int64); ok {
			var parts []string
			for status, n := range responses {
				parts = append(parts, status+": "+count(n))
			}
			slices.Sort(parts)
			b.Responses = strings.Join(parts, ", ")
		}
	}
	return b
}

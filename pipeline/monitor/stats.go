package monitor

import (
	"millrace/pipeline"
	"millrace/pipeline/config"
	"millrace/pipeline/queue"
)

// capturer returns the flows of a view up to the moment of an answer.
type capturer func(*view) []flow

// eventsJSON is "events" of a pipeline or, in another order, of the node.
func eventsJSON(in, out, nanos, push int64, node bool) object {
	if node {
		return object{
			{"in", in}, {"filtered", out}, {"out", out}, {"duration_in_millis", nanos / 1e6}, {"queue_push_duration_in_millis", push / 1e6},
		}
	}
	return object{
		{"duration_in_millis", nanos / 1e6}, {"filtered", out}, {"in", in}, {"out", out}, {"queue_push_duration_in_millis", push / 1e6},
	}
}

// utilization is how busy the workers were, in percent.
func (v *view) utilization(flows []flow) object {
	return rates(flows, share(countWork, 100/float64(v.Settings().Workers)))
}

func (v *view) flowJSON(flows []flow) object {
	o := object{
		{"worker_concurrency", rates(flows, share(countWork, 1))},
		{"input_throughput", rates(flows, perSecond(countIn))},
		{"output_throughput", rates(flows, perSecond(countOut))},
		{"queue_backpressure", rates(flows, share(countPushWait, 1))},
		{"worker_utilization", v.utilization(flows)},
		{"filter_throughput", rates(flows, perSecond(countFiltered))},
	}
	if v.QueueStats().Type == persisted {
		o = append(o, member{"queue_persisted_growth_events", rates(flows, perSecond(countQueueEvents))},
			member{"queue_persisted_growth_bytes", rates(flows, perSecond(countQueueBytes))})
	}
	return o
}

// persisted is the type of a queue on disk.
const persisted = "persisted"

// queueJSON is "queue" of a pipeline.
func (v *view) queueJSON() object {
	q := v.QueueStats()
	o := object{{"type", q.Type}}
	if q.Type == persisted {
		o = append(o, member{"capacity", object{{"max_queue_size_in_bytes", q.MaxBytes}, {"queue_size_in_bytes", q.Bytes}}}, member{"events", q.Events})
	}
	return append(o, member{"events_count", q.Events}, member{"queue_size_in_bytes", q.Bytes}, member{"max_queue_size_in_bytes", q.MaxBytes})
}

// deadLettersJSON is "dead_letter_queue" of a pipeline that has one.
func deadLettersJSON(s queue.DeadLetterStats) object {
	lastError := s.LastError
	if lastError == "" {
		lastError = "no errors"
	}
	return object{
		{"last_error", lastError}, {"max_queue_size_in_bytes", s.MaxBytes}, {"queue_size_in_bytes", s.Bytes},
		{"dropped_events", s.Dropped}, {"expired_events", s.Expired}, {"storage_policy", string(s.Policy)},
	}
}

// pipelineJSON is a pipeline in /_node/stats/pipelines.
func (s *Server) pipelineJSON(v *view, flows []flow, vertices bool) object {
	b := balanceOf(v.Pipeline.Pipeline)
	o := object{
		{"events", eventsJSON(b.received, b.out, v.Stats.WorkNanos.Load(), v.Stats.PushWait.Load(), false)},
		{"flow", v.flowJSON(flows)},
		{"plugins", s.pluginsJSON(v, flows)},
		{"reloads", object{
			{"failures", 0}, {"successes", 0}, {"last_failure_timestamp", nil}, {"last_success_timestamp", nil}, {"last_error", nil},
		}},
		{"queue", v.queueJSON()},
	}
	if d := v.DeadLetters(); d != nil {
		o = append(o, member{"dead_letter_queue", deadLettersJSON(d.Stats())})
	}
	o = append(o, member{"pipeline", settingsJSON(v.Settings())}, member{"hash", v.hash}, member{"ephemeral_id", v.ephemeralID})
	if vertices {
		o = append(o, member{"vertices", s.verticesJSON(v)})
	}
	return o
}

func settingsJSON(s pipeline.Settings) object {
	return object{{"workers", s.Workers}, {"batch_size", s.BatchSize}, {"batch_delay", s.BatchDelay.Milliseconds()}}
}

// pluginsJSON is "plugins" of a pipeline.
func (s *Server) pluginsJSON(v *view, flows []flow) object {
	inputs, codecs, filters, outputs := list{}, list{}, list{}, list{}
	n := countPlugins
	for _, st := range v.Inputs() {
		inputs = append(inputs, object{
			{"id", st.ID},
			{"flow", object{{"throughput", rates(flows, perSecond(n))}}},
			{"name", st.Name},
			{"events", object{{"out", st.Out.Load()}, {"queue_push_duration_in_millis", v.pushNanos(st) / 1e6}}},
		})
		n += 2
	}
	for _, st := range v.Filters() {
		filters = append(filters, s.workerPluginJSON(v, st, flows, n))
		n += 2
	}
	for _, st := range v.Outputs() {
		outputs = append(outputs, s.workerPluginJSON(v, st, flows, n))
		n += 2
	}
	for _, st := range append(v.Inputs(), v.Outputs()...) {
		if c := s.codecJSON(v, st); c != nil {
			codecs = append(codecs, c)
		}
	}
	return object{{"inputs", inputs}, {"codecs", codecs}, {"filters", filters}, {"outputs", outputs}}
}

// pushNanos is how long an input waited for room in the queue. The pipeline counts that over all inputs, so it is known of one that
// is alone; of several each may have a count of its own.
func (v *view) pushNanos(st *pipeline.PluginStats) int64 {
	if len(v.Inputs()) == 1 {
		return v.Stats.PushWait.Load()
	}
	return st.Nanos.Load()
}

// workerPluginJSON is a filter or output; its counts in a capture are n and n+1.
func (s *Server) workerPluginJSON(v *view, st *pipeline.PluginStats, flows []flow, n int) object {
	o := object{{"id", st.ID}}
	extra := s.pluginOwn(v, st)
	for _, key := range []string{"documents", "bulk_requests"} {
		if x := extra.get(key); x != nil {
			o = append(o, member{key, x})
		}
	}
	o = append(o, member{"flow", object{
		{"worker_millis_per_event", rates(flows, millisPer(n+1, n))},
		{"worker_utilization", rates(flows, share(n+1, 100/float64(v.Settings().Workers)))},
	}})
	if f := extra.get("failures"); f != nil {
		o = append(o, member{"failures", f})
	}
	o = append(o, member{"name", st.Name}, member{"events", object{
		{"duration_in_millis", st.Nanos.Load() / 1e6}, {"in", st.In.Load()}, {"out", st.Out.Load()},
	}})
	for _, m := range extra {
		if o.get(m.key) == nil {
			o = append(o, m)
		}
	}
	return o
}

// pluginOwn returns what a plugin counts beyond what every plugin does: matches and failures of the filters that Logstash has them
// for, and what the plugin tells itself.
func (s *Server) pluginOwn(v *view, st *pipeline.PluginStats) object {
	var o object
	failures := st.Plugin.Failures.Load()
	if n, ok := s.options.Counters.value(v.ID(), st.ID, "failures"); ok {
		failures = n
	}
	matching := st.Name == "grok" || st.Name == "date" || st.Name == "dissect"
	if failures > 0 || st.Name == "grok" {
		o = append(o, member{"failures", failures})
	}
	for _, m := range sortedObject(v.nodeStats(st.ID)) {
		if m.key != clusterUUID && o.get(m.key) == nil {
			o = append(o, m)
		}
	}
	if sp, ok := v.Spills()[st.ID]; ok {
		o = append(o, member{"spill", object{
			{"active", sp.Active}, {"events", sp.Events}, {"size_in_bytes", sp.Bytes}, {"max_size_in_bytes", sp.MaxBytes},
			{"spilled", sp.Spilled}, {"replayed", sp.Replayed}, {"restored", sp.Restored},
		}})
	}
	if st.Name == "grok" && o.get("patterns_per_field") == nil && v.graph != nil {
		if n := patternsPerField(v.graph.nodes[st.ID]); len(n) > 0 {
			o = append(o, member{"patterns_per_field", n})
		}
	}
	if matching && o.get("matches") == nil {
		o = append(o, member{"matches", st.Matched.Load()})
	}
	return o
}

// clusterUUID is the key of an output's NodeStats that belongs to its vertex.
const clusterUUID = "cluster_uuid"

// nodeStats returns what a plugin tells of itself, nil if nothing.
func (v *view) nodeStats(id string) map[string]any {
	if v.Plugin == nil {
		return nil
	}
	if p, ok := v.Plugin(id).(NodeStats); ok {
		return p.NodeStats()
	}
	return nil
}

func (v *view) clusterUUID(id string) any { return v.nodeStats(id)[clusterUUID] }

// patternsPerField counts the patterns of grok's match as they stand in the config.
func patternsPerField(node *config.PluginNode) map[string]int64 {
	out := make(map[string]int64)
	if node == nil {
		return out
	}
	for _, a := range node.Attributes {
		if a.Name != "match" {
			continue
		}
		switch v := a.Value.(type) {
		case *config.HashLit:
			for _, e := range v.Entries {
				out[textOf(e.Key)] += patterns(e.Value)
			}
		case *config.Array:
			for i := 0; i+1 < len(v.Items); i += 2 {
				out[textOf(v.Items[i])] += patterns(v.Items[i+1])
			}
		}
	}
	return out
}

func patterns(e config.Expr) int64 {
	if a, ok := e.(*config.Array); ok {
		return int64(len(a.Items))
	}
	return 1
}

func textOf(e config.Expr) string {
	switch e := e.(type) {
	case *config.String:
		return e.Text
	case *config.Bareword:
		return e.Text
	}
	return ""
}

// codecJSON is the codec of an input or output; nil if the config is not known. Decoding and encoding are part of the work of the
// plugin's worker and not timed for themselves: their durations are 0.
func (s *Server) codecJSON(v *view, st *pipeline.PluginStats) any {
	if v.graph == nil {
		return nil
	}
	name, id := s.codecName(v.graph.nodes[st.ID], st)
	if id == "" {
		id = name + "_" + nameUUID(v.ID()+"/"+st.ID)
	}
	var decodeIn, decodeOut, encodeIn int64
	if string(st.Kind) == config.KindInput {
		decodeIn, decodeOut = st.Batches.Load(), st.Out.Load()
	} else {
		encodeIn = st.In.Load()
	}
	return object{
		{"id", id},
		{"decode", object{{"duration_in_millis", 0}, {"out", decodeOut}, {"writes_in", decodeIn}}},
		{"name", name},
		{"encode", object{{"duration_in_millis", 0}, {"writes_in", encodeIn}}},
	}
}

// codecName finds the codec of a plugin: the config's, or the plugin's own; where records are cut out of a stream, plain is line and
// json is json_lines (plugin.Codec.Streaming).
func (s *Server) codecName(node *config.PluginNode, st *pipeline.PluginStats) (name, id string) {
	name = "plain"
	streams := false
	if s.options.Registry != nil {
		if d := s.options.Registry.Lookup(st.Kind, st.Name); d != nil {
			streams = d.Streams
			if d.DefaultCodec != "" {
				name = d.DefaultCodec
			}
		}
	}
	switch c := attribute(node, "codec").(type) {
	case *config.PluginNode:
		name = c.Name
		if x := attribute(c, "id"); x != nil {
			id = textOf(x)
		}
	case *config.String, *config.Bareword:
		name = textOf(c)
	}
	if streams && name == "plain" {
		name = "line"
	}
	if streams && name == "json" {
		name = "json_lines"
	}
	return name, id
}

// verticesJSON is "vertices" of a pipeline: the plugins once more, in the form that Metricbeat wants.
func (s *Server) verticesJSON(v *view) list {
	out := list{}
	for _, st := range v.plugins() {
		o := object{{"id", st.ID}, {"pipeline_ephemeral_id", v.ephemeralID}}
		if string(st.Kind) == config.KindInput {
			out = append(out, append(o, member{"events_out", st.Out.Load()}, member{"queue_push_duration_in_millis", v.pushNanos(st) / 1e6}))
			continue
		}
		if x := v.clusterUUID(st.ID); x != nil {
			o = append(o, member{clusterUUID, x})
		}
		if counters := longCounters(nil, "", s.pluginOwn(v, st)); len(counters) > 0 {
			o = append(o, member{"long_counters", counters})
		}
		out = append(out, append(o, member{"duration_in_millis", st.Nanos.Load() / 1e6}, member{"events_in", st.In.Load()},
			member{"events_out", st.Out.Load()}))
	}
	return out
}

// longCounters flattens a plugin's own counts: documents.successes. Counts of fields are no counters.
func longCounters(out list, prefix string, o object) list {
	for _, m := range o {
		if m.key == "patterns_per_field" {
			continue
		}
		switch x := m.value.(type) {
		case int, int64, uint64:
			out = append(out, object{{"name", prefix + m.key}, {"value", x}})
		case object:
			out = longCounters(out, prefix+m.key+".", x)
		case map[string]any:
			out = longCounters(out, prefix+m.key+".", sortedObject(x))
		case map[string]int64:
			nested := object{}
			for k, n := range x {
				nested = append(nested, member{k, n})
			}
			out = longCounters(out, prefix+m.key+".", sorted(nested))
		}
	}
	return out
}

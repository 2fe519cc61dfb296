package monitor

import (
	"runtime"
	"time"

	"millrace/pipeline"
)

// metadata is what every answer begins with.
func (s *Server) metadata(st status) object {
	return object{
		{"host", s.options.Hostname}, {"version", s.options.Version}, {"http_address", s.address()}, {"id", s.options.NodeID},
		{"name", s.options.NodeName}, {"ephemeral_id", s.ephemeralID}, {"snapshot", nil}, {"status", st.String()},
		{"pipeline", settingsJSON(s.settings())},
	}
}

// settings are those of the first pipeline; the defaults of logstash.yml are not told apart from them.
func (s *Server) settings() pipeline.Settings {
	if len(s.views) > 0 {
		return s.views[0].Settings()
	}
	d := pipeline.DefaultSettings()
	d.Workers = runtime.GOMAXPROCS(0)
	return d
}

// pipelineInfo is a pipeline in /_node/pipelines.
func (s *Server) pipelineInfo(v *view, withGraph bool) object {
	ps := v.Settings()
	o := object{
		{"ephemeral_id", v.ephemeralID}, {"hash", v.hash}, {"workers", ps.Workers}, {"batch_size", ps.BatchSize},
		{"batch_delay", ps.BatchDelay.Milliseconds()}, {"config_reload_automatic", s.options.ReloadAutomatic},
		{"config_reload_interval", s.options.ReloadInterval.Nanoseconds()}, {"dead_letter_queue_enabled", v.DeadLetters() != nil},
	}
	if d := v.DeadLetters(); d != nil {
		o = append(o, member{"dead_letter_queue_path", d.Dir()})
	}
	if withGraph && v.graph != nil {
		o = append(o, member{"graph", v.graph.json(v.hash, v.clusterUUID)})
	}
	return o
}

// nodeInfo is the sections of /_node.
func (s *Server) nodeInfo(withGraph bool) object {
	pipelines := object{}
	for _, v := range s.views {
		pipelines = append(pipelines, member{v.ID(), s.pipelineInfo(v, withGraph)})
	}
	return object{{"pipelines", pipelines}, {"os", osInfo()}, {"jvm", s.runtime.jvmInfo()}}
}

// pluginList is /_node/plugins. Logstash lists the gems that are installed, with their versions; Millrace's plugins are parts of the
// program and have its version.
func (s *Server) pluginList() object {
	l := list{}
	if s.options.Registry != nil {
		for _, d := range s.options.Registry.All() {
			l = append(l, object{{"name", "logstash-" + string(d.Kind) + "-" + d.Name}, {"version", s.options.Build}})
		}
	}
	return object{{"total", len(l)}, {"plugins", l}}
}

// nodeStats is the sections of /_node/stats.
func (s *Server) nodeStats(now time.Time, flows capturer, vertices bool) object {
	var in, out, work, push, queued int64
	pipelines := object{}
	for _, v := range s.views {
		b := balanceOf(v.Pipeline.Pipeline)
		in, out = in+b.received, out+b.out
		work, push, queued = work+v.Stats.WorkNanos.Load(), push+v.Stats.PushWait.Load(), queued+v.QueueStats().Events
		pipelines = append(pipelines, member{v.ID(), s.pipelineJSON(v, flows(v), vertices)})
	}
	return object{
		{"jvm", s.runtime.jvmStats(now)},
		{"process", s.runtime.process()},
		{"events", eventsJSON(in, out, work, push, true)},
		{"flow", s.nodeFlow(now)},
		{"pipelines", pipelines},
		{"reloads", object{{"failures", 0}, {"successes", 0}}},
		{"os", osStats()},
		{"queue", object{{"events_count", queued}}},
	}
}

// nodeFlow is "flow" of the node: the sums of the pipelines.
func (s *Server) nodeFlow(now time.Time) object {
	flows := s.history.flows(s.capture(now))
	return object{
		{"input_throughput", rates(flows, perSecond(countIn))},
		{"filter_throughput", rates(flows, perSecond(countFiltered))},
		{"output_throughput", rates(flows, perSecond(countOut))},
		{"queue_backpressure", rates(flows, share(countPushWait, 1))},
		{"worker_concurrency", rates(flows, share(countWork, 1))},
	}
}

// capture sums the counters of all pipelines.
func (s *Server) capture(now time.Time) capture {
	sum := make([]int64, countPlugins)
	for _, v := range s.views {
		c := v.capture(now)
		for i := range sum {
			sum[i] += c.counts[i]
		}
	}
	return capture{now, sum}
}

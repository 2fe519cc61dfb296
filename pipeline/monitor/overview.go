package monitor

import (
	"net/http"
	"strings"
	"time"

	"millrace/pipeline"
	"millrace/pipeline/config"
)

// serveOverview answers with what millrace top shows: the snapshots of all pipelines with the places of their plugins. Its times are
// nanoseconds and its counts are since the start.
func (s *Server) serveOverview(w http.ResponseWriter, r *http.Request) {
	pipelines := list{}
	for i, snap := range s.Snapshots() {
		pipelines = append(pipelines, overviewJSON(&snap, s.views[i].TapPoints(), s.views[i].Followers()))
	}
	write(w, r, http.StatusOK, object{
		{"name", s.options.NodeName}, {"version", s.options.Build}, {"uptime", int64(time.Since(s.options.Began))}, {"pipelines", pipelines},
	})
}

func overviewJSON(s *Snapshot, points []pipeline.TapPoint, followers int) object {
	o := object{
		{"id", s.ID}, {"state", stateName(s.State)}, {"workers", s.Settings.Workers}, {"followers", followers},
		{"account", object{
			{"received", s.Received}, {"made", s.Made}, {"dropped", s.Dropped}, {"unrouted", s.Unrouted}, {"routed", s.Routed},
			{"processing", s.Processing},
		}},
		{"trouble", object{
			{"panics", s.Panics}, {"source_errors", s.SourceErrors}, {"option_errors", s.OptionErrors}, {"mismatches", s.Mismatches},
		}},
		{"rates", object{
			{"in", significant(s.Recent.In)}, {"out", significant(s.Recent.Out)}, {"backpressure", significant(s.Recent.Backpressure)},
			{"busy", significant(s.Recent.Busy)}, {"work", int64(s.Recent.Work)},
		}},
		{"work", int64(s.Work)}, {"output_wait", int64(s.Wait)},
		{"queue", object{{"type", s.Queue.Type}, {"events", s.Queue.Events}, {"bytes", s.Queue.Bytes}, {"max_bytes", s.Queue.MaxBytes}}},
	}
	if d := s.DeadLetters; d != nil {
		o = append(o, member{"dead_letters", object{
			{"written", d.Written}, {"bytes", d.Bytes}, {"max_bytes", d.MaxBytes}, {"dropped", d.Dropped}, {"expired", d.Expired},
		}})
	}
	places := make(map[string]pipeline.TapPoint, len(points))
	for _, p := range points {
		places[p.PluginID] = p
	}
	plugins := list{}
	for _, all := range [][]PluginSnapshot{s.Inputs, s.Filters, s.Outputs} {
		for i := range all {
			plugins = append(plugins, pluginOverview(&all[i], places[all[i].ID]))
		}
	}
	return append(o, member{"plugins", plugins})
}

func pluginOverview(p *PluginSnapshot, place pipeline.TapPoint) object {
	o := object{
		{"id", p.ID}, {"kind", string(p.Kind)}, {"name", p.Name}, {"file", place.File}, {"line", place.Line},
		{"condition", strings.Join(place.Conditions, " > ")},
		{"in", p.In}, {"out", p.Out}, {"matched", p.Matched}, {"failures", p.Failures}, {"nanos", int64(p.Nanos)},
		{"bytes", p.Bytes}, {"restarts", p.Restarts},
		{"rate", significant(p.Rate)}, {"recent_in", p.RecentIn}, {"recent_nanos", int64(p.RecentNanos)},
	}
	if string(p.Kind) == config.KindOutput {
		o = append(o, member{"account", object{
			{"taken", p.Taken}, {"delivered", p.Delivered}, {"dead_lettered", p.DeadLettered}, {"dropped", p.Rejected},
			{"in_flight", p.InFlight}, {"retried", p.Retried},
		}})
	}
	if len(p.Own) > 0 {
		own := sortedObject(p.Own)
		o = append(o, member{"own", own})
	}
	return o
}

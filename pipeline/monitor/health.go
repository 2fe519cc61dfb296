package monitor

import (
	"fmt"
	"strings"

	"millrace/pipeline"
)

// status is a health status, better ones being smaller; unknown stands where Logstash ranks it.
type status int

const (
	green status = iota
	unknown
	yellow
	red
)

func (s status) String() string { return [...]string{"green", "unknown", "yellow", "red"}[s] }

// finding is why a pipeline is not green.
type finding struct {
	status        status
	probe         string
	cause, action string
	impact        string
	severity      int
}

// runState is the state of a pipeline in Logstash's words.
func runState(p *pipeline.Pipeline) string {
	switch p.State() {
	case pipeline.Running:
		return "RUNNING"
	case pipeline.Draining:
		return "FINISHED"
	case pipeline.Terminated:
		select {
		case <-p.Running():
			return "FINISHED"
		default:
			return "TERMINATED"
		}
	}
	return "LOADING"
}

// findings returns what is wrong with v: its state, and workers that have been busy all the time.
func (v *view) findings(flows []flow) []finding {
	var out []finding
	switch runState(v.Pipeline.Pipeline) {
	case "LOADING":
		out = append(out, finding{yellow, "status", "pipeline is loading", "if the pipeline does not come up, look into the log", "the pipeline is loading", 1})
	case "FINISHED":
		out = append(out, finding{yellow, "status", "the inputs of the pipeline have ended and its events were processed",
			"if it should run on, give it an input that does", "the pipeline has finished running", 10})
	case "TERMINATED":
		out = append(out, finding{red, "status", "the pipeline could not be started", "look into the log", "the pipeline is not running", 1})
	}
	u := make(map[string]float64)
	for _, m := range v.utilization(flows) {
		u[m.key] = float64(m.value.(rate))
	}
	const full, nearly = 99.999, 95
	switch {
	case u["last_5_minutes"] >= full:
		out = append(out, finding{red, "flow:worker_utilization", "the workers were busy for five minutes without a pause",
			"look for a slow output or filter, or add workers", "the pipeline is blocked", 1})
	case u["last_1_minute"] >= full:
		out = append(out, finding{yellow, "flow:worker_utilization", "the workers were busy for a minute without a pause",
			"look for a slow output or filter, or add workers", "the pipeline is blocked", 2})
	case u["last_5_minutes"] >= nearly:
		out = append(out, finding{yellow, "flow:worker_utilization", "the workers were busy for nearly all of five minutes",
			"look for a slow output or filter, or add workers", "the pipeline is nearly blocked", 3})
	}
	return out
}

func worst(findings []finding) status {
	s := green
	for _, f := range findings {
		s = max(s, f.status)
	}
	return s
}

// pipelineHealth is a pipeline's indicator in /_health_report.
func (v *view) pipelineHealth(flows []flow) (object, status) {
	findings := v.findings(flows)
	s := worst(findings)
	o := object{{"status", s.String()}}
	switch len(findings) {
	case 0:
		o = append(o, member{"symptom", "The pipeline is healthy"})
	case 1:
		o = append(o, member{"symptom", fmt.Sprintf("The pipeline has 1 finding (`%s`)", findings[0].probe)})
	default:
		o = append(o, member{"symptom", fmt.Sprintf("The pipeline has %d findings (`%s`)", len(findings), probes(findings))})
	}
	var diagnosis, impacts list
	for _, f := range findings {
		id := "logstash:health:pipeline:" + f.probe
		diagnosis = append(diagnosis, object{{"id", id + ":diagnosis"}, {"cause", f.cause}, {"action", f.action}})
		impacts = append(impacts, object{
			{"id", id + ":impact"}, {"severity", f.severity}, {"description", f.impact}, {"impact_areas", []string{"pipeline_execution"}},
		})
	}
	if len(findings) > 0 {
		o = append(o, member{"diagnosis", diagnosis}, member{"impacts", impacts})
	}
	u := v.utilization(flows)
	if n := len(u); n > 0 && u[n-1].key == "lifetime" { // which Logstash puts first here
		u = append(object{u[n-1]}, u[:n-1]...)
	}
	return append(o, member{"details", object{
		{"status", object{{"state", runState(v.Pipeline.Pipeline)}}},
		{"flow", object{{"worker_utilization", u}}},
	}}), s
}

func probes(findings []finding) string {
	names := make([]string, len(findings))
	for i, f := range findings {
		names[i] = f.probe
	}
	return strings.Join(names, "`, `")
}

// health returns the status of all pipelines and the members of /_health_report.
func (s *Server) health(now capturer) (object, status) {
	indicators := make(object, 0, len(s.views))
	total := green
	counts := make(map[status][]string)
	for _, v := range s.views {
		o, st := v.pipelineHealth(now(v))
		indicators = append(indicators, member{v.ID(), o})
		total = max(total, st)
		counts[st] = append(counts[st], v.ID())
	}
	var parts []string
	for _, st := range []status{red, yellow, unknown, green} {
		if ids := counts[st]; len(ids) > 0 {
			parts = append(parts, symptom(st, ids))
		}
	}
	pipelines := object{{"status", total.String()}, {"symptom", strings.Join(parts, " and ")}, {"indicators", indicators}}
	return object{
		{"status", total.String()}, {"symptom", symptom(total, []string{"pipelines"})},
		{"indicators", object{{"pipelines", pipelines}}},
	}, total
}

func symptom(s status, ids []string) string {
	word := map[status]string{green: "healthy", unknown: "unknown", yellow: "concerning", red: "unhealthy"}[s]
	if len(ids) == 1 {
		return fmt.Sprintf("1 indicator is %s (`%s`)", word, ids[0])
	}
	return fmt.Sprintf("%d indicators are %s (`%s`)", len(ids), word, strings.Join(ids, "`, `"))
}

// unready returns why the program is not ready to take events; empty if it is.
func (s *Server) unready() []string {
	var out []string
	for _, v := range s.views {
		if st := v.State(); st != pipeline.Running {
			out = append(out, fmt.Sprintf("pipeline %s is %s", v.ID(), stateName(st)))
		}
	}
	return out
}

func stateName(s pipeline.State) string {
	switch s {
	case pipeline.Compiled:
		return "not started"
	case pipeline.Starting:
		return "starting"
	case pipeline.Running:
		return "running"
	case pipeline.Draining:
		return "draining"
	}
	return "terminated"
}

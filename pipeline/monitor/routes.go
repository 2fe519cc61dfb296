package monitor

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// routes is the table of the API.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	s.mux = mux
	metrics := s.metricsHandler()
	for _, r := range []struct {
		pattern string
		serve   http.HandlerFunc
	}{
		{"GET /{$}", s.serveRoot},
		{"GET /_node/{$}", s.serveNode},
		{"GET /_node", s.serveNode},
		{"GET /_node/{filter}", s.serveNode},
		{"GET /_node/pipelines/{id}", s.serveNodePipeline},
		{"GET /_node/plugins", s.servePlugins},
		{"GET /_node/hot_threads", s.serveHotThreads},
		{"GET /_node/stats", s.serveStats},
		{"GET /_node/stats/{$}", s.serveStats},
		{"GET /_node/stats/{filter}", s.serveStats},
		{"GET /_node/stats/pipelines/{id}", s.serveStatsPipeline},
		{"GET /_node/logging", s.serveLogging},
		{"PUT /_node/logging", s.mayWrite(s.putLogging)},
		{"PUT /_node/logging/reset", s.mayWrite(s.putLoggingReset)},
		{"GET /_health_report", s.serveHealth},
		{"GET /healthz", s.serveReady},
		{"GET /livez", s.serveLive},
		{"GET /metrics", metrics.ServeHTTP},
		{"GET /_millrace/overview", s.serveOverview},
		{"GET /_millrace/tap/points", s.servePoints},
		{"GET /_millrace/tap", s.serveTap},
		{"GET /_millrace/profile", s.serveProfile},
	} {
		mux.HandleFunc(r.pattern, r.serve)
	}
	route := s.authenticate(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := mux.Handler(r); pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		if allowed := allowedMethods(mux, r); len(allowed) > 0 {
			w.Header().Set("Allow", strings.Join(allowed, ", "))
			fail(w, r, http.StatusMethodNotAllowed, "Method Not Allowed")
			return
		}
		w.Header().Set("X-Cascade", "pass")
		fail(w, r, http.StatusNotFound, "Not Found")
	}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if r.ContentLength != 0 { // a body has to come in time; a request without one may wait for its answer
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(readTimeout)) // what is no connection has no deadline
		}
		route.ServeHTTP(w, r)
	})
}

// allowedMethods returns the methods that the path of r has.
func allowedMethods(mux *http.ServeMux, r *http.Request) []string {
	var out []string
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPut} {
		other := r.Clone(r.Context())
		other.Method = method
		if _, pattern := mux.Handler(other); pattern != "" {
			out = append(out, method)
		}
	}
	return out
}

// write answers with v. Answers to GET are pretty unless ?pretty=false, others only with ?pretty, as they were recorded.
func write(w http.ResponseWriter, r *http.Request, code int, v any) {
	pretty := r.Method == http.MethodGet || r.Method == http.MethodHead
	if q := r.URL.Query(); q.Has("pretty") {
		pretty = q.Get("pretty") != "false"
	}
	body := appendJSON(nil, v, pretty)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(code)
	_, _ = w.Write(body) // an error is the client's
}

func fail(w http.ResponseWriter, r *http.Request, code int, message string) {
	write(w, r, code, object{{"path", r.URL.Path}, {"status", code}, {"error", object{{"message", message}}}})
}

func notFound(w http.ResponseWriter, r *http.Request) {
	fail(w, r, http.StatusNotFound, "Not Found")
}

// respond answers with members behind the metadata.
func (s *Server) respond(w http.ResponseWriter, r *http.Request, code int, o object) {
	_, st := s.health(flowsAt(time.Now()))
	write(w, r, code, append(s.metadata(st), o...))
}

// flowsAt returns what reads the flows of views at one moment.
func flowsAt(now time.Time) capturer {
	return func(v *view) []flow { return v.history.flows(v.capture(now)) }
}

// selected returns the members of o that a filter "jvm,process" names, all if it is empty; nil if it names none.
func selected(o object, filter string) object {
	if filter == "" {
		return o
	}
	names := strings.Split(filter, ",")
	for i := range names {
		names[i] = strings.TrimSpace(names[i])
	}
	return slices.DeleteFunc(o, func(m member) bool { return !slices.Contains(names, m.key) })
}

func isTrue(r *http.Request, name string) bool {
	q := r.URL.Query()
	return q.Has(name) && q.Get(name) != "false"
}

// serveRoot answers GET /, with ?wait_for_status and ?timeout when the health is as good as asked for.
// A browser is sent to the page, if there is one.
func (s *Server) serveRoot(w http.ResponseWriter, r *http.Request) {
	if s.home != "" {
		w.Header().Set("Vary", "Accept")
		if prefersHTML(r.Header.Values("Accept")) {
			http.Redirect(w, r, s.home, http.StatusFound)
			return
		}
	}
	q := r.URL.Query()
	want := -1
	if q.Has("wait_for_status") {
		name := strings.ToLower(q.Get("wait_for_status"))
		want = slices.Index([]string{green.String(), "", yellow.String(), red.String()}, name)
		if want < 0 || name == "" {
			fail(w, r, http.StatusBadRequest, fmt.Sprintf("Invalid status '%s' provided. The valid statuses are: green, yellow, red.", q.Get("wait_for_status")))
			return
		}
	}
	timeout := time.Duration(0)
	if q.Has("timeout") {
		var err error
		if timeout, err = time.ParseDuration(q.Get("timeout")); err != nil || timeout < 0 {
			fail(w, r, http.StatusBadRequest, fmt.Sprintf("Invalid timeout '%s' provided.", q.Get("timeout")))
			return
		}
	}
	if want >= 0 && timeout > 0 && !s.await(r, status(want), min(timeout, writeTimeout-time.Second)) {
		fail(w, r, http.StatusRequestTimeout, fmt.Sprintf("Timed out waiting for status '%s'.", status(want)))
		return
	}
	s.respond(w, r, http.StatusOK, nil)
}

// await waits until the health is at least want.
func (s *Server) await(r *http.Request, want status, timeout time.Duration) bool {
	end := time.NewTimer(timeout)
	defer end.Stop()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, st := s.health(flowsAt(time.Now())); st <= want {
			return true
		}
		select {
		case <-tick.C:
		case <-end.C:
			return false
		case <-r.Context().Done():
			return false
		}
	}
}

func (s *Server) serveNode(w http.ResponseWriter, r *http.Request) {
	o := selected(s.nodeInfo(isTrue(r, "graph")), r.PathValue("filter"))
	if len(o) == 0 {
		notFound(w, r)
		return
	}
	s.respond(w, r, http.StatusOK, o)
}

func (s *Server) viewOf(r *http.Request) *view {
	for _, v := range s.views {
		if v.ID() == r.PathValue("id") {
			return v
		}
	}
	return nil
}

func (s *Server) serveNodePipeline(w http.ResponseWriter, r *http.Request) {
	v := s.viewOf(r)
	if v == nil {
		notFound(w, r)
		return
	}
	s.respond(w, r, http.StatusOK, object{{"pipelines", object{{v.ID(), s.pipelineInfo(v, isTrue(r, "graph"))}}}})
}

func (s *Server) servePlugins(w http.ResponseWriter, r *http.Request) {
	s.respond(w, r, http.StatusOK, s.pluginList())
}

// serveHotThreads answers with the goroutines that do something (?threads=3, ?ignore_idle_threads=false for all, ?human as text).
func (s *Server) serveHotThreads(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	n := 10
	if q.Has("threads") {
		var err error
		if n, err = strconv.Atoi(q.Get("threads")); err != nil || n < 1 {
			fail(w, r, http.StatusBadRequest, fmt.Sprintf("Invalid number of threads '%s' provided.", q.Get("threads")))
			return
		}
	}
	all := goroutines()
	if q.Get("ignore_idle_threads") != "false" {
		all = slices.DeleteFunc(all, thread.idle)
	}
	all = all[:min(n, len(all))]
	if isTrue(r, "human") {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, hotThreadsText(all, s.options.Hostname, time.Now())) // an error is the client's
		return
	}
	s.respond(w, r, http.StatusOK, hotThreadsJSON(all, time.Now()))
}

func (s *Server) serveStats(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	o := selected(s.nodeStats(now, flowsAt(now), isTrue(r, "vertices")), r.PathValue("filter"))
	if len(o) == 0 {
		notFound(w, r)
		return
	}
	s.respond(w, r, http.StatusOK, o)
}

func (s *Server) serveStatsPipeline(w http.ResponseWriter, r *http.Request) {
	v := s.viewOf(r)
	if v == nil {
		notFound(w, r)
		return
	}
	o := s.pipelineJSON(v, flowsAt(time.Now())(v), isTrue(r, "vertices"))
	s.respond(w, r, http.StatusOK, object{{"pipelines", object{{v.ID(), o}}}})
}

func (s *Server) serveHealth(w http.ResponseWriter, r *http.Request) {
	o, st := s.health(flowsAt(time.Now()))
	meta := s.metadata(st)
	// The report has its own status behind the metadata, and no settings of pipelines.
	write(w, r, http.StatusOK, append(meta[:len(meta)-2], o...))
}

func (s *Server) serveLogging(w http.ResponseWriter, r *http.Request) {
	loggers := object{}
	if s.options.Levels != nil {
		loggers = s.options.Levels.json()
	}
	s.respond(w, r, http.StatusOK, object{{"loggers", loggers}})
}

var errLevelsFixed = errors.New("log levels cannot be changed in this program")

func (s *Server) putLogging(w http.ResponseWriter, r *http.Request) {
	if err := s.setLevels(http.MaxBytesReader(w, r.Body, maxBody)); err != nil {
		s.respond(w, r, http.StatusBadRequest, object{{"error", err.Error()}})
		return
	}
	s.respond(w, r, http.StatusOK, object{{"acknowledged", true}})
}

// setLevels applies {"logger.logstash.outputs.elasticsearch": "DEBUG"}: all of it or, if anything is wrong, nothing.
func (s *Server) setLevels(body io.Reader) error {
	if s.options.Levels == nil {
		return errLevelsFixed
	}
	var levels map[string]string
	if err := json.NewDecoder(body).Decode(&levels); err != nil {
		return fmt.Errorf("reading the log levels: %w", err)
	}
	names := make([]string, 0, len(levels))
	for key, level := range levels {
		if !strings.HasPrefix(key, "logger.") && key != "logger" {
			return fmt.Errorf("unrecognized option [%s]", key)
		}
		if _, err := parseLevel(level); err != nil {
			return err
		}
		names = append(names, key)
	}
	slices.Sort(names) // the general before the particular
	for _, key := range names {
		level, err := parseLevel(levels[key])
		if err != nil {
			panic("BUG: a level that was checked: " + err.Error())
		}
		name := strings.TrimPrefix(strings.TrimPrefix(key, "logger"), ".")
		s.options.Levels.Set(name, level)
		s.log.Info("the log level was changed", "name", name, "level", level.String())
	}
	return nil
}

func (s *Server) putLoggingReset(w http.ResponseWriter, r *http.Request) {
	if s.options.Levels == nil {
		s.respond(w, r, http.StatusInternalServerError, object{{"error", errLevelsFixed.Error()}})
		return
	}
	s.options.Levels.Reset()
	s.respond(w, r, http.StatusOK, object{{"acknowledged", true}})
}

// serveReady answers 200 when every pipeline runs.
func (s *Server) serveReady(w http.ResponseWriter, r *http.Request) {
	if reasons := s.unready(); len(reasons) > 0 {
		write(w, r, http.StatusServiceUnavailable, object{{"status", "unready"}, {"reasons", reasons}})
		return
	}
	write(w, r, http.StatusOK, object{{"status", "ready"}})
}

// serveLive answers 200: the process answers.
func (s *Server) serveLive(w http.ResponseWriter, r *http.Request) {
	write(w, r, http.StatusOK, object{{"status", "alive"}})
}

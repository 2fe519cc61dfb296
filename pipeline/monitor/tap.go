package monitor

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"millrace/pipeline"
	"millrace/pipeline/config"
)

// How a stream of followed events is kept going.
const (
	tapNotice    = time.Second // between notices of events that were not seen
	tapReconnect = 500         // milliseconds after which a browser comes again when the stream ends
)

// tapTimes are the times of a stream that tests shorten.
type tapTimes struct {
	heartbeat time.Duration // between comments that keep proxies from closing a quiet stream
	patience  time.Duration // for a client that does not read
}

func defaultTapTimes() tapTimes {
	return tapTimes{heartbeat: 15 * time.Second, patience: 10 * time.Second}
}

// servePoints lists the points at which events can be followed.
func (s *Server) servePoints(w http.ResponseWriter, r *http.Request) {
	points := list{}
	for _, v := range s.views {
		if id := r.URL.Query().Get("pipeline"); id != "" && id != v.ID() {
			continue
		}
		for _, p := range v.TapPoints() {
			points = append(points, pointJSON(v.ID(), p))
		}
	}
	write(w, r, http.StatusOK, points)
}

func pointJSON(pipeline string, p pipeline.TapPoint) object {
	o := object{{"pipeline", pipeline}, {"id", p.ID}, {"kind", p.Kind}}
	if p.Plugin != "" {
		o = append(o, member{"plugin", p.Plugin}, member{"plugin_id", p.PluginID}, member{"file", p.File}, member{"line", p.Line})
	}
	conditions := p.Conditions
	if conditions == nil {
		conditions = []string{}
	}
	return append(o, member{"conditions", conditions})
}

// serveTap follows events as a stream of server-sent events, until the client goes, the pipeline ends, or the server does.
func (s *Server) serveTap(w http.ResponseWriter, r *http.Request) {
	if ok, why := s.MaySeeEvents(r); !ok {
		fail(w, r, http.StatusForbidden, why)
		return
	}
	v, o, err := s.tapRequest(r)
	if err != nil {
		fail(w, r, http.StatusBadRequest, err.Error())
		return
	}
	tap, err := v.Tap(o)
	if err != nil {
		failTap(w, r, err)
		return
	}
	defer tap.Close()
	if r.Method == http.MethodHead {
		w.Header().Set("Content-Type", "text/event-stream")
		return
	}
	s.log.Info("events are followed", "pipeline.id", v.ID(), "at", tap.Point(), "peer", r.RemoteAddr)
	st := &tapStream{w: w, rc: http.NewResponseController(w), tap: tap, times: s.tapTimes}
	if err := st.rc.SetReadDeadline(time.Time{}); err != nil {
		s.log.Debug("a stream cannot last", "error", err) // the server's own connections can; a test's recorder cannot
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would hold events back
	w.WriteHeader(http.StatusOK)
	_, _ = fmt.Fprintf(&st.buf, "retry: %d\n", tapReconnect)
	st.message("attached", object{{"pipeline", v.ID()}, {"at", tap.Point()}})
	if st.flush() {
		st.run(r.Context().Done())
	}
}

// tapRequest reads the parameters of a request.
func (s *Server) tapRequest(r *http.Request) (*view, pipeline.TapOptions, error) {
	q := r.URL.Query()
	o := pipeline.TapOptions{At: q.Get("at"), If: q.Get("if"), Metadata: isTrue(r, "metadata")}
	for key := range q {
		switch key {
		case "pipeline", "at", "if", "metadata", "sample", "limit":
		default:
			return nil, o, fmt.Errorf("unknown parameter %q: there are pipeline, at, if, sample, limit, metadata", key)
		}
	}
	var err error
	if o.Sample, err = positive(q.Get("sample"), 1, 1<<30); err != nil {
		return nil, o, fmt.Errorf("sample: %w", err)
	}
	if o.Rate, err = positive(q.Get("limit"), 100, pipeline.MaxTapRate); err != nil {
		return nil, o, fmt.Errorf("limit, in events a second: %w", err)
	}
	v, err := s.tapView(q.Get("pipeline"))
	return v, o, err
}

func positive(text string, byDefault, most int) (int, error) {
	if text == "" {
		return byDefault, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		return 0, fmt.Errorf("expected a number from 1 to %d, not %q", most, text)
	}
	return n, nil
}

// tapView returns the pipeline of an id; the only one, or main, if there is none.
func (s *Server) tapView(id string) (*view, error) {
	var ids []string
	for _, v := range s.views {
		if v.ID() == id || id == "" && (len(s.views) == 1 || v.ID() == "main") {
			return v, nil
		}
		ids = append(ids, v.ID())
	}
	if id == "" {
		return nil, fmt.Errorf("which pipeline? there are %s", strings.Join(ids, ", "))
	}
	return nil, fmt.Errorf("there is no pipeline %q; there are %s", id, strings.Join(ids, ", "))
}

// failTap answers with why events cannot be followed.
func failTap(w http.ResponseWriter, r *http.Request, err error) {
	var wrong *pipeline.TapConditionError
	switch {
	case errors.As(err, &wrong):
		write(w, r, http.StatusBadRequest, object{{"path", r.URL.Path}, {"status", http.StatusBadRequest}, {"error", conditionJSON(wrong.Diagnostics)}})
	case errors.Is(err, pipeline.ErrNoTapPoint):
		fail(w, r, http.StatusNotFound, err.Error())
	case errors.Is(err, pipeline.ErrTooManyFollowers):
		fail(w, r, http.StatusTooManyRequests, err.Error())
	default:
		fail(w, r, http.StatusServiceUnavailable, err.Error())
	}
}

// conditionJSON tells the first mistake of a condition with its place, and all of them as text.
func conditionJSON(diags config.Diagnostics) object {
	for _, d := range diags {
		if d.Severity == config.Error {
			return object{
				{"message", d.Summary}, {"code", d.Code}, {"parameter", "if"}, {"line", d.Pos.Line}, {"column", d.Pos.Column},
				{"end_line", d.End.Line}, {"end_column", d.End.Column}, {"hint", d.Hint}, {"text", diags.String()},
			}
		}
	}
	panic("BUG: a condition was refused without an error")
}

// tapStream is the stream of one follower.
type tapStream struct {
	w    http.ResponseWriter
	rc   *http.ResponseController
	tap  *pipeline.Tap
	buf  bytes.Buffer
	told int64 // of the events that were not seen

	times tapTimes
}

// run sends what the follower sees.
func (st *tapStream) run(gone <-chan struct{}) {
	notice, heartbeat := time.NewTicker(tapNotice), time.NewTicker(st.times.heartbeat)
	defer notice.Stop()
	defer heartbeat.Stop()
	for {
		select {
		case e := <-st.tap.Events():
			st.event(e)
			st.waiting()
		case <-notice.C:
			st.notice()
		case <-heartbeat.C:
			st.buf.WriteString(": heartbeat\n\n")
		case <-gone:
			return
		case <-st.tap.Done():
			st.waiting()
			st.notice()
			st.message("end", object{{"reason", "the pipeline has ended"}})
			st.flush()
			return
		}
		if !st.flush() {
			return
		}
	}
}

// waiting takes what waits in the buffer, so that it goes out at once.
func (st *tapStream) waiting() {
	for {
		select {
		case e := <-st.tap.Events():
			st.event(e)
		default:
			return
		}
	}
}

func (st *tapStream) notice() {
	if n := st.tap.Unseen(); n > st.told {
		st.message("dropped", object{{"dropped", n - st.told}, {"total", n}})
		st.told = n
	}
}

// event writes one event: its JSON as it is, or the first part of it as a text.
func (st *tapStream) event(e pipeline.Tapped) {
	o := object{{"at", e.Point}, {"time", e.Time.UTC().Format("2006-01-02T15:04:05.000Z")}}
	if e.Truncated {
		o = append(o, member{"truncated", true}, member{"size", e.Size}, member{"text", string(e.Document)})
	} else {
		o = append(o, member{"event", rawJSON(e.Document)})
	}
	if e.Metadata != nil {
		o = append(o, member{"metadata", rawJSON(e.Metadata)})
	}
	st.message("", o)
}

// message writes one message. Its JSON has no line breaks: a document that was not parsed has none outside of strings, where they are
// escaped, and should it have some a client must not take what follows for a message.
func (st *tapStream) message(kind string, o object) {
	if kind != "" {
		st.buf.WriteString("event: " + kind + "\n")
	}
	st.buf.WriteString("data: ")
	data := appendJSON(st.buf.AvailableBuffer(), o, false)
	for i, c := range data {
		if c == '\n' || c == '\r' {
			data[i] = ' '
		}
	}
	st.buf.Write(data)
	st.buf.WriteString("\n\n")
}

// flush sends what was written; false if the client is gone or does not read.
func (st *tapStream) flush() bool {
	if st.buf.Len() == 0 {
		return true
	}
	_ = st.rc.SetWriteDeadline(time.Now().Add(st.times.patience)) // what is no connection has no deadline
	_, err := st.w.Write(st.buf.Bytes())
	if err == nil {
		err = st.rc.Flush()
	}
	_ = st.rc.SetWriteDeadline(time.Time{}) // HTTP/2 ends a stream at its deadline, whether or not something is being written
	st.buf.Reset()
	return err == nil
}

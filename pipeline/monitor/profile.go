package monitor

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"millrace/internal/profile"
	"millrace/pipeline"
)

// The limits of a profile of a running pipeline. A worker is timed for one part in profileShare of the time at most: timing makes cheap
// events about half as dear again, so that a pipeline at its limit loses about a tenth of its rate while it is watched.
const (
	profileTime    = 5 * time.Second
	maxProfileTime = time.Minute
	profileShare   = 4
)

// serveProfile watches a pipeline for some seconds and tells what each of its lines costs. The head of the answer comes at once.
func (s *Server) serveProfile(w http.ResponseWriter, r *http.Request) {
	if ok, why := s.MaySeeEvents(r); !ok {
		fail(w, r, http.StatusForbidden, why)
		return
	}
	v, duration, err := s.profileRequest(r)
	if err != nil {
		fail(w, r, http.StatusBadRequest, err.Error())
		return
	}
	if r.Method == http.MethodHead {
		w.Header().Set("Content-Type", "application/json")
		return
	}
	pr, err := v.Profile(pipeline.ProfileOptions{Share: profileShare})
	if err != nil {
		failProfile(w, r, err)
		return
	}
	defer pr.Stop()
	began, before := time.Now(), v.Stats.In.Load()
	s.log.Info("the pipeline is profiled", "pipeline.id", v.ID(), "duration", duration.String(), "peer", r.RemoteAddr)
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(time.Time{}) // a test's recorder has none
	_ = rc.SetWriteDeadline(began.Add(duration + writeTimeout))
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
	_ = rc.Flush() // an error is the client's, who goes
	timer := time.NewTimer(duration)
	defer timer.Stop()
	ended := false
	select {
	case <-timer.C:
	case <-pr.Done():
		ended = true
	case <-r.Context().Done(): // the client has gone, or the program ends and has a moment for last words
		ended = true
	}
	pr.Stop()
	report := profile.FromRunning(v.ID(), pr.Snapshot(), time.Since(began))
	report.Ended, report.Passed = ended, max(report.Events, v.Stats.In.Load()-before)
	text, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		panic("BUG: a profile that is no JSON: " + err.Error())
	}
	_, _ = w.Write(append(text, '\n')) // an error is the client's
}

// profileRequest reads the parameters of a request.
func (s *Server) profileRequest(r *http.Request) (*view, time.Duration, error) {
	q := r.URL.Query()
	for key := range q {
		if key != "pipeline" && key != "duration" {
			return nil, 0, fmt.Errorf("unknown parameter %q: there are pipeline, duration", key)
		}
	}
	duration := profileTime
	if text := q.Get("duration"); text != "" {
		var err error
		if duration, err = time.ParseDuration(text); err != nil || duration <= 0 || duration > maxProfileTime {
			return nil, 0, fmt.Errorf("duration: expected a time up to %s such as 5s, not %q", maxProfileTime, text)
		}
	}
	v, err := s.tapView(q.Get("pipeline"))
	return v, duration, err
}

// failProfile answers with why a pipeline cannot be profiled.
func failProfile(w http.ResponseWriter, r *http.Request, err error) {
	code := http.StatusServiceUnavailable
	if errors.Is(err, pipeline.ErrProfiled) {
		code = http.StatusConflict
	}
	fail(w, r, code, err.Error())
}

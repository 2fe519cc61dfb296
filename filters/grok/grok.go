// Package grok takes texts apart by named patterns: %{IP:client} %{WORD:method} becomes the fields client and method.
package grok

import (
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"millrace/internal/onig"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin is the definition of the filter.
var Plugin = plugin.DefineFilter("grok", defaults(), New, plugin.Borrowing())

// Filter is the filter as all workers share it. Events go to what ForWorker returns.
type Filter struct{ *shared }

type shared struct {
	*program
	log      *slog.Logger
	failures *atomic.Int64
	timeouts *atomic.Int64
	logged   atomic.Int64 // when a trouble with an event was logged last, in Unix nanoseconds
}

var _ plugin.PerWorker = (*Filter)(nil)

// New compiles all patterns. It reports every mistake in them, each with its place.
func New(o Options, env *plugin.Env) (plugin.Filter, error) {
	p, err := newProgram(o, env)
	if err != nil {
		return nil, err
	}
	f := &Filter{&shared{
		program: p, log: env.Log,
		failures: env.Counter("failures", "events that no pattern matched"),
		timeouts: env.Counter("timeouts", "events whose match took too long"),
	}}
	perField := env.Counter("patterns_per_field", "patterns of all fields together")
	for _, n := range f.PatternsPerField() {
		perField.Add(int64(n))
	}
	return f, nil
}

// PatternsPerField returns how many patterns each field of match has.
func (f *Filter) PatternsPerField() map[string]int {
	n := make(map[string]int, len(f.fields))
	for i := range f.fields {
		n[f.fields[i].name] = len(f.fields[i].patterns)
	}
	return n
}

// Filter works on one event with matchers made for it alone. The pipeline calls the filters of ForWorker instead.
func (f *Filter) Filter(e *event.Event) (matched bool) {
	w := f.worker()
	defer w.Publish()
	return w.Filter(e)
}

// ForWorker returns a filter with matchers of its own.
func (f *Filter) ForWorker() plugin.Filter { return f.worker() }

func (f *Filter) worker() *worker {
	w := &worker{shared: f.shared, own: make([]workerField, len(f.fields))}
	first := 0
	for i := range f.fields {
		from, to := &f.fields[i], &w.own[i]
		to.field, to.first = from, first
		first += len(from.patterns)
		for j := range from.patterns {
			m := from.patterns[j].re.NewMatcher()
			m.SetTimeout(f.timeout)
			to.matchers = append(to.matchers, m)
		}
	}
	return w
}

// worker is the filter of one worker.
type worker struct {
	*shared
	own     []workerField
	start   time.Time             // when the work on the event began, if that is what the time is for
	watcher plugin.PatternWatcher // nil: nobody watches
	failed  int64                 // events that no pattern matched, not yet published

	_ [64]byte // a line of the cache between two workers, who write to theirs with each event
}

var _ plugin.Publisher = (*worker)(nil)

// Publish counts the events that no pattern matched.
func (w *worker) Publish() {
	if w.failed != 0 {
		w.failures.Add(w.failed)
		w.failed = 0
	}
}

type workerField struct {
	*field
	first    int // number of its first pattern among those of all fields
	matchers []*onig.Matcher
	state    scanState
}

// errTimeout tells that a match was given up.
var errTimeout = errors.New("timeout")

// Filter matches the fields one after the other.
func (w *worker) Filter(e *event.Event) (matched bool) {
	if w.eventScope {
		w.start = time.Now()
	}
	for i := range w.own {
		ok, err := w.matchField(e, &w.own[i])
		if err == errTimeout {
			w.timeouts.Add(1)
			e.Tag(w.timeoutTag)
			return false
		}
		if ok {
			matched = true
			if w.breakOnMatch {
				break
			}
		}
	}
	if matched {
		return true // the pipeline's worker counts it; a counter that all workers share would cost more than the rest of this function
	}
	w.failed++
	for _, tag := range w.failureTags {
		e.Tag(tag)
	}
	return false
}

// matchField matches the text of a field, or each text of a list. An error other than errTimeout ends the work on the
// field, which counts as not matched; what was captured before stays.
func (w *worker) matchField(e *event.Event, f *workerField) (matched bool, err error) {
	v, _ := e.Get(&f.path)
	switch v.Kind() {
	case event.String:
		matched, err = w.matchText(e, f, v.Str())
	case event.KindList:
		// A capture may add to this very list: what it adds is not matched.
		items := v.List().Items()
		for _, item := range items[:len(items):len(items)] {
			var ok bool
			if ok, err = w.matchText(e, f, textOf(e, item)); err != nil {
				break
			}
			matched = matched || ok
		}
	default:
		matched, err = w.matchText(e, f, textOf(e, v))
	}
	if err != nil && err != errTimeout {
		w.logTrouble("grok cannot put a capture into the event", "field", f.name, "error", err)
		matched = false
	}
	return matched, err
}

// textOf returns a value as Ruby's to_s prints it. What is no string yet becomes one of its own, because captures are
// parts of it.
func textOf(e *event.Event, v event.Value) string {
	if v.Kind() == event.String {
		return v.Str()
	}
	return e.Arena.Take(v.AppendRubyText(e.Arena.Free()))
}

// matchText tries the patterns. The last one that was tried decides whether the text counts as matched, which matters
// only where all of them are tried.
func (w *worker) matchText(e *event.Event, f *workerField, text string) (matched bool, err error) {
	if w.watcher != nil {
		return w.watchText(e, f, text)
	}
	f.state.noted = false
	for i := 0; i < len(f.patterns); i++ {
		if f.scan != nil {
			if i = f.scan.next(&f.state, i, text); i == len(f.patterns) {
				return false, nil
			}
		}
		m := f.matchers[i]
		if w.eventScope {
			left := w.timeout - time.Since(w.start)
			if left <= 0 {
				return false, w.timedOut(f, i, text)
			}
			m.SetTimeout(left)
		}
		if f.scan != nil && f.scan.expected(&f.state, i) {
			m.Expect()
		}
		matched = m.Match(text)
		if !matched {
			if m.TimedOut() {
				return false, w.timedOut(f, i, text)
			}
			continue
		}
		f.state.last = i
		if n := f.patterns[i].matched; n != nil {
			n.Add(1)
		}
		if err := w.capture(e, &f.patterns[i], m, text); err != nil {
			return false, err
		}
		if w.breakOnMatch {
			break
		}
	}
	return matched, nil
}

// capture puts what a match captured into the event: most of it by the quick way, as long as that goes.
func (w *worker) capture(e *event.Event, p *compiled, m *onig.Matcher, text string) error {
	for i := 0; ; i++ {
		if !w.keepEmpty {
			i = e.SetNewTexts(&p.texts, i, text, m.Places())
		}
		if i == len(p.captures) {
			return nil
		}
		if err := w.captureOne(e, &p.captures[i], m, text); err != nil {
			return err
		}
	}
}

func (w *worker) captureOne(e *event.Event, c *capture, m *onig.Matcher, text string) error {
	var v event.Value
	if start, end := m.Group(c.group); start >= 0 {
		if start == end && c.cast == 0 && !w.keepEmpty {
			return nil
		}
		v = castText(text[start:end], c.cast)
	} else if !w.keepEmpty {
		return nil
	}
	if c.invalid != nil {
		return c.invalid
	}
	return put(e, c, v)
}

// put sets a field, or adds to what it has: a text becomes a list of both, a list grows. What is neither stays.
func put(e *event.Event, c *capture, v event.Value) error {
	if c.overwrite {
		return e.Set(&c.path, v)
	}
	if done, err := e.SetIfAbsent(&c.path, v); done || err != nil {
		return err
	}
	old, _ := e.Get(&c.path)
	switch old.Kind() {
	case event.KindList:
		list := old.List()
		list.Append(v)
		if err := e.Set(&c.path, old); err != nil {
			list.Truncate(list.Len() - 1)
			return err
		}
	case event.String:
		list := e.NewList()
		list.Append(old)
		list.Append(v)
		return e.Set(&c.path, event.ListValue(list))
	}
	return nil
}

func (w *worker) timedOut(f *workerField, i int, text string) error {
	const shown = 200
	if len(text) > shown {
		text = text[:shown] + fmt.Sprintf("... (%d bytes)", len(text))
	}
	w.logTrouble("grok gave a match up, it took too long", "field", f.name, "pattern", f.patterns[i].text, "text", text)
	return errTimeout
}

// logTrouble logs what an event was the cause of, once a minute at most.
func (s *shared) logTrouble(msg string, args ...any) {
	now, last := time.Now().UnixNano(), s.logged.Load()
	if (last == 0 || now-last >= int64(time.Minute)) && s.logged.CompareAndSwap(last, now) && s.log != nil {
		s.log.Warn(msg, args...)
	}
}

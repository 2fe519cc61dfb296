package grok

import (
	"time"

	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

var _ plugin.PatternWatched = (*worker)(nil)

// WatchPatterns makes the filter tell p what its patterns do; nil ends that. Without it the watching costs a comparison with nil a text.
func (w *worker) WatchPatterns(p plugin.PatternWatcher) { w.watcher = p }

// watchText is matchText for a watcher. It stands apart so that matchText, which is what costs most in many pipelines, asks once a text
// whether somebody watches and not at every pattern.
func (w *worker) watchText(e *event.Event, f *workerField, text string) (matched bool, err error) {
	f.state.noted = false
	all := w.watcher.Text()
	for i := range f.patterns {
		if f.scan != nil && f.scan.next(&f.state, i, text) != i {
			matched = false
			w.watcher.End(f.first+i, plugin.PatternRuledOut)
			continue
		}
		m := f.matchers[i]
		if w.eventScope {
			left := w.timeout - time.Since(w.start)
			if left <= 0 {
				return false, w.timedOut(f, i, text)
			}
			m.SetTimeout(left)
		}
		w.watcher.Begin(f.first + i)
		matched = m.Match(text)
		outcome := plugin.PatternFailed
		if matched {
			outcome = plugin.PatternMatched
		}
		w.watcher.End(f.first+i, outcome)
		if !matched {
			if m.TimedOut() {
				return false, w.timedOut(f, i, text)
			}
			continue
		}
		if n := f.patterns[i].matched; n != nil {
			n.Add(1)
		}
		if err := w.capture(e, &f.patterns[i], m, text); err != nil {
			return false, err
		}
		if w.breakOnMatch {
			if all {
				w.tryRest(f, i+1, text)
			}
			break
		}
	}
	return matched, nil
}

// tryRest tries the patterns from i on for the watcher alone.
func (w *worker) tryRest(f *workerField, i int, text string) {
	for ; i < len(f.patterns); i++ {
		if f.scan != nil && f.scan.next(&f.state, i, text) != i {
			w.watcher.End(f.first+i, plugin.PatternRuledOut)
			continue
		}
		w.watcher.Begin(f.first + i)
		outcome := plugin.PatternAlsoFailed
		if f.matchers[i].Match(text) {
			outcome = plugin.PatternAlsoMatched
		}
		w.watcher.End(f.first+i, outcome)
	}
}

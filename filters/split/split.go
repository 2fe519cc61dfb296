// Package split makes an event of each part of a string or array.
package split

import (
	"log/slog"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"millrace/internal/throttle"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the filter.
var Plugin = plugin.DefineFilter("split", Options{Terminator: "\n", Field: "message"}, New, plugin.Borrowing())

// Options configures the filter.
type Options struct {
	// Text between the parts of a string.
	Terminator string `opt:"terminator"`

	// Field to split: a string or an array.
	Field string `opt:"field"`

	// Field for the part; the field that is split if not given.
	Target string `opt:"target"`
}

// failureTag marks events whose field is neither a string nor an array.
const failureTag = "_split_type_failure"

type filter struct {
	terminator    string
	field, target event.Path
	inPlace       bool // the part replaces what is split
	err           error
	stats         *plugin.Stats
	log           *throttle.Logger
}

// worker is a filter with the parts of one event.
type worker struct {
	*filter
	parts []event.Value
}

// New compiles the references.
func New(o Options, env *plugin.Env) (plugin.Filter, error) {
	f := &filter{terminator: o.Terminator, stats: env.Stats, log: throttle.New(env.Log, time.Minute)}
	f.field, f.err = event.ParsePath(o.Field)
	if f.err != nil {
		env.Warn("field", "every event will fail: %v", f.err)
	}
	f.target, f.inPlace = f.field, true
	if o.Target != "" {
		var err error
		if f.target, err = event.ParsePath(o.Target); err != nil {
			env.Warn("target", "every event will fail: %v", err)
			f.err = err
		}
		f.inPlace = o.Target == o.Field
	}
	return &worker{filter: f}, nil
}

// ForWorker returns the filter for one worker.
func (w *worker) ForWorker() plugin.Filter { return &worker{filter: w.filter} }

// Filter is not called: the pipeline calls Multiply.
func (w *worker) Filter(*event.Event) bool { panic("BUG: split called without a spawner") }

// Multiply makes the first part's event of e, and new ones of the others. Without parts e is dropped; a string of one part is left
// alone.
func (w *worker) Multiply(e *event.Event, out plugin.Spawner) bool {
	if w.err != nil {
		return w.fail(e, "the field cannot be split", w.err)
	}
	v, _ := e.Get(&w.field)
	pieces := 2 // of a string, empty ones included
	w.parts = w.parts[:0]
	switch v.Kind() {
	case event.KindList:
		for _, item := range v.List().Items() {
			w.add(item)
		}
	case event.String:
		pieces = w.cut(v.Str())
	default:
		return w.fail(e, "only strings and arrays can be split", nil, slog.String("type", v.Kind().String()))
	}
	if pieces == 1 {
		return false
	}
	if len(w.parts) == 0 {
		e.Cancel()
		return false
	}
	matched := w.spawn(e, out)
	clear(w.parts) // else they would keep the texts of this event alive
	return matched
}

// spawn sets the first part in e and the others in copies. Where the parts take the place of the whole, the whole is taken out before
// e is copied, so that the work does not grow with the square of the parts.
func (w *worker) spawn(e *event.Event, out plugin.Spawner) bool {
	if err := e.Set(&w.target, w.parts[0]); err != nil {
		return w.fail(e, "a part cannot be set", err)
	}
	first := w.parts[0]
	lone := w.inPlace && first.Kind() != event.KindObject && first.Kind() != event.KindList
	if w.inPlace && !lone {
		_ = e.Set(&w.target, event.Value{}) // refused for tags, which is small
	}
	for _, part := range w.parts[1:] {
		c := out.New()
		e.CopyTo(c)
		if err := c.Set(&w.target, c.Own(part)); err != nil {
			w.fail(c, "a part cannot be set", err)
			continue
		}
		out.Succeed(c)
	}
	if w.inPlace && !lone {
		_ = e.Set(&w.target, first)
	}
	return true
}

// fail tags and counts; it returns false.
func (w *worker) fail(e *event.Event, msg string, err error, attrs ...slog.Attr) bool {
	e.Tag(failureTag)
	w.stats.Failures.Add(1)
	attrs = append(attrs, slog.String("field", w.field.String()))
	if err != nil {
		attrs = append(attrs, slog.Any("error", err))
	}
	w.log.Warn(msg, attrs...)
	return false
}

// add notes a part unless it is null or an empty text.
func (w *worker) add(v event.Value) {
	if v.Kind() != event.Null && (v.Kind() != event.String || v.Str() != "") {
		w.parts = append(w.parts, v)
	}
}

// cut notes the parts of s and returns how many pieces there are, counting as Ruby's split with a limit of -1 does: empty ones count,
// but those in front of white space do not.
func (w *worker) cut(s string) (pieces int) {
	switch {
	case s == "":
		return 0
	case w.terminator == "":
		for pieces = 1; s != ""; pieces++ { // an empty piece at the end counts
			_, size := utf8.DecodeRuneInString(s)
			w.add(event.StringValue(s[:size]))
			s = s[size:]
		}
		return pieces
	case w.terminator == " ":
		return w.cutFields(s)
	}
	for more := true; more; pieces++ {
		var part string
		part, s, more = strings.Cut(s, w.terminator)
		w.add(event.StringValue(part))
	}
	return pieces
}

// cutFields cuts at runs of white space.
func (w *worker) cutFields(s string) (pieces int) {
	for {
		s = strings.TrimLeftFunc(s, unicode.IsSpace)
		end := strings.IndexFunc(s, unicode.IsSpace)
		if end < 0 {
			w.add(event.StringValue(s))
			return pieces + 1
		}
		w.add(event.StringValue(s[:end]))
		s = s[end:]
		pieces++
	}
}

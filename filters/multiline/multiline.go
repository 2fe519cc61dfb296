// Package multiline joins events that are lines of one message. The codec of the same name does it better, before lines of several sources are
// mixed; this filter is for configurations that still have it.
package multiline

import (
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"millrace/filters/grok/patterns"
	"millrace/internal/onig"
	"millrace/internal/throttle"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the filter.
var Plugin = plugin.DefineFilter("multiline", Options{
	Source: *event.MustPath("message"), AllowDuplicates: true, StreamIdentity: event.ParseTemplate("%{host}.%{path}.%{type}"), MaxAge: 5 * time.Second,
}, New)

// Options configures the filter. The comments below are its documentation.
type Options struct {
	// Field that holds the line.
	Source event.Path `opt:"source"`

	// Whether a line that the message has already is added again.
	AllowDuplicates bool `opt:"allow_duplicates"`

	// Regular expression that tells the lines that belong to another one. Grok patterns may be used.
	Pattern string `opt:"pattern,required"`

	// Whether a line that matches belongs to the previous line or to the next.
	What string `opt:"what,required,enum=previous|next"`

	// Whether the lines that do not match are meant.
	Negate bool `opt:"negate"`

	// What tells the sources of lines apart.
	StreamIdentity event.Template `opt:"stream_identity"`

	// Files, folders or globs with grok patterns of your own.
	PatternsDir []string `opt:"patterns_dir"`

	// Seconds without a further line after which a message is complete.
	MaxAge time.Duration `opt:"max_age,unit=s"`

	EnableFlush bool `opt:"enable_flush,obsolete=messages are always complete some time after their last line"`
}

type filter struct {
	o     Options
	re    *onig.Regexp
	stats *plugin.Stats
	log   *throttle.Logger

	mu      sync.Mutex
	pending map[string]*message
	order   []*message // by when they began
}

// message is an event whose last line may still be to come.
type message struct {
	key   string
	event *event.Event
	lines []string
	last  time.Time
}

// maxLines and maxBytes bound a message: what goes beyond it begins a new one.
const (
	maxLines = 10_000
	maxBytes = 16 << 20
)

// New compiles the pattern.
func New(o Options, env *plugin.Env) (plugin.Filter, error) {
	f := &filter{o: o, stats: env.Stats, log: throttle.New(env.Log, time.Minute), pending: make(map[string]*message)}
	var err error
	if f.re, err = compile(&o, env); err != nil {
		return nil, err
	}
	if o.MaxAge < 0 {
		return nil, plugin.OptionError("max_age", errors.New("must not be negative"))
	}
	if env.Workers > 1 {
		env.Warn("", "with %d pipeline workers lines may come in another order: set pipeline.workers to 1, or use the multiline codec of the input", env.Workers)
	}
	if err := o.StreamIdentity.Err(); err != nil {
		env.Warn("stream_identity", "every event will fail: %v", err)
	}
	return f, nil
}

func compile(o *Options, env *plugin.Env) (*onig.Regexp, error) {
	mode := patterns.Legacy
	if env.ECS.Enabled() {
		mode = patterns.ECS
	}
	set := patterns.Library(mode)
	if len(o.PatternsDir) > 0 {
		set = set.Extend()
	}
	if err := set.AddOption(env, o.PatternsDir, "*"); err != nil {
		return nil, err
	}
	re, _, err := set.Compile(o.Pattern, true)
	if err != nil {
		err = plugin.OptionError("pattern", err)
		if pe := (*patterns.Error)(nil); errors.As(err, &pe) && pe.Hint != "" {
			err = plugin.Hinted(err, "did you mean %q?", pe.Hint)
		}
		return nil, err
	}
	return re, nil
}

// Filter takes the event as a line: it is put aside, or the message that it completes takes its place.
func (f *filter) Filter(e *event.Event) bool {
	v, _ := e.Get(&f.o.Source)
	if l := v.List(); l != nil {
		v = event.Value{}
		if l.Len() > 0 {
			v = l.At(0)
		}
	}
	line := v.Text()
	belongs := f.re.MatchString(line) != f.o.Negate
	key, err := f.o.StreamIdentity.Text(e)
	if err != nil {
		f.stats.Failures.Add(1)
		f.log.Warn("a line could not be told from those of other sources", slog.Any("error", err))
		e.Tag("_filter_error")
		return false
	}
	if belongs {
		e.Tag("multiline")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	m := f.pending[key]
	if m != nil && (len(m.lines) >= maxLines || m.size()+len(line) > maxBytes) {
		f.remove(m)
		f.begin(key, e, line)
		f.finish(m)
		m.event.CopyTo(e)
		return true
	}
	if f.o.What == "previous" {
		return f.previous(e, key, line, belongs, m)
	}
	return f.next(e, key, line, belongs, m)
}

// previous handles a line that belongs to the one before it, or begins a message.
func (f *filter) previous(e *event.Event, key, line string, belongs bool, m *message) bool {
	switch {
	case m == nil:
		f.begin(key, e, line)
		e.Cancel()
		return false
	case belongs:
		f.add(m, e, line)
		e.Cancel()
		return false
	}
	f.remove(m)
	f.begin(key, e, line)
	f.finish(m)
	m.event.CopyTo(e)
	return true
}

// next handles a line to which the one after it belongs, or which ends a message.
func (f *filter) next(e *event.Event, key, line string, belongs bool, m *message) bool {
	switch {
	case belongs && m == nil:
		f.begin(key, e, line)
	case belongs:
		f.add(m, e, line)
	case m == nil:
		return true
	default:
		f.add(m, e, line)
		f.remove(m)
		f.finish(m)
		m.event.CopyTo(e)
		return true
	}
	e.Cancel()
	return false
}

func (m *message) size() (n int) {
	for _, l := range m.lines {
		n += len(l)
	}
	return n
}

func (f *filter) begin(key string, e *event.Event, line string) {
	m := &message{key: strings.Clone(key), event: e.Clone(), lines: []string{line}, last: time.Now()}
	f.pending[m.key] = m
	f.order = append(f.order, m)
}

func (f *filter) add(m *message, e *event.Event, line string) {
	m.last = time.Now()
	if f.o.AllowDuplicates || !slices.Contains(m.lines, line) {
		m.lines = append(m.lines, line)
	}
	merge(m.event, m.event.Root(), e.Root())
}

func (f *filter) remove(m *message) {
	delete(f.pending, m.key)
	f.order = slices.DeleteFunc(f.order, func(o *message) bool { return o == m })
}

// finish makes one text of the lines.
func (f *filter) finish(m *message) {
	if err := m.event.Set(&f.o.Source, event.StringValue(strings.Join(m.lines, "\n"))); err != nil {
		f.stats.Failures.Add(1)
		f.log.Warn("the lines of a message could not be put into the event", slog.Any("error", err))
	}
}

// FlushInterval is how often complete messages are looked for.
func (f *filter) FlushInterval() time.Duration { return time.Second }

// Flush sends messages that had no further line for some time.
func (f *filter) Flush(now time.Time, final bool, out plugin.Spawner) {
	f.mu.Lock()
	defer f.mu.Unlock()
	kept := f.order[:0]
	for _, m := range f.order {
		if !final && now.Sub(m.last) < f.o.MaxAge {
			kept = append(kept, m)
			continue
		}
		delete(f.pending, m.key)
		f.finish(m)
		e := out.New()
		m.event.CopyTo(e)
		out.Succeed(e)
	}
	clear(f.order[len(kept):])
	f.order = kept
}

// merge adds the fields of a line's event to those of its message: what differs becomes an array of both. The time stays that of the first.
func merge(e *event.Event, dst, src *event.Object) {
	for _, s := range src.Fields() {
		d, ok := dst.Get(s.Key)
		switch {
		case !ok || d.IsNull():
			dst.Set(s.Key, e.Own(s.Val))
		case d.Kind() == event.Time, d.Equal(s.Val):
		case d.Object() != nil && s.Val.Object() != nil:
			merge(e, d.Object(), s.Val.Object())
		default:
			dst.Set(s.Key, event.ListValue(union(e, d, s.Val)))
		}
	}
}

func union(e *event.Event, d, s event.Value) *event.List {
	l := d.List()
	if l == nil {
		l = e.NewList()
		l.Append(d)
	}
	items := []event.Value{s}
	if s.List() != nil {
		items = s.List().Items()
	}
	for _, item := range items {
		if !slices.ContainsFunc(l.Items(), item.Equal) {
			l.Append(e.Own(item))
		}
	}
	return l
}

var _ plugin.Flusher = (*filter)(nil)

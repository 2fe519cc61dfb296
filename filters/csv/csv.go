// Package csv takes rows of comma-separated values apart.
package csv

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"millrace/internal/throttle"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the filter.
var Plugin = plugin.DefineFilter("csv", Options{
	Source: *event.MustPath("message"), Separator: ",", QuoteChar: `"`, AutogenerateColumnNames: true,
}, New, plugin.Borrowing())

// The tags of events that are not taken apart.
const (
	failureTag = "_csvparsefailure"
	emptyTag   = "_csvskippedemptyfield"
)

// Options configures the filter. The comments below are its documentation.
type Options struct {
	// Field that holds the row.
	Source event.Path `opt:"source"`

	// Names of the columns in order, which may be references such as [source][ip]. Further columns are called column3, column4 and so on.
	Columns []string `opt:"columns"`

	// What separates the columns.
	Separator string `opt:"separator"`

	// Character around values that hold a separator, a line end or the character itself; \x00 for none.
	QuoteChar string `opt:"quote_char"`

	// Field below which the columns are put; the top level of the event if not given.
	Target event.Path `opt:"target"`

	// Whether columns without a name get one. If not, they are left out.
	AutogenerateColumnNames bool `opt:"autogenerate_column_names"`

	// Whether rows that repeat the names of the columns are dropped.
	SkipHeader bool `opt:"skip_header"`

	// Whether columns without a value are left out.
	SkipEmptyColumns bool `opt:"skip_empty_columns"`

	// Whether empty rows are tagged _csvskippedemptyfield instead of _csvparsefailure.
	SkipEmptyRows bool `opt:"skip_empty_rows"`

	// Types of columns by name: integer, float, date, date_time or boolean. What does not fit stays text.
	Convert config.Map[string] `opt:"convert"`

	// Whether the first row names the columns, unless columns does. That event is dropped. Which row comes first is certain with one
	// pipeline worker only.
	AutodetectColumnNames bool `opt:"autodetect_column_names"`
}

// filter is what all workers share.
type filter struct {
	o       *Options
	grammar grammar
	convert map[string]converter
	columns atomic.Pointer[columns] // set once more at most, by the worker that reads the header; nil until then
	stats   *plugin.Stats
	log     *throttle.Logger
}

// columns are the columns that have names.
type columns struct {
	names []string
	list  []column
}

type column struct {
	path    event.Path
	err     error // of the name as a reference, for the event that sets it
	convert converter
	skip    bool // it has no name and gets none
}

// New compiles the columns.
func New(o Options, env *plugin.Env) (plugin.Filter, error) {
	f := &filter{o: &o, convert: make(map[string]converter), stats: env.Stats, log: throttle.New(env.Log, time.Minute)}
	var errs []error
	for _, p := range o.Convert {
		c := converters[p.Value]
		if c == nil {
			err := plugin.EntryError("convert", p.Key, fmt.Errorf("unknown type %q", p.Value))
			errs = append(errs, plugin.Hinted(err, "integer, float, date, date_time or boolean"))
		}
		f.convert[p.Key] = c
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	f.grammar = f.newGrammar(env)
	if o.AutodetectColumnNames && len(o.Columns) == 0 {
		if env.Workers > 1 {
			env.Warn("autodetect_column_names", "with %d pipeline workers any of the first rows may be taken for the header; set pipeline.workers to 1", env.Workers)
		}
		return f, nil
	}
	c := f.compile(o.Columns)
	for i := range c.list {
		if c.list[i].err != nil {
			env.Warn("columns", "every event will fail: %v", c.list[i].err)
		}
	}
	f.columns.Store(c)
	return f, nil
}

// newGrammar checks the separators. Logstash finds what is wrong with them when it meets an event, so it is only worth a warning.
func (f *filter) newGrammar(env *plugin.Env) grammar {
	g := grammar{sep: f.o.Separator, quote: f.o.QuoteChar}
	if g.quote == `\x00` {
		g.quote = "\x00"
	}
	if g.sep == "" {
		g.err = errors.New("the separator is empty")
		env.Warn("separator", "every event will fail: %v", g.err)
	}
	if utf8.RuneCountInString(g.quote) != 1 {
		g.err = errors.New("the quote character is not one character")
		env.Warn("quote_char", "every event will fail: %v", g.err)
	}
	return g
}

func (f *filter) compile(names []string) *columns {
	c := &columns{names: names, list: make([]column, len(names))}
	for i, name := range names {
		c.list[i] = f.column(name)
	}
	return c
}

// column compiles a name, which is one unless it begins as a reference does.
func (f *filter) column(name string) column {
	c := column{convert: f.convert[name]}
	target := ""
	if !f.o.Target.IsZero() {
		if target = f.o.Target.String(); !strings.HasPrefix(target, "[") {
			target = "[" + target + "]"
		}
	}
	if !strings.HasPrefix(name, "[") {
		name = "[" + name + "]"
	}
	c.path, c.err = event.ParsePath(target + name)
	return c
}

// ForWorker returns the filter for one worker.
func (f *filter) ForWorker() plugin.Filter { return &worker{filter: f} }

// Filter works on one event. The pipeline calls the filters of ForWorker instead.
func (f *filter) Filter(e *event.Event) bool { return f.ForWorker().Filter(e) }

// worker is the filter of one worker.
type worker struct {
	*filter
	values    []event.Value
	generated []column // columnN at index N-1, as far as they were needed
}

var (
	errKind  = errors.New("the source is no string")
	errEmpty = errors.New("the row is empty")
	errNull  = errors.New("a column without a value cannot be read as a boolean")
)

// Filter takes the row apart.
func (w *worker) Filter(e *event.Event) bool {
	src, _ := e.Get(&w.o.Source)
	if src.IsNull() || src.Kind() == event.Bool && !src.Bool() {
		return false
	}
	if src.Kind() != event.String {
		return w.fail(e, errKind)
	}
	var blank bool
	var err error
	w.values, blank, err = w.grammar.row(e.Arena, src.Str(), w.values[:0])
	if err != nil {
		return w.fail(e, err)
	}
	if blank && w.o.SkipEmptyRows {
		e.Tag(emptyTag)
		return false
	}
	if src.Str() == "" {
		return w.fail(e, errEmpty)
	}
	c := w.columns.Load()
	if c == nil {
		if !blank && w.columns.CompareAndSwap(nil, w.header()) {
			e.Cancel()
			return false
		}
		if c = w.columns.Load(); c == nil {
			return w.fail(e, errEmpty)
		}
	}
	if w.o.SkipHeader && w.repeats(c) {
		e.Cancel()
		return false
	}
	if err := w.set(e, c); err != nil {
		return w.fail(e, err)
	}
	return true
}

// fail tags and counts; it returns false.
func (w *worker) fail(e *event.Event, err error) bool {
	e.Tag(failureTag)
	w.stats.Failures.Add(1)
	w.log.Warn("a row could not be parsed as CSV", slog.String("source", w.o.Source.String()), slog.Any("error", err))
	return false
}

// header makes the row's values the names of the columns. A column without a name gets one like any other.
func (w *worker) header() *columns {
	names := make([]string, len(w.values))
	for i, v := range w.values {
		names[i] = strings.Clone(v.Str())
		if v.IsNull() {
			names[i] = "column" + strconv.Itoa(i+1)
		}
	}
	c := w.compile(names)
	for i, v := range w.values {
		c.list[i].skip = v.IsNull() && !w.o.AutogenerateColumnNames
	}
	return c
}

// repeats reports whether the row is the names of the columns.
func (w *worker) repeats(c *columns) bool {
	return len(c.names) > 0 && slices.EqualFunc(w.values, c.names, func(v event.Value, name string) bool {
		return v.Kind() == event.String && v.Str() == name
	})
}

// set sets the fields. The first that cannot be set ends it; those before it stay, as in Logstash.
func (w *worker) set(e *event.Event, c *columns) error {
	for i, v := range w.values {
		if w.o.SkipEmptyColumns && v.Str() == "" {
			continue
		}
		var col *column
		switch {
		case i < len(c.list):
			col = &c.list[i]
		case !w.o.AutogenerateColumnNames:
			return nil
		default:
			col = w.generate(i)
		}
		if col.skip {
			continue
		}
		if col.convert != nil {
			var err error
			if v, err = col.convert(e.Arena, v); err != nil {
				return err
			}
		}
		if col.err != nil {
			return col.err
		}
		if err := e.Set(&col.path, v); err != nil {
			return err
		}
	}
	return nil
}

// generate returns the column without a name at index i.
func (w *worker) generate(i int) *column {
	const most = 4096 // beyond it a name is made anew every time
	if i >= most {
		c := w.column("column" + strconv.Itoa(i+1))
		return &c
	}
	for len(w.generated) <= i {
		w.generated = append(w.generated, w.column("column"+strconv.Itoa(len(w.generated)+1)))
	}
	return &w.generated[i]
}

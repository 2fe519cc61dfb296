// Package extractnumbers puts the numbers that stand between the blanks of a text into fields of their own.
package extractnumbers

import (
	"log/slog"
	"strconv"
	"strings"
	"time"

	"millrace/filters/internal/ruby"
	"millrace/internal/throttle"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the filter.
var Plugin = plugin.DefineFilter("extractnumbers", Options{Source: *event.MustPath("message")}, New, plugin.Borrowing())

// Options configures the filter. Whole numbers become int1, int2 and so on, others float1, float2. As in Logstash the common options are
// never applied.
type Options struct {
	// Field that holds the text; of an array the first item.
	Source event.Path `opt:"source"`
}

// names are the fields that most events need; further ones are made.
const names = 16

type filter struct {
	source event.Path
	ints   [names]string
	floats [names]string
	stats  *plugin.Stats
	log    *throttle.Logger
}

// New returns the filter.
func New(o Options, env *plugin.Env) (plugin.Filter, error) {
	f := &filter{source: o.Source, stats: env.Stats, log: throttle.New(env.Log, time.Minute)}
	for i := range names {
		f.ints[i], f.floats[i] = name("int", i), name("float", i)
	}
	return f, nil
}

func name(kind string, i int) string { return kind + strconv.Itoa(i+1) }

// Filter sets the fields.
func (f *filter) Filter(e *event.Event) bool {
	v, _ := e.Get(&f.source)
	if l := v.List(); l != nil {
		v = event.Value{}
		if l.Len() > 0 {
			v = l.At(0)
		}
	}
	if v.IsNull() {
		return false
	}
	if v.Kind() != event.String {
		f.stats.Failures.Add(1)
		e.Tag("_filter_error")
		f.log.Warn("numbers can only be taken from a text", slog.String("source", f.source.String()), slog.String("type", v.Kind().String()))
		return false
	}
	ints, floats := 0, 0
	for word := range strings.FieldsFuncSeq(v.Str(), isSpace) {
		if n, ok := ruby.StrictInteger(e.Arena, word); ok {
			e.Root().Set(pick(f.ints[:], "int", ints), n)
			ints++
		} else if n, ok := ruby.StrictFloat(word); ok {
			e.Root().Set(pick(f.floats[:], "float", floats), event.FloatValue(n))
			floats++
		}
	}
	return false
}

func pick(known []string, kind string, i int) string {
	if i < len(known) {
		return known[i]
	}
	return name(kind, i)
}

func isSpace(r rune) bool { return r == ' ' || r >= '\t' && r <= '\r' }

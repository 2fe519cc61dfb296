// Package urldecode decodes %XX in strings.
package urldecode

import (
	"log/slog"
	"strings"
	"time"

	"millrace/internal/charset"
	"millrace/internal/throttle"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the filter.
var Plugin = plugin.DefineFilter("urldecode", Options{Field: "message", TagOnFailure: []string{"_urldecodefailure"}}, New, plugin.Borrowing())

// Options configures the filter. The common options are applied to every event.
type Options struct {
	// Field to decode: a string, or all strings in an array or hash.
	Field string `opt:"field"`

	// Decode all fields in place of one.
	AllFields bool `opt:"all_fields"`

	// Tags for events whose field cannot be set.
	TagOnFailure []string `opt:"tag_on_failure"`

	// Character set of the decoded bytes. Bytes that are none of it are written as \xE9.
	Charset charset.Charset `opt:"charset"`
}

type filter struct {
	o     Options
	field event.Path
	err   error
	stats *plugin.Stats
	log   *throttle.Logger
}

// worker is a filter with its decoder.
type worker struct {
	*filter
	decoder *charset.Decoder
	buf     []byte
}

// New compiles the reference.
func New(o Options, env *plugin.Env) (plugin.Filter, error) {
	f := &filter{o: o, stats: env.Stats, log: throttle.New(env.Log, time.Minute)}
	if f.field, f.err = event.ParsePath(o.Field); f.err != nil {
		env.Warn("field", "every event will fail: %v", f.err)
	}
	return (&worker{filter: f}).ForWorker(), nil
}

// ForWorker returns the filter for one worker.
func (w *worker) ForWorker() plugin.Filter {
	return &worker{filter: w.filter, decoder: w.o.Charset.NewDecoder()}
}

// Filter decodes.
func (w *worker) Filter(e *event.Event) bool {
	if w.o.AllFields {
		root := e.Root()
		for i := range root.Len() {
			f := root.At(i)
			f.Val = w.decode(e, f.Val)
		}
		return true
	}
	err := w.err
	if err == nil {
		v, _ := e.Get(&w.field)
		err = e.Set(&w.field, w.decode(e, v)) // a missing field becomes null, as in Logstash
	}
	if err != nil {
		for _, tag := range w.o.TagOnFailure {
			e.Tag(tag)
		}
		w.stats.Failures.Add(1)
		w.log.Warn("a decoded field cannot be set", slog.String("field", w.o.Field), slog.Any("error", err))
	}
	return true
}

// decode returns v decoded; arrays and hashes are changed in place.
func (w *worker) decode(e *event.Event, v event.Value) event.Value {
	switch v.Kind() {
	case event.String:
		return event.StringValue(w.string(e.Arena, v.Str()))
	case event.KindList:
		l := v.List()
		for i := range l.Len() {
			l.SetAt(i, w.decode(e, l.At(i)))
		}
	case event.KindObject:
		o := v.Object()
		for i := range o.Len() {
			f := o.At(i)
			f.Val = w.decode(e, f.Val)
		}
	}
	return v
}

func (w *worker) string(a *event.Arena, s string) string {
	if i := escape(s); i >= 0 {
		w.buf = appendDecoded(w.buf[:0], s)
		s = a.String(w.buf)
	}
	return w.decoder.Decode(a, s)
}

// escape returns where the first %XX stands, -1 if there is none.
func escape(s string) int {
	for i := 0; i < len(s); i++ {
		j := strings.IndexByte(s[i:], '%')
		if j < 0 {
			return -1
		}
		if i += j; i+2 < len(s) && hex(s[i+1]) < 16 && hex(s[i+2]) < 16 {
			return i
		}
	}
	return -1
}

// appendDecoded appends s with every %XX replaced by its byte; other percent signs stay.
func appendDecoded(dst []byte, s string) []byte {
	for {
		i := escape(s)
		if i < 0 {
			return append(dst, s...)
		}
		dst = append(append(dst, s[:i]...), hex(s[i+1])<<4|hex(s[i+2]))
		s = s[i+3:]
	}
}

// hex returns the value of a hexadecimal digit, 16 for any other byte.
func hex(c byte) byte {
	switch {
	case c-'0' <= 9:
		return c - '0'
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10
	}
	return 16
}

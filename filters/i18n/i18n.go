// Package i18n writes texts in ASCII.
package i18n

import (
	"log/slog"
	"time"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"millrace/internal/throttle"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the filter.
var Plugin = plugin.DefineFilter("i18n", Options{}, New, plugin.Borrowing())

// Options configures the filter. The common options are applied to every event.
type Options struct {
	// Fields, texts or arrays of texts, whose letters lose their accents: Ærøskøbing becomes AEroskobing. What has no like in ASCII becomes a
	// question mark.
	Transliterate []event.Path `opt:"transliterate"`
}

// letters are the likes of U+00C0 to U+017F.
type letters [0x180 - 0xc0]string

type filter struct {
	fields  []event.Path
	letters *letters
	stats   *plugin.Stats
	log     *throttle.Logger
}

// worker is the filter of one worker.
type worker struct {
	*filter
	buf []byte
}

// New makes the table.
func New(o Options, env *plugin.Env) (plugin.Filter, error) {
	if len(o.Transliterate) == 0 {
		env.Warn("", "it does nothing: transliterate is not given")
	}
	return &filter{fields: o.Transliterate, letters: newLetters(), stats: env.Stats, log: throttle.New(env.Log, time.Minute)}, nil
}

// newLetters takes the accents off and knows the letters that are none with an accent.
func newLetters() *letters {
	var l letters
	for i := range l {
		base := norm.NFD.String(string(rune(0xc0 + i)))
		if base[0] < utf8.RuneSelf {
			l[i] = base[:1]
		}
	}
	for r, like := range map[rune]string{
		'Æ': "AE", 'æ': "ae", 'Ð': "D", 'ð': "d", '×': "x", 'Ø': "O", 'ø': "o", 'Þ': "Th", 'þ': "th", 'ß': "ss", 'Đ': "D", 'đ': "d", 'Ħ': "H", 'ħ': "h",
		'ı': "i", 'Ĳ': "IJ", 'ĳ': "ij", 'ĸ': "k", 'Ŀ': "L", 'ŀ': "l", 'Ł': "L", 'ł': "l", 'ŉ': "'n", 'Ŋ': "NG", 'ŋ': "ng", 'Œ': "OE", 'œ': "oe", 'Ŧ': "T", 'ŧ': "t",
	} {
		l[r-0xc0] = like
	}
	return &l
}

// ForWorker returns the filter for one worker.
func (f *filter) ForWorker() plugin.Filter { return &worker{filter: f} }

// Filter works on one event. The pipeline calls the filters of ForWorker instead.
func (f *filter) Filter(e *event.Event) bool { return f.ForWorker().Filter(e) }

// Filter rewrites the fields.
func (w *worker) Filter(e *event.Event) bool {
	for i := range w.fields {
		p := &w.fields[i]
		v, _ := e.Get(p)
		if l := v.List(); l != nil {
			for i, item := range l.Items() {
				l.SetAt(i, w.value(e, item))
			}
			continue
		}
		if v.Kind() != event.String || isASCII(v.Str()) {
			continue
		}
		if err := e.Set(p, w.value(e, v)); err != nil {
			w.stats.Failures.Add(1)
			e.Tag("_filter_error")
			w.log.Warn("a text in ASCII could not be put into the event", slog.Any("error", err))
		}
	}
	return true
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// value returns v in ASCII if it is a text.
func (w *worker) value(e *event.Event, v event.Value) event.Value {
	if v.Kind() != event.String || isASCII(v.Str()) {
		return v
	}
	w.buf = w.buf[:0]
	for _, r := range v.Str() {
		switch {
		case r < utf8.RuneSelf:
			w.buf = append(w.buf, byte(r))
		case r >= 0xc0 && r < 0x180 && w.letters[r-0xc0] != "":
			w.buf = append(w.buf, w.letters[r-0xc0]...)
		default:
			w.buf = append(w.buf, '?')
		}
	}
	return event.StringValue(e.Arena.String(w.buf))
}

var _ plugin.PerWorker = (*filter)(nil)

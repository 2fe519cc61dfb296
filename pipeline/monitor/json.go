package monitor

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"millrace/pipeline/event"
)

// object is a JSON object whose keys keep their order: tools and people compare answers with Logstash's.
type object []member

type member struct {
	key   string
	value any
}

// list is a JSON list.
type list []any

// rawJSON is JSON already.
type rawJSON []byte

// rate is a number in Java's notation, as flow metrics have it.
type rate float64

// get returns the value of a key, nil if there is none.
func (o object) get(key string) any {
	for i := range o {
		if o[i].key == key {
			return o[i].value
		}
	}
	return nil
}

// jsonWriter writes values; pretty in the form of Jackson's default pretty printer, which Logstash's answers have.
type jsonWriter struct {
	pretty bool
	level  int
	b      []byte
}

func appendJSON(b []byte, v any, pretty bool) []byte {
	w := jsonWriter{pretty: pretty, b: b}
	w.value(v)
	return w.b
}

func (w *jsonWriter) value(v any) {
	switch v := v.(type) {
	case nil:
		w.b = append(w.b, "null"...)
	case bool:
		w.b = strconv.AppendBool(w.b, v)
	case int:
		w.b = strconv.AppendInt(w.b, int64(v), 10)
	case int64:
		w.b = strconv.AppendInt(w.b, v, 10)
	case uint64:
		w.b = strconv.AppendUint(w.b, v, 10)
	case float64:
		w.b = appendRate(w.b, v)
	case rate:
		w.b = appendRate(w.b, float64(v))
	case string:
		w.b = event.AppendJSONString(w.b, v)
	case rawJSON:
		w.b = append(w.b, v...)
	case json.Number:
		w.b = append(w.b, v...)
	case object:
		w.object(v)
	case list:
		w.list(v)
	case []string:
		l := make(list, len(v))
		for i := range v {
			l[i] = v[i]
		}
		w.list(l)
	case map[string]any:
		w.object(sortedObject(v))
	case map[string]int64:
		o := make(object, 0, len(v))
		for k, n := range v {
			o = append(o, member{k, n})
		}
		w.object(sorted(o))
	default:
		w.b = event.AppendJSONString(w.b, fmt.Sprint(v))
	}
}

func sortedObject(m map[string]any) object {
	o := make(object, 0, len(m))
	for k, v := range m {
		o = append(o, member{k, v})
	}
	return sorted(o)
}

func sorted(o object) object {
	slices.SortFunc(o, func(a, b member) int { return strings.Compare(a.key, b.key) })
	return o
}

func (w *jsonWriter) object(o object) {
	if len(o) == 0 {
		w.empty("{", "}")
		return
	}
	w.b = append(w.b, '{')
	w.level++
	for i := range o {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		w.newline()
		w.b = event.AppendJSONString(w.b, o[i].key)
		if w.pretty {
			w.b = append(w.b, " : "...)
		} else {
			w.b = append(w.b, ':')
		}
		w.value(o[i].value)
	}
	w.level--
	w.newline()
	w.b = append(w.b, '}')
}

func (w *jsonWriter) list(l list) {
	if len(l) == 0 {
		w.empty("[", "]")
		return
	}
	w.b = append(w.b, '[')
	for i := range l {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		w.space()
		w.value(l[i])
	}
	w.space()
	w.b = append(w.b, ']')
}

func (w *jsonWriter) empty(open, end string) {
	w.b = append(w.b, open...)
	w.space()
	w.b = append(w.b, end...)
}

func (w *jsonWriter) space() {
	if w.pretty {
		w.b = append(w.b, ' ')
	}
}

func (w *jsonWriter) newline() {
	if !w.pretty {
		return
	}
	w.b = append(w.b, '\n')
	for range w.level {
		w.b = append(w.b, "  "...)
	}
}

// appendRate writes f as Java's Double.toString does; infinity is a text, as in Logstash.
func appendRate(b []byte, f float64) []byte {
	a := math.Abs(f)
	switch {
	case math.IsInf(f, 1):
		return append(b, `"Infinity"`...)
	case math.IsInf(f, -1):
		return append(b, `"-Infinity"`...)
	case math.IsNaN(f):
		return append(b, "null"...)
	case a != 0 && (a < 1e-3 || a >= 1e7):
		s := strconv.FormatFloat(f, 'E', -1, 64)
		mantissa, exponent, _ := strings.Cut(s, "E")
		if !strings.Contains(mantissa, ".") {
			mantissa += ".0"
		}
		n, err := strconv.Atoi(exponent)
		if err != nil {
			panic("BUG: exponent of " + s)
		}
		return append(b, mantissa+"E"+strconv.Itoa(n)...)
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return append(b, s...)
}

package loki

import (
	"slices"
	"strconv"
	"strings"
	"unicode"

	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// turn is what a worker wrote between two flushes: the lines of one batch. The pusher owns it from the flush until all of them are taken or given up.
type turn struct {
	b     *event.Batch
	buf   []byte
	lines []line
	left  int // lines that are neither taken nor given up

	fields []field // scratch
	text   []byte
	word   []byte // of a field
}

// line tells where an event is in the buffer of its turn: the labels of its stream and its value as JSON, and the document of a dead letter.
type line struct {
	start, value, document, end int
	at                          int64 // nanoseconds
	size                        int   // bytes of the text
	replayed                    bool
}

// field is a label, or an item of the metadata.
type field struct {
	key string
	val event.Value
}

// add writes e into the turn. It returns false, and the turn is as it was, if there is no text.
func (t *turn) add(out *output, e *event.Event) bool {
	v, _ := e.Get(&out.o.MessageField)
	t.text = v.AppendRubyText(t.text[:0])
	if len(strings.TrimFunc(string(t.text), blank)) == 0 {
		return false
	}
	at, dated := e.Timestamp()
	if !dated {
		at = out.env.Now()
	}
	l := line{start: len(t.buf), at: at.UnixNano(), size: len(t.text)}
	t.buf = t.appendFields(t.buf, out, e, out.o.IncludeFields)
	l.value = len(t.buf)
	t.buf = strconv.AppendInt(append(t.buf, `["`...), l.at, 10)
	t.buf = event.AppendJSONString(append(t.buf, `",`...), string(t.text))
	if len(out.o.MetadataFields) > 0 {
		before := len(t.buf)
		if t.buf = t.appendFields(append(t.buf, ','), out, e, out.o.MetadataFields); len(t.fields) == 0 {
			t.buf = t.buf[:before]
		}
	}
	t.buf = append(t.buf, ']')
	l.document = len(t.buf)
	if out.env.DeadLetters != nil {
		t.buf = e.AppendJSON(t.buf)
		l.replayed = plugin.Replayed(e)
	}
	l.end = len(t.buf)
	t.lines = append(t.lines, l)
	return true
}

// blank reports what Ruby's strip takes away.
func blank(r rune) bool { return r == 0 || r < unicode.MaxASCII && unicode.IsSpace(r) }

// appendFields appends the fields with one of the names, or all that can be labels if there are no names, as a JSON object of texts, sorted.
func (t *turn) appendFields(dst []byte, out *output, e *event.Event, names []string) []byte {
	clear(t.fields)
	t.fields = t.fields[:0]
	message := out.o.MessageField.Keys()
	for _, f := range e.Root().Fields() {
		switch {
		case strings.HasPrefix(f.Key, "@"), f.Val.Kind() == event.KindObject, len(message) == 1 && message[0] == f.Key:
		case len(names) > 0 && !slices.Contains(names, f.Key):
		default:
			t.fields = append(t.fields, field{f.Key, f.Val})
		}
	}
	slices.SortFunc(t.fields, func(a, b field) int { return strings.Compare(a.key, b.key) })
	dst = append(dst, '{')
	for i, f := range t.fields {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(event.AppendJSONString(dst, f.key), ':')
		t.word = f.val.AppendRubyText(t.word[:0])
		dst = event.AppendJSONString(dst, string(t.word))
	}
	return append(dst, '}')
}

// maxKept bounds the buffer of a turn that is kept.
const maxKept = 4 << 20

func (t *turn) reset() {
	if cap(t.buf) > maxKept {
		t.buf = nil
	}
	clear(t.fields)
	t.b, t.buf, t.lines, t.fields = nil, t.buf[:0], t.lines[:0], t.fields[:0]
}

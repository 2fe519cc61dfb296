package mutate

import (
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"millrace/internal/throttle"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
)

// lists compiles split, join, merge and copy.
func (c *compiler) lists(o *Options) {
	for _, p := range o.Split {
		c.add(&splitter{c.ref("split", p.Key), c.separator("split", p.Value)})
	}
	for _, p := range o.Join {
		c.add(&joiner{c.ref("join", p.Key), c.separator("join", p.Value)})
	}
	log := throttle.New(c.env.Log, time.Minute)
	for _, p := range o.Merge {
		op := &merge{dest: c.ref("merge", p.Key), log: log}
		for _, name := range names(p.Value) {
			op.sources = append(op.sources, c.ref("merge", name))
		}
		c.add(op)
	}
	for _, p := range o.Copy {
		c.add(&copier{c.ref("copy", p.Key), c.ref("copy", p.Value.Text())})
	}
}

// separator is the text that split or join is given. What is no text fails for every event that it concerns, as in Logstash.
type separator struct {
	text string
	err  error
}

func (c *compiler) separator(option string, v config.Value) separator {
	if v.Type == config.TypeString {
		return separator{text: v.Str}
	}
	err := fmt.Errorf("%s: the separator must be a string, not %s", option, v.Text())
	c.check(option, err)
	return separator{err: err}
}

// splitter makes an array of a string.
type splitter struct {
	field     ref
	separator separator
}

func (op *splitter) apply(e *event.Event, _ *scratch) error {
	if op.field.err != nil {
		return op.field.err
	}
	v, at := op.field.get(e)
	if v.Kind() != event.String {
		return nil
	}
	if op.separator.err != nil {
		return op.separator.err
	}
	l := e.NewList()
	switch op.separator.text {
	case " ":
		splitFields(l, v.Str())
	case "":
		splitRunes(l, v.Str())
	default:
		splitText(l, v.Str(), op.separator.text)
	}
	n := l.Len()
	for n > 0 && l.At(n-1).Str() == "" {
		n--
	}
	l.Truncate(n)
	return op.field.set(e, at, event.ListValue(l))
}

func splitText(l *event.List, s, separator string) {
	for {
		piece, rest, found := strings.Cut(s, separator)
		l.Append(event.StringValue(piece))
		if !found {
			return
		}
		s = rest
	}
}

// splitFields splits at runs of white space, those at the start left out.
func splitFields(l *event.List, s string) {
	for {
		s = strings.TrimLeftFunc(s, unicode.IsSpace)
		if s == "" {
			return
		}
		end := strings.IndexFunc(s, unicode.IsSpace)
		if end < 0 {
			end = len(s)
		}
		l.Append(event.StringValue(s[:end]))
		s = s[end:]
	}
}

func splitRunes(l *event.List, s string) {
	for s != "" {
		_, size := utf8.DecodeRuneInString(s)
		l.Append(event.StringValue(s[:size]))
		s = s[size:]
	}
}

// joiner makes a string of an array.
type joiner struct {
	field     ref
	separator separator
}

func (op *joiner) apply(e *event.Event, _ *scratch) error {
	if op.field.err != nil {
		return op.field.err
	}
	v, at := op.field.get(e)
	l := v.List()
	if l == nil {
		return nil
	}
	if op.separator.err != nil {
		return op.separator.err
	}
	text := e.Arena.Take(appendJoined(e.Arena.Free(), l, op.separator.text))
	return op.field.set(e, at, event.StringValue(text))
}

// appendJoined is Ruby's Array#join: arrays inside are joined too, null is nothing.
func appendJoined(dst []byte, l *event.List, separator string) []byte {
	for i, item := range l.Items() {
		if i > 0 {
			dst = append(dst, separator...)
		}
		if inner := item.List(); inner != nil {
			dst = appendJoined(dst, inner, separator)
			continue
		}
		dst = item.AppendRubyText(dst)
	}
	return dst
}

// merge adds fields to another one.
type merge struct {
	dest    ref
	sources []ref
	log     *throttle.Logger
}

func (op *merge) apply(e *event.Event, _ *scratch) error {
	if op.dest.err != nil {
		return op.dest.err
	}
	dest, _ := e.Get(&op.dest.path)
	for i := range op.sources {
		src := &op.sources[i]
		if src.err != nil {
			return src.err
		}
		v, _ := e.Get(&src.path)
		if (dest.Kind() == event.KindObject) != (v.Kind() == event.KindObject) {
			op.log.Error("an array and a hash cannot be merged", slog.String("destination", op.dest.path.String()),
				slog.String("source", src.path.String()))
			continue
		}
		if dest.Kind() == event.KindObject {
			mergeObjects(e, dest.Object(), v.Object())
			continue
		}
		l := e.NewList()
		appendItems(l, dest)
		appendItems(l, e.Own(v))
		if err := e.Set(&op.dest.path, event.ListValue(l)); err != nil {
			return err
		}
		if dest.List() != nil {
			dest = event.ListValue(l) // an array grows by all sources; anything else is merged with the last one alone, as in Logstash
		}
	}
	return nil
}

func mergeObjects(e *event.Event, dest, src *event.Object) {
	if dest == src {
		return
	}
	for _, f := range src.Fields() {
		dest.Set(f.Key, e.Own(f.Val))
	}
}

// appendItems is Ruby's Array(): the items of an array, nothing for null, else the value itself.
func appendItems(l *event.List, v event.Value) {
	switch v.Kind() {
	case event.Null:
	case event.KindList:
		for _, item := range v.List().Items() {
			l.Append(item)
		}
	default:
		l.Append(v)
	}
}

// copier copies a field.
type copier struct{ from, to ref }

func (op *copier) apply(e *event.Event, _ *scratch) error {
	if op.from.err != nil {
		return op.from.err
	}
	v, ok := e.Get(&op.from.path)
	if !ok || v.IsNull() {
		return nil
	}
	if op.to.err != nil {
		return op.to.err
	}
	return e.Set(&op.to.path, e.Own(v))
}

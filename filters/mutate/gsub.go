package mutate

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"

	"millrace/internal/onig"
	"millrace/internal/throttle"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
)

// gsubList is the option gsub: triples of field, expression and replacement. It checks the expressions itself, to name the item that is
// wrong.
type gsubList []gsubEntry

type gsubEntry struct {
	field, needle, replacement string
	regexp                     *onig.Regexp // nil if the needle refers to fields
}

// OptionType names the type for descriptions.
func (gsubList) OptionType() string { return "array" }

// UnmarshalOption reads the triples.
func (l *gsubList) UnmarshalOption(v config.Value) error {
	items := v.Items
	if v.Type != config.TypeArray {
		items = []config.Value{v}
	}
	*l = nil
	if len(items)%3 != 0 {
		return fmt.Errorf("gsub takes three items each time: field, regular expression, replacement; there are %d items", len(items))
	}
	var diags config.Diagnostics
	for i := 0; i < len(items); i += 3 {
		g := gsubEntry{field: items[i].Text(), needle: items[i+1].Text(), replacement: items[i+2].Text()}
		if !strings.Contains(g.needle, "%{") {
			re, err := onig.Compile(g.needle)
			if err != nil {
				diags = append(diags, config.Errorf(items[i+1].Place, "invalid-option", "gsub: %v", err))
				continue
			}
			g.regexp = re
		}
		*l = append(*l, g)
	}
	return diags.Err()
}

func (c *compiler) gsubs(list gsubList) {
	log := throttle.New(c.env.Log, time.Minute)
	for _, g := range list {
		op := &gsub{field: c.ref("gsub", g.field), regexp: g.regexp, with: c.replacement(g), log: log}
		if g.regexp == nil {
			op.needle = c.template("gsub", g.needle)
		}
		c.add(op)
	}
}

func (c *compiler) replacement(g gsubEntry) replacement {
	r := replacement{template: c.template("gsub", g.replacement)}
	if r.template.Static() {
		r.parts = parseReplacement(nil, g.replacement)
		r.static = true
	}
	return r
}

// gsub replaces what a regular expression matches.
type gsub struct {
	field  ref
	regexp *onig.Regexp   // nil if needle has to be resolved
	needle event.Template // else unused
	with   replacement
	log    *throttle.Logger

	matcher *onig.Matcher // of regexp, one a worker
	dynamic matcherCache
}

func (op *gsub) forWorker() operation {
	w := *op
	if op.regexp != nil {
		w.matcher = op.regexp.NewMatcher()
	}
	return &w
}

func (op *gsub) apply(e *event.Event, s *scratch) error {
	if op.field.err != nil {
		return op.field.err
	}
	v, at := op.field.get(e)
	l := v.List()
	if l == nil && v.Kind() != event.String {
		return nil
	}
	m, err := op.prepare(e)
	if err != nil {
		return err
	}
	if l == nil {
		text, changed, err := op.replace(e, s, m, v.Str())
		if err != nil || !changed {
			return err
		}
		return op.field.set(e, at, event.StringValue(text))
	}
	return op.list(e, s, m, at, l)
}

func (op *gsub) list(e *event.Event, s *scratch, m *matching, at *event.Field, l *event.List) error {
	out := e.NewList()
	for _, item := range l.Items() {
		if item.Kind() != event.String {
			op.log.Warn("gsub leaves what is no string in an array as it is", slog.String("field", op.field.path.String()))
			out.Append(item)
			continue
		}
		text, _, err := op.replace(e, s, m, item.Str())
		if err != nil {
			return err
		}
		out.Append(event.StringValue(text))
	}
	return op.field.set(e, at, event.ListValue(out))
}

// matching is what gsub looks for and puts in its place, for one event.
type matching struct {
	regexp  *onig.Regexp
	matcher *onig.Matcher
	parts   []part
}

// prepare resolves the needle and the replacement.
func (op *gsub) prepare(e *event.Event) (*matching, error) {
	m := &op.dynamic.current
	m.regexp, m.matcher, m.parts = op.regexp, op.matcher, op.with.parts
	if op.regexp != nil && op.matcher == nil {
		op.matcher = op.regexp.NewMatcher() // the filter of New itself, outside a pipeline
		m.matcher = op.matcher
	}
	if op.regexp == nil {
		text, err := op.needle.Text(e)
		if err != nil {
			return nil, err
		}
		if m.regexp, m.matcher, err = op.dynamic.get(text); err != nil {
			return nil, err
		}
	}
	if !op.with.static {
		text, err := op.with.template.Text(e)
		if err != nil {
			return nil, err
		}
		op.dynamic.parts = parseReplacement(op.dynamic.parts[:0], text)
		m.parts = op.dynamic.parts
	}
	return m, nil
}

var errTimeout = errors.New("gsub: the regular expression took too long")

// replace returns text with every match replaced. Without one it returns text itself.
func (op *gsub) replace(e *event.Event, s *scratch, m *matching, text string) (_ string, changed bool, err error) {
	s.buf = s.buf[:0]
	done, pos := 0, 0 // how far text is copied, and searched
	for pos <= len(text) && m.matcher.MatchAt(text, pos) {
		from, to := m.matcher.Group(0)
		s.buf = append(s.buf, text[done:from]...)
		if s.buf, err = m.appendReplacement(s.buf, text); err != nil {
			return text, false, err
		}
		done, pos, changed = to, to, true
		if from == to { // an empty match: the next search begins behind the next character
			_, size := utf8.DecodeRuneInString(text[to:])
			pos += max(size, 1)
		}
	}
	if m.matcher.TimedOut() {
		return text, false, errTimeout
	}
	if !changed {
		return text, false, nil
	}
	s.buf = append(s.buf, text[done:]...)
	return e.Arena.String(s.buf), true, nil
}

// matcherCache keeps the expressions that came of a needle with references, of which there are few in practice.
type matcherCache struct {
	entries map[string]*matching
	current matching
	parts   []part
}

// maxDynamic bounds the compiled expressions of one gsub: at some 10 KiB each, 1 MiB.
const maxDynamic = 100

func (c *matcherCache) get(needle string) (*onig.Regexp, *onig.Matcher, error) {
	if m := c.entries[needle]; m != nil {
		return m.regexp, m.matcher, nil
	}
	re, err := onig.Compile(needle)
	if err != nil {
		return nil, nil, err
	}
	if c.entries == nil || len(c.entries) >= maxDynamic {
		c.entries = make(map[string]*matching)
	}
	m := &matching{regexp: re, matcher: re.NewMatcher()}
	c.entries[strings.Clone(needle)] = m // a clone does not keep alive the text that the needle is a part of
	return m.regexp, m.matcher, nil
}

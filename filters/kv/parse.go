package kv

import (
	"strings"

	"millrace/pipeline/event"
)

// maxDepth bounds the recursion: each level is a part of the text above it, so only a hostile text goes deeper.
const maxDepth = 64

// parse is the work on the texts of one event.
type parse struct {
	w     *worker
	e     *event.Event
	pairs *event.Object
	depth int

	simple           bool // pairs are taken as they stand in the text
	resolved         bool
	include, exclude []string
}

// text adds the pairs of s.
func (p *parse) text(s string) error {
	sc := &p.w.scanner
	if !sc.begin(s) {
		if sc.timedOut {
			return errTimeout
		}
		return nil
	}
	if !p.resolved {
		if err := p.resolve(); err != nil {
			return err
		}
	}
	others := p.pairs.Marks()
	for {
		if parts := sc.run(p.w.parts[:]); len(parts) > 0 {
			if err := p.addParts(s, parts, &others); err != nil {
				return err
			}
			if len(parts) == len(p.w.parts) {
				continue
			}
		}
		key, value, ok := sc.next()
		if !ok {
			break
		}
		if err := p.add(key, value); err != nil {
			return err
		}
	}
	if sc.timedOut {
		return errTimeout
	}
	return nil
}

func (p *parse) resolve() (err error) {
	w := p.w
	p.resolved = true
	p.simple = w.asTheyAre
	if p.include, err = w.include.resolve(p.e, w.includes[:0]); err != nil {
		return err
	}
	if !w.include.static {
		w.includes = p.include
	}
	if p.exclude, err = w.exclude.resolve(p.e, w.excludes[:0]); err != nil {
		return err
	}
	if !w.exclude.static {
		w.excludes = p.exclude
	}
	return nil
}

// addParts adds pairs whose keys differ, and differ from those of this text so far.
func (p *parse) addParts(text string, parts []event.Part, others *event.Marks) error {
	for len(parts) > 0 {
		if p.simple {
			if parts = parts[p.pairs.AppendParts(text, parts, others):]; len(parts) == 0 {
				break
			}
		}
		if err := p.add(parts[0].NameIn(text), parts[0].TextIn(text)); err != nil {
			return err
		}
		parts = parts[1:]
	}
	return nil
}

func (p *parse) add(key, value string) error {
	w := p.w
	if value == "" && !w.o.AllowEmptyValues {
		return nil
	}
	if p.simple {
		v := event.StringValue(value)
		if old, done := p.pairs.SetNew(key, v); !done {
			p.pairs.Set(key, w.both(p.e, old, value, v))
		}
		return nil
	}
	key, err := w.key.apply(p.e.Arena, key)
	if err != nil {
		return err
	}
	if len(p.include) > 0 && !contains(p.include, key) || contains(p.exclude, key) {
		return nil
	}
	if key, err = p.prefixed(key); err != nil {
		return err
	}
	if value, err = w.value.apply(p.e.Arena, value); err != nil {
		return err
	}
	v := event.StringValue(value)
	old, exists := p.pairs.Get(key)
	if exists && !w.o.AllowDuplicateValues && includes(old, value) {
		return nil
	}
	if w.o.Recursive && p.depth < maxDepth {
		inner, err := p.recurse(value)
		if err != nil {
			return err
		}
		if inner.Len() > 0 {
			v = event.ObjectValue(inner)
		}
	}
	if !exists {
		p.pairs.Set(key, v)
		return nil
	}
	p.pairs.Set(key, w.both(p.e, old, value, v))
	return nil
}

// both returns what a key has whose value was old and that is given v, which was made of value: a list, unless v is not to stand in it twice.
func (w *worker) both(e *event.Event, old event.Value, value string, v event.Value) event.Value {
	if !w.o.AllowDuplicateValues && includes(old, value) {
		return old
	}
	l := old.List()
	if l == nil {
		l = e.NewList()
		l.Append(old)
	}
	l.Append(v)
	return event.ListValue(l)
}

// recurse parses a value with the place of the scan around it put aside.
func (p *parse) recurse(value string) (*event.Object, error) {
	inner := parse{w: p.w, e: p.e, pairs: p.e.NewObject(), depth: p.depth + 1, resolved: true, include: p.include, exclude: p.exclude}
	outer := p.w.scanner.state
	err := inner.text(value)
	p.w.scanner.state = outer
	return inner.pairs, err
}

func (p *parse) prefixed(key string) (string, error) {
	if p.w.o.Prefix.String() == "" {
		return key, nil
	}
	prefix, err := p.w.o.Prefix.Text(p.e)
	if err != nil {
		return "", err
	}
	a := p.e.Arena
	return a.Take(append(append(a.Free(), prefix...), key...)), nil
}

func contains(list []string, s string) bool {
	for i := range list {
		if list[i] == s {
			return true
		}
	}
	return false
}

// includes is Ruby's include? of what a key has so far: a part of a text, an item of a list, a key of a hash.
func includes(old event.Value, value string) bool {
	switch old.Kind() {
	case event.String:
		return strings.Contains(old.Str(), value)
	case event.KindList:
		for _, item := range old.List().Items() {
			if item.Kind() == event.String && item.Str() == value {
				return true
			}
		}
	case event.KindObject:
		_, ok := old.Object().Get(value)
		return ok
	}
	return false
}

package translate

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"millrace/internal/onig"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
)

// mode is how a dictionary is searched: for the text as a whole unless one of these is set.
type mode struct {
	regex   bool // keys are expressions
	partial bool // keys are parts of the text
}

// dictionary is a table that is replaced as a whole when its file changes. load and reload are called by one goroutine at a time.
type dictionary struct {
	mode
	path  string
	merge bool
	yaml  yamlFiles

	current atomic.Pointer[table]
	stamp   stamp
}

// stamp tells whether a file may have changed.
type stamp struct {
	modified time.Time
	size     int64
}

func stampOf(info fs.FileInfo) stamp { return stamp{info.ModTime(), info.Size()} }

// table is what a dictionary holds at a time. It is immutable.
type table struct {
	mode
	values  map[string]event.Value // lists and hashes in it are copied for the event that gets them
	keys    []string               // in order
	typed   int                    // keys that were no strings and left out
	example string                 // of them

	expressions []*onig.Regexp // of keys
	lengths     []int          // of keys, without repetition
	first       [256]bool      // bytes that keys begin with
	rank        map[string]int // of a key in keys
}

func newTable(m mode) *table { return &table{mode: m, values: make(map[string]event.Value)} }

func (t *table) set(key string, v event.Value) {
	if _, ok := t.values[key]; !ok {
		t.keys = append(t.keys, key)
	}
	t.values[key] = v
}

func (t *table) skip(key string) {
	if t.typed++; t.typed == 1 {
		t.example = key
	}
}

// finish prepares the table for its mode.
func (t *table) finish() error {
	switch {
	case t.regex:
		var errs []error
		for _, key := range t.keys {
			re, err := onig.Compile(key)
			if err != nil {
				errs = append(errs, fmt.Errorf("the key %q: %w", key, err))
				if len(errs) == 10 {
					break
				}
			}
			t.expressions = append(t.expressions, re)
		}
		return errors.Join(errs...)
	case t.partial:
		t.rank = make(map[string]int, len(t.keys))
		for i, key := range t.keys {
			t.rank[key] = i
			if !slices.Contains(t.lengths, len(key)) {
				t.lengths = append(t.lengths, len(key))
			}
			if key != "" {
				t.first[key[0]] = true
			}
		}
		slices.Sort(t.lengths)
	}
	return nil
}

func (d *dictionary) table() *table { return d.current.Load() }

// inline fills the dictionary from the option.
func (d *dictionary) inline(entries config.Map[config.Value]) error {
	t := newTable(d.mode)
	keep := event.New(nil)
	for _, e := range entries {
		t.set(e.Key, configValue(keep, e.Value))
	}
	if err := t.finish(); err != nil {
		return err
	}
	d.current.Store(t)
	return nil
}

// configValue makes a value of an option's.
func configValue(keep *event.Event, v config.Value) event.Value {
	switch v.Type {
	case config.TypeInt:
		return event.IntValue(v.Int)
	case config.TypeFloat:
		return event.FloatValue(v.Float)
	case config.TypeArray:
		l := keep.NewList()
		for _, item := range v.Items {
			l.Append(configValue(keep, item))
		}
		return event.ListValue(l)
	case config.TypeHash:
		o := keep.NewObject()
		for _, entry := range v.Hash {
			o.Set(entry.Key, configValue(keep, entry.Value))
		}
		return event.ObjectValue(o)
	}
	return event.StringValue(v.Text())
}

// load reads the file.
func (d *dictionary) load() error {
	info, err := os.Stat(d.path)
	if err != nil {
		return fmt.Errorf("reading the dictionary: %w", err)
	}
	d.stamp = stampOf(info) // even if the file is bad: it is not worth a second look until it changes
	t := newTable(d.mode)
	if err := t.read(d.path, d.yaml); err != nil {
		return fmt.Errorf("reading the dictionary %q: %w", d.path, err)
	}
	if old := d.current.Load(); old != nil && d.merge {
		merged := newTable(d.mode)
		merged.keys, merged.values = slices.Clone(old.keys), maps.Clone(old.values)
		for _, key := range t.keys {
			merged.set(key, t.values[key])
		}
		t = merged
	}
	if err := t.finish(); err != nil {
		return fmt.Errorf("reading the dictionary %q: %w", d.path, err)
	}
	d.current.Store(t)
	return nil
}

// reload reads the file if it changed.
func (d *dictionary) reload() (changed bool, err error) {
	info, err := os.Stat(d.path)
	if err != nil {
		return false, err
	}
	if stampOf(info) == d.stamp {
		return false, nil
	}
	return true, d.load()
}

// find looks text up.
func (t *table) find(e *event.Event, text string) (event.Value, bool) {
	switch {
	case t.partial:
		return t.replace(e.Arena, text)
	case t.regex:
		for i, re := range t.expressions {
			if re.MatchString(text) {
				return t.values[t.keys[i]], true
			}
		}
		return event.Value{}, false
	}
	v, ok := t.values[text]
	return v, ok
}

// replace replaces every key in text by its value. Where several keys begin at one place the first in the dictionary's order counts, as in
// the alternatives of an expression.
func (t *table) replace(a *event.Arena, text string) (event.Value, bool) {
	var dst []byte
	copied := 0
	for i := 0; i <= len(text); {
		key, ok := t.keyAt(text[i:])
		if !ok {
			i += charLen(text[i:])
			continue
		}
		if dst == nil {
			dst = a.Free()
		}
		dst = append(dst, text[copied:i]...)
		dst = t.values[key].AppendRubyText(dst)
		i += len(key)
		copied = i
		if key == "" {
			i += charLen(text[i:])
		}
	}
	if dst == nil {
		return event.Value{}, false
	}
	dst = append(dst, text[copied:]...)
	if string(dst) == text {
		return event.Value{}, false
	}
	return event.StringValue(a.Take(dst)), true
}

// charLen is the length of the first character of s; 1 at the end.
func charLen(s string) int {
	n := 1
	for n < len(s) && s[n]&0xC0 == 0x80 {
		n++
	}
	return n
}

// keyAt returns the key that s begins with.
func (t *table) keyAt(s string) (key string, ok bool) {
	best := len(t.keys)
	for _, n := range t.lengths {
		if n > len(s) {
			break
		}
		if n > 0 && !t.first[s[0]] {
			break
		}
		if r, found := t.rank[s[:n]]; found && r < best {
			best = r
		}
	}
	if best == len(t.keys) {
		return "", false
	}
	return t.keys[best], true
}

package pipetest

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
)

// EventDiff says how one event differs from what was expected.
type EventDiff struct {
	Index  int // of the event, from 0
	Fields []FieldDiff
	Want   any // the event as a whole if it did not come out
	Got    any // the event as a whole if it was not expected
}

// FieldDiff is one field that differs.
type FieldDiff struct {
	Path    string // as a field reference
	Want    any
	Got     any
	Missing bool // it was expected and is not there
	Extra   bool // it is there and was not expected
}

// compareEvents returns the events that differ, in their order.
func compareEvents(want, got []any, exact bool) []EventDiff {
	c := comparer{exact: exact}
	var out []EventDiff
	for i := range max(len(want), len(got)) {
		switch {
		case i >= len(got):
			out = append(out, EventDiff{Index: i, Want: want[i]})
		case i >= len(want):
			out = append(out, EventDiff{Index: i, Got: got[i]})
		default:
			c.diffs = nil
			c.compare("", want[i], got[i])
			if c.diffs != nil {
				out = append(out, EventDiff{Index: i, Fields: c.diffs})
			}
		}
	}
	return out
}

type comparer struct {
	exact bool // 1 and 1.0 differ
	diffs []FieldDiff
}

func (c *comparer) compare(path string, want, got any) {
	switch w := want.(type) {
	case map[string]any:
		if g, ok := got.(map[string]any); ok {
			c.objects(path, w, g)
			return
		}
	case []any:
		if g, ok := got.([]any); ok {
			c.lists(path, w, g)
			return
		}
	case json.Number:
		if g, ok := got.(json.Number); ok && sameNumber(w, g) && (!c.exact || isFloat(w) == isFloat(g)) {
			return
		}
	default:
		switch got.(type) {
		case map[string]any, []any:
		default:
			if want == got {
				return
			}
		}
	}
	c.diffs = append(c.diffs, FieldDiff{Path: path, Want: want, Got: got})
}

func (c *comparer) objects(path string, want, got map[string]any) {
	keys := slices.Collect(maps.Keys(want))
	for k := range got {
		if _, ok := want[k]; !ok {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	for _, k := range keys {
		w, inWant := want[k]
		g, inGot := got[k]
		below := path + "[" + k + "]"
		switch {
		case !inGot:
			c.diffs = append(c.diffs, FieldDiff{Path: below, Want: w, Missing: true})
		case !inWant:
			c.diffs = append(c.diffs, FieldDiff{Path: below, Got: g, Extra: true})
		default:
			c.compare(below, w, g)
		}
	}
}

func (c *comparer) lists(path string, want, got []any) {
	for i := range max(len(want), len(got)) {
		below := fmt.Sprintf("%s[%d]", path, i)
		switch {
		case i >= len(got):
			c.diffs = append(c.diffs, FieldDiff{Path: below, Want: want[i], Missing: true})
		case i >= len(want):
			c.diffs = append(c.diffs, FieldDiff{Path: below, Got: got[i], Extra: true})
		default:
			c.compare(below, want[i], got[i])
		}
	}
}

// isFloat reports whether a number is written as one with decimals.
func isFloat(n json.Number) bool { return strings.ContainsAny(string(n), ".eE") }

// sameNumber compares by value; a number is text of bounded length here, so that its exponent is small unless somebody wrote it so.
func sameNumber(a, b json.Number) bool {
	if len(a) > 400 || len(b) > 400 {
		return a == b
	}
	x, errX := a.Float64()
	y, errY := b.Float64()
	if errX != nil || errY != nil || x != y {
		return false
	}
	// Floats hide the difference between great integers.
	i, okI := new(big.Int).SetString(string(a), 10)
	j, okJ := new(big.Int).SetString(string(b), 10)
	return !okI || !okJ || i.Cmp(j) == 0
}

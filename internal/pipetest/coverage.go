package pipetest

import (
	"cmp"
	"fmt"
	"io"
	"slices"

	"millrace/pipeline"
	"millrace/pipeline/config"
)

// Coverage is what the cases reached of the configurations, over all runs.
type Coverage struct {
	points map[pointKey]*point
}

// NewCoverage returns one that is empty.
func NewCoverage() *Coverage { return &Coverage{points: make(map[pointKey]*point)} }

type pointKey struct {
	kind   pointKind
	file   string
	offset int
}

// pointKind is what a point stands for.
type pointKind uint8

const (
	branchPoint  pointKind = iota // an arm of an if
	pastPoint                     // going past an if without else
	filterPoint                   // a filter
	patternPoint                  // a pattern of a filter
)

// point is one thing that cases should reach.
type point struct {
	pointKey
	line, column int
	end          int // offset behind it, for what lies inside
	what         string
	hits         int64
}

func (c *Coverage) add(cov *pipeline.Coverage) {
	for _, b := range cov.Branches {
		never := "never holds: " + b.Head
		if b.Kind == "else" {
			never = "else is never reached"
		}
		c.count(branchPoint, b.Place, never, b.Counts.Held.Load())
		if b.Last {
			c.count(pastPoint, b.Place, "always holds: "+b.Head, b.Counts.Asked.Load()-b.Counts.Held.Load())
		}
	}
	for _, f := range cov.Filters {
		if f.Stats.Name == testPlugin {
			continue
		}
		c.count(filterPoint, f.Place, "filter "+f.Stats.Name+" is never reached", f.Stats.In.Load())
		if f.Patterns == nil {
			continue
		}
		for _, p := range f.Patterns.PatternCounts() {
			place := p.Place
			if place.File == nil {
				place = f.Place
			}
			c.count(patternPoint, place, fmt.Sprintf("pattern never matches %s: %s", p.Field, p.Pattern), p.Matched)
		}
	}
}

func (c *Coverage) count(kind pointKind, at config.Place, what string, hits int64) {
	k := pointKey{kind, at.File.Name, at.Start}
	p := c.points[k]
	if p == nil {
		pos := at.File.Position(at.Start)
		p = &point{pointKey: k, line: pos.Line, column: pos.Column, end: at.End, what: what}
		c.points[k] = p
	}
	p.hits += hits
}

// Missed is something that no case reached.
type Missed struct {
	File         string `json:"file"`
	Line, Column int
	What         string `json:"what"`
}

// Missed returns what no case reached, in the order of files and lines. What lies inside of a branch that is never taken is left out.
func (c *Coverage) Missed() []Missed {
	var never []*point
	for _, p := range c.points {
		if p.hits == 0 {
			never = append(never, p)
		}
	}
	slices.SortFunc(never, func(a, b *point) int {
		return cmp.Or(cmp.Compare(a.file, b.file), cmp.Compare(a.offset, b.offset), cmp.Compare(a.kind, b.kind))
	})
	var out []Missed
	file, end := "", 0 // of the last branch that is never taken
	for _, p := range never {
		if p.file == file && p.offset < end {
			continue
		}
		if p.kind == branchPoint {
			file, end = p.file, p.end
		}
		if p.kind == patternPoint && c.unreached(p) {
			continue
		}
		out = append(out, Missed{p.file, p.line, p.column, p.what})
	}
	return out
}

// unreached reports whether the filter before a pattern is itself listed.
func (c *Coverage) unreached(p *point) bool {
	var filter *point
	for _, f := range c.points {
		if f.kind == filterPoint && f.file == p.file && f.offset <= p.offset && (filter == nil || f.offset > filter.offset) {
			filter = f
		}
	}
	return filter != nil && filter.hits == 0
}

// Write prints how much was reached, and where not.
func (c *Coverage) Write(w io.Writer) error {
	var all, hit [patternPoint + 1]int
	for _, p := range c.points {
		all[p.kind]++
		if p.hits > 0 {
			hit[p.kind]++
		}
	}
	_, err := fmt.Fprintf(w, "coverage: %d of %d branches, %d of %d filters, %d of %d patterns\n", hit[branchPoint]+hit[pastPoint],
		all[branchPoint]+all[pastPoint], hit[filterPoint], all[filterPoint], hit[patternPoint], all[patternPoint])
	for _, m := range c.Missed() {
		if err == nil {
			_, err = fmt.Fprintf(w, "  %s:%d:%d: %s\n", m.File, m.Line, m.Column, m.What)
		}
	}
	return err
}

package grok

import (
	"sync/atomic"

	"millrace/pipeline/plugin"
)

var _ plugin.PatternCounter = (*Filter)(nil)

// CountPatterns makes the filter count what each pattern matches. Without it the counters cost a comparison with nil a match.
func (f *Filter) CountPatterns() {
	for i := range f.fields {
		for j := range f.fields[i].patterns {
			if p := &f.fields[i].patterns[j]; p.matched == nil {
				p.matched = new(atomic.Int64)
			}
		}
	}
}

// PatternCounts returns how many texts each pattern matched since CountPatterns.
func (f *Filter) PatternCounts() []plugin.PatternCount {
	var counts []plugin.PatternCount
	for i := range f.fields {
		for j := range f.fields[i].patterns {
			p := &f.fields[i].patterns[j]
			c := plugin.PatternCount{Place: p.place, Field: f.fields[i].name, Pattern: p.text}
			if p.matched != nil {
				c.Matched = p.matched.Load()
			}
			counts = append(counts, c)
		}
	}
	return counts
}

package pipeline

import (
	"millrace/pipeline/cond"
	"millrace/pipeline/config"
	"millrace/pipeline/plugin"
)

// Coverage notes which parts of a config events reached. [Compile] fills it if the settings name one; the pipeline adds to the counts
// while it runs.
type Coverage struct {
	Branches []BranchCoverage // in the order of the config
	Filters  []FilterCoverage // in the order of the config
}

// BranchCoverage is one arm of an if.
type BranchCoverage struct {
	Place  config.Place
	Kind   string // "if", "else if" or "else"
	Head   string // its text up to the brace, in one line
	Last   bool   // no else follows: events for which it does not hold go past the whole if
	Counts *cond.Counts
}

// FilterCoverage is one filter.
type FilterCoverage struct {
	Place    config.Place // of its name
	Stats    *PluginStats
	Patterns plugin.PatternCounter // nil if the filter has no patterns
}

// branch notes an arm and returns its condition, which counts from then on.
func (c *Coverage) branch(head branchHead, compiled *cond.Condition) *cond.Condition {
	b := BranchCoverage{Place: head.place, Kind: head.kind, Head: head.text, Last: head.last, Counts: new(cond.Counts)}
	c.Branches = append(c.Branches, b)
	return cond.Counted(compiled, b.Counts)
}

func (c *Coverage) filter(slot *filterSlot) {
	fc := FilterCoverage{Place: slot.place, Stats: slot.stats}
	if pc, ok := slot.filter.(plugin.PatternCounter); ok {
		pc.CountPatterns()
		fc.Patterns = pc
	}
	c.Filters = append(c.Filters, fc)
}

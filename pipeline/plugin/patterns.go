package plugin

import "millrace/pipeline/config"

// PatternCounter is a Filter with patterns that can count what each of them matched, for coverage and profiles. Until it is asked to
// it does not count.
type PatternCounter interface {
	Filter
	// CountPatterns makes the filter count. It is called before ForWorker and the first event.
	CountPatterns()
	// PatternCounts returns the counts so far, over all workers, in the order in which the patterns are tried.
	PatternCounts() []PatternCount
}

// PatternCount tells what one pattern did.
type PatternCount struct {
	Place   config.Place // where the pattern is written
	Field   string       // that it is matched against
	Pattern string
	Matched int64
}

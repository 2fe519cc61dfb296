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

// PatternWatched is a worker's Filter whose patterns can be watched while it works: what each of them does, and what that takes.
type PatternWatched interface {
	Filter
	// WatchPatterns makes the filter tell w what its patterns do, until it is called with nil. Patterns are numbered in the order of
	// PatternCounts. The worker that the filter belongs to calls it between two events.
	WatchPatterns(w PatternWatcher)
}

// PatternWatcher is told what the patterns of one worker's filter do.
type PatternWatcher interface {
	// Text is called before patterns are tried on a text. If all is true, those behind the first that matches are tried too, without
	// effect: then it is known whether their order matters.
	Text() (all bool)
	// Begin is called before a pattern is tried.
	Begin(pattern int)
	// End tells how the try ended. A pattern that is ruled out without a try ends without a beginning.
	End(pattern int, o PatternOutcome)
}

// PatternOutcome is what became of one pattern and one text.
type PatternOutcome uint8

// The outcomes. Those that begin with Also are of patterns that are tried without effect, because another one matched before them.
const (
	PatternFailed PatternOutcome = iota
	PatternMatched
	PatternRuledOut // a look at the text for all patterns told that this one cannot match
	PatternAlsoFailed
	PatternAlsoMatched
)

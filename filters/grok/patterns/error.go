package patterns

import (
	"fmt"
	"strings"
)

// Error is a mistake in a pattern, with the place inside the pattern.
type Error struct {
	// Pattern is the text of the configuration, and Offset to End the bytes of it that are wrong, or that refer to the
	// definition that is.
	Pattern     string
	Offset, End int

	// Steps lead from the pattern to the definition that holds the mistake; none if the pattern itself holds it.
	Steps []Step

	// Msg says what is wrong, and Hint, if there is one, a name that may have been meant.
	Msg  string
	Hint string
}

// Step is a definition on the way to a mistake.
type Step struct {
	Name   string
	Origin string
	Text   string
	Offset int // of the next reference, or of the mistake, in Text
}

// Error tells what is wrong and where, in one line. The hint is left to the caller.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s at byte %d of the pattern %q", e.Msg, e.Offset, e.Pattern)
	for _, s := range e.Steps {
		fmt.Fprintf(&b, ", at byte %d of %s (%s)", s.Offset, s.Name, s.Origin)
	}
	return b.String()
}

// ErrorOffset returns the byte of the configured pattern at which the report points.
func (e *Error) ErrorOffset() int { return e.Offset }

// nearest finds the name that a wrong one was probably meant to be, or none.
func (s *Set) nearest(name string) string {
	best, bestDistance := "", len(name)/3+1
	for _, candidate := range s.Names() {
		if strings.EqualFold(candidate, name) {
			return candidate
		}
		if d := distance(name, candidate, bestDistance); d < bestDistance {
			best, bestDistance = candidate, d
		}
	}
	return best
}

// distance counts the bytes to insert, delete, exchange or swap with a neighbour to make b of a; limit or more if it is
// at least that.
func distance(a, b string, limit int) int {
	if d := len(a) - len(b); d >= limit || -d >= limit {
		return limit
	}
	beforeLast, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], beforeLast[j-2]+1)
			}
		}
		beforeLast, last, row = last, row, beforeLast
	}
	return last[len(b)]
}

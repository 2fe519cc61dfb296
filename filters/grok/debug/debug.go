// Package debug shows what a grok pattern does with a text: what it captures or, where it fails, how far it got and which part
// of it stopped it.
package debug

import (
	"time"

	"millrace/filters/grok/patterns"
	"millrace/internal/onig"
)

// Pattern is a pattern ready to be tried. It is for one goroutine.
type Pattern struct {
	text      string
	expansion *patterns.Expansion
	groups    []group
	matcher   *onig.Matcher
	failing   *onig.Matcher // made for the first text that fails
	re        *onig.Regexp
	timeout   time.Duration
}

type group struct {
	number int
	field  string
	cast   patterns.Cast
}

// Timeout is how long one match may take.
const Timeout = 5 * time.Second

// Compile reads a pattern. An error of the pattern is a *patterns.Error.
func Compile(set *patterns.Set, text string, namedOnly bool) (*Pattern, error) {
	re, x, err := set.Compile(text, namedOnly)
	if err != nil {
		return nil, err
	}
	p := &Pattern{text: text, expansion: x, matcher: re.NewMatcher(), re: re}
	p.SetTimeout(Timeout)
	for _, name := range re.Names() {
		field, cast := patterns.ParseGroup(name.Name)
		for _, number := range name.Groups {
			p.groups = append(p.groups, group{number, field, cast})
			cast = patterns.NoCast // as in the filter: the first group of a name only
		}
	}
	return p, nil
}

// SetTimeout bounds the time of a match, which is [Timeout] without it. A text that does not match is matched twice.
func (p *Pattern) SetTimeout(d time.Duration) {
	p.timeout = d
	p.matcher.SetTimeout(d)
	if p.failing != nil {
		p.failing.SetTimeout(d)
	}
}

// Result is what became of one text.
type Result struct {
	Matched    bool
	Start, End int // of the match

	Captures []Capture

	// TimedOut tells that the match was given up; nothing else is known then.
	TimedOut bool

	// Reached is how far any attempt got into a text that does not match, and Stopped what did not match there.
	Reached int
	Stopped Stop
}

// Capture is the text of one group.
type Capture struct {
	Field string
	Text  string
	Cast  patterns.Cast
}

// Stop is the part of a pattern that stopped a match.
type Stop struct {
	// Offset to End is the part of the pattern as it was given: a reference, or the place where a piece of plain regular
	// expression begins.
	Offset, End int

	// Steps lead from that reference to the definition that did not match.
	Steps []patterns.Step
}

// Try matches a text.
func (p *Pattern) Try(text string) Result {
	if p.matcher.Match(text) {
		r := Result{Matched: true}
		r.Start, r.End = p.matcher.Group(0)
		for _, g := range p.groups {
			if start, end := p.matcher.Group(g.number); start >= 0 {
				r.Captures = append(r.Captures, Capture{g.field, text[start:end], g.cast})
			}
		}
		return r
	}
	if p.matcher.TimedOut() {
		return Result{TimedOut: true}
	}
	if p.failing == nil {
		p.failing = p.re.NewDebugMatcher()
		p.failing.SetTimeout(p.timeout)
	}
	p.failing.Match(text)
	reached, at := p.failing.Furthest()
	e := p.expansion.ErrorAt(at, "")
	return Result{
		Reached: min(max(reached, 0), len(text)),
		Stopped: Stop{Offset: e.Offset, End: e.End, Steps: e.Steps},
	}
}

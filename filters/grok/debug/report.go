package debug

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"millrace/filters/grok/patterns"
)

// Options are what `millrace grok` is told.
type Options struct {
	Pattern     string
	ECS         bool
	Dirs        []string // of pattern files
	Glob        string   // which files of the directories
	Definitions []string // NAME=PATTERN
	AllCaptures bool
}

// maxLine bounds a line of the input, so that a file that is no text does not fill the memory.
const maxLine = 16 << 20

// Run reads lines and writes what the pattern does with each of them. It reports whether all of them matched.
func Run(o Options, in io.Reader, out io.Writer) (allMatched bool, err error) {
	p, err := o.compile()
	if err != nil {
		return false, err
	}
	w := bufio.NewWriter(out)
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxLine)
	allMatched = true
	for number := 1; lines.Scan(); number++ {
		line := lines.Text()
		r := p.Try(line)
		allMatched = allMatched && r.Matched
		p.report(w, number, line, r)
		if err := w.Flush(); err != nil { // each line is shown at once: the input may be a terminal
			return false, fmt.Errorf("writing the result: %w", err)
		}
	}
	if err := lines.Err(); err != nil {
		return false, fmt.Errorf("reading lines: %w", err)
	}
	return allMatched, nil
}

func (o *Options) compile() (*Pattern, error) {
	mode := patterns.Legacy
	if o.ECS {
		mode = patterns.ECS
	}
	set := patterns.Library(mode).Extend()
	glob := o.Glob
	if glob == "" {
		glob = "*"
	}
	for _, dir := range o.Dirs {
		if err := set.AddPath(dir, glob); err != nil {
			return nil, err
		}
	}
	for _, d := range o.Definitions {
		name, text, ok := strings.Cut(d, "=")
		if !ok {
			return nil, fmt.Errorf("the definition %q has no \"=\" between name and pattern", d)
		}
		set.Add(patterns.Definition{Name: name, Text: text, Origin: "definition"})
	}
	p, err := Compile(set, o.Pattern, !o.AllCaptures)
	var mistake *patterns.Error
	if errors.As(err, &mistake) && mistake.Hint != "" {
		return nil, fmt.Errorf("%w; did you mean %q?", err, mistake.Hint)
	}
	return p, err
}

func (p *Pattern) report(w io.Writer, number int, line string, r Result) {
	switch {
	case r.TimedOut:
		fmt.Fprintf(w, "line %d: gave up after %s\n", number, Timeout)
	case r.Matched:
		fmt.Fprintf(w, "line %d: match at %d-%d of %d\n", number, r.Start, r.End, len(line))
		for _, c := range r.Captures {
			fmt.Fprintf(w, "  %s: %s\n", c.Field, c.shown())
		}
	default:
		p.reportFailure(w, number, line, r)
	}
}

func (p *Pattern) reportFailure(w io.Writer, number int, line string, r Result) {
	fmt.Fprintf(w, "line %d: no match, it got to byte %d of %d\n", number, r.Reached, len(line))
	mark(w, line, r.Reached, r.Reached)
	fmt.Fprintf(w, "  stopped by %s\n", p.part(r.Stopped))
	mark(w, p.text, r.Stopped.Offset, r.Stopped.End)
	for _, s := range r.Stopped.Steps {
		fmt.Fprintf(w, "  in %s (%s)\n", s.Name, s.Origin)
		mark(w, s.Text, s.Offset, s.Offset)
	}
}

// part names what stopped the match: the reference, with the innermost definition, or the plain text at the place.
func (p *Pattern) part(s Stop) string {
	if s.End > s.Offset {
		name := p.text[s.Offset:s.End]
		if n := len(s.Steps); n > 1 {
			name += ", in its part " + s.Steps[n-1].Name
		}
		return name
	}
	if s.Offset >= len(p.text) {
		return "the end of the pattern"
	}
	const shown = 20
	rest := p.text[s.Offset:]
	if len(rest) > shown {
		rest = rest[:shown] + "..."
	}
	return strconv.Quote(rest)
}

func (c *Capture) shown() string {
	switch c.Cast {
	case patterns.Int:
		return strconv.Quote(c.Text) + " as int"
	case patterns.Float:
		return strconv.Quote(c.Text) + " as float"
	}
	return strconv.Quote(c.Text)
}

// printable writes control characters as one visible character, so that a caret below finds its place.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return '→'
		case r < ' ' || r == 0x7f:
			return '·'
		}
		return r
	}, s)
}

// around is how many bytes of a long text are shown on either side of the place that is marked.
const around = 60

// mark shows the bytes start to end of a text, with what is around them, and a line below that points at them.
func mark(w io.Writer, s string, start, end int) {
	start, end = min(start, len(s)), min(max(start, end), len(s))
	from, to := max(start-around, 0), min(end+around, len(s))
	for from > 0 && !utf8.RuneStart(s[from]) {
		from--
	}
	for to < len(s) && !utf8.RuneStart(s[to]) {
		to++
	}
	before, after := "", ""
	if from > 0 {
		before = "..."
	}
	if to < len(s) {
		after = "..."
	}
	fmt.Fprintf(w, "  %s%s%s\n", before, printable(s[from:to]), after)
	column := len(before) + utf8.RuneCountInString(s[from:start])
	width := max(utf8.RuneCountInString(s[start:end]), 1)
	fmt.Fprintf(w, "  %s^%s\n", strings.Repeat(" ", column), strings.Repeat("~", width-1))
}

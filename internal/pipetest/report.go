package pipetest

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// Report prints results for people.
type Report struct {
	W       io.Writer
	Color   bool
	Verbose bool // cases that passed, too

	passed, failed, files int
	err                   error
}

func (r *Report) printf(format string, args ...any) {
	if r.err == nil {
		_, r.err = fmt.Fprintf(r.W, format, args...)
	}
}

// The colours of a terminal.
const (
	red    = "31"
	green  = "32"
	yellow = "33"
	faint  = "2"
)

func (r *Report) paint(color, s string) string {
	if !r.Color {
		return s
	}
	return "\x1b[" + color + "m" + s + "\x1b[0m"
}

// Suite prints the results of a suite, or why it could not be run.
func (r *Report) Suite(s *Suite, results []*CaseResult, err error) {
	r.files++
	if err != nil {
		r.failed += len(s.Cases)
		r.printf("%s %s: %s\n", r.paint(red, "FAIL"), s.Path, indent(err.Error(), "     "))
		return
	}
	for _, res := range results {
		if !res.Failed() {
			r.passed++
			if r.Verbose {
				r.printf("%s %s:%d: %s\n", r.paint(green, "ok  "), s.Path, res.Case.Line, res.Case.Name)
			}
			continue
		}
		r.failed++
		r.printf("%s %s:%d: %s\n", r.paint(red, "FAIL"), s.Path, res.Case.Line, res.Case.Name)
		r.details(res)
	}
}

// Broken prints a file that could not be read as a test.
func (r *Report) Broken(err error) {
	r.files++
	r.failed++
	r.printf("%s %s\n", r.paint(red, "FAIL"), indent(err.Error(), "     "))
}

func (r *Report) details(res *CaseResult) {
	for i, in := range res.Case.input {
		if i == 3 {
			r.printf("     %s\n", r.paint(faint, fmt.Sprintf("… and %d inputs more", len(res.Case.input)-i)))
			break
		}
		r.printf("     %s\n", r.paint(faint, "input: "+shorten(in.text)))
	}
	if res.Problem != "" {
		r.printf("     %s\n", indent(res.Problem, "     "))
	}
	if want, got := len(res.Case.expected), len(res.Actual); want != got && len(res.Events) > 0 {
		r.printf("     expected %s, got %d\n", plural(want, "event"), got)
	}
	for _, d := range res.Events {
		r.event(&d)
	}
}

func (r *Report) event(d *EventDiff) {
	switch {
	case d.Want != nil:
		r.printf("     event %d is missing:\n       %s\n", d.Index+1, r.paint(red, "- "+mustJSON(d.Want)))
		return
	case d.Got != nil:
		r.printf("     event %d is not expected:\n       %s\n", d.Index+1, r.paint(green, "+ "+mustJSON(d.Got)))
		return
	}
	r.printf("     event %d:\n", d.Index+1)
	for _, f := range d.Fields {
		switch {
		case f.Missing:
			r.printf("       %s\n", r.paint(red, "- "+f.Path+": "+mustJSON(f.Want)))
		case f.Extra:
			r.printf("       %s\n", r.paint(green, "+ "+f.Path+": "+mustJSON(f.Got)))
		default:
			r.printf("       %s %s\n", r.paint(yellow, "~ "+f.Path+":"), note(f.Want, f.Got))
			r.printf("           expected %s\n", r.paint(red, mustJSON(f.Want)))
			r.printf("           actual   %s\n", r.paint(green, mustJSON(f.Got)))
		}
	}
}

// note says what is easily overlooked: other types, and where long texts begin to differ.
func note(want, got any) string {
	if w, g := typeName(want), typeName(got); w != g {
		return fmt.Sprintf("%s in place of %s", g, w)
	}
	w, ok := want.(string)
	g, _ := got.(string)
	if !ok || len(w) < 40 && len(g) < 40 {
		return "differs"
	}
	i := 0
	for i < len(w) && i < len(g) && w[i] == g[i] {
		i++
	}
	return fmt.Sprintf("differs from character %d on", utf8.RuneCountInString(w[:i])+1)
}

func typeName(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case string:
		return "text"
	case bool:
		return "a boolean"
	case json.Number:
		return "a number"
	case []any:
		return "a list"
	}
	return "an object"
}

// Failed reports whether anything failed.
func (r *Report) Failed() bool { return r.failed > 0 }

// Files returns how many files were reported.
func (r *Report) Files() int { return r.files }

// End prints the sum.
func (r *Report) End(took time.Duration) error {
	sum := plural(r.passed, "case") + " passed"
	color := green
	if r.failed > 0 {
		sum += fmt.Sprintf(", %d failed", r.failed)
		color = red
	}
	r.printf("%s in %s, %s\n", r.paint(color, sum), plural(r.files, "file"), took.Round(100*time.Microsecond))
	return r.err
}

func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

func indent(s, by string) string {
	return strings.ReplaceAll(strings.TrimRight(s, "\n"), "\n", "\n"+by)
}

// shorten cuts a text for one line of a terminal.
func shorten(s string) string {
	const most = 160
	s = strings.TrimRight(s, "\n")
	if utf8.RuneCountInString(s) > most {
		s = string([]rune(s)[:most]) + "…"
	}
	return strings.ReplaceAll(s, "\n", `\n`)
}

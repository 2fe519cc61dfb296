package profile

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"millrace/internal/figures"
	"millrace/pipeline"
)

// Text is the report for people. If top is above 0 only so many rows are shown, those that cost most first; else all, in the order of
// the config.
func (r *Report) Text(top int) string {
	var b strings.Builder
	b.WriteString(r.head() + "\n")
	if r.Untouched {
		if r.Passed > 0 { // large turns of busy workers: none began and ended meanwhile
			b.WriteString("\n  no event was timed that came while the pipeline was watched; a longer --duration tells more\n")
		} else {
			b.WriteString("\n  no event came while the pipeline was watched\n")
		}
		return b.String()
	}
	if len(r.Conclusions) > 0 {
		b.WriteString("\n")
	}
	for _, c := range r.Conclusions {
		b.WriteString("  " + c.Text + "\n")
	}
	b.WriteString("\n")
	rows := [][]string{{"SHARE", "NS/EVENT", "EVENTS", "OUTCOME", "PLACE", "WHAT"}}
	for _, row := range r.shown(top) {
		rows = append(rows, row.columns(top > 0))
	}
	for _, line := range figures.Table(rows, 3) {
		b.WriteString(line + "\n")
	}
	return b.String()
}

func (r *Report) head() string {
	took := fmt.Sprintf("%s ns an event", figures.Grouped(round(r.NanosPerEvent)))
	if r.Mode == Running {
		s := fmt.Sprintf("pipeline %s, watched for %.1f s: %s of %s events timed", r.Pipeline, r.Seconds, figures.Grouped(r.Timed), figures.Grouped(r.Passed))
		if r.Ended {
			s += ", then the pipeline ended"
		}
		if r.Untouched {
			return s
		}
		return s + ", " + took
	}
	s := fmt.Sprintf("%s events of %s", figures.Grouped(r.Events), r.Sample)
	if r.Cut {
		s += " (the beginning of it)"
	}
	s += fmt.Sprintf(" by the input %s, %s rounds in %.1f s: %s", r.Input, figures.Grouped(int64(r.Rounds)), r.Seconds, took)
	if r.Spread > 0 {
		s += fmt.Sprintf(" (± %s)", figures.Percent(r.Spread))
	}
	if r.CPU > 0 && r.CPU < 0.8 {
		s += fmt.Sprintf("; the process had the CPU for %s of it: filters wait, or the machine is busy", figures.Percent(r.CPU))
	}
	return s
}

// Keep drops all rows but the n that cost most, dearest first, for those who do not read the text.
func (r *Report) Keep(n int) {
	kept := make([]Row, 0, n)
	for _, row := range r.shown(n) {
		kept = append(kept, *row)
	}
	r.Rows = kept
}

// shown are the rows of the table.
func (r *Report) shown(top int) []*Row {
	var rows []*Row
	for i := range r.Rows {
		row := &r.Rows[i]
		if row.waits() && (row.Each == 0 || top > 0) || row.Kind == pipeline.PartFlush && r.Mode == Replayed {
			continue
		}
		if row.Kind == pipeline.PartPattern && row.Texts == 0 {
			continue
		}
		rows = append(rows, row)
	}
	if top > 0 {
		slices.SortStableFunc(rows, func(a, b *Row) int { return cmp.Compare(b.Share, a.Share) })
		rows = rows[:min(top, len(rows))]
	}
	return rows
}

func (row *Row) columns(flat bool) []string {
	share, each, place := "-", "-", ""
	if !row.waits() {
		share = figures.Percent(row.Share)
	}
	if row.Kind == pipeline.PartPipeline || row.Events > 0 && row.Branch != "else" {
		each = figures.Grouped(round(row.Each))
	}
	events := figures.Grouped(row.Events)
	if row.Kind == pipeline.PartPipeline {
		events = "-"
	}
	if row.File != "" {
		place = row.place()
	}
	what := row.what()
	if !flat {
		what = strings.Repeat("  ", row.Depth) + what
	}
	return []string{share, each, events, row.outcome(), place, what}
}

// longest is how much of a pattern or condition the table shows.
const longest = 72

func (row *Row) what() string {
	short := func(s string) string {
		if utf8.RuneCountInString(s) > longest {
			s = string([]rune(s)[:longest-1]) + "…"
		}
		return s
	}
	switch row.Kind {
	case pipeline.PartPipeline:
		return "the pipeline itself"
	case pipeline.PartDecode:
		return "input " + row.Plugin + ": decoding by " + row.Codec
	case pipeline.PartPattern:
		return fmt.Sprintf("pattern %d of %d, %s: %s", row.Number, row.Of, row.Field, short(row.Text))
	case pipeline.PartBranch:
		return short(row.Text)
	case pipeline.PartOutput:
		return "output " + row.Plugin + ": encoding"
	case pipeline.PartFlush:
		return "output " + row.Plugin + ": handing over, a time for each turn of a worker"
	case pipeline.PartFollowers:
		return "followers of events"
	}
	return "filter " + row.Plugin
}

// outcome says what became of the events that reached a row.
func (row *Row) outcome() string {
	part := func(n int64) string { return figures.Percent(float64(n) / float64(row.Events)) }
	var out []string
	switch row.Kind {
	case pipeline.PartBranch:
		switch {
		case row.Events == 0:
			return "never reached"
		case row.Branch == "else":
			return ""
		case row.Held == 0:
			return "never true"
		case row.Held == row.Events:
			return "always true"
		}
		return part(row.Held) + " true"
	case pipeline.PartPattern:
		switch {
		case row.Held == 0 && row.AlsoMatched == 0:
			out = append(out, "never matched")
		case row.Held == 0:
			out = append(out, "gets no text")
		default:
			out = append(out, figures.Percent(float64(row.Held)/float64(row.Texts))+" of texts")
		}
		if row.RuledOut > 0 {
			out = append(out, figures.Percent(float64(row.RuledOut)/float64(row.Texts))+" without a try")
		}
	case pipeline.PartFilter:
		if row.Events == 0 {
			return "never reached"
		}
		out = append(out, part(row.Held)+" matched")
		if row.Cancelled > 0 {
			out = append(out, part(row.Cancelled)+" dropped")
		}
		if row.Made > 0 {
			out = append(out, "made "+figures.Grouped(row.Made))
		}
		for _, tag := range slices.Sorted(maps.Keys(row.Tags)) {
			out = append(out, part(row.Tags[tag])+" "+tag)
		}
	case pipeline.PartOutput:
		if row.Events == 0 {
			return "never reached"
		}
	}
	return strings.Join(out, ", ")
}

func round(f float64) int64 { return int64(math.Round(f)) }

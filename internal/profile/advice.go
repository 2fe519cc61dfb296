package profile

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"millrace/internal/figures"
	"millrace/pipeline"
)

// What is worth a sentence.
const (
	leastShare  = 0.10 // of all time, for a part to be named beside the dearest
	mostCosts   = 3    // parts that are named
	leastSaving = 0.02 // of all time, for another order of patterns
	mostNever   = 5    // branches and filters that are named as never reached
)

// conclude says in words what the rows show.
func (r *Report) conclude() {
	r.Conclusions = []Conclusion{}
	if r.Events == 0 {
		return
	}
	r.costs()
	for i := range r.Rows {
		if r.Rows[i].Kind == pipeline.PartFilter {
			r.filter(i)
		}
	}
	r.never()
}

func (r *Report) say(kind string, at *Row, format string, args ...any) {
	r.Conclusions = append(r.Conclusions, Conclusion{kind, at.File, at.Line, fmt.Sprintf(format, args...)})
}

// time names what the shares are shares of.
func (r *Report) time() string {
	if r.Mode == Replayed && r.CPU >= 0.8 {
		return "the CPU time"
	}
	return "the workers' time"
}

// costs names the parts that take most.
func (r *Report) costs() {
	var dear []*Row
	for i := range r.Rows {
		if row := &r.Rows[i]; row.Kind != pipeline.PartPattern && !row.waits() && row.Share > 0 {
			dear = append(dear, row)
		}
	}
	slices.SortStableFunc(dear, func(a, b *Row) int { return cmp.Compare(b.Share, a.Share) })
	for i, row := range dear {
		if i >= mostCosts || i > 0 && row.Share < leastShare {
			return
		}
		reaching := " that reaches it"
		if row.Kind == pipeline.PartPipeline {
			reaching = ""
		}
		r.say("cost", row, "%s costs %s of %s, %s ns for each event%s", row.name(), figures.Percent(row.Share), r.time(), figures.Grouped(round(row.Each)), reaching)
	}
}

// name says what a row is and where it stands.
func (row *Row) name() string {
	at := ""
	if row.File != "" {
		at = " at " + row.place()
	}
	switch row.Kind {
	case pipeline.PartPipeline:
		return "the pipeline itself"
	case pipeline.PartDecode:
		return "decoding by the codec " + row.Codec + at
	case pipeline.PartOutput:
		return "encoding for the output " + row.Plugin + at
	case pipeline.PartBranch:
		return row.Text + at
	}
	return "filter " + row.Plugin + at
}

func (row *Row) place() string { return fmt.Sprintf("%s:%d", row.File, row.Line) }

// filter tells what fails in a filter, and which of its patterns are of no use.
func (r *Report) filter(i int) {
	row := &r.Rows[i]
	if row.Events == 0 {
		return
	}
	for _, tag := range slices.Sorted(maps.Keys(row.Tags)) {
		r.say("failed", row, "%s tags %s of %s events %s", row.name(), figures.Percent(float64(row.Tags[tag])/float64(row.Events)), figures.Grouped(row.Events), tag)
	}
	var patterns []*Row
	for j := i + 1; j < len(r.Rows) && r.Rows[j].Kind == pipeline.PartPattern; j++ {
		patterns = append(patterns, &r.Rows[j])
	}
	r.useless(row, patterns)
	r.order(row, patterns)
}

// useless names patterns that matched nothing.
func (r *Report) useless(filter *Row, patterns []*Row) {
	var never []string
	cost, texts := 0.0, int64(0)
	for _, p := range patterns {
		switch {
		case p.Held > 0 || p.Texts == 0:
		case p.AlsoMatched > 0:
			r.say("never", p, "pattern %d of %d of %s gets no text: all %s that it matches are taken by patterns before it", p.Number, p.Of, filter.name(), figures.Grouped(p.AlsoMatched))
		default:
			never = append(never, fmt.Sprint(p.Number))
			cost += p.Share
			texts = max(texts, p.Texts)
		}
	}
	if len(never) == 0 {
		return
	}
	word, them := "pattern", "it costs"
	if len(never) > 1 {
		word, them = "patterns", "they cost"
	}
	r.say("never", filter, "%s %s of %d of %s never matched in %s texts; %s %s of %s", word, enumerate(never), patterns[0].Of, filter.name(), figures.Grouped(texts), them, figures.Percent(cost), r.time())
}

// order proposes the pattern that would save most in the first place of its field.
func (r *Report) order(filter *Row, patterns []*Row) {
	var best *Row
	for _, p := range patterns {
		if p.FirstSaves >= leastSaving && (best == nil || p.FirstSaves > best.FirstSaves) {
			best = p
		}
	}
	if best == nil {
		return
	}
	what := fmt.Sprintf("pattern %d of %d of %s matches %s of the texts", best.Number, best.Of, filter.name(), figures.Percent(float64(best.Held)/float64(max(1, best.Texts))))
	saves := fmt.Sprintf("about %s of %s", figures.Percent(best.FirstSaves), r.time())
	switch {
	case best.AlsoMatched > 0:
		r.say("order", best, "%s, but leave it where it is: first it would save %s, and %s texts that a pattern before it matches would come out otherwise", what, saves, figures.Grouped(best.AlsoMatched))
	case r.AllTried:
		r.say("order", best, "%s: put it first, which saves %s; no text of the sample matches it and one before it, so the sample comes out the same (of a text that matches both, the first in the list takes the fields)", what, saves)
	default:
		tells := "a replay of a sample (--input) tells whether there are any"
		if r.Mode == Replayed {
			tells = "a longer --duration leaves time to try all patterns on all texts of the sample, and tells whether there are any"
		}
		r.say("order", best, "%s: first it would save %s. Of a text that matches several the first in the list takes the fields, so another order changes such events; %s", what, saves, tells)
	}
}

// never names branches that were never taken and filters that nothing reached. What lies in such a branch is left out.
func (r *Report) never() {
	more := 0
	tell := func(row *Row, format string, args ...any) {
		if more++; more <= mostNever {
			r.say("never", row, format, args...)
		}
	}
	for i := range r.Rows {
		row := &r.Rows[i]
		if row.neverAbove {
			continue
		}
		switch {
		case row.Kind == pipeline.PartBranch && row.Events == 0:
			tell(row, "%s was never reached", row.name())
		case row.Kind == pipeline.PartBranch && row.Held == 0:
			tell(row, "%s never held for %s events", row.name(), figures.Grouped(row.Events))
		case row.Kind == pipeline.PartFilter && row.Events == 0:
			tell(row, "%s was never reached", row.name())
		}
	}
	if more > mostNever {
		r.Conclusions = append(r.Conclusions, Conclusion{Kind: "never", Text: fmt.Sprintf("%d more branches or filters were never reached; the table shows them", more-mostNever)})
	}
}

// enumerate joins numbers: 3, 5 and 7.
func enumerate(items []string) string {
	last := len(items) - 1
	if last == 0 {
		return items[0]
	}
	return strings.Join(items[:last], ", ") + " and " + items[last]
}

// Package profile tells what each line of a pipeline's config costs: of a running pipeline, or of one that works on a sample of lines
// again and again. The times are those of [pipeline.Profile]; what they mean is said here, in a table and in words.
package profile

import (
	"math"
	"slices"
	"strings"
	"time"

	"millrace/pipeline"
)

// Report is a profile as people and tools read it.
type Report struct {
	Pipeline string `json:"pipeline"`
	Mode     string `json:"mode"` // "replay" or "running"

	Sample    string `json:"sample,omitempty"`    // the name of the sample
	Input     string `json:"input,omitempty"`     // id of the input whose place it took
	Cut       bool   `json:"cut,omitempty"`       // the sample was longer than what is read of it
	AllTried  bool   `json:"all_tried,omitempty"` // every pattern was tried on every text of the sample
	Rounds    int    `json:"rounds,omitempty"`    // of the sample, timed
	Ended     bool   `json:"ended,omitempty"`     // the pipeline ended before the time was over
	Passed    int64  `json:"passed,omitempty"`    // events that the running pipeline took meanwhile
	Untouched bool   `json:"untouched,omitempty"` // no event was timed while the pipeline was watched

	Events        int64   `json:"events"`                   // of the sample, or those that were timed
	Timed         int64   `json:"timed"`                    // events whose times count
	Seconds       float64 `json:"seconds"`                  // the measuring took
	NanosPerEvent float64 `json:"nanos_per_event"`          // of a worker, without waiting for outputs
	Spread        float64 `json:"spread,omitempty"`         // half of what lies between the quarters of the rounds, as a part of the middle
	CPU           float64 `json:"cpu,omitempty"`            // CPU time of the process in the time that workers worked; 0: not known
	ClockNanos    float64 `json:"clock_nanos_per_interval"` // taken off for each interval

	Conclusions []Conclusion `json:"conclusions"`
	Rows        []Row        `json:"rows"` // in the order of the config
}

// Conclusion is a sentence about one place.
type Conclusion struct {
	Kind string `json:"kind"` // cost, never, order, failed
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
	Text string `json:"text"`
}

// Row is one part of the pipeline.
type Row struct {
	Kind   pipeline.PartKind `json:"kind"`
	File   string            `json:"file,omitempty"`
	Line   int               `json:"line,omitempty"` // from 1
	Plugin string            `json:"plugin,omitempty"`
	ID     string            `json:"id,omitempty"`
	Codec  string            `json:"codec,omitempty"`
	Depth  int               `json:"depth"`          // of branches around it; of a pattern its filter counts
	Text   string            `json:"text,omitempty"` // of a branch up to its brace, of a pattern as it stands in the config
	Branch string            `json:"branch,omitempty"`
	Last   bool              `json:"last,omitempty"` // no else follows
	Field  string            `json:"field,omitempty"`
	Number int               `json:"number,omitempty"` // of a pattern
	Of     int               `json:"of,omitempty"`

	Share float64 `json:"share"`           // of the time of all; a filter's with its patterns
	Each  float64 `json:"nanos_per_event"` // that reached it

	Events    int64            `json:"events"` // that reached it; texts on which a pattern was tried
	Held      int64            `json:"held"`   // that matched, for which the condition held
	Cancelled int64            `json:"cancelled,omitempty"`
	Made      int64            `json:"made,omitempty"`
	Tags      map[string]int64 `json:"tags,omitempty"`

	RuledOut    int64 `json:"ruled_out,omitempty"`    // texts that told without a try that the pattern cannot match
	AlsoMatched int64 `json:"also_matched,omitempty"` // texts that an earlier pattern took and this one matches too
	Every       bool  `json:"every,omitempty"`        // the filter goes on behind a pattern that matched
	Texts       int64 `json:"texts,omitempty"`        // of the pattern's field that reached the filter

	// FirstSaves is what less time all would take, as a part of it, if this pattern were the first of its field.
	FirstSaves float64 `json:"first_saves,omitempty"`

	perEvent   float64 // nanoseconds for each event of all
	parent     int
	neverAbove bool // a branch around it was never taken
}

// waits reports whether the time of a row is no work on events.
func (row *Row) waits() bool {
	return row.Kind == pipeline.PartFlush || row.Kind == pipeline.PartFollowers
}

// The modes of a report.
const (
	Replayed = "replay"
	Running  = "running"
)

// FromRunning makes the report of a running pipeline. took is how long it was watched.
func FromRunning(id string, s pipeline.ProfileSnapshot, took time.Duration) *Report {
	r := &Report{Pipeline: id, Mode: Running, Seconds: took.Seconds()}
	r.fill(s, []pipeline.ProfileSnapshot{s})
	r.Untouched = r.Events == 0
	r.conclude()
	return r
}

// fill makes rows of what was counted, and of the times of rounds.
func (r *Report) fill(counts pipeline.ProfileSnapshot, rounds []pipeline.ProfileSnapshot) {
	r.ClockNanos = float64(counts.Overhead)
	r.Rounds = len(rounds)
	r.Events = decoded(counts)
	sum := total(rounds)
	r.Timed = decoded(sum)
	for i := range counts.Parts {
		row := rowOf(&counts.Parts[i])
		timed := &sum.Parts[i]
		row.perEvent = perEvent(rounds, i)
		if row.Kind == pipeline.PartPipeline {
			row.Each = row.perEvent // every event meets it
		} else if timed.Events > 0 {
			row.Each = row.perEvent * float64(r.Timed) / float64(timed.Events)
		}
		if p := row.parent; p >= 0 {
			row.Depth = r.Rows[p].Depth + 1
			row.neverAbove = r.Rows[p].neverAbove || r.Rows[p].Kind == pipeline.PartBranch && r.Rows[p].Held == 0
		}
		r.Rows = append(r.Rows, row)
	}
	r.patterns(counts, sum)
	for i := range r.Rows {
		if !r.Rows[i].waits() && r.Rows[i].Kind != pipeline.PartPattern {
			r.NanosPerEvent += r.Rows[i].perEvent
		}
	}
	r.Spread = spread(rounds)
	for i := range r.Rows {
		if row := &r.Rows[i]; !row.waits() && r.NanosPerEvent > 0 {
			row.Share = row.perEvent / r.NanosPerEvent
		}
	}
	r.saves(rounds, sum, counts)
	r.shorten()
}

// shorten cuts figures to the digits that mean something.
func (r *Report) shorten() {
	to := func(scale float64, figures ...*float64) {
		for _, f := range figures {
			*f = math.Round(*f*scale) / scale
		}
	}
	to(1e4, &r.Spread, &r.CPU)
	to(10, &r.NanosPerEvent, &r.ClockNanos)
	for i := range r.Rows {
		to(1e4, &r.Rows[i].Share, &r.Rows[i].FirstSaves)
		to(10, &r.Rows[i].Each)
	}
}

func rowOf(p *pipeline.ProfilePart) Row {
	row := Row{
		Kind: p.Kind, Codec: p.Codec, Branch: p.Branch, Text: p.Head, Last: p.Last, Field: p.Field, Number: p.Number, Of: p.Of, parent: p.Parent,
		Events: p.Events, Held: p.Held, Cancelled: p.Cancelled, Made: p.Made, Tags: p.Tags, RuledOut: p.RuledOut, AlsoMatched: p.AlsoMatched, Every: p.Every,
	}
	if p.Plugin != nil {
		row.Plugin, row.ID = p.Plugin.Name, p.Plugin.ID
	}
	if f := p.Place.File; f != nil {
		row.File, row.Line = f.Name, f.Position(p.Place.Start).Line
		if p.Kind == pipeline.PartPattern {
			row.Text = strings.Join(strings.Fields(f.Text[p.Place.Start:p.Place.End]), " ")
		}
	}
	return row
}

// patterns adds the times of patterns to those of their filters.
func (r *Report) patterns(counts, sum pipeline.ProfileSnapshot) {
	for i := range r.Rows {
		row := &r.Rows[i]
		if row.Kind != pipeline.PartPattern {
			continue
		}
		filter := &r.Rows[row.parent]
		filter.perEvent += row.perEvent
		if n := sum.Parts[row.parent].Events; n > 0 {
			filter.Each = filter.perEvent * float64(r.Timed) / float64(n)
		}
		// The first pattern of a field is tried on every text.
		row.Texts = counts.Parts[i].Events
		if row.Number > 1 && r.Rows[i-1].Field == row.Field {
			row.Texts = r.Rows[i-1].Texts
		}
	}
}

// saves estimates for every pattern what its being the first of its field would save: the tries before it on the texts that it
// matches, less its own tries on those that others match.
func (r *Report) saves(rounds []pipeline.ProfileSnapshot, sum, counts pipeline.ProfileSnapshot) {
	if r.Timed == 0 || r.NanosPerEvent <= 0 {
		return
	}
	for i := range r.Rows {
		row := &r.Rows[i]
		if row.Kind != pipeline.PartPattern || row.Every {
			continue
		}
		earlier := int64(0)
		for j := i - 1; j >= 0 && r.Rows[j].Kind == pipeline.PartPattern && r.Rows[j].parent == row.parent && r.Rows[j].Field == row.Field; j-- {
			earlier += sum.Parts[j].Held
		}
		before := quantile(each(rounds, func(s *pipeline.ProfileSnapshot) float64 { return float64(s.Parts[i].Before) }), 0.5)
		saved := before - failing(rounds, &counts.Parts[i], i)*float64(earlier)/float64(r.Timed)
		row.FirstSaves = max(0, saved/r.NanosPerEvent)
	}
}

// failing returns what a try of a pattern takes that fails. Where none failed in the rounds, the tries on all texts of the counting
// pass tell it; where there was none either, what a try takes at all.
func failing(rounds []pipeline.ProfileSnapshot, counts *pipeline.ProfilePart, part int) float64 {
	var fails, tries []float64
	for i := range rounds {
		p := &rounds[i].Parts[part]
		if p.Failed > 0 {
			fails = append(fails, float64(p.FailedNanos)/float64(p.Failed))
		}
		if p.Events > 0 {
			tries = append(tries, float64(p.Nanos)/float64(p.Events))
		}
	}
	slices.Sort(fails)
	slices.Sort(tries)
	switch {
	case fails != nil:
		return quantile(fails, 0.5)
	case counts.Failed > 0:
		return float64(counts.FailedNanos) / float64(counts.Failed)
	}
	return quantile(tries, 0.5)
}

// decoded returns how many events codecs made.
func decoded(s pipeline.ProfileSnapshot) (n int64) {
	for i := range s.Parts {
		if s.Parts[i].Kind == pipeline.PartDecode {
			n += s.Parts[i].Events
		}
	}
	return n
}

// total adds up rounds.
func total(rounds []pipeline.ProfileSnapshot) pipeline.ProfileSnapshot {
	sum := pipeline.ProfileSnapshot{Parts: slices.Clone(rounds[0].Parts)}
	for _, s := range rounds[1:] {
		for i := range s.Parts {
			to, from := &sum.Parts[i].PartCounts, &s.Parts[i].PartCounts
			to.Nanos += from.Nanos
			to.Records += from.Records
			to.Events += from.Events
			to.Held += from.Held
		}
	}
	return sum
}

// difference is what b has more than the earlier a.
func difference(a, b pipeline.ProfileSnapshot) pipeline.ProfileSnapshot {
	d := pipeline.ProfileSnapshot{Parts: slices.Clone(b.Parts), Turns: b.Turns - a.Turns, Took: b.Took - a.Took, Overhead: b.Overhead}
	for i := range d.Parts {
		to, from := &d.Parts[i].PartCounts, &a.Parts[i].PartCounts
		to.Nanos = max(0, to.Nanos-from.Nanos)
		to.Records -= from.Records
		to.Events -= from.Events
		to.Held -= from.Held
		to.Failed -= from.Failed
		to.FailedNanos = max(0, to.FailedNanos-from.FailedNanos)
		to.Before = max(0, to.Before-from.Before)
	}
	return d
}

// perEvent returns the time of a part for each event of all: of the rounds the one in the middle, so that what disturbs some of them
// does not count.
func perEvent(rounds []pipeline.ProfileSnapshot, part int) float64 {
	return quantile(each(rounds, func(s *pipeline.ProfileSnapshot) float64 { return float64(s.Parts[part].Nanos) }), 0.5)
}

func each(rounds []pipeline.ProfileSnapshot, nanos func(*pipeline.ProfileSnapshot) float64) []float64 {
	var out []float64
	for i := range rounds {
		if n := decoded(rounds[i]); n > 0 {
			out = append(out, nanos(&rounds[i])/float64(n))
		}
	}
	slices.Sort(out)
	return out
}

// quantile returns the value below which a part of sorted values lies.
func quantile(sorted []float64, part float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	at := part * float64(len(sorted)-1)
	i := int(at)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}

// spread tells how much rounds differ.
func spread(rounds []pipeline.ProfileSnapshot) float64 {
	all := each(rounds, working)
	middle := quantile(all, 0.5)
	if len(all) < 3 || middle <= 0 {
		return 0
	}
	return (quantile(all, 0.75) - quantile(all, 0.25)) / 2 / middle
}

// working is the time of a round without waiting.
func working(s *pipeline.ProfileSnapshot) float64 {
	sum := 0.0
	for i := range s.Parts {
		if k := s.Parts[i].Kind; k != pipeline.PartFlush && k != pipeline.PartFollowers {
			sum += float64(s.Parts[i].Nanos)
		}
	}
	return sum
}

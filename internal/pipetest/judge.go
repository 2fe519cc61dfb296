package pipetest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// add turns what came out into what is compared.
func (x *execution) add(res *CaseResult, from *run) {
	res.raw = append(res.raw, from.raw...)
	var copies []eventCopy
	for i := range from.results {
		r := &from.results[i]
		if r.passedOn && len(r.outputs) == 0 {
			continue // it comes out of another pipeline
		}
		doc, err := r.document()
		if err != nil {
			res.Problem = err.Error()
			return
		}
		x.ignore(res.Case, doc)
		x.checkOutputs(res, r)
		if x.s.form != verifier2 {
			if x.s.exportOutputs {
				doc[outputsField] = toAny(r.outputs)
			}
			res.Actual = append(res.Actual, doc)
			continue
		}
		if tags, ok := doc["tags"].([]any); ok && len(tags) == 0 {
			delete(doc, "tags")
		}
		for _, id := range r.outputs {
			doc := maps.Clone(doc)
			if x.s.exportOutputs {
				doc[outputsField] = id
			}
			copies = append(copies, eventCopy{r.group, id, doc})
		}
	}
	slices.SortStableFunc(copies, func(a, b eventCopy) int {
		return cmp.Or(cmp.Compare(a.group, b.group), cmp.Compare(a.output, b.output))
	})
	for _, c := range copies {
		res.Actual = append(res.Actual, c.doc)
	}
}

// eventCopy is an event at one of its outputs. The daemon of logstash-filter-verifier gets an event once for each, and puts all that comes
// of one input in the order of their ids.
type eventCopy struct {
	group  int
	output string
	doc    map[string]any
}

// outputsField holds the ids of the outputs where a suite asks for them.
const outputsField = "__lfv_out_passed"

func toAny(list []string) []any {
	out := make([]any, len(list))
	for i := range list {
		out[i] = list[i]
	}
	return out
}

func (x *execution) checkOutputs(res *CaseResult, r *result) {
	want := slices.Sorted(slices.Values(res.Case.outputs))
	if got := slices.Sorted(slices.Values(r.outputs)); len(want) > 0 && !slices.Equal(want, got) {
		res.Problem = fmt.Sprintf("expected the outputs %s, reached %s", strings.Join(want, ", "), orNone(got))
	}
}

func orNone(list []string) string {
	if len(list) == 0 {
		return "none"
	}
	return strings.Join(list, ", ")
}

func (x *execution) ignore(c *Case, doc any) {
	m, ok := doc.(map[string]any)
	if !ok {
		return
	}
	for _, keys := range x.s.ignore {
		remove(m, keys)
	}
	for _, keys := range c.ignore {
		remove(m, keys)
	}
}

// judge compares what came out with what was expected. logstash-filter-verifier compares the events of a file as one list: where they
// are equal so, it does not matter between which cases they fall.
func (x *execution) judge(results []*CaseResult) {
	exact := x.s.form == archive
	var want, got []any
	for _, res := range results {
		for _, doc := range res.Case.expected {
			x.ignore(res.Case, doc)
		}
		want, got = append(want, res.Case.expected...), append(got, res.Actual...)
	}
	if x.s.form == verifier1 || x.s.form == verifier2 {
		if len(compareEvents(want, got, exact)) == 0 {
			return
		}
	}
	for _, res := range results {
		if res.Problem != "" {
			continue
		}
		if res.Case.hasRaw {
			if got := string(res.raw); got != res.Case.outRaw {
				res.Problem = fmt.Sprintf("expected the bytes %q\n     got the bytes %q", res.Case.outRaw, got)
			}
			continue
		}
		res.Events = compareEvents(res.Case.expected, res.Actual, exact)
	}
}

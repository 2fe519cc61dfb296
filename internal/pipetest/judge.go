package pipetest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// add turns what came out into what is compared.
func (x *execution) add(res *CaseResult, from *run) {
	res.raw = append(res.raw, from.raw...)
	for i := range from.results {
		r := &from.results[i]
		doc, err := r.document()
		if err != nil {
			res.Problem = err.Error()
			return
		}
		x.ignore(res.Case, doc)
		if x.s.form != verifier2 {
			if x.s.exportOutputs {
				doc[outputsField] = toAny(r.outputs)
			}
			res.Actual = append(res.Actual, doc)
			x.checkOutputs(res, r)
			continue
		}
		// The daemon of logstash-filter-verifier gets an event once for each output that it reached, in the order of their ids.
		if tags, ok := doc["tags"].([]any); ok && len(tags) == 0 {
			delete(doc, "tags")
		}
		x.checkOutputs(res, r)
		slices.Sort(r.outputs)
		for _, id := range r.outputs {
			doc := maps.Clone(doc)
			if x.s.exportOutputs {
				doc[outputsField] = id
			}
			res.Actual = append(res.Actual, doc)
		}
	}
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

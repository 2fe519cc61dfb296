package dsl

import (
	"strconv"
	"strings"

	"millrace/internal/store/query"
)

func (c *Context) boolQuery(p params) (query.Query, error) {
	var b query.Bool
	for _, part := range []struct {
		name string
		to   *[]query.Query
	}{{"must", &b.Must}, {"filter", &b.Filter}, {"should", &b.Should}, {"must_not", &b.MustNot}} {
		v, ok := p.take(part.name)
		if !ok && part.name == "must_not" {
			v, ok = p.take("mustNot")
		}
		if !ok {
			continue
		}
		list, isList := v.([]any)
		if !isList {
			list = []any{v}
		}
		for _, e := range list {
			q, err := c.Compile(e)
			if err != nil {
				return nil, err
			}
			*part.to = append(*part.to, q)
		}
	}
	boost := p.float("boost", 1)
	msm := p.text("minimum_should_match", "")
	pure := p.flag("adjust_pure_negative", true)
	if err := p.end(); err != nil {
		return nil, err
	}
	if len(b.Must)+len(b.Filter)+len(b.Should)+len(b.MustNot) == 0 {
		return boosted(query.All{}, boost), nil
	}
	return boosted(finishBool(b, msm, pure), boost), nil
}

// finishBool decides how many of Should are needed, and gives a query of prohibitions alone something to take from.
func finishBool(b query.Bool, msm string, pure bool) query.Query {
	if len(b.Should) > 0 {
		if msm != "" {
			b.MinShould = minShould(msm, len(b.Should))
			if b.MinShould > len(b.Should) {
				return query.None{}
			}
		}
		if b.MinShould == 0 && len(b.Must)+len(b.Filter) == 0 {
			b.MinShould = 1
		}
	} else if msm != "" && minShould(msm, 0) > 0 {
		return query.None{}
	}
	if len(b.Must)+len(b.Filter)+len(b.Should) == 0 {
		if !pure {
			return query.None{}
		}
		b.Filter = []query.Query{query.All{}}
	}
	return b
}

// minShould evaluates minimum_should_match for n clauses: 2, -1, 75%, -25%, 2<75% 5<-1.
func minShould(spec string, n int) int {
	spec = strings.TrimSpace(spec)
	if strings.Contains(spec, "<") {
		result := n
		for _, part := range strings.Fields(strings.ReplaceAll(spec, " <", "<")) {
			limit, then, _ := strings.Cut(part, "<")
			upper, err := strconv.Atoi(limit)
			if err != nil || n <= upper {
				return result
			}
			result = minShould(then, n)
		}
		return result
	}
	result := 0
	if pct, ok := strings.CutSuffix(spec, "%"); ok {
		f, err := strconv.Atoi(pct)
		if err != nil {
			return n + 1
		}
		calc := n * f / 100
		if result = calc; f < 0 {
			result = n + calc
		}
	} else {
		v, err := strconv.Atoi(spec)
		if err != nil {
			return n + 1
		}
		if result = v; v < 0 {
			result = n + v
		}
	}
	return max(result, 0)
}

func (c *Context) constantScore(p params) (query.Query, error) {
	boost := p.float("boost", 1)
	v, ok := p.take("filter")
	if err := p.end(); err != nil {
		return nil, err
	}
	if !ok {
		return nil, parsing("[constant_score] requires a 'filter' element")
	}
	q, err := c.Compile(v)
	return query.Constant{Query: q, Score: boost}, err
}

func (c *Context) disMax(p params) (query.Query, error) {
	boost, tie := p.float("boost", 1), p.float("tie_breaker", 0)
	v, _ := p.take("queries")
	if err := p.end(); err != nil {
		return nil, err
	}
	list, ok := v.([]any)
	if !ok && v != nil {
		list = []any{v}
	}
	if len(list) == 0 {
		return nil, parsing("[dis_max] requires 'queries' field with at least one clause")
	}
	b := query.Best{Tie: tie}
	for _, e := range list {
		q, err := c.Compile(e)
		if err != nil {
			return nil, err
		}
		b.Queries = append(b.Queries, q)
	}
	return boosted(b, boost), nil
}

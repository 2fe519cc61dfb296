package engine

import (
	"context"
	"fmt"
	"slices"

	"millrace/internal/store/query"
)

// node is a query made ready for one target. Documents that match are found as sets; scores are computed afterwards, for those that are
// wanted, one document after the other.
type node interface {
	// match returns what matches, deleted documents included.
	match(s *searched) (docset, error)
	// scorer returns what scores the documents of a segment. required: it will be asked for matching documents alone.
	scorer(s *searched, required bool) (scorer, error)
	// cost orders the clauses of a bool: what can be told from tables first, what reads positions last.
	cost() int
}

// scorer computes the scores of documents in their order. ok tells whether the document matches, except where that is known.
type scorer interface {
	score(doc uint32) (v float32, ok bool)
}

// target is one index of a search.
type target struct {
	ctx     context.Context
	segs    []*searched
	scoring bool
	stats   map[string]*fieldStats
}

// compile makes a query ready. boost is what the queries around it multiply its score with: Lucene hands it down, which rounds otherwise
// than multiplying the sum would.
func (t *target) compile(q query.Query, boost float32) (node, error) {
	constant := func(cost int, match func(s *searched) (docset, error)) (node, error) {
		return &constNode{match_: match, value: boost, cost_: cost}, nil
	}
	switch q := q.(type) {
	case query.All:
		return constant(0, func(*searched) (docset, error) { return everything, nil })
	case query.None:
		return constant(0, func(*searched) (docset, error) { return nothing, nil })
	case query.Term:
		return t.compileTerm(q, boost)
	case query.Phrase:
		return t.compilePhrase(q, boost)
	case query.Bool:
		return t.compileBool(q, boost)
	case query.Best:
		return t.compileBest(q, boost)
	case query.Boost:
		return t.compile(q.Query, boost*float32(q.By))
	case query.Constant:
		inner := *t
		inner.scoring = false
		n, err := inner.compile(q.Query, 1)
		if err != nil {
			return nil, err
		}
		return &constNode{match_: n.match, value: boost * float32(q.Score), cost_: n.cost()}, nil
	case query.Terms:
		terms := slices.Clone(q.Terms)
		slices.Sort(terms)
		terms = slices.Compact(terms)
		return constant(3, func(s *searched) (docset, error) { return s.matchTerms(q.Field, terms) })
	case query.Numbers:
		return constant(2, func(s *searched) (docset, error) { return s.matchNumbers(q.Field, q.Values) })
	case query.NumberRange:
		return constant(1, func(s *searched) (docset, error) {
			return s.matchRange(q.Field, []query.Kind{query.Int, query.Date}, q.Min, q.Max)
		})
	case query.FloatRange:
		return constant(1, func(s *searched) (docset, error) { return s.matchFloats(q) })
	case query.TermRange:
		return constant(5, func(s *searched) (docset, error) { return s.matchTermRange(q) })
	case query.Pattern:
		p := newWildcard(q.Pattern, q.FoldCase)
		return constant(6, func(s *searched) (docset, error) { return s.matchDict(q.Field, p.prefix, p.match) })
	case query.Regexp:
		return constant(6, func(s *searched) (docset, error) {
			return s.matchDict(q.Field, q.Prefix, func(term []byte) bool { return q.Match(string(term)) })
		})
	case query.Exists:
		return constant(1, func(s *searched) (docset, error) { return s.matchExists(q.Field) })
	case query.IDs:
		return constant(2, func(s *searched) (docset, error) { return s.matchIDs(q.Values) })
	}
	return nil, fmt.Errorf("a query of type %T: the engine knows none", q)
}

func (t *target) compileAll(all []query.Query, boost float32, scoring bool) ([]node, error) {
	inner := t
	if scoring != t.scoring {
		c := *t
		c.scoring = scoring
		inner = &c
	}
	nodes := make([]node, len(all))
	for i, q := range all {
		var err error
		if nodes[i], err = inner.compile(q, boost); err != nil {
			return nil, err
		}
	}
	return nodes, nil
}

// constNode is a query that gives all that it matches the same score.
type constNode struct {
	match_ func(s *searched) (docset, error)
	value  float32
	cost_  int
}

func (n *constNode) match(s *searched) (docset, error) { return n.match_(s) }
func (n *constNode) cost() int                         { return n.cost_ }

func (n *constNode) scorer(s *searched, required bool) (scorer, error) {
	if required {
		return constScorer{docset{all: true}, n.value}, nil
	}
	set, err := n.match_(s)
	return constScorer{set, n.value}, err
}

type constScorer struct {
	set   docset
	value float32
}

func (c constScorer) score(doc uint32) (float32, bool) {
	return c.value, c.set.all || c.set.bits.has(doc)
}

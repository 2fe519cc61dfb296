package engine

import (
	"slices"

	"millrace/internal/store/query"
)

// boolNode combines clauses.
type boolNode struct {
	must, filter, should, mustNot []node
	minShould                     int
}

func (t *target) compileBool(q query.Bool, boost float32) (node, error) {
	if len(q.Must)+len(q.Filter)+len(q.Should)+len(q.MustNot) == 0 {
		return t.compile(query.All{}, boost)
	}
	n := &boolNode{minShould: q.MinShould}
	if len(q.Must)+len(q.Filter) == 0 && len(q.Should) > 0 {
		n.minShould = max(n.minShould, 1)
	}
	var err error
	if n.must, err = t.compileAll(q.Must, boost, t.scoring); err != nil {
		return nil, err
	}
	if n.should, err = t.compileAll(q.Should, boost, t.scoring); err != nil {
		return nil, err
	}
	if n.filter, err = t.compileAll(q.Filter, 1, false); err != nil {
		return nil, err
	}
	n.mustNot, err = t.compileAll(q.MustNot, 1, false)
	return n, err
}

func (n *boolNode) cost() int {
	most := 0
	for _, c := range slices.Concat(n.must, n.filter, n.should, n.mustNot) {
		most = max(most, c.cost())
	}
	return most
}

func (n *boolNode) match(s *searched) (docset, error) {
	set := everything
	required := slices.Concat(n.must, n.filter)
	slices.SortStableFunc(required, func(a, b node) int { return a.cost() - b.cost() })
	for _, c := range required {
		more, err := c.match(s)
		if err != nil {
			return nothing, err
		}
		if set = s.intersect(set, more); set.none() {
			return nothing, nil
		}
	}
	if n.minShould > 0 {
		more, err := n.atLeast(s)
		if err != nil {
			return nothing, err
		}
		if set = s.intersect(set, more); set.none() {
			return nothing, nil
		}
	}
	for _, c := range n.mustNot {
		less, err := c.match(s)
		if err != nil {
			return nothing, err
		}
		if set = s.subtract(set, less); set.none() {
			return nothing, nil
		}
	}
	return set, nil
}

// atLeast matches documents that enough of the optional clauses match.
func (n *boolNode) atLeast(s *searched) (docset, error) {
	if n.minShould > len(n.should) {
		return nothing, nil
	}
	// sets[i] is what at least i+1 of the clauses so far match.
	sets := make([]docset, n.minShould)
	for _, c := range n.should {
		more, err := c.match(s)
		if err != nil {
			return nothing, err
		}
		for i := range sets {
			if more.none() {
				break
			}
			if i == len(sets)-1 {
				sets[i] = s.unite(sets[i], more)
				break
			}
			both := s.intersect(s.copyOf(sets[i]), s.copyOf(more))
			sets[i] = s.unite(sets[i], more)
			more = both
		}
	}
	return sets[len(sets)-1], nil
}

// copyOf makes a set that may be consumed without the other.
func (s *searched) copyOf(d docset) docset {
	if d.bits == nil {
		return d
	}
	b := s.set()
	copy(b, d.bits)
	return docset{bits: b}
}

func (n *boolNode) scorer(s *searched, required bool) (scorer, error) {
	b := &boolScorer{all: true}
	if !required {
		set, err := n.match(s)
		if err != nil {
			return nil, err
		}
		b.set, b.all = set.bits, set.all
	}
	for _, c := range n.must {
		sc, err := c.scorer(s, true)
		if err != nil {
			return nil, err
		}
		b.must = append(b.must, sc)
	}
	for _, c := range n.should {
		sc, err := c.scorer(s, false)
		if err != nil {
			return nil, err
		}
		b.should = append(b.should, sc)
	}
	return b, nil
}

// boolScorer adds up the scores of clauses: in double precision among those that are required and among those that are not, in single
// precision between the two, as Lucene's conjunctions, disjunctions and ReqOptSumScorer do.
type boolScorer struct {
	set          bitset
	all          bool // the documents asked for are known to match
	must, should []scorer
}

func (b *boolScorer) score(doc uint32) (float32, bool) {
	if !b.all && !b.set.has(doc) {
		return 0, false
	}
	sum := 0.0
	for _, c := range b.must {
		v, _ := c.score(doc)
		sum += float64(v)
	}
	optional := 0.0
	for _, c := range b.should {
		if v, ok := c.score(doc); ok {
			optional += float64(v)
		}
	}
	return float32(sum) + float32(optional), true
}

// bestNode is dis_max.
type bestNode struct {
	nodes []node
	tie   float32
}

func (t *target) compileBest(q query.Best, boost float32) (node, error) {
	nodes, err := t.compileAll(q.Queries, boost, t.scoring)
	return &bestNode{nodes, float32(q.Tie)}, err
}

func (n *bestNode) cost() int {
	most := 0
	for _, c := range n.nodes {
		most = max(most, c.cost())
	}
	return most
}

func (n *bestNode) match(s *searched) (docset, error) {
	set := nothing
	for _, c := range n.nodes {
		more, err := c.match(s)
		if err != nil {
			return nothing, err
		}
		set = s.unite(set, more)
	}
	return set, nil
}

func (n *bestNode) scorer(s *searched, _ bool) (scorer, error) {
	b := &bestScorer{tie: n.tie}
	for _, c := range n.nodes {
		sc, err := c.scorer(s, false)
		if err != nil {
			return nil, err
		}
		b.scorers = append(b.scorers, sc)
	}
	return b, nil
}

type bestScorer struct {
	scorers []scorer
	tie     float32
}

func (b *bestScorer) score(doc uint32) (float32, bool) {
	best, others, any := float32(0), 0.0, false
	for _, c := range b.scorers {
		v, ok := c.score(doc)
		if !ok {
			continue
		}
		any = true
		if v >= best {
			others += float64(best)
			best = v
		} else {
			others += float64(v)
		}
	}
	return float32(float64(best) + others*float64(b.tie)), any
}

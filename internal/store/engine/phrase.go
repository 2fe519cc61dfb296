package engine

import (
	"encoding/binary"
	"slices"

	"millrace/internal/store/query"
)

// maxExpansions is how many terms the last one of a phrase may stand for as a prefix (Elasticsearch's max_expansions).
const maxExpansions = 50

// phraseNode is documents that hold terms in an order. Whether a document matches shows only from its positions, so that matching finds
// the frequencies too, which scores need; they are kept for each segment.
type phraseNode struct {
	field string
	slots [][][]foundTerm // place in the phrase, alternative, segment
	slop  int
	bm25  bm25
	freqs [][]float32 // of each segment: of the documents that match, in their order
	docs  [][]uint32
}

func (t *target) compilePhrase(q query.Phrase, boost float32) (node, error) {
	if len(q.Terms) == 0 {
		return t.compile(query.None{}, boost)
	}
	if len(q.Terms) == 1 && !q.Prefix {
		return t.compileTerm(query.Term{Field: q.Field, Term: q.Terms[0]}, boost)
	}
	n := &phraseNode{field: q.Field, slop: q.Slop, freqs: make([][]float32, len(t.segs)), docs: make([][]uint32, len(t.segs))}
	var dfs []int64
	for i, term := range q.Terms {
		terms := []string{term}
		if q.Prefix && i == len(q.Terms)-1 {
			var err error
			if terms, err = t.expand(q.Field, term); err != nil {
				return nil, err
			}
			if len(terms) == 0 {
				return t.compile(query.None{}, boost)
			}
			if i == 0 {
				return t.compileAny(q.Field, terms, boost)
			}
		}
		var slot [][]foundTerm
		for _, term := range terms {
			found, df, err := t.lookup(q.Field, term)
			if err != nil {
				return nil, err
			}
			slot = append(slot, found)
			dfs = append(dfs, df)
		}
		n.slots = append(n.slots, slot)
	}
	if t.scoring {
		st := t.statsOf(q.Field)
		sum := 0.0
		for _, df := range dfs {
			if df > 0 {
				sum += float64(st.idf(df))
			}
		}
		n.bm25 = newBM25(st, boost, float32(sum))
	}
	return n, nil
}

// expand returns the first terms with a prefix.
func (t *target) expand(name, prefix string) ([]string, error) {
	var terms []string
	for _, s := range t.segs {
		_, r := s.dictOf(name)
		if r == nil {
			continue
		}
		more := r.seek(prefix)
		for n := 0; more && n < maxExpansions && hasPrefix(r.term, prefix); n++ {
			terms = append(terms, string(r.term))
			more = r.next()
		}
		if r.err != nil {
			return nil, r.err
		}
	}
	slices.Sort(terms)
	terms = slices.Compact(terms)
	return terms[:min(len(terms), maxExpansions)], nil
}

// compileAny is a phrase of one prefix: any of its terms.
func (t *target) compileAny(name string, terms []string, boost float32) (node, error) {
	var should []query.Query
	for _, term := range terms {
		should = append(should, query.Term{Field: name, Term: term})
	}
	return t.compileBool(query.Bool{Should: should, MinShould: 1}, boost)
}

func (n *phraseNode) cost() int { return 7 }

// slotReader reads the positions of one place of the phrase, document by document.
type slotReader struct {
	lists []*positionList
	pos   []uint32 // in the current document
}

func (n *phraseNode) match(s *searched) (docset, error) {
	f := s.fields[n.field]
	if f == nil || f.kind != query.Text {
		return nothing, nil
	}
	candidates := everything
	for _, slot := range n.slots {
		set := s.set()
		for _, found := range slot {
			if t := &found[s.nth]; t.ok {
				if err := s.addTerm(f, &t.termInfo, set); err != nil {
					return nothing, err
				}
			}
		}
		if candidates = s.intersect(candidates, docset{bits: set}); candidates.none() {
			return nothing, nil
		}
	}
	slots, err := n.open(s, f)
	if err != nil {
		return nothing, err
	}
	set, m := s.set(), newPhraseMatcher(n.slop, n.repeats())
	n.docs[s.nth], n.freqs[s.nth] = n.docs[s.nth][:0], n.freqs[s.nth][:0]
	checked := 0
	for doc, ok := candidates.bits.next(0); ok; doc, ok = candidates.bits.next(doc + 1) {
		if checked++; checked%maxTermsChecked == 0 && s.ctx.Err() != nil {
			return nothing, s.ctx.Err()
		}
		for i := range slots {
			if err := slots[i].load(doc); err != nil {
				return nothing, err
			}
		}
		if freq := m.freq(slots); freq > 0 {
			set.set(doc)
			n.docs[s.nth] = append(n.docs[s.nth], doc)
			n.freqs[s.nth] = append(n.freqs[s.nth], freq)
		}
	}
	s.free(candidates.bits)
	return s.orNone(set), nil
}

func (n *phraseNode) open(s *searched, f *field) ([]slotReader, error) {
	slots := make([]slotReader, len(n.slots))
	for i, slot := range n.slots {
		for _, found := range slot {
			t := &found[s.nth]
			if !t.ok {
				continue
			}
			l := &positionList{}
			var buf, posBuf []byte
			if err := s.list(f, &t.termInfo, &l.p, &buf); err != nil {
				return nil, err
			}
			var err error
			if l.data, err = s.positions(&t.termInfo, &posBuf); err != nil {
				return nil, err
			}
			l.more = l.p.next()
			slots[i].lists = append(slots[i].lists, l)
		}
	}
	return slots, nil
}

// positionList reads the positions of a term.
type positionList struct {
	p    postings
	data []byte
	more bool
}

// load makes pos the positions in a document.
func (r *slotReader) load(doc uint32) error {
	r.pos = r.pos[:0]
	for _, l := range r.lists {
		for l.more && l.p.doc() < doc {
			n := skipVarints(l.data, l.p.freq())
			if n < 0 {
				return corrupt("positions")
			}
			l.data = l.data[n:]
			l.more = l.p.next()
		}
		if l.p.err != nil {
			return l.p.err
		}
		if !l.more || l.p.doc() != doc {
			continue
		}
		pos := uint64(0)
		rest := l.data
		for range l.p.freq() {
			v, n := binary.Uvarint(rest)
			if n <= 0 {
				return corrupt("positions")
			}
			pos += v
			rest = rest[n:]
			r.pos = append(r.pos, uint32(pos))
		}
	}
	if len(r.lists) > 1 {
		slices.Sort(r.pos)
		r.pos = slices.Compact(r.pos)
	}
	return nil
}

// repeats returns, for each place of the phrase, the first place with the same term: itself where there is none before.
func (n *phraseNode) repeats() []int {
	first := make([]int, len(n.slots))
	for i := range n.slots {
		first[i] = i
		for j := range i {
			if len(n.slots[i]) == 1 && len(n.slots[j]) == 1 && sameTerm(n.slots[i][0], n.slots[j][0]) {
				first[i] = first[j]
				break
			}
		}
	}
	return first
}

func sameTerm(a, b []foundTerm) bool {
	for i := range a {
		if a[i].ok != b[i].ok || a[i].ok && a[i].ord != b[i].ord {
			return false
		}
	}
	return true
}

func (n *phraseNode) scorer(s *searched, required bool) (scorer, error) {
	// The query as a whole was matched before, but a clause may not have been asked.
	if _, err := n.match(s); err != nil {
		return nil, err
	}
	f := s.fields[n.field]
	if f == nil || len(n.docs[s.nth]) == 0 {
		return constScorer{}, nil
	}
	p := &phraseScorer{docs: n.docs[s.nth], freqs: n.freqs[s.nth], bm25: n.bm25}
	var err error
	p.norms, p.present, err = s.readNorms(f)
	return p, err
}

type phraseScorer struct {
	docs    []uint32
	freqs   []float32
	norms   []byte
	present ranked
	bm25    bm25
}

func (p *phraseScorer) score(doc uint32) (float32, bool) {
	for len(p.docs) > 0 && p.docs[0] < doc {
		p.docs, p.freqs = p.docs[1:], p.freqs[1:]
	}
	if len(p.docs) == 0 || p.docs[0] != doc {
		return 0, false
	}
	place, ok := p.present.rank(doc)
	if !ok {
		return 0, false
	}
	return p.bm25.score(p.freqs[0], p.norms[place]), true
}

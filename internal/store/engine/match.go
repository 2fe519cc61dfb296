package engine

import (
	"math"
	"slices"

	"millrace/internal/store/query"
)

// maxTermsChecked is after how many terms of a dictionary a search looks whether it was cancelled.
const maxTermsChecked = 4096

// dictOf returns a reader of a field's dictionary, if it has one.
func (s *searched) dictOf(name string) (*field, *dictReader) {
	f := s.fields[name]
	if f == nil || f.kind != query.Keyword && f.kind != query.Text {
		return nil, nil
	}
	r := &dictReader{}
	r.reset(s.src, &f.dict, f.kind == query.Text)
	return f, r
}

// addTerm puts the documents of a term into a set.
func (s *searched) addTerm(f *field, t *termInfo, set bitset) error {
	if err := s.list(f, t, &s.p, &s.buf); err != nil {
		return err
	}
	return s.p.addTo(set)
}

func (s *searched) matchTerms(name string, terms []string) (docset, error) {
	f, r := s.dictOf(name)
	if f == nil {
		return nothing, nil
	}
	set := s.set()
	for i, term := range terms {
		if i%maxTermsChecked == 0 && s.ctx.Err() != nil {
			return nothing, s.ctx.Err()
		}
		t, ok, err := r.lookup(term)
		if err == nil && ok {
			err = s.addTerm(f, &t, set)
		}
		if err != nil {
			return nothing, err
		}
	}
	return s.orNone(set), nil
}

// matchDict matches the terms that begin with a prefix and that a function accepts.
func (s *searched) matchDict(name, prefix string, accept func(term []byte) bool) (docset, error) {
	f, r := s.dictOf(name)
	if f == nil {
		return nothing, nil
	}
	set := s.set()
	more := r.seek(prefix)
	for n := 0; more && hasPrefix(r.term, prefix); n++ {
		if n%maxTermsChecked == 0 && s.ctx.Err() != nil {
			return nothing, s.ctx.Err()
		}
		if accept(r.term) {
			if err := s.addTerm(f, &r.info, set); err != nil {
				return nothing, err
			}
		}
		more = r.next()
	}
	return s.orNone(set), r.err
}

func hasPrefix(b []byte, prefix string) bool {
	return len(b) >= len(prefix) && string(b[:len(prefix)]) == prefix
}

func (s *searched) matchTermRange(q query.TermRange) (docset, error) {
	f, r := s.dictOf(q.Field)
	if f == nil {
		return nothing, nil
	}
	from := ""
	if q.Min != nil {
		from = *q.Min
	}
	set := s.set()
	more := r.seek(from)
	for n := 0; more; n++ {
		if n%maxTermsChecked == 0 && s.ctx.Err() != nil {
			return nothing, s.ctx.Err()
		}
		if q.Max != nil && (string(r.term) > *q.Max || q.ExcludeMax && string(r.term) == *q.Max) {
			break
		}
		if q.Min == nil || !q.ExcludeMin || string(r.term) != *q.Min {
			if err := s.addTerm(f, &r.info, set); err != nil {
				return nothing, err
			}
		}
		more = r.next()
	}
	return s.orNone(set), r.err
}

func (s *searched) matchExists(name string) (docset, error) {
	f := s.fields[name]
	if f == nil {
		return nothing, nil
	}
	present, err := s.presence(f)
	if err != nil || present.set == nil {
		return everything, err
	}
	return docset{bits: present.set}, nil
}

func (s *searched) matchIDs(ids []string) (docset, error) {
	set := s.set()
	for i, id := range ids {
		if i%maxTermsChecked == 0 && s.ctx.Err() != nil {
			return nothing, s.ctx.Err()
		}
		err := s.findID(id, idHash(id), func(doc uint32) error {
			set.set(doc)
			return nil
		})
		if err != nil {
			return nothing, err
		}
	}
	return s.orNone(set), nil
}

func (s *searched) matchNumbers(name string, values []float64) (docset, error) {
	f := s.fields[name]
	if f == nil || f.kind == query.Keyword || f.kind == query.Text {
		return nothing, nil
	}
	want := make([]int64, 0, len(values))
	for _, v := range values {
		if f.kind == query.Float {
			want = append(want, sortableFloat(v))
		} else if i, ok := clampInt(v); ok {
			want = append(want, i)
		}
	}
	if len(want) == 0 {
		return nothing, nil
	}
	slices.Sort(want)
	return s.matchColumn(f, want[0], want[len(want)-1], func(v int64) bool {
		_, ok := slices.BinarySearch(want, v)
		return ok
	}, len(want) == 1)
}

func (s *searched) matchFloats(q query.FloatRange) (docset, error) {
	if math.IsNaN(q.Min) || math.IsNaN(q.Max) {
		return nothing, nil
	}
	lo, hi := sortableFloat(q.Min), sortableFloat(q.Max)
	if q.ExcludeMin {
		lo++
	}
	if q.ExcludeMax {
		hi--
	}
	return s.matchRange(q.Field, []query.Kind{query.Float}, lo, hi)
}

func (s *searched) matchRange(name string, kinds []query.Kind, lo, hi int64) (docset, error) {
	f := s.fields[name]
	if f == nil || !slices.Contains(kinds, f.kind) || lo > hi {
		return nothing, nil
	}
	return s.matchColumn(f, lo, hi, func(v int64) bool { return v >= lo && v <= hi }, true)
}

// matchColumn matches documents with a value that a function accepts, all of which are within bounds; whole: and all within are accepted.
// Blocks of values outside the bounds are not read, nor are those within when these decide.
func (s *searched) matchColumn(f *field, lo, hi int64, accept func(int64) bool, whole bool) (docset, error) {
	least, most := f.col.values.bounds()
	if most < lo || least > hi {
		return nothing, nil
	}
	present, err := s.presence(f)
	if err != nil {
		return nothing, err
	}
	if whole && least >= lo && most <= hi {
		if present.set == nil {
			return everything, nil
		}
		return docset{bits: present.set}, nil
	}
	direct := present.set == nil && f.col.starts == nil
	var places bitset
	if direct {
		places = s.set()
	} else {
		places = newBitset(f.col.values.n)
	}
	var r packedReader
	r.reset(s.src, &f.col.values)
	for b := range f.col.values.blocks {
		m := &f.col.values.blocks[b]
		first, n := uint32(b*columnBlock), uint32(f.col.values.blockLen(b))
		switch {
		case m.max < lo || m.min > hi:
		case whole && m.min >= lo && m.max <= hi:
			places.setRange(first, first+n)
		default:
			if s.ctx.Err() != nil {
				return nothing, s.ctx.Err()
			}
			for i := first; i < first+n; i++ {
				if accept(r.at(i)) {
					places.set(i)
				}
			}
		}
	}
	if r.err != nil {
		return nothing, r.err
	}
	if direct {
		return s.orNone(places), nil
	}
	return s.placesToDocs(f, present, places)
}

// placesToDocs turns places of values into the documents that they belong to.
func (s *searched) placesToDocs(f *field, present ranked, places bitset) (docset, error) {
	set := s.set()
	var starts packedReader
	if f.col.starts != nil {
		starts.reset(s.src, f.col.starts)
	}
	place := uint32(0)
	each := func(doc uint32) error {
		from, to := place, place+1
		if f.col.starts != nil {
			a, b := starts.at(place), starts.at(place+1)
			if a < 0 || b > int64(f.col.values.n) {
				return corrupt("column: starts")
			}
			from, to = uint32(a), uint32(max(a, b))
		}
		if i, ok := places.next(from); from < to && ok && i < to {
			set.set(doc)
		}
		place++
		return nil
	}
	var err error
	if present.set == nil {
		for doc := uint32(0); doc < s.docs && err == nil; doc++ {
			err = each(doc)
		}
	} else {
		for doc, ok := present.set.next(0); ok && err == nil; doc, ok = present.set.next(doc + 1) {
			err = each(doc)
		}
	}
	if err == nil {
		err = starts.err
	}
	return s.orNone(set), err
}

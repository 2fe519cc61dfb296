package engine

import (
	"context"
	"encoding/binary"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/internal/store/query"
)

// sample returns a segment in memory of random documents.
func sample(seed uint64, n int) *segment {
	r := &random{Rand: rand.New(rand.NewPCG(seed, 9)), plain: true}
	b := newBuilder()
	for i := range n {
		d := r.doc("one")
		b.add(&d, int64(i), 1)
	}
	s, _ := b.seal()
	return s
}

// split takes a segment apart: what the meta describes, and the meta.
func split(p []byte) (data, meta []byte) {
	end := len(p) - tailLen
	n := int(binary.LittleEndian.Uint64(p[end+4:]))
	return p[:end-n], p[end-n : end]
}

// join makes a segment whose checksum is right whatever the meta says.
func join(data, meta []byte) []byte {
	p := append(append([]byte(nil), data...), meta...)
	p = binary.LittleEndian.AppendUint32(p, crc32.Checksum(meta, castagnoli))
	p = binary.LittleEndian.AppendUint64(p, uint64(len(meta)))
	return append(p, segmentMagic...)
}

// FuzzSegment reads everything that a damaged segment may hold: there may be errors, but no panic.
func FuzzSegment(f *testing.F) {
	for _, n := range []int{1, 3, 200} {
		data, meta := split(sample(uint64(n), n).src.mem)
		f.Add(data, meta)
	}
	f.Fuzz(func(t *testing.T, data, meta []byte) {
		s, err := openSegment(memSource(join(data, meta)))
		if err != nil || s.docs > 1<<16 {
			return
		}
		readAll(s)
	})
}

// readAll reads a segment in all the ways that searches and merges do.
func readAll(s *segment) {
	ctx := context.Background()
	m := newMerger(ctx, []view{{segment: s}})
	m.writeTo(io.Discard)
	some := &searched{view: view{segment: s}, ctx: ctx, pool: &bitsetPool{}}
	some.hits = newBitset(s.docs)
	some.hits.setRange(0, s.docs)
	t := &target{ctx: ctx, segs: []*searched{some}, scoring: true}
	r := &random{Rand: rand.New(rand.NewPCG(1, 1)), plain: true}
	for range 60 {
		q := r.query(1)
		n, err := t.compile(q, 1)
		if err != nil {
			continue
		}
		set, err := n.match(some)
		if err != nil {
			continue
		}
		if sc, err := n.scorer(some, true); err == nil {
			bits := set.materialize(some)
			for doc, ok := bits.next(0); ok; doc, ok = bits.next(doc + 1) {
				sc.score(doc)
			}
		}
	}
	for range 20 {
		a := &aggregator{ctx: ctx, segs: []*searched{some}}
		a.root(r.aggs(1))
		search := &query.Search{Size: 5, Sort: r.sorts(true), Targets: []query.Target{{Index: "one"}}}
		if n, err := t.compile(query.All{}, 1); err == nil {
			collect(ctx, search, []node{n}, []*searched{some}, &query.Result{})
		}
	}
}

// FuzzLog reads damaged requests of the log.
func FuzzLog(f *testing.F) {
	r := &random{Rand: rand.New(rand.NewPCG(5, 5))}
	var raw []byte
	for _, op := range r.ops("one", 20) {
		raw = appendEntry(raw, &entry{op: &op, index: 1, seq: 5, version: 2})
	}
	f.Add(raw)
	f.Fuzz(func(t *testing.T, raw []byte) {
		decodeLog(raw, func(*entry) error { return nil })
		_, err := openLog(raw)
		require.ErrorIs(t, err, ErrCorrupt)
	})
}

// TestLogRoundTrip holds the log to what was written.
func TestLogRoundTrip(t *testing.T) {
	r := &random{Rand: rand.New(rand.NewPCG(6, 5))}
	var raw []byte
	ops := r.ops("one", 300)
	for i := range ops {
		raw = appendEntry(raw, &entry{op: &ops[i], index: 7, seq: int64(i), version: 3, replace: i%2 == 0})
	}
	i := 0
	opened, err := openLog(sealLog(nil, raw))
	require.NoError(t, err)
	require.NoError(t, decodeLog(opened, func(e *entry) error {
		want := ops[i].Doc
		require.Equal(t, int64(i), e.seq)
		require.Equal(t, want.ID, e.op.Doc.ID)
		require.Equal(t, ops[i].Kind == query.Delete, e.op.Kind == query.Delete)
		if e.op.Kind != query.Delete {
			require.Equal(t, want.Time, e.op.Doc.Time)
			require.Equal(t, want.Source, e.op.Doc.Source)
			require.Len(t, e.op.Doc.Fields, len(want.Fields))
			for j, f := range want.Fields {
				g := e.op.Doc.Fields[j]
				require.Equal(t, f.Name, g.Name)
				require.Equal(t, f.Kind, g.Kind)
				require.Equal(t, f.NoNorms, g.NoNorms)
				require.ElementsMatch(t, f.Terms, g.Terms)
				require.ElementsMatch(t, f.Gaps, g.Gaps)
				require.ElementsMatch(t, f.Ints, g.Ints)
				require.ElementsMatch(t, f.Floats, g.Floats)
			}
		}
		i++
		return nil
	}))
	require.Equal(t, len(ops), i)
}

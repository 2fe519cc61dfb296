package engine

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cespare/xxhash/v2"
	"github.com/stretchr/testify/require"
)

func TestNorm(t *testing.T) {
	for length := range 40 {
		require.Equal(t, length, lengthOf(normOf(length)), "short lengths are exact")
	}
	for norm := range 256 {
		require.Equal(t, byte(norm), normOf(lengthOf(byte(norm))), "each norm stands for a length of its own")
	}
	for length := range 100_000 {
		rounded := lengthOf(normOf(length))
		require.LessOrEqual(t, rounded, length)
		require.Equal(t, refLength(length), rounded)
	}
	// What Lucene's SmallFloat gives.
	f := func(length int, norm byte) {
		t.Helper()
		require.Equal(t, norm, normOf(length))
	}
	f(0, 0)
	f(23, 23)
	f(24, 24)
	f(40, 40)
	f(41, 40)
	f(42, 41)
	f(56, 48)
	f(math.MaxInt32, 255)
}

// TestKnownScore holds the formula to a figure that every user of Elasticsearch has seen: one document of one word.
func TestKnownScore(t *testing.T) {
	st := &fieldStats{docs: 1, total: 1, cache: new([256]float32)}
	st.cache[1] = 1 / (bm25K1 * ((1 - bm25B) + bm25B*float32(lengthOf(1))/1))
	b := newBM25(st, 1, st.idf(1))
	require.InDelta(t, 0.2876821, b.score(1, 1), 1e-7)
}

// TestPhraseFreq has what Lucene's matchers count.
func TestPhraseFreq(t *testing.T) {
	f := func(text, phrase string, slop int, want float32) {
		t.Helper()
		terms := strings.Fields(phrase)
		first := make([]int, len(terms))
		slots := make([]slotReader, len(terms))
		for i, term := range terms {
			for first[i] = 0; terms[first[i]] != term; first[i]++ {
			}
			for pos, w := range strings.Fields(text) {
				if w == term {
					slots[i].pos = append(slots[i].pos, uint32(pos))
				}
			}
		}
		require.InDelta(t, want, newPhraseMatcher(slop, first).freq(slots), 1e-6, "%q in %q", phrase, text)
	}
	f("a b c", "a b", 0, 1)
	f("a b a b", "a b", 0, 2)
	f("a b c", "b a", 0, 0)
	f("a a a", "a a", 0, 2)
	f("a x b", "a b", 0, 0)
	f("a b c", "a b", 1, 1)
	f("a x b", "a b", 1, 0.5)
	f("a x x b", "a b", 1, 0)
	f("a x x b", "a b", 2, 1.0/3)
	f("b a", "a b", 1, 0)
	f("b a", "a b", 2, 1.0/3)
	f("a b x a b", "a b", 1, 2)
	f("a", "a a", 5, 0)        // one token cannot stand for two places
	f("a a", "a a", 1, 1)      // two can
	f("a x a", "a a", 1, 0.5)  //
	f("a b", "a b c", 9, 0)    // a term is missing
	f("c b a", "a b c", 4, .2) // turned round: four moves
	f("c b a", "a b c", 3, 0)
}

func TestWildcard(t *testing.T) {
	f := func(pattern, term string, want bool) {
		t.Helper()
		require.Equal(t, want, newWildcard(pattern, false).match([]byte(term)), "%q on %q", pattern, term)
	}
	f("", "", true)
	f("", "a", false)
	f("*", "", true)
	f("a*", "abc", true)
	f("a*c", "abcb", false)
	f("*b*b", "abxb", true)
	f("a?c", "aéc", true)
	f("a?", "a", false)
	f(`a\*`, "a*", true)
	f(`a\*`, "ab", false)
	f(`a\`, `a\`, true)
	f("*a*a*a*a*b", strings.Repeat("a", 5000), false) // and soon
	require.True(t, newWildcard("ÜN*", true).match([]byte("ünï")))
	require.False(t, newWildcard("ÜN*", false).match([]byte("ünï")))
	require.Equal(t, "ab", newWildcard("ab*c", false).prefix)
	require.Equal(t, "1-", newWildcard("1-a*", true).prefix, "a letter may be of either case")
}

func TestDistinct(t *testing.T) {
	for _, n := range []int{0, 1, 3000, 3001, 20_000, 1_000_000} {
		var d distinct
		for i := range n {
			d.add(xxhash.Sum64String(fmt.Sprint("value ", i)))
			d.add(xxhash.Sum64String(fmt.Sprint("value ", i/2)))
		}
		if n <= distinctExact {
			require.Equal(t, float64(n), d.estimate())
		} else {
			require.InEpsilon(t, float64(n), d.estimate(), 0.03)
		}
	}
}

func TestPostings(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{1, 2, 127, 128, 129, 1000} {
		for _, gap := range []int{1, 3, 100_000} {
			var docs, freqs []uint32
			doc := uint32(r.IntN(gap))
			for range n {
				docs = append(docs, doc)
				freqs = append(freqs, 1+uint32(r.IntN(gap)))
				doc += 1 + uint32(r.IntN(gap))
			}
			data := appendPostings(nil, docs, freqs)
			var p postings
			p.reset(data, uint32(n), doc, true)
			gotDocs, gotFreqs, err := p.rest(nil, nil)
			require.NoError(t, err)
			require.Equal(t, docs, gotDocs)
			require.Equal(t, freqs, gotFreqs)
			p.reset(data, uint32(n), doc, true)
			for at := 0; at < n; at += 1 + r.IntN(200) {
				target := docs[at]
				if at > 0 && docs[at-1] < target-1 {
					target -= uint32(r.IntN(2))
				}
				require.True(t, p.advance(target))
				require.Equal(t, docs[at], p.doc())
				require.Equal(t, freqs[at], p.freq())
			}
			require.False(t, p.advance(docs[n-1]+1))
			p.reset(data, uint32(n), docs[n-1], true)
			_, _, err = p.rest(nil, nil)
			require.ErrorIs(t, err, ErrCorrupt, "a document outside the segment")
		}
	}
}

func TestSortableFloat(t *testing.T) {
	values := []float64{math.Inf(-1), -math.MaxFloat64, -1.5, -0.25, math.Copysign(0, -1), 0, 0.25, 7, math.Inf(1)}
	for i, v := range values {
		require.Equal(t, math.Float64bits(v), math.Float64bits(floatOf(sortableFloat(v))))
		if i > 0 {
			require.Less(t, sortableFloat(values[i-1]), sortableFloat(v))
		}
	}
}

func TestPacked(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 1))
	for width := range uint(65) {
		if width > 56 && width < 64 {
			continue // rounded up to 64
		}
		for _, n := range []int{1, 7, 128} {
			values := make([]uint64, n)
			for i := range values {
				values[i] = r.Uint64() >> (64 - max(width, 1))
				if width == 0 {
					values[i] = 0
				}
			}
			p := appendPacked(nil, values, width)
			require.Len(t, p, packedLen(n, width))
			for i := range values {
				require.Equal(t, values[i], packedAt(p, i, width), "%d of width %d", i, width)
			}
		}
	}
}

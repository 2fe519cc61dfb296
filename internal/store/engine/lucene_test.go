package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/internal/store/query"
	"millrace/internal/testenv"
)

// TestScoresLikeLucene compares scores with a real Elasticsearch's, to the last bit: of terms, of phrases with slop and repeated words,
// where the order of steps is part of the result, and of sums.
func TestScoresLikeLucene(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a server")
	}
	es := testenv.Elasticsearch(t)
	e, err := Open(Options{Dir: t.TempDir(), MaxAge: -1})
	require.NoError(t, err)
	defer e.Close()
	require.NoError(t, e.CreateIndex("scores", nil))
	r := &random{Rand: rand.New(rand.NewPCG(11, 12))}
	letters := strings.Split("a b c d e f", " ")
	some := func(n int) []string {
		var words []string
		for range n {
			words = append(words, letters[min(r.IntN(6), r.IntN(6))])
		}
		return words
	}
	status, answer := es.Do("PUT", "/scores", `{"settings":{"number_of_shards":1,"number_of_replicas":0},"mappings":{"properties":{"msg":{"type":"text"}}}}`)
	require.Equal(t, 200, status, string(answer))
	var body strings.Builder
	var ops []query.Op
	for i := range 400 {
		words := some(1 + r.IntN(10)*(1+r.IntN(8)/7*5))
		fmt.Fprintf(&body, "{\"create\":{\"_id\":\"%d\"}}\n{\"msg\":%q}\n", i, strings.Join(words, " "))
		ops = append(ops, query.Op{Kind: query.Create, IfSeqNo: -1, Doc: query.Doc{Index: "scores", ID: fmt.Sprint(i), Fields: []query.Field{{Name: "msg", Kind: query.Text, Terms: words}}}})
	}
	status, answer = es.Do("POST", "/scores/_bulk?refresh=true", body.String())
	require.Equal(t, 200, status, string(answer))
	_, err = e.Apply(context.Background(), ops)
	require.NoError(t, err)
	phrase := func() (query.Query, string) {
		q := query.Phrase{Field: "msg", Terms: some(2 + r.IntN(3)), Slop: r.IntN(6)}
		return q, fmt.Sprintf(`{"match_phrase":{"msg":{"query":%q,"slop":%d}}}`, strings.Join(q.Terms, " "), q.Slop)
	}
	term := func() (query.Query, string) {
		q := query.Term{Field: "msg", Term: some(1)[0]}
		return q, fmt.Sprintf(`{"term":{"msg":%q}}`, q.Term)
	}
	for i := range 150 {
		q, text := phrase()
		if i%5 == 0 {
			a, x := term()
			b, y := term()
			c, z := phrase()
			q = query.Bool{Must: []query.Query{query.Boost{Query: a, By: 1.7}}, Should: []query.Query{b, c, q}}
			text = fmt.Sprintf(`{"bool":{"must":[{"bool":{"must":%s,"boost":1.7}}],"should":[%s,%s,%s]}}`, x, y, z, text)
		}
		status, answer := es.Do("POST", "/scores/_search", fmt.Sprintf(`{"size":1000,"query":%s}`, text))
		require.Equal(t, 200, status, string(answer))
		var want struct {
			Hits struct {
				Hits []struct {
					ID    string  `json:"_id"`
					Score float32 `json:"_score"`
				}
			}
		}
		require.NoError(t, json.Unmarshal(answer, &want))
		got, err := e.Search(context.Background(), &query.Search{Targets: []query.Target{{Index: "scores", Query: q}}, Size: 1000, TrackTotal: -1})
		require.NoError(t, err)
		require.Len(t, got.Hits, len(want.Hits.Hits), text)
		for i, w := range want.Hits.Hits {
			require.Equal(t, w.ID, got.Hits[i].ID, "%s: hit %d", text, i)
			require.Equal(t, w.Score, got.Hits[i].Score, "%s: document %s: %s", text, w.ID, strings.Join(ops[mustInt(t, w.ID)].Doc.Fields[0].Terms, " "))
		}
	}
}

func mustInt(t *testing.T, s string) (n int) {
	t.Helper()
	_, err := fmt.Sscan(s, &n)
	require.NoError(t, err)
	return n
}

package store

import (
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/internal/store/mapping"
)

// TestAnalysisLikeElasticsearch cuts texts of ordinary and odd characters into words, by the standard analyzer and by ours.
func TestAnalysisLikeElasticsearch(t *testing.T) {
	es := shared.Get(t)
	pieces := []string{"a", "B", "é", "Ü", "ß", "İ", "ñ", "7", "٣", "_", ".", "'", "’", ":", ",", ";", "-", "/", "@", "·", " ", " ", "\t", "日", "本", "カ", "ー", "ひ", "한", "ก", "ะ", "א", "ב", "ع", "क", "्", "ष",
		"\u0301", "\u200d", "\u00ad", "😀", "👍", "🏽", "❤", "\ufe0f", "🇩", "🇪", "™", "©", "²", "Ⅷ", "ª", "\u00a0", "\u202f", "\u2019", "ﬁ", "Ａ", "１", "\U0001d400", "#", "word", "3.14", "a.b.c"}
	rnd := rand.New(rand.NewPCG(1, 2))
	var texts []string
	for range 1500 {
		var b strings.Builder
		for range 1 + rnd.IntN(12) {
			b.WriteString(pieces[rnd.IntN(len(pieces))])
		}
		texts = append(texts, b.String())
	}
	wrong := 0
	for _, text := range texts {
		body, err := json.Marshal(map[string]any{"analyzer": "standard", "text": text})
		require.NoError(t, err)
		var answer struct{ Tokens []struct{ Token string } }
		require.NoError(t, json.Unmarshal(es.Must(http.MethodPost, "_analyze", string(body)), &answer))
		want := []string{}
		for _, k := range answer.Tokens {
			want = append(want, k.Token)
		}
		if got := mapping.Analyze(text); strings.Join(want, "|") != strings.Join(got, "|") {
			if wrong++; wrong <= 25 {
				t.Logf("%q (%+q): %q instead of %q", text, text, got, want)
			}
		}
	}
	// Tones of skin and joiners without an emoji before them are where the two part.
	if wrong*100 > len(texts) {
		t.Errorf("%d of %d texts", wrong, len(texts))
	}
}

package i18n

import (
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/filters/internal/filtertest"
)

func TestFilter(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		require.Equal(t, want+" +", filtertest.New(t, Plugin, `transliterate => ["t","[a][b]"]`).Run(in))
	}
	f(`{"t":["Ærøskøbing",5,"plain"]}`, `{"t":["AEroskobing",5,"plain"]}`)
	f(`{"t":"Straße, Žluťoučký, Łódź, œuvre, Þór, Ĳssel"}`, `{"t":"Strasse, Zlutoucky, Lodz, oeuvre, Thor, IJssel"}`)
	f(`{"t":"日本 ÷ ſ €","a":{"b":"é"}}`, `{"t":"?? ? ? ?","a":{"b":"e"}}`)
	f(`{"t":7}`, `{"t":7}`)
	f(`{}`, `{}`)
}

func TestDiagnostics(t *testing.T) {
	require.Contains(t, filtertest.Diagnose(Plugin, ``), "does nothing")
	require.Contains(t, filtertest.Diagnose(Plugin, `transliterate => ["[a"]`), "FieldReference")
}

func BenchmarkFilter(b *testing.B) {
	filtertest.Bench(b, Plugin, `transliterate => ["t"]`, `{"t":"Ærøskøbing på Ærø"}`)
}

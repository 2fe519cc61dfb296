package truncate

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"millrace/filters/internal/filtertest"
)

func TestTruncate(t *testing.T) {
	f := func(options, in, want string) {
		t.Helper()
		require.Equal(t, want, filtertest.New(t, Plugin, options).Run(in), options)
	}
	f(`fields => ["a"] length_bytes => 5`, `{"a":"0123456789","b":"0123456789"}`, `{"a":"01234","b":"0123456789"} +`)
	f(`fields => ["a"] length_bytes => 5`, `{"a":"01234"}`, `{"a":"01234"}`)
	f(`fields => "[a][b]" length_bytes => 2`, `{"a":{"b":"xyz"}}`, `{"a":{"b":"xy"}} +`)
	f(`fields => ["a","n","z"] length_bytes => 1`, `{"n":12345,"z":null}`, `{"n":12345,"z":null}`)
	f(`fields => ["a"] length_bytes => 0`, `{"a":"x"}`, `{"a":""} +`)
	f(`fields => ["a"] length_bytes => 0`, `{"a":""}`, `{"a":""}`)
	f(`fields => ["a"] length_bytes => 3`, `{"a":"aäö"}`, `{"a":"aä"} +`)
	f(`fields => ["a"] length_bytes => 2`, `{"a":"日本"}`, `{"a":""} +`)
	f(`fields => ["o"] length_bytes => 2`, `{"o":{"a":"xyz","l":["xyz",["xyz"]],"o":{"b":"xyz"}}}`, `{"o":{"a":"xy","l":["xy",["xyz"]],"o":{"b":"xy"}}} +`)
	f(`length_bytes => 2`, `{"a":"xyz","o":{"b":["xyz",1]}}`, `{"a":"xy","o":{"b":["xy",1]}} +`)
	f(`fields => [] length_bytes => 2`, `{"a":"xyz"}`, `{"a":"xyz"}`)
}

func TestDiagnostics(t *testing.T) {
	require.Contains(t, filtertest.Diagnose(Plugin, `length_bytes => -1`), "cannot be negative")
	require.Contains(t, filtertest.Diagnose(Plugin, `fields => ["a"]`), `option "length_bytes" is required`)
	require.Contains(t, filtertest.Diagnose(Plugin, `fields => ["[a"] length_bytes => 1`), "error")
}

func FuzzTrim(f *testing.F) {
	f.Add("aäö日本", 4)
	f.Add("a\xff\xfeb", 2)
	f.Fuzz(func(t *testing.T, s string, max int) {
		if max < 0 {
			return
		}
		got := trim(s, max)
		require.LessOrEqual(t, len(got), max)
		require.True(t, strings.HasPrefix(s, got))
		if utf8.ValidString(s) {
			require.True(t, utf8.ValidString(got))
			require.True(t, len(s) <= max || len(got) > max-utf8.UTFMax)
		}
	})
}

func BenchmarkFilter(b *testing.B) {
	doc := `{"message":"` + strings.Repeat("x", 2000) + `","host":{"name":"h"}}`
	b.Run("field", func(b *testing.B) { filtertest.Bench(b, Plugin, `fields => ["message"] length_bytes => 1000`, doc) })
	b.Run("all", func(b *testing.B) { filtertest.Bench(b, Plugin, `length_bytes => 1000`, doc) })
}

package gziplines

import (
	"bytes"
	"compress/gzip"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/codecs/internal/codectest"
	"millrace/pipeline/plugin"
)

func pack(t testing.TB, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write([]byte(text))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.String()
}

func TestDecode(t *testing.T) {
	c, err := New(Options{}, codectest.Env(plugin.ECSDisabled))
	require.NoError(t, err)
	f := func(data string, want ...string) {
		t.Helper()
		for _, n := range []int{1, 7, len(data)} {
			require.Equal(t, want, codectest.Documents(c, codectest.Records(c, data, n)))
		}
	}
	one := pack(t, "a\ncaf\xe9\nlast")
	f(one, `{"message":"a\n"}`, `{"message":"caf\\xE9\\n"}`, `{"message":"last"}`)
	f(one+pack(t, "b\n"), `{"message":"a\n"}`, `{"message":"caf\\xE9\\n"}`, `{"message":"lastb\n"}`)
	f("no gzip at all", `{"message":"gzip: invalid header","tags":["_gziplinesfailure"]}`)
	f("\x1f", `{"message":"gzip: unexpected EOF","tags":["_gziplinesfailure"]}`)
	long := codectest.Decode(c, one[:len(one)-9])
	require.Equal(t, `{"message":"gzip: unexpected EOF","tags":["_gziplinesfailure"]}`, long[len(long)-1])
}

func FuzzDecode(f *testing.F) {
	f.Add(pack(f, "a\nb"))
	f.Fuzz(func(t *testing.T, data string) {
		c, err := New(Options{}, codectest.Env(plugin.ECSDisabled))
		require.NoError(t, err)
		codectest.Decode(c, data)
	})
}

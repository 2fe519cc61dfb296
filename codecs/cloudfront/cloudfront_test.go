package cloudfront

import (
	"bytes"
	"compress/gzip"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/codecs/internal/codectest"
	"millrace/pipeline/plugin"
)

func zip(t testing.TB, text string) string {
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
	f := func(in string, want ...string) {
		t.Helper()
		for _, n := range []int{1, 7, len(in)} {
			require.Equal(t, want, codectest.Documents(c, codectest.Records(c, in, n)))
		}
	}
	log := zip(t, "#Version: 1.0\n#Fields: date time  c-ip\n2010-03-12\t23:51:20\n2010-03-12\t23:51:21\n")
	f(log, `{"message":"2010-03-12\t23:51:20\n","cloudfront_version":"1.0","cloudfront_fields":"date time  c-ip"}`,
		`{"message":"2010-03-12\t23:51:21\n","cloudfront_version":"1.0","cloudfront_fields":"date time  c-ip"}`)
	f(zip(t, "x #Version: 1.0\n #Fields: a\nline"), `{"message":"line","cloudfront_version":null,"cloudfront_fields":"a"}`)
	f("no gzip at all", `{"message":"gzip: invalid header","tags":["_cloudfrontfailure"]}`)
}

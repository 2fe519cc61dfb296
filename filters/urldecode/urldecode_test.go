package urldecode

import (
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"millrace/filters/internal/filtertest"
	"millrace/pipeline/event"
)

func TestDecode(t *testing.T) {
	f := func(options, in, want string) {
		t.Helper()
		require.Equal(t, want, filtertest.New(t, Plugin, options).Run(in), options)
	}
	f(``, `{"message":"http%3A%2F%2Fexample.net%2Fdocs"}`, `{"message":"http://example.net/docs"} +`)
	f(``, `{"message":"http://example.net/a+b 100% %4 %zz %"}`, `{"message":"http://example.net/a+b 100% %4 %zz %"} +`)
	f(``, `{"message":"%2541"}`, `{"message":"%41"} +`)
	f(``, `{"message":{"url":"%41","l":["%42",5]}}`, `{"message":{"url":"A","l":["B",5]}} +`)
	f(``, `{"message":5}`, `{"message":5} +`)
	f(``, `{"a":1}`, `{"a":1,"message":null} +`)
	f(`all_fields => true`, `{"a":"%41","b":{"%44":"%43"},"n":1,"tags":["%41"]}`, `{"a":"A","b":{"%44":"C"},"n":1,"tags":["A"]} +`)
	// Where the bytes are no UTF-8 the whole text is written with escapes.
	f(``, `{"message":"?rgu=0;+%C3%BB%D3%D0%D5%D2%B5%BD=;+%B7%A2%CB%CD="}`, `{"message":"?rgu=0;+û\\xD3\\xD0\\xD5ҵ\\xBD=;+\\xB7\\xA2\\xCB\\xCD="} +`)
	f(`field => "u"`, `{"u":"europ%C3%A9enne%201998&x=européenne%20"}`, `{"u":"européenne 1998&x=européenne "} +`)
	f(`charset => "ISO-8859-1"`, `{"message":"caf%E9"}`, `{"message":"café"} +`)
	f(`charset => "CP1252"`, `{"message":"%80 %41"}`, `{"message":"€ A"} +`)
	f(`field => "[a][b]"`, `{"a":"x"}`, `{"a":"x","tags":["_urldecodefailure"]} +`)
	f(`field => "[a][b]" tag_on_failure => ["no"]`, `{"a":"x"}`, `{"a":"x","tags":["no"]} +`)
	f(`field => "[a"`, `{"a":"x"}`, `{"a":"x","tags":["_urldecodefailure"]} +`)
}

func TestDiagnostics(t *testing.T) {
	require.Contains(t, filtertest.Diagnose(Plugin, `charset => "UFT-8"`), "error")
	require.Contains(t, filtertest.Diagnose(Plugin, `field => "[a"`), "warning")
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{"", "%41", "a%4", "%%41", "%C3%A9", "%E9", "100%", "é%41", "a+b"} {
		f.Add(s)
	}
	r := defaults(f)
	f.Fuzz(func(t *testing.T, s string) {
		got := r.string(new(event.Arena), s)
		require.True(t, utf8.ValidString(got))
		want, err := url.QueryUnescape(strings.ReplaceAll(s, "+", "%2B"))
		if err == nil && utf8.ValidString(want) {
			require.Equal(t, want, got)
		}
	})
}

// defaults returns the filter with its defaults.
func defaults(t testing.TB) *worker { return filtertest.New(t, Plugin, ``).Filter.(*worker) }

func BenchmarkFilter(b *testing.B) {
	b.Run("plain", func(b *testing.B) { filtertest.Bench(b, Plugin, ``, `{"message":"/index.html?a=b&c=d"}`) })
	b.Run("escaped", func(b *testing.B) {
		filtertest.Bench(b, Plugin, ``, `{"message":"/index.html%3Fa%3Db%26c%3Dd%20europ%C3%A9enne"}`)
	})
}

package logfmt

import (
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/filters/internal/filtertest"
	"millrace/pipeline/event"
)

func quoted(s string) string { return string(event.AppendJSONString(nil, s)) }

func TestFilter(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		if want == "" {
			want = `,"tags":["_logfmtparsefailure"]}`
		} else {
			want = `,"o":{` + want + `}} +`
		}
		require.Equal(t, `{"message":`+quoted(in)+want, filtertest.New(t, Plugin, `target => "o"`).Run(`{"message":`+quoted(in)+`}`), in)
	}
	f(`level=info msg="two words" took=0.25 n=7 neg=-3 ok`, `"level":"info","msg":"two words","took":0.25,"n":7,"neg":-3,"ok":true`)
	f(`a= b="" c="x\"y\\z\n\q" d==`, `"a":"","b":"","c":"x\"y\\z\n\\q","d":"="`)
	f(`ip=10.0.0.1 date=2024-05-17 zero=007 exp=1e3 big=123456789012345678901 v=1.2.3`, `"ip":"10.0.0.1","date":"2024-05-17","zero":"007","exp":1000.0,"big":123456789012345678901,"v":"1.2.3"`)
	f(`a=1 a=2`, `"a":2`)
	f(`größe=ä`, `"größe":"ä"`)
	f(`no pairs here`, ``)
	f(``, ``)
	f(`a="open`, ``)
	f(`a="x"y`, ``)
}

func TestOptions(t *testing.T) {
	f := func(options, in, want string) {
		t.Helper()
		require.Equal(t, want, filtertest.New(t, Plugin, options).Run(in), options)
	}
	f(`source => "l" remove_source => true`, `{"l":"a=1 [b][c]=2"}`, `{"a":1,"b":{"c":2}} +`)
	f(`source => "l" remove_source => true tag_on_failure => ["x"]`, `{"l":"a=1 b]=2"}`, `{"a":1,"l":"a=1 b]=2","tags":["x"]}`)
	f(`source => "l"`, `{"l":5}`, `{"l":5,"tags":["_logfmtparsefailure"]}`)
	f(`source => "l"`, `{"m":5}`, `{"m":5}`)
}

func FuzzParse(f *testing.F) {
	f.Add(`level=info msg="two words" took=0.25 ok`)
	f.Add(`a="x\"y" =b "c"=`)
	f.Fuzz(func(t *testing.T, text string) {
		o := event.New(nil).NewObject()
		if parse(new(event.Arena), text, o) == nil {
			require.Positive(t, o.Len())
		}
		for _, p := range o.Fields() {
			require.NotEmpty(t, p.Key)
			require.NotContains(t, p.Key, "=")
		}
	})
}

func BenchmarkFilter(b *testing.B) {
	filtertest.Bench(b, Plugin, ``, `{"message":"ts=2024-05-17T08:30:15Z level=info method=GET path=/x status=200 took=0.25 msg=\"request done\""}`)
}

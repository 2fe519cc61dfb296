package page

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"millrace/pipeline/config"
)

// FuzzMask: whatever surrounds a password, it is not shown.
func FuzzMask(f *testing.F) {
	for _, s := range []string{"", "#x\n", `input { stdin { } }`, `filter { mutate { add_field => { "a" => "b" } } } # password => "c"`, "output { http { url => 'http://u:p@x' } }\n"} {
		f.Add(s, "hosts => [\"https://a:b@c\"]")
	}
	const secret = "Zq9secretZq9"
	m := masker{reg: registry()}
	f.Fuzz(func(t *testing.T, around, option string) {
		if strings.Contains(around+option, secret) {
			t.Skip()
		}
		file, _ := config.Parse("a.conf", []byte("output { elasticsearch { password => \""+secret+"\" "+option+" } }\n"+around), config.ParseOptions{})
		if len(file.Sections) == 0 || len(file.Sections[0].Body) == 0 {
			t.Skip()
		}
		require.NotContains(t, m.text(file, m.covers(file), 0, len(file.Text)), secret)
	})
}

// FuzzVisible: nothing that hides or turns around text is left, and plain text is left alone.
func FuzzVisible(f *testing.F) {
	for _, s := range hostile() {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v := visible(s)
		require.True(t, utf8.ValidString(v))
		require.False(t, strings.ContainsAny(v, "\x00\x07\x1b\x7f\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff\u2028\u2029"))
		require.Equal(t, v, visible(v))
	})
}

// FuzzDocument: any document can be shown, within bounds.
func FuzzDocument(f *testing.F) {
	f.Add(`{"a":{"b":[1,"x",{"c":null}]},"@timestamp":"2026-01-01T00:00:00Z","message":"m"}`)
	f.Add(`{"":{"":""}}`)
	f.Add(`[`)
	f.Fuzz(func(t *testing.T, source string) {
		h := newHit(rawHit{Source: json.RawMessage(source)}, nil)
		total := 0
		for _, x := range h.Fields {
			total += len(x.Value)
			require.True(t, utf8.ValidString(x.Value))
		}
		require.LessOrEqual(t, len(h.Fields), maxFields)
		require.LessOrEqual(t, total, 12*(maxDocument+maxShown), "a control character takes up to twelve bytes")
		fieldList(request{}, []hit{h})
	})
}

// FuzzRequest: any address gives a request within bounds, whose own address means the same.
func FuzzRequest(f *testing.F) {
	f.Add("q=a&range=1h&cols=x,y&page=2&after=[1,2]")
	f.Add("range=absolute&from=1&to=9e99")
	now := time.UnixMilli(1_700_000_000_000)
	f.Fuzz(func(t *testing.T, query string) {
		q, err := url.ParseQuery(query)
		if err != nil {
			t.Skip()
		}
		o, err := readRequest(q, now, time.UTC, 1)
		require.True(t, o.From.Before(o.To))
		require.LessOrEqual(t, len(o.Columns), maxColumns)
		if err != nil {
			return
		}
		if _, err := o.body(stepFor(o.To.Sub(o.From))); err != nil {
			return
		}
		u, err := url.Parse(o.url(nil))
		require.NoError(t, err)
		again, err := readRequest(u.Query(), now, time.UTC, 1)
		require.NoError(t, err)
		require.Equal(t, o.url(nil), again.url(nil))
	})
}

package multiline

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/filters/internal/filtertest"
)

// TestExamples holds what the filter's own tests in Logstash ask for: lines go in, the events that come out are compared, with those that the
// end of the input brings.
func TestExamples(t *testing.T) {
	f := func(options string, in []string, want ...string) {
		t.Helper()
		r := filtertest.New(t, Plugin, options)
		var got []string
		for _, line := range in {
			if !strings.HasPrefix(line, "{") {
				line = `{"message":"` + line + `"}`
			}
			if out := r.Run(line); out != "dropped" {
				got = append(got, strings.TrimSuffix(out, " +"))
			}
		}
		if out := flush(r.Filter.(*filter), 0, true); out != "" {
			got = append(got, strings.Split(out, "\n")...)
		}
		require.Equal(t, want, got, options)
	}
	const previous, next = `pattern => "^\s" what => "previous"`, `pattern => "^\s" what => "next"`
	f(previous+` periodic_flush => false`, []string{"hello", "   second", "another"}, `{"message":"hello\n   second","tags":["multiline"]}`, `{"message":"another"}`)
	f(`pattern => "^%{NUMBER} %{TIME}" negate => true what => previous`, []string{"120913 12:04:33 first", "second", "third"},
		`{"message":"120913 12:04:33 first\nsecond\nthird","tags":["multiline"]}`)
	f(`pattern => "an unlikely match" what => previous`, []string{"1 first", "2 second"}, `{"message":"1 first"}`, `{"message":"2 second"}`)
	f(next, []string{"  match", "nomatch"}, `{"message":"  match\nnomatch","tags":["multiline"]}`)
	f(next, []string{"  a", "x", "  b", "y"}, `{"message":"  a\nx","tags":["multiline"]}`, `{"message":"  b\ny","tags":["multiline"]}`)
	twice := []string{"  a", "  a", "x", "  1", "  2", "  1", "y"}
	f(next, twice, `{"message":"  a\n  a\nx","tags":["multiline"]}`, `{"message":"  1\n  2\n  1\ny","tags":["multiline"]}`)
	f(next+` allow_duplicates => false`, twice, `{"message":"  a\nx","tags":["multiline"]}`, `{"message":"  1\n  2\ny","tags":["multiline"]}`)
	f(next+` source => "foo"`, []string{`{"message":"bar","foo":"  a"}`, `{"message":"bar","foo":"  a"}`, `{"message":"baz","foo":"x"}`, `{"foo":"  1"}`, `{"foo":"y"}`},
		`{"message":["bar","baz"],"foo":"  a\n  a\nx","tags":["multiline"]}`, `{"foo":"  1\ny","tags":["multiline"]}`)
	f(`pattern => "^START" what => "previous" negate => true`, []string{"START", "<a>", "<b/>", "</a>", "<a>", "<b/>", "</a>", "START"},
		`{"message":"START\n<a>\n<b/>\n</a>\n<a>\n<b/>\n</a>","tags":["multiline"]}`, `{"message":"START"}`)
	for _, what := range []string{"previous", "next"} {
		f(`pattern => "^%{NUMBER}" what => `+what, []string{`{"message":"a","@metadata":{"index":"i"}}`, `{"message":"b","@metadata":{"index":"i"}}`},
			map[string][]string{"previous": {`{"message":"a"} @metadata={"index":"i"}`, `{"message":"b"}`}, "next": {`{"message":"a"} @metadata={"index":"i"}`, `{"message":"b"} @metadata={"index":"i"}`}}[what]...)
	}
}

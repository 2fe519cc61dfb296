package multiline

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/filters/internal/filtertest"
	"millrace/pipeline/event"
)

// made collects what Flush makes.
type made struct{ events []*event.Event }

func (m *made) New() *event.Event {
	e := event.New(nil)
	m.events = append(m.events, e)
	return e
}

func (m *made) Succeed(*event.Event) {}

// flush returns the messages that Flush makes after a time.
func flush(f *filter, after time.Duration, final bool) string {
	var m made
	f.Flush(time.Now().Add(after), final, &m)
	var out []string
	for _, e := range m.events {
		e.Root().Delete(event.TimestampField)
		e.Root().Delete(event.VersionField)
		out = append(out, string(e.AppendJSON(nil)))
	}
	return strings.Join(out, "\n")
}

func TestPrevious(t *testing.T) { synctest.Test(t, testPrevious) }

func testPrevious(t *testing.T) {
	r := filtertest.New(t, Plugin, `pattern => "^\s" what => "previous"`)
	f := func(in, want string) { t.Helper(); require.Equal(t, want, r.Run(in)) }
	f(`{"message":"first","host":"a"}`, `dropped`)
	f(`{"message":" second","host":"a"}`, `dropped`)
	f(`{"message":"other","host":"b"}`, `dropped`)
	f(`{"message":" third","host":"a","x":1}`, `dropped`)
	f(`{"message":"next","host":"a"}`, `{"message":"first\n second\n third","host":"a","tags":["multiline"],"x":1} +`)
	f(`{"message":" more","host":"b"}`, `dropped`)
	require.Equal(t, "", flush(r.Filter.(*filter), 4*time.Second, false))
	require.Equal(t, `{"message":"other\n more","host":"b","tags":["multiline"]}`+"\n"+`{"message":"next","host":"a"}`, flush(r.Filter.(*filter), 6*time.Second, false))
	require.Equal(t, "", flush(r.Filter.(*filter), 6*time.Second, true))
}

func TestNext(t *testing.T) {
	r := filtertest.New(t, Plugin, `pattern => "\\$" what => "next"`)
	f := func(in, want string) { t.Helper(); require.Equal(t, want, r.Run(in)) }
	f(`{"message":"single"}`, `{"message":"single"} +`)
	f(`{"message":"one \\"}`, `dropped`)
	f(`{"message":"two \\"}`, `dropped`)
	f(`{"message":"three"}`, `{"message":"one \\\ntwo \\\nthree","tags":["multiline"]} +`)
	f(`{"message":"left \\"}`, `dropped`)
	require.Equal(t, `{"message":"left \\","tags":["multiline"]}`, flush(r.Filter.(*filter), 0, true))
}

func TestNegateAndGrok(t *testing.T) {
	r := filtertest.New(t, Plugin, `pattern => "^%{TIMESTAMP_ISO8601} " negate => true what => "previous" stream_identity => "%{[a][b]}" source => "[l][m]"`)
	f := func(in, want string) { t.Helper(); require.Equal(t, want, r.Run(in)) }
	f(`{"l":{"m":"2024-05-17T08:30:15 one"},"a":{"b":1},"same":"s","f":"1","tags":["t"]}`, `dropped`)
	f(`{"l":{"m":"trace"},"a":{"b":1,"c":2},"same":"s","f":"2","tags":["u"]}`, `dropped`)
	f(`{"l":{"m":"trace"},"a":{"b":1},"f":["2","3"]}`, `dropped`)
	f(`{"l":{"m":"2024-05-17T08:30:16 two"},"a":{"b":1}}`,
		`{"l":{"m":"2024-05-17T08:30:15 one\ntrace\ntrace"},"a":{"b":1,"c":2},"same":"s","f":["1","2","3"],"tags":["t","u","multiline"]} +`)
}

func TestDuplicates(t *testing.T) {
	r := filtertest.New(t, Plugin, `pattern => "^\s" what => "previous" allow_duplicates => false`)
	r.Run(`{"message":"a"}`)
	r.Run(`{"message":" b"}`)
	r.Run(`{"message":" b"}`)
	require.Equal(t, `{"message":"a\n b","tags":["multiline"]}`, flush(r.Filter.(*filter), 0, true))
}

func TestBound(t *testing.T) {
	r := filtertest.New(t, Plugin, `pattern => "^\s" what => "previous"`)
	f := r.Filter.(*filter)
	e := event.New(nil)
	out := 0
	for range maxLines + 10 {
		filtertest.Fill(t, e, `{"message":" x"}`)
		if f.Filter(e) {
			out++
			v, _ := e.Root().Get("message")
			require.Equal(t, maxLines, strings.Count(v.Str(), "x"))
		}
	}
	require.Equal(t, 1, out)
	require.Len(t, f.pending, 1)
}

func TestDiagnostics(t *testing.T) {
	f := func(options, want string) {
		t.Helper()
		require.Contains(t, filtertest.Diagnose(Plugin, options), want)
	}
	f(`what => "previous"`, `option "pattern" is required`)
	f(`pattern => "a"`, `option "what" is required`)
	f(`pattern => "%{WROD}" what => "next"`, `did you mean "WORD"?`)
	f(`pattern => "(" what => "next"`, `option "pattern"`)
	f(`pattern => "a" what => "next" patterns_dir => ["/nonexistent"]`, `warning: filter multiline: reading grok patterns`)
	f(`pattern => "a" what => "next" max_age => -1`, `must not be negative`)
	f(`pattern => "a" what => "next" enable_flush => true`, `obsolete`)
}

// Each line that is put aside is a clone of its event: what is kept beyond an event's turn must be one's own.
func BenchmarkFilter(b *testing.B) {
	b.Run("previous", func(b *testing.B) {
		r := filtertest.New(b, Plugin, `pattern => "^\s" what => "previous"`)
		e := event.New(nil)
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			e.Reset()
			if i%8 == 0 {
				e.Root().Set("message", event.StringValue("java.lang.RuntimeException: boom"))
			} else {
				e.Root().Set("message", event.StringValue("    at com.example.Main.run(Main.java:42)"))
			}
			r.Filter.Filter(e)
		}
	})
}

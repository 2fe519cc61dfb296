package multiline

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/codecs/internal/codectest"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

func codec(t testing.TB, change func(o *Options)) *plugin.Codec {
	t.Helper()
	o := *Plugin.Options().(*Options)
	o.Pattern, o.What = `^\s`, "previous"
	change(&o)
	c, err := New(o, codectest.Env(plugin.ECSDisabled))
	require.NoError(t, err)
	return c
}

func TestMessages(t *testing.T) { synctest.Test(t, testMessages) } // where no time passes between reads

func testMessages(t *testing.T) {
	f := func(change func(o *Options), in, want string) {
		t.Helper()
		c := codec(t, change)
		for n := 1; n <= len(in)+1; n++ {
			got := strings.Join(codectest.Documents(c, codectest.Records(c, in, n)), "\n")
			if got != want {
				t.Fatalf("%q in pieces of %d:\n got %s\nwant %s", in, n, got, want)
			}
		}
	}
	f(func(*Options) {}, "", "")
	f(func(*Options) {}, "a\n b\nc", `{"message":"a\n b","tags":["multiline"]}`+"\n"+`{"message":"c"}`)
	f(func(*Options) {}, "\n\n", `{"message":""}`+"\n"+`{"message":""}`)
	f(func(*Options) {}, " a\n b\n", `{"message":" a\n b","tags":["multiline"]}`)
	f(func(o *Options) { o.MultilineTag = "" }, "a\n b\n", `{"message":"a\n b"}`)
	f(func(o *Options) { o.MaxLines = 2 }, "a\n b\n c\n d\n",
		`{"message":"a\n b\n c","tags":["multiline","multiline_codec_max_lines_reached"]}`+"\n"+`{"message":" d"}`)
	f(func(o *Options) { o.What = "next"; o.Pattern = `\\$` }, "a\\\nb\nc\\", `{"message":"a\\\nb","tags":["multiline"]}`+"\n"+`{"message":"c\\"}`)
	f(func(o *Options) { o.What = "next"; o.Pattern = `\\$`; o.MaxLines = 1 }, "a\\\nb\\\nc\n",
		`{"message":"a\\\nb\\","tags":["multiline","multiline_codec_max_lines_reached"]}`+"\n"+`{"message":"c"}`)
	f(func(o *Options) { o.Pattern = "^%{TIMESTAMP_ISO8601} "; o.Negate = true }, "2024-01-02T03:04:05Z x\n at y\n2024-01-02T03:04:06Z z",
		`{"message":"2024-01-02T03:04:05Z x\n at y","tags":["multiline"]}`+"\n"+`{"message":"2024-01-02T03:04:06Z z"}`)
	f(func(o *Options) { o.Pattern = `\D` }, "123\nA23\nB23\n098\n", `{"message":"123\nA23\nB23","tags":["multiline"]}`+"\n"+`{"message":"098"}`)
	f(func(o *Options) { o.MultilineTag = "joined" }, "a\n b\n", `{"message":"a\n b","tags":["joined"]}`)
	f(func(o *Options) { o.Pattern = "^-"; o.MaxBytes = 8 }, "- ab\n- cd\n- ef\n", `{"message":"- ab\n- cd","tags":["multiline","multiline_codec_max_bytes_reached"]}`+"\n"+
		`{"message":"- ef"}`)
	f(func(*Options) {}, "foo \xED\xB9\x81\xC3\nbar \xAD\n", `{"message":"foo \\xED\\xB9\\x81\\xC3"}`+"\n"+`{"message":"bar \\xAD"}`)
	f(func(*Options) {}, "caf\xe9 \"q\"\n \"q\"", `{"message":"caf\\xE9 \\\"q\\\"\n \"q\"","tags":["multiline"]}`)
}

func TestRefused(t *testing.T) {
	f := func(change func(o *Options), want string) {
		t.Helper()
		o := *Plugin.Options().(*Options)
		o.Pattern, o.What = `^\s`, "previous"
		change(&o)
		_, err := New(o, codectest.Env(plugin.ECSDisabled))
		require.ErrorContains(t, err, want)
	}
	f(func(o *Options) { o.Pattern = "%{NOPE}" }, "NOPE")
	f(func(o *Options) { o.Pattern = "(" }, "parenthesis")
	f(func(o *Options) { o.Pattern, o.PatternsDir = "%{MINE}", []string{"no/such/folder"} }, "MINE") // Logstash does not mind the folder
	f(func(o *Options) { o.MaxLines = 0 }, "at least 1")
}

// The time of a message is that of its first line, not that of the line or the pause which ended it.
func TestTimeOfFirstLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := codec(t, func(*Options) {})
		f := c.NewFramer().(plugin.IdleFramer)
		require.Equal(t, 5*time.Second, f.IdleAfter())
		records, rest := f.Frame("a\n", nil)
		require.Empty(t, records)
		first := time.Now()
		<-time.After(2 * time.Second)
		records, rest = f.Frame(rest+" b\n", records)
		<-time.After(f.IdleAfter())
		records = f.Flush(rest, records)
		stamp := string(event.AppendTime(nil, first))
		require.Equal(t, []string{`{"@timestamp":"` + stamp + `","message":"a\n b","tags":["multiline"]}`}, codectest.Documents(c, records))

		records, rest = f.Frame("x\ny\n", nil)
		require.Equal(t, []event.Record{{Data: "x"}}, records)
		records = f.Flush(rest, nil)
		require.Equal(t, []event.Record{{Data: "y"}}, records)
	})
}

func FuzzFramer(f *testing.F) {
	f.Add("a\n b\nc", uint8(1), true, uint8(3), uint8(20))
	f.Add("a\\\nb\n\n\n c\n", uint8(2), false, uint8(1), uint8(4))
	f.Fuzz(func(t *testing.T, in string, n uint8, previous bool, maxLines, maxBytes uint8) {
		o := Options{Pattern: `^\s|\\$`, What: "next", MaxLines: int(maxLines) + 1, MaxBytes: 17, MultilineTag: "multiline"}
		if previous {
			o.What = "previous"
		}
		if maxBytes > 0 {
			o.MaxBytes = 1 << (maxBytes % 20)
		}
		c, err := New(o, codectest.Env(plugin.ECSDisabled))
		require.NoError(t, err)
		records := codectest.Records(c, in, len(in)+1)
		parts := codectest.Records(c, in, int(n))
		if a, b := texts(records), texts(parts); a != b {
			t.Fatalf("%q in pieces of %d: %s, whole %s", in, n, b, a)
		}
		var all []string
		for _, r := range records {
			all = append(all, r.Data)
		}
		if got := strings.Join(all, "\n"); got != strings.TrimSuffix(in, "\n") {
			t.Fatalf("%q became %q", in, got)
		}
		codectest.Documents(c, records)
	})
}

func texts(records []event.Record) string {
	var s []string
	for _, r := range records {
		s = append(s, fmt.Sprintf("%q", r.Data))
	}
	return strings.Join(s, " ")
}

func BenchmarkFrame(b *testing.B) {
	c := codec(b, func(*Options) {})
	data := strings.Repeat("java.lang.IllegalStateException: no such thing\n"+strings.Repeat("\tat com.example.Service.call(Service.java:123)\n", 19), 50)
	f := c.NewFramer()
	records := make([]event.Record, 0, 64)
	b.ReportAllocs()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		var rest string
		records, rest = f.Frame(data, records[:0])
		records = f.Flush(rest, records)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/line")
}

func TestPatternsDir(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "mine"), []byte("MYSTART #%{INT}#\n"), 0o600))
	c := codec(t, func(o *Options) { o.PatternsDir, o.Pattern, o.Negate = []string{dir}, "^%{MYSTART}", true })
	require.Equal(t, `{"message":"#1# a\nb","tags":["multiline"]}`+"\n"+`{"message":"#2# c"}`, codectest.Joined(c, "#1# a\nb\n#2# c\n"))
}

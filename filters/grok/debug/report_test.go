package debug

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/filters/grok/patterns"
)

func TestRun(t *testing.T) {
	f := func(o Options, in string, all bool, want string) {
		t.Helper()
		var out strings.Builder
		got, err := Run(o, strings.NewReader(in), &out)
		require.NoError(t, err)
		require.Equal(t, want, out.String())
		require.Equal(t, all, got)
	}
	f(Options{Pattern: `^%{IP:client} %{WORD:verb} %{INT:bytes:int}`}, "10.0.0.1 GET 12\n", true, `line 1: match at 0-15 of 15
  client: "10.0.0.1"
  verb: "GET"
  bytes: "12" as int
`)
	f(Options{Pattern: `^%{K}=%{INT:v}$`, Definitions: []string{`K=key-[a-f]{2}`}}, "key-ab=12\n\tkey-ab=1\nkey-ax=1", false, `line 1: match at 0-9 of 9
  v: "12"
line 2: no match, it got to byte 0 of 9
  →key-ab=1
  ^
  stopped by %{K}
  ^%{K}=%{INT:v}$
   ^~~~
  in K (definition)
  key-[a-f]{2}
  ^
line 3: no match, it got to byte 5 of 8
  key-ax=1
       ^
  stopped by %{K}
  ^%{K}=%{INT:v}$
   ^~~~
  in K (definition)
  key-[a-f]{2}
      ^
`)
}

func TestFailureInTheLibrary(t *testing.T) {
	var out strings.Builder
	const line = `192.0.2.10 - - [10/Okt/2023:13:55:61 +0000] "GET / HTTP/1.0" 200 5`
	_, err := Run(Options{Pattern: `%{COMMONAPACHELOG}`}, strings.NewReader(line), &out)
	require.NoError(t, err)
	require.Contains(t, out.String(), "it got to byte 35 of 66")
	require.Contains(t, out.String(), "stopped by %{COMMONAPACHELOG}, in its part SECOND")
	require.Contains(t, out.String(), "in HTTPDATE (library core)\n")
}

func TestRunRefusesWhatIsWrong(t *testing.T) {
	f := func(o Options, want string) {
		t.Helper()
		_, err := Run(o, strings.NewReader("x\n"), &strings.Builder{})
		require.ErrorContains(t, err, want)
	}
	f(Options{Pattern: "%{NOPE}"}, "unknown pattern")
	f(Options{Pattern: "%{WROD}"}, `did you mean "WORD"?`)
	f(Options{Pattern: "a", Definitions: []string{"X"}}, `no "="`)
	f(Options{Pattern: "a", Dirs: []string{"testdata/missing"}}, "missing")
	_, err := Run(Options{Pattern: "a"}, failingReader{}, &strings.Builder{})
	require.ErrorContains(t, err, "reading lines")
}

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, errors.New("broken") }

func TestTryTellsTheDefinition(t *testing.T) {
	set := patterns.Library(patterns.Legacy).Extend()
	set.Add(patterns.Definition{Name: "PAIR", Text: "%{WORD:k}=%{INT:v}", Origin: "test"})
	p, err := Compile(set, `^%{PAIR};%{PAIR}$`, true)
	require.NoError(t, err)

	r := p.Try("a=1;b=x")
	require.False(t, r.Matched)
	require.Equal(t, 6, r.Reached)
	require.Equal(t, `%{PAIR}`, `^%{PAIR};%{PAIR}$`[r.Stopped.Offset:r.Stopped.End])
	require.Equal(t, 9, r.Stopped.Offset)
	require.Equal(t, "PAIR", r.Stopped.Steps[0].Name)

	r = p.Try("a=1 b=2")
	require.Equal(t, 3, r.Reached)
	require.Equal(t, 8, r.Stopped.Offset, "the semicolon")
	require.Empty(t, r.Stopped.Steps)

	r = p.Try("a=1;b=2")
	require.True(t, r.Matched)
	require.Equal(t, []Capture{{"k", "a", 0}, {"k", "b", 0}, {"v", "1", 0}, {"v", "2", 0}}, r.Captures)
}

func TestMark(t *testing.T) {
	f := func(s string, start, end int, want string) {
		t.Helper()
		var b strings.Builder
		mark(&b, s, start, end)
		require.Equal(t, want, b.String())
	}
	f("abc", 0, 0, "  abc\n  ^\n")
	f("abc", 1, 3, "  abc\n   ^~\n")
	f("äbc", 2, 3, "  äbc\n   ^\n")
	f("abc", 9, 12, "  abc\n     ^\n")
	f("a\tb\x01c", 2, 2, "  a→b·c\n    ^\n")
	long := strings.Repeat("ä", 100)
	f(long, 100, 102, "  ..."+strings.Repeat("ä", 61)+"...\n  "+strings.Repeat(" ", 33)+"^\n")
}

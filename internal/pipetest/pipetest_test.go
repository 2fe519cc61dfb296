package pipetest

import (
	"context"
	"encoding/xml"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/codecs"
	"millrace/filters"
	"millrace/inputs"
	"millrace/outputs"
	"millrace/pipeline/plugin"
)

var update = flag.Bool("update", false, "write the golden files anew")

func options(t testing.TB) Options {
	return Options{
		Registry: plugin.NewRegistry(inputs.All(), codecs.All(), filters.All(), outputs.All()), ECS: plugin.ECSv8, Version: "8.19.0",
		DataDir: t.TempDir(), Limit: time.Minute,
	}
}

// runFile runs one file and returns its results.
func runFile(t testing.TB, o Options, path string) ([]*CaseResult, error) {
	t.Helper()
	s, err := Load(path)
	if err != nil {
		return nil, err
	}
	r := NewRunner(o)
	results, err := r.Run(t.Context(), s)
	require.NoError(t, r.Close())
	return results, err
}

func report(results []*CaseResult) string {
	var b strings.Builder
	r := Report{W: &b, Verbose: true}
	if len(results) > 0 {
		r.Suite(results[0].Suite, results, nil)
	}
	return b.String()
}

func write(t testing.TB, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	return path
}

// TestFilesPass: our own format and both of logstash-filter-verifier, as they are.
func TestFilesPass(t *testing.T) {
	f := func(path string, cases int, change func(*Options)) {
		t.Helper()
		o := options(t)
		if change != nil {
			change(&o)
		}
		results, err := runFile(t, o, path)
		require.NoError(t, err)
		require.Len(t, results, cases)
		for _, res := range results {
			require.False(t, res.Failed(), report(results))
		}
	}
	f("testdata/own/access.test.yml", 4, nil)
	legacy := func(o *Options) { o.ECS, o.Configs = plugin.ECSDisabled, []string{"testdata/lfv1/filter.conf"} }
	f("testdata/lfv1/syslog.json", 2, legacy)
	f("testdata/lfv1/json.yaml", 1, legacy)
	mocked := func(o *Options) {
		var err error
		o.Configs = []string{"testdata/lfv2/main.conf"}
		o.Mocks, err = LoadMocks("testdata/lfv2/mocks.txt")
		require.NoError(t, err)
	}
	f("testdata/lfv2/outputs.json", 4, mocked)
	f("testdata/lfv2/web.yml", 2, mocked)
}

func TestFailuresAreReported(t *testing.T) {
	results, err := runFile(t, options(t), "testdata/failing/failing.test.yml")
	require.NoError(t, err)
	golden(t, "testdata/failing/report.txt", report(results))
	var j JUnit
	for _, res := range results {
		res.Duration = time.Millisecond
	}
	j.Suite(results[0].Suite, results, nil)
	j.Broken("gone.test.yml", fmt.Errorf("no such file"))
	var b strings.Builder
	require.NoError(t, j.Write(&b))
	require.NoError(t, xml.Unmarshal([]byte(b.String()), new(junitSuites)))
	golden(t, "testdata/failing/junit.xml", b.String())
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

// TestUpdate: what came out becomes what is expected, comments and the rest of the file stay, and the file passes afterwards.
func TestUpdate(t *testing.T) {
	f := func(name, text, want string) {
		t.Helper()
		dir := t.TempDir()
		write(t, dir, "x.conf", `filter { if [message] =~ "drop" { drop { } } mutate { add_field => { "n" => 1 "t" => "a: b" } remove_field => ["event", "@timestamp"] } }`)
		path := write(t, dir, name, text)
		s, err := Load(path)
		require.NoError(t, err)
		r := NewRunner(options(t))
		results, err := r.Run(t.Context(), s)
		require.NoError(t, err)
		_, err = s.Update(results)
		require.NoError(t, err)
		got, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, want, string(got))
		require.NoError(t, r.Close())
		results, err = runFile(t, options(t), path)
		require.NoError(t, err)
		require.NotContains(t, report(results), "FAIL")
	}
	f("x.test.yml", `# head
testcases:
  - description: one # remark
    expected:
    - message: old
      list: [1,
        2]

    # about the input
    input: a

  # second
  - input: drop
    expected:
      - x: 1
  - input: "b  "
`, `# head
testcases:
  - description: one # remark
    expected:
      - message: a
        n: "1"
        t: 'a: b'

    # about the input
    input: a

  # second
  - input: drop
    expected: []
  - input: "b  "
    expected:
      - message: "b  "
        n: "1"
        t: 'a: b'
`)
	f("x.test.yaml", "input: a\nexpected:\n- old: true\n", "input: a\nexpected:\n  - message: a\n    n: \"1\"\n    t: 'a: b'\n")
	f("x.test.json", `{
  "testcases": [
    {"input": "a", "expected": [{"message": "old"}]},
    {
      "input": "<b>"
    },
    {"input": ["drop"], "expected": []}
  ]
}
`, `{
  "testcases": [
    {"input": "a", "expected": [
      {
        "message": "a",
        "n": "1",
        "t": "a: b"
      }
    ]},
    {
      "input": "<b>",
      "expected": [
        {
          "message": "<b>",
          "n": "1",
          "t": "a: b"
        }
      ]
    },
    {"input": ["drop"], "expected": []}
  ]
}
`)
	f("x.txtar", `# a title
-- in.ndjson --
{"message":"a"}
-- out.ndjson --
{"old":1}
`, `# a title
-- in.ndjson --
{"message":"a"}
-- out.ndjson --
{"@version":"1","message":"a","n":"1","t":"a: b"}
`)
	f("x.txtar", "-- in.raw --\na\nb\n-- ocodec.conf --\nline { format => \"<%{message}>\" }\n-- out.raw --\nold\n",
		"-- in.raw --\na\nb\n-- ocodec.conf --\nline { format => \"<%{message}>\" }\n-- out.raw --\n<a>\n<b>\n")
}

// A section ignore of a recorded case names fields that are not compared.
func TestArchiveIgnores(t *testing.T) {
	const body = "-- pipeline.conf --\nfilter { uuid { target => \"[id][of]\" } }\n-- in.ndjson --\n{\"a\":1}\n-- out.ndjson --\n{\"@timestamp\":\"2024-01-02T03:04:05.678Z\",\"@version\":\"1\",\"a\":1}\n"
	f := func(text string, failed bool) {
		t.Helper()
		results, err := runFile(t, options(t), write(t, t.TempDir(), "x.txtar", text))
		require.NoError(t, err)
		require.Equal(t, failed, results[0].Failed(), report(results))
	}
	f(body, true)
	f(body+"-- ignore --\n[id][of]\n", false)
	f(body+"-- ignore --\nid\n[a]\n", false)
}

// TestMistakesInFiles: every mistake is told with its line.
func TestMistakesInFiles(t *testing.T) {
	f := func(name, text string, want ...string) {
		t.Helper()
		_, err := Load(write(t, t.TempDir(), name, text))
		require.Error(t, err)
		for _, w := range want {
			require.ErrorContains(t, err, w)
		}
	}
	f("a.test.yml", "testcases:\n- input: x\n  expectd: []\n- 5\nsetings: {}\n", `:3: unknown key "expectd": did you mean "expected"?`, ":4: a case is an object", `:5: unknown key "setings"`)
	f("a.test.yml", "testcases: []\n", "there are no testcases")
	f("a.test.yml", "[1]", "a test file is an object")
	f("a.test.yml", "", "the file is empty")
	f("a.test.yml", "a: [", "line 1")
	f("a.test.yml", "now: yesterday\nsettings: { queue.type: memory }\nmocks: [{ mock: x }]\nignore: [1]\nfields: 5\ninput: [[1]]\nexpected: 5\n",
		":1: now is a time", ":2: setting \"queue.type\" has no effect on tests", "needs the id", ":4: ignore is a list of texts",
		":5: fields is an object", ":6: an input is a text or an event", ":7: expected is a list")
	f("a.test.json", "{\n\"input\": \"x\",\n}", "line 3")
	f("a.test.json", "{} {}", "text behind the JSON value")
	f("a.txtar", "-- in.ndjson --\n[1]\n", "an event is an object")
	f("a.txtar", "title\n", "no section in.ndjson")
	f("a.test.yml", "fields: { \"[a\": 1, \"@timestamp\": soon }\ninput: x\n", "soon is no time")
	_, err := Load(write(t, t.TempDir(), "lfv.yml", "remark: free\ninput: [x]\n"))
	require.NoError(t, err)
}

// TestConfigurationMistakes: a suite that cannot be run says why.
func TestConfigurationMistakes(t *testing.T) {
	f := func(conf, test, want string) {
		t.Helper()
		dir := t.TempDir()
		if conf != "" {
			write(t, dir, "a.conf", conf)
		}
		results, err := runFile(t, options(t), write(t, dir, "a.test.yml", test))
		if err == nil {
			require.NotEmpty(t, results[0].Problem)
			err = fmt.Errorf("%s", results[0].Problem)
		}
		require.ErrorContains(t, err, want)
	}
	f("", "input: x\n", "there is no a.conf beside it")
	f("filter { mutat { } }", "input: x\n", `did you mean "mutate"?`)
	f("filter { ", "input: x\n", "a.conf:1:")
	f("filter { }", "config: [b.conf]\ninput: x\n", "no configuration found")
	f("filter { }", "codec: 'plain { charset => }'\ninput: x\n", "codec")
	f("filter { }", "codec: nosuch\ninput: x\n", "nosuch")
	f("filter { }", "mocks: [{ id: gone }]\ninput: x\n", `no plugin with the id "gone"`)
	f("input { tcp { port => 1 } }", "input_plugin: gone\ninput: x\n", `no input with the id or name "gone"; it has input_tcp_1`)
	f("input { tcp { port => 1 } tcp { port => 2 } }", "input_plugin: tcp\ninput: x\n", "2 inputs tcp")
	f(`input { tcp { port => 1 codec => json } }`, "input: x\nexpected_outputs: [a]\ntestcases: []", "unknown key")
}

// TestState: cases share what filters remember in the order of the file unless they are isolated.
func TestState(t *testing.T) {
	f := func(head string, want ...bool) {
		t.Helper()
		dir := t.TempDir()
		write(t, dir, "a.conf", `filter { throttle { key => "%{message}" after_count => 1 period => 3600 add_tag => ["again"] } }`)
		results, err := runFile(t, options(t), write(t, dir, "a.test.yml", head+`
now: 2024-01-02T03:04:05Z
ignore: [event, "@timestamp"]
testcases:
- input: x
  expected: [{ message: x }]
- input: x
  expected: [{ message: x }]
`))
		require.NoError(t, err)
		var passed []bool
		for _, res := range results {
			passed = append(passed, !res.Failed())
		}
		require.Equal(t, want, passed)
	}
	f("isolate: false", true, false)
	f("isolate: true", true, true)
}

// TestClock: the time of a suite is the present of its events and of dates without a year.
func TestClock(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a.conf", `filter { date { match => ["message", "MMM dd"] timezone => "UTC" target => "read" } }`)
	path := write(t, dir, "a.test.yml", "ignore: [event]\ninput: Feb 03\nexpected: [{ message: Feb 03, read: 2001-02-03T00:00:00.000Z, \"@timestamp\": 2001-03-01T00:00:00.000Z }]\n")
	o := options(t)
	o.Now = time.Date(2001, 3, 1, 0, 0, 0, 0, time.UTC)
	results, err := runFile(t, o, path)
	require.NoError(t, err)
	require.False(t, results[0].Failed(), report(results))
}

// TestLimit: a case that hangs fails, and the next one runs.
func TestLimit(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a.conf", `filter { if [message] == "slow" { sleep { time => 3600 } } }`)
	o := options(t)
	o.Limit = 3 * time.Second // which the next one does not take, however busy the machine
	s, err := Load(write(t, dir, "a.test.yml", "ignore: [event, '@timestamp']\ntestcases:\n- input: slow\n- input: x\n  expected: [{ message: x }]\n"))
	require.NoError(t, err)
	results, err := NewRunner(o).Run(t.Context(), s)
	require.NoError(t, err)
	require.Contains(t, results[0].Problem, "did not end in time")
	require.False(t, results[1].Failed(), report(results))
}

func TestCoverageReport(t *testing.T) {
	o := options(t)
	o.Coverage = NewCoverage()
	o.Only = regexp.MustCompile("a request|dropped")
	_, err := runFile(t, o, "testdata/own/access.test.yml")
	require.NoError(t, err)
	var b strings.Builder
	require.NoError(t, o.Coverage.Write(&b))
	golden(t, "testdata/own/coverage.txt", b.String())
}

func TestFind(t *testing.T) {
	found, err := Find([]string{"testdata/own"}, false)
	require.NoError(t, err)
	require.Equal(t, []string{"testdata/own/access.test.yml"}, found)
	found, err = Find([]string{"testdata/lfv2", "testdata/own/access.conf"}, true)
	require.NoError(t, err)
	require.Equal(t, []string{"testdata/lfv2/outputs.json", "testdata/lfv2/web.yml", "testdata/own/access.conf"}, found)
	_, err = Find([]string{"testdata/lfv2"}, false)
	require.ErrorContains(t, err, "no test files below")
	_, err = Find([]string{"testdata/gone"}, false)
	require.Error(t, err)
}

// TestRecordedCases: the recorded cases of some plugins pass as tests of users, those that are refused included.
func TestRecordedCases(t *testing.T) {
	for _, group := range []string{"mutate", "drop", "date", "grok", "env", "codec-decode", "codec-encode", "syntax", "syntax-errors", "option-errors"} {
		paths, err := filepath.Glob("../../conformance/" + group + "/*.txtar")
		require.NoError(t, err)
		require.NotEmpty(t, paths)
		failed := 0
		for _, path := range paths {
			switch filepath.Base(path) {
			case "rename-invalid-reference.txtar", "hash-for-string.txtar", "csv-autodetect-chunks.txtar":
				continue // deviations: the source is kept, a mistake is told at the start, no line is lost
			}
			results, err := runFile(t, options(t), path)
			if err != nil || results[0].Failed() {
				failed++
				t.Logf("%s: %v\n%s", path, err, report(results))
			}
		}
		require.Zero(t, failed, group)
	}
}

// BenchmarkHundredCases reads, compiles and runs a hundred cases of a configuration with grok, as one run of millrace test does.
func BenchmarkHundredCases(b *testing.B) {
	dir := b.TempDir()
	write(b, dir, "a.conf", `filter {
  grok { match => { "message" => "%{COMBINEDAPACHELOG}" } }
  date { match => ["timestamp", "dd/MMM/yyyy:HH:mm:ss Z"] }
  mutate { remove_field => ["event"] }
}`)
	var text strings.Builder
	text.WriteString("ignore: ['@timestamp', timestamp]\ntestcases:\n")
	for i := range 100 {
		fmt.Fprintf(&text, `- description: case %d
  input: '10.0.0.%d - - [10/Oct/2023:13:55:36 -0700] "GET /x HTTP/1.1" 200 %d "-" "curl"'
  expected:
  - message: '10.0.0.%d - - [10/Oct/2023:13:55:36 -0700] "GET /x HTTP/1.1" 200 %d "-" "curl"'
    source: { address: 10.0.0.%d }
    http: { version: "1.1", request: { method: GET }, response: { status_code: 200, body: { bytes: %d } } }
    url: { original: /x }
    user_agent: { original: curl }
`, i, i, i, i, i, i, i)
	}
	path := write(b, dir, "a.test.yml", text.String())
	b.ReportAllocs()
	for b.Loop() {
		s, err := Load(path)
		require.NoError(b, err)
		r := NewRunner(options(b))
		results, err := r.Run(context.Background(), s)
		require.NoError(b, err)
		require.Len(b, results, 100)
		for _, res := range results {
			if res.Failed() {
				b.Fatal(report(results))
			}
		}
		require.NoError(b, r.Close())
	}
}

// FuzzParse: no test file makes the parser fail otherwise than by an error.
func FuzzParse(f *testing.F) {
	for _, path := range []string{"testdata/own/access.test.yml", "testdata/lfv1/syslog.json", "testdata/lfv2/web.yml", "../../conformance/drop/conditional.txtar"} {
		text, err := os.ReadFile(path)
		require.NoError(f, err)
		f.Add(filepath.Ext(path), text)
	}
	f.Add(".yml", []byte("a: &a [*a]\n"))
	f.Add(".yml", []byte("fields: { a: .inf, b: 0x1F, c: 1_000 }\ninput: x"))
	f.Fuzz(func(_ *testing.T, ext string, text []byte) {
		_, _ = parse("x.test"+ext, text)
	})
}

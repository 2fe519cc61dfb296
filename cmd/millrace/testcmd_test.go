package main

import (
	"os"
	"path/filepath"
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

// runProgram runs a command line and returns what it printed.
func runCommand(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs strings.Builder
	reg := plugin.NewRegistry(inputs.All(), codecs.All(), filters.All(), outputs.All())
	code = execute(reg, append([]string{"millrace"}, args...), &out, &errs)
	return code, out.String(), errs.String()
}

func writeTestFile(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	return path
}

const testConf = `filter {
  if [message] == "a" { mutate { add_field => { "x" => "1" } remove_field => ["event"] } } else { drop { } }
}
`

func TestTestCommand(t *testing.T) {
	zone := time.Local
	t.Cleanup(func() { time.Local = zone })
	dir := t.TempDir()
	writeTestFile(t, dir, "a.conf", testConf)
	path := writeTestFile(t, dir, "a.test.yml", "ignore: ['@timestamp']\ntestcases:\n- description: good\n  input: a\n  expected: [{ message: a, x: '1' }]\n- description: bad\n  input: a\n  expected: []\n")
	f := func(wantCode int, wants []string, args ...string) {
		t.Helper()
		code, out, errs := runCommand(t, append([]string{"test"}, args...)...)
		require.Equal(t, wantCode, code, out+errs)
		for _, w := range wants {
			require.Contains(t, out+errs, w)
		}
	}
	junit := filepath.Join(dir, "report.xml")
	f(1, []string{"FAIL " + path + ":6: bad", `+ {"message":"a","x":"1"}`, "1 case passed, 1 failed in 1 file, "}, dir, "--junit", junit)
	report, err := os.ReadFile(junit)
	require.NoError(t, err)
	require.Contains(t, string(report), `<testsuites tests="2" failures="1" errors="0">`)
	f(0, []string{"1 case passed in 1 file", "coverage: 1 of 2 branches, 1 of 2 filters", "a.conf:2:92: else is never reached"}, dir, "--run", "good", "--coverage")
	f(0, []string{"updated " + path + ": 1 case"}, dir, "--update")
	f(0, []string{"ok   " + path + ":3: good", "2 cases passed"}, dir, "-a", "--now", "2024-01-02T03:04:05Z", "--timezone", "Europe/Berlin")
	tests := writeTestFile(t, dir, "lfv/x.json", `{"ignore": ["@timestamp"], "testcases": [{"input": ["b"], "expected": []}]}`)
	f(0, []string{"1 case passed"}, "-f", filepath.Join(dir, "a.conf"), filepath.Dir(tests))
	f(1, []string{"no test files below"}, filepath.Dir(tests))
	f(1, []string{"invalid --now", "invalid --timeout", "invalid --timezone", "missing closing )", "invalid --pipeline.ecs_compatibility", "gone.yml"},
		dir, "--now", "x", "--timeout", "0s", "--timezone", "x/y", "--run", "(", "--pipeline.ecs_compatibility", "v9", "--plugin-mock", "gone.yml")
	writeTestFile(t, dir, "broken.test.yml", "testcases: 5\n")
	f(1, []string{"broken.test.yml:1: testcases is a list"}, dir)
}

func TestFmtCommand(t *testing.T) {
	dir := t.TempDir()
	bad := writeTestFile(t, dir, "bad.conf", "filter{mutate{id=>\"x\"}}")
	good := writeTestFile(t, dir, "good.conf", "filter {\n  drop { }\n}\n")
	broken := writeTestFile(t, dir, "sub/broken.conf", "filter {")
	f := func(wantCode int, wantOut string, args ...string) {
		t.Helper()
		code, out, errs := runCommand(t, append([]string{"fmt"}, args...)...)
		require.Equal(t, wantCode, code, errs)
		require.Equal(t, wantOut, out)
	}
	const formatted = "filter {\n  mutate { id => \"x\" }\n}\n"
	f(0, formatted, bad)
	f(0, bad+"\n", "-l", dir)
	f(1, "--- "+bad+".orig\n+++ "+bad+"\n@@ -1 +1,3 @@\n-filter{mutate{id=>\"x\"}}\n\\ No newline at end of file\n+filter {\n+  mutate { id => \"x\" }\n+}\n", "-d", bad, good)
	f(2, bad+"\n", "-l", broken, bad)
	f(0, "", "-w", bad, good)
	f(0, "", "-d", "-l", bad)
	text, err := os.ReadFile(bad)
	require.NoError(t, err)
	require.Equal(t, formatted, string(text))

	var out, errs strings.Builder
	p := &program{out: &out, err: &errs}
	cmd := p.fmtCommand()
	cmd.SetIn(strings.NewReader("filter{drop{}}"))
	cmd.SetArgs([]string{}) // nil: those of the test binary
	require.NoError(t, cmd.Execute())
	require.Equal(t, "filter {\n  drop { }\n}\n", out.String())
	require.Equal(t, exitError(2), p.format(&formatOptions{}, strings.NewReader("filter"), nil))
	require.Contains(t, errs.String(), "<standard input>:1:")
	require.Error(t, p.format(&formatOptions{write: true}, strings.NewReader(""), nil))
}

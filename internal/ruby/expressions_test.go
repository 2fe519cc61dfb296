package ruby

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const expressions = "testdata/expressions.rb"

// TestExpressionsAgainstRuby compares what each line of testdata/expressions.rb prints with what a real Ruby prints.
func TestExpressionsAgainstRuby(t *testing.T) {
	ruby, err := exec.LookPath("ruby")
	if err != nil {
		t.Skip("comparison with Ruby skipped: no ruby")
	}
	cmd := exec.Command(ruby, "--disable-did_you_mean", "--disable-error_highlight", "-W0", "testdata/oracle.rb", expressions)
	cmd.Env = append(os.Environ(), "TZ=UTC", "LANG=C.UTF-8")
	out, err := cmd.Output()
	require.NoError(t, err)
	want := strings.Split(string(out), "== ")
	got := strings.Split(runExpressions(t), "== ")
	require.Equal(t, len(want), len(got))
	lines := expressionLines(t)
	for i := 1; i < len(want); i++ {
		if want[i] != got[i] {
			t.Errorf("%s:%d: %s\nruby: %sours: %s", expressions, i, lines[i-1], after(want[i]), after(got[i]))
		}
	}
}

// after returns what is behind the number of a line.
func after(s string) string {
	_, s, _ = strings.Cut(s, "\n")
	return s
}

func expressionLines(t testing.TB) []string {
	src, err := os.ReadFile(expressions)
	require.NoError(t, err)
	return strings.Split(strings.TrimSuffix(string(src), "\n"), "\n")
}

// runExpressions runs the lines in one interpreter.
func runExpressions(t testing.TB) string {
	t.Setenv("TZ", "UTC")
	var out bytes.Buffer
	in := New(Config{Out: &out})
	for i, line := range expressionLines(t) {
		fmt.Fprintf(&out, "== %d\n", i+1)
		if line == "" {
			continue
		}
		p, err := in.Compile("(eval)", line)
		if err != nil {
			fmt.Fprintln(&out, "SyntaxError:", err)
			continue
		}
		v, err := p.Run()
		if err == nil {
			_, err = in.guard(func() Value { return in.send(in.self, "p", v) })
		}
		if e, ok := err.(*Error); ok {
			fmt.Fprintf(&out, "%s: %s\n", e.Class, e.Message)
		}
	}
	return out.String()
}

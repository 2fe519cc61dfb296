package onig

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// oracle is another program that answers match questions: real Oniguruma through a C program, or Ruby.
type oracle struct {
	in  io.WriteCloser
	out *bufio.Reader
	cmd *exec.Cmd
}

func startOracle(t testing.TB, name string, args ...string) *oracle {
	cmd := exec.Command(name, args...)
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	return &oracle{in: in, out: bufio.NewReaderSize(out, 1<<20), cmd: cmd}
}

// onigurumaOracle builds and starts the C program; the test is skipped where no compiler or no libonig is installed.
func onigurumaOracle(t testing.TB) *oracle {
	cc, err := exec.LookPath("cc")
	if err != nil {
		t.Skip("comparison with Oniguruma skipped: no C compiler (cc)")
	}
	bin := filepath.Join(t.TempDir(), "oracle")
	if out, err := exec.Command(cc, "-O2", "-o", bin, "testdata/oracle.c", "-lonig").CombinedOutput(); err != nil {
		t.Skipf("comparison with Oniguruma skipped: libonig-dev is not installed: %s", out)
	}
	return startOracle(t, bin)
}

// rubyOracle starts Ruby, whose engine is the twin of the one Logstash runs.
func rubyOracle(t testing.TB) *oracle {
	ruby, err := exec.LookPath("ruby")
	if err != nil {
		t.Skip("comparison with Ruby skipped: no ruby")
	}
	return startOracle(t, ruby, "testdata/oracle.rb")
}

// ask returns the answer to one question.
func (o *oracle) ask(t testing.TB, opts, pattern, text string) string {
	_, err := fmt.Fprintf(o.in, "o%s %s %s\n", opts, hex.EncodeToString([]byte(pattern)), hex.EncodeToString([]byte(text)))
	require.NoError(t, err)
	line, err := o.out.ReadString('\n')
	require.NoError(t, err, "the other engine died of %q on %q", pattern, text)
	return strings.TrimSpace(line)
}

// answer gives our own answer in the same form.
func answer(opts, pattern, text string) string {
	var o Option
	if strings.Contains(opts, "m") {
		o |= MultiLine
	}
	if strings.Contains(opts, "i") {
		o |= IgnoreCase
	}
	if strings.Contains(opts, "x") {
		o |= Extended
	}
	re, err := Compile(pattern, o)
	if err != nil {
		return "E " + strings.Join(strings.Fields(err.(*SyntaxError).Msg), " ")
	}
	m := re.NewMatcher()
	m.SetTimeout(time.Second)
	return matchAnswer(m, text)
}

func matchAnswer(m *Matcher, text string) string {
	if !m.Match(text) {
		if m.TimedOut() {
			return "timeout"
		}
		return "N"
	}
	var b strings.Builder
	b.WriteString("M")
	for i := 0; i <= m.re.caps; i++ {
		s, e := m.Group(i)
		fmt.Fprintf(&b, " %d %d", s, e)
	}
	return b.String()
}

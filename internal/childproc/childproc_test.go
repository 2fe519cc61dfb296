package childproc

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func isReadyLine(line string) bool { return line == "READY" }

func TestLaunchReportsAnEarlyEnd(t *testing.T) {
	_, err := Launch("thing", []string{"sh", "-c", "echo one; echo two >&2; exit 3"}, nil, time.Minute, isReadyLine)
	require.ErrorContains(t, err, "starting thing: it ended before it was ready (exit status 3)")
	require.ErrorContains(t, err, "one")
	require.ErrorContains(t, err, "two")
}

func TestLaunchOfAProcessThatIsReadyAndEnds(t *testing.T) {
	for range 20 {
		p, err := Launch("thing", []string{"sh", "-c", "echo READY"}, nil, time.Minute, isReadyLine)
		require.NoError(t, err)
		<-p.Done()
		require.Zero(t, p.State().ExitCode())
	}
}

func TestLaunchGivesUp(t *testing.T) {
	_, err := Launch("thing", []string{"sleep", "1000"}, nil, 20*time.Millisecond, isReadyLine)
	require.ErrorContains(t, err, "not ready after 20ms")
}

func TestKillReachesDescendants(t *testing.T) {
	pidFile := filepath.Join(t.TempDir(), "pid")
	p, err := Launch("thing", []string{"sh", "-c", `sleep 1000 & echo $! > "$0"; echo READY; wait`, pidFile}, nil, time.Minute, isReadyLine)
	require.NoError(t, err)
	data, err := os.ReadFile(pidFile)
	require.NoError(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(pid, 0))
	p.Kill()
	require.False(t, p.Running())
	require.Eventually(t, func() bool { return Gone(pid) }, time.Minute, 5*time.Millisecond)
}

func TestStopEndsAPausedProcess(t *testing.T) {
	p, err := Launch("thing", []string{"sh", "-c", `trap 'echo bye; exit 0' TERM; echo READY; while :; do sleep 0.01; done`}, nil, time.Minute, isReadyLine)
	require.NoError(t, err)
	require.NoError(t, p.Signal(syscall.SIGSTOP))
	require.NoError(t, p.Stop())
	require.Zero(t, p.State().ExitCode())
	require.Contains(t, p.Output(), "bye")
	require.Error(t, p.Signal(syscall.SIGCONT), "a process that has ended takes no signal")
}

func TestStopOfAProcessThatEndsAtOnce(t *testing.T) {
	for range 200 {
		p, err := Launch("thing", []string{"sh", "-c", "echo READY; exec sleep 1000"}, nil, time.Minute, isReadyLine)
		require.NoError(t, err)
		require.NoError(t, p.Stop())
	}
}

func TestTailKeepsTheLastLines(t *testing.T) {
	var l tail
	for i := range tailLines + 5 {
		l.add(strconv.Itoa(i))
	}
	lines := strings.Split(l.String(), "\n")
	require.Len(t, lines, tailLines)
	require.Equal(t, "5", lines[0])
	require.Equal(t, strconv.Itoa(tailLines+4), lines[tailLines-1])
}

// TestHelperDies is no test by itself: TestChildEndsWithItsParent runs it in a process of its own and lets it panic.
func TestHelperDies(t *testing.T) {
	pidFile := os.Getenv("CHILDPROC_PID_FILE")
	if pidFile == "" {
		return
	}
	p, err := Launch("thing", []string{"sh", "-c", "echo READY; exec sleep 1000"}, nil, time.Minute, isReadyLine)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(pidFile, []byte(strconv.Itoa(p.PID())), 0o600))
	panic("as a broken test would")
}

func TestChildEndsWithItsParent(t *testing.T) {
	self, err := os.Executable()
	require.NoError(t, err)
	pidFile := filepath.Join(t.TempDir(), "pid")
	_, err = Launch("parent", []string{self, "-test.run=^TestHelperDies$"}, []string{"CHILDPROC_PID_FILE=" + pidFile}, time.Minute, isReadyLine)
	require.ErrorContains(t, err, "as a broken test would")
	data, err := os.ReadFile(pidFile)
	require.NoError(t, err)
	pid, err := strconv.Atoi(string(data))
	require.NoError(t, err)
	require.Eventually(t, func() bool { return Gone(pid) }, time.Minute, 5*time.Millisecond)
}

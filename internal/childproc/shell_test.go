package childproc

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What does not obey is killed with all that it started, and what it printed until then is there.
func TestShellEndsWhatDoesNotObey(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	pidFile := filepath.Join(t.TempDir(), "pid")
	cmd, release := Shell(ctx, "trap '' TERM; sleep 600 & echo $! > "+pidFile+"; echo printed; wait", 50*time.Millisecond)
	defer release()
	printed := &notify{told: make(chan struct{})}
	cmd.Stdout = printed
	require.NoError(t, cmd.Start())
	<-printed.told
	began := time.Now()
	cancel()
	require.Error(t, cmd.Wait())
	require.Less(t, time.Since(began), killTime, "its output was closed before it was killed")
	require.Equal(t, "printed\n", printed.text.String())
	data, err := os.ReadFile(pidFile)
	require.NoError(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
	require.NoError(t, err)
	require.Eventually(t, func() bool { return Gone(pid) }, time.Minute, time.Millisecond)
}

// notify tells when something is written to it.
type notify struct {
	text bytes.Buffer
	told chan struct{}
}

func (n *notify) Write(p []byte) (int, error) {
	if n.text.Len() == 0 {
		close(n.told)
	}
	return n.text.Write(p)
}

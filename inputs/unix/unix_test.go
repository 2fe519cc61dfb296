package unix

import (
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/internal/inputtest"
	"millrace/pipeline/plugin"
)

// serve runs the input of a config on a socket of the test's own.
func serve(t *testing.T, conf string, ecs plugin.ECS, change func(*inputtest.Sink)) (string, *inputtest.Sink, func()) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s.sock")
	built, diags := inputtest.Build(t, Plugin, `path => "`+path+`" `+conf, plugin.Builder{ECS: ecs})
	require.NotNil(t, built, diags.String())
	out := inputtest.NewSink(built)
	if change != nil {
		change(out)
	}
	return path, out, inputtest.Run(t, built.Input, out)
}

func dial(t *testing.T, path string) (c net.Conn) {
	t.Helper()
	require.Eventually(t, func() (ok bool) {
		var err error
		c, err = net.Dial("unix", path)
		return err == nil
	}, time.Minute, time.Millisecond)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestServer(t *testing.T) {
	path, out, stop := serve(t, `type => unix`, plugin.ECSDisabled, nil)
	c := dial(t, path)
	_, err := c.Write([]byte("over unix\nno end"))
	require.NoError(t, err)
	require.NoError(t, c.Close())
	require.JSONEq(t, `{"message":"over unix","host":"host1","path":"`+path+`","type":"unix"}`, out.Wait(2)[0])
	stop()
	require.NoFileExists(t, path)

	path, out, _ = serve(t, ``, plugin.ECSv8, nil)
	_, err = dial(t, path).Write([]byte("x\n"))
	require.NoError(t, err)
	require.JSONEq(t, `{"message":"x","event":{"original":"x"},"host":{"name":"host1"},"file":{"path":"`+path+`"}}`, out.Wait(1)[0])
}

func TestClientAndTimeout(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.sock")
	l, err := net.Listen("unix", path)
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	built, diags := inputtest.Build(t, Plugin, `path => "`+path+`" mode => client data_timeout => 0.02 socket_not_present_retry_interval_seconds => 0.01`, plugin.Builder{})
	require.NotNil(t, built, diags.String())
	out := inputtest.NewSink(built)
	inputtest.Run(t, built.Input, out)
	require.NoError(t, l.(*net.UnixListener).SetDeadline(time.Now().Add(time.Minute)))
	for out.Len() < 2 { // it comes again after each time-out, which may be over before anything is written
		c, err := l.Accept()
		require.NoError(t, err)
		require.NoError(t, c.SetDeadline(time.Now().Add(time.Minute)))
		_, _ = c.Write([]byte("x\n"))
		_, err = c.Read(make([]byte, 1))
		require.Error(t, err)
		require.NotErrorIs(t, err, os.ErrDeadlineExceeded)
		require.NoError(t, c.Close())
	}
}

func TestForceUnlink(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.sock")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	built, _ := inputtest.Build(t, Plugin, `path => "`+path+`"`, plugin.Builder{})
	require.Error(t, built.Input.Run(t.Context(), inputtest.NewSink(built)))
	built, _ = inputtest.Build(t, Plugin, `path => "`+path+`" force_unlink => true`, plugin.Builder{})
	out := inputtest.NewSink(built)
	inputtest.Run(t, built.Input, out)
	_, err := dial(t, path).Write([]byte("x\n"))
	require.NoError(t, err)
	out.Wait(1)
}

func TestStopDrains(t *testing.T) {
	blocked, entered := make(chan struct{}), make(chan struct{}, 1)
	path, out, stop := serve(t, ``, plugin.ECSDisabled, func(s *inputtest.Sink) { s.Blocked, s.Entered = blocked, entered })
	c := dial(t, path)
	_, err := c.Write([]byte("first\n"))
	require.NoError(t, err)
	<-entered
	_, err = c.Write([]byte("second\nthird"))
	require.NoError(t, err)
	go close(blocked)
	stop()
	require.Equal(t, 3, out.Len())
}

func TestIntervalThatIsNone(t *testing.T) {
	built, diags := inputtest.Build(t, Plugin, `path => "/x" mode => client socket_not_present_retry_interval_seconds => -1`, plugin.Builder{})
	require.NotNil(t, built, diags.String())
	require.Contains(t, diags.String(), "-1 is no interval: it is 5 seconds")
	require.InDelta(t, 5, built.Input.(*input).o.RetryInterval, 0)
}

func TestMistakes(t *testing.T) {
	inputtest.Refused(t, Plugin, ``, `option "path" is required`)
	inputtest.Refused(t, Plugin, `path => "/x" data_timeout => 0`, "neither a time nor -1")
	inputtest.Refused(t, Plugin, `path => "/x" socket_not_present_retry_interval_seconds => 0`, "longer than nothing")
}

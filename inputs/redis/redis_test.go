package redis

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/internal/inputtest"
	"millrace/internal/redisclient"
	"millrace/internal/testenv"
	"millrace/pipeline/plugin"
)

var background = context.Background()

// client returns a client of a server.
func client(t testing.TB, s *testenv.RedisServer) *redisclient.Client {
	t.Helper()
	c := redisclient.New(redisclient.Options{Host: "127.0.0.1", Port: s.Port(), Password: s.Password, Timeout: 30 * time.Second})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// run runs the input of a config on a server.
func run(t testing.TB, s *testenv.RedisServer, conf string) (*input, *inputtest.Sink, func()) {
	t.Helper()
	built, diags := inputtest.Build(t, Plugin, fmt.Sprintf("port => %d ", s.Port())+conf, plugin.Builder{ECS: plugin.ECSDisabled})
	require.NotNil(t, built, diags.String())
	in := built.Input.(*input)
	in.pause = time.Millisecond
	out := inputtest.NewSink(built)
	return in, out, inputtest.Run(t, in, out)
}

// fill appends n numbered events to a list.
func fill(t testing.TB, c *redisclient.Client, key string, n int) (docs []string) {
	t.Helper()
	args := []any{}
	for i := range n {
		docs = append(docs, fmt.Sprintf(`{"sequence":%d}`, i))
		args = append(args, docs[i])
	}
	require.NoError(t, c.RPush(background, key, args...).Err())
	return docs
}

func TestList(t *testing.T) {
	s := testenv.Redis(t)
	c := client(t, s)
	for i, conf := range []string{"batch_count => 1", "", "batch_count => 7", `password => "" db => 0 timeout => 2`} {
		key := "list" + strconv.Itoa(i)
		want := fill(t, c, key, 1030)
		_, out, stop := run(t, s, `data_type => list key => "`+key+`" `+conf)
		require.Equal(t, want, out.Wait(1030), conf)
		require.NoError(t, c.RPush(background, key, `{"late":1}`).Err())
		require.Equal(t, `{"late":1}`, out.Wait(1031)[1030], conf)
		stop()
		require.Zero(t, c.LLen(background, key).Val(), conf)
	}
}

func TestThreadsTakeEachElementOnce(t *testing.T) {
	s := testenv.Redis(t)
	want := fill(t, client(t, s), "k", 2000)
	_, out, stop := run(t, s, `data_type => list key => "k" threads => 4 batch_count => 9`)
	require.ElementsMatch(t, want, out.Wait(2000))
	stop()
}

func TestPasswordAndDatabase(t *testing.T) {
	s := testenv.Redis(t, testenv.WithSecurity("", "secret of the test"))
	c := client(t, s)
	fill(t, c, "k", 1)
	require.NoError(t, c.Move(background, "k", 3).Err())
	_, out, _ := run(t, s, `data_type => list key => "k" db => 3 password => "secret of the test"`)
	require.Equal(t, []string{`{"sequence":0}`}, out.Wait(1))
}

func TestUnixSocket(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "redis.sock")
	s := testenv.Redis(t, testenv.WithSetting("unixsocket", socket))
	fill(t, client(t, s), "k", 1)
	built, diags := inputtest.Build(t, Plugin, `data_type => list key => "k" path => "`+socket+`"`, plugin.Builder{ECS: plugin.ECSDisabled})
	require.NotNil(t, built, diags.String())
	out := inputtest.NewSink(built)
	inputtest.Run(t, built.Input, out)
	require.Equal(t, []string{`{"sequence":0}`}, out.Wait(1))
}

func TestTLS(t *testing.T) {
	ca := testenv.NewCA(t)
	crt := ca.Issue(t, "127.0.0.1", time.Now().Add(time.Hour))
	dir := t.TempDir()
	file := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, data, 0o600))
		return path
	}
	cert, key, authority := file("c.pem", crt.CertPEM), file("k.pem", crt.KeyPEM), file("ca.pem", ca.PEM)
	s := testenv.Redis(t, testenv.WithSetting("tls-cert-file", cert), testenv.WithSetting("tls-key-file", key),
		testenv.WithSetting("tls-ca-cert-file", authority), testenv.WithSetting("tls-auth-clients", "no"))
	c := client(t, s)
	var port int
	for port = s.Port() + 1; ; port++ { // a port that is free at this moment
		require.Less(t, port, s.Port()+50)
		if c.ConfigSet(background, "tls-port", strconv.Itoa(port)).Err() == nil {
			break
		}
	}
	fill(t, c, "k", 2)
	built, diags := inputtest.Build(t, Plugin, fmt.Sprintf(`data_type => list key => "k" port => %d ssl_enabled => true ssl_certificate_authorities => %q`,
		port, authority), plugin.Builder{ECS: plugin.ECSDisabled})
	require.NotNil(t, built, diags.String())
	out := inputtest.NewSink(built)
	inputtest.Run(t, built.Input, out)
	require.Len(t, out.Wait(2), 2)
}

// renamed makes a server know a command by another name.
func renamed(t *testing.T, names string) testenv.Option {
	t.Helper()
	path := filepath.Join(t.TempDir(), "names.conf")
	require.NoError(t, os.WriteFile(path, []byte("rename-command "+names+"\n"), 0o600))
	return testenv.WithSetting("include", path)
}

// The commands of a server may have other names; its script, too, has to use them.
func TestRenamedCommands(t *testing.T) {
	s := testenv.Redis(t, renamed(t, "blpop testblpop"))
	c := client(t, s)
	require.NoError(t, c.RPush(background, "k", `{"a":1}`).Err())
	_, out, _ := run(t, s, `data_type => list key => "k" batch_count => 1 command_map => { "blpop" => "testblpop" }`)
	out.Wait(1)

	s = testenv.Redis(t, renamed(t, "lrange testlrange"))
	want := fill(t, client(t, s), "k", 300)
	_, out, _ = run(t, s, `data_type => list key => "k" command_map => { "lrange" => "testlrange" }`)
	require.Equal(t, want, out.Wait(300))
}

func TestServerWithoutScripts(t *testing.T) {
	for _, rename := range []string{"script nothing", "evalsha nothing"} {
		s := testenv.Redis(t, renamed(t, rename))
		want := fill(t, client(t, s), "k", 300)
		_, out, stop := run(t, s, `data_type => list key => "k"`)
		require.Equal(t, want, out.Wait(300), rename)
		stop()
	}
}

func TestServerThatForgetsItsScripts(t *testing.T) {
	s := testenv.Redis(t)
	c := client(t, s)
	fill(t, c, "k", 5)
	_, out, _ := run(t, s, `data_type => list key => "k"`)
	out.Wait(5)
	require.NoError(t, c.ScriptFlush(background).Err())
	fill(t, c, "k", 5)
	out.Wait(10)
	s.Restart()
	fill(t, c, "k", 5)
	out.Wait(15)
}

func TestWrongType(t *testing.T) {
	s := testenv.Redis(t)
	c := client(t, s)
	require.NoError(t, c.Set(background, "k", "text", 0).Err())
	_, out, _ := run(t, s, `data_type => list key => "k"`)
	require.NoError(t, c.Del(background, "k").Err())
	fill(t, c, "k", 1)
	out.Wait(1)
}

// What was taken when the pipeline is told to stop is handed over.
func TestStopWhileThePipelineIsBlocked(t *testing.T) {
	s := testenv.Redis(t)
	c := client(t, s)
	fill(t, c, "k", 100)
	built, diags := inputtest.Build(t, Plugin, fmt.Sprintf(`data_type => list key => "k" port => %d batch_count => 40`, s.Port()), plugin.Builder{ECS: plugin.ECSDisabled})
	require.NotNil(t, built, diags.String())
	out := inputtest.NewSink(built)
	out.Blocked, out.Entered = make(chan struct{}), make(chan struct{}, 1)
	stop := inputtest.Run(t, built.Input, out)
	<-out.Entered
	go close(out.Blocked)
	stop()
	require.Equal(t, 100, out.Len()+int(c.LLen(background, "k").Val()))
}

func TestChannels(t *testing.T) {
	s := testenv.Redis(t)
	c := client(t, s)
	f := func(conf, channel string) {
		t.Helper()
		in, out, stop := run(t, s, conf)
		require.Eventually(t, in.listening.Load, time.Minute, time.Millisecond)
		var want []string
		for i := range 50 {
			require.NoError(t, c.Publish(background, channel, fmt.Sprintf(`{"n":%d}`, i)).Err())
			want = append(want, fmt.Sprintf(`{"n":%d,"@metadata":{"redis_channel":%q}}`, i, channel))
		}
		require.Equal(t, want, out.Wait(50))
		stop()
	}
	f(`data_type => channel key => "foo"`, "foo")
	f(`data_type => channel key => "foo" command_map => { "lrange" => "x" }`, "foo")
	f(`data_type => pattern_channel key => "fo*"`, "foo")
}

func TestChannelAfterARestart(t *testing.T) {
	s := testenv.Redis(t)
	in, out, _ := run(t, s, `data_type => channel key => "foo"`)
	require.Eventually(t, in.listening.Load, time.Minute, time.Millisecond)
	s.Stop()
	require.Eventually(t, func() bool { return !in.listening.Load() }, time.Minute, time.Millisecond)
	s.Start()
	require.Eventually(t, in.listening.Load, time.Minute, time.Millisecond)
	require.NoError(t, client(t, s).Publish(background, "foo", `{"n":1}`).Err())
	out.Wait(1)
}

func TestCodecThatCutsMessages(t *testing.T) {
	s := testenv.Redis(t)
	require.NoError(t, client(t, s).RPush(background, "k", "one\ntwo").Err())
	_, out, _ := run(t, s, `data_type => list key => "k" codec => line`)
	require.Equal(t, []string{`{"message":"one"}`, `{"message":"two"}`}, out.Wait(2))
}

func TestMistakes(t *testing.T) {
	inputtest.Refused(t, Plugin, `data_type => list`, `option "key" is required`)
	inputtest.Refused(t, Plugin, `key => "k"`, `option "data_type" is required`)
	inputtest.Refused(t, Plugin, `key => "k" data_type => zset`, `data_type`)
	inputtest.Refused(t, Plugin, `key => "k" data_type => list batch_count => 0`, "less than 1")
	inputtest.Refused(t, Plugin, `key => "k" data_type => list threads => 0`, "less than 1")
	inputtest.Refused(t, Plugin, `key => "k" data_type => list port => 0`, "not a port")
	inputtest.Refused(t, Plugin, `key => "k" data_type => channel command_map => { "subscribe" => "x" }`, "cannot be renamed")
	inputtest.Refused(t, Plugin, `key => "k" data_type => list command_map => { "lrange" => "x'y" }`, "no name of a command")
	inputtest.Refused(t, Plugin, `queue => "k" data_type => list`, "write key")
}

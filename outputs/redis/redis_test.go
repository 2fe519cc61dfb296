package redis

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/internal/outputtest"
	"millrace/internal/redisclient"
	"millrace/internal/testenv"
)

var background = context.Background()

// start runs a server and makes the output of a config for it.
func start(t *testing.T, conf string, opts ...testenv.Option) (*outputtest.Output, *testenv.RedisServer, *redisclient.Client) {
	t.Helper()
	s := testenv.Redis(t, opts...)
	c := redisclient.New(redisclient.Options{Host: "127.0.0.1", Port: s.Port(), Password: s.Password, Timeout: 30 * time.Second})
	t.Cleanup(func() { _ = c.Close() })
	return outputtest.New(t, Plugin, fmt.Sprintf("port => %d ", s.Port())+conf), s, c
}

func numbered(n int) (docs []string) {
	for i := range n {
		docs = append(docs, fmt.Sprintf(`{"sequence":%d,"app":"a%d"}`, i, i%3))
	}
	return docs
}

func TestList(t *testing.T) {
	const list = `data_type => list key => "k" `
	for _, conf := range []string{list, list + "batch => true", list + "batch => true batch_events => 7", `timeout => 30 queue => "k"`} {
		o, _, c := start(t, conf)
		docs := numbered(2000)
		o.Write(t, docs[:1500]...)
		o.Write(t, docs[1500:]...)
		require.Equal(t, docs, c.LRange(background, "k", 0, -1).Val(), conf)
		require.Equal(t, int64(2000), o.Env.Stats.Delivered.Load())
	}
}

func TestKeyOfTheEvent(t *testing.T) {
	for _, conf := range []string{"", "batch => true"} {
		o, _, c := start(t, `data_type => list key => "list-%{app}" `+conf)
		docs := numbered(9)
		o.Write(t, docs...)
		require.Equal(t, []string{docs[1], docs[4], docs[7]}, c.LRange(background, "list-a1", 0, -1).Val())
	}
}

func TestChannel(t *testing.T) {
	o, _, c := start(t, `data_type => channel key => "ch-%{app}"`)
	s := c.PSubscribe(background, "ch-*")
	defer func() { _ = s.Close() }()
	_, err := s.Receive(background)
	require.NoError(t, err)
	docs := numbered(30)
	o.Write(t, docs...)
	for i, want := range docs {
		m, err := s.ReceiveMessage(background)
		require.NoError(t, err)
		require.Equal(t, want, m.Payload)
		require.Equal(t, fmt.Sprintf("ch-a%d", i%3), m.Channel)
	}
}

func TestPasswordAndDatabase(t *testing.T) {
	o, _, c := start(t, `data_type => list key => "k" password => "secret of the test" db => 2`, testenv.WithSecurity("", "secret of the test"))
	o.Write(t, `{"a":1}`)
	require.Zero(t, c.LLen(background, "k").Val())
	p := c.TxPipeline()
	p.Select(background, 2)
	n := p.LLen(background, "k")
	_, err := p.Exec(background)
	require.NoError(t, err)
	require.Equal(t, int64(1), n.Val())
}

// What the server did not take comes to it when it is back, in its order.
func TestServerThatGoesAway(t *testing.T) {
	o, s, c := start(t, `data_type => list key => "k" reconnect_interval => 0.01`)
	docs := numbered(20)
	o.Write(t, docs[:10]...)
	s.Stop()
	settled := o.WriteAsync(t, docs[10:]...)
	require.Eventually(t, func() bool { return o.Env.Stats.Retried.Load() > 0 }, time.Minute, time.Millisecond)
	s.Start()
	<-settled
	require.Equal(t, docs[10:], c.LRange(background, "k", 0, -1).Val()) // the server kept nothing of the first ten
	require.Equal(t, int64(20), o.Env.Stats.Delivered.Load())
}

func TestNextHost(t *testing.T) {
	s := testenv.Redis(t)
	c := redisclient.New(redisclient.Options{Host: "127.0.0.1", Port: s.Port(), Timeout: 30 * time.Second})
	defer func() { _ = c.Close() }()
	o := outputtest.New(t, Plugin, fmt.Sprintf(`host => ["127.0.0.1:1", "127.0.0.1"] shuffle_hosts => false port => %d data_type => list key => "k"
		reconnect_interval => 0.01`, s.Port()))
	o.Write(t, `{"a":1}`)
	require.Equal(t, int64(1), c.LLen(background, "k").Val())
}

// A key that holds something else is waited for, as a server out of memory is; nothing is lost and nothing sent twice.
func TestReplyThatIsAnError(t *testing.T) {
	o, _, c := start(t, `data_type => list key => "%{app}" reconnect_interval => 0.01`)
	require.NoError(t, c.Set(background, "a1", "text", 0).Err())
	docs := numbered(3)
	settled := o.WriteAsync(t, docs...)
	require.Eventually(t, func() bool { return o.Env.Stats.Retried.Load() > 3 }, time.Minute, time.Millisecond)
	require.NoError(t, c.Del(background, "a1").Err())
	<-settled
	for i, key := range []string{"a0", "a1", "a2"} {
		require.Equal(t, docs[i:i+1], c.LRange(background, key, 0, -1).Val())
	}
}

func TestCongestion(t *testing.T) {
	o, _, c := start(t, `data_type => list key => "k" congestion_threshold => 5 congestion_interval => 0`)
	docs := numbered(8)
	o.Write(t, docs[:6]...)
	settled := o.WriteAsync(t, docs[6:]...)
	looked := func() bool { return c.Info(background, "commandstats").Val() != "" && llens(c) > 3 }
	require.Eventually(t, looked, time.Minute, time.Millisecond)
	require.Equal(t, int64(6), c.LLen(background, "k").Val())
	require.NoError(t, c.LTrim(background, "k", 0, 4).Err())
	<-settled
	require.Equal(t, append(append([]string{}, docs[:5]...), docs[6:]...), c.LRange(background, "k", 0, -1).Val())
}

// llens returns how often a server was asked for the length of a list.
func llens(c *redisclient.Client) (n int) {
	for _, line := range c.InfoMap(background, "commandstats").Val() {
		_, _ = fmt.Sscanf(line["cmdstat_llen"], "calls=%d,", &n)
	}
	return n
}

func TestMistakes(t *testing.T) {
	f := func(conf, want string) {
		t.Helper()
		outputtest.Refused(t, Plugin, conf, want)
	}
	f(`data_type => list`, "key is required")
	f(`key => "k"`, "data_type is required")
	f(`key => "k" data_type => channel batch => true`, "batch is for lists")
	f(`key => "k" data_type => list queue => "q"`, "excludes key")
	f(`key => "k" data_type => list host => "h:x"`, "not a port")
	f(`key => "k" data_type => list host => []`, "at least one host")
	f(`key => "k" data_type => list batch_events => 0`, "less than 1")
	f(`key => "k" data_type => list congestion_threshold => -1`, "not negative")
	outputtest.Warned(t, Plugin, `key => "k" data_type => channel congestion_threshold => 5`, "a channel has no length")
	outputtest.Warned(t, Plugin, `key => "k" data_type => list name => "x"`, "obsolete")
}

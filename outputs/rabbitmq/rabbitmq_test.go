package rabbitmq

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"

	"millrace/internal/amqpclient/amqptest"
	"millrace/internal/faultproxy"
	"millrace/internal/outputtest"
	"millrace/internal/testenv"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// server is what the tests share.
type server struct {
	*testenv.RabbitServer
	admin *amqptest.Admin
}

// TestServer runs all that needs a real server with one.
func TestServer(t *testing.T) {
	crt := testenv.NewCA(t).Issue(t, "localhost", time.Now().Add(time.Hour))
	s := &server{RabbitServer: testenv.Rabbit(t, testenv.WithTLS(crt))}
	s.admin = amqptest.New(t, s.RabbitServer, "/")
	for name, test := range map[string]func(*testing.T, *server){
		"exchanges": testExchanges, "headers exchange": testHeadersExchange, "properties": testProperties, "batches in flight": testBatchesInFlight,
		"passive": testPassive, "contradiction": testContradiction, "unroutable": testUnroutable, "message that is refused": testRefusedMessage,
		"full queue": testFullQueue, "cut connections": testCutConnections, "blocked": testBlocked, "deleted exchange": testDeletedExchange,
		"tls": testTLS, "end": testEnd, "wrong password": testWrongPassword, "restored after silence": testIdleLoss,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, s)
		})
	}
}

// output makes the output of a config.
func (s *server) output(t testing.TB, conf string) *outputtest.Output {
	t.Helper()
	return outputtest.New(t, Plugin, fmt.Sprintf(`host => %q connect_retry_interval => 0.01 %s`, s.Addr(), conf))
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// waitAttempts waits until the output has opened n channels in vain.
func waitAttempts(t testing.TB, o *outputtest.Output, settled <-chan struct{}, n int64) {
	t.Helper()
	require.Eventually(t, func() bool { return o.Output.(*output).channels.Load() >= n }, time.Minute, time.Millisecond)
	require.False(t, isClosed(settled))
}

// write gives a writer one turn; what it returns is closed when that is settled.
func write(t testing.TB, w plugin.Writer, docs ...string) <-chan struct{} {
	t.Helper()
	for _, doc := range docs {
		require.NoError(t, w.Append(outputtest.Event(t, doc)))
	}
	settled := make(chan struct{})
	b := &event.Batch{Done: func(*event.Batch) { close(settled) }}
	b.Expect(1)
	require.NoError(t, w.Flush(t.Context(), b))
	return settled
}

func numbered(from, to int) (docs []string) {
	for i := from; i < to; i++ {
		docs = append(docs, fmt.Sprintf(`{"sequence":%d,"app":"a%d"}`, i, i%3))
	}
	return docs
}

// queue declares a queue and binds it to an exchange, which is declared as the output does.
func (s *server) queue(name, exchange, kind, key string) {
	s.admin.DeclareExchange(exchange, kind, true)
	s.admin.Queue(name, false)
	s.admin.Bind(name, key, exchange, nil)
}

func testExchanges(t *testing.T, s *server) {
	s.queue("all", "x-topic", "topic", "#")
	s.queue("one", "x-topic", "topic", "*.a1")
	o := s.output(t, `exchange => "x-topic" exchange_type => topic key => "logs.%{app}"`)
	docs := numbered(0, 300)
	o.Write(t, docs[:100]...)
	o.Write(t, docs[100:]...)
	require.Equal(t, docs, amqptest.Bodies(s.admin.Take("all", 300)))
	list := s.admin.Take("one", 100)
	for i, d := range list {
		require.Equal(t, docs[3*i+1], string(d.Body))
		require.Equal(t, "logs.a1", d.RoutingKey)
		require.Equal(t, amqp.Persistent, d.DeliveryMode)
	}
	require.EqualValues(t, 300, o.Env.Stats.Delivered.Load())

	s.queue("news", "x-fanout", "fanout", "")
	s.output(t, `exchange => "x-fanout" exchange_type => fanout persistent => false`).Write(t, `{"n":1}`)
	d := s.admin.Take("news", 1)[0]
	require.Equal(t, "logstash", d.RoutingKey)
	require.Equal(t, amqp.Transient, d.DeliveryMode)

	s.output(t, `exchange => "x-new" exchange_type => direct durable => false`).Write(t, `{"n":1}`)
	require.True(t, s.admin.ExchangeExists("x-new"))

	s.admin.Queue("direct", false) // by the nameless exchange
	s.output(t, `exchange => "" exchange_type => direct key => "direct" codec => plain { format => "%{n}!" }`).Write(t, `{"n":1}`)
	require.Equal(t, []string{"1!"}, amqptest.Bodies(s.admin.Take("direct", 1)))
}

func testHeadersExchange(t *testing.T, s *server) {
	s.admin.Queue("errors", false)
	s.admin.DeclareExchange("x-headers", "headers", true)
	s.admin.Bind("errors", "", "x-headers", amqp.Table{"x-match": "all", "level": "error", "n": int64(5)})
	o := s.output(t, `exchange => "x-headers" exchange_type => headers message_properties => { "headers" => { "level" => "%{level}" "n" => 5 } }`)
	o.Write(t, `{"level":"info"}`, `{"level":"error"}`)
	d := s.admin.Take("errors", 1)[0]
	require.Equal(t, `{"level":"error"}`, string(d.Body))
	require.Equal(t, amqp.Table{"level": "error", "n": int64(5)}, d.Headers)
	require.Eventually(t, func() bool { return o.Output.(*output).unroutable.Load() == 1 }, time.Minute, time.Millisecond)
}

func testProperties(t *testing.T, s *server) {
	s.queue("props", "x-props", "direct", "k")
	o := s.output(t, `exchange => "x-props" exchange_type => direct key => "k" message_properties => {
		app_id => "%{app}" content_encoding => "utf-8" content_type => "application/json" correlation_id => "%{[id]}" expiration => "%{ttl}"
		message_id => "m" priority => "%{p}" reply_to => "r" timestamp => "%{at}" type => "t" user_id => "guest"
		headers => { fixed => 1 deep => { list => [1, "x"] } own => "<%{app}>" flag => true }
	}`)
	o.Write(t, `{"app":"a","id":7,"ttl":60000,"p":"4","at":1700000000}`, `{"app":"b","id":8,"ttl":70000,"p":"high","at":"2023-11-14T22:13:21Z"}`)
	list := s.admin.Take("props", 2)
	a, b := list[0], list[1]
	require.Equal(t, []any{"a", "utf-8", "application/json", "7", "60000", "m", uint8(4), "r", int64(1700000000), "t", "guest"},
		[]any{a.AppId, a.ContentEncoding, a.ContentType, a.CorrelationId, a.Expiration, a.MessageId, a.Priority, a.ReplyTo, a.Timestamp.Unix(), a.Type, a.UserId})
	require.Equal(t, amqp.Table{"fixed": int64(1), "deep": amqp.Table{"list": []any{int64(1), "x"}}, "own": "<a>", "flag": true}, a.Headers)
	require.Equal(t, []any{"b", "70000", uint8(0), int64(1700000001), "<b>"}, []any{b.AppId, b.Expiration, b.Priority, b.Timestamp.Unix(), b.Headers["own"]})

	// An event for which a property cannot be made is dropped and counted.
	require.Len(t, o.Append(t, `{"app":"c","id":9,"ttl":"soon","p":1,"at":1}`, `{"app":"c","id":9,"ttl":1,"p":1,"at":"soon"}`, `{"app":"`+strings.Repeat("x", 256)+`","id":9,"ttl":1,"p":1,"at":1}`), 3)
	require.EqualValues(t, 3, o.Env.Stats.Dropped.Load())
	o.Write(t, `{"app":"d","id":9,"ttl":60000,"p":1,"at":1}`)
	require.Equal(t, "d", s.admin.Take("props", 1)[0].AppId)
}

// A turn is taken while those before it are not confirmed.
func testBatchesInFlight(t *testing.T, s *server) {
	s.queue("flight", "x-flight", "direct", "logstash")
	p := faultproxy.New(t, faultproxy.Config{Target: s.Addr(), Raw: true})
	o := outputtest.New(t, Plugin, fmt.Sprintf(`host => %q exchange => "x-flight" exchange_type => direct connect_retry_interval => 0.01`, p.Addr()))
	docs := numbered(0, 5000)
	o.Write(t, docs[0])
	p.Set(faultproxy.Faults{BytesPerSecond: 200_000})
	w := o.NewWriter()
	var settled []<-chan struct{}
	for n := 1; n < 5000; n += 500 {
		settled = append(settled, write(t, w, docs[n:min(n+500, 5000)]...))
	}
	p.Clear()
	for _, c := range settled {
		<-c
	}
	require.Equal(t, docs, amqptest.Bodies(s.admin.Take("flight", 5000)))
	require.EqualValues(t, 5000, o.Env.Stats.Delivered.Load())
}

// An exchange that has to be there is waited for.
func testPassive(t *testing.T, s *server) {
	o := s.output(t, `exchange => "x-there" exchange_type => topic passive => true key => "k"`)
	settled := o.WriteAsync(t, `{"n":1}`)
	waitAttempts(t, o, settled, 3)
	require.False(t, s.admin.ExchangeExists("x-there"))
	s.admin.DeclareExchange("x-there", "fanout", false) // neither type nor durable count
	<-settled
	require.EqualValues(t, 1, o.Env.Stats.Delivered.Load())
}

// What cannot be declared as it is asked for is tried again: somebody may mend it.
func testContradiction(t *testing.T, s *server) {
	s.admin.DeclareExchange("x-other", "fanout", true)
	o := s.output(t, `exchange => "x-other" exchange_type => topic key => "k"`)
	settled := o.WriteAsync(t, `{"n":1}`)
	waitAttempts(t, o, settled, 3)
	s.admin.DeleteExchange("x-other")
	<-settled
	require.EqualValues(t, 1, o.Env.Stats.Delivered.Load())
	require.Zero(t, o.Env.Stats.Dropped.Load())
}

func testUnroutable(t *testing.T, s *server) {
	o := s.output(t, `exchange => "x-nobody" exchange_type => topic key => "k"`)
	o.Write(t, numbered(0, 200)...)
	require.EqualValues(t, 200, o.Env.Stats.Delivered.Load())
	require.Eventually(t, func() bool { return o.Output.(*output).unroutable.Load() == 200 }, time.Minute, time.Millisecond)
}

// A message over which the server closes the channel is found among the others, and given up; these are delivered.
func testRefusedMessage(t *testing.T, s *server) {
	s.queue("users", "x-users", "direct", "logstash")
	o := s.output(t, `exchange => "x-users" exchange_type => direct message_properties => { user_id => "%{user}" }`)
	var docs, good []string
	for i := range 60 {
		user := "guest"
		if i%20 == 7 {
			user = "somebody else"
		}
		docs = append(docs, fmt.Sprintf(`{"n":%d,"user":%q}`, i, user))
		if user == "guest" {
			good = append(good, docs[i])
		}
	}
	o.Write(t, docs...)
	got := map[string]bool{}
	for _, doc := range s.admin.Drain("users") { // what was published before the channel was closed may be there twice
		got[doc] = true
	}
	require.ElementsMatch(t, good, slices.Collect(maps.Keys(got)))
	require.EqualValues(t, 3, o.Env.Stats.Dropped.Load())
	require.EqualValues(t, len(good), o.Env.Stats.Delivered.Load())
}

// What a full queue refuses is published again until there is room.
func testFullQueue(t *testing.T, s *server) {
	s.admin.QueueWith("full", amqp.Table{"x-max-length": int64(5), "x-overflow": "reject-publish"})
	o := s.output(t, `exchange => "" exchange_type => direct key => "full"`)
	docs := numbered(0, 20)
	settled := o.WriteAsync(t, docs...)
	require.Eventually(t, func() bool { return o.Env.Stats.Retried.Load() > 3 }, time.Minute, time.Millisecond)
	got := amqptest.Bodies(s.admin.Take("full", 20))
	<-settled
	require.ElementsMatch(t, docs, got)
	require.EqualValues(t, 20, o.Env.Stats.Delivered.Load())
}

// Nothing is missing when connections are cut while messages are on their way.
func testCutConnections(t *testing.T, s *server) {
	s.queue("cut", "x-cut", "direct", "logstash")
	p := faultproxy.New(t, faultproxy.Config{Target: s.Addr(), Raw: true})
	o := outputtest.New(t, Plugin, fmt.Sprintf(`host => [%q, "127.0.0.1:1"] exchange => "x-cut" exchange_type => direct connect_retry_interval => 0.01`, p.Addr()))
	docs := numbered(0, 10_000)
	workers := []plugin.Writer{o.NewWriter(), o.NewWriter()}
	var settled []<-chan struct{}
	for n := 0; n < len(docs); n += 250 {
		settled = append(settled, write(t, workers[n/250%2], docs[n:n+250]...))
		if n%1000 == 750 {
			p.Disconnect()
		}
	}
	for _, c := range settled {
		<-c
	}
	seen := map[string]bool{}
	require.Eventually(t, func() bool {
		for _, doc := range s.admin.Drain("cut") {
			seen[doc] = true
		}
		return len(seen) == len(docs)
	}, time.Minute, 5*time.Millisecond)
	require.EqualValues(t, len(docs), o.Env.Stats.Delivered.Load())
	require.Positive(t, o.Env.Stats.Retried.Load())
}

// Nothing is published while the server says that it takes nothing.
func testBlocked(t *testing.T, s *server) {
	s.queue("alarm", "x-alarm", "direct", "logstash")
	o := s.output(t, `exchange => "x-alarm" exchange_type => direct`)
	o.Write(t, `{"n":1}`)
	s.admin.Take("alarm", 1)
	link := o.Output.(*output).link
	link.set(true)
	settled := o.WriteAsync(t, `{"n":2}`)
	require.Never(t, func() bool { return isClosed(settled) }, 100*time.Millisecond, 5*time.Millisecond)
	require.Zero(t, s.admin.Depth("alarm"))
	link.set(false)
	<-settled
	s.admin.Take("alarm", 1)
}

// A channel that ends leaves the connection to the others, and is made again.
func testDeletedExchange(t *testing.T, s *server) {
	o := s.output(t, `exchange => "x-short" exchange_type => fanout`)
	o.Write(t, `{"n":1}`)
	link := o.Output.(*output).link
	s.admin.DeleteExchange("x-short")
	o.Write(t, `{"n":2}`)
	require.True(t, s.admin.ExchangeExists("x-short"))
	require.Same(t, link, o.Output.(*output).link)
	require.EqualValues(t, 2, o.Env.Stats.Delivered.Load())
}

func testTLS(t *testing.T, s *server) {
	s.queue("tls", "x-tls", "direct", "logstash")
	o := outputtest.New(t, Plugin, fmt.Sprintf(`host => "127.0.0.1" port => %d ssl => true exchange => "x-tls" exchange_type => direct`, s.TLSPort))
	docs := numbered(0, 3000)
	o.Write(t, docs...)
	require.Equal(t, docs, amqptest.Bodies(s.admin.Take("tls", len(docs))))
}

// An end that cannot deliver in time leaves what it has unsettled, for whoever keeps it.
func testEnd(t *testing.T, s *server) {
	p := faultproxy.New(t, faultproxy.Config{Target: s.Addr(), Raw: true})
	o := outputtest.New(t, Plugin, fmt.Sprintf(`host => %q exchange => "x-end" exchange_type => fanout connect_retry_interval => 0.01`, p.Addr()))
	o.Write(t, `{"n":1}`)
	p.Set(faultproxy.Faults{Refuse: true})
	require.Empty(t, o.Append(t, `{"n":2}`))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	settled := make(chan bool, 1)
	go func() {
		ok, _ := o.Flush(context.Background())
		settled <- ok
	}()
	require.Eventually(t, func() bool { return o.Output.(*output).gate.Held() == 1 }, time.Minute, time.Millisecond)
	require.NoError(t, o.Close(ctx))
	select {
	case <-settled:
		t.Fatal("it was not delivered")
	default:
	}
	require.EqualValues(t, 1, o.Env.Stats.Delivered.Load())
}

func testWrongPassword(t *testing.T, s *server) {
	o := outputtest.New(t, Plugin, fmt.Sprintf(`host => %q password => "not the secret" exchange => "x" exchange_type => fanout`, s.Addr()))
	_, err := o.Output.(*output).connected()
	require.ErrorContains(t, err, "username or password not allowed")
	require.NotContains(t, err.Error(), "not the secret")
}

// A connection that is lost while there is nothing to send is made again when there is.
func testIdleLoss(t *testing.T, s *server) {
	s.queue("idle", "x-idle", "direct", "logstash")
	p := faultproxy.New(t, faultproxy.Config{Target: s.Addr(), Raw: true})
	o := outputtest.New(t, Plugin, fmt.Sprintf(`host => %q exchange => "x-idle" exchange_type => direct connect_retry_interval => 0.01`, p.Addr()))
	o.Write(t, `{"n":1}`)
	link := o.Output.(*output).link
	p.Disconnect()
	require.Eventually(t, link.IsClosed, time.Minute, time.Millisecond)
	o.Write(t, `{"n":2}`)
	require.Equal(t, []string{`{"n":1}`, `{"n":2}`}, amqptest.Bodies(s.admin.Take("idle", 2)))
}

func TestMistakes(t *testing.T) {
	f := func(conf, want string) {
		t.Helper()
		outputtest.Refused(t, Plugin, conf, want)
	}
	const ok = `host => "h" exchange => "x" exchange_type => topic `
	f(`exchange => "x" exchange_type => topic`, `option "host" is required`)
	f(`host => "h" exchange_type => topic`, `option "exchange" is required`)
	f(`host => "h" exchange => "x"`, `option "exchange_type" is required`)
	f(`host => "h" exchange => "x" exchange_type => tipic`, "exchange_type")
	f(ok+`key => "`+strings.Repeat("k", 256)+`"`, "longer than 255")
	f(ok+`message_properties => { expiration => "1h" }`, "no number of milliseconds")
	f(ok+`message_properties => { timestamp => "now" }`, "neither a number of seconds")
	f(ok+`message_properties => { headers => "x" }`, "write a hash")
	f(ok+`message_properties => { app_id => { "a" => 1 } }`, "it is one value")

	outputtest.Warned(t, Plugin, ok+`arguments => { "x-ha-policy" => "all" }`, "declares none")
	outputtest.Warned(t, Plugin, ok+`message_properties => { persistent => true }`, "an option of the output")
	outputtest.Warned(t, Plugin, ok+`message_properties => { cluster_id => "x" }`, "not sent")
	outputtest.Warned(t, Plugin, ok+`message_properties => { contenttype => "x" }`, `did you mean "content_type"?`)
	outputtest.Warned(t, Plugin, ok+`automatic_recovery => false`, "made again")
	outputtest.Warned(t, Plugin, ok+`ssl => true`, "not verified")
}

package rabbitmq

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"
	"software.sslmate.com/src/go-pkcs12"

	"millrace/internal/amqpclient/amqptest"
	"millrace/internal/faultproxy"
	"millrace/internal/inputtest"
	"millrace/internal/testenv"
	"millrace/pipeline/plugin"
)

func build(t testing.TB, conf string, b plugin.Builder) *plugin.Built {
	t.Helper()
	b.ECS = plugin.ECSDisabled
	built, diags := inputtest.Build(t, Plugin, conf, b)
	require.NotNil(t, built, diags.String())
	return built
}

// server is what the tests share.
type server struct {
	*testenv.RabbitServer
	authority string // PEM file
	keystore  string // PKCS#12 file with a certificate of its authority, and that authority
	admin     *amqptest.Admin
}

// TestServer runs all that needs a real server with one.
func TestServer(t *testing.T) {
	crt := testenv.NewCA(t).Issue(t, "localhost", time.Now().Add(time.Hour))
	s := &server{authority: filepath.Join(t.TempDir(), "ca.pem")}
	require.NoError(t, os.WriteFile(s.authority, crt.CA.PEM, 0o600))
	s.keystore = writeKeystore(t, crt)
	s.RabbitServer = testenv.Rabbit(t, testenv.WithSecurity("reader", "secret of the test"), testenv.WithTLS(crt), testenv.WithSetting("default_vhost", "tests"))
	s.admin = amqptest.New(t, s.RabbitServer, "tests")
	s.admin.Queue("kept", true)            // for the last test: the server writes what it knows of queues to disk some time later
	t.Run("together", func(t *testing.T) { // these do not disturb each other
		for name, test := range map[string]func(*testing.T, *server){
			"metadata": testMetadata, "acknowledgement": testAcknowledgement, "without acknowledgement": testWithoutAck,
			"back-pressure": testBackPressure, "bindings": testBindings, "temporary queue": testTemporaryQueue, "passive": testPassive,
			"wrong password": testWrongPassword, "tls": testTLS, "cut connections": testCutConnections, "threads": testThreads,
			"deleted queue": testDeletedQueue, "codec that cuts": testCodecThatCuts,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(t, s)
			})
		}
	})
	t.Run("killed server", func(t *testing.T) { testKilledServer(t, s) })
}

func writeKeystore(t *testing.T, c *testenv.TLS) string {
	t.Helper()
	pair, err := tls.X509KeyPair(c.CertPEM, c.KeyPEM)
	require.NoError(t, err)
	block, _ := pem.Decode(c.CA.PEM)
	authority, err := x509.ParseCertificate(block.Bytes)
	require.NoError(t, err)
	data, err := pkcs12.Modern.Encode(pair.PrivateKey, pair.Leaf, []*x509.Certificate{authority}, "of the store")
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "client.p12")
	require.NoError(t, os.WriteFile(path, data, 0o600))
	return path
}

// conf returns the options for the server.
func (s *server) conf(queue, more string) string { return s.via(s.Addr(), queue, more) }

// via returns the options for a way to the server.
func (s *server) via(addr, queue, more string) string {
	return fmt.Sprintf(`host => %q user => "reader" password => "secret of the test" vhost => "tests" queue => %q
		connect_retry_interval => 0.01 subscription_retry_interval_seconds => 0.01 %s`, addr, queue, more)
}

// run runs the input of a queue.
func (s *server) run(t testing.TB, queue, more string) (*input, *inputtest.Sink, func()) {
	t.Helper()
	built := build(t, s.conf(queue, more), plugin.Builder{})
	out := inputtest.NewSink(built)
	in := built.Input.(*input)
	return in, out, inputtest.Run(t, in, out)
}

func numbered(from, to int) (docs []string) {
	for i := from; i < to; i++ {
		docs = append(docs, fmt.Sprintf(`{"sequence":%d}`, i))
	}
	return docs
}

func testMetadata(t *testing.T, s *server) {
	s.admin.Queue("meta", false)
	f := func(conf, want string) {
		t.Helper()
		s.admin.Publish("", "meta", amqp.Publishing{
			Headers: amqp.Table{"text": "x", "n": int32(7), "deep": amqp.Table{"list": []any{true, nil, 1.5}}, "[no]": "y", "bytes": []byte("\xffz")},
			AppId:   "app", ContentEncoding: "utf-8", ContentType: "application/json", CorrelationId: "c", DeliveryMode: 2, Expiration: "60000",
			MessageId: "m", Priority: 3, ReplyTo: "r", Timestamp: time.Unix(1700000000, 0), Type: "t", UserId: "reader", Body: []byte(`{"a":1}`),
		})
		_, out, stop := s.run(t, "meta", conf)
		require.JSONEq(t, want, out.Wait(1)[0], conf)
		stop()
	}
	facts := `"rabbitmq_headers":{"text":"x","n":7,"deep":{"list":[true,null,1.5]},"bytes":"\ufffdz"},
		"rabbitmq_properties":{"app-id":"app","content-encoding":"utf-8","content-type":"application/json","correlation-id":"c","delivery-mode":2,
			"expiration":"60000","message-id":"m","priority":3,"reply-to":"r","timestamp":1700000000,"type":"t","user-id":"reader",
			"consumer-tag":"millrace-%s","exchange":"","routing-key":"meta"}`
	f(``, `{"a":1}`)
	f(`metadata_enabled => false`, `{"a":1}`)
	f(`id => "one" metadata_enabled => basic`, `{"a":1,"@metadata":{`+fmt.Sprintf(facts, "one")+`}}`)
	f(`id => "two" metadata_enabled => true add_field => { "from" => "%{[@metadata][rabbitmq_properties][routing-key]}" }`,
		`{"a":1,"from":"meta","@metadata":{`+fmt.Sprintf(facts, "two")+`}}`)
	f(`id => "three" metadata_enabled => extended`, `{"a":1,"@metadata":{`+fmt.Sprintf(facts, "three")+`,"rabbitmq_payload":"{\"a\":1}"}}`)

	s.admin.Publish("", "meta", amqp.Publishing{Body: []byte("not JSON")})
	_, out, _ := s.run(t, "meta", `id => "four" metadata_enabled => basic codec => plain`)
	require.JSONEq(t, `{"message":"not JSON","@metadata":{"rabbitmq_headers":{},"rabbitmq_properties":{"consumer-tag":"millrace-four","exchange":"","routing-key":"meta"}}}`,
		out.Wait(1)[0])
}

// What is not delivered is not acknowledged, and comes again, in its order.
func testAcknowledgement(t *testing.T, s *server) {
	s.admin.Queue("ack", false)
	want := numbered(0, 100)
	s.admin.PublishAll("", "ack", want)
	built := build(t, s.conf("ack", "prefetch_count => 200"), plugin.Builder{})
	out := inputtest.NewSink(built)
	out.Hold = true
	stop := inputtest.Run(t, built.Input, out)
	require.Equal(t, want, out.Wait(100))
	stop()
	s.admin.WaitDepth("ack", 100)

	in := built.Input.(*input)
	out = inputtest.NewSink(built)
	stop = inputtest.Run(t, in, out)
	require.Equal(t, want, out.Wait(100))
	require.EqualValues(t, 100, in.again.Load())
	stop()
	require.Zero(t, s.admin.Depth("ack"), "the last acknowledgement is sent before the connection ends")
}

// Without ack what the pipeline took is acknowledged, and nothing else.
func testWithoutAck(t *testing.T, s *server) {
	s.admin.Queue("noack", false)
	want := numbered(0, 300)
	s.admin.PublishAll("", "noack", want)
	built := build(t, s.conf("noack", "ack => false prefetch_count => 20"), plugin.Builder{})
	out := inputtest.NewSink(built)
	out.Hold = true
	stop := inputtest.Run(t, built.Input, out)
	require.Equal(t, want, out.Wait(300))
	stop()
	require.Zero(t, s.admin.Depth("noack"))
}

// A pipeline that takes nothing holds no more than prefetch_count.
func testBackPressure(t *testing.T, s *server) {
	for _, ack := range []string{"true", "false"} {
		queue := "blocked-" + ack
		s.admin.Queue(queue, false)
		s.admin.PublishAll("", queue, numbered(0, 100))
		built := build(t, s.conf(queue, "prefetch_count => 8 ack => "+ack), plugin.Builder{})
		out := inputtest.NewSink(built)
		out.Blocked, out.Entered = make(chan struct{}), make(chan struct{}, 1)
		stop := inputtest.Run(t, built.Input, out)
		<-out.Entered
		s.admin.WaitDepth(queue, 92)
		close(out.Blocked)
		require.Equal(t, numbered(0, 100), out.Wait(100))
		stop()
		require.Zero(t, s.admin.Depth(queue))
	}
	// A stop while the pipeline takes nothing loses nothing.
	s.admin.PublishAll("", "blocked-true", numbered(0, 50))
	built := build(t, s.conf("blocked-true", ""), plugin.Builder{})
	out := inputtest.NewSink(built)
	out.Blocked, out.Entered = make(chan struct{}), make(chan struct{}, 1)
	stop := inputtest.Run(t, built.Input, out)
	<-out.Entered
	stop()
	s.admin.WaitDepth("blocked-true", 50)
	require.Zero(t, out.Len())
}

func testBindings(t *testing.T, s *server) {
	f := func(name, key, conf string, publish func(), want ...string) {
		t.Helper()
		_, out, stop := s.run(t, name, fmt.Sprintf(`exchange => %q key => %q auto_delete => true %s`, "x-"+name, key, conf))
		s.admin.WaitConsumer(name)
		publish()
		require.Equal(t, want, out.Wait(len(want)))
		stop()
	}
	send := func(exchange, key, doc string, h amqp.Table) {
		s.admin.Publish(exchange, key, amqp.Publishing{Headers: h, Body: []byte(doc)})
	}
	f("topic", "logs.#", `exchange_type => topic durable => true`, func() {
		send("x-topic", "logs.a", `{"n":1}`, nil)
		send("x-topic", "other", `{"n":2}`, nil)
		send("x-topic", "logs.b.c", `{"n":3}`, nil)
	}, `{"n":1}`, `{"n":3}`)
	f("direct", "k", `exchange_type => direct`, func() {
		send("x-direct", "other", `{"n":1}`, nil)
		send("x-direct", "k", `{"n":2}`, nil)
	}, `{"n":2}`)
	// A headers exchange to which the queue is bound without arguments sends all that it gets.
	f("headers", "", `exchange_type => headers metadata_enabled => basic codec => plain add_field => { "h" => "%{[@metadata][rabbitmq_headers][h]}" }
		id => "h"`, func() {
		send("x-headers", "", `text`, amqp.Table{"h": "v"})
	}, `{"message":"text","h":"v","@metadata":{"rabbitmq_properties":{"consumer-tag":"millrace-h","exchange":"x-headers","routing-key":""},"rabbitmq_headers":{"h":"v"}}}`)

	// An exchange that is not declared has to be there: the input waits for it.
	in, out, _ := s.run(t, "waiting", `exchange => "later" auto_delete => true`)
	require.Eventually(t, func() bool { return in.sessions.Load() > 2 }, time.Minute, time.Millisecond)
	s.admin.Exchange("later", "fanout")
	s.admin.WaitConsumer("waiting")
	send("later", "any", `{"n":1}`, nil)
	require.Equal(t, []string{`{"n":1}`}, out.Wait(1))
}

// A queue without a name is of the connection, and gone with it.
func testTemporaryQueue(t *testing.T, s *server) {
	s.admin.Exchange("news", "fanout")
	_, out, _ := s.run(t, "", `exchange => "news"`)
	s.admin.WaitRouted("news", `{"probe":1}`)
	s.admin.PublishAll("news", "", []string{`{"n":1}`})
	got := out.Wait(2)
	require.Equal(t, `{"probe":1}`, got[0])
	require.Equal(t, `{"n":1}`, got[len(got)-1])
}

// A queue that has to be there is waited for.
func testPassive(t *testing.T, s *server) {
	in, out, _ := s.run(t, "there", `passive => true durable => true arguments => { "x-queue-type" => "quorum" }`)
	require.Eventually(t, func() bool { return in.sessions.Load() > 2 }, time.Minute, time.Millisecond)
	require.False(t, s.admin.Exists("there"))
	s.admin.Queue("there", false)
	s.admin.PublishAll("", "there", []string{`{"n":1}`})
	require.Equal(t, []string{`{"n":1}`}, out.Wait(1))
}

func testWrongPassword(t *testing.T, s *server) {
	built := build(t, fmt.Sprintf(`host => %q user => reader password => "not the secret" vhost => tests`, s.Addr()), plugin.Builder{})
	_, err := built.Input.(*input).client.Connect(t.Context())
	require.ErrorContains(t, err, "username or password not allowed")
	require.NotContains(t, err.Error(), "not the secret")
	built = build(t, fmt.Sprintf(`host => %q user => reader password => "secret of the test" vhost => none`, s.Addr()), plugin.Builder{})
	_, err = built.Input.(*input).client.Connect(t.Context())
	require.ErrorContains(t, err, "vhost none not found")
}

func testTLS(t *testing.T, s *server) {
	s.admin.Queue("tls", false)
	f := func(conf string) {
		t.Helper()
		s.admin.PublishAll("", "tls", []string{`{"n":1}`})
		built := build(t, fmt.Sprintf(`host => "localhost:%d" user => reader password => "secret of the test" vhost => tests queue => tls ssl => true %s`, s.TLSPort, conf), plugin.Builder{})
		out := inputtest.NewSink(built)
		stop := inputtest.Run(t, built.Input, out)
		out.Wait(1)
		stop()
	}
	f(fmt.Sprintf(`ssl_certificate_authorities => %q`, s.authority))
	f(fmt.Sprintf(`ssl_certificate_authorities => %q ssl_version => "TLSv1.3" ssl_verification_mode => certificate`, s.authority))
	f(`ssl_version => "TLSv1.2"`)
	f(fmt.Sprintf(`ssl_certificate_path => %q ssl_certificate_password => "of the store"`, s.keystore))
	built := build(t, fmt.Sprintf(`host => "localhost" port => %d ssl => true ssl_verification_mode => full`, s.TLSPort), plugin.Builder{})
	_, err := built.Input.(*input).client.Connect(t.Context())
	require.ErrorContains(t, err, "certificate")
}

// Nothing is missing when connections are cut while messages are on their way.
func testCutConnections(t *testing.T, s *server) {
	s.admin.Queue("cut", false)
	p := faultproxy.New(t, faultproxy.Config{Target: s.Addr(), Raw: true})
	built := build(t, s.via(p.Addr(), "cut", "prefetch_count => 40"), plugin.Builder{})
	in, out := built.Input.(*input), inputtest.NewSink(built)
	stop := inputtest.Run(t, in, out)
	want := numbered(0, 2000)
	for n := 0; n < len(want); n += 500 {
		s.admin.PublishAll("", "cut", want[n:n+500])
		out.Wait(n + 1)
		p.Disconnect()
	}
	seen := map[string]bool{}
	require.Eventually(t, func() bool {
		for _, doc := range out.Wait(1) {
			seen[doc] = true
		}
		return len(seen) == len(want)
	}, time.Minute, 5*time.Millisecond)
	stop()
	require.Zero(t, s.admin.Depth("cut"))
	require.Greater(t, in.sessions.Load(), int64(1))
}

func testThreads(t *testing.T, s *server) {
	s.admin.Queue("threads", false)
	in, out, stop := s.run(t, "threads", `threads => 3 prefetch_count => 7`)
	want := numbered(0, 500)
	s.admin.PublishAll("", "threads", want)
	require.ElementsMatch(t, want, out.Wait(500))
	require.EqualValues(t, 3, in.sessions.Load())
	stop()
}

// A consumer that the server ends begins again, with the queue declared anew.
func testDeletedQueue(t *testing.T, s *server) {
	_, out, _ := s.run(t, "short", ``)
	s.admin.WaitConsumer("short")
	s.admin.Delete("short")
	s.admin.WaitConsumer("short")
	s.admin.PublishAll("", "short", []string{`{"n":1}`})
	out.Wait(1)
}

func testCodecThatCuts(t *testing.T, s *server) {
	s.admin.Queue("lines", false)
	s.admin.PublishAll("", "lines", []string{"one\ntwo"})
	_, out, _ := s.run(t, "lines", `codec => line metadata_enabled => extended id => "l"`)
	const meta = `,"@metadata":{"rabbitmq_properties":{"consumer-tag":"millrace-l","exchange":"","routing-key":"lines","delivery-mode":2},"rabbitmq_headers":{},"rabbitmq_payload":"one\ntwo"}}`
	require.Equal(t, []string{`{"message":"one"` + meta, `{"message":"two"` + meta}, out.Wait(2))
}

// What was not acknowledged when the server is killed comes again, and what was does not.
func testKilledServer(t *testing.T, s *server) {
	want := numbered(0, 200)
	s.admin.PublishAll("", "kept", want)
	built := build(t, s.conf("kept", "durable => true prefetch_count => 50"), plugin.Builder{})
	out := inputtest.NewSink(built)
	out.Hold = true
	inputtest.Run(t, built.Input, out)
	require.Equal(t, want[:50], out.Wait(50))
	s.Kill()
	s.Start()
	require.Equal(t, want[:50], out.Wait(100)[50:])
	out.Release()
	require.Equal(t, want, out.Wait(250)[50:])
	s.admin.Connect()
	s.admin.WaitDepth("kept", 0)
}

func TestMistakes(t *testing.T) {
	f := func(conf, want string) {
		t.Helper()
		inputtest.Refused(t, Plugin, conf, want)
	}
	f(``, `option "host" is required`)
	f(`host => []`, "at least one host")
	f(`host => "h:x"`, "not a port")
	f(`host => "h" port => 0`, "not a port")
	f(`host => "h" prefetch_count => 0`, "not between 1 and")
	f(`host => "h" prefetch_count => 65536`, "not between 1 and")
	f(`host => "h" threads => 0`, "less than 1")
	f(`host => "h" passive => true`, "write queue")
	f(`host => "h" codec => multiline { pattern => "x" what => previous }`, "join lines before")
	f(`host => "h" heartbeat => 70000`, "between 0 and 65535")
	f(`host => "h" vhost => ""`, "has a name")
	f(`host => "h" metadata_enabled => some`, "metadata_enabled")
	f(`host => "h" ssl => true ssl_version => "SSLv3"`, "none of TLSv1.1")
	f(`host => "h" ssl => true ssl_certificate_password => "x"`, "need each other")

	warned := func(conf, want string) {
		t.Helper()
		built, diags := inputtest.Build(t, Plugin, conf, plugin.Builder{})
		require.NotNil(t, built, diags.String())
		require.Contains(t, diags.String(), want)
	}
	warned(`host => "h" automatic_recovery => false`, "made again")
	warned(`host => "h" heartbeat => 0`, "the server's interval")
	warned(`host => "h" metadata_enabled => true`, "deprecated")
	warned(`host => "h" threads => 2`, "one connection is used")
	warned(`host => "h" threads => 2 queue => "q" exclusive => true`, "one connection is used")
	warned(`host => "h" exchange_type => topic`, "has no effect without exchange")
	warned(`host => "h" exchange => "amq.topic" exchange_type => topic`, "own exchange")
	warned(`host => "h" ssl => true`, "not verified")
	warned(`host => "h" ssl_version => "TLSv1.2"`, "has no effect without ssl => true")
	warned(`host => "h" max_inbound_message_body_size => 5`, "no effect")
	warned(`host => "h" verify_ssl => true`, "obsolete")
}

package azureeventhubs

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"

	"millrace/internal/inputtest"
	"millrace/internal/kafkaclient"
	"millrace/internal/kafkaclient/kafkatest"
	"millrace/internal/testenv"
	"millrace/pipeline/plugin"
)

// namespace is a broker of Kafka that stands in for a namespace: TLS, and the login with a connection string as password.
type namespace struct {
	addr, authority string
	admin           *kgo.Client
}

func startNamespace(t *testing.T) *namespace {
	t.Helper()
	ca := testenv.NewCA(t)
	crt := ca.Issue(t, "namespace", time.Now().Add(24*time.Hour))
	dir := t.TempDir()
	write := func(name string, data ...[]byte) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, bytes.Join(data, nil), 0o600))
		return path
	}
	n := &namespace{authority: write("ca.pem", ca.PEM)}
	const module = "org.apache.kafka.common.security.plain.PlainLoginModule required"
	broker := testenv.Kafka(t,
		testenv.WithSetting("listeners", "SASL_SSL://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}"),
		testenv.WithSetting("advertised.listeners", "SASL_SSL://127.0.0.1:{port}"), testenv.WithSetting("inter.broker.listener.name", "SASL_SSL"),
		testenv.WithSetting("sasl.enabled.mechanisms", "PLAIN"), testenv.WithSetting("sasl.mechanism.inter.broker.protocol", "PLAIN"),
		testenv.WithSetting("ssl.keystore.type", "PEM"), testenv.WithSetting("ssl.keystore.location", write("server.pem", crt.KeyPEM, crt.CertPEM)),
		testenv.WithSetting("ssl.truststore.type", "PEM"), testenv.WithSetting("ssl.truststore.location", n.authority),
		testenv.WithSetting("auto.create.topics.enable", "false"),
		testenv.WithSetting("listener.name.sasl_ssl.plain.sasl.jaas.config", fmt.Sprintf(`%s username="admin" password="a" user_admin="a" user_%s="%s";`, module, loginUser, connect(""))))
	n.addr = broker.Addr()
	n.admin = kafkatest.Client(t, n.addr, kgo.DialTLSConfig(crt.ClientConfig()), kgo.SASL(plain.Auth{User: "admin", Pass: "a"}.AsMechanism()))
	return n
}

// build makes an input whose namespaces are all this one.
func (n *namespace) build(t *testing.T, conf string, b plugin.Builder) *plugin.Built {
	t.Helper()
	def := plugin.DefineInput("azure_event_hubs", defaults(), func(o Options, env *plugin.Env) (plugin.Input, error) {
		return build(o, env, func(c *kafkaclient.Options) {
			c.BootstrapServers, c.TruststoreLocation, c.TruststoreType = n.addr, n.authority, "PEM"
		})
	})
	b.ECS = plugin.ECSDisabled
	built, diags := inputtest.Build(t, def, conf, b)
	require.NotNil(t, built, diags.String())
	return built
}

// advanced returns the config of one hub, whose connection string is that of the namespace.
func advanced(hub, more string) string {
	return fmt.Sprintf(`config_mode => advanced event_hubs => [{ %q => { event_hub_connection => %q consumer_group => %q checkpoint_interval => 0 %s } }]`, hub, connect(""), "of-"+hub, more)
}

// TestBroker runs all that needs a real broker with one.
func TestBroker(t *testing.T) {
	n := startNamespace(t)
	f := func(name string, test func(t *testing.T, n *namespace)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, n)
		})
	}
	f("metadata", testMetadata)
	f("acknowledgement", testAcknowledgement)
	f("hubs", testHubs)
	f("look back", testLookBack)
	f("end", testEnd)
	f("unreadable", testUnreadable)
}

func testMetadata(t *testing.T, n *namespace) {
	kafkatest.Topic(t, n.admin, "meta", 1)
	at := time.UnixMilli(1700000000123)
	require.NoError(t, n.admin.ProduceSync(t.Context(), &kgo.Record{Topic: "meta", Value: []byte(`{"a":1}`), Timestamp: at},
		&kgo.Record{Topic: "meta", Timestamp: at}).FirstErr())
	built := n.build(t, advanced("meta", `decorate_events => true`)+` add_field => { "from" => "%{[@metadata][azure_event_hubs][name]}" }`, plugin.Builder{})
	out := inputtest.NewSink(built)
	stop := inputtest.Run(t, built.Input, out)
	got := out.Wait(2)
	stop()
	const doc = `{"message":%q,"from":"meta","@metadata":{"azure_event_hubs":{"name":"meta","consumer_group":"of-meta","processor_host":%q,"partition":"0","offset":%q,"sequence":%d,"timestamp":1700000000,"event_size":%d}}}`
	host := built.Input.(*input).hubs[0].host
	require.Regexp(t, `^millrace-host1-[A-Z2-7]{8}$`, host)
	require.JSONEq(t, fmt.Sprintf(doc, `{"a":1}`, host, "0", 0, 7), got[0])
	require.JSONEq(t, fmt.Sprintf(doc, "", host, "1", 1, 0), got[1])
	require.EqualValues(t, 2, kafkatest.Committed(t, n.admin, "of-meta", "meta", 1))
}

// testAcknowledgement: what is not delivered is not committed, and comes again.
func testAcknowledgement(t *testing.T, n *namespace) {
	kafkatest.Topic(t, n.admin, "ack", 2)
	kafkatest.Produce(t, n.admin, "ack", 0, 100)
	built := n.build(t, advanced("ack", ``), plugin.Builder{})
	out := inputtest.NewSink(built)
	out.Hold = true
	stop := inputtest.Run(t, built.Input, out)
	out.Wait(100)
	stop()
	require.Zero(t, kafkatest.Committed(t, n.admin, "of-ack", "ack", 2))

	out = inputtest.NewSink(built)
	stop = inputtest.Run(t, built.Input, out)
	out.Wait(100)
	require.Eventually(t, func() bool { return kafkatest.Committed(t, n.admin, "of-ack", "ack", 2) == 100 }, 2*time.Minute, 50*time.Millisecond)
	stop()

	out = inputtest.NewSink(built)
	stop = inputtest.Run(t, built.Input, out)
	kafkatest.Produce(t, n.admin, "ack", 100, 110)
	out.Wait(10)
	stop()
	require.Equal(t, 10, out.Len(), "nothing comes twice")
}

// testHubs: each hub has its codec, and a codec that cuts records is no harm to the others.
func testHubs(t *testing.T, n *namespace) {
	for _, hub := range []string{"json-hub", "line-hub", "plain-hub"} {
		kafkatest.Topic(t, n.admin, hub, 1)
		require.NoError(t, n.admin.ProduceSync(t.Context(), &kgo.Record{Topic: hub, Value: []byte("{\"a\":1,\n\"b\":2}")}).FirstErr())
	}
	built := n.build(t, fmt.Sprintf(`config_mode => advanced consumer_group => "same" event_hubs => [
		{ "json-hub" => { event_hub_connection => %[1]q codec => json } },
		{ "line-hub" => { event_hub_connection => %[1]q codec => line { delimiter => ",
" } } },
		{ "plain-hub" => { event_hub_connection => %[1]q } } ]`, connect("")), plugin.Builder{})
	out := inputtest.NewSink(built)
	stop := inputtest.Run(t, built.Input, out)
	got := out.Wait(4)
	stop()
	require.ElementsMatch(t, []string{`{"a":1,"b":2}`, `{"message":"{\"a\":1"}`, `{"message":"\"b\":2}"}`, `{"message":"{\"a\":1,\n\"b\":2}"}`}, got)
}

func testLookBack(t *testing.T, n *namespace) {
	kafkatest.Topic(t, n.admin, "back", 1)
	for i, age := range []time.Duration{3 * time.Hour, 30 * time.Minute, 0} {
		require.NoError(t, n.admin.ProduceSync(t.Context(), &kgo.Record{Topic: "back", Value: fmt.Append(nil, i), Timestamp: time.Now().Add(-age)}).FirstErr())
	}
	built := n.build(t, advanced("back", `initial_position => look_back initial_position_look_back => 3600`), plugin.Builder{})
	out := inputtest.NewSink(built)
	stop := inputtest.Run(t, built.Input, out)
	got := out.Wait(2)
	stop()
	require.Equal(t, []string{`{"message":"1"}`, `{"message":"2"}`}, got)
}

func testEnd(t *testing.T, n *namespace) {
	kafkatest.Topic(t, n.admin, "end", 1)
	kafkatest.Produce(t, n.admin, "end", 0, 10)
	built := n.build(t, advanced("end", `initial_position => end`), plugin.Builder{})
	out := inputtest.NewSink(built)
	stop := inputtest.Run(t, built.Input, out)
	next := 10
	require.Eventually(t, func() bool {
		kafkatest.Produce(t, n.admin, "end", next, next+1)
		next++
		return out.Len() > 0
	}, 2*time.Minute, 50*time.Millisecond)
	stop()
	for _, doc := range out.Wait(1) {
		require.Regexp(t, `^{"message":"\d\d+"}$`, doc, "what was there before is not read")
	}
}

// lines collects what is logged.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// testUnreadable: what keeps the input from its hub is told with a hint, and without the key.
func testUnreadable(t *testing.T, n *namespace) {
	f := func(connection, want string) {
		t.Helper()
		log := new(lines)
		built := n.build(t, fmt.Sprintf(`config_mode => advanced event_hubs => [{ "nobody" => { event_hub_connection => %q } }]`, connection),
			plugin.Builder{Log: slog.New(slog.NewTextHandler(log, nil))})
		stop := inputtest.Run(t, built.Input, inputtest.NewSink(built))
		require.Eventually(t, func() bool { return strings.Contains(log.String(), "tier Basic do not speak Kafka") }, 2*time.Minute, 50*time.Millisecond)
		stop()
		require.Contains(t, log.String(), "topic=nobody")
		require.Contains(t, log.String(), want)
		require.NotContains(t, log.String(), secret)
	}
	f(connect("")+"x", "SASL_AUTHENTICATION_FAILED")
	f(connect(""), "UNKNOWN_TOPIC_OR_PARTITION")
}

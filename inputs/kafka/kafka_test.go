package kafka

import (
	"encoding/binary"
	"fmt"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"millrace/internal/inputtest"
	"millrace/internal/kafkaclient/kafkatest"
	"millrace/internal/kafkagroup"
	"millrace/internal/testenv"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

func build(t testing.TB, conf string) *plugin.Built {
	t.Helper()
	built, diags := inputtest.Build(t, Plugin, conf, plugin.Builder{ECS: plugin.ECSDisabled})
	require.NotNil(t, built, diags.String())
	return built
}

// TestBroker runs all that needs a real broker with one.
func TestBroker(t *testing.T) {
	broker := testenv.Kafka(t, testenv.WithSetting("group.initial.rebalance.delay.ms", "0"))
	addr := broker.Addr()
	admin := kafkatest.Client(t, addr)
	t.Run("together", func(t *testing.T) { // these do not disturb each other
		f := func(name string, test func(t *testing.T, addr string, admin *kgo.Client)) {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(t, addr, admin)
			})
		}
		f("metadata", testMetadata)
		f("acknowledgement", testAcknowledgement)
		f("rebalance", func(t *testing.T, addr string, admin *kgo.Client) { testRebalance(t, addr, admin, "classic") })
		f("rebalance by the broker", func(t *testing.T, addr string, admin *kgo.Client) { testRebalance(t, addr, admin, "consumer") })
		f("pattern", testPattern)
	})
	t.Run("restart", func(t *testing.T) { testRestart(t, broker, admin) })
}

func conf(addr, topic, more string) string {
	return fmt.Sprintf(`bootstrap_servers => %q topics => [%q] group_id => %q auto_offset_reset => earliest %s`, addr, topic, "of-"+topic, more)
}

func testMetadata(t *testing.T, addr string, admin *kgo.Client) {
	kafkatest.Topic(t, admin, "meta", 1)
	at := time.UnixMilli(1700000000123)
	require.NoError(t, admin.ProduceSync(t.Context(),
		&kgo.Record{Topic: "meta", Key: []byte("k"), Value: []byte(`{"a":1}`), Timestamp: at, Headers: []kgo.RecordHeader{
			{Key: "h", Value: []byte("old")}, {Key: "h", Value: []byte("new")}, {Key: "bytes", Value: []byte{0xff}}, {Key: "[x]", Value: []byte("y")}}},
		&kgo.Record{Topic: "meta", Value: nil, Timestamp: at},
	).FirstErr())
	f := func(group, more string, want ...string) {
		t.Helper()
		built := build(t, fmt.Sprintf(`bootstrap_servers => %q topics => meta group_id => %q auto_offset_reset => earliest %s`, addr, group, more))
		out := inputtest.NewSink(built)
		stop := inputtest.Run(t, built.Input, out)
		got := out.Wait(len(want))
		stop()
		for i := range want {
			require.JSONEq(t, want[i], got[i])
		}
		require.EqualValues(t, 2, kafkatest.Committed(t, admin, group, "meta", 1))
	}
	f("of-meta", `codec => json decorate_events => extended add_field => { "from" => "%{[@metadata][kafka][topic]}" }`,
		`{"a":1,"from":"meta","@metadata":{"kafka":{"topic":"meta","consumer_group":"of-meta","partition":0,"offset":0,"key":"k","timestamp":1700000000123,"headers":{"h":"new"}}}}`,
	)
	f("again", `decorate_events => basic type => "t"`,
		`{"message":"{\"a\":1}","type":"t","@metadata":{"kafka":{"topic":"meta","consumer_group":"again","partition":0,"offset":0,"key":"k","timestamp":1700000000123}}}`,
		`{"message":"","type":"t","@metadata":{"kafka":{"topic":"meta","consumer_group":"again","partition":0,"offset":1,"key":null,"timestamp":1700000000123}}}`,
	)
	f("plain", ``, `{"message":"{\"a\":1}"}`, `{"message":""}`)
}

// testAcknowledgement: what is not delivered is not committed, and comes again.
func testAcknowledgement(t *testing.T, addr string, admin *kgo.Client) {
	kafkatest.Topic(t, admin, "ack", 2)
	kafkatest.Produce(t, admin, "ack", 0, 100)
	built := build(t, conf(addr, "ack", `enable_auto_commit => false`))
	out := inputtest.NewSink(built)
	out.Hold = true
	stop := inputtest.Run(t, built.Input, out)
	out.Wait(100)
	stop()
	require.Zero(t, kafkatest.Committed(t, admin, "of-ack", "ack", 2))

	out = inputtest.NewSink(built)
	out.Hold = true
	stop = inputtest.Run(t, built.Input, out)
	out.Wait(100)
	out.Release()
	require.Eventually(t, func() bool { return kafkatest.Committed(t, admin, "of-ack", "ack", 2) == 100 }, 2*time.Minute, 50*time.Millisecond,
		"without enable_auto_commit what is delivered is committed at once")
	kafkatest.Produce(t, admin, "ack", 100, 110)
	out.Wait(110)
	stop()
	require.Equal(t, 110, out.Len(), "nothing comes twice")
}

func testPattern(t *testing.T, addr string, admin *kgo.Client) {
	for i, topic := range []string{"logs-a", "logs-b", "xlogs-a"} {
		kafkatest.Topic(t, admin, topic, 1)
		kafkatest.Produce(t, admin, topic, i, i+1)
	}
	built := build(t, conf(addr, "no", `topics_pattern => "logs-.*" consumer_threads => 2 partition_assignment_strategy => cooperative_sticky`))
	out := inputtest.NewSink(built)
	stop := inputtest.Run(t, built.Input, out)
	require.ElementsMatch(t, []string{`{"message":"0"}`, `{"message":"1"}`}, out.Wait(2))
	stop()
}

// numbers returns how many different numbers sinks got as messages, and how many came more than once.
func numbers(sinks ...*inputtest.Sink) (different, repeated int) {
	seen := make(map[string]bool)
	for _, s := range sinks {
		for _, doc := range s.Wait(0) {
			if seen[doc] {
				repeated++
			}
			seen[doc] = true
		}
	}
	return len(seen), repeated
}

// complete waits until n different numbers came.
func complete(t *testing.T, n int, sinks ...*inputtest.Sink) {
	t.Helper()
	require.Eventually(t, func() bool {
		different, _ := numbers(sinks...)
		return different == n
	}, 2*time.Minute, 50*time.Millisecond)
}

func testRebalance(t *testing.T, addr string, admin *kgo.Client, protocol string) {
	const n, partitions = 3000, 4
	topic := "shared-" + protocol
	kafkatest.Topic(t, admin, topic, partitions)
	built := [2]*plugin.Built{}
	sinks := [2]*inputtest.Sink{}
	for i := range built {
		built[i] = build(t, conf(addr, topic, `max_poll_records => 50 heartbeat_interval_ms => 200 group_protocol => `+protocol))
		sinks[i] = inputtest.NewSink(built[i])
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 0; i < n; i += 100 {
			kafkatest.Produce(t, admin, topic, i, i+100)
		}
	})
	stop0 := inputtest.Run(t, built[0].Input, sinks[0])
	sinks[0].Wait(200)
	stop1 := inputtest.Run(t, built[1].Input, sinks[1])
	wg.Wait()
	complete(t, n, sinks[:]...)
	// The second is a member now or soon: with more records both of them, and then the second alone, read.
	more := n
	require.Eventually(t, func() bool {
		kafkatest.Produce(t, admin, topic, more, more+20)
		more += 20
		return sinks[1].Len() > 0
	}, 2*time.Minute, 50*time.Millisecond)
	stop0()
	kafkatest.Produce(t, admin, topic, more, more+100)
	more += 100
	complete(t, more, sinks[:]...)
	stop1()
	_, repeated := numbers(sinks[:]...)
	t.Logf("%d records, %d by the second input, %d twice", more, sinks[1].Len(), repeated)
	require.EqualValues(t, more, kafkatest.Committed(t, admin, "of-"+topic, topic, partitions))
}

func testRestart(t *testing.T, broker *testenv.KafkaServer, admin *kgo.Client) {
	const n = 2000
	kafkatest.Topic(t, admin, "restart", 2)
	kafkatest.Produce(t, admin, "restart", 0, n/2)
	built := build(t, conf(broker.Addr(), "restart", `max_poll_records => 100`))
	out := inputtest.NewSink(built)
	stop := inputtest.Run(t, built.Input, out)
	out.Wait(n / 4)
	broker.Kill()
	broker.Start()
	kafkatest.Produce(t, admin, "restart", n/2, n)
	complete(t, n, out)
	stop()
	_, repeated := numbers(out)
	t.Logf("%d of %d twice", repeated, n)
	require.EqualValues(t, n, kafkatest.Committed(t, admin, "of-restart", "restart", 2))
}

func TestDeserializers(t *testing.T) {
	f := func(class string, data []byte, want string) {
		t.Helper()
		d, err := newDeserializer(serialization + class)
		require.NoError(t, err)
		got, err := d(data)
		require.NoError(t, err)
		require.Equal(t, want, got)
		if class != "StringDeserializer" {
			_, err = d(append(data, 0))
			require.ErrorIs(t, err, errLength)
		}
	}
	be := binary.BigEndian
	f("StringDeserializer", []byte("x"), "x")
	f("ShortDeserializer", be.AppendUint16(nil, math.MaxUint16), "-1")
	f("IntegerDeserializer", be.AppendUint32(nil, 1<<31), "-2147483648")
	f("LongDeserializer", be.AppendUint64(nil, 42), "42")
	f("FloatDeserializer", be.AppendUint32(nil, math.Float32bits(0.1)), "0.1")
	f("DoubleDeserializer", be.AppendUint64(nil, math.Float64bits(3)), "3.0")
	f("UUIDDeserializer", []byte("0b7c1f6e-0000-4000-8000-000000000000"), "0b7c1f6e-0000-4000-8000-000000000000")
}

func records(n int, value string) (all []*kgo.Record) {
	for i := range n {
		all = append(all, &kgo.Record{Topic: "t", Offset: int64(i), Key: []byte("key"), Value: []byte(value), Timestamp: time.UnixMilli(1)})
	}
	return all
}

func TestBatches(t *testing.T) {
	in := build(t, `codec => line value_deserializer_class => "org.apache.kafka.common.serialization.LongDeserializer" decorate_events => basic`).Input.(*input)
	b, n := in.reader.Batch(in.source("t", 3), records(2, "no number"))
	require.Equal(t, 2, n)
	require.Equal(t, "no number", b.Records[0].Data)
	require.Equal(t, failureTag, b.Records[0].Tag)
	require.EqualValues(t, 2, in.broken.Load())

	in = build(t, `codec => line decorate_events => basic`).Input.(*input)
	b, _ = in.reader.Batch(in.source("t", 3), records(1, "one\ntwo"))
	require.Equal(t, []string{"one", "two"}, []string{b.Records[0].Data, b.Records[1].Data})
	require.Equal(t, b.Records[0].Meta, b.Records[1].Meta)

	big := records(5, string(make([]byte, kafkagroup.BatchBytes/2)))
	_, n = in.reader.Batch(in.source("t", 3), big)
	require.Equal(t, 2, n, "a batch ends with the record that reaches the bound")
}

func TestMistakes(t *testing.T) {
	f := func(conf, want string) {
		t.Helper()
		inputtest.Refused(t, Plugin, conf, want)
	}
	f(`zk_connect => "x:2181"`, "write bootstrap_servers")
	f(`bootstrap_servers => "a:b:c"`, "is no host:port")
	f(`topics => []`, "no topic to read")
	f(`topics => ["a b"]`, `no topic can be called "a b"`)
	f(`topics_pattern => "(?!x)"`, "look-around")
	f(`auto_offset_reset => smallest`, "none of earliest, latest, none")
	f(`partition_assignment_strategy => mine`, "none of range")
	f(`session_timeout_ms => 3000`, "less than session_timeout_ms")
	f(`consumer_threads => 0`, "not between 1")
	f(`codec => multiline { pattern => "x" what => next }`, "join lines")
	f(`value_deserializer_class => "io.confluent.kafka.serializers.KafkaAvroDeserializer"`, "codecs decode the rest")
	f(`schema_registry_url => "http://registry:8081"`, "schema registries are not asked")
	f(`security_protocol => SASL_SSL`, "GSSAPI (Kerberos), which is the default, is not available")
	_, diags := inputtest.Build(t, Plugin, `decorate_events => true sasl_mechanism => PLAIN kerberos_config => "kafka_test.go" sasl_iam_jar_paths => ["x"]
		exclude_internal_topics => "false" client_dns_lookup => resolve_canonical_bootstrap_servers_only schema_registry_secret => "x"`, plugin.Builder{})
	require.False(t, diags.HasErrors(), diags.String())
	require.Equal(t, 7, diags.Count(config.Warning), diags.String())
}

// BenchmarkBatch makes batches of what a fetch brought and events of them, as the input and a worker do.
func BenchmarkBatch(b *testing.B) {
	const line = `192.0.2.7 - - [21/Nov/2025:15:04:05 +0000] "GET /index.html HTTP/1.1" 200 5316`
	f := func(name, conf string) {
		b.Run(name, func(b *testing.B) {
			built := build(b, conf)
			in := built.Input.(*input)
			rs := records(500, line)
			source := in.source("t", 0)
			decoder := built.Codec.NewDecoder()
			e := event.New(nil)
			b.ReportAllocs()
			for b.Loop() {
				batch, _ := in.reader.Batch(source, rs)
				for i := range batch.Records {
					decoder.Decode(&batch.Records[i], func() *event.Event { e.Reset(); return e })
					e.Create(batch.Time)
					_ = source.Decorate(e, &batch.Records[i])
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/500, "ns/event")
		})
	}
	f("none", ``)
	f("basic", `decorate_events => basic`)
}

package kafka

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"millrace/codecs"
	"millrace/internal/kafkaclient/kafkatest"
	"millrace/internal/logging"
	"millrace/internal/testenv"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// graveyard keeps dead letters.
type graveyard struct {
	mu      sync.Mutex
	letters []plugin.DeadLetter
}

// Write implements plugin.DeadLetters.
func (g *graveyard) Write(l plugin.DeadLetter) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	l.Document = append([]byte(nil), l.Document...)
	g.letters = append(g.letters, l)
	return nil
}

func build(t testing.TB, conf string, dead plugin.DeadLetters) (*plugin.Built, config.Diagnostics) {
	t.Helper()
	f, diags := config.Parse("test", []byte("output { kafka { "+conf+" } }"), config.ParseOptions{})
	require.Empty(t, diags)
	reg := plugin.NewRegistry([]*plugin.Definition{Plugin}, codecs.All())
	return reg.Build(f.Sections[0].Body[0].(*config.PluginNode), plugin.Builder{Log: logging.Discard(), DeadLetters: dead})
}

// open makes and starts the output of a config; it is closed with the test.
func open(t testing.TB, conf string, dead plugin.DeadLetters) (*output, *plugin.Env) {
	t.Helper()
	built, diags := build(t, conf, dead)
	require.NotNil(t, built, diags.String())
	out := built.Output.(*output)
	require.NoError(t, out.Start(t.Context()))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		require.NoError(t, out.Close(ctx))
	})
	return out, built.Env
}

// write flushes the documents as one batch and returns what is closed when that is settled.
func write(t testing.TB, w plugin.Writer, docs ...string) <-chan struct{} {
	t.Helper()
	for _, doc := range docs {
		e := event.New(nil)
		v, _, _, err := e.ParseJSON(doc)
		require.NoError(t, err)
		e.SetRoot(v.Object())
		_ = w.Append(e) // the output counts what it cannot write
	}
	settled := make(chan struct{})
	b := &event.Batch{Done: func(*event.Batch) { close(settled) }}
	b.Expect(1)
	require.NoError(t, w.Flush(t.Context(), b))
	return settled
}

func await(t testing.TB, settled <-chan struct{}) {
	t.Helper()
	select {
	case <-settled:
	case <-time.After(60 * time.Second):
		t.Fatal("a batch is not settled")
	}
}

// TestBroker runs all that needs a real broker with one.
func TestBroker(t *testing.T) {
	broker := testenv.Kafka(t)
	addr := broker.Addr()
	admin := kafkatest.Client(t, addr)
	conf := func(more string) string { return fmt.Sprintf(`bootstrap_servers => %q %s`, addr, more) }
	t.Run("records", func(t *testing.T) {
		kafkatest.Topic(t, admin, "logs-a", 1)
		for i, compression := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
			out, env := open(t, conf(`topic_id => "logs-%{app}" message_key => "%{id}" message_headers => { "n" => "%{n}" "fixed" => "x" } codec => json compression_type => `+compression), nil)
			doc := fmt.Sprintf(`{"app":"a","id":"k%d","n":7}`, i)
			await(t, write(t, out.NewWriter(), doc))
			r := kafkatest.Consume(t, addr, "logs-a", i+1)[i]
			require.Equal(t, doc, string(r.Value))
			require.Equal(t, fmt.Sprint("k", i), string(r.Key))
			require.ElementsMatch(t, []kgo.RecordHeader{{Key: "n", Value: []byte("7")}, {Key: "fixed", Value: []byte("x")}}, r.Headers)
			require.EqualValues(t, 1, env.Stats.Delivered.Load())
		}
	})
	t.Run("plain, and partitions as Java chooses them", func(t *testing.T) {
		kafkatest.Topic(t, admin, "keyed", 8)
		out, _ := open(t, conf(`topic_id => keyed message_key => "%{message}" acks => all codec => plain { format => "<%{message}>" }`), nil)
		await(t, write(t, out.NewWriter(), `{"message":"a"}`, `{"message":"b"}`, `{"message":"a"}`))
		where := map[string]int32{}
		for _, r := range kafkatest.Consume(t, addr, "keyed", 3) {
			require.Equal(t, "<"+string(r.Key)+">", string(r.Value))
			if p, ok := where[string(r.Key)]; ok {
				require.Equal(t, p, r.Partition)
			}
			where[string(r.Key)] = r.Partition
		}
		require.Len(t, where, 2)
	})
	t.Run("too large", func(t *testing.T) { testTooLarge(t, admin, conf) })
	t.Run("no topic", func(t *testing.T) {
		dead := &graveyard{}
		out, env := open(t, conf(`topic_id => "%{app}"`), dead)
		await(t, write(t, out.NewWriter(), `{"a":1}`))
		require.Len(t, dead.letters, 1)
		require.Contains(t, dead.letters[0].Reason, `no topic can be called "%{app}"`)
		require.JSONEq(t, `{"a":1}`, string(dead.letters[0].Document))
		require.EqualValues(t, 1, env.Stats.DeadLettered.Load())
	})
	t.Run("restart", func(t *testing.T) { testRestart(t, broker, admin) })
}

// testTooLarge: of a batch that the broker finds too large every record is sent alone; only what is too large by itself is a dead letter.
func testTooLarge(t *testing.T, admin *kgo.Client, conf func(string) string) {
	kafkatest.Topic(t, admin, "narrow", 1, "max.message.bytes", "5000")
	dead := &graveyard{}
	out, env := open(t, conf(`topic_id => narrow codec => line`), dead)
	w := out.NewWriter()
	var docs []string
	for i := range 10 {
		docs = append(docs, fmt.Sprintf(`{"message":"%d %s"}`, i, strings.Repeat("x", 1000)))
	}
	docs = append(docs, fmt.Sprintf(`{"message":"%s"}`, strings.Repeat("y", 10_000)), fmt.Sprintf(`{"message":"%s"}`, strings.Repeat("z", 2<<20)))
	await(t, write(t, w, docs...))
	require.EqualValues(t, 10, env.Stats.Delivered.Load())
	require.EqualValues(t, 2, env.Stats.DeadLettered.Load())
	require.Contains(t, dead.letters[0].Reason, "MESSAGE_TOO_LARGE")
	for _, l := range dead.letters {
		require.Contains(t, docs[10:], string(l.Document))
	}
	out, env = open(t, conf(`topic_id => narrow codec => json`), nil)
	await(t, write(t, out.NewWriter(), docs[11]))
	require.EqualValues(t, 1, env.Stats.Dropped.Load())
}

// testRestart: a broker that is killed in the middle costs no event, and with acks => all none is there twice.
func testRestart(t *testing.T, broker *testenv.KafkaServer, admin *kgo.Client) {
	const batches, size = 40, 50
	kafkatest.Topic(t, admin, "restart", 2)
	out, env := open(t, fmt.Sprintf(`bootstrap_servers => %q topic_id => restart acks => all codec => plain { format => "%%{n}" } buffer_memory => 65536`, broker.Addr()), nil)
	w := out.NewWriter()
	var settled []<-chan struct{}
	for i := range batches {
		if i == batches/2 {
			broker.Kill()
		}
		var docs []string
		for j := range size {
			docs = append(docs, fmt.Sprintf(`{"n":%d}`, i*size+j))
		}
		settled = append(settled, write(t, w, docs...))
	}
	broker.Start()
	for _, s := range settled {
		await(t, s)
	}
	require.EqualValues(t, batches*size, env.Stats.Delivered.Load())
	seen := make([]int, batches*size)
	for _, r := range kafkatest.Consume(t, broker.Addr(), "restart", batches*size) {
		n, err := strconv.Atoi(string(r.Value))
		require.NoError(t, err)
		seen[n]++
	}
	for n, times := range seen {
		require.Equal(t, 1, times, "event %d", n)
	}
}

// TestBackPressure: a writer waits while the buffer is full, and a pipeline that ends gets out of it. There is no broker.
func TestBackPressure(t *testing.T) {
	built, diags := build(t, `bootstrap_servers => "127.0.0.1:1" topic_id => "t" buffer_memory => 65536`, nil)
	require.NotNil(t, built, diags.String())
	out := built.Output.(*output)
	require.NoError(t, out.Start(t.Context()))
	w := out.NewWriter()
	first := write(t, w, fmt.Sprintf(`{"message":%q}`, strings.Repeat("x", 70_000)))
	e := event.New(nil)
	require.NoError(t, w.Append(e))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	b := &event.Batch{Done: func(*event.Batch) { t.Error("a batch is settled that was not delivered") }}
	b.Expect(1)
	require.ErrorIs(t, w.Flush(ctx, b), context.DeadlineExceeded)
	require.NoError(t, out.Close(ctx))
	select {
	case <-first:
		t.Error("a batch is settled that was not delivered")
	default:
	}
	require.Zero(t, built.Env.Stats.Dropped.Load())
}

func TestRetriesThatEnd(t *testing.T) {
	out, env := open(t, `bootstrap_servers => "127.0.0.1:1" topic_id => "t" retries => 0 request_timeout_ms => 100`, nil)
	await(t, write(t, out.NewWriter(), `{"message":"x"}`))
	require.EqualValues(t, 1, env.Stats.Dropped.Load())
}

// TestAckTimeout: timeout_ms of old configs is how long brokers wait for replicas.
func TestAckTimeout(t *testing.T) {
	f := func(conf string, want time.Duration) {
		t.Helper()
		built, diags := build(t, `topic_id => "t" request_timeout_ms => 5000 `+conf, nil)
		require.NotNil(t, built, diags.String())
		cl, err := kgo.NewClient(built.Output.(*output).opts...)
		require.NoError(t, err)
		defer cl.Close()
		require.Equal(t, want, cl.OptValue(kgo.ProduceRequestTimeout))
	}
	f(``, 5*time.Second)
	f(`timeout_ms => 700`, 700*time.Millisecond)
}

func TestMistakes(t *testing.T) {
	f := func(conf, want string) {
		t.Helper()
		built, diags := build(t, conf, nil)
		require.Nil(t, built)
		require.Contains(t, diags.String(), want)
	}
	f(``, `option "topic_id" is required`)
	f(`topic_id => "a b"`, `no topic can be called "a b"`)
	f(`topic_id => "t" partitioner => "com.example.Mine"`, "no Java classes")
	f(`topic_id => "t" retries => -1`, "not negative")
	f(`topic_id => "t" value_serializer => "io.confluent.kafka.serializers.KafkaAvroSerializer"`, "the codec makes the rest")
	f(`topic_id => "t" broker_list => "x:9092"`, "write bootstrap_servers")
	f(`topic_id => "t" max_request_size => 1`, "not between 512")
	f(`topic_id => "t" linger_ms => 100000`, "a minute at most")
	f(`topic_id => "t" buffer_memory => 1`, "64 KiB at least")
	_, diags := build(t, `topic_id => "t" retries => 3`, nil)
	require.Equal(t, 1, diags.Count(config.Warning), diags.String())
	_, diags = build(t, `topic_id => "t" retries => 3`, &graveyard{})
	require.Zero(t, diags.Count(config.Warning), diags.String())
}

// BenchmarkAppend writes events into a turn.
func BenchmarkAppend(b *testing.B) {
	built, diags := build(b, `topic_id => "logs-%{app}" message_key => "%{app}" codec => json`, nil)
	require.NotNil(b, built, diags.String())
	w := built.Output.NewWriter().(*writer)
	e := event.New(nil)
	v, _, _, err := e.ParseJSON(`{"message":"192.0.2.7 - - GET /index.html 200 5316","app":"web","n":7}`)
	require.NoError(b, err)
	e.SetRoot(v.Object())
	b.ReportAllocs()
	for b.Loop() {
		if err := w.Append(e); err != nil {
			b.Fatal(err)
		}
		if len(w.turn.marks) == 500 {
			w.turn.reset()
		}
	}
}

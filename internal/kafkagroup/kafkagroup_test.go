package kafkagroup

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"millrace/internal/logging"
	"millrace/internal/throttle"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// sink counts the batches that it takes.
type sink struct{ n int }

func (s *sink) Push(context.Context, *event.Batch) error { s.n++; return nil }

func records(n int, value string) (all []*kgo.Record) {
	for i := range n {
		all = append(all, &kgo.Record{Topic: "t", Offset: int64(i), Value: []byte(value)})
	}
	return all
}

// TestOffsets: a partition's offset does not pass a batch that is not settled, whatever is settled behind it, and nothing of a partition
// that was given away counts.
func TestOffsets(t *testing.T) {
	source := new(event.Source)
	r := &Reader{
		Log: throttle.New(logging.Discard(), time.Second), Codec: new(plugin.Codec), Counters: NewCounters(new(plugin.Env), "kafka"),
		Source: func(string, int32) *event.Source { return source },
		Record: func(r *kgo.Record, record *event.Record, facts []event.Field) []event.Field {
			record.Data = string(r.Value)
			return facts
		},
	}
	cl, err := kgo.NewClient(append(Consumer("g", time.Second), kgo.ConsumeTopics("t"))...)
	require.NoError(t, err)
	defer func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // there is no broker to wait for
		_ = cl.LeaveGroupContext(ctx)
	}()
	out := new(sink)
	m := r.member(out)
	m.cl = cl
	var turn []parcel
	for i := range 3 {
		rs := records(10, "x")
		for j, r := range rs {
			r.Offset = int64(10*i + j)
		}
		turn = append(turn, m.take(kgo.Fetches{{Topics: []kgo.FetchTopic{{Topic: "t", Partitions: []kgo.FetchPartition{{Partition: 0, Records: rs}}}}}})...)
	}
	require.Len(t, turn, 3)
	marked := func() int64 { return cl.MarkedOffsets()["t"][0].Offset }
	for _, p := range turn {
		require.NoError(t, m.push(t.Context(), p))
	}
	turn[1].batch.Expect(0)
	require.Zero(t, marked())
	turn[0].batch.Expect(0)
	require.EqualValues(t, 20, marked())
	m.lost(t.Context(), cl, map[string][]int32{"t": {0}})
	turn[2].batch.Expect(0)
	require.EqualValues(t, 20, marked())
	require.Empty(t, m.parts)
	later := m.take(kgo.Fetches{{Topics: []kgo.FetchTopic{{Topic: "t", Partitions: []kgo.FetchPartition{{Partition: 0, Records: records(1, "x")}}}}}})
	m.mark(map[string][]int32{"t": {0}}, func(p *partition) { p.left = true })
	n := out.n
	require.NoError(t, m.push(t.Context(), later[0]))
	require.Equal(t, n, out.n, "nothing is pushed of a partition that is being given away")
}

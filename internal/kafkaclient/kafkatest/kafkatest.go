// Package kafkatest looks at a broker in tests from outside: it makes topics, fills and reads them, and asks for a group's offsets.
package kafkatest

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// patience is for a broker on a busy machine.
const patience = 60 * time.Second

// Client returns a client of the broker at addr that ends with the test.
func Client(t testing.TB, addr string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(addr), kgo.AlwaysRetryEOF(), kgo.RecordPartitioner(kgo.RoundRobinPartitioner())}, opts...)...)
	require.NoError(t, err)
	t.Cleanup(cl.Close)
	return cl
}

func deadline(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// Topic makes a topic. configs are its settings, name and value in turn.
func Topic(t testing.TB, cl *kgo.Client, name string, partitions int, configs ...string) {
	t.Helper()
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = name, int32(partitions), 1
	for i := 0; i < len(configs); i += 2 {
		c := kmsg.NewCreateTopicsRequestTopicConfig()
		c.Name, c.Value = configs[i], &configs[i+1]
		topic.Configs = append(topic.Configs, c)
	}
	req := kmsg.NewPtrCreateTopicsRequest()
	req.Topics = append(req.Topics, topic)
	answer, err := req.RequestWith(deadline(t), cl)
	require.NoError(t, err)
	require.NoError(t, kerr.ErrorForCode(answer.Topics[0].ErrorCode))
}

// Produce writes records whose values are the numbers from and up to below to.
func Produce(t testing.TB, cl *kgo.Client, topic string, from, to int) {
	t.Helper()
	var records []*kgo.Record
	for i := from; i < to; i++ {
		records = append(records, &kgo.Record{Topic: topic, Value: []byte(strconv.Itoa(i))})
	}
	require.NoError(t, cl.ProduceSync(deadline(t), records...).FirstErr())
}

// Consume returns the first n records of a topic, from its beginning.
func Consume(t testing.TB, addr, topic string, n int) (all []*kgo.Record) {
	t.Helper()
	cl := Client(t, addr, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	ctx := deadline(t)
	for len(all) < n {
		fetches := cl.PollFetches(ctx)
		require.NoError(t, ctx.Err(), fmt.Sprintf("%d of %d records of %s", len(all), n, topic))
		all = append(all, fetches.Records()...)
	}
	return all
}

// Committed returns the sum of the offsets that a group has committed for a topic.
func Committed(t testing.TB, cl *kgo.Client, group, topic string, partitions int) (sum int64) {
	t.Helper()
	req := kmsg.NewPtrOffsetFetchRequest()
	req.Group = group
	part := kmsg.NewOffsetFetchRequestTopic()
	part.Topic = topic
	for i := range partitions {
		part.Partitions = append(part.Partitions, int32(i))
	}
	req.Topics = append(req.Topics, part)
	g := kmsg.NewOffsetFetchRequestGroup()
	g.Group = group
	gt := kmsg.NewOffsetFetchRequestGroupTopic()
	gt.Topic, gt.Partitions = topic, part.Partitions
	g.Topics = append(g.Topics, gt)
	req.Groups = append(req.Groups, g)
	answer, err := req.RequestWith(deadline(t), cl)
	require.NoError(t, err)
	for _, topic := range answer.Topics {
		for _, p := range topic.Partitions {
			sum += max(p.Offset, 0)
		}
	}
	if len(answer.Topics) > 0 {
		return sum
	}
	for _, g := range answer.Groups {
		for _, topic := range g.Topics {
			for _, p := range topic.Partitions {
				sum += max(p.Offset, 0)
			}
		}
	}
	return sum
}

// Package kafkagroup reads topics for the inputs that speak Kafka's protocol, as members of a group of consumers. The offset of a record is
// committed when what became of it is delivered, or safe in the persistent queue, and never before.
package kafkagroup

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"millrace/internal/throttle"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Reader is what the members of a group have in common. What is not said to be optional has to be set.
type Reader struct {
	Log     *throttle.Logger
	Options []kgo.Opt // of clients, made by Consumer

	MaxPoll      int           // most records that are handed on at once
	RevokeLimit  time.Duration // how long a member may take to let go of partitions
	CommitAtOnce bool          // whenever a batch is settled, besides the interval

	// Codec is that of the records.
	Codec *plugin.Codec
	// Source returns what the records of a partition have in common.
	Source func(topic string, partition int32) *event.Source
	// Record makes a record of r, and appends what is known of it alone to facts.
	Record func(r *kgo.Record, record *event.Record, facts []event.Field) []event.Field
	// Facts is how many of them a record usually has; 0: none.
	Facts int
	// Mark, unless it is nil, returns what becomes of the data of each record when it is cut.
	Mark func(data string) string
	// Topic, unless it is empty, is one that has to be there: why it cannot be read is logged, with a hint.
	Topic, Hint string

	*Counters
}

// Counters are what the members of a group count.
type Counters struct{ Records, Rebalances, Errors *atomic.Int64 }

// NewCounters returns the counters of an input; their names begin with the prefix.
func NewCounters(env *plugin.Env, prefix string) *Counters {
	return &Counters{
		Records:    env.Counter(prefix+"_records", "Records read."),
		Rebalances: env.Counter(prefix+"_rebalances", "Times that partitions were taken from this member of the group."),
		Errors:     env.Counter(prefix+"_errors", "Errors of brokers and partitions while reading."),
	}
}

// Consumer returns the options of a client that is a member of the group of that name. Whatever it commits was marked by [Reader.Run].
func Consumer(group string, commitInterval time.Duration) []kgo.Opt {
	return []kgo.Opt{
		kgo.ConsumerGroup(group), kgo.BlockRebalanceOnPoll(), kgo.AutoCommitMarks(), kgo.AutoCommitInterval(max(commitInterval, 100*time.Millisecond)),
	}
}

// Run reads as one member of the group until ctx ends. opts are those that this member alone has.
func (r *Reader) Run(ctx context.Context, out plugin.Sink, opts ...kgo.Opt) error {
	m := r.member(out)
	all := append(r.Options[:len(r.Options):len(r.Options)], kgo.OnPartitionsRevoked(m.revoked), kgo.OnPartitionsLost(m.lost))
	cl, err := kgo.NewClient(append(all, opts...)...)
	if err != nil {
		return fmt.Errorf("making a client of Kafka: %w", err)
	}
	m.cl = cl
	if r.Topic == "" {
		return m.run(ctx)
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	asking, stop := context.WithCancel(ctx)
	defer stop()
	wg.Go(func() { r.ask(asking, cl) })
	return m.run(ctx)
}

// The times of asking whether a broker answers.
const (
	askLimit = 20 * time.Second
	askPause = 30 * time.Second
)

// ask says why the topic cannot be read, until it can: a client tries for ever, and some of what fails on the way it does not tell.
func (r *Reader) ask(ctx context.Context, cl *kgo.Client) {
	for ctx.Err() == nil {
		limited, cancel := context.WithTimeout(ctx, askLimit)
		err := cl.Ping(limited) // it tells sooner than a request what fails
		if err == nil {
			err = r.find(limited, cl)
		}
		cancel()
		if err == nil || ctx.Err() != nil {
			return
		}
		r.Errors.Add(1)
		r.Log.Error("the topic cannot be read; it is tried again", slog.String("topic", r.Topic), slog.Any("error", err), slog.String("hint", r.Hint))
		select {
		case <-time.After(askPause):
		case <-ctx.Done():
		}
	}
}

// find returns what the brokers say is wrong with the topic.
func (r *Reader) find(ctx context.Context, cl *kgo.Client) error {
	topic := kmsg.NewMetadataRequestTopic()
	topic.Topic = &r.Topic
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = append(req.Topics, topic)
	answer, err := req.RequestWith(ctx, cl)
	if err != nil {
		return err
	}
	for _, t := range answer.Topics {
		if err := kerr.ErrorForCode(t.ErrorCode); err != nil {
			return err
		}
	}
	return nil
}

func (r *Reader) member(out plugin.Sink) *member {
	return &member{r: r, out: out, parts: make(map[topicPartition]*partition), moved: make(chan struct{}), commit: make(chan struct{}, 1)}
}

// RunAll runs n members, or what else may fail, until ctx ends or one of them fails, which ends all: the pipeline runs all of them again.
func RunAll(ctx context.Context, n int, run func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	errs := make([]error, n)
	for i := range errs {
		wg.Go(func() {
			if errs[i] = run(ctx, i); errs[i] != nil {
				cancel()
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

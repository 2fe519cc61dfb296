// Package kafka reads topics of Kafka as a member of a group of consumers. The offset of a record is committed when what became of it is
// delivered, or safe in the persistent queue, and never before: after a crash a record comes again, but none is missing.
package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"millrace/internal/throttle"
	"millrace/pipeline/plugin"
)

// Plugin is the kafka input.
var Plugin = plugin.DefineInput("kafka", defaults(), New)

type input struct {
	o    Options
	env  *plugin.Env
	log  *throttle.Logger
	opts []kgo.Opt

	key, value deserializer
	basic      bool // events are told where their record was
	headers    bool // and its headers

	records, rebalances, broken, errors *atomic.Int64
}

// New checks the options; nothing is connected to.
func New(o Options, env *plugin.Env) (plugin.Input, error) {
	in := &input{
		o: o, env: env, log: throttle.New(env.Log, 30*time.Second),
		basic: o.DecorateEvents == "basic" || o.DecorateEvents == "true" || o.DecorateEvents == "extended", headers: o.DecorateEvents == "extended",
		records:    env.Counter("kafka_records", "Records read."),
		rebalances: env.Counter("kafka_rebalances", "Times that partitions were taken from this member of the group."),
		broken:     env.Counter("kafka_undecodable", "Keys and values that their deserializer could not read."),
		errors:     env.Counter("kafka_errors", "Errors of brokers and partitions while reading."),
	}
	var errs []error
	fail := func(option string, err error) {
		if err != nil {
			errs = append(errs, plugin.OptionError(option, err))
		}
	}
	if o.DecorateEvents == "true" || o.DecorateEvents == "false" {
		env.Warn("decorate_events", "true and false are deprecated: write basic, extended or none")
	}
	var err error
	in.key, err = newDeserializer(o.KeyDeserializer)
	fail("key_deserializer_class", err)
	in.value, err = newDeserializer(o.ValueDeserializer)
	fail("value_deserializer_class", err)
	if env.Codec().Name == "multiline" {
		fail("codec", errors.New("records of several senders come mixed, and each has an offset of its own; join lines before they are sent"))
	}
	opts, err := o.consumer(env)
	if err != nil {
		errs = append(errs, err)
	}
	in.opts = opts
	return in, errors.Join(errs...)
}

// Run consumes until ctx ends.
func (in *input) Run(ctx context.Context, out plugin.Sink) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	errs := make([]error, in.o.ConsumerThreads)
	for i := range errs {
		wg.Go(func() {
			if errs[i] = in.consume(ctx, i, out); errs[i] != nil {
				cancel() // the pipeline runs all of them again
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// consume is the life of one member of the group.
func (in *input) consume(ctx context.Context, i int, out plugin.Sink) error {
	m := &member{in: in, out: out, parts: make(map[topicPartition]*partition), moved: make(chan struct{}), commit: make(chan struct{}, 1)}
	opts := append(in.opts[:len(in.opts):len(in.opts)],
		kgo.ClientID(fmt.Sprintf("%s-%d", in.o.ClientID, i)), kgo.OnPartitionsRevoked(m.revoked), kgo.OnPartitionsLost(m.lost))
	if id := in.o.GroupInstanceID; id != "" {
		if in.o.ConsumerThreads > 1 {
			id = fmt.Sprintf("%s-%d", id, i)
		}
		opts = append(opts, kgo.InstanceID(id))
	}
	cl, err := kgo.NewClient(opts...)
	if err != nil {
		return fmt.Errorf("making a client of Kafka: %w", err)
	}
	m.cl = cl
	return m.run(ctx)
}

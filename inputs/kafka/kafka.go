// Package kafka reads topics of Kafka as a member of a group of consumers. The offset of a record is committed when what became of it is
// delivered, or safe in the persistent queue, and never before: after a crash a record comes again, but none is missing.
package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"millrace/internal/kafkagroup"
	"millrace/internal/throttle"
	"millrace/pipeline/plugin"
)

// Plugin is the kafka input.
var Plugin = plugin.DefineInput("kafka", defaults(), New)

type input struct {
	o      Options
	env    *plugin.Env
	log    *throttle.Logger
	reader kafkagroup.Reader

	key, value deserializer
	basic      bool // events are told where their record was
	headers    bool // and its headers

	broken *atomic.Int64
}

// New checks the options; nothing is connected to.
func New(o Options, env *plugin.Env) (plugin.Input, error) {
	in := &input{
		o: o, env: env, log: throttle.New(env.Log, 30*time.Second),
		basic: o.DecorateEvents == "basic" || o.DecorateEvents == "true" || o.DecorateEvents == "extended", headers: o.DecorateEvents == "extended",
		broken: env.Counter("kafka_undecodable", "Keys and values that their deserializer could not read."),
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
	in.reader = kafkagroup.Reader{
		Log: in.log, Options: opts, MaxPoll: o.MaxPollRecords, RevokeLimit: o.MaxPollInterval / 2, CommitAtOnce: !o.EnableAutoCommit,
		Codec: env.Codec(), Source: in.source, Record: in.record, Counters: kafkagroup.NewCounters(env, "kafka"),
	}
	if in.basic {
		in.reader.Facts = 3
	}
	return in, errors.Join(errs...)
}

// Run consumes until ctx ends.
func (in *input) Run(ctx context.Context, out plugin.Sink) error {
	return kafkagroup.RunAll(ctx, in.o.ConsumerThreads, func(ctx context.Context, i int) error {
		opts := []kgo.Opt{kgo.ClientID(fmt.Sprintf("%s-%d", in.o.ClientID, i))}
		if id := in.o.GroupInstanceID; id != "" {
			if in.o.ConsumerThreads > 1 {
				id = fmt.Sprintf("%s-%d", id, i)
			}
			opts = append(opts, kgo.InstanceID(id))
		}
		return in.reader.Run(ctx, out, opts...)
	})
}

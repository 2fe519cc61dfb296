package rabbitmq

import (
	"errors"
	"fmt"
	"math"
	"time"

	"millrace/internal/amqpclient"
	"millrace/internal/throttle"
	"millrace/pipeline/config"
	"millrace/pipeline/plugin"
)

// Plugin is the rabbitmq input.
var Plugin = plugin.DefineInput("rabbitmq", Options{
	Options: amqpclient.Defaults(), Key: "logstash", Threads: 1, PrefetchCount: 256, Ack: true, SubscriptionRetryInterval: 5 * time.Second,
	MetadataEnabled: "none",
}, New, plugin.WithCodec("json"))

// Options configures the input.
type Options struct {
	amqpclient.Options

	// Name of the queue to consume. Without one the server makes up a name, and the queue goes with the connection.
	Queue string `opt:"queue"`

	// The queue and the exchange survive a restart of the server. It has to be what a queue or exchange that is there was declared with.
	Durable bool `opt:"durable"`

	// The queue is deleted when its last consumer goes.
	AutoDelete bool `opt:"auto_delete"`

	// The queue belongs to this connection alone, and goes with it.
	Exclusive bool `opt:"exclusive"`

	// The queue has to be there already; nothing is declared of it.
	Passive bool `opt:"passive"`

	// Arguments of the queue, such as { "x-queue-type" => "quorum" }.
	Arguments config.Hash `opt:"arguments"`

	// Name of an exchange to bind the queue to.
	Exchange string `opt:"exchange"`

	// Type of the exchange, such as direct, fanout, topic or headers. With it the exchange is declared; without it, it has to be there.
	ExchangeType string `opt:"exchange_type"`

	// Routing key by which the queue is bound to the exchange.
	Key string `opt:"key"`

	// How many messages may be on their way at a time: received and not acknowledged. With ack that lasts until they are delivered, so that a
	// greater number helps where outputs are slow to answer.
	PrefetchCount int `opt:"prefetch_count"`

	// Acknowledge a message when what became of it is delivered, or safe in the persistent queue: what is lost in a crash is sent again. Without it,
	// a message is acknowledged when the pipeline has taken it.
	Ack bool `opt:"ack"`

	// How many connections consume side by side. With more than one the order of events is not kept.
	Threads int `opt:"threads"`

	// How long to wait before the queue is consumed again after the server refused or ended it.
	SubscriptionRetryInterval time.Duration `opt:"subscription_retry_interval_seconds,unit=s"`

	// What events are told of their message: nothing (none), its headers in [@metadata][rabbitmq_headers] and its properties in
	// [@metadata][rabbitmq_properties] (basic), and also its bytes in [@metadata][rabbitmq_payload] (extended). true stands for basic, false for
	// none.
	MetadataEnabled string `opt:"metadata_enabled,enum=none|basic|extended|true|false"`

	// Accepted for Logstash's sake: messages are taken as large as the server lets them be.
	MaxInboundMessageBodySize *int64 `opt:"max_inbound_message_body_size"`
}

// New checks the options; nothing is connected.
func New(o Options, env *plugin.Env) (plugin.Input, error) {
	var errs []error
	refuse := func(option, format string, args ...any) {
		errs = append(errs, plugin.OptionError(option, fmt.Errorf(format, args...)))
	}
	for option, name := range map[string]string{"queue": o.Queue, "exchange": o.Exchange, "exchange_type": o.ExchangeType, "key": o.Key} {
		if len(name) > amqpclient.MaxName {
			refuse(option, "it is longer than %d bytes", amqpclient.MaxName)
		}
	}
	if o.PrefetchCount < 1 || o.PrefetchCount > math.MaxUint16 {
		refuse("prefetch_count", "%d is not between 1 and %d", o.PrefetchCount, math.MaxUint16)
	}
	if o.Threads < 1 {
		refuse("threads", "%d is less than 1", o.Threads)
	}
	if o.SubscriptionRetryInterval < 0 {
		refuse("subscription_retry_interval_seconds", "a time is not negative")
	}
	if o.Passive && o.Queue == "" {
		refuse("passive", "a queue that is there already has a name: write queue")
	}
	if env.Codec().Name == "multiline" {
		refuse("codec", "messages of several senders come mixed, and each is acknowledged by itself; join lines before they are sent")
	}
	o.warn(env)
	arguments, err := amqpclient.Table(o.Arguments)
	if err != nil {
		refuse("arguments", "%w", err)
	}
	client, err := o.Client(env)
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, err
	}
	in := &input{
		o: o, env: env, client: client, arguments: arguments, log: throttle.New(env.Log, 30*time.Second),
		properties: o.MetadataEnabled != "none" && o.MetadataEnabled != "false", payload: o.MetadataEnabled == "extended",
		messages: env.Counter("rabbitmq_messages", "Messages received."),
		again:    env.Counter("rabbitmq_redelivered", "Messages received that the server had sent before, to this input or another consumer."),
		sessions: env.Counter("rabbitmq_connections", "Connections made."),
	}
	return in, nil
}

// warn tells of options that are not taken as they are written.
func (o *Options) warn(env *plugin.Env) {
	if o.MetadataEnabled == "true" || o.MetadataEnabled == "false" {
		env.Warn("metadata_enabled", "true and false are deprecated: write basic or none")
	}
	if o.MaxInboundMessageBodySize != nil {
		env.Warn("max_inbound_message_body_size", "option \"max_inbound_message_body_size\" has no effect: messages are taken as large as the server lets them be (max_message_size in its rabbitmq.conf)")
	}
	if o.Exchange == "" && o.ExchangeType != "" {
		env.Warn("exchange_type", "option \"exchange_type\" has no effect without exchange")
	}
	if amqpclient.Predefined(o.Exchange) && o.Exchange != "" && o.ExchangeType != "" {
		env.Warn("exchange_type", "option \"exchange_type\" has no effect: %s is the server's own exchange, which is not declared", o.Exchange)
	}
	if o.Threads > 1 && (o.Exclusive || o.Queue == "") {
		env.Warn("threads", "option \"threads\" has no effect, one connection is used: a queue that is exclusive or without a name belongs to one connection, and each further one would get every message once more")
		o.Threads = 1
	}
}

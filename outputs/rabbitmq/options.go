package rabbitmq

import (
	"errors"
	"fmt"
	"time"

	"millrace/internal/amqpclient"
	"millrace/internal/throttle"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin is the rabbitmq output.
var Plugin = plugin.DefineOutput("rabbitmq", Options{
	Options: amqpclient.Defaults(), Key: event.ParseTemplate("logstash"), Durable: true, Persistent: true,
}, New, plugin.WithCodec("json"))

// Options configures the output. An event counts as delivered when the server confirms its message; a message that no queue gets is confirmed as
// well, and counted as millrace_plugin_rabbitmq_unroutable_total.
type Options struct {
	amqpclient.Options

	// Name of the exchange to publish to. It is declared unless it is one of the server's own, such as amq.topic. With an empty name the server hands
	// a message to the queue that key names.
	Exchange string `opt:"exchange,required"`

	// Type of the exchange.
	ExchangeType string `opt:"exchange_type,required,enum=fanout|direct|topic|headers|x-consistent-hash|x-modulus-hash"`

	// The exchange survives a restart of the server. It has to be what an exchange that is there was declared with.
	Durable bool `opt:"durable"`

	// The exchange has to be there already; it is not declared.
	Passive bool `opt:"passive"`

	// Routing key of a message; references to fields and dates make it the event's own.
	Key event.Template `opt:"key"`

	// Have the server write messages to disk, in queues that are durable.
	Persistent bool `opt:"persistent"`

	// Properties of a message: app_id, content_encoding, content_type, correlation_id, expiration, headers, message_id, priority, reply_to, timestamp,
	// type and user_id. Values may refer to fields.
	MessageProperties config.Hash `opt:"message_properties"`

	// Accepted for Logstash's sake: they are of a queue, and the output declares none.
	Arguments config.Hash `opt:"arguments"`
}

// New checks the options; nothing is connected.
func New(o Options, env *plugin.Env) (plugin.Output, error) {
	var errs []error
	if len(o.Exchange) > amqpclient.MaxName {
		errs = append(errs, plugin.OptionError("exchange", fmt.Errorf("it is longer than %d bytes", amqpclient.MaxName)))
	}
	if err := o.Key.Err(); err != nil {
		errs = append(errs, plugin.OptionError("key", err))
	} else if o.Key.Static() && len(o.Key.String()) > amqpclient.MaxName {
		errs = append(errs, plugin.OptionError("key", errKey))
	}
	if len(o.Arguments) > 0 {
		env.Warn("arguments", "option \"arguments\" has no effect: they are of a queue, and the output declares none")
	}
	props, err := o.compile(env)
	client, clientErr := o.Client(env)
	if err := errors.Join(append(errs, err, clientErr)...); err != nil {
		return nil, err
	}
	codec := env.Codec()
	same := codec.Name == "json" && codec.Bare
	out := &output{
		o: o, env: env, client: client, props: props, log: throttle.New(env.Log, 30*time.Second), same: same, keep: env.DeadLetters != nil && !same,
		channels:   env.Counter("rabbitmq_channels", "Channels opened: more than one a worker tell of connections lost and attempts that failed."),
		unroutable: env.Counter("rabbitmq_unroutable", "Messages that the exchange handed to no queue."),
	}
	out.start()
	return out, nil
}

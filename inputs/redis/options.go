// Package redis reads events from lists and channels of Redis.
package redis

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"millrace/internal/redisclient"
	"millrace/internal/throttle"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin is the redis input.
var Plugin = plugin.DefineInput("redis", Options{
	Host: "127.0.0.1", Port: 6379, Timeout: 5 * time.Second, BatchCount: 125, Threads: 1, TLS: redisclient.DefaultTLS(),
}, New, plugin.WithCodec("json"))

// Options configures the input. What was taken from a list is no longer in Redis: if the machine fails before it is delivered, it is lost,
// unless the pipeline has a persistent queue. What the pipeline does not take as it stops is put back.
type Options struct {
	// Host of the server.
	Host string `opt:"host"`

	// Port of the server.
	Port int `opt:"port"`

	// Unix socket of the server, in place of host and port.
	Path string `opt:"path"`

	// Number of the database.
	DB int `opt:"db"`

	// How long a connection may take to be made, and a command that does not wait for data to be answered.
	Timeout time.Duration `opt:"timeout,unit=s"`

	// Password of the server.
	Password config.Password `opt:"password"`

	// Name of the list or channel, or a pattern of names of channels.
	Key string `opt:"key,required"`

	// Whether key is a list to take elements from (list), a channel to listen on (channel), or a pattern of channels (pattern_channel).
	// What is published while nobody listens is lost, as Redis does not keep it.
	DataType string `opt:"data_type,required,enum=list|channel|pattern_channel"`

	// How many elements to take from a list at a time.
	BatchCount int `opt:"batch_count"`

	// How many connections take from a list side by side. With more than one the order of events is not kept.
	Threads int `opt:"threads"`

	// Names that the server gives to commands in place of their own.
	CommandMap config.Map[string] `opt:"command_map"`

	redisclient.TLS

	Name  string `opt:"name,obsolete=it has no effect; id names a plugin"`
	Queue string `opt:"queue,removed=write key, and data_type => \"list\""`
}

// commands are those that the input sends and command_map may rename.
var commands = []string{"blpop", "evalsha", "lpop", "lpush", "lrange", "ltrim", "psubscribe", "script", "subscribe"}

// New checks the options; nothing is connected.
func New(o Options, env *plugin.Env) (plugin.Input, error) {
	var errs []error
	refuse := func(option, format string, args ...any) {
		errs = append(errs, plugin.OptionError(option, fmt.Errorf(format, args...)))
	}
	if o.Port < 1 || o.Port > 65535 {
		refuse("port", "%d is not a port", o.Port)
	}
	if o.DB < 0 {
		refuse("db", "%d is not the number of a database", o.DB)
	}
	if o.BatchCount < 1 {
		refuse("batch_count", "%d is less than 1", o.BatchCount)
	}
	if o.Threads < 1 {
		refuse("threads", "%d is less than 1", o.Threads)
	}
	if o.Key == "" {
		refuse("key", "a list or channel has a name")
	}
	if o.Timeout <= 0 {
		refuse("timeout", "a time is longer than nothing")
	}
	names, err := o.names(env)
	conf, tlsErr := o.Config(env)
	if err := errors.Join(append(errs, err, tlsErr)...); err != nil {
		return nil, err
	}
	if o.Path != "" && o.Host != "127.0.0.1" {
		env.Warn("host", "host and port are not used: path names a socket")
	}
	in := &input{
		o: o, env: env, tls: conf, names: names, log: throttle.New(env.Log, time.Minute), pause: time.Second,
		taken: env.Counter("redis_messages", "Elements and messages taken from Redis."),
		lost:  env.Counter("redis_lost", "Elements and messages that the pipeline did not take in time and that could not be put back."),
	}
	return in, nil
}

// names returns the names of the commands.
func (o *Options) names(env *plugin.Env) (map[string]string, error) {
	names := make(map[string]string, len(commands))
	for _, c := range commands {
		names[c] = c
	}
	var errs []error
	for _, p := range o.CommandMap {
		name := strings.ToLower(p.Key)
		switch {
		case p.Value == "" || strings.ContainsAny(p.Value, " '\\\r\n"):
			errs = append(errs, plugin.EntryError("command_map", p.Key, fmt.Errorf("%q is no name of a command", p.Value)))
		case name == o.subscription() && p.Value != name:
			errs = append(errs, plugin.EntryError("command_map", p.Key, fmt.Errorf("%s cannot be renamed: the client library sends it by its own name", name)))
		case !slices.Contains(commands, name):
			env.Warn("command_map", "the command %q is not used by this input", p.Key)
		default:
			names[name] = p.Value
		}
	}
	return names, errors.Join(errs...)
}

// subscription returns the command by which the input listens, "" for lists.
func (o *Options) subscription() string {
	switch o.DataType {
	case "channel":
		return "subscribe"
	case "pattern_channel":
		return "psubscribe"
	}
	return ""
}

// client returns what one thread talks to the server by.
func (in *input) client() *redisclient.Client {
	return redisclient.New(redisclient.Options{
		Host: in.o.Host, Port: in.o.Port, Path: in.o.Path, DB: in.o.DB, Password: in.o.Password.Reveal(), TLS: in.tls,
		Timeout: in.o.Timeout, Wait: in.o.Timeout + blockTime, Conns: 1,
	})
}

// channelField is where events from a channel have its name.
var channelField = event.MustPath("[@metadata][redis_channel]")

// Package redis appends events to lists of Redis, or publishes them on channels.
package redis

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"time"

	"millrace/internal/redisclient"
	"millrace/internal/throttle"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin is the redis output.
var Plugin = plugin.DefineOutput("redis", Options{
	Host: []string{"127.0.0.1"}, ShuffleHosts: true, Port: 6379, Timeout: 5 * time.Second, BatchEvents: 50, BatchTimeout: 5,
	ReconnectInterval: time.Second, CongestionInterval: time.Second, TLS: redisclient.DefaultTLS(),
}, New, plugin.WithCodec("json"))

// Options configures the output.
type Options struct {
	// Hosts of the servers, each with a port of its own if written host:port. One is used at a time; when it fails, the next.
	Host []string `opt:"host"`

	// Begin with a host that is chosen by chance.
	ShuffleHosts bool `opt:"shuffle_hosts"`

	// Port of hosts that are written without one.
	Port int `opt:"port"`

	// Number of the database.
	DB int `opt:"db"`

	// How long a connection may take to be made, and a command to be answered.
	Timeout time.Duration `opt:"timeout,unit=s"`

	// Password of the servers.
	Password config.Password `opt:"password"`

	// Name of the list or channel; references to fields and dates make it the event's own.
	Key event.Template `opt:"key"`

	// Whether key is a list, to whose end events are appended, or a channel, on which they are published.
	DataType string `opt:"data_type,enum=list|channel"`

	// Append up to batch_events with one command. Else each event is a command of its own; they are sent together in any case.
	Batch bool `opt:"batch"`

	// How many events one command appends with batch.
	BatchEvents int `opt:"batch_events"`

	// Accepted for Logstash's sake: what a worker has is sent at the end of each of its turns.
	BatchTimeout int `opt:"batch_timeout"`

	// How long to wait before a failed command is tried again.
	ReconnectInterval time.Duration `opt:"reconnect_interval,unit=s"`

	// Length of a list beyond which the output waits until somebody has taken from it; 0 is no limit.
	CongestionThreshold int64 `opt:"congestion_threshold"`

	// How often the length of a list is looked at; 0 is before each turn.
	CongestionInterval time.Duration `opt:"congestion_interval,unit=s"`

	redisclient.TLS

	Name  string         `opt:"name,obsolete=it has no effect; id names a plugin"`
	Queue event.Template `opt:"queue,obsolete=write key, and data_type => \"list\""`
}

// address is a server's.
type address struct {
	host string
	port int
}

// New checks the options; nothing is connected.
func New(o Options, env *plugin.Env) (plugin.Output, error) {
	var errs []error
	refuse := func(option, format string, args ...any) {
		errs = append(errs, plugin.OptionError(option, fmt.Errorf(format, args...)))
	}
	if o.Queue.String() != "" {
		if o.Key.String() != "" || o.DataType != "" {
			refuse("queue", "it excludes key and data_type")
		}
		o.Key, o.DataType = o.Queue, "list"
	}
	switch {
	case o.Key.String() == "":
		errs = append(errs, errors.New("the option key is required"))
	case o.Key.Err() != nil:
		errs = append(errs, plugin.OptionError("key", o.Key.Err()))
	}
	if o.DataType == "" {
		errs = append(errs, errors.New("the option data_type is required"))
	}
	if o.Batch && o.DataType == "channel" {
		refuse("batch", "what is published goes event by event; batch is for lists")
	}
	if o.BatchEvents < 1 {
		refuse("batch_events", "%d is less than 1", o.BatchEvents)
	}
	if o.DB < 0 {
		refuse("db", "%d is not the number of a database", o.DB)
	}
	if o.Timeout <= 0 {
		refuse("timeout", "a time is longer than nothing")
	}
	if o.CongestionThreshold < 0 {
		refuse("congestion_threshold", "a length is not negative")
	}
	addresses, err := o.addresses()
	conf, tlsErr := o.Config(env)
	if err := errors.Join(append(errs, err, tlsErr)...); err != nil {
		return nil, err
	}
	if o.CongestionThreshold > 0 && o.DataType == "channel" {
		env.Warn("congestion_threshold", "a channel has no length; the option is for lists")
		o.CongestionThreshold = 0
	}
	return &output{
		o: o, env: env, tls: conf, addresses: addresses, log: throttle.New(env.Log, time.Minute), checked: make(map[string]time.Time),
	}, nil
}

// addresses reads the hosts.
func (o *Options) addresses() ([]address, error) {
	if len(o.Host) == 0 {
		return nil, plugin.OptionError("host", errors.New("at least one host is needed"))
	}
	var list []address
	for _, text := range o.Host {
		host, port := text, o.Port
		if strings.Count(text, ":") == 1 || strings.HasPrefix(text, "[") {
			h, p, err := net.SplitHostPort(text)
			if err != nil {
				return nil, plugin.OptionError("host", err)
			}
			if port, err = strconv.Atoi(p); err != nil {
				return nil, plugin.OptionError("host", fmt.Errorf("%q is not a port", p))
			}
			host = h
		}
		if port < 1 || port > 65535 {
			return nil, plugin.OptionError("port", fmt.Errorf("%d is not a port", port))
		}
		list = append(list, address{strings.Trim(host, "[]"), port})
	}
	if o.ShuffleHosts {
		rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	}
	return list, nil
}

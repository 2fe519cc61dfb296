// Package udp sends events as datagrams.
package udp

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"millrace/internal/netout"
	"millrace/internal/throttle"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin is the udp output.
var Plugin = plugin.DefineOutput("udp", Options{RetryBackoff: 100 * time.Millisecond}, New, plugin.WithCodec("json"))

// Options configures the output. Nobody tells whether a datagram arrived.
type Options struct {
	// Host to send to.
	Host string `opt:"host,required"`

	// Port to send to; references to fields make it the event's own.
	Port event.Template `opt:"port,required"`

	// How often a datagram that the system did not take is sent again before its event is dropped.
	RetryCount int `opt:"retry_count"`

	// How long to wait before it is sent again.
	RetryBackoff time.Duration `opt:"retry_backoff_ms,unit=ms"`
}

// New checks the options; nothing is opened.
func New(o Options, env *plugin.Env) (plugin.Output, error) {
	var errs []error
	if o.Port.Err() != nil {
		errs = append(errs, plugin.OptionError("port", o.Port.Err()))
	} else if o.Port.Static() {
		if _, err := port(o.Port.String()); err != nil {
			errs = append(errs, plugin.OptionError("port", err))
		}
	}
	if o.RetryCount < 0 {
		errs = append(errs, plugin.OptionError("retry_count", errors.New("a count is not negative")))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &output{o: o, env: env, to: &netout.Datagrams{
		Host: o.Host, Tries: o.RetryCount + 1, Pause: o.RetryBackoff, Env: env, Log: throttle.New(env.Log, time.Minute),
	}}, nil
}

// port reads a port.
func port(text string) (int, error) {
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil || n < 1 || n > 65535 {
		return 0, fmt.Errorf("%q is not a port", text)
	}
	return n, nil
}

type output struct {
	o   Options
	env *plugin.Env
	to  *netout.Datagrams
}

// NewWriter implements plugin.Output.
func (o *output) NewWriter() plugin.Writer {
	var ports []int
	w := netout.NewWriter(o.env, func(ctx context.Context, t *netout.Turn) error {
		err := o.send(ctx, t, ports)
		ports = ports[:0]
		return err
	})
	encode := w.Encode
	w.Encode = func(t *netout.Turn, e *event.Event) error {
		text, err := o.o.Port.Text(e)
		if err != nil {
			return err
		}
		n, err := port(text)
		if err != nil {
			return err
		}
		if err := encode(t, e); err != nil {
			return err
		}
		ports = append(ports, n)
		return nil
	}
	return w
}

// send sends a turn, each event to its port.
func (o *output) send(ctx context.Context, t *netout.Turn, ports []int) error {
	for i, n := range ports {
		err := t.Records(i, func(r []byte) error { return o.to.SendTo(ctx, r, n) })
		if err != nil && ctx.Err() != nil {
			return ctx.Err()
		}
		o.to.Count(err)
	}
	return nil
}

// Close implements plugin.Output.
func (o *output) Close(context.Context) error { return o.to.Close() }

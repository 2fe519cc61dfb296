// Package lumberjack sends events to the lumberjack or beats input of another Logstash or Millrace, by version 1 of the Lumberjack protocol over
// TLS. A batch is settled when the server has acknowledged all of it.
package lumberjack

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"millrace/internal/netout"
	"millrace/internal/throttle"
	"millrace/internal/tlsconf"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin is the lumberjack output.
var Plugin = plugin.DefineOutput("lumberjack", Options{FlushSize: 1024}, New)

// Options configures the output. A server gets one field of an event, line, which is what the codec writes; the lumberjack and beats inputs make
// message of it.
type Options struct {
	// Names or addresses of the servers. One is used at a time, chosen by chance among all their addresses; when it fails, another.
	Hosts []string `opt:"hosts,required"`

	// Port of the servers.
	Port int `opt:"port,required"`

	// PEM file with the certificate of the servers, or of the authority that signed it. Nothing else is trusted, and names are not compared.
	Certificate string `opt:"ssl_certificate,path,required"`

	// How many events a server is sent at most before it has to acknowledge them.
	FlushSize int `opt:"flush_size"`

	IdleFlushTime float64 `opt:"idle_flush_time,obsolete=it has no effect: what there is is sent at once, and what comes while it is on its way goes together"`
	WindowSize    *int    `opt:"window_size,obsolete=write flush_size"`
}

// The bounds of what the output holds.
const (
	// maxHeld is the bytes that are not acknowledged: at 50 ms to a far server enough for 320 MB a second.
	maxHeld = 16 << 20
	// maxWindow is the bytes of one window, unless it is of one event alone.
	maxWindow = 1 << 20
)

// New checks the options; nothing is connected.
func New(o Options, env *plugin.Env) (plugin.Output, error) {
	var errs []error
	refuse := func(option, format string, args ...any) {
		errs = append(errs, plugin.OptionError(option, fmt.Errorf(format, args...)))
	}
	if len(o.Hosts) == 0 {
		refuse("hosts", "at least one host is needed")
	}
	for _, h := range o.Hosts {
		if _, _, err := net.SplitHostPort(h); err == nil || strings.TrimSpace(h) == "" {
			refuse("hosts", "%q is not the name or address of a host; the port is the option of that name", h)
		}
	}
	if o.Port < 1 || o.Port > 65535 {
		refuse("port", "%d is not a port", o.Port)
	}
	size := "flush_size"
	if o.WindowSize != nil {
		size, o.FlushSize = "window_size", *o.WindowSize
	}
	if o.FlushSize < 1 {
		refuse(size, "%d is less than 1", o.FlushSize)
	}
	conf, err := trust(o.Certificate)
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, err
	}
	out := &output{
		o: o, env: env, tls: conf, log: throttle.New(env.Log, 30*time.Second),
		connections: env.Counter("lumberjack_connections", "Connections made: more than one tell of some that were lost."),
	}
	out.box = netout.NewOutbox[turn](maxHeld, func() { (&sender{out: out}).run() })
	return out, nil
}

// trust returns the configuration of a client that trusts a certificate.
func trust(path string) (*tls.Config, error) {
	if _, err := os.ReadFile(path); err != nil {
		return nil, plugin.OptionError("ssl_certificate", err)
	}
	conf, err := (&tlsconf.Options{Authorities: []string{path}, VerificationMode: "certificate"}).Client()
	if err != nil {
		return nil, plugin.OptionError("ssl_certificate", fmt.Errorf("there is no certificate in %q", path))
	}
	return conf, nil
}

// output is shared by all workers.
type output struct {
	o           Options
	env         *plugin.Env
	tls         *tls.Config
	log         *throttle.Logger
	connections *atomic.Int64
	box         *netout.Outbox[turn]
}

// NewWriter implements plugin.Output.
func (out *output) NewWriter() plugin.Writer {
	return &writer{out: out, enc: out.env.NewEncoder(), turn: out.box.Turn()}
}

// Close implements plugin.Output.
func (out *output) Close(ctx context.Context) error {
	if out.box.Ctx.Err() != nil {
		return nil
	}
	left := out.box.Close(ctx)
	if left > 0 {
		out.env.Log.Warn("events could not be delivered in time", "bytes", left)
	}
	return nil
}

// writer encodes the events of one worker.
type writer struct {
	out  *output
	enc  plugin.Encoder
	turn *turn
}

// Append implements plugin.Writer.
func (w *writer) Append(e *event.Event) error {
	err := w.turn.add(w.enc, e)
	if err != nil && !w.out.env.Bury(err.Error(), e.AppendJSON(nil), plugin.Replayed(e)) {
		w.out.log.Warn("events that cannot be written are dropped", slog.Any("error", err))
	}
	return err
}

// Flush implements plugin.Writer.
func (w *writer) Flush(ctx context.Context, b *event.Batch) error {
	t := w.turn
	if len(t.ends) == 0 {
		b.Settle()
		return nil
	}
	t.b, t.left = b, len(t.ends)
	if err := w.out.box.Hand(ctx, t, len(t.buf)); err != nil {
		t.reset()
		return err
	}
	w.turn = w.out.box.Turn()
	return nil
}

// Package gelf receives messages of the Graylog Extended Log Format: datagrams that may be compressed and sent in chunks, and TCP
// connections whose messages end with a null byte.
package gelf

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"millrace/internal/stream"
	"millrace/internal/throttle"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin is the gelf input.
var Plugin = plugin.DefineInput("gelf", Options{Host: "0.0.0.0", Port: 12201, Remap: true, StripUnderscore: true, UseUDP: true}, New)

// Options configures the input. The option codec has no effect: a message is a JSON document.
type Options struct {
	// Address to listen on.
	Host string `opt:"host"`

	// Port to listen on, for TCP and UDP.
	Port int `opt:"port"`

	// Port for TCP, if not port.
	PortTCP *int `opt:"port_tcp"`

	// Port for UDP, if not port.
	PortUDP *int `opt:"port_udp"`

	// Whether to make full_message, or short_message where there is none, the event's message.
	Remap bool `opt:"remap"`

	// Whether to take the underscore off the names of additional fields.
	StripUnderscore bool `opt:"strip_leading_underscore"`

	// Listen for TCP connections.
	UseTCP bool `opt:"use_tcp"`

	// Listen for datagrams.
	UseUDP bool `opt:"use_udp"`
}

// New checks the options; nothing is opened.
func New(o Options, env *plugin.Env) (plugin.Input, error) {
	var errs []error
	pick := func(option string, own *int) int {
		port := o.Port
		if own != nil {
			port = *own
		}
		if port < 0 || port > 65535 {
			if own == nil {
				option = "port"
			}
			errs = append(errs, plugin.OptionError(option, fmt.Errorf("%d is not a port", port)))
		}
		return port
	}
	in := &input{
		o: o, env: env, log: throttle.New(env.Log, time.Minute),
		datagrams: env.Counter("gelf_datagrams", "Datagrams received."),
		broken:    env.Counter("gelf_unreadable", "Messages that are no GELF, or whose chunks did not all come; they are dropped."),
	}
	if o.UseTCP {
		in.portTCP = pick("port_tcp", o.PortTCP)
	}
	if o.UseUDP {
		in.portUDP = pick("port_udp", o.PortUDP)
	}
	if !o.UseTCP && !o.UseUDP {
		errs = append(errs, plugin.OptionError("use_udp", errors.New("use_tcp or use_udp must be true")))
	}
	return in, errors.Join(errs...)
}

type input struct {
	o                 Options
	env               *plugin.Env
	log               *throttle.Logger
	portTCP, portUDP  int
	datagrams, broken *atomic.Int64
	pool              stream.Pool

	udp, tcp atomic.Pointer[net.Addr] // of the sockets, for tests
}

// sourceHost is the field for the sender's address.
var sourceHost = event.MustPath("source_host")

func (in *input) source(ip string) *event.Source {
	return in.env.NewSource(event.SourceField{Path: sourceHost, Value: event.StringValue(ip)})
}

// Run reads until ctx ends.
func (in *input) Run(ctx context.Context, out plugin.Sink) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	errs := make([]error, 2)
	run := func(i int, use bool, serve func(context.Context, plugin.Sink) error) {
		if use {
			wg.Go(func() {
				defer cancel() // neither goes on without the other
				errs[i] = serve(ctx, out)
			})
		}
	}
	run(0, in.o.UseUDP, in.runUDP)
	run(1, in.o.UseTCP, in.runTCP)
	wg.Wait()
	return errors.Join(errs...)
}

// The end of a connection when the pipeline stops: what the kernel has received is read on until the peer is quiet, within a limit.
const (
	drainQuiet = 150 * time.Millisecond
	drainLimit = 2 * time.Second
)

func (in *input) runTCP(ctx context.Context, out plugin.Sink) error {
	var lc net.ListenConfig
	lc.SetMultipathTCP(false) // for StopAccepting
	l, err := lc.Listen(ctx, "tcp", net.JoinHostPort(in.o.Host, strconv.Itoa(in.portTCP)))
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }()
	addr := l.Addr()
	in.tcp.Store(&addr)
	in.env.Log.Info("listening", "address", addr.String(), "protocol", "tcp")
	stop := context.AfterFunc(ctx, func() { stream.StopAccepting(l) })
	defer stop()
	var wg sync.WaitGroup
	defer wg.Wait()
	return stream.Accept(ctx, l, in.log, func(c net.Conn) {
		wg.Go(func() {
			if err := in.serve(ctx, c, out); err != nil {
				in.log.Warn("a connection ended with an error", slog.String("peer", c.RemoteAddr().String()), slog.Any("error", err))
			}
		})
	})
}

// serve reads one connection until its end, or until it is quiet after that of ctx.
func (in *input) serve(ctx context.Context, c net.Conn, out plugin.Sink) error {
	defer func() { _ = c.Close() }()
	source := in.source(c.RemoteAddr().(*net.TCPAddr).AddrPort().Addr().Unmap().String())
	r := stream.NewReader(c, frames{}, stream.Limits{}).WithPool(&in.pool)
	stop := context.AfterFunc(ctx, func() { _ = c.SetReadDeadline(time.Now().Add(drainQuiet)) })
	defer stop()
	var late time.Time // when the drain ends; zero before it has begun
	for {
		b, err := r.Next()
		if ctx.Err() != nil && late.IsZero() {
			late = time.Now().Add(drainLimit)
		}
		if b != nil {
			b.Source = source
			if perr := in.push(ctx, out, b); perr != nil {
				return perr
			}
		}
		switch {
		case err == nil && !late.IsZero() && time.Now().Before(late):
			_ = c.SetReadDeadline(time.Now().Add(drainQuiet))
		case !late.IsZero():
			if b := r.Flush(); b != nil {
				b.Source = source
				return in.push(ctx, out, b)
			}
			return nil
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}

// push hands b over; when ctx has ended, within the time of the drain.
func (in *input) push(ctx context.Context, out plugin.Sink, b *event.Batch) error {
	return stream.Push(ctx, out, b, drainLimit, in.env.Log)
}

// Package unix reads records from connections over a Unix domain socket: it listens for them (mode server) or connects itself (mode
// client).
package unix

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"millrace/internal/stream"
	"millrace/internal/throttle"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin is the unix input.
var Plugin = plugin.DefineInput("unix", Options{DataTimeout: -1, Mode: "server", RetryInterval: defaultRetry}, New, plugin.WithCodec("line"), plugin.Streaming())

// Options configures the input.
type Options struct {
	// Path of the socket.
	Path string `opt:"path,required"`

	// Remove what is there before listening (mode server).
	ForceUnlink bool `opt:"force_unlink"`

	// Close a connection over which nothing came for so many seconds; -1 never does.
	DataTimeout float64 `opt:"data_timeout"`

	// Whether to listen for connections (server) or to make one (client).
	Mode string `opt:"mode,enum=server|client"`

	// Seconds between attempts to connect (mode client).
	RetryInterval float64 `opt:"socket_not_present_retry_interval_seconds"`
}

const defaultRetry = 5 // seconds

// New checks the options; nothing is opened.
func New(o Options, env *plugin.Env) (plugin.Input, error) {
	if o.Path == "" {
		return nil, plugin.OptionError("path", errors.New("a socket has a path"))
	}
	if o.DataTimeout != -1 && !(o.DataTimeout > 0) {
		return nil, plugin.OptionError("data_timeout", fmt.Errorf("%v is neither a time nor -1", o.DataTimeout))
	}
	if o.RetryInterval < 0 && o.Mode == "client" {
		env.Warn("socket_not_present_retry_interval_seconds", "%v is no interval: it is %d seconds", o.RetryInterval, defaultRetry)
	}
	if o.RetryInterval < 0 {
		o.RetryInterval = defaultRetry
	}
	if !(o.RetryInterval > 0) {
		return nil, plugin.OptionError("socket_not_present_retry_interval_seconds", errors.New("the interval must be longer than nothing"))
	}
	in := &input{o: o, env: env, log: throttle.New(env.Log, time.Minute)}
	host, file := "host", "path"
	if env.ECS.Enabled() {
		host, file = "[host][name]", "[file][path]"
	}
	in.source = env.NewSource(
		event.SourceField{Path: event.MustPath(host), Value: event.StringValue(env.Hostname)},
		event.SourceField{Path: event.MustPath(file), Value: event.StringValue(o.Path)})
	return in, nil
}

type input struct {
	o      Options
	env    *plugin.Env
	log    *throttle.Logger
	source *event.Source
	pool   stream.Pool
}

// Run serves connections until ctx ends.
func (in *input) Run(ctx context.Context, out plugin.Sink) error {
	if in.o.Mode == "client" {
		return in.connect(ctx, out)
	}
	if in.o.ForceUnlink {
		if err := os.Remove(in.o.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "unix", in.o.Path)
	if err != nil {
		return err
	}
	in.env.Log.Info("listening", "address", in.o.Path)
	defer func() { _ = l.Close() }()
	stop := context.AfterFunc(ctx, func() { stream.StopAccepting(l) })
	defer stop()
	var wg sync.WaitGroup
	defer wg.Wait()
	return stream.Accept(ctx, l, in.log, func(c net.Conn) { wg.Go(func() { in.serve(ctx, c, out) }) })
}

func (in *input) connect(ctx context.Context, out plugin.Sink) error {
	var d net.Dialer
	for ctx.Err() == nil {
		c, err := d.DialContext(ctx, "unix", in.o.Path)
		if err == nil {
			in.serve(ctx, c, out)
		} else {
			in.log.Warn("cannot connect", slog.Any("error", err))
		}
		pause(ctx, time.Duration(in.o.RetryInterval*float64(time.Second)))
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// The end: what the kernel has received is read on until the peer is quiet, within a limit, and handed over.
const (
	drainLimit = 2 * time.Second
	drainQuiet = 50 * time.Millisecond
)

// serve reads one connection to its end. When ctx ends it is drained.
func (in *input) serve(ctx context.Context, c net.Conn, out plugin.Sink) {
	defer func() { _ = c.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = c.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	r := stream.NewReader(c, in.env.NewFramer(), stream.Limits{}).WithPool(&in.pool)
	var late time.Time // when the drain ends; zero before it has begun
	for {
		in.setDeadline(ctx, c, r, late)
		b, err := r.Next()
		timeout := errors.Is(err, os.ErrDeadlineExceeded)
		ended := err != nil
		switch {
		case timeout && ctx.Err() != nil && late.IsZero():
			late, ended = time.Now().Add(drainLimit), false
		case timeout && ctx.Err() == nil && r.Pending() && r.IdleAfter() > 0:
			b, ended = r.Flush(), false
		case timeout && b == nil:
			b = r.Flush()
		}
		if b != nil && in.push(ctx, out, b) != nil {
			return
		}
		if ended || !late.IsZero() && time.Now().After(late) {
			if !timeout && !errors.Is(err, io.EOF) {
				in.log.Warn("a connection ended with an error", slog.Any("error", err))
			}
			return
		}
	}
}

// setDeadline sets how long to wait for data: until the end of a record is certain, data_timeout, or in the drain a moment.
func (in *input) setDeadline(ctx context.Context, c net.Conn, r *stream.Reader, late time.Time) {
	deadline := time.Time{}
	if in.o.DataTimeout > 0 {
		deadline = time.Now().Add(time.Duration(in.o.DataTimeout * float64(time.Second)))
	}
	if after := r.IdleAfter(); after > 0 && r.Pending() {
		deadline = time.Now().Add(after)
	}
	if !late.IsZero() {
		deadline = time.Now().Add(drainQuiet)
	}
	_ = c.SetReadDeadline(deadline)
	if late.IsZero() && ctx.Err() != nil { // ended in between: its deadline was overwritten
		_ = c.SetReadDeadline(time.Unix(1, 0))
	}
}

// push hands b over; when ctx has ended, within the time of the drain.
func (in *input) push(ctx context.Context, out plugin.Sink, b *event.Batch) error {
	b.Source = in.source
	return stream.Push(ctx, out, b, drainLimit, in.env.Log)
}

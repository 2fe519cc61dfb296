// Package udp reads datagrams. Each is a record of its own, whatever line ends it holds, unless the codec cuts it.
package udp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"millrace/internal/throttle"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin is the udp input.
var Plugin = plugin.DefineInput("udp", Options{Host: "0.0.0.0", BufferSize: 65536, Workers: 2, QueueSize: 2000}, New)

// Options configures the input.
type Options struct {
	// Address to listen on. A multicast address is joined.
	Host string `opt:"host"`

	// Port to listen on.
	Port int `opt:"port,required"`

	// Longest datagram, in bytes; a longer one is cut and tagged _record_too_long.
	BufferSize int `opt:"buffer_size"`

	// Size of the kernel's buffer for the socket, in bytes; the system's default if not given. What does not fit there while the
	// pipeline is behind is lost, as UDP is.
	ReceiveBufferBytes int `opt:"receive_buffer_bytes"`

	// How many readers take datagrams from the socket. With more than one the order of datagrams is not kept.
	Workers int `opt:"workers"`

	// Most datagrams that all readers together take from the kernel before they hand them on.
	QueueSize int `opt:"queue_size"`

	// Field for the sender's address; host, or [host][ip] with ECS, if not given.
	SourceIPFieldname event.Path `opt:"source_ip_fieldname"`
}

// New checks the options; nothing is opened.
func New(o Options, env *plugin.Env) (plugin.Input, error) {
	var errs []error
	if o.Port < 0 || o.Port > 65535 {
		errs = append(errs, plugin.OptionError("port", fmt.Errorf("%d is not a port", o.Port)))
	}
	atLeastOne := func(option string, n int) {
		if n < 1 {
			errs = append(errs, plugin.OptionError(option, fmt.Errorf("%d is less than 1", n)))
		}
	}
	atLeastOne("buffer_size", o.BufferSize)
	atLeastOne("workers", o.Workers)
	atLeastOne("queue_size", o.QueueSize)
	if o.ReceiveBufferBytes < 0 {
		errs = append(errs, plugin.OptionError("receive_buffer_bytes", errors.New("a size is not negative")))
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	o.BufferSize = min(o.BufferSize, maxDatagram)
	in := &input{
		o: o, env: env, log: throttle.New(env.Log, time.Minute), field: &o.SourceIPFieldname,
		datagrams: env.Counter("udp_datagrams", "Datagrams received."),
		cut:       env.Counter("udp_truncated", "Datagrams longer than buffer_size, which were cut."),
	}
	if o.SourceIPFieldname.IsZero() {
		in.field = event.MustPath("host")
		if env.ECS.Enabled() {
			in.field = event.MustPath("[host][ip]")
		}
	}
	return in, nil
}

// maxDatagram is more than any UDP datagram holds.
const maxDatagram = 64 << 10

type input struct {
	o     Options
	env   *plugin.Env
	log   *throttle.Logger
	field *event.Path // of the sender's address

	datagrams, cut *atomic.Int64

	addr atomic.Pointer[net.UDPAddr] // of the socket, for tests
}

// Run reads until ctx ends, and then what the kernel has received by that time.
func (in *input) Run(ctx context.Context, out plugin.Sink) error {
	c, err := in.listen(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	in.setReceiveBuffer(c)
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	in.addr.Store(c.LocalAddr().(*net.UDPAddr))
	in.env.Log.Info("listening", "address", c.LocalAddr().String(), "protocol", "udp")
	stop := context.AfterFunc(ctx, func() { _ = c.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	var wg sync.WaitGroup
	errs := make([]error, in.o.Workers)
	for i := range errs {
		wg.Go(func() { errs[i] = newReader(in, raw, out).run(ctx) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (in *input) listen(ctx context.Context) (*net.UDPConn, error) {
	if ip, err := netip.ParseAddr(in.o.Host); err == nil && ip.IsMulticast() {
		return net.ListenMulticastUDP("udp", nil, &net.UDPAddr{IP: ip.AsSlice(), Port: in.o.Port, Zone: ip.Zone()})
	}
	var lc net.ListenConfig
	c, err := lc.ListenPacket(ctx, "udp", net.JoinHostPort(in.o.Host, strconv.Itoa(in.o.Port)))
	if err != nil {
		return nil, err
	}
	return c.(*net.UDPConn), nil
}

// setReceiveBuffer asks for the size of the kernel's buffer, and says so if the system gives less.
func (in *input) setReceiveBuffer(c *net.UDPConn) {
	want := in.o.ReceiveBufferBytes
	if want == 0 {
		return
	}
	err := c.SetReadBuffer(want)
	if got := receiveBuffer(c); err != nil || got < want {
		in.env.Log.Warn("the system gives the socket a smaller buffer than receive_buffer_bytes; see net.core.rmem_max",
			slog.Int("wanted", want), slog.Int("got", got), slog.Any("error", err))
	}
}

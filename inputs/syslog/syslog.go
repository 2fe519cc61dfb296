// Package syslog receives syslog messages over TCP and UDP on one port, and takes them apart as RFC 3164 describes them. One that is
// none stays as it is and is tagged.
package syslog

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"millrace/filters/grok/patterns"
	"millrace/internal/joda"
	"millrace/internal/lines"
	"millrace/internal/onig"
	"millrace/internal/stream"
	"millrace/internal/throttle"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin is the syslog input.
var Plugin = plugin.DefineInput("syslog", Options{
	Host: "0.0.0.0", Port: 514, SyslogField: *event.MustPath("message"), UseLabels: true, ServiceType: "system",
	FacilityLabels: []string{
		"kernel", "user-level", "mail", "system", "security/authorization", "syslogd", "line printer", "network news", "UUCP", "clock",
		"security/authorization", "FTP", "NTP", "log audit", "log alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
	},
	SeverityLabels: []string{"Emergency", "Alert", "Critical", "Error", "Warning", "Notice", "Informational", "Debug"},
}, New)

// Options configures the input.
type Options struct {
	// Address to listen on.
	Host string `opt:"host"`

	// Port to listen on, for TCP and UDP.
	Port int `opt:"port"`

	// Field of the event that holds the syslog message, for codecs that make several fields.
	SyslogField event.Path `opt:"syslog_field"`

	// Grok pattern of a message, in place of <%{POSINT:priority}>%{SYSLOGLINE}.
	GrokPattern string `opt:"grok_pattern"`

	// Expect a PROXY protocol header, version 1, at the start of each TCP connection.
	ProxyProtocol bool `opt:"proxy_protocol"`

	// Whether to name facility and severity.
	UseLabels bool `opt:"use_labels"`

	// Names of the facilities, from 0 on.
	FacilityLabels []string `opt:"facility_labels"`

	// Names of the severities, from 0 on.
	SeverityLabels []string `opt:"severity_labels"`

	// Time zone of times that do not tell theirs; that of the machine if not given.
	Timezone string `opt:"timezone"`

	// Language of the names of months.
	Locale string `opt:"locale"`

	// Value of [service][type], with ECS.
	ServiceType string `opt:"service_type"`
}

// New checks the options; nothing is opened.
func New(o Options, env *plugin.Env) (plugin.Input, error) {
	in := &input{
		o: o, env: env, log: throttle.New(env.Log, time.Minute), field: &o.SyslogField, names: legacyNames,
		received: env.Counter("syslog_messages", "Messages received."),
		unknown:  env.Counter("syslog_unknown", "Messages that are not of the form expected."),
	}
	mode, pattern := patterns.Legacy, "<%{POSINT:priority}>%{SYSLOGLINE}"
	if env.ECS.Enabled() {
		in.names = ecsNames
		mode, pattern = patterns.ECS, "<%{POSINT:[log][syslog][priority]:int}>%{SYSLOGLINE}"
	}
	var errs []error
	if o.Port < 0 || o.Port > 65535 {
		errs = append(errs, plugin.OptionError("port", fmt.Errorf("%d is not a port", o.Port)))
	}
	if o.GrokPattern != "" {
		pattern = o.GrokPattern
	}
	var err error
	if in.pattern, _, err = patterns.Library(mode).Compile(pattern, true); err != nil {
		errs = append(errs, plugin.OptionError("grok_pattern", err))
	} else if err := in.groups(); err != nil {
		errs = append(errs, plugin.OptionError("grok_pattern", err))
	}
	return in, errors.Join(append(errs, in.times())...)
}

// times compiles the formats of times.
func (in *input) times() error {
	o := joda.Options{Locale: in.o.Locale}
	if in.o.Timezone != "" {
		z, err := joda.LoadZone(in.o.Timezone)
		if err != nil {
			return plugin.OptionError("timezone", err)
		}
		o.Zone = z
	}
	for _, format := range []string{"MMM  d HH:mm:ss", "MMM dd HH:mm:ss", "MMM d HH:mm:ss", "ISO8601"} {
		p, err := joda.NewParser(format, o)
		if err != nil {
			return plugin.OptionError("locale", err)
		}
		in.parsers = append(in.parsers, p)
	}
	return nil
}

type input struct {
	o       Options
	env     *plugin.Env
	log     *throttle.Logger
	field   *event.Path
	names   *fieldNames
	pattern *onig.Regexp
	capture []capture
	parsers []*joda.Parser

	received, unknown *atomic.Int64

	addr atomic.Pointer[net.TCPAddr] // of the listener, for tests
}

// Run serves both protocols until ctx ends.
func (in *input) Run(ctx context.Context, out plugin.Sink) error {
	var lc net.ListenConfig
	lc.SetMultipathTCP(false) // for StopAccepting
	l, err := lc.Listen(ctx, "tcp", net.JoinHostPort(in.o.Host, strconv.Itoa(in.o.Port)))
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }()
	addr := l.Addr().(*net.TCPAddr)
	u, err := net.ListenUDP("udp", &net.UDPAddr{IP: addr.IP, Port: addr.Port, Zone: addr.Zone})
	if err != nil {
		return err
	}
	defer func() { _ = u.Close() }()
	in.addr.Store(addr)
	in.env.Log.Info("listening", "address", addr.String(), "protocol", "tcp and udp")
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		stream.StopAccepting(l)
		_ = u.SetReadDeadline(time.Unix(1, 0))
	})
	defer stop()
	var wg sync.WaitGroup
	var failed error
	wg.Go(func() {
		defer cancel()
		failed = in.datagrams(ctx, u, out)
	})
	err = stream.Accept(ctx, l, in.log, func(c net.Conn) { wg.Go(func() { in.serve(ctx, c, out) }) })
	cancel()
	wg.Wait()
	return errors.Join(err, failed)
}

// The end: what the kernel has received is read on until the peer is quiet, within a limit, and handed over.
const (
	drainLimit = 2 * time.Second
	drainQuiet = 50 * time.Millisecond
)

// push hands b over; when ctx has ended, within the time of the drain.
func (in *input) push(ctx context.Context, out plugin.Sink, b *event.Batch, source *event.Source) error {
	in.received.Add(int64(b.Len()))
	b.Source = source
	return stream.Push(ctx, out, b, drainLimit, in.env.Log)
}

// The sizes of datagrams and of the chunks that they are received into.
const (
	maxDatagram = 64 << 10
	chunkBytes  = 256 << 10
	maxPeers    = 4096
)

// datagrams receives messages by UDP: a datagram is one.
func (in *input) datagrams(ctx context.Context, u *net.UDPConn, out plugin.Sink) error {
	sources := make(map[netip.Addr]*event.Source)
	chunk := make([]byte, chunkBytes)
	var late time.Time // when the drain ends; zero before it has begun
	for {
		if len(chunk) < maxDatagram {
			chunk = make([]byte, chunkBytes)
		}
		n, from, err := u.ReadFromUDPAddrPort(chunk[:maxDatagram])
		if ctx.Err() != nil && err != nil {
			if late.IsZero() {
				late = time.Now().Add(drainLimit)
			} else {
				return nil // quiet, or the time is over
			}
			_ = u.SetReadDeadline(time.Now().Add(drainQuiet)) // what the kernel has received is read on
			continue
		}
		if err != nil {
			return err
		}
		if !late.IsZero() && time.Now().Before(late) {
			_ = u.SetReadDeadline(time.Now().Add(drainQuiet))
		}
		addr := from.Addr().Unmap()
		if sources[addr] == nil {
			if len(sources) >= maxPeers {
				clear(sources)
			}
			sources[addr] = in.source(addr.String())
		}
		data := unsafe.String(unsafe.SliceData(chunk), n)
		chunk = chunk[n:]
		b := &event.Batch{Time: time.Now(), Bytes: n, Records: []event.Record{{Data: data}}}
		if in.env.CutsStreams() {
			f := in.env.NewFramer()
			records, rest := f.Frame(data, nil)
			b.Records = f.Flush(rest, records)
		}
		if err := in.push(ctx, out, b, sources[addr]); err != nil {
			return err
		}
	}
}

func (in *input) source(ip string) *event.Source {
	return in.env.NewSource(event.SourceField{Path: in.names.host, Value: event.StringValue(ip)})
}

// serve receives messages by TCP: a line is one, newline included, as with Logstash, unless the codec cuts them.
func (in *input) serve(ctx context.Context, c net.Conn, out plugin.Sink) {
	defer func() { _ = c.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = c.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	ip, _, _ := net.SplitHostPort(c.RemoteAddr().String())
	var r io.Reader = c
	if in.o.ProxyProtocol {
		br := bufio.NewReaderSize(c, 4<<10)
		var err error
		if ip, err = proxied(br, ip); err != nil {
			in.log.Warn("a connection does not begin with a PROXY header", slog.Any("error", err))
			return
		}
		r = br
	}
	var framer plugin.Framer = &lines.Ends{}
	if in.env.CutsStreams() {
		framer = in.env.NewFramer()
	}
	source := in.source(ip)
	reader := stream.NewReader(r, framer, stream.Limits{})
	var late time.Time // when the drain ends; zero before it has begun
	for {
		if late.IsZero() {
			reader.SetIdleDeadline(ctx, c)
		}
		b, err := reader.Next()
		switch {
		case !errors.Is(err, os.ErrDeadlineExceeded) || !late.IsZero():
		case ctx.Err() != nil:
			late, err = time.Now().Add(drainLimit), nil
		default: // what is pending has been for long enough
			b, err = reader.Flush(), nil
		}
		if !late.IsZero() && time.Now().Before(late) {
			_ = c.SetReadDeadline(time.Now().Add(drainQuiet))
		}
		if errors.Is(err, os.ErrDeadlineExceeded) && b == nil {
			b = reader.Flush()
		}
		if b != nil {
			if perr := in.push(ctx, out, b, source); perr != nil {
				return
			}
		}
		if err != nil {
			if !errors.Is(err, io.EOF) && ctx.Err() == nil {
				in.log.Warn("a connection ended with an error", slog.String("peer", ip), slog.Any("error", err))
			}
			return
		}
	}
}

// proxied reads a PROXY header of version 1 and returns the client's address: that of the proxy if it speaks for itself (UNKNOWN), as it does to
// see whether somebody listens.
func proxied(r *bufio.Reader, proxy string) (string, error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return "", err
	}
	f := strings.Fields(string(line))
	if len(f) >= 2 && f[0] == "PROXY" && f[1] == "UNKNOWN" {
		return proxy, nil
	}
	if len(f) != 6 || f[0] != "PROXY" {
		return "", fmt.Errorf("%q is no PROXY header", line)
	}
	addr, err := netip.ParseAddr(f[2])
	return addr.Unmap().String(), err
}

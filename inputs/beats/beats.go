// Package beats receives events of Beats, the Elastic Agent and other senders of the Lumberjack protocol, versions 1 and 2. A sender is
// told of a window of events when it is delivered, or safe in the persistent queue; what it is not told of it sends again.
package beats

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"millrace/inputs/internal/servertls"
	"millrace/internal/stream"
	"millrace/internal/throttle"
	"millrace/internal/tlsconf"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin is the beats input.
var Plugin = plugin.DefineInput("beats", defaults(false), New, plugin.WithAliases("elastic_agent"))

// Lumberjack is the lumberjack input: the same protocol, always encrypted.
var Lumberjack = plugin.DefineInput("lumberjack", defaults(true), New)

func defaults(encrypted bool) Options {
	o := Options{Options: servertls.Defaults(), Host: "0.0.0.0", IncludeCodecTag: true, ClientInactivityTimeout: 60}
	o.SSL = encrypted
	return o
}

// Options configures the input.
type Options struct {
	servertls.Options

	// Address to listen on.
	Host string `opt:"host"`

	// Port to listen on.
	Port int `opt:"port,required"`

	// Close the connection of a client that sends nothing for so many seconds, while nothing of it waits for delivery; 0 never does.
	ClientInactivityTimeout int `opt:"client_inactivity_timeout"`

	// What to add to events: codec_metadata (a tag that names the codec), source_metadata (the client's address), ssl_peer_metadata (the
	// client's certificate), all or none. The first two by default.
	Enrich []string `opt:"enrich"`

	// Whether to add the tag that names the codec.
	IncludeCodecTag bool `opt:"include_codec_tag,deprecated=write enrich without codec_metadata"`

	// Set host to the name that the beat gives, where an event has no host.
	AddHostname bool `opt:"add_hostname,deprecated=the beat's own fields tell it"`

	// Accepted for Logstash's sake: each connection has a goroutine of its own.
	ExecutorThreads int `opt:"executor_threads"`

	// Accepted for Logstash's sake, as executor_threads.
	EventLoopThreads int `opt:"event_loop_threads"`

	OldPeerMetadata     bool `opt:"ssl_peer_metadata,obsolete=write enrich with ssl_peer_metadata"`
	CongestionThreshold int  `opt:"congestion_threshold,obsolete=it has no effect"`
	MaxClients          int  `opt:"max_clients,obsolete=it has no effect: a connection costs little, and the queue bounds what all of them hold"`

	CodecTarget string `opt:"target_field_for_codec,obsolete=the text is always that of the field message"`
}

// New checks the options; nothing is opened.
func New(o Options, env *plugin.Env) (plugin.Input, error) {
	o.MapObsolete()
	in := &input{
		o: o, env: env, log: throttle.New(env.Log, time.Minute), tag: o.IncludeCodecTag, address: true, certificate: o.OldPeerMetadata,
		connections: env.Counter("beats_connections", "Connections accepted."),
		windows:     env.Counter("beats_windows", "Windows of events received."),
		cut:         env.Counter("beats_resets", "Connections that ended with an error."),
	}
	var errs []error
	if o.Port < 0 || o.Port > 65535 {
		errs = append(errs, plugin.OptionError("port", fmt.Errorf("%d is not a port", o.Port)))
	}
	if o.ClientInactivityTimeout < 0 {
		errs = append(errs, plugin.OptionError("client_inactivity_timeout", errors.New("a time is not negative")))
	}
	if env.Codec().Name == "multiline" {
		errs = append(errs, plugin.OptionError("codec", errors.New("lines of several sources come mixed; join them in the beat, by its option multiline")))
	}
	if o.Enrich != nil {
		errs = append(errs, in.enrich(o.Enrich)...)
	}
	if !o.SSL {
		env.WarnIdle("ssl_", "ssl_enabled => true", "ssl_enabled", "ssl_peer_metadata")
	}
	var err error
	if in.tls, err = o.Server(tlsconf.Options{}); err != nil {
		errs = append(errs, err)
	}
	return in, errors.Join(errs...)
}

// enrich reads the option of that name.
func (in *input) enrich(what []string) (errs []error) {
	has := func(name string) bool { return slices.Contains(what, name) || slices.Contains(what, "all") }
	in.tag, in.address, in.certificate = has("codec_metadata"), has("source_metadata"), has("ssl_peer_metadata")
	for _, w := range what {
		switch w {
		case "codec_metadata", "source_metadata", "ssl_peer_metadata":
		case "all", "none":
			if len(what) > 1 {
				errs = append(errs, plugin.OptionError("enrich", fmt.Errorf("%q stands alone", w)))
			}
		default:
			errs = append(errs, plugin.OptionError("enrich", fmt.Errorf("%q is none of codec_metadata, source_metadata, ssl_peer_metadata, all, none", w)))
		}
	}
	return errs
}

type input struct {
	o   Options
	env *plugin.Env
	log *throttle.Logger
	tls *tls.Config

	tag, address, certificate bool // what events are enriched with

	connections, windows, cut *atomic.Int64

	addr atomic.Pointer[net.TCPAddr] // of the listener, for tests
}

// Run serves connections until ctx ends.
func (in *input) Run(ctx context.Context, out plugin.Sink) error {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", net.JoinHostPort(in.o.Host, strconv.Itoa(in.o.Port)))
	if err != nil {
		return err
	}
	in.addr.Store(l.Addr().(*net.TCPAddr))
	in.env.Log.Info("listening", "address", l.Addr().String(), "tls", in.tls != nil)
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	var wg sync.WaitGroup
	defer wg.Wait()
	return stream.Accept(ctx, l, in.log, func(c net.Conn) {
		in.connections.Add(1)
		wg.Go(func() { in.serve(ctx, c, out) })
	})
}

// serve reads one connection to its end or that of ctx.
func (in *input) serve(ctx context.Context, c net.Conn, out plugin.Sink) {
	defer func() { _ = c.Close() }()
	ip, _, _ := net.SplitHostPort(c.RemoteAddr().String())
	s := newSession(in, c, out)
	var err error
	if in.tls != nil {
		err = s.secure(ctx)
	}
	if err == nil {
		s.source = in.source(ip, s.c)
		err = s.run(ctx)
	}
	if err != nil && ctx.Err() == nil {
		in.cut.Add(1)
		in.log.Warn("a connection ended with an error", slog.String("peer", ip), slog.Any("error", err))
	}
}

func newSession(in *input, c net.Conn, out plugin.Sink) *session {
	return &session{in: in, c: c, out: out, acks: make(chan *window, maxUnsettled), acked: make(chan struct{})}
}

// source returns what is known of a client.
func (in *input) source(ip string, c net.Conn) *event.Source {
	var fields []event.SourceField
	set := func(legacy, ecs *event.Path, text string) {
		if in.env.ECS.Enabled() {
			legacy = ecs
		}
		fields = append(fields, event.SourceField{Path: legacy, Value: event.StringValue(text)})
	}
	if in.address {
		set(legacyIP, ecsIP, ip)
	}
	if t, ok := c.(*tls.Conn); ok && in.certificate {
		state := t.ConnectionState()
		if len(state.PeerCertificates) == 0 {
			set(peerStatus, peerStatus, "unverified")
		} else {
			set(peerStatus, peerStatus, "verified")
			set(legacySubject, ecsSubject, state.PeerCertificates[0].Subject.String())
			set(legacyProtocol, ecsProtocol, tls.VersionName(state.Version))
			set(legacyCipher, ecsCipher, tls.CipherSuiteName(state.CipherSuite))
		}
	}
	return in.env.NewSource(fields...)
}

var (
	legacyIP       = event.MustPath("[@metadata][ip_address]")
	ecsIP          = event.MustPath("[@metadata][input][beats][host][ip]")
	peerStatus     = event.MustPath("[@metadata][tls_peer][status]")
	legacySubject  = event.MustPath("[@metadata][tls_peer][subject]")
	ecsSubject     = event.MustPath("[@metadata][input][beats][tls][client][subject]")
	legacyProtocol = event.MustPath("[@metadata][tls_peer][protocol]")
	ecsProtocol    = event.MustPath("[@metadata][input][beats][tls][version_protocol]")
	legacyCipher   = event.MustPath("[@metadata][tls_peer][cipher_suite]")
	ecsCipher      = event.MustPath("[@metadata][input][beats][tls][cipher]")
)

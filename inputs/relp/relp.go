// Package relp receives syslog messages over the Reliable Event Logging Protocol of rsyslog. A sender is told of a message when it is
// delivered, or safe in the persistent queue; what it is not told of it sends again.
package relp

import (
	"context"
	"crypto/tls"
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
	"millrace/internal/tlsconf"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin is the relp input.
var Plugin = plugin.DefineInput("relp", Options{Host: "0.0.0.0"}, New)

// Options configures the input.
type Options struct {
	// Address to listen on.
	Host string `opt:"host"`

	// Port to listen on.
	Port int `opt:"port,required"`

	// Encrypt connections.
	SSL bool `opt:"ssl_enable,alias=ssl_enabled"`

	// Whether clients must show a certificate; only with ssl_cacert.
	SSLVerify *bool `opt:"ssl_verify"`

	// PEM file with the authorities that the clients' certificates are verified against.
	Authority string `opt:"ssl_cacert,path"`

	// PEM file with the certificate, followed by its chain.
	Certificate string `opt:"ssl_cert,path"`

	// PEM file with the certificate's key.
	Key string `opt:"ssl_key,path"`

	// Passphrase of the key.
	KeyPassphrase config.Password `opt:"ssl_key_passphrase"`
}

// New checks the options; nothing is opened.
func New(o Options, env *plugin.Env) (plugin.Input, error) {
	in := &input{
		o: o, env: env, log: throttle.New(env.Log, time.Minute),
		connections: env.Counter("relp_connections", "Connections accepted."),
	}
	var errs []error
	if o.Port < 0 || o.Port > 65535 {
		errs = append(errs, plugin.OptionError("port", fmt.Errorf("%d is not a port", o.Port)))
	}
	if !o.SSL {
		env.WarnIdle("ssl_", "ssl_enable => true", "ssl_enable", "ssl_enabled")
	} else {
		t := tlsconf.Options{Certificate: o.Certificate, Key: o.Key, KeyPassphrase: o.KeyPassphrase}
		if o.Authority != "" {
			t.Authorities = []string{o.Authority}
		}
		switch {
		case o.SSLVerify != nil && !*o.SSLVerify:
		case o.Authority != "":
			t.ClientAuthentication = "required"
		case o.SSLVerify == nil:
			env.Warn("ssl_enable", "clients are not asked for certificates: ssl_verify, the default in Logstash, needs ssl_cacert; write ssl_verify => false if that is meant")
		default:
			errs = append(errs, plugin.OptionError("ssl_verify", errors.New("it needs ssl_cacert to verify the clients' certificates")))
		}
		conf, err := t.Server()
		in.tls = conf
		errs = append(errs, err)
	}
	return in, errors.Join(errs...)
}

type input struct {
	o           Options
	env         *plugin.Env
	tls         *tls.Config
	log         *throttle.Logger
	connections *atomic.Int64

	addr atomic.Pointer[net.Addr] // of the listener, for tests
}

// The end of a connection when the pipeline stops: nothing more is read, as the sender keeps what it was not told of, and what was read gets
// some time to be delivered.
const (
	drainLimit       = 2 * time.Second
	handshakeTimeout = 10 * time.Second
)

// Run serves connections until ctx ends.
func (in *input) Run(ctx context.Context, out plugin.Sink) error {
	lc := net.ListenConfig{}
	lc.SetMultipathTCP(false) // for StopAccepting
	l, err := lc.Listen(ctx, "tcp", net.JoinHostPort(in.o.Host, strconv.Itoa(in.o.Port)))
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }()
	addr := l.Addr()
	in.addr.Store(&addr)
	in.env.Log.Info("listening", "address", addr.String(), "tls", in.tls != nil)
	stop := context.AfterFunc(ctx, func() { stream.StopAccepting(l) })
	defer stop()
	var wg sync.WaitGroup
	defer wg.Wait()
	return stream.Accept(ctx, l, in.log, func(c net.Conn) {
		wg.Go(func() {
			in.connections.Add(1)
			if err := in.serve(ctx, c, out); err != nil && !errors.Is(err, io.EOF) && ctx.Err() == nil {
				in.log.Warn("a connection ended with an error", slog.String("peer", c.RemoteAddr().String()), slog.Any("error", err))
			}
		})
	})
}

var (
	hostField    = event.MustPath("host")
	subjectField = event.MustPath("sslsubject")
)

// serve speaks with one sender until it closes its connection or ctx ends.
func (in *input) serve(ctx context.Context, c net.Conn, out plugin.Sink) error {
	defer func() { _ = c.Close() }()
	facts := []event.SourceField{{Path: hostField, Value: event.StringValue(c.RemoteAddr().String())}}
	if in.tls != nil {
		t := tls.Server(c, in.tls)
		hctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
		defer cancel()
		if err := t.HandshakeContext(hctx); err != nil {
			return err
		}
		if certs := t.ConnectionState().PeerCertificates; len(certs) > 0 {
			facts = append(facts, event.SourceField{Path: subjectField, Value: event.StringValue(certs[0].Subject.String())})
		}
		c = t
	}
	s := newSession(in, c, out, in.env.NewSource(facts...))
	stop := context.AfterFunc(ctx, s.stop)
	defer stop()
	err := s.run(ctx)
	s.end()
	return err
}

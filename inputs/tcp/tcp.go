// Package tcp reads records from TCP connections: it listens for them (mode server) or connects itself (mode client).
package tcp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"millrace/internal/rdns"
	"millrace/internal/stream"
	"millrace/internal/throttle"
	"millrace/internal/tlsconf"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin is the tcp input.
var Plugin = plugin.DefineInput("tcp", Options{
	Host: "0.0.0.0", Mode: "server", ReverseLookup: true, MaxRecord: stream.DefaultMaxRecord,
}, New, plugin.WithCodec("line"), plugin.Streaming())

// Options configures the input.
type Options struct {
	// Address to listen on (mode server) or host to connect to (mode client).
	Host string `opt:"host"`

	// Port to listen on or to connect to.
	Port int `opt:"port,required"`

	// Whether to listen for connections (server) or to make one (client).
	Mode string `opt:"mode,enum=server|client"`

	// Expect a PROXY protocol header, version 1 or 2, at the start of each connection.
	ProxyProtocol bool `opt:"proxy_protocol"`

	// Send keep-alive probes, so that a peer that vanished is noticed.
	KeepAlive bool `opt:"tcp_keep_alive"`

	// Replace the peer's address by its name in the field that names the host. Look-ups run beside the data: the first events of a
	// peer carry its address.
	ReverseLookup bool `opt:"dns_reverse_lookup_enabled"`

	// Encrypt connections.
	SSL bool `opt:"ssl_enabled"`

	// Whether clients must show a certificate (mode server): required by default, if there are authorities to verify it with.
	ClientAuthentication string `opt:"ssl_client_authentication,enum=none|optional|required"`

	// How much of the server's certificate to verify (mode client); full by default.
	VerificationMode string `opt:"ssl_verification_mode,enum=full|none"`

	// PEM file with the certificate, followed by its chain.
	Certificate string `opt:"ssl_certificate,path"`

	// PEM file with the certificate's key.
	Key string `opt:"ssl_key,path"`

	// Passphrase of the key.
	KeyPassphrase config.Password `opt:"ssl_key_passphrase"`

	// PEM files with further certificates of the chain.
	ExtraChain []string `opt:"ssl_extra_chain_certs"`

	// PEM files with the authorities that the peer's certificate is verified against.
	Authorities []string `opt:"ssl_certificate_authorities"`

	// Versions of TLS to accept.
	Protocols []string `opt:"ssl_supported_protocols"`

	// Cipher suites to accept up to TLS 1.2, by their IANA names.
	CipherSuites []string `opt:"ssl_cipher_suites"`

	// Longest record, in bytes; a longer one is cut and tagged _record_too_long. An addition of Millrace.
	MaxRecord config.Bytes `opt:"max_record_bytes"`

	// Most connections at a time; further ones wait to be accepted. 0 is no limit. An addition of Millrace.
	MaxConnections int `opt:"max_connections"`

	SSLEnable   bool   `opt:"ssl_enable,obsolete=write ssl_enabled"`
	SSLVerify   *bool  `opt:"ssl_verify,obsolete=write ssl_client_authentication (server) or ssl_verification_mode (client)"`
	SSLCert     string `opt:"ssl_cert,path,obsolete=write ssl_certificate"`
	DataTimeout int    `opt:"data_timeout,obsolete=it has no effect"`
	SSLCacert   string `opt:"ssl_cacert,path,obsolete=write ssl_certificate_authorities"`
}

// New checks the options; nothing is opened.
func New(o Options, env *plugin.Env) (plugin.Input, error) {
	if err := o.checkMode(); err != nil {
		return nil, err
	}
	o.mapObsolete()
	in := &input{
		o: o, env: env, names: rdns.New(), log: throttle.New(env.Log, time.Minute),
		connections: env.Counter("tcp_connections", "Connections accepted or made."),
		cut:         env.Counter("tcp_resets", "Connections that ended with an error."),
	}
	if o.Port < 0 || o.Port > 65535 {
		return nil, plugin.OptionError("port", fmt.Errorf("%d is not a port", o.Port))
	}
	if !o.SSL {
		env.WarnIdle("ssl_", "ssl_enabled => true", "ssl_enabled", "ssl_enable")
		return in, nil
	}
	var err error
	in.tls, err = o.tlsConfig()
	return in, err
}

// checkMode refuses what only the other end of a connection can do.
func (o *Options) checkMode() error {
	switch {
	case !o.SSL && !o.SSLEnable:
	case o.Mode == "client" && o.ClientAuthentication != "":
		return plugin.OptionError("ssl_client_authentication", errors.New("it is for mode server; a client has ssl_verification_mode"))
	case o.Mode == "server" && o.VerificationMode != "":
		return plugin.OptionError("ssl_verification_mode", errors.New("it is for mode client; a server has ssl_client_authentication"))
	}
	return nil
}

// mapObsolete gives the options of old releases their new names.
func (o *Options) mapObsolete() {
	o.SSL = o.SSL || o.SSLEnable
	if o.Certificate == "" {
		o.Certificate = o.SSLCert
	}
	if o.SSLCacert != "" {
		o.Authorities = append(o.Authorities, o.SSLCacert)
	}
	if o.SSLVerify != nil && !*o.SSLVerify {
		o.ClientAuthentication, o.VerificationMode = "none", "none"
	}
}

func (o *Options) tlsConfig() (*tls.Config, error) {
	t := tlsconf.Options{
		Certificate: o.Certificate, Key: o.Key, KeyPassphrase: o.KeyPassphrase, ExtraChain: o.ExtraChain, Authorities: o.Authorities,
		Protocols: o.Protocols, CipherSuites: o.CipherSuites,
		ClientAuthentication: o.ClientAuthentication, VerificationMode: o.VerificationMode,
	}
	if o.Mode == "client" {
		return t.Client()
	}
	if t.ClientAuthentication == "" { // only a value that was given demands authorities, as in Logstash
		t.ClientAuthentication = "none"
		if len(o.Authorities) > 0 {
			t.ClientAuthentication = "required"
		}
	}
	return t.Server()
}

type input struct {
	o     Options
	env   *plugin.Env
	tls   *tls.Config
	names *rdns.Cache
	log   *throttle.Logger
	pool  stream.Pool

	connections, cut *atomic.Int64

	addr atomic.Pointer[net.TCPAddr] // of the listener, for tests
}

// Run serves connections until ctx ends.
func (in *input) Run(ctx context.Context, out plugin.Sink) error {
	if in.o.Mode == "client" {
		return in.connect(ctx, out)
	}
	return in.listen(ctx, out)
}

func (in *input) listen(ctx context.Context, out plugin.Sink) error {
	lc := net.ListenConfig{KeepAlive: -1}
	lc.SetMultipathTCP(false) // for StopAccepting
	l, err := lc.Listen(ctx, "tcp", net.JoinHostPort(in.o.Host, strconv.Itoa(in.o.Port)))
	if err != nil {
		return err
	}
	in.addr.Store(l.Addr().(*net.TCPAddr))
	in.env.Log.Info("listening", "address", l.Addr().String(), "tls", in.tls != nil)
	defer func() { _ = l.Close() }()
	stop := context.AfterFunc(ctx, func() { stream.StopAccepting(l) })
	defer stop()
	var slots chan struct{}
	if in.o.MaxConnections > 0 {
		slots = make(chan struct{}, in.o.MaxConnections)
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		if slots != nil {
			select {
			case slots <- struct{}{}:
			case <-ctx.Done():
				return nil
			}
		}
		c, err := l.Accept()
		if err != nil && ctx.Err() != nil {
			return nil
		}
		if err != nil {
			if !stream.PauseAccept(ctx, err, in.log) {
				return err
			}
			if slots != nil {
				<-slots
			}
			continue
		}
		wg.Go(func() {
			in.serve(ctx, c, out)
			if slots != nil {
				<-slots
			}
		})
	}
}

// reconnectPause is how long a client waits before it connects again.
const reconnectPause = 5 * time.Second

func (in *input) connect(ctx context.Context, out plugin.Sink) error {
	address := net.JoinHostPort(in.o.Host, strconv.Itoa(in.o.Port))
	d := net.Dialer{Timeout: 10 * time.Second, KeepAlive: -1}
	for ctx.Err() == nil {
		c, err := d.DialContext(ctx, "tcp", address)
		if err == nil {
			in.serve(ctx, c, out)
		} else {
			in.log.Warn("cannot connect", slog.Any("error", err))
		}
		select {
		case <-time.After(reconnectPause):
		case <-ctx.Done():
		}
	}
	return nil
}

// secure makes c a TLS connection.
func (in *input) secure(ctx context.Context, c net.Conn) (*tls.Conn, error) {
	var t *tls.Conn
	if in.o.Mode == "client" {
		conf := in.tls.Clone()
		conf.ServerName = in.o.Host
		t = tls.Client(c, conf)
	} else {
		t = tls.Server(c, in.tls)
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return t, t.HandshakeContext(ctx)
}

// facts are the fields that tell where a connection comes from.
func (in *input) facts(p peer, name string) []event.SourceField {
	if name == "" {
		name = p.ip
	}
	port, proxyPort := event.IntValue(int64(p.port)), event.Value{}
	if p.proxyIP != "" { // the ports of a PROXY header are texts in Logstash
		port, proxyPort = event.StringValue(strconv.Itoa(p.port)), event.StringValue(strconv.Itoa(p.proxyPort))
	}
	if !in.env.ECS.Enabled() {
		f := []event.SourceField{
			{Path: legacyHost, Value: event.StringValue(name)},
			{Path: legacyPort, Value: port},
			{Path: legacyIP, Value: event.StringValue(p.ip)},
		}
		if p.proxyIP != "" {
			f = append(f, event.SourceField{Path: legacyProxyHost, Value: event.StringValue(p.proxyIP)},
				event.SourceField{Path: legacyProxyPort, Value: proxyPort})
		}
		if p.subject != "" {
			f = append(f, event.SourceField{Path: legacySubject, Value: event.StringValue(p.subject)})
		}
		return f
	}
	f := []event.SourceField{
		{Path: ecsName, Value: event.StringValue(name)},
		{Path: ecsIP, Value: event.StringValue(p.ip)},
		{Path: ecsPort, Value: port},
	}
	if p.proxyIP != "" {
		f = append(f, event.SourceField{Path: ecsProxyIP, Value: event.StringValue(p.proxyIP)},
			event.SourceField{Path: ecsProxyPort, Value: proxyPort})
	}
	if p.subject != "" {
		f = append(f, event.SourceField{Path: ecsSubject, Value: event.StringValue(p.subject)})
	}
	return f
}

var (
	legacyHost      = event.MustPath("host")
	legacyPort      = event.MustPath("port")
	legacyIP        = event.MustPath("[@metadata][ip_address]")
	legacyProxyHost = event.MustPath("proxy_host")
	legacyProxyPort = event.MustPath("proxy_port")
	legacySubject   = event.MustPath("sslsubject")
	ecsName         = event.MustPath("[@metadata][input][tcp][source][name]")
	ecsIP           = event.MustPath("[@metadata][input][tcp][source][ip]")
	ecsPort         = event.MustPath("[@metadata][input][tcp][source][port]")
	ecsProxyIP      = event.MustPath("[@metadata][input][tcp][proxy][ip]")
	ecsProxyPort    = event.MustPath("[@metadata][input][tcp][proxy][port]")
	ecsSubject      = event.MustPath("[@metadata][input][tcp][tls][client][subject]")
)

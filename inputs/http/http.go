// Package http receives events in the bodies of HTTP requests. A request is answered when what it brought is delivered, or safe in the
// persistent queue.
package http

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"millrace/inputs/internal/servertls"
	"millrace/internal/codecset"
	"millrace/internal/throttle"
	"millrace/internal/tlsconf"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin is the http input.
var Plugin = plugin.DefineInput("http", Options{
	Options: servertls.Defaults(), Host: "0.0.0.0", Port: 8080, MaxPendingRequests: 200, MaxPendingBytes: 128 << 20, MaxContentLength: 100 << 20, ResponseCode: 200,
	AdditionalCodecs: config.Map[string]{{Key: "application/json", Value: "json"}},
	ResponseHeaders:  config.Map[string]{{Key: "Content-Type", Value: "text/plain"}},
}, New)

// Options configures the input.
type Options struct {
	servertls.Options

	// Address to listen on.
	Host string `opt:"host"`

	// Port to listen on.
	Port int `opt:"port"`

	// Name that clients have to give by basic authentication; nobody has to if not given.
	User string `opt:"user"`

	// Password that belongs to it.
	Password config.Password `opt:"password"`

	// Codecs for bodies by their Content-Type, in place of the option codec. They have their default options.
	AdditionalCodecs config.Map[string] `opt:"additional_codecs"`

	// Headers of every answer.
	ResponseHeaders config.Map[string] `opt:"response_headers"`

	// Status of the answer to a request that was taken: 200, 201, 202 or 204.
	ResponseCode int `opt:"response_code"`

	// Field for the client's address; host, or [host][ip] with ECS, if not given.
	RemoteHostTarget event.Path `opt:"remote_host_target_field"`

	// Field for the request's headers; headers, or [@metadata][input][http][request][headers] with ECS, if not given.
	HeadersTarget event.Path `opt:"request_headers_target_field"`

	// How many requests are worked on at a time; the number of processors if not given.
	Threads int `opt:"threads"`

	// How many requests beyond those may wait; further ones are answered by 429.
	MaxPendingRequests int `opt:"max_pending_requests"`

	// Longest body, in bytes, unpacked; a longer one is answered by 413.
	MaxContentLength config.Bytes `opt:"max_content_length"`

	// Most bytes of all bodies, unpacked, that are read and not yet in the pipeline; requests beyond are answered by 429. A body that is
	// alone is let through whatever its size. Without it max_content_length times all requests could be held. Millrace's own.
	MaxPendingBytes config.Bytes `opt:"max_pending_bytes"`

	// JKS or PKCS#12 file with certificate and key, in place of ssl_certificate and ssl_key.
	Keystore string `opt:"ssl_keystore_path,path"`

	// Password of that file.
	KeystorePassword config.Password `opt:"ssl_keystore_password"`

	// Format of that file, if its name does not tell.
	KeystoreType string `opt:"ssl_keystore_type,enum=pkcs12|jks"`

	// JKS or PKCS#12 file with the authorities that clients' certificates are verified against.
	Truststore string `opt:"ssl_truststore_path,path"`

	// Password of that file.
	TruststorePassword config.Password `opt:"ssl_truststore_password"`

	// Format of that file, if its name does not tell.
	TruststoreType string `opt:"ssl_truststore_type,enum=pkcs12|jks"`

	OldKeystore         string          `opt:"keystore,path,obsolete=write ssl_keystore_path"`
	OldKeystorePassword config.Password `opt:"keystore_password,obsolete=write ssl_keystore_password"`
	OldVerify           string          `opt:"verify_mode,enum=none|peer|force_peer,obsolete=write ssl_client_authentication"`
}

// New checks the options; nothing is opened.
func New(o Options, env *plugin.Env) (plugin.Input, error) {
	o.mapObsolete()
	if o.Threads == 0 {
		o.Threads = runtime.GOMAXPROCS(0)
	}
	in := &input{
		o: o, env: env, log: throttle.New(env.Log, time.Minute), bodyTimeout: bodyTimeout, codecs: codecset.Set{env.Codec()}, byType: make(map[string]int),
		requests: env.Counter("http_requests", "Requests received."),
		refused:  env.Counter("http_refused", "Requests answered by an error."),
	}
	errs := o.check()
	for _, c := range o.AdditionalCodecs {
		codec := env.CodecNamed(c.Value, c.ValuePlace)
		if codec == nil {
			continue // reported
		}
		if codec.NewDecoder == nil {
			errs = append(errs, plugin.EntryError("additional_codecs", c.Key, fmt.Errorf("codec %s cannot decode", c.Value)))
		}
		in.byType[strings.ToLower(c.Key)] = len(in.codecs)
		in.codecs = append(in.codecs, codec)
	}
	if len(in.codecs) > codecset.Max {
		errs = append(errs, plugin.OptionError("additional_codecs", errors.New("more than 254 codecs")))
	}
	if !o.SSL {
		env.WarnIdle("ssl_", "ssl_enabled => true", "ssl_enabled")
	}
	var err error
	if in.tls, err = o.Server(o.stores()); err != nil {
		errs = append(errs, err)
	}
	in.setPaths()
	return in, errors.Join(errs...)
}

func (o *Options) mapObsolete() {
	o.MapObsolete()
	o.VerifyMode(o.OldVerify)
	if o.Keystore == "" {
		o.Keystore, o.KeystorePassword = o.OldKeystore, o.OldKeystorePassword
	}
}

func (o *Options) stores() tlsconf.Options {
	return tlsconf.Options{
		Keystore: o.Keystore, KeystoreType: o.KeystoreType, KeystorePassword: o.KeystorePassword,
		Truststore: o.Truststore, TruststoreType: o.TruststoreType, TruststorePassword: o.TruststorePassword,
	}
}

func (o *Options) check() (errs []error) {
	bad := func(option, format string, args ...any) {
		errs = append(errs, plugin.OptionError(option, fmt.Errorf(format, args...)))
	}
	if o.Port < 0 || o.Port > 65535 {
		bad("port", "%d is not a port", o.Port)
	}
	switch o.ResponseCode {
	case 200, 201, 202, 204:
	default:
		bad("response_code", "%d is none of 200, 201, 202, 204", o.ResponseCode)
	}
	if (o.User == "") != (o.Password == "") {
		bad("user", "user and password belong together")
	}
	if o.Threads < 1 {
		bad("threads", "%d is less than 1", o.Threads)
	}
	if o.MaxPendingRequests < 0 {
		bad("max_pending_requests", "%d is less than 0", o.MaxPendingRequests)
	}
	if o.MaxPendingBytes < 1 {
		bad("max_pending_bytes", "%d is less than 1", o.MaxPendingBytes)
	}
	if o.MaxContentLength < 1 {
		bad("max_content_length", "%d is less than 1", o.MaxContentLength)
	}
	return errs
}

type input struct {
	o      Options
	env    *plugin.Env
	log    *throttle.Logger
	tls    *tls.Config
	codecs codecset.Set   // the first is that of the option codec
	byType map[string]int // of codecs, by Content-Type

	host, headers event.Path

	bodyTimeout       time.Duration
	requests, refused *atomic.Int64

	addr atomic.Pointer[net.TCPAddr] // of the listener, for tests
}

func (in *input) setPaths() {
	in.host, in.headers = in.o.RemoteHostTarget, in.o.HeadersTarget
	host, headers := "host", "headers"
	if in.env.ECS.Enabled() {
		host, headers = "[host][ip]", "[@metadata][input][http][request][headers]"
	}
	if in.host.IsZero() {
		in.host = *event.MustPath(host)
	}
	if in.headers.IsZero() {
		in.headers = *event.MustPath(headers)
	}
}

// bodyTimeout is how long a client that sends a body may be silent.
const bodyTimeout = time.Minute

// drainLimit is how long requests that are on their way may take at the end.
const drainLimit = 2 * time.Second

// Run serves requests until ctx ends; those that are being worked on are finished.
func (in *input) Run(ctx context.Context, out plugin.Sink) error {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", net.JoinHostPort(in.o.Host, strconv.Itoa(in.o.Port)))
	if err != nil {
		return err
	}
	in.addr.Store(l.Addr().(*net.TCPAddr))
	in.env.Log.Info("listening", "address", l.Addr().String(), "tls", in.tls != nil)
	// What is being pushed when ctx ends gets the time of the drain.
	late, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	defer giveUp()
	h := &handler{in: in, ctx: late, out: out, slots: make(chan struct{}, in.o.Threads+in.o.MaxPendingRequests)}
	s := &http.Server{
		Handler: h, TLSConfig: in.tls, ReadHeaderTimeout: in.o.Timeout(), IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(in.env.Log.Handler(), slog.LevelDebug),
	}
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ended)
		until, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainLimit)
		defer cancel()
		if s.Shutdown(until) == nil {
			return
		}
		giveUp() // who still waits is told to try again
		until, cancel = context.WithTimeout(context.WithoutCancel(ctx), drainLimit)
		defer cancel()
		_ = s.Shutdown(until)
		_ = s.Close()
	})
	if in.tls != nil {
		err = s.ServeTLS(l, "", "")
	} else {
		err = s.Serve(l)
	}
	if !stop() {
		<-ended
	}
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// authorized reports whether a request names the user and password, in a time that tells nothing about them.
func (in *input) authorized(r *http.Request) bool {
	if in.o.User == "" {
		return true
	}
	user, password, _ := r.BasicAuth()
	u, p := sha256.Sum256([]byte(user)), sha256.Sum256([]byte(password))
	wu, wp := sha256.Sum256([]byte(in.o.User)), sha256.Sum256([]byte(in.o.Password.Reveal()))
	return subtle.ConstantTimeCompare(u[:], wu[:])&subtle.ConstantTimeCompare(p[:], wp[:]) == 1
}

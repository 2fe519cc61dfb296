// Package tcp writes events to TCP connections: it connects (mode client) or takes connections and writes to all of them (mode server).
package tcp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"millrace/internal/netout"
	"millrace/internal/throttle"
	"millrace/internal/tlsconf"
	"millrace/pipeline/config"
	"millrace/pipeline/plugin"
)

// Plugin is the tcp output.
var Plugin = plugin.DefineOutput("tcp", Options{Mode: "client", ReconnectInterval: 10 * time.Second}, New, plugin.WithCodec("json"))

// Options configures the output. The default codec json puts nothing between events; most receivers expect json_lines.
type Options struct {
	// Host to connect to (mode client) or address to listen on (mode server).
	Host string `opt:"host,required"`

	// Port to connect to or to listen on.
	Port int `opt:"port,required"`

	// How long to wait before a failed connection is made again.
	ReconnectInterval time.Duration `opt:"reconnect_interval,unit=s"`

	// Whether to make a connection (client) or to listen for them (server). A server writes each event to every peer that is connected, and
	// waits for the slowest; an event that comes while there is none is dropped.
	Mode string `opt:"mode,enum=server|client"`

	// Encrypt connections.
	SSL bool `opt:"ssl_enabled"`

	// Whether clients must show a certificate (mode server).
	ClientAuthentication string `opt:"ssl_client_authentication,enum=none|optional|required"`

	// How much of the server's certificate to verify (mode client).
	VerificationMode string `opt:"ssl_verification_mode,enum=full|none"`

	// PEM files with the authorities that the peer's certificate is verified against.
	Authorities []string `opt:"ssl_certificate_authorities"`

	// PEM file with the certificate, followed by its chain.
	Certificate string `opt:"ssl_certificate,path"`

	// PEM file with the certificate's key.
	Key string `opt:"ssl_key,path"`

	// Passphrase of the key.
	KeyPassphrase config.Password `opt:"ssl_key_passphrase"`

	// Versions of TLS to accept.
	Protocols []string `opt:"ssl_supported_protocols"`

	// Cipher suites to accept up to TLS 1.2, by their IANA names.
	CipherSuites []string `opt:"ssl_cipher_suites"`

	SSLEnable     bool   `opt:"ssl_enable,obsolete=write ssl_enabled"`
	SSLVerify     *bool  `opt:"ssl_verify,obsolete=write ssl_client_authentication (server) or ssl_verification_mode (client)"`
	SSLCert       string `opt:"ssl_cert,path,obsolete=write ssl_certificate"`
	SSLCacert     string `opt:"ssl_cacert,path,obsolete=write ssl_certificate_authorities"`
	MessageFormat string `opt:"message_format,obsolete=use codec => line { format => \"...\" }"`
}

// New checks the options; nothing is opened.
func New(o Options, env *plugin.Env) (plugin.Output, error) {
	o.mapObsolete(env)
	var errs []error
	if o.Port < 0 || o.Port > 65535 {
		errs = append(errs, plugin.OptionError("port", fmt.Errorf("%d is not a port", o.Port)))
	}
	errs = append(errs, o.checkMode()...)
	var conf *tls.Config
	if o.SSL {
		var err error
		conf, err = o.tlsConfig()
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if !o.SSL {
		env.WarnIdle("ssl_", "ssl_enabled => true", "ssl_enabled", "ssl_enable")
	}
	address, log := net.JoinHostPort(o.Host, strconv.Itoa(o.Port)), throttle.New(env.Log, time.Minute)
	if o.Mode == "server" {
		return &server{address: address, tls: conf, env: env, log: log}, nil
	}
	return &client{env: env, stream: &netout.Stream{
		Addresses: []string{address}, TLS: conf, Pause: o.ReconnectInterval, Env: env, Log: log,
	}}, nil
}

// mapObsolete gives the options of old releases their new names.
func (o *Options) mapObsolete(env *plugin.Env) {
	o.SSL = o.SSL || o.SSLEnable
	if o.Certificate == "" {
		o.Certificate = o.SSLCert
	}
	if o.SSLCacert != "" {
		o.Authorities = append(o.Authorities, o.SSLCacert)
	}
	if o.SSLVerify != nil && o.Mode == "client" && o.VerificationMode == "" {
		o.VerificationMode = map[bool]string{true: "full", false: "none"}[*o.SSLVerify]
	}
	if o.SSLVerify != nil && o.Mode == "server" && o.ClientAuthentication == "" && *o.SSLVerify && len(o.Authorities) > 0 {
		o.ClientAuthentication = "required"
	}
	if o.MessageFormat != "" {
		env.Warn("message_format", "what it says is not done: the codec says what is written")
	}
}

// checkMode finds the options of one mode that are given in the other.
func (o *Options) checkMode() (errs []error) {
	if o.Mode == "server" && o.VerificationMode != "" {
		errs = append(errs, plugin.OptionError("ssl_verification_mode", errors.New("it is for mode client; a server has ssl_client_authentication")))
	}
	if o.Mode == "client" && o.ClientAuthentication != "" && o.ClientAuthentication != "none" {
		errs = append(errs, plugin.OptionError("ssl_client_authentication", errors.New("it is for mode server; a client has ssl_verification_mode")))
	}
	return errs
}

func (o *Options) tlsConfig() (*tls.Config, error) {
	t := tlsconf.Options{
		Certificate: o.Certificate, Key: o.Key, KeyPassphrase: o.KeyPassphrase, Authorities: o.Authorities,
		Protocols: o.Protocols, CipherSuites: o.CipherSuites,
		ClientAuthentication: o.ClientAuthentication, VerificationMode: o.VerificationMode,
	}
	if o.Mode == "server" {
		return t.Server()
	}
	return t.Client()
}

// client writes to the connection that it makes.
type client struct {
	env    *plugin.Env
	stream *netout.Stream
}

// NewWriter implements plugin.Output.
func (c *client) NewWriter() plugin.Writer { return netout.NewWriter(c.env, c.stream.Send) }

// Close implements plugin.Output.
func (c *client) Close(context.Context) error { return c.stream.Close() }

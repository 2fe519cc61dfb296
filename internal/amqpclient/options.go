// Package amqpclient makes the connections by which the rabbitmq plugins talk to RabbitMQ. What becomes of one that fails is left to the plugin,
// which knows what has to be declared again, and what has to be sent again.
package amqpclient

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"millrace/internal/tlsconf"
	"millrace/pipeline/config"
	"millrace/pipeline/plugin"
)

// Options are those that the plugins share.
type Options struct {
	// Hosts of the servers, each with a port of its own if written host:port. One is used at a time, which is chosen by chance; when it cannot be
	// reached, another.
	Host []string `opt:"host,required"`

	// Port of hosts that are written without one.
	Port int `opt:"port"`

	// Name of the user.
	User string `opt:"user"`

	// Password of the user; guest by default.
	Password config.Password `opt:"password"`

	// Virtual host to use.
	VHost string `opt:"vhost"`

	// How long a connection may take to be made; 0 is no limit.
	ConnectionTimeout time.Duration `opt:"connection_timeout,unit=ms"`

	// How long to wait before a connection that failed is made again.
	ConnectRetryInterval time.Duration `opt:"connect_retry_interval,unit=s"`

	// After how much silence a connection counts as broken. The server may ask for less.
	Heartbeat time.Duration `opt:"heartbeat,unit=s"`

	// Accepted for Logstash's sake: a connection that is lost is always made again.
	AutomaticRecovery bool `opt:"automatic_recovery"`

	// Encrypt connections. As in Logstash the server's certificate is then only verified with ssl_certificate_path; see ssl_verification_mode.
	SSL bool `opt:"ssl"`

	// Version of TLS to speak: TLSv1.1, TLSv1.2 or TLSv1.3. By default the server chooses between the last two.
	SSLVersion string `opt:"ssl_version"`

	// PKCS#12 file with a certificate to show to the server, its key, and the authorities that the server's certificate is verified against beside
	// those of the system.
	Certificate string `opt:"ssl_certificate_path,path"`

	// Password of the PKCS#12 file.
	CertificatePassword config.Password `opt:"ssl_certificate_password"`

	// PEM files with the authorities that the server's certificate is verified against, in place of all others. Logstash does not know this option.
	Authorities []string `opt:"ssl_certificate_authorities"`

	// How much of the server's certificate to verify: its authority and its name (full), its authority (certificate), or nothing (none). By default
	// it is full with ssl_certificate_authorities, certificate with ssl_certificate_path, and else none. Logstash does not know this option.
	VerificationMode string `opt:"ssl_verification_mode,enum=full|certificate|none"`

	VerifySSL bool `opt:"verify_ssl,obsolete=write ssl_verification_mode"`
}

// Defaults returns the options' defaults.
func Defaults() Options {
	return Options{
		Port: 5672, User: "guest", Password: "guest", VHost: "/", ConnectionTimeout: time.Minute, ConnectRetryInterval: time.Second,
		Heartbeat: time.Minute, AutomaticRecovery: true,
	}
}

// address is a server's.
type address struct {
	host string
	port int
}

// Client checks the options and returns what connects by them. Its errors name options.
func (o *Options) Client(env *plugin.Env) (*Client, error) {
	addresses, err := o.addresses()
	errs := []error{err}
	refuse := func(option, reason string) { errs = append(errs, plugin.OptionError(option, errors.New(reason))) }
	conf, err := o.tls(env)
	errs = append(errs, err)
	if o.ConnectionTimeout < 0 {
		refuse("connection_timeout", "a time is not negative")
	}
	if o.ConnectRetryInterval < 0 {
		refuse("connect_retry_interval", "a time is not negative")
	}
	switch {
	case o.Heartbeat < 0 || o.Heartbeat > 65535*time.Second:
		refuse("heartbeat", "it has to be between 0 and 65535 seconds")
	case o.Heartbeat < time.Second:
		env.Warn("heartbeat", "option \"heartbeat\": the server's interval is used: less than a second cannot be agreed on, and heartbeats cannot be switched off by the client alone")
	}
	if o.VHost == "" {
		refuse("vhost", "a virtual host has a name; that of the default one is /")
	}
	if !o.AutomaticRecovery {
		env.Warn("automatic_recovery", "option \"automatic_recovery\" has no effect: a connection that is lost is made again, or the pipeline would stand still until it is restarted")
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	c := &Client{
		addresses: addresses, vhost: o.VHost, user: o.User, password: o.Password.Reveal(), tls: conf, timeout: o.ConnectionTimeout,
		heartbeat: o.Heartbeat, name: env.ID, version: env.Version,
	}
	return c, nil
}

// addresses reads the hosts.
func (o *Options) addresses() ([]address, error) {
	if len(o.Host) == 0 {
		return nil, plugin.OptionError("host", errors.New("at least one host is needed"))
	}
	var list []address
	for _, text := range o.Host {
		host, port := text, o.Port
		if strings.Count(text, ":") == 1 || strings.HasPrefix(text, "[") && strings.Contains(text, "]:") {
			h, p, err := net.SplitHostPort(text)
			if err != nil {
				return nil, plugin.OptionError("host", err)
			}
			if port, err = strconv.Atoi(p); err != nil {
				return nil, plugin.OptionError("host", fmt.Errorf("%q is not a port", p))
			}
			host = h
		}
		if port < 1 || port > 65535 {
			return nil, plugin.OptionError("port", fmt.Errorf("%d is not a port", port))
		}
		if host == "" {
			return nil, plugin.OptionError("host", errors.New("a host has a name or an address"))
		}
		list = append(list, address{strings.Trim(host, "[]"), port})
	}
	return list, nil
}

// tls returns the configuration of connections, nil if they are not encrypted.
func (o *Options) tls(env *plugin.Env) (*tls.Config, error) {
	if !o.SSL {
		env.WarnIdle("ssl_", "ssl => true")
		return nil, nil
	}
	t := tlsconf.Options{VerificationMode: o.VerificationMode}
	switch o.SSLVersion {
	case "", "TLS":
	case "TLSv1.1", "TLSv1.2", "TLSv1.3":
		t.Protocols = []string{o.SSLVersion}
	default:
		return nil, plugin.OptionError("ssl_version", fmt.Errorf("%q is none of TLSv1.1, TLSv1.2, TLSv1.3", o.SSLVersion))
	}
	if (o.Certificate == "") != (o.CertificatePassword == "") {
		return nil, plugin.OptionError("ssl_certificate_path", errors.New("ssl_certificate_path and ssl_certificate_password need each other"))
	}
	if o.Certificate != "" {
		t.Keystore, t.KeystoreType, t.KeystorePassword, t.TrustKeystore = o.Certificate, "pkcs12", o.CertificatePassword, true
		if _, err := t.Client(); err != nil {
			return nil, plugin.OptionError("ssl_certificate_path", err)
		}
	}
	t.Authorities = o.Authorities
	if t.VerificationMode == "" {
		switch {
		case len(o.Authorities) > 0:
			t.VerificationMode = "full"
		case o.Certificate != "":
			t.VerificationMode = "certificate"
		default:
			t.VerificationMode = "none"
			env.Warn("ssl", "the server's certificate is not verified; name its authority by ssl_certificate_authorities, or write ssl_verification_mode => none")
		}
	}
	return t.Client()
}

// Package syslog sends events as syslog messages (RFC 3164 or RFC 5424) over UDP, TCP or TLS.
package syslog

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	"millrace/internal/netout"
	"millrace/internal/tlsconf"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin is the syslog output.
var Plugin = plugin.DefineOutput("syslog", Options{
	ReconnectInterval: time.Second, Protocol: "udp", CRLCheck: []string{"leaf"}, UseLabels: true, ShowPriority: true,
	Priority: event.ParseTemplate("%{syslog_pri}"), Facility: event.ParseTemplate("user-level"), Severity: event.ParseTemplate("notice"),
	SourceHost: event.ParseTemplate("%{host}"), AppName: event.ParseTemplate("LOGSTASH"), ProcID: event.ParseTemplate("-"),
	Message: event.ParseTemplate("%{message}"), MsgID: event.ParseTemplate("-"), RFC: "rfc3164",
}, New)

// Options configures the output. Every template may refer to fields. A codec other than plain makes the text of the message in place of the
// option message.
type Options struct {
	// Host to send to.
	Host string `opt:"host,required"`

	// Port to send to.
	Port int `opt:"port,required"`

	// How long to wait before a failed connection is made again.
	ReconnectInterval time.Duration `opt:"reconnect_interval,unit=s"`

	// How to send: a datagram each, over a connection, or over one that is encrypted.
	Protocol string `opt:"protocol,enum=tcp|udp|ssl-tcp"`

	// Verify the server's certificate.
	SSLVerify bool `opt:"ssl_verify"`

	// PEM files with the authorities that it is verified against; the system's by default.
	Authorities []string `opt:"ssl_certificate_authorities"`

	// PEM file with a certificate to show to the server, followed by its chain.
	Certificate string `opt:"ssl_certificate,path"`

	// PEM file with the certificate's key.
	Key string `opt:"ssl_key,path"`

	// Passphrase of the key.
	KeyPassphrase config.Password `opt:"ssl_key_passphrase"`

	// File with lists of revoked certificates, PEM or DER, for ssl_verify.
	CRLPath string `opt:"ssl_crl_path,path"`

	// Whether only the server's own certificate is looked up in the lists (leaf), or all of its chain (chain).
	CRLCheck []string `opt:"ssl_crl_check,enum=leaf|chain"`

	// Versions of TLS to accept.
	Protocols []string `opt:"ssl_supported_protocols"`

	// Cipher suites to accept up to TLS 1.2, by their IANA names.
	CipherSuites []string `opt:"ssl_cipher_suites"`

	// Whether the priority is made of the names in facility and severity, or is the number in priority.
	UseLabels bool `opt:"use_labels"`

	// Number of the priority; 13 takes the place of what is none.
	Priority event.Template `opt:"priority"`

	// Begin messages with their priority.
	ShowPriority bool `opt:"show_priority"`

	// Name of the facility, as in "user-level" or "local0"; that takes the place of what is none.
	Facility event.Template `opt:"facility"`

	// Name of the severity, as in "notice"; that takes the place of what is none.
	Severity event.Template `opt:"severity"`

	// Name of the sender.
	SourceHost event.Template `opt:"sourcehost"`

	// Name of the application.
	AppName event.Template `opt:"appname"`

	// Name of the process.
	ProcID event.Template `opt:"procid"`

	// Text of the message. Its line ends are written as \n.
	Message event.Template `opt:"message"`

	// Kind of the message (rfc5424).
	MsgID event.Template `opt:"msgid"`

	// Format of messages.
	RFC string `opt:"rfc,enum=rfc3164|rfc5424"`

	// Structured data (rfc5424), brackets included.
	StructuredData event.Template `opt:"structured_data"`

	SSLCacert string `opt:"ssl_cacert,path,deprecated=write ssl_certificate_authorities"`
	SSLCert   string `opt:"ssl_cert,path,deprecated=write ssl_certificate"`
	Timestamp string `opt:"timestamp,obsolete=rfc says how the time is written"`
}

// New checks the options; nothing is opened.
func New(o Options, env *plugin.Env) (plugin.Output, error) {
	if o.SSLCacert != "" {
		o.Authorities = append(o.Authorities, o.SSLCacert)
	}
	if o.Certificate == "" {
		o.Certificate = o.SSLCert
	}
	var errs []error
	if o.Port < 1 || o.Port > 65535 {
		errs = append(errs, plugin.OptionError("port", fmt.Errorf("%d is not a port", o.Port)))
	}
	for option, t := range map[string]*event.Template{
		"priority": &o.Priority, "facility": &o.Facility, "severity": &o.Severity, "sourcehost": &o.SourceHost, "appname": &o.AppName,
		"procid": &o.ProcID, "message": &o.Message, "msgid": &o.MsgID, "structured_data": &o.StructuredData,
	} {
		if t.Err() != nil {
			errs = append(errs, plugin.OptionError(option, t.Err()))
		}
	}
	o.checkNames(env)
	var conf *tls.Config
	if o.Protocol == "ssl-tcp" {
		var err error
		conf, err = o.tlsConfig()
		errs = append(errs, err)
	} else {
		env.WarnIdle("ssl_", `protocol => "ssl-tcp"`)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if o.Protocol == "udp" {
		return &output{o: o, env: env, peer: netout.NewDatagramPeer(o.Host, o.Port, env)}, nil
	}
	return &output{o: o, env: env, peer: netout.NewStreamPeer(o.Host, o.Port, conf, o.ReconnectInterval, env)}, nil
}

// checkNames warns of names of facilities and severities that are none, where they are the same for every event.
func (o *Options) checkNames(env *plugin.Env) {
	check := func(option string, t *event.Template, names []string, instead string) {
		if t.Static() && indexOf(names, t.String()) < 0 {
			env.Warn(option, "%q is none of %q; %q takes its place", t.String(), names, instead)
		}
	}
	if o.UseLabels {
		check("facility", &o.Facility, facilities, facilities[userLevel])
		check("severity", &o.Severity, severities, severities[notice])
	}
}

func (o *Options) tlsConfig() (*tls.Config, error) {
	t := tlsconf.Options{
		Certificate: o.Certificate, Key: o.Key, KeyPassphrase: o.KeyPassphrase, Authorities: o.Authorities,
		Protocols: o.Protocols, CipherSuites: o.CipherSuites, VerificationMode: "none",
	}
	if o.SSLVerify {
		t.VerificationMode = "full"
	}
	conf, err := t.Client()
	if err != nil || o.CRLPath == "" {
		return conf, err
	}
	if !o.SSLVerify {
		return nil, plugin.OptionError("ssl_crl_path", errors.New("it is for ssl_verify => true"))
	}
	lists, err := readRevoked(o.CRLPath)
	if err != nil {
		return nil, plugin.OptionError("ssl_crl_path", err)
	}
	conf.VerifyConnection = lists.check(indexOf(o.CRLCheck, "chain") >= 0)
	return conf, nil
}

type output struct {
	o    Options
	env  *plugin.Env
	peer netout.Peer
}

// NewWriter implements plugin.Output.
func (o *output) NewWriter() plugin.Writer {
	m := &maker{o: &o.o}
	if c := o.env.Codec(); c.Name != "plain" || !c.Bare {
		m.enc = o.env.NewEncoder()
	}
	return &netout.Writer{Env: o.env, Encode: m.append, Send: o.peer.Send}
}

// Close implements plugin.Output.
func (o *output) Close(context.Context) error { return o.peer.Close() }

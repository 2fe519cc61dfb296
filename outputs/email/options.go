package email

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/cbroglie/mustache"

	"millrace/internal/throttle"
	"millrace/internal/tlsconf"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Options configures the output.
type Options struct {
	// Addresses that the mail goes to, with commas between. It may refer to fields.
	To event.Template `opt:"to,required"`

	// Address of the sender. It may refer to fields.
	From event.Template `opt:"from"`

	// Address for answers. It may refer to fields.
	ReplyTo event.Template `opt:"replyto"`

	// Addresses that get a copy, with commas between. It may refer to fields.
	Cc event.Template `opt:"cc"`

	// Addresses that get a copy of which the others are not told. It may refer to fields.
	Bcc event.Template `opt:"bcc"`

	// How mail is sent: by the SMTP server at address, or by the program sendmail of this machine.
	Via string `opt:"via,enum=smtp|sendmail"`

	// Host of the SMTP server.
	Address string `opt:"address"`

	// Its port. On 465 TLS begins with the connection.
	Port int `opt:"port"`

	// Name of this machine for the server.
	Domain string `opt:"domain"`

	// Name for authentication.
	Username string `opt:"username"`

	// Its password.
	Password config.Password `opt:"password"`

	// Method of authentication: plain, login or cram_md5; plain if not given.
	Authentication string `opt:"authentication"`

	// Whether the connection is encrypted. A server that cannot do that gets no mail.
	UseTLS bool `opt:"use_tls"`

	// Whether the server's certificate is verified. Millrace's own.
	VerificationMode string `opt:"ssl_verification_mode,enum=full|none"`

	// Files with the certificates of authorities (PEM), in place of the system's. Millrace's own.
	Authorities []string `opt:"ssl_certificate_authorities"`

	// Subject of the mail. It may refer to fields.
	Subject event.Template `opt:"subject"`

	// Text of the mail. It may refer to fields, and \n in it is a new line.
	Body event.Template `opt:"body"`

	// HTML form of the mail, beside the text. It may refer to fields.
	HTMLBody event.Template `opt:"htmlbody"`

	// File with a mustache template, in place of htmlbody: {{message}} is a field with what HTML means by itself escaped, {{{message}}} as it is.
	TemplateFile string `opt:"template_file,path"`

	// Type of the HTML form.
	ContentType string `opt:"contenttype"`

	// Files to send with every mail.
	Attachments []string `opt:"attachments"`

	// How often a mail is tried again if the server is not there or refuses it for now. Then it is dropped and counted. Millrace's own.
	Retries int `opt:"retries"`

	Debug   bool                     `opt:"debug,deprecated=it has no effect; what fails is logged"`
	Match   config.Value             `opt:"match,obsolete=it has no effect; put a condition around the output"`
	Options config.Map[config.Value] `opt:"options,obsolete=write address, port, domain, username, password, authentication and use_tls"`
}

// oldOptions are the keys of the option of that name.
func (o *Options) oldOptions(env *plugin.Env) error {
	for _, e := range o.Options {
		text := e.Value.Text()
		switch strings.ToLower(strings.ReplaceAll(e.Key, "_", "")) {
		case "smtpiporhost", "address":
			o.Address = text
		case "port":
			port, err := strconv.Atoi(text)
			if err != nil {
				return plugin.EntryError("options", e.Key, fmt.Errorf("%q is no port", text))
			}
			o.Port = port
		case "domain":
			o.Domain = text
		case "username":
			o.Username = text
		case "password":
			o.Password = config.Password(text)
		case "authenticationtype", "authentication":
			o.Authentication = text
		case "starttls", "enablestarttlsauto", "usetls":
			o.UseTLS = text == "true"
		default:
			env.Warn("options", "%s has no effect", e.Key)
		}
	}
	return nil
}

// New checks the options and reads the template; nothing is sent.
func New(o Options, env *plugin.Env) (plugin.Output, error) {
	errs := []error{o.oldOptions(env)}
	bad := func(option, format string, args ...any) {
		errs = append(errs, plugin.OptionError(option, fmt.Errorf(format, args...)))
	}
	if o.Port < 1 || o.Port > 65535 {
		bad("port", "%d is no port", o.Port)
	}
	if o.Retries < 0 {
		bad("retries", "%d is less than 0", o.Retries)
	}
	switch o.Authentication = strings.ToLower(o.Authentication); o.Authentication {
	case "nil", "none", "":
		o.Authentication = "plain"
	case "plain", "login", "cram_md5":
	default:
		bad("authentication", "%q is none of plain, login, cram_md5", o.Authentication)
	}
	if o.Username != "" && o.Password == "" {
		bad("username", "username needs password")
	}
	for option, t := range map[string]*event.Template{
		"to": &o.To, "from": &o.From, "replyto": &o.ReplyTo, "cc": &o.Cc, "bcc": &o.Bcc, "subject": &o.Subject, "body": &o.Body, "htmlbody": &o.HTMLBody,
	} {
		if err := t.Err(); err != nil {
			env.Warn(option, "every event will be dropped: %v", err)
		}
	}
	for _, path := range o.Attachments {
		if _, err := os.Stat(path); err != nil {
			env.Warn("attachments", "there is no such file now: %v", err)
		}
	}
	out := &output{o: o, env: env, log: throttle.New(env.Log, time.Minute), pause: time.Second, program: sendmailPath}
	errs = append(errs, out.prepare())
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return out, nil
}

// prepare reads the template and the certificates.
func (o *output) prepare() (err error) {
	var errs []error
	if o.o.TemplateFile != "" {
		text, err := os.ReadFile(o.o.TemplateFile)
		if err == nil {
			// The template may not read further files: a provider without any stands for them.
			o.template, err = mustache.ParseStringPartials(string(text), &mustache.StaticProvider{})
		}
		if err != nil {
			errs = append(errs, plugin.OptionError("template_file", err))
		}
	}
	t := tlsconf.Options{Authorities: o.o.Authorities, VerificationMode: o.o.VerificationMode}
	if o.tls, err = t.Client(); err != nil {
		errs = append(errs, err)
	} else {
		o.tls.ServerName = o.o.Address
	}
	return errors.Join(errs...)
}

package loki

import (
	"crypto/tls"

	"millrace/internal/tlsconf"
	"millrace/pipeline/plugin"
)

// tls reads the certificates.
func (o *Options) tls(env *plugin.Env) (*tls.Config, error) {
	t := tlsconf.Options{VerificationMode: "full"}
	if o.Insecure {
		t.VerificationMode = "none"
	}
	if o.Authority != "" {
		t.Authorities = []string{o.Authority}
	}
	conf, err := t.Client()
	if err != nil {
		return nil, plugin.OptionError("ca_cert", err)
	}
	switch {
	case o.Certificate != "" && o.Key == "":
		env.Warn("cert", `option "cert" has no effect without key`)
	case o.Certificate == "" && o.Key != "":
		env.Warn("key", `option "key" has no effect without cert`)
	case o.Certificate != "":
		t.Certificate, t.Key = o.Certificate, o.Key
		if conf, err = t.Client(); err != nil {
			return nil, plugin.OptionError("cert", err)
		}
	}
	return conf, nil
}

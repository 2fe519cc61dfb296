package elasticsearch

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"millrace/pipeline/config"
	"millrace/pipeline/plugin"
)

// adopt gives options of old names and of other plugins their place, and warns of those that have none.
func (o *Options) adopt(env *plugin.Env) error {
	var errs []error
	move := func(from, to string, given, taken bool, do func()) {
		switch {
		case given && taken:
			errs = append(errs, plugin.OptionError(from, fmt.Errorf("%s and %s are the same; give one of them", from, to)))
		case given:
			do()
		}
	}
	move("ssl", "ssl_enabled", o.SSLOld != nil, o.SSL != nil, func() { o.SSL = o.SSLOld })
	move("cacert", "ssl_certificate_authorities", o.CACert != "", len(o.Authorities) > 0, func() { o.Authorities = []string{o.CACert} })
	move("keystore", "ssl_keystore_path", o.KeystoreOld != "", o.Keystore != "", func() { o.Keystore = o.KeystoreOld })
	move("keystore_password", "ssl_keystore_password", o.KeystorePasswordOld != "", o.KeystorePassword != "", func() { o.KeystorePassword = o.KeystorePasswordOld })
	move("truststore", "ssl_truststore_path", o.TruststoreOld != "", o.Truststore != "", func() { o.Truststore = o.TruststoreOld })
	move("truststore_password", "ssl_truststore_password", o.TruststorePasswordOld != "", o.TruststorePassword != "", func() { o.TruststorePassword = o.TruststorePasswordOld })
	move("username", "user", o.Username != "", o.User != "", func() { o.User = o.Username })
	move("host", "hosts", len(o.Host) > 0, len(o.Hosts) > 0, func() { o.Hosts = o.Host })
	move("index_type", "document_type", o.IndexType != nil, o.DocumentType != nil, func() { o.DocumentType = o.IndexType })
	if o.VerificationOld != nil && !*o.VerificationOld {
		o.VerificationMode = "none"
	}
	if o.MaxInflight > 0 {
		o.MaxRequests = o.MaxInflight
	}
	if o.TargetBulkBytes > 0 {
		o.MaxBody = config.Bytes(o.TargetBulkBytes)
	}
	if o.ReloadConnection {
		o.Sniffing = true
	}
	errs = append(errs, o.adoptAddress())
	o.warnUnknown(env)
	return errors.Join(errs...)
}

// adoptAddress gives hosts without a port the one of the option port, and those without a scheme that of protocol.
func (o *Options) adoptAddress() error {
	if o.Protocol == "https" && o.SSL == nil {
		yes := true
		o.SSL = &yes
	}
	if o.Port == "" {
		return nil
	}
	port, _, _ := strings.Cut(o.Port, "-") // the protocols of 1.x took a range
	if len(o.Hosts) == 0 {
		o.Hosts = make([]config.URI, 1)
		if err := o.Hosts[0].UnmarshalText([]byte("127.0.0.1")); err != nil {
			panic("BUG: " + err.Error())
		}
	}
	for i, h := range o.Hosts {
		u := h.URL()
		if u.Port() != "" {
			continue
		}
		u.Host += ":" + port
		uri, err := config.ParseURI(u.String())
		if err != nil {
			return plugin.OptionError("port", errors.New("no port"))
		}
		o.Hosts[i] = uri
	}
	return nil
}

// adoptCompression decides about compression. Level 1 takes 0.7 µs a document, more than all else that the output does, and makes bodies a sixth;
// the next levels take a third more and more for 3 % of size. So it is on by default where the way may be long (https) and off where it is not
// (http, which is not for other than near networks), unlike in Logstash, whose default is 1.
func (o *Options) adoptCompression(nodes []*url.URL) error {
	level := 0
	for _, u := range nodes {
		if u.Scheme == "https" {
			level = 1
		}
	}
	switch {
	case o.CompressionLevel != nil && o.HTTPCompression != nil:
		return plugin.OptionError("http_compression", errors.New("http_compression and compression_level exclude each other"))
	case o.CompressionLevel != nil:
		level = *o.CompressionLevel
	case o.HTTPCompression != nil && *o.HTTPCompression:
		level = 1
	case o.HTTPCompression != nil:
		level = 0
	}
	if level < 0 || level > 9 {
		return plugin.OptionError("compression_level", fmt.Errorf("must be 0 to 9, got %d", level))
	}
	o.CompressionLevel = &level
	return nil
}

// warnUnknown warns of what is accepted and cannot be honoured.
func (o *Options) warnUnknown(env *plugin.Env) {
	switch o.Protocol {
	case "", "http", "https":
	default:
		env.Warn("protocol", "protocol %q is gone from Elasticsearch; HTTP is spoken, on port %s unless host says otherwise", o.Protocol, defaultPort)
	}
	if v, ok := o.AuthType.Get("type"); ok && v.Text() != "basic" {
		env.Warn("auth_type", "authentication by %q is not supported: requests are sent without it", v.Text())
	} else if ok {
		user, _ := o.AuthType.Get("user")
		password, _ := o.AuthType.Get("password")
		if o.User == "" {
			o.User, o.Password = user.Text(), config.Password(password.Text())
		}
	}
	if o.HealthcheckPath != "" {
		env.Warn("healthcheck_path", "requests themselves show whether a node is up: no health check is made")
	}
	o.warnIdle(env)
}

// warnIdle warns of options that have no effect beside the others, or none at all.
func (o *Options) warnIdle(env *plugin.Env) {
	warn := func(option string, idle bool, why string) {
		if idle {
			env.Warn(option, "%s", why)
		}
	}
	warn("validate_after_inactivity", o.ValidateAfterInactivity != defaultInactivity,
		"an idle connection that the server closed is noticed at once: the option has no effect")
	c := env.Codec()
	warn("codec", c != nil && (c.Name != "plain" || !c.Bare), "documents are the events themselves, as in Logstash: the option codec has no effect")
	if o.Action == nil || o.Action.Static() && o.Action.String() != "update" {
		const why = `it belongs to updates: without action => "update" it has no effect`
		warn("upsert", o.Upsert != nil && o.Upsert.String() != "", why)
		warn("doc_as_upsert", o.DocAsUpsert != nil && *o.DocAsUpsert, why)
		warn("script", o.Script != nil && o.Script.String() != "", why)
		warn("scripted_upsert", o.ScriptedUpsert != nil && *o.ScriptedUpsert, why)
	}
	warn("manage_template", o.ManageTemplate != nil && !*o.ManageTemplate && (o.Template != "" || o.TemplateName != ""),
		"no template is installed: template and template_name have no effect")
	warn("ilm_enabled", o.ILMEnabled == "false" && (o.ILMRolloverAlias != "" || o.ILMPattern != "" || o.ILMPolicy != ""),
		"lifecycle management is off: ilm_rollover_alias, ilm_pattern and ilm_policy have no effect")
}

// checkNumbers checks ranges.
func (o *Options) checkNumbers() error {
	var errs []error
	positive := func(option string, n int64) {
		if n <= 0 {
			errs = append(errs, plugin.OptionError(option, errors.New("must be greater than 0")))
		}
	}
	positive("timeout", int64(o.Timeout))
	positive("retry_initial_interval", int64(o.RetryInitialInterval))
	positive("retry_max_interval", int64(o.RetryMaxInterval))
	positive("buffer_max_bytes", int64(o.MaxHeld))
	positive("requests_in_flight_max", int64(o.MaxRequests))
	positive("bulk_max_bytes", int64(o.MaxBody))
	positive("sniffing_delay", int64(o.SniffingDelay))
	if o.RetryMaxInterval < o.RetryInitialInterval {
		o.RetryMaxInterval = o.RetryInitialInterval
	}
	return errors.Join(errs...)
}

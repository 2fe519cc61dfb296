// Package kafkaclient makes clients of Kafka of the options that the input and the output share.
package kafkaclient

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"regexp"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"millrace/internal/throttle"
	"millrace/internal/tlsconf"
	"millrace/pipeline/config"
	"millrace/pipeline/plugin"
)

// Options are those that the input and the output share.
type Options struct {
	// Brokers to ask for the cluster first: host:port, with commas between several.
	BootstrapServers string `opt:"bootstrap_servers"`

	// Name that brokers log requests under and count quotas by.
	ClientID string `opt:"client_id"`

	// Accepted for Logstash's sake: all addresses of a name are tried. resolve_canonical_bootstrap_servers_only matters to Kerberos alone.
	ClientDNSLookup string `opt:"client_dns_lookup,enum=default|use_all_dns_ips|resolve_canonical_bootstrap_servers_only"`

	// Least and most pause before a broker that could not be reached is tried again. The pause doubles with every failure.
	ReconnectBackoff    time.Duration `opt:"reconnect_backoff_ms,unit=ms"`
	ReconnectBackoffMax time.Duration `opt:"reconnect_backoff_max_ms,unit=ms"`

	// Least pause before a request is repeated; the larger of it and reconnect_backoff_ms counts.
	RetryBackoff time.Duration `opt:"retry_backoff_ms,unit=ms"`

	// Size of a connection's receive buffer. By default, and with -1, the system chooses, which suits fast networks better than
	// Logstash's 32 KiB.
	ReceiveBuffer int `opt:"receive_buffer_bytes"`

	// Size of a connection's send buffer. By default, and with -1, the system chooses.
	SendBuffer int `opt:"send_buffer_bytes"`

	// How long a connection may be idle before it is closed, 15 minutes at most.
	ConnectionsMaxIdle time.Duration `opt:"connections_max_idle_ms,unit=ms"`

	// How often topics and partitions are asked for when nothing else tells of changes, an hour at most.
	MetadataMaxAge time.Duration `opt:"metadata_max_age_ms,unit=ms"`

	// How long to wait for the answer to a request, beyond the time that the request itself grants the broker.
	RequestTimeout time.Duration `opt:"request_timeout_ms,unit=ms"`

	// Whether connections are encrypted (SSL) and begin with a login (SASL).
	SecurityProtocol string `opt:"security_protocol,enum=PLAINTEXT|SSL|SASL_PLAINTEXT|SASL_SSL"`

	// Truststore with the authorities that may sign the brokers' certificates; the system's if not given.
	TruststoreLocation string `opt:"ssl_truststore_location,path"`

	// Its password.
	TruststorePassword config.Password `opt:"ssl_truststore_password"`

	// Its kind: JKS, PKCS12 or PEM; found out by the content if not given.
	TruststoreType string `opt:"ssl_truststore_type"`

	// Keystore with the certificate and key to show to brokers.
	KeystoreLocation string `opt:"ssl_keystore_location,path"`

	// Its password.
	KeystorePassword config.Password `opt:"ssl_keystore_password"`

	// Its kind: JKS, PKCS12 or PEM; found out by the content if not given.
	KeystoreType string `opt:"ssl_keystore_type"`

	// Password of the key in the keystore, where it is another one than the keystore's.
	KeyPassword config.Password `opt:"ssl_key_password"`

	// Whether a broker's name is compared with its certificate: https, or an empty text, which does not.
	EndpointIdentification string `opt:"ssl_endpoint_identification_algorithm"`

	// How to log in: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER. Logstash's default, GSSAPI (Kerberos), is not available.
	Mechanism string `opt:"sasl_mechanism"`

	// User and password as Java's login modules take them: org.apache.kafka.common.security.plain.PlainLoginModule required
	// username="…" password="…";
	JAASConfig config.Password `opt:"sasl_jaas_config"`

	// File with such a text in a section KafkaClient.
	JAASPath string `opt:"jaas_path,path"`

	// Where tokens are fetched for OAUTHBEARER, with the clientId, clientSecret and scope of sasl_jaas_config; or a file:// with a token.
	TokenEndpoint string `opt:"sasl_oauthbearer_token_endpoint_url"`

	// Accepted for Logstash's sake: tokens are passed on as they come.
	ScopeClaim string `opt:"sasl_oauthbearer_scope_claim_name"`

	// How long to wait for a connection to the token endpoint, and for its answer.
	LoginConnectTimeout time.Duration `opt:"sasl_login_connect_timeout_ms,unit=ms"`
	LoginReadTimeout    time.Duration `opt:"sasl_login_read_timeout_ms,unit=ms"`

	// Least and most pause before a token that could not be fetched is asked for again.
	LoginRetryBackoff    time.Duration `opt:"sasl_login_retry_backoff_ms,unit=ms"`
	LoginRetryBackoffMax time.Duration `opt:"sasl_login_retry_backoff_max_ms,unit=ms"`

	// Java classes; they have no effect here.
	ClientCallbackHandler string   `opt:"sasl_client_callback_handler_class"`
	LoginCallbackHandler  string   `opt:"sasl_login_callback_handler_class"`
	IAMJarPaths           []string `opt:"sasl_iam_jar_paths"`

	// Kerberos, which is not available.
	KerberosServiceName string `opt:"sasl_kerberos_service_name"`
	KerberosConfig      string `opt:"kerberos_config,path"`

	user     string // of LogIn
	password config.Password
}

// LogIn has clients log in by the mechanism PLAIN with a user and password, whatever the options of JAAS say.
func (o *Options) LogIn(user string, password config.Password) {
	o.Mechanism, o.user, o.password = "PLAIN", user, password
}

const kerberos = "GSSAPI"

// Defaults are Logstash's, but for the sizes of buffers.
func Defaults() Options {
	return Options{
		BootstrapServers: "localhost:9092", ClientID: "logstash", ClientDNSLookup: "use_all_dns_ips", ReconnectBackoff: 50 * time.Millisecond,
		ReconnectBackoffMax: time.Second, RetryBackoff: 100 * time.Millisecond, ReceiveBuffer: -1, SendBuffer: -1,
		ConnectionsMaxIdle: 540 * time.Second, MetadataMaxAge: 5 * time.Minute, RequestTimeout: 40 * time.Second, SecurityProtocol: "PLAINTEXT",
		EndpointIdentification: "https", Mechanism: kerberos, ScopeClaim: "scope", LoginConnectTimeout: 10 * time.Second,
		LoginReadTimeout: 10 * time.Second, LoginRetryBackoff: 100 * time.Millisecond, LoginRetryBackoffMax: 10 * time.Second,
	}
}

// logEvery is how often one and the same trouble is logged.
const logEvery = 30 * time.Second

// Client returns the options of a client. It reads the files that options name and connects to nothing. Its errors name options.
func (o *Options) Client(env *plugin.Env) ([]kgo.Opt, error) {
	var errs []error
	seeds, err := o.seeds()
	if err != nil {
		errs = append(errs, plugin.OptionError("bootstrap_servers", err))
	}
	conf, err := o.tls()
	if err != nil {
		errs = append(errs, err)
	}
	opts := []kgo.Opt{
		kgo.SeedBrokers(seeds...), kgo.ClientID(o.ClientID), kgo.SoftwareNameAndVersion("millrace", software(env.Version)),
		kgo.WithLogger(logger{throttle.New(env.Log, logEvery)}), kgo.Dialer(o.dialer(conf)), kgo.RetryBackoffFn(o.pause),
		kgo.ConnIdleTimeout(between(o.ConnectionsMaxIdle, time.Second, 15*time.Minute)),
		kgo.MetadataMaxAge(between(o.MetadataMaxAge, time.Second, time.Hour)), kgo.MetadataMinAge(min(time.Second, max(10*time.Millisecond, o.MetadataMaxAge))),
		kgo.RequestTimeoutOverhead(between(o.RequestTimeout, 100*time.Millisecond, 15*time.Minute)), kgo.AlwaysRetryEOF(), kgo.DisableClientMetrics(),
	}
	if strings.HasPrefix(o.SecurityProtocol, "SASL_") {
		m, err := o.mechanism()
		if err != nil {
			errs = append(errs, err)
		} else {
			opts = append(opts, kgo.SASL(m))
		}
	}
	o.warn(env)
	return opts, errors.Join(errs...)
}

// between returns d, or the nearest of what the client takes.
func between(d, least, most time.Duration) time.Duration { return max(least, min(d, most)) }

var notInVersion = regexp.MustCompile(`[^A-Za-z0-9.-]+`)

// software returns a version in the letters that brokers accept.
func software(version string) string {
	v := strings.Trim(notInVersion.ReplaceAllString(version, "-"), ".-")
	if v == "" {
		return "dev"
	}
	return v
}

// seeds reads bootstrap_servers.
func (o *Options) seeds() (seeds []string, err error) {
	for s := range strings.SplitSeq(o.BootstrapServers, ",") {
		s = strings.TrimSpace(s)
		if _, after, ok := strings.Cut(s, "://"); ok {
			s = after // a listener's name, as in brokers' own settings
		}
		if s == "" {
			continue
		}
		host, port, err := net.SplitHostPort(s)
		switch {
		case err != nil && !strings.Contains(strings.TrimPrefix(s, "["), ":"):
			host, port = s, "9092"
		case err != nil:
			return nil, fmt.Errorf("%q is no host:port", s)
		case host == "" || port == "":
			return nil, fmt.Errorf("%q is no host:port", s)
		}
		seeds = append(seeds, net.JoinHostPort(host, port))
	}
	if len(seeds) == 0 {
		return nil, errors.New("there is no broker in it")
	}
	return seeds, nil
}

// warn tells of options that can have no effect.
func (o *Options) warn(env *plugin.Env) {
	sasl := strings.HasPrefix(o.SecurityProtocol, "SASL_")
	if !sasl && o.Mechanism != kerberos {
		env.Warn("sasl_mechanism", "there is no login with security_protocol => %s", o.SecurityProtocol)
	}
	if !strings.HasSuffix(o.SecurityProtocol, "SSL") && (o.TruststoreLocation != "" || o.KeystoreLocation != "") {
		env.Warn("security_protocol", "connections are not encrypted: the ssl_ options have no effect with security_protocol => %s", o.SecurityProtocol)
	}
	if o.ClientDNSLookup == "resolve_canonical_bootstrap_servers_only" {
		env.Warn("client_dns_lookup", "canonical names matter to Kerberos alone, which is not available: names are used as they are written")
	}
	none := func(given bool, option, why string) {
		if given {
			env.Warn(option, "option %q has no effect: %s", option, why)
		}
	}
	none(o.ClientCallbackHandler != "", "sasl_client_callback_handler_class", "there are no Java classes here")
	none(o.LoginCallbackHandler != "" && !strings.HasSuffix(o.LoginCallbackHandler, ".OAuthBearerLoginCallbackHandler"), "sasl_login_callback_handler_class",
		"there are no Java classes here; what OAuthBearerLoginCallbackHandler does is built in")
	none(len(o.IAMJarPaths) > 0, "sasl_iam_jar_paths", "there are no Java classes here")
	none(o.KerberosServiceName != "", "sasl_kerberos_service_name", "Kerberos is not available")
	none(o.KerberosConfig != "", "kerberos_config", "Kerberos is not available")
}

// pause returns how long to wait before another attempt: doubled with each, up to reconnect_backoff_max_ms, and a fifth more or less, so that
// clients that failed together do not come back together.
func (o *Options) pause(failures int) time.Duration {
	d := max(o.ReconnectBackoff, o.RetryBackoff, time.Millisecond)
	most := max(d, o.ReconnectBackoffMax)
	d = min(d<<min(max(failures-1, 0), 16), most)
	return time.Duration(float64(d) * (0.8 + 0.4*rand.Float64()))
}

const dialTimeout = 10 * time.Second

// dialer returns what opens connections, encrypted if conf is not nil.
func (o *Options) dialer(conf *tls.Config) func(ctx context.Context, network, host string) (net.Conn, error) {
	plain := &net.Dialer{Timeout: dialTimeout}
	return func(ctx context.Context, network, host string) (net.Conn, error) {
		c, err := plain.DialContext(ctx, network, host)
		if err != nil {
			return nil, err
		}
		if t, ok := c.(*net.TCPConn); ok { // a size that the system refuses is not worth losing the connection for
			if o.ReceiveBuffer > 0 {
				_ = t.SetReadBuffer(o.ReceiveBuffer)
			}
			if o.SendBuffer > 0 {
				_ = t.SetWriteBuffer(o.SendBuffer)
			}
		}
		if conf == nil {
			return c, nil
		}
		own := conf.Clone()
		if own.ServerName, _, err = net.SplitHostPort(host); err != nil {
			own.ServerName = host
		}
		t := tls.Client(c, own)
		ctx, cancel := context.WithTimeout(ctx, dialTimeout)
		defer cancel()
		if err := t.HandshakeContext(ctx); err != nil {
			_ = c.Close()
			return nil, err
		}
		return t, nil
	}
}

// tls returns the configuration of encrypted connections, nil if they are not. Stores are read apart, so that an error names its option.
func (o *Options) tls() (*tls.Config, error) {
	if !strings.HasSuffix(o.SecurityProtocol, "SSL") {
		return nil, nil
	}
	var errs []error
	fail := func(option string, err error) {
		if err != nil {
			errs = append(errs, plugin.OptionError(option, err))
		}
	}
	kind := func(option, kind string) string {
		switch k := strings.ToLower(kind); k {
		case "", "jks", "pkcs12", "pem":
			return k
		default:
			fail(option, fmt.Errorf("unknown type %q: JKS, PKCS12 or PEM", kind))
			return ""
		}
	}
	trust, key := tlsconf.Options{}, tlsconf.Options{}
	if t := kind("ssl_truststore_type", o.TruststoreType); t == "pem" && o.TruststoreLocation != "" {
		trust.Authorities = []string{o.TruststoreLocation}
	} else {
		trust.Truststore, trust.TruststoreType, trust.TruststorePassword = o.TruststoreLocation, t, o.TruststorePassword
	}
	switch o.EndpointIdentification {
	case "https":
	case "":
		trust.VerificationMode = "certificate"
	default:
		fail("ssl_endpoint_identification_algorithm", fmt.Errorf("unknown algorithm %q: https, or an empty text", o.EndpointIdentification))
	}
	if t := kind("ssl_keystore_type", o.KeystoreType); t == "pem" {
		key.Certificate, key.Key, key.KeyPassphrase = o.KeystoreLocation, o.KeystoreLocation, o.KeyPassword
	} else {
		key.Keystore, key.KeystoreType, key.KeystorePassword, key.KeyPassphrase = o.KeystoreLocation, t, o.KeystorePassword, o.KeyPassword
	}
	conf, err := trust.Client()
	fail("ssl_truststore_location", err)
	own, err := key.Client()
	fail("ssl_keystore_location", err)
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	conf.Certificates = own.Certificates
	return conf, nil
}

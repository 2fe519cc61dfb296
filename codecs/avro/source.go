package avro

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"millrace/internal/tlsconf"
	"millrace/pipeline/plugin"
)

// source is where the schema comes from: a file, read at once, or the web, asked when the schema is first needed.
type source struct {
	known atomic.Pointer[schema]

	address        string
	user, password string
	client         *http.Client

	mu    sync.Mutex
	err   error // of the last attempt
	again time.Time
}

// retryAfter is how long the web is not asked again after it has failed, maxSchema what it may send.
const (
	retryAfter = 5 * time.Second
	timeout    = 10 * time.Second
	maxSchema  = 16 << 20
)

func newSource(o *Options) (*source, error) {
	s := &source{address: o.SchemaURI}
	u, err := url.Parse(o.SchemaURI)
	remote := err == nil && (u.Scheme == "http" || u.Scheme == "https")
	if err := checkWeb(o, remote && u.Scheme == "https"); err != nil {
		return nil, err
	}
	if !remote {
		path := strings.TrimPrefix(o.SchemaURI, "file://")
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, plugin.OptionError("schema_uri", fmt.Errorf("reading the schema: %w", err))
		}
		parsed, err := parseSchema(text)
		if err != nil {
			return nil, plugin.OptionError("schema_uri", fmt.Errorf("%q: %w", path, err))
		}
		s.known.Store(parsed)
		return s, nil
	}
	if o.Username != nil {
		s.user, s.password = *o.Username, string(*o.Password)
	}
	s.client, err = newClient(o)
	return s, err
}

func newClient(o *Options) (*http.Client, error) {
	t := tlsconf.Options{
		Certificate: o.Certificate, Key: o.Key, Authorities: o.Authorities, Protocols: o.Protocols, CipherSuites: o.CipherSuites,
		Keystore: o.Keystore, KeystoreType: o.KeystoreType, KeystorePassword: o.KeystorePassword,
		Truststore: o.Truststore, TruststoreType: o.TruststoreType, TruststorePassword: o.TruststorePassword, VerificationMode: o.VerificationMode,
	}
	tc, err := t.Client()
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: tc}
	if !o.Proxy.IsZero() {
		transport.Proxy = http.ProxyURL(o.Proxy.URL())
	}
	return &http.Client{Transport: transport, Timeout: timeout}, nil
}

// checkWeb reports options that do not go together.
func checkWeb(o *Options, https bool) error {
	var errs []error
	f := func(wrong bool, option, text string) {
		if wrong {
			errs = append(errs, plugin.OptionError(option, errors.New(text)))
		}
	}
	f(o.Username != nil && o.Password == nil, "username", "username requires password")
	f(o.Username == nil && o.Password != nil, "password", "password is not allowed unless username is specified")
	f(o.Username != nil && o.Password != nil && (*o.Username == "" || *o.Password == ""), "username", "an empty username or password is not allowed")
	f(https && o.SSLEnabled != nil && !*o.SSLEnabled, "ssl_enabled", "an address with https requires ssl_enabled => true")
	f(len(o.Authorities) > 1, "ssl_certificate_authorities", "multiple values are not supported")
	f(o.Authorities != nil && len(o.Authorities) == 0, "ssl_certificate_authorities", "must not be empty")
	f(o.Certificate != "" && o.Keystore != "", "ssl_certificate", "ssl_certificate and ssl_keystore_path cannot be used together")
	f(o.Certificate != "" && o.Key == "", "ssl_certificate", "ssl_certificate requires ssl_key")
	f(o.Certificate == "" && o.Key != "", "ssl_key", "ssl_key is not allowed unless ssl_certificate is specified")
	f(o.Keystore == "" && (o.KeystorePassword != "" || o.KeystoreType != ""), "ssl_keystore_path", "a password or type of a keystore requires ssl_keystore_path")
	f(o.Truststore == "" && (o.TruststorePassword != "" || o.TruststoreType != ""), "ssl_truststore_path", "a password or type of a truststore requires ssl_truststore_path")
	f(o.Truststore != "" && len(o.Authorities) > 0, "ssl_truststore_path", "ssl_truststore_path and ssl_certificate_authorities cannot be used together")
	f(o.VerificationMode == "none" && (o.Truststore != "" || len(o.Authorities) > 0), "ssl_verification_mode", "must be full where authorities are given")
	return errors.Join(errs...)
}

// get returns the schema. Where the web fails it is asked again after a while; what comes in meanwhile is tagged.
func (s *source) get() (*schema, error) {
	if parsed := s.known.Load(); parsed != nil {
		return parsed, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if parsed := s.known.Load(); parsed != nil {
		return parsed, nil
	}
	if time.Now().Before(s.again) {
		return nil, s.err
	}
	parsed, err := s.fetch()
	if err != nil {
		s.err, s.again = fmt.Errorf("fetching the avro schema: %w", err), time.Now().Add(retryAfter)
		return nil, s.err
	}
	s.known.Store(parsed)
	return parsed, nil
}

func (s *source) fetch() (*schema, error) {
	req, err := http.NewRequest(http.MethodGet, s.address, nil)
	if err != nil {
		return nil, err
	}
	if s.user != "" {
		req.SetBasicAuth(s.user, s.password)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the server answered %s", resp.Status)
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxSchema))
	if err != nil {
		return nil, err
	}
	return parseSchema(text)
}

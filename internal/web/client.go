// Package web speaks HTTP to services, for the plugins that do: the options of Logstash's HTTP client and what they stand for.
package web

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"time"

	"millrace/internal/tlsconf"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Client are the options of the HTTP client.
type Client struct {
	// Name for basic authentication.
	User string `opt:"user"`

	// Its password.
	Password config.Password `opt:"password"`

	// Address of a proxy, or a hash with url or with host, port and scheme, and with user and password. By default that of the environment,
	// HTTP_PROXY and HTTPS_PROXY.
	Proxy Proxy `opt:"proxy"`

	// How long a request may take, with its answer.
	RequestTimeout time.Duration `opt:"request_timeout,unit=s"`

	// How long the server may be silent.
	SocketTimeout time.Duration `opt:"socket_timeout,unit=s"`

	// How long making a connection may take.
	ConnectTimeout time.Duration `opt:"connect_timeout,unit=s"`

	// Whether redirections are followed.
	FollowRedirects bool `opt:"follow_redirects"`

	// How many connections are kept open.
	PoolMax int `opt:"pool_max"`

	// How many there may be to one server.
	PoolMaxPerRoute int `opt:"pool_max_per_route"`

	// Whether connections are used again.
	Keepalive bool `opt:"keepalive"`

	// How often a request without an answer is repeated.
	AutomaticRetries int `opt:"automatic_retries"`

	// Whether that holds for POST and PATCH too.
	RetryNonIdempotent bool `opt:"retry_non_idempotent"`

	// Whether cookies are kept.
	Cookies bool `opt:"cookies"`

	ValidateAfterInactivity int `opt:"validate_after_inactivity,deprecated=a connection that the server closed is noticed at once"`

	// Accepted for Logstash's sake: TLS is used for addresses that begin with https://, and for no others.
	SSLEnabled bool `opt:"ssl_enabled"`

	// Files with the certificates of authorities (PEM).
	Authorities []string `opt:"ssl_certificate_authorities,alias=cacert"`

	// File with a certificate of one's own, and its chain (PEM).
	Certificate string `opt:"ssl_certificate,path,alias=client_cert"`

	// Its private key.
	Key string `opt:"ssl_key,path,alias=client_key"`

	// A keystore in place of both.
	Keystore string `opt:"ssl_keystore_path,path,alias=keystore"`

	// Its kind: jks or pkcs12.
	KeystoreType string `opt:"ssl_keystore_type,alias=keystore_type"`

	// Its password.
	KeystorePassword config.Password `opt:"ssl_keystore_password,alias=keystore_password"`

	// A truststore in place of ssl_certificate_authorities.
	Truststore string `opt:"ssl_truststore_path,path,alias=truststore"`

	// Its kind: jks or pkcs12.
	TruststoreType string `opt:"ssl_truststore_type,alias=truststore_type"`

	// Its password.
	TruststorePassword config.Password `opt:"ssl_truststore_password,alias=truststore_password"`

	// Whether the server's certificate is verified.
	VerificationMode string `opt:"ssl_verification_mode,enum=full|none"`

	// Cipher suites to offer.
	CipherSuites []string `opt:"ssl_cipher_suites"`

	// Versions of TLS to offer.
	Protocols []string `opt:"ssl_supported_protocols"`

	Validation *bool `opt:"ssl_certificate_validation,obsolete=write ssl_verification_mode => none in place of false"`
}

// DefaultClient returns the options' defaults.
func DefaultClient() Client {
	return Client{
		RequestTimeout: time.Minute, SocketTimeout: 10 * time.Second, ConnectTimeout: 10 * time.Second, FollowRedirects: true, PoolMax: 50,
		PoolMaxPerRoute: 25, Keepalive: true, AutomaticRetries: 1, Cookies: true, VerificationMode: "full",
	}
}

// Requester sends requests as the options of a [Client] say. It is safe for concurrent use.
type Requester struct {
	// HTTP is the client that sends.
	HTTP *http.Client

	user, password string
	retries        int
	retryAlways    bool // also what is not idempotent
}

// Requester reads the certificates and makes what sends. It connects with the first request.
func (c *Client) Requester() (*Requester, error) {
	if c.User != "" && c.Password == "" {
		return nil, plugin.OptionError("user", errors.New("user needs password"))
	}
	mode := c.VerificationMode
	if c.Validation != nil && !*c.Validation {
		mode = "none"
	}
	t := tlsconf.Options{
		Certificate: c.Certificate, Key: c.Key, Authorities: c.Authorities, Protocols: c.Protocols, CipherSuites: c.CipherSuites,
		Keystore: c.Keystore, KeystoreType: c.KeystoreType, KeystorePassword: c.KeystorePassword,
		Truststore: c.Truststore, TruststoreType: c.TruststoreType, TruststorePassword: c.TruststorePassword, VerificationMode: mode,
	}
	tc, err := t.Client()
	if err != nil {
		return nil, err
	}
	client := &http.Client{
		Timeout: c.RequestTimeout, CheckRedirect: sameMethod,
		Transport: &http.Transport{
			Proxy: c.proxy(), TLSClientConfig: tc, DialContext: (&net.Dialer{Timeout: c.ConnectTimeout}).DialContext, TLSHandshakeTimeout: c.ConnectTimeout,
			ResponseHeaderTimeout: c.SocketTimeout, MaxIdleConns: c.PoolMax, MaxIdleConnsPerHost: c.PoolMaxPerRoute, MaxConnsPerHost: c.PoolMaxPerRoute,
			DisableKeepAlives: !c.Keepalive, ForceAttemptHTTP2: true, IdleConnTimeout: 90 * time.Second,
		},
	}
	if !c.FollowRedirects {
		client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	}
	if c.Cookies {
		client.Jar, _ = cookiejar.New(nil) // it fails for no options
	}
	return &Requester{HTTP: client, user: c.User, password: c.Password.Reveal(), retries: c.AutomaticRetries, retryAlways: c.RetryNonIdempotent}, nil
}

func (c *Client) proxy() func(*http.Request) (*url.URL, error) {
	if c.Proxy.IsZero() {
		return http.ProxyFromEnvironment
	}
	u := c.Proxy.URL()
	if u.Scheme == "" {
		u.Scheme = "http"
	}
	return http.ProxyURL(u)
}

// sameMethod follows redirections as Java's client does: not those that would make a GET of what has a body, which would be lost without a
// word.
func sameMethod(req *http.Request, via []*http.Request) error {
	switch {
	case len(via) >= 10:
		return errors.New("there were more than 10 redirections")
	case req.Method != via[0].Method:
		return http.ErrUseLastResponse
	}
	return nil
}

// Do sends the request with a body, nil if it has none, again if there was no answer and it is a kind of request that may be repeated; retried tells
// how often. Its error says that there was no answer. A request without credentials gets those of the options.
func (r *Requester) Do(req *http.Request, body []byte) (resp *http.Response, retried int, err error) {
	if r.user != "" && req.Header.Get("Authorization") == "" {
		req.SetBasicAuth(r.user, r.password)
	}
	idempotent := r.retryAlways || req.Method != http.MethodPost && req.Method != http.MethodPatch
	for ; ; retried++ {
		one := req.Clone(req.Context()) // sending adds cookies to the header
		if len(body) > 0 {
			one.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
			one.Body, _ = one.GetBody()
			one.ContentLength = int64(len(body))
		}
		resp, err = r.HTTP.Do(one)
		if err == nil || retried >= r.retries || !idempotent || req.Context().Err() != nil {
			return resp, retried, err
		}
	}
}

// Close frees the connections.
func (r *Requester) Close() { r.HTTP.CloseIdleConnections() }

// maxBody bounds an answer.
const maxBody = 64 << 20

// Body reads and closes the body of an answer.
func Body(resp *http.Response) ([]byte, error) {
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err == nil && len(data) > maxBody {
		return nil, fmt.Errorf("the answer has more than %d bytes", maxBody)
	}
	return data, err
}

// Header returns what an event gets of the header of an answer: names in lower case, and a list where a field stands there more than once.
func Header(e *event.Event, h http.Header) *event.Object {
	header := e.NewObject()
	for _, name := range slices.Sorted(maps.Keys(h)) {
		values := h[name]
		v := event.StringValue(values[0])
		if len(values) > 1 {
			l := e.NewList()
			for _, s := range values {
				l.Append(event.StringValue(s))
			}
			v = event.ListValue(l)
		}
		header.Set(strings.ToLower(name), v)
	}
	return header
}

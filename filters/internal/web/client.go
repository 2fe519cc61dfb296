// Package web asks web services, for the filters that do.
package web

import (
	"errors"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"time"

	"millrace/internal/tlsconf"
	"millrace/pipeline/config"
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
}

// DefaultClient returns the options' defaults.
func DefaultClient() Client {
	return Client{
		RequestTimeout: time.Minute, SocketTimeout: 10 * time.Second, ConnectTimeout: 10 * time.Second, FollowRedirects: true, PoolMax: 50,
		PoolMaxPerRoute: 25, Keepalive: true, AutomaticRetries: 1, Cookies: true, VerificationMode: "full",
	}
}

// connect makes the client. It connects with the first request.
func (c *Client) connect() (*http.Client, error) {
	if c.User != "" && c.Password == "" {
		return nil, plugin.OptionError("user", errors.New("user needs password"))
	}
	t := tlsconf.Options{
		Certificate: c.Certificate, Key: c.Key, Authorities: c.Authorities, Protocols: c.Protocols, CipherSuites: c.CipherSuites,
		Keystore: c.Keystore, KeystoreType: c.KeystoreType, KeystorePassword: c.KeystorePassword,
		Truststore: c.Truststore, TruststoreType: c.TruststoreType, TruststorePassword: c.TruststorePassword, VerificationMode: c.VerificationMode,
	}
	tc, err := t.Client()
	if err != nil {
		return nil, err
	}
	proxy := http.ProxyFromEnvironment
	if !c.Proxy.IsZero() {
		u := c.Proxy.URL()
		if u.Scheme == "" {
			u.Scheme = "http"
		}
		proxy = func(*http.Request) (*url.URL, error) { return u, nil }
	}
	client := &http.Client{
		Timeout: c.RequestTimeout,
		Transport: &http.Transport{
			Proxy: proxy, TLSClientConfig: tc, DialContext: (&net.Dialer{Timeout: c.ConnectTimeout}).DialContext, TLSHandshakeTimeout: c.ConnectTimeout,
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
	return client, nil
}

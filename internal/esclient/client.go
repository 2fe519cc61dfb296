// Package esclient asks Elasticsearch, for the plugins that search in it.
package esclient

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"millrace/internal/tlsconf"
	"millrace/pipeline/plugin"
)

// Config is what a plugin decides.
type Config struct {
	Plugin  string // its kind and name, for the cluster's log
	Version string
	Retries int   // how often a request that failed is repeated
	Passing []int // statuses of answers that count as failures that may pass

	ConnectTimeout time.Duration // 10 s if 0
	RequestTimeout time.Duration // 60 s if 0
	SocketTimeout  time.Duration // until an answer begins; RequestTimeout if 0
	MaxAnswer      int64         // bytes; 64 MiB if 0
}

// Client asks nodes in turn. It is safe for concurrent use.
type Client struct {
	http    *http.Client
	nodes   []string
	header  http.Header
	config  Config
	turn    atomic.Uint32
	secured bool // certificates are verified
}

// Client reads the certificates and makes the client. It connects with the first request.
func (o *Options) Client(config Config) (*Client, error) {
	config.Retries = max(config.Retries, 0)
	config.ConnectTimeout = cmp.Or(config.ConnectTimeout, 10*time.Second)
	config.RequestTimeout = cmp.Or(config.RequestTimeout, time.Minute)
	config.MaxAnswer = cmp.Or(config.MaxAnswer, 64<<20)
	mode := o.VerificationMode
	if o.Verification != nil && !*o.Verification {
		mode = "none"
	}
	c := &Client{config: config, header: make(http.Header), secured: mode != "none"}
	var errs []error
	add := func(err error) { errs = append(errs, err) }
	add(c.setNodes(o))
	add(c.setAuth(o))
	c.header.Set("X-Elastic-Product-Origin", "logstash-"+strings.ReplaceAll(config.Plugin, " ", "-"))
	c.header.Set("User-Agent", "millrace/"+config.Version+" ("+config.Plugin+")")
	for _, h := range o.CustomHeaders {
		c.header.Set(h.Key, h.Value)
	}
	t := tlsconf.Options{
		Certificate: o.Certificate, Key: o.Key, Authorities: o.Authorities, Protocols: o.Protocols, CipherSuites: o.CipherSuites,
		Keystore: o.Keystore, KeystoreType: o.KeystoreType, KeystorePassword: o.KeystorePassword,
		Truststore: o.Truststore, TruststoreType: o.TruststoreType, TruststorePassword: o.TruststorePassword,
		VerificationMode: mode, Fingerprint: o.Fingerprint,
	}
	tc, err := t.Client()
	add(err)
	proxy := http.ProxyFromEnvironment
	if o.Proxy != "" {
		u, err := url.Parse(o.Proxy)
		if err != nil || u.Host == "" {
			add(plugin.OptionError("proxy", errors.New("it is no address of a proxy")))
		}
		proxy = http.ProxyURL(u)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	c.http = &http.Client{Timeout: config.RequestTimeout, Transport: &http.Transport{
		Proxy: proxy, TLSClientConfig: tc, DialContext: (&net.Dialer{Timeout: config.ConnectTimeout}).DialContext, MaxIdleConnsPerHost: 32,
		TLSHandshakeTimeout: config.ConnectTimeout, ResponseHeaderTimeout: config.SocketTimeout, IdleConnTimeout: 90 * time.Second, ForceAttemptHTTP2: true,
	}}
	return c, nil
}

// Close frees the connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// WarnUnverified warns if there is encryption and nobody verifies who is at the other end.
func (c *Client) WarnUnverified(env *plugin.Env) {
	if !c.secured && slices.ContainsFunc(c.nodes, func(n string) bool { return strings.HasPrefix(n, "https://") }) {
		env.Warn("ssl_verification_mode", "the certificate of Elasticsearch is not verified: whoever is between can read and change what is sent")
	}
}

// setNodes reads hosts or cloud_id.
func (c *Client) setNodes(o *Options) error {
	if o.CloudID != "" {
		if len(o.Hosts) != 1 || o.Hosts[0] != defaultHost {
			return plugin.OptionError("cloud_id", errors.New("there may be one of cloud_id and hosts"))
		}
		node, err := cloudNode(o.CloudID)
		if err != nil {
			return plugin.OptionError("cloud_id", err)
		}
		c.nodes = []string{node}
		return nil
	}
	if len(o.Hosts) == 0 {
		return plugin.OptionError("hosts", errors.New("must not be empty"))
	}
	scheme := "http://"
	if o.SSLEnabled {
		scheme = "https://"
	}
	for _, h := range o.Hosts {
		if !strings.Contains(h, "://") {
			h = scheme + h
		}
		u, err := url.Parse(h)
		if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
			return plugin.OptionError("hosts", errors.New("a host must be host, host:port, or an address with http:// or https://"))
		}
		if u.Port() == "" {
			u.Host = net.JoinHostPort(u.Hostname(), "9200")
		}
		if u.User != nil && o.User == "" {
			password, _ := u.User.Password()
			c.header.Set("Authorization", basic(u.User.Username(), password))
			u.User = nil
		}
		c.nodes = append(c.nodes, strings.TrimSuffix(u.String(), "/"))
	}
	return nil
}

// cloudNode reads Elastic Cloud's id: label:base64(host[:port]$elasticsearch[:port]$kibana).
func cloudNode(id string) (string, error) {
	_, encoded, ok := strings.Cut(id, ":")
	if !ok {
		encoded = id
	}
	data, err := base64.StdEncoding.DecodeString(encoded)
	parts := strings.Split(string(data), "$")
	if err != nil || len(parts) < 2 || parts[0] == "" || parts[1] == "" || parts[1] == "undefined" {
		return "", errors.New("it is no cloud id as Elastic Cloud shows it")
	}
	host, port := parts[0], "443"
	if h, p, ok := strings.Cut(parts[0], ":"); ok {
		host, port = h, p
	}
	name := parts[1]
	if n, p, ok := strings.Cut(name, ":"); ok {
		name, port = n, p
	}
	return "https://" + name + "." + host + ":" + port, nil
}

// setAuth settles the way of authentication, of which there may be one.
func (c *Client) setAuth(o *Options) error {
	ways := 0
	for _, given := range []bool{o.User != "" || o.Password != "", o.CloudAuth != "", o.APIKey != ""} {
		if given {
			ways++
		}
	}
	if ways > 1 {
		return plugin.OptionError("user", errors.New("there may be one of user with password, cloud_auth and api_key"))
	}
	switch {
	case o.User != "" || o.Password != "":
		if o.User == "" || o.Password == "" {
			return plugin.OptionError("user", errors.New("user and password go together"))
		}
		c.header.Set("Authorization", basic(o.User, o.Password.Reveal()))
	case o.CloudAuth != "":
		user, password, ok := strings.Cut(o.CloudAuth.Reveal(), ":")
		if !ok {
			return plugin.OptionError("cloud_auth", errors.New("it must be user:password"))
		}
		c.header.Set("Authorization", basic(user, password))
	case o.APIKey != "":
		if slices.ContainsFunc(c.nodes, func(node string) bool { return strings.HasPrefix(node, "http://") }) {
			return plugin.OptionError("api_key", errors.New("it is only sent by TLS: set ssl_enabled, or begin the hosts with https://"))
		}
		key := o.APIKey.Reveal()
		if strings.Contains(key, ":") {
			key = base64.StdEncoding.EncodeToString([]byte(key))
		}
		c.header.Set("Authorization", "ApiKey "+key)
	}
	return nil
}

func basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

// Ask sends a request, to the next node if one does not answer. Its error is a [StatusError] if the answer is a failure. A body is JSON.
func (c *Client) Ask(ctx context.Context, method, path, body string) (answer string, err error) {
	tries := max(len(c.nodes), 1+c.config.Retries)
	for try := range tries {
		var passing bool
		answer, passing, err = c.try(ctx, method, path, body)
		if err == nil || !passing || try >= c.config.Retries && !isConnection(err) || ctx.Err() != nil {
			break
		}
	}
	return answer, err
}

// StatusError is an answer that is a failure.
type StatusError struct {
	Status int
	Body   string // its beginning
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("the answer is status %d: %s", e.Status, e.Body)
}

func isConnection(err error) bool {
	var s *StatusError
	return !errors.As(err, &s)
}

// try asks one node. passing tells that it is worth another try.
func (c *Client) try(ctx context.Context, method, path, body string) (answer string, passing bool, err error) {
	node := c.nodes[int(c.turn.Add(1)-1)%len(c.nodes)]
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, node+path, r)
	if err != nil {
		return "", false, err
	}
	for k, v := range c.header {
		req.Header[k] = v
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		var ue *url.Error
		if errors.As(err, &ue) {
			err = ue.Err // the address holds the query
		}
		return "", true, fmt.Errorf("asking %s: %w", node, err)
	}
	defer resp.Body.Close()
	var text strings.Builder
	n, err := io.Copy(&text, io.LimitReader(resp.Body, c.config.MaxAnswer+1))
	switch {
	case err != nil:
		return "", true, err
	case n > c.config.MaxAnswer:
		return "", false, fmt.Errorf("the answer has more than %d bytes", c.config.MaxAnswer)
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		shown := text.String()[:min(text.Len(), 500)]
		return "", slices.Contains(c.config.Passing, resp.StatusCode), &StatusError{resp.StatusCode, shown}
	}
	return text.String(), false, nil
}

// EscapeIndex keeps the commas and stars of a list of indices.
func EscapeIndex(s string) string {
	return strings.NewReplacer("%2C", ",", "%2A", "*").Replace(url.PathEscape(s))
}

// SetTransport makes the client send by t, in tests.
func (c *Client) SetTransport(t http.RoundTripper) { c.http.Transport = t }

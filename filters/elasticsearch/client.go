package elasticsearch

import (
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

// requestTimeout is how long a search may take, as with Logstash's client.
const requestTimeout = 60 * time.Second

// maxAnswer bounds what a search may bring.
const maxAnswer = 64 << 20

// client asks nodes in turn. It is safe for concurrent use.
type client struct {
	http    *http.Client
	nodes   []string
	header  http.Header
	retries int
	passing []int
	turn    atomic.Uint32
}

func newClient(o *Options, version string) (*client, error) {
	c := &client{retries: max(o.RetryOnFailure, 0), passing: o.RetryOnStatus, header: make(http.Header)}
	var errs []error
	add := func(err error) { errs = append(errs, err) }
	add(c.setNodes(o))
	add(c.setAuth(o))
	c.header.Set("X-Elastic-Product-Origin", "logstash-filter-elasticsearch")
	c.header.Set("User-Agent", "millrace/"+version+" (filter elasticsearch)")
	for _, h := range o.CustomHeaders {
		c.header.Set(h.Key, h.Value)
	}
	t := tlsconf.Options{
		Certificate: o.Certificate, Key: o.Key, Authorities: o.Authorities, Protocols: o.Protocols, CipherSuites: o.CipherSuites,
		Keystore: o.Keystore, KeystoreType: o.KeystoreType, KeystorePassword: o.KeystorePassword,
		Truststore: o.Truststore, TruststoreType: o.TruststoreType, TruststorePassword: o.TruststorePassword,
		VerificationMode: o.VerificationMode, Fingerprint: o.Fingerprint,
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
	c.http = &http.Client{Timeout: requestTimeout, Transport: &http.Transport{
		Proxy: proxy, TLSClientConfig: tc, DialContext: (&net.Dialer{Timeout: 10 * time.Second}).DialContext, MaxIdleConnsPerHost: 32,
		IdleConnTimeout: 90 * time.Second, ForceAttemptHTTP2: true,
	}}
	return c, nil
}

// setNodes reads hosts or cloud_id.
func (c *client) setNodes(o *Options) error {
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

// cloudNode reads Elastic Cloud's id: label:base64(host[:port]$elasticsearch$kibana).
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
	return "https://" + parts[1] + "." + host + ":" + port, nil
}

// setAuth settles the way of authentication, of which there may be one.
func (c *client) setAuth(o *Options) error {
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

// ask sends a request, to the next node if one does not answer.
func (c *client) ask(path, body string) (answer string, err error) {
	tries := max(len(c.nodes), 1+c.retries)
	for try := range tries {
		var passing bool
		answer, passing, err = c.try(path, body)
		if err == nil || !passing || try >= c.retries && !isConnection(err) {
			break
		}
	}
	return answer, err
}

// errStatus is an answer that is a failure.
type errStatus struct {
	status int
	body   string
}

func (e *errStatus) Error() string {
	return fmt.Sprintf("the answer is status %d: %s", e.status, e.body)
}

func isConnection(err error) bool {
	var s *errStatus
	return !errors.As(err, &s)
}

// try asks one node. passing tells that it is worth another try.
func (c *client) try(path, body string) (answer string, passing bool, err error) {
	node := c.nodes[int(c.turn.Add(1)-1)%len(c.nodes)]
	method := http.MethodGet
	var r io.Reader
	if body != "" {
		method, r = http.MethodPost, strings.NewReader(body)
	}
	req, err := http.NewRequest(method, node+path, r)
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
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return "", true, err
	case len(data) > maxAnswer:
		return "", false, fmt.Errorf("the answer has more than %d bytes", maxAnswer)
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		shown := string(data[:min(len(data), 500)])
		return "", slices.Contains(c.passing, resp.StatusCode), &errStatus{resp.StatusCode, shown}
	}
	return string(data), false, nil
}

func queryEscape(s string) string { return url.QueryEscape(s) }

// escapeIndex keeps the commas and stars of a list of indices.
func escapeIndex(s string) string {
	return strings.NewReplacer("%2C", ",", "%2A", "*").Replace(url.PathEscape(s))
}

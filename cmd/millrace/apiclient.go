package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	jsoniter "github.com/json-iterator/go"
	"github.com/spf13/pflag"

	"millrace/internal/settings"
)

// apiFlags are the flags of commands that ask a running Millrace.
type apiFlags struct {
	run      runOptions
	url      string
	user     string
	ca       string
	insecure bool
}

// connection declares how to reach the API.
func (f *apiFlags) connection(fs *pflag.FlagSet) {
	fs.StringVar(&f.url, "url", "", "address of the API (default: by the settings api.http.host and api.http.port)")
	fs.StringVar(&f.user, "user", "", "name:password for the API (default: MILLRACE_API_USER and MILLRACE_API_PASSWORD, or by the settings api.auth.basic)")
	fs.StringVar(&f.ca, "ca", "", "PEM file with the authority that signed the API's certificate")
	fs.BoolVar(&f.insecure, "insecure", false, "do not verify the API's certificate")
}

// settings declares the settings that tell where a Millrace of this machine listens, for commands without all of the flags of a run.
func (f *apiFlags) settings(fs *pflag.FlagSet) {
	fs.String("path.settings", "", "folder of logstash.yml and logstash.keystore")
	fs.String("api.http.host", "127.0.0.1", "address of the monitoring API")
	fs.String("api.http.port", "9600-9700", "port of the monitoring API; of a range the first that answers")
	fs.StringArrayVarP(&f.run.set, "setting", "S", nil, "any setting, as name=value")
	fs.Lookup("setting").Hidden = true
}

// apiClient asks the API of a running Millrace.
type apiClient struct {
	bases              []string // candidates; one once it has answered
	http               *http.Client
	username, password string
}

// errNoAnswer tells that nobody listens.
var errNoAnswer = errors.New("no answer")

// apiError is an answer that is not the one asked for.
type apiError struct {
	Status  int
	Message string
	Text    string // the whole report, if there is one
}

// Error implements error.
func (e *apiError) Error() string {
	switch {
	case e.Status == http.StatusUnauthorized:
		return "the API asks for a name and a password: --user, MILLRACE_API_USER and MILLRACE_API_PASSWORD, or the settings api.auth.basic.username and .password"
	case e.Text != "":
		return strings.TrimRight(e.Text, "\n")
	case e.Message != "":
		return e.Message
	}
	return fmt.Sprintf("the API answers %d %s", e.Status, http.StatusText(e.Status))
}

// client makes a client of the flags and, for what they do not say, the settings of this machine.
func (f *apiFlags) client(flags *pflag.FlagSet) (*apiClient, error) {
	l, _, err := loadSettings(flags, &f.run)
	if err != nil {
		return nil, err
	}
	c := &apiClient{}
	own, err := c.address(f.url, l.settings)
	if err != nil {
		return nil, err
	}
	c.authenticate(f.user, own, l.settings)
	verify, err := f.verification(own, l.settings)
	if err != nil {
		return nil, err
	}
	c.http = &http.Client{Transport: &http.Transport{
		DialContext: (&net.Dialer{Timeout: 3 * time.Second}).DialContext, TLSHandshakeTimeout: 5 * time.Second, ResponseHeaderTimeout: 15 * time.Second,
		// Certificates are verified by VerifyConnection, which knows the one of this machine's own settings.
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true, VerifyConnection: verify}, //nolint:gosec
		Proxy:           proxyUnlessLocal,
	}}
	return c, nil
}

// proxyUnlessLocal asks this machine without a proxy, whatever the environment says.
func proxyUnlessLocal(r *http.Request) (*url.URL, error) {
	if isLocal(r.URL.Hostname()) {
		return nil, nil
	}
	return http.ProxyFromEnvironment(r)
}

func isLocal(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// address finds where to ask. own is whether that is the Millrace of the settings: credentials and certificate of this machine are for
// it alone.
func (c *apiClient) address(text string, s *settings.Settings) (own bool, err error) {
	if text != "" {
		if !strings.Contains(text, "://") {
			text = "http://" + text
		}
		u, err := url.Parse(text)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return false, fmt.Errorf("--url: expected an address such as http://127.0.0.1:9600, not %q", text)
		}
		if u.User != nil {
			c.username = u.User.Username()
			c.password, _ = u.User.Password()
			u.User = nil
		}
		c.bases = []string{strings.TrimSuffix(u.String(), "/")}
		return isLocal(u.Hostname()), nil
	}
	host := apiHost(s)
	if addr, err := netip.ParseAddr(host); host == "" || err == nil && addr.IsUnspecified() {
		host = "127.0.0.1"
	}
	scheme := "http://"
	if s.Bool("api.ssl.enabled") {
		scheme = "https://"
	}
	ports := s.Get("api.http.port")
	first, last, isRange := strings.Cut(ports, "-")
	low, err := strconv.Atoi(strings.TrimSpace(first))
	high := low
	if isRange && err == nil {
		high, err = strconv.Atoi(strings.TrimSpace(last))
	}
	if err != nil {
		return false, fmt.Errorf("api.http.port: %q is neither a port nor a range", ports)
	}
	for port := low; port <= high; port++ {
		c.bases = append(c.bases, scheme+net.JoinHostPort(host, strconv.Itoa(port)))
	}
	return true, nil
}

// authenticate chooses the credentials: those of the address, of the flag, of the environment, of the settings.
func (c *apiClient) authenticate(user string, own bool, s *settings.Settings) {
	if c.username != "" {
		return
	}
	c.username, c.password, _ = strings.Cut(user, ":")
	if c.username == "" {
		c.username, _ = lookupVariable("MILLRACE_API_USER")
	}
	if c.password == "" {
		c.password, _ = lookupVariable("MILLRACE_API_PASSWORD")
	}
	if c.username == "" && own && isBasic(s) {
		c.username, c.password = s.Get("api.auth.basic.username"), s.Get("api.auth.basic.password")
	}
}

// verification returns what verifies the API's certificate: an authority, or that it is the certificate of the settings.
func (f *apiFlags) verification(own bool, s *settings.Settings) (func(tls.ConnectionState) error, error) {
	if f.insecure {
		return nil, nil
	}
	var roots *x509.CertPool
	if f.ca != "" {
		text, err := os.ReadFile(f.ca)
		if err != nil {
			return nil, fmt.Errorf("--ca: %w", err)
		}
		roots = x509.NewCertPool()
		if !roots.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("--ca: no certificate in %q", f.ca)
		}
	}
	var mine []byte
	if own && s.Bool("api.ssl.enabled") {
		a := new(apiAccess)
		if err := a.encrypt(s); err != nil {
			return nil, err
		}
		mine = a.tls.Certificates[0].Certificate[0]
	}
	host := func(cs tls.ConnectionState) string { return cs.ServerName }
	if u, err := url.Parse(f.url); err == nil && u.Hostname() != "" {
		host = func(tls.ConnectionState) string { return u.Hostname() } // an address is no server name
	}
	return func(cs tls.ConnectionState) error {
		if mine != nil && bytes.Equal(cs.PeerCertificates[0].Raw, mine) {
			return nil
		}
		o := x509.VerifyOptions{Roots: roots, DNSName: host(cs), Intermediates: x509.NewCertPool()}
		for _, cert := range cs.PeerCertificates[1:] {
			o.Intermediates.AddCert(cert)
		}
		_, err := cs.PeerCertificates[0].Verify(o)
		return err
	}, nil
}

// get asks for a path at the first address that answers, which is the only one from then on. Anything but 200 is an error.
func (c *apiClient) get(ctx context.Context, path string) (*http.Response, error) {
	for i, base := range c.bases {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+path, nil)
		if err != nil {
			return nil, err
		}
		if c.username != "" {
			req.SetBasicAuth(c.username, c.password)
		}
		resp, err := c.http.Do(req)
		if err != nil {
			var op *net.OpError
			refused := errors.As(err, &op) && op.Op == "dial" && ctx.Err() == nil
			if refused && i+1 < len(c.bases) {
				continue
			}
			if refused {
				return nil, fmt.Errorf("%w at %s", errNoAnswer, c.place())
			}
			return nil, err
		}
		c.bases = c.bases[i : i+1]
		if resp.StatusCode != http.StatusOK {
			return nil, readError(resp)
		}
		return resp, nil
	}
	panic("BUG: a client without an address")
}

// place names the addresses that were asked.
func (c *apiClient) place() string {
	if len(c.bases) == 1 {
		return c.bases[0]
	}
	_, last, _ := strings.Cut(strings.TrimPrefix(c.bases[len(c.bases)-1], "http"), "://")
	_, port, _ := net.SplitHostPort(last)
	return c.bases[0] + "-" + port
}

// readError makes an error of an answer.
func readError(resp *http.Response) error {
	defer func() { _ = resp.Body.Close() }()
	e := &apiError{Status: resp.StatusCode}
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return e
	}
	var v struct {
		Error struct{ Message, Text string }
	}
	if jsoniter.Unmarshal(body, &v) == nil {
		e.Message, e.Text = v.Error.Message, v.Error.Text
	}
	return e
}

// getJSON asks for a path and decodes the answer into v.
func (c *apiClient) getJSON(ctx context.Context, path string, v any) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	resp, err := c.get(ctx, path)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if err := jsoniter.NewDecoder(io.LimitReader(resp.Body, 64<<20)).Decode(v); err != nil {
		return fmt.Errorf("reading the answer to %s: %w", path, err)
	}
	return nil
}

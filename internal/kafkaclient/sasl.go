package kafkaclient

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"millrace/pipeline/plugin"
)

// mechanism returns how to log in. Its errors name options.
func (o *Options) mechanism() (sasl.Mechanism, error) {
	if o.user != "" {
		return plain.Auth{User: o.user, Pass: o.password.Reveal()}.AsMechanism(), nil
	}
	switch o.Mechanism {
	case "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512":
	case "OAUTHBEARER":
		return o.oauth()
	case kerberos:
		return nil, plugin.Hinted(plugin.OptionError("sasl_mechanism", errors.New("GSSAPI (Kerberos), which is the default, is not available")),
			"PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER")
	default:
		return nil, plugin.OptionError("sasl_mechanism", fmt.Errorf("%q is not available: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER", o.Mechanism))
	}
	l, option, err := o.login()
	if err != nil {
		return nil, err
	}
	user, password := l.options["username"], l.options["password"]
	if user == "" || password == "" {
		return nil, plugin.OptionError(option, fmt.Errorf("%s needs username=\"…\" password=\"…\"", o.Mechanism))
	}
	want := "PlainLoginModule"
	if o.Mechanism != "PLAIN" {
		want = "ScramLoginModule"
	}
	if l.name() != want {
		return nil, plugin.OptionError(option, fmt.Errorf("sasl_mechanism => %q goes with a %s, not with a %s", o.Mechanism, want, l.name()))
	}
	switch o.Mechanism {
	case "PLAIN":
		return plain.Auth{User: user, Pass: password}.AsMechanism(), nil
	case "SCRAM-SHA-256":
		return scram.Auth{User: user, Pass: password, IsToken: l.options["tokenauth"] == "true"}.AsSha256Mechanism(), nil
	}
	return scram.Auth{User: user, Pass: password, IsToken: l.options["tokenauth"] == "true"}.AsSha512Mechanism(), nil
}

// login reads the JAAS configuration and tells which option it is of.
func (o *Options) login() (l *login, option string, err error) {
	text := o.JAASConfig.Reveal()
	option = "sasl_jaas_config"
	if text == "" {
		if o.JAASPath == "" {
			return nil, "", plugin.OptionError("sasl_mechanism", fmt.Errorf("%s needs sasl_jaas_config, or jaas_path", o.Mechanism))
		}
		option = "jaas_path"
		data, err := os.ReadFile(o.JAASPath)
		if err != nil {
			return nil, option, plugin.OptionError(option, err)
		}
		text = string(data)
	}
	if l, err = parseJAAS(text); err != nil {
		return nil, option, plugin.OptionError(option, fmt.Errorf("reading the JAAS configuration: %w", err))
	}
	return l, option, nil
}

// oauth returns the login with tokens.
func (o *Options) oauth() (sasl.Mechanism, error) {
	if o.TokenEndpoint == "" {
		return nil, plugin.OptionError("sasl_mechanism", errors.New("OAUTHBEARER needs sasl_oauthbearer_token_endpoint_url"))
	}
	u, err := url.Parse(o.TokenEndpoint)
	if err != nil {
		return nil, plugin.OptionError("sasl_oauthbearer_token_endpoint_url", err)
	}
	t := &tokens{o: o, url: u}
	switch u.Scheme {
	case "file":
		if _, err := os.Stat(u.Path); err != nil {
			return nil, plugin.OptionError("sasl_oauthbearer_token_endpoint_url", err)
		}
	case "http", "https":
		l, option, err := o.login()
		if err != nil {
			return nil, err
		}
		t.id, t.secret, t.scope = l.options["clientId"], l.options["clientSecret"], l.options["scope"]
		if t.id == "" || t.secret == "" {
			return nil, plugin.OptionError(option, errors.New(`OAUTHBEARER needs clientId="…" clientSecret="…"`))
		}
		t.client = &http.Client{
			Timeout: o.LoginConnectTimeout + o.LoginReadTimeout,
			Transport: &http.Transport{
				Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: o.LoginConnectTimeout}).DialContext,
				ResponseHeaderTimeout: o.LoginReadTimeout, IdleConnTimeout: time.Minute,
			},
		}
	default:
		return nil, plugin.OptionError("sasl_oauthbearer_token_endpoint_url", fmt.Errorf("%q is none of http, https, file", u.Scheme))
	}
	return oauth.Oauth(t.auth), nil
}

// tokens fetches tokens and keeps them for most of their life.
type tokens struct {
	o                 *Options
	url               *url.URL
	client            *http.Client // nil: url is a file
	id, secret, scope string

	mu    sync.Mutex // guards what follows, and is held while a token is fetched, so that several connections ask once
	token string
	until time.Time
}

// auth returns a token. It asks again until ctx ends.
func (t *tokens) auth(ctx context.Context) (oauth.Auth, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	pause := max(t.o.LoginRetryBackoff, time.Millisecond)
	for attempt := 1; t.token == "" || time.Now().After(t.until); attempt++ {
		err := t.fetch(ctx)
		if err == nil {
			break
		}
		if attempt == maxFetches {
			return oauth.Auth{}, err
		}
		select {
		case <-time.After(min(pause, t.o.LoginRetryBackoffMax)):
		case <-ctx.Done():
			return oauth.Auth{}, errors.Join(err, ctx.Err())
		}
		pause *= 2
	}
	return oauth.Auth{Token: t.token}, nil
}

// maxFetches is how often a token is asked for before the connection is given up, which is tried again after a pause of its own.
const maxFetches = 4

// maxToken bounds the answer of the token endpoint.
const maxToken = 1 << 20

func (t *tokens) fetch(ctx context.Context) error {
	if t.client == nil {
		data, err := os.ReadFile(t.url.Path)
		if err != nil {
			return fmt.Errorf("reading the token: %w", err)
		}
		t.token, t.until = strings.TrimSpace(string(data)), time.Now() // it is read for every login, for it may change
		return nil
	}
	form := url.Values{"grant_type": {"client_credentials"}}
	if t.scope != "" {
		form.Set("scope", t.scope)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url.String(), strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	r.SetBasicAuth(t.id, t.secret)
	answer, err := t.client.Do(r)
	if err != nil {
		return fmt.Errorf("fetching a token: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxToken))
	if err != nil {
		return fmt.Errorf("fetching a token: %w", err)
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("fetching a token: the endpoint answers %s", answer.Status)
	}
	var v struct {
		AccessToken string  `json:"access_token"`
		ExpiresIn   float64 `json:"expires_in"`
	}
	if err := json.Unmarshal(body, &v); err != nil || v.AccessToken == "" {
		return errors.New("fetching a token: there is no access_token in the answer")
	}
	t.token, t.until = v.AccessToken, time.Now().Add(time.Duration(v.ExpiresIn*0.8*float64(time.Second)))
	return nil
}

package web

import (
	"fmt"
	"net"
	"net/url"
	"strings"

	"millrace/pipeline/config"
)

// Proxy is the option of that name: an address, a hash with the address as url, or one of its parts.
type Proxy struct{ config.URI }

// UnmarshalOption reads any of the forms.
func (p *Proxy) UnmarshalOption(v config.Value) (err error) {
	if v.Type == config.TypeString {
		p.URI, err = config.ParseURI(v.Str)
		return err
	}
	if v.Type != config.TypeHash {
		return fmt.Errorf("must be an address, or a hash of one, got %s", v.Inspect())
	}
	parts := make(map[string]string)
	for _, e := range v.Hash {
		switch e.Key {
		case "url", "scheme", "host", "port", "user", "password":
			parts[e.Key] = e.Value.Text()
		default:
			return fmt.Errorf("unknown key %q: expected url, or scheme, host and port, and user and password", e.Key)
		}
	}
	u := &url.URL{Scheme: "http", Host: parts["host"]}
	switch {
	case parts["url"] != "":
		if u, err = url.Parse(parts["url"]); err != nil {
			return fmt.Errorf("the url is no address: %w", err)
		}
	case parts["host"] == "":
		return fmt.Errorf("the hash needs url or host")
	case parts["port"] != "":
		u.Host = net.JoinHostPort(parts["host"], parts["port"])
	default:
		u.Host = strings.TrimSuffix(net.JoinHostPort(parts["host"], ""), ":")
	}
	if parts["scheme"] != "" {
		u.Scheme = parts["scheme"]
	}
	if parts["user"] != "" {
		u.User = url.UserPassword(parts["user"], parts["password"])
	}
	p.URI, err = config.ParseURI(u.String())
	return err
}

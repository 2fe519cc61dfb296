package elasticsearch

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"millrace/pipeline/config"
	"millrace/pipeline/plugin"
)

const defaultPort = "9200"

// nodes returns the addresses of the cluster, complete with scheme, port, credentials and path.
func (o *Options) nodes() ([]*url.URL, error) {
	if o.CloudID != "" {
		if len(o.Hosts) > 0 {
			return nil, plugin.OptionError("cloud_id", errors.New("hosts and cloud_id exclude each other"))
		}
		u, err := cloudURL(o.CloudID)
		if err != nil {
			return nil, plugin.OptionError("cloud_id", err)
		}
		return []*url.URL{u}, nil
	}
	hosts := o.Hosts
	if len(hosts) == 0 {
		h, err := config.ParseURI("127.0.0.1")
		if err != nil {
			panic("BUG: " + err.Error())
		}
		hosts = []config.URI{h}
	}
	var urls []*url.URL
	for _, h := range hosts {
		u, err := o.node(h.URL())
		if err != nil {
			return nil, plugin.OptionError("hosts", err)
		}
		urls = append(urls, u)
	}
	return urls, nil
}

func (o *Options) node(u *url.URL) (*url.URL, error) {
	want := ""
	if o.SSL != nil {
		if want = "http"; *o.SSL {
			want = "https"
		}
	}
	switch {
	case u.Scheme != "" && u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("the scheme %s is not known: http or https", u.Scheme)
	case u.Scheme != "" && want != "" && u.Scheme != want:
		return nil, fmt.Errorf("ssl_enabled => %t, but %s was written for %s", *o.SSL, u.Scheme, u.Hostname())
	case u.Scheme == "" && want != "":
		u.Scheme = want
	case u.Scheme == "":
		u.Scheme = "http"
	}
	port := u.Port()
	if port == "" {
		port = defaultPort
	}
	u.Host = net.JoinHostPort(u.Hostname(), port)
	own := strings.Trim(u.Path, "/")
	switch path := strings.Trim(o.Path, "/"); {
	case own != "" && path != "" && own != path:
		return nil, fmt.Errorf("%s has the path /%s, but the option path says /%s", u.Hostname(), own, path)
	case own == "":
		own = path
	}
	if u.Path, u.RawPath = "", ""; own != "" {
		u.Path = "/" + own
	}
	u.RawQuery, u.Fragment = "", ""
	return u, nil
}

// cloudURL decodes the id of a cluster in Elastic Cloud: label:base64(host[:port]$cluster[:port]$kibana).
func cloudURL(id string) (*url.URL, error) {
	encoded := id
	if i := strings.LastIndexByte(id, ':'); i >= 0 {
		encoded = id[i+1:]
	}
	text, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil, errors.New("no cloud id: expected label:base64")
	}
	parts := strings.Split(string(text), "$")
	if len(parts) < 2 || parts[0] == "" || parts[1] == "" || parts[1] == "undefined" {
		return nil, errors.New("no cloud id: it names no cluster")
	}
	host, port, found := strings.Cut(parts[0], ":")
	if !found {
		port = "443"
	}
	cluster := parts[1]
	if name, own, ok := strings.Cut(cluster, ":"); ok {
		cluster, port = name, own
	}
	return &url.URL{Scheme: "https", Host: cluster + "." + host + ":" + port}, nil
}

// authorization returns the value of the Authorization header, "" if there are no credentials or each node has its own.
func (o *Options) authorization(nodes []*url.URL) (string, error) {
	given := 0
	var header string
	basic := func(user, password string) string {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
	}
	if o.User != "" || o.Password != "" {
		given++
		if o.User == "" {
			return "", plugin.OptionError("password", errors.New("password needs user"))
		}
		header = basic(o.User, o.Password.Reveal())
	}
	if auth := o.CloudAuth.Reveal(); auth != "" {
		given++
		user, password, ok := strings.Cut(auth, ":")
		if !ok {
			return "", plugin.OptionError("cloud_auth", errors.New("expected user:password"))
		}
		header = basic(user, password)
	}
	if key := o.APIKey.Reveal(); key != "" {
		given++
		if strings.Contains(key, ":") {
			key = base64.StdEncoding.EncodeToString([]byte(key))
		}
		header = "ApiKey " + key
		for _, u := range nodes {
			if u.Scheme != "https" {
				return "", plugin.OptionError("api_key", errors.New("api_key needs TLS: ssl_enabled => true, or https in hosts"))
			}
		}
	}
	if given == 0 {
		header = sharedCredentials(nodes)
	}
	if given > 1 {
		return "", plugin.OptionError("user", errors.New("only one of user/password, cloud_auth and api_key may be given"))
	}
	return header, nil
}

// sharedCredentials takes the credentials out of the nodes' addresses if they all have the same, so that nodes that sniffing finds get them too, and
// returns the header that says them.
func sharedCredentials(nodes []*url.URL) string {
	if len(nodes) == 0 || nodes[0].User == nil {
		return ""
	}
	for _, u := range nodes {
		if u.User == nil || u.User.String() != nodes[0].User.String() {
			return ""
		}
	}
	password, _ := nodes[0].User.Password()
	header := "Basic " + base64.StdEncoding.EncodeToString([]byte(nodes[0].User.Username()+":"+password))
	for _, u := range nodes {
		u.User = nil
	}
	return header
}

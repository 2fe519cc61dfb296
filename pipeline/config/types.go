package config

import (
	"fmt"
	"log/slog"
	"math"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// Password is a secret. It prints as <password> everywhere; Reveal returns it.
type Password string

// Reveal returns the secret itself.
func (p Password) Reveal() string { return string(p) }

// String hides the secret.
func (Password) String() string { return "<password>" }

// GoString hides the secret from %#v.
func (Password) GoString() string { return "<password>" }

// LogValue hides the secret from slog.
func (Password) LogValue() slog.Value { return slog.StringValue("<password>") }

// MarshalText hides the secret from encoders.
func (Password) MarshalText() ([]byte, error) { return []byte("<password>"), nil }

// URI is a URI as Logstash reads it: "host" and "host:port" stand for "//host:port". It prints without its password.
type URI struct{ u url.URL }

var hostPort = regexp.MustCompile(`^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:]+\])(:\d+)?(/.*)?$`)

// ParseURI reads a URI, which must have a host.
func ParseURI(s string) (URI, error) {
	if hostPort.MatchString(s) {
		s = "//" + s
	}
	u, err := url.Parse(s)
	if err != nil {
		// What url says quotes the text, and that may hold a password.
		reason := "it cannot be read"
		switch {
		case strings.Contains(err.Error(), "invalid port"):
			reason = "the port is not a number"
		case strings.Contains(err.Error(), "invalid URL escape"):
			reason = "two hexadecimal digits must follow every %"
		}
		return URI{}, fmt.Errorf("no valid URI: %s", reason)
	}
	if u.Hostname() == "" {
		return URI{}, fmt.Errorf("no valid URI: the host is missing")
	}
	return URI{*u}, nil
}

// URL returns a copy as a url.URL, password included.
func (u URI) URL() *url.URL { c := u.u; return &c }

// IsZero tells whether the option was not given.
func (u URI) IsZero() bool { return u.u == url.URL{} }

// String returns the URI with xxxxxx in place of its password.
func (u URI) String() string {
	if _, ok := u.u.User.Password(); ok {
		c := u.u
		c.User = url.UserPassword(c.User.Username(), "xxxxxx")
		return c.String()
	}
	return u.u.String()
}

// LogValue hides the password from slog.
func (u URI) LogValue() slog.Value { return slog.StringValue(u.String()) }

// UnmarshalText reads a URI.
func (u *URI) UnmarshalText(text []byte) (err error) {
	*u, err = ParseURI(string(text))
	return err
}

// OptionType names the type for descriptions.
func (URI) OptionType() string { return "uri" }

// Bytes is a size: 1024, "10 MiB", "64mb". Units without an i count in thousands.
type Bytes int64

var sizePattern = regexp.MustCompile(`(?i)^([0-9]+(?:[.,][0-9]+)?)\s?([kmgtpe]?)(i?)b$`)

// ParseBytes reads a size.
func ParseBytes(s string) (Bytes, error) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return Bytes(n), nil
	}
	m := sizePattern.FindStringSubmatch(s)
	if m == nil {
		return 0, fmt.Errorf("no size: units are B, kB, KiB, MB, MiB, GB, GiB and so on, as in \"10 MiB\"")
	}
	f, err := strconv.ParseFloat(strings.Replace(m[1], ",", ".", 1), 64)
	if err != nil {
		return 0, fmt.Errorf("no size: %w", err)
	}
	unit := 1000.0
	if m[3] != "" {
		unit = 1024
	}
	if m[2] != "" {
		f *= math.Pow(unit, float64(1+strings.Index("kmgtpe", strings.ToLower(m[2]))))
	}
	if f >= 1<<63 {
		return 0, fmt.Errorf("the size does not fit into 64 bits")
	}
	return Bytes(f), nil
}

// Map is a hash option whose values have one type, in the order in which Logstash walks it.
type Map[V any] []Pair[string, V]

// Pairs is a hash option whose keys and values have types of their own, in the order in which Logstash walks it.
type Pairs[K, V any] []Pair[K, V]

// Pair is one entry of a Map or Pairs, with the places of key and value.
type Pair[K, V any] struct {
	Key                  K
	Value                V
	KeyPlace, ValuePlace Place
}

// Get returns the value of a key.
func (m Map[V]) Get(key string) (v V, ok bool) {
	for _, p := range m {
		if p.Key == key {
			return p.Value, true
		}
	}
	return v, false
}

// OptionUnmarshaler is a type that reads its value itself. An error with an integer field Offset, that of a byte in the text of the
// value, moves the caret there.
type OptionUnmarshaler interface{ UnmarshalOption(v Value) error }

// OptionTyper is a type that knows how descriptions name it; else they say "string".
type OptionTyper interface{ OptionType() string }

// PluginValue is a type that holds a plugin: the codec of an input or output.
type PluginValue interface{ UnmarshalPlugin(p PluginRef) Diagnostics }

// PluginRef is a plugin as the value of an option: written out, or only named, as in codec => json.
type PluginRef struct {
	Name  string
	Place Place
	// Node is nil if the plugin is only named.
	Node *PluginNode

	lookup Lookup
}

// With returns p with the values of the variables in its options.
func (p PluginRef) With(lookup Lookup) PluginRef {
	p.lookup = lookup
	return p
}

// Attributes returns the options of the plugin.
func (p PluginRef) Attributes() (*Attributes, Diagnostics) {
	if p.Node == nil {
		return NewAttributes(KindCodec+" "+p.Name, p.Place, p.lookup), nil
	}
	return Evaluate(p.Node, p.lookup)
}

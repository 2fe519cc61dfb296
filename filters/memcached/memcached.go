// Package memcached reads fields from memcached, and writes fields to it.
package memcached

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/bradfitz/gomemcache/memcache"

	"millrace/internal/throttle"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the filter.
var Plugin = plugin.DefineFilter("memcached", Options{Hosts: []string{"localhost"}, TagOnFailure: "_memcached_failure"}, New)

// Options configures the filter. The comments below are its documentation.
type Options struct {
	// Servers, with a port if it is not 11211. Keys are divided among several as Logstash does it.
	Hosts []string `opt:"hosts"`

	// Text in front of all keys, with a colon behind it.
	Namespace string `opt:"namespace"`

	// What to read: keys, which may refer to fields, and the fields for their values.
	Get config.Pairs[event.Template, event.PathTemplate] `opt:"get"`

	// What to write: fields and the keys for their values, which may refer to fields. It is done before anything is read.
	Set config.Pairs[event.PathTemplate, event.Template] `opt:"set"`

	// Seconds after which what was written is forgotten; 0 for never.
	TTL int `opt:"ttl"`

	// Tag of events for which a server could not be asked.
	TagOnFailure string `opt:"tag_on_failure"`
}

// timeout is how long a server may take; pause is how long one that did not answer is not asked again, so that it costs that time once a
// second and not with every event.
const (
	timeout = 500 * time.Millisecond
	pause   = time.Second
)

type filter struct {
	o      Options
	client *memcache.Client
	stats  *plugin.Stats
	log    *throttle.Logger
	down   atomic.Int64 // until when no server is asked, in Unix nanoseconds; 0 for up
}

// New checks the options. It connects with the first event.
func New(o Options, env *plugin.Env) (plugin.Filter, error) {
	var errs []error
	if o.TTL < 0 {
		errs = append(errs, plugin.OptionError("ttl", errors.New("must not be negative")))
	}
	if len(o.Hosts) == 0 {
		errs = append(errs, plugin.OptionError("hosts", errors.New("must not be empty")))
	}
	servers := make([]string, len(o.Hosts))
	for i, h := range o.Hosts {
		var err error
		if servers[i], err = withPort(h); err != nil {
			errs = append(errs, plugin.OptionError("hosts", err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	for i := range o.Get {
		if err := errors.Join(o.Get[i].Key.Err(), o.Get[i].Value.Err()); err != nil {
			env.Warn("get", "every event will fail: %v", err)
		}
	}
	for i := range o.Set {
		if err := errors.Join(o.Set[i].Key.Err(), o.Set[i].Value.Err()); err != nil {
			env.Warn("set", "every event will fail: %v", err)
		}
	}
	c := memcache.NewFromSelector(newRing(servers))
	c.Timeout, c.MaxIdleConns = timeout, max(env.Workers, 2)
	return &filter{o: o, client: c, stats: env.Stats, log: throttle.New(env.Log, time.Minute)}, nil
}

// withPort completes a host: 127.0.0.1, ::1, [::1]:11211, cache.example.com:11212.
func withPort(h string) (string, error) {
	if host, port, err := net.SplitHostPort(h); err == nil && host != "" && port != "" {
		return h, nil
	}
	host := strings.Trim(h, "[]")
	if host == "" || strings.ContainsAny(host, " /") || strings.Contains(host, ":") && net.ParseIP(host) == nil {
		return "", fmt.Errorf("%q is no host", h)
	}
	return net.JoinHostPort(host, "11211"), nil
}

var errDown = errors.New("no server answers")

// Filter writes, then reads.
func (f *filter) Filter(e *event.Event) bool {
	if until := f.down.Load(); until != 0 && time.Now().UnixNano() < until {
		return f.fail(e, errDown)
	}
	written, err := f.write(e)
	read := false
	if err == nil {
		read, err = f.read(e)
	}
	if err != nil {
		var ne net.Error
		if errors.As(err, &ne) || errors.As(err, new(*memcache.ConnectTimeoutError)) || errors.Is(err, memcache.ErrNoServers) {
			f.down.Store(time.Now().Add(pause).UnixNano())
		}
		return f.fail(e, err)
	}
	f.down.Store(0)
	return written || read
}

// fail tags and counts; it returns false.
func (f *filter) fail(e *event.Event, err error) bool {
	f.stats.Failures.Add(1)
	e.Tag(f.o.TagOnFailure)
	f.log.Error("memcached could not be asked", slog.Any("error", err))
	return false
}

func (f *filter) key(t *event.Template, e *event.Event) (string, error) {
	k, err := t.Text(e)
	if f.o.Namespace != "" {
		k = f.o.Namespace + ":" + k
	}
	return k, err
}

func (f *filter) write(e *event.Event) (some bool, err error) {
	for i := range f.o.Set {
		var scratch event.Path
		p, err := f.o.Set[i].Key.Resolve(e, &scratch)
		if err != nil {
			return some, err
		}
		v, _ := e.Get(p)
		if v.IsNull() {
			continue
		}
		key, err := f.key(&f.o.Set[i].Value, e)
		if err != nil {
			return some, err
		}
		if err := f.client.Set(&memcache.Item{Key: key, Value: encode(v), Expiration: expiration(f.o.TTL, time.Now())}); err != nil {
			return some, fmt.Errorf("writing %q: %w", key, err)
		}
		some = true
	}
	return some, nil
}

// longest is the ttl up to which memcached takes a number for seconds from now; a greater one is a time since 1970.
const longest = 30 * 24 * 60 * 60

// expiration returns what tells memcached to keep a value for ttl seconds from now on; 0 is for ever.
func expiration(ttl int, now time.Time) int32 {
	if ttl <= longest {
		return int32(ttl)
	}
	if at := now.Unix() + int64(min(ttl, math.MaxInt32)); at < math.MaxInt32 {
		return int32(at)
	}
	return 0 // beyond what memcached can tell
}

// encode writes texts and numbers as they are, so that anybody can read them, and all else as JSON.
func encode(v event.Value) []byte {
	if v.List() != nil || v.Object() != nil {
		return v.AppendJSON(nil)
	}
	return v.AppendText(nil)
}

func (f *filter) read(e *event.Event) (some bool, err error) {
	if len(f.o.Get) == 0 {
		return false, nil
	}
	keys := make([]string, len(f.o.Get))
	for i := range f.o.Get {
		if keys[i], err = f.key(&f.o.Get[i].Key, e); err != nil {
			return false, err
		}
	}
	items, err := f.client.GetMulti(keys)
	if err != nil {
		return false, fmt.Errorf("reading: %w", err)
	}
	for i, key := range keys {
		item := items[key]
		if item == nil {
			continue
		}
		v, err := decode(e, item)
		if err != nil {
			return some, fmt.Errorf("reading %q: %w", key, err)
		}
		var scratch event.Path
		p, err := f.o.Get[i].Value.Resolve(e, &scratch)
		if err != nil {
			return some, err
		}
		if err := e.Set(p, v); err != nil {
			return some, err
		}
		some = true
	}
	return some, nil
}

// Close frees the connections.
func (f *filter) Close() error { return f.client.Close() }

var _ plugin.Closer = (*filter)(nil)

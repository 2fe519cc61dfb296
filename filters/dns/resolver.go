package dns

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// resolver answers questions. A question that is under way is not asked twice: whoever else has it waits for the same answer.
type resolver struct {
	o     *Options
	hosts *hosts
	dns   *net.Resolver // nil: only hosts files are asked
	hits  *cache
	fails *cache
	slow  *cache // questions that took too long, kept whatever the options say, so that not every event waits for them

	mu       sync.Mutex
	underWay map[question]*flight

	timeouts atomic.Int32 // in a row; set to 0 by any answer
	probes   atomic.Int32 // questions that are let through although no server answers
}

type question struct {
	text    string
	reverse bool
}

// flight is a question under way.
type flight struct {
	done  chan struct{}
	found string
	err   error
}

// The limits on the time that dead servers cost: after so many questions in a row without an answer one at a time is asked, the others fail
// at once. With the default of 0.5 s and 2 retries a worker then waits 1.5 s now and then, not for each event.
const (
	downAfter = 8
	slowSize  = 10_000
	slowTTL   = 5 * time.Second
)

func newResolver(o *Options, h *hosts) *resolver {
	r := &resolver{
		o: o, hosts: h, hits: newCache(o.HitCacheSize, o.HitCacheTTL), fails: newCache(o.FailedCacheSize, o.FailedCacheTTL),
		slow: newCache(slowSize, slowTTL), underWay: make(map[question]*flight),
	}
	if len(o.Nameserver.addresses) > 0 {
		r.dns = &net.Resolver{PreferGo: true, Dial: o.Nameserver.dialer()}
	} else if len(o.Hostsfile) == 0 {
		r.dns = &net.Resolver{PreferGo: true}
	}
	return r
}

// lookup returns the name of an address, or the address of a name.
func (r *resolver) lookup(text string, reverse bool) (string, error) {
	q := question{text, reverse}
	if found, ok := r.hosts.lookup(q); ok {
		return found, nil
	}
	if r.dns == nil {
		return "", errNone
	}
	now := time.Now()
	if _, ok := r.fails.get(q, now); ok {
		return "", errNone
	}
	if found, ok := r.hits.get(q, now); ok {
		return found, nil
	}
	if _, ok := r.slow.get(q, now); ok {
		return "", errTimeout
	}
	return r.share(question{strings.Clone(text), reverse})
}

// share asks the question, or waits for whoever asks it already.
func (r *resolver) share(q question) (string, error) {
	r.mu.Lock()
	f := r.underWay[q]
	if f != nil {
		r.mu.Unlock()
		<-f.done
		return f.found, f.err
	}
	f = &flight{done: make(chan struct{})}
	r.underWay[q] = f
	r.mu.Unlock()
	f.found, f.err = r.admit(q)
	now := time.Now()
	switch {
	case f.err == nil:
		r.hits.put(q, f.found, now)
	case f.err != errDown:
		r.fails.put(q, "", now)
		if errors.Is(f.err, errTimeout) {
			r.slow.put(q, "", now)
		}
	}
	r.mu.Lock()
	delete(r.underWay, q)
	r.mu.Unlock()
	close(f.done)
	return f.found, f.err
}

// admit asks the question unless no server answers and somebody is trying already.
func (r *resolver) admit(q question) (string, error) {
	if r.timeouts.Load() >= downAfter {
		if r.probes.Add(1) > 1 {
			r.probes.Add(-1)
			return "", errDown
		}
		defer r.probes.Add(-1)
	}
	for try := 0; ; try++ {
		found, err := r.ask(q)
		if !errors.Is(err, errTimeout) {
			r.timeouts.Store(0)
			return found, err
		}
		if try >= r.o.MaxRetries {
			r.timeouts.Add(1)
			return found, err
		}
	}
}

// ask puts the question to the name servers once.
func (r *resolver) ask(q question) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), r.o.Timeout)
	defer cancel()
	if q.reverse {
		names, err := r.dns.LookupAddr(ctx, q.text)
		if err != nil || len(names) == 0 {
			return "", classify(ctx, err)
		}
		return strings.TrimSuffix(names[0], "."), nil
	}
	err := errNone
	for _, name := range r.o.Nameserver.candidates(q.text) {
		var addrs []net.IPAddr
		if addrs, err = r.dns.LookupIPAddr(ctx, name); err == nil && len(addrs) > 0 {
			return first(addrs), nil
		}
		if err = classify(ctx, err); err != errNone {
			break
		}
	}
	return "", err
}

// first prefers addresses of IPv4, as Ruby does.
func first(addrs []net.IPAddr) string {
	for _, a := range addrs {
		if ip := a.IP.To4(); ip != nil {
			return ip.String()
		}
	}
	return addrs[0].IP.String()
}

func classify(ctx context.Context, err error) error {
	var d *net.DNSError
	switch {
	case err == nil, errors.As(err, &d) && d.IsNotFound:
		return errNone
	case ctx.Err() != nil, errors.As(err, &d) && d.IsTimeout:
		return errTimeout
	}
	return err
}

// cache remembers answers for a time. When it is full the oldest goes.
type cache struct {
	size int
	ttl  time.Duration

	mu      sync.Mutex
	entries map[question]answer
	order   []question // from next on, round and round
	next    int
}

type answer struct {
	found string
	until time.Time
}

func newCache(size int, ttl time.Duration) *cache {
	return &cache{size: size, ttl: ttl, entries: make(map[question]answer)}
}

func (c *cache) get(q question, now time.Time) (string, bool) {
	if c.size <= 0 {
		return "", false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	a, ok := c.entries[q]
	return a.found, ok && now.Before(a.until)
}

func (c *cache) put(q question, found string, now time.Time) {
	if c.size <= 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.entries[q]; !ok {
		if len(c.order) < c.size {
			c.order = append(c.order, q)
		} else {
			delete(c.entries, c.order[c.next])
			c.order[c.next] = q
			c.next = (c.next + 1) % c.size
		}
	}
	c.entries[q] = answer{found, now.Add(c.ttl)}
}

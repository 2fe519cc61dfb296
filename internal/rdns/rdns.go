// Package rdns looks up the names of addresses without anybody waiting: an answer that is not known yet comes later.
package rdns

import (
	"context"
	"net"
	"strings"
	"sync"
	"time"
)

// The limits of a Cache: how long an answer counts, how many there are, how many look-ups run at once, how long one may take.
const (
	keep       = 10 * time.Minute
	keepFailed = time.Minute
	maxEntries = 10_000
	maxRunning = 16
	timeout    = 2 * time.Second
)

// Cache holds the names of addresses. It is safe for concurrent use.
type Cache struct {
	lookup func(ctx context.Context, addr string) ([]string, error)

	mu      sync.Mutex
	entries map[string]*entry
	running int
}

type entry struct {
	name    string // "" while unknown or if there is none
	settled bool
	until   time.Time
}

// New returns a Cache that asks the system's resolver.
func New() *Cache {
	return &Cache{lookup: net.DefaultResolver.LookupAddr, entries: make(map[string]*entry)}
}

// Name returns the name of addr, and whether the answer is final: while a look-up runs, or cannot run because too many do, it is not,
// and the caller asks again later. An address without a name gives "" and true.
func (c *Cache) Name(addr string) (name string, settled bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	e := c.entries[addr]
	if e != nil && (!e.settled || now.Before(e.until)) {
		return e.name, e.settled
	}
	if c.running >= maxRunning {
		return "", false
	}
	if len(c.entries) >= maxEntries {
		c.evict(now)
	}
	e = new(entry)
	c.entries[addr] = e
	c.running++
	go c.resolve(addr, e)
	return "", false
}

// evict makes room: what is out of date, or else everything that is settled.
func (c *Cache) evict(now time.Time) {
	for addr, e := range c.entries {
		if e.settled && now.After(e.until) {
			delete(c.entries, addr)
		}
	}
	if len(c.entries) < maxEntries {
		return
	}
	for addr, e := range c.entries {
		if e.settled {
			delete(c.entries, addr)
		}
	}
}

func (c *Cache) resolve(addr string, e *entry) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	names, err := c.lookup(ctx, addr)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running--
	e.settled, e.until = true, time.Now().Add(keepFailed)
	if err == nil && len(names) > 0 {
		e.name, e.until = strings.TrimSuffix(names[0], "."), time.Now().Add(keep)
	}
}

package monitor

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"millrace/pipeline/plugin"
)

// Counters holds the counters that plugins keep themselves (plugin.Env.Counter). The zero value is ready.
type Counters struct {
	mu   sync.Mutex
	all  map[counterKey]*counter // guarded by mu
	help map[string]string       // of a name: that of the first who used it, for Prometheus allows one; guarded by mu
}

type counterKey struct{ pipeline, kind, plugin, id, name string }

type counter struct {
	counterKey
	value atomic.Int64
}

// Counter returns the counter of a name for one plugin; the same arguments give the same counter. It fits plugin.Builder.Counter
// where there is one pipeline; see [Counters.Of].
func (c *Counters) Counter(kind plugin.Kind, plugin, id, name, help string) *atomic.Int64 {
	return c.counter(counterKey{"", string(kind), plugin, id, name}, help)
}

// Of returns the function Counter for one of several pipelines, whose plugins may have the same ids.
func (c *Counters) Of(pipeline string) func(kind plugin.Kind, plugin, id, name, help string) *atomic.Int64 {
	return func(kind plugin.Kind, plugin, id, name, help string) *atomic.Int64 {
		return c.counter(counterKey{pipeline, string(kind), plugin, id, name}, help)
	}
}

func (c *Counters) counter(key counterKey, help string) *atomic.Int64 {
	key.name = metricName(key.name)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all == nil {
		c.all = make(map[counterKey]*counter)
		c.help = make(map[string]string)
	}
	n := c.all[key]
	if n == nil {
		n = &counter{counterKey: key}
		c.all[key] = n
	}
	if _, ok := c.help[key.name]; !ok {
		c.help[key.name] = help
	}
	return &n.value
}

// list returns all counters in a fixed order.
func (c *Counters) list() []*counter {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]*counter, 0, len(c.all))
	for _, n := range c.all {
		out = append(out, n)
	}
	slices.SortFunc(out, func(a, b *counter) int {
		return slices.Compare(a.sortKey(), b.sortKey())
	})
	return out
}

func (k counterKey) sortKey() []string { return []string{k.name, k.pipeline, k.kind, k.plugin, k.id} }

func (c *Counters) helpOf(name string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.help[name]
}

// value returns a counter of a plugin, ok being false if it keeps none of that name.
func (c *Counters) value(pipeline, id, name string) (n int64, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, counter := range c.all {
		if key.id == id && key.name == name && (key.pipeline == pipeline || key.pipeline == "") {
			n, ok = n+counter.value.Load(), true
		}
	}
	return n, ok
}

// metricName turns a counter's name into a part of a Prometheus name, which has one _total only.
func metricName(name string) string {
	name = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '_' {
			return r
		}
		return '_'
	}, strings.ToLower(name))
	return strings.TrimSuffix(name, "_total")
}

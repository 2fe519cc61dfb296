package useragent

import (
	"hash/maphash"
	"sync"
)

// cache remembers what was found out about texts. It approximates a least-recently-used order by two generations: when the young one
// is half the size full, it becomes the old one, and what is found in the old one is young again.
type cache struct {
	half int

	mu         sync.Mutex
	young, old map[string]*agent
}

func newCache(size int) *cache {
	return &cache{half: max(size/2, 1), young: make(map[string]*agent)}
}

func (c *cache) get(text string) *agent {
	c.mu.Lock()
	defer c.mu.Unlock()
	if found := c.young[text]; found != nil {
		return found
	}
	found := c.old[text]
	if found != nil {
		c.add(found)
	}
	return found
}

func (c *cache) put(a *agent) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.add(a)
}

func (c *cache) add(a *agent) {
	if len(c.young) >= c.half {
		c.old, c.young = c.young, make(map[string]*agent, c.half/8)
	}
	c.young[a.text] = a
}

// nearCache is a worker's own few texts, found without a lock.
type nearCache struct {
	seed  maphash.Seed
	slots []*agent
}

const nearSlots = 512 // of 8 bytes; a power of two

func (n *nearCache) slot(text string) **agent {
	if n.slots == nil {
		n.seed, n.slots = maphash.MakeSeed(), make([]*agent, nearSlots)
	}
	return &n.slots[maphash.String(n.seed, text)%nearSlots]
}

func (n *nearCache) get(text string) *agent {
	if a := *n.slot(text); a != nil && a.text == text {
		return a
	}
	return nil
}

func (n *nearCache) put(a *agent) { *n.slot(a.text) = a }

package jdbcstreaming

import (
	"container/list"
	"sync"
	"time"

	"millrace/pipeline/event"
)

// answer is what the database said to one set of values.
type answer struct {
	rows event.Value // a list that belongs to nobody, and that nobody changes
	err  error
}

// cache remembers answers. A question that is under way is not asked twice: whoever else has it waits for the same answer.
type cache struct {
	size int
	ttl  time.Duration

	mu      sync.Mutex // guards what follows
	entries map[string]*list.Element
	order   *list.List // of *entry, the one used last in front
}

type entry struct {
	key   string
	until time.Time
	done  chan struct{} // closed when the answer is there
	answer
}

func newCache(size int, ttl time.Duration) *cache {
	return &cache{size: size, ttl: ttl, entries: make(map[string]*list.Element), order: list.New()}
}

// get returns the answer for a key, which ask makes if it is not remembered.
func (c *cache) get(key []byte, ask func() answer) (a answer, remembered bool) {
	c.mu.Lock()
	if at, ok := c.entries[string(key)]; ok {
		e := at.Value.(*entry)
		if e.until.IsZero() || time.Now().Before(e.until) {
			c.order.MoveToFront(at)
			c.mu.Unlock()
			<-e.done
			return e.answer, true
		}
		c.remove(at)
	}
	e := &entry{key: string(key), done: make(chan struct{})}
	at := c.order.PushFront(e)
	c.entries[e.key] = at
	if c.order.Len() > c.size {
		c.remove(c.order.Back())
	}
	c.mu.Unlock()

	e.answer = ask()
	c.mu.Lock()
	e.until = time.Now().Add(c.ttl)
	c.mu.Unlock()
	close(e.done)
	return e.answer, false
}

// remove forgets an answer. Whoever waits for it gets it all the same.
func (c *cache) remove(at *list.Element) {
	delete(c.entries, at.Value.(*entry).key)
	c.order.Remove(at)
}

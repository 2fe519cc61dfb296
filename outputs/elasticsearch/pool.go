package elasticsearch

import (
	"errors"
	"net/url"
	"sync"
	"time"

	"github.com/elastic/elastic-transport-go/v8/elastictransport"
)

// pool hands out the nodes in turn. One that failed is left out for resurrect_delay, unless there is no other: elastictransport's own
// pool leaves it out for a minute and more.
type pool struct {
	delay time.Duration

	mu    sync.Mutex
	nodes []node
	next  int
}

type node struct {
	conn *elastictransport.Connection
	dead time.Time // until then; zero if alive
}

func newPool(conns []*elastictransport.Connection, delay time.Duration) *pool {
	p := &pool{delay: delay}
	_ = p.Update(conns)
	return p
}

// Next implements elastictransport.ConnectionPool.
func (p *pool) Next() (*elastictransport.Connection, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.nodes) == 0 {
		return nil, errors.New("no node is known")
	}
	now := time.Now()
	best := -1
	for range p.nodes {
		i := p.next % len(p.nodes)
		p.next = i + 1
		if n := &p.nodes[i]; !n.dead.After(now) {
			return n.conn, nil
		} else if best < 0 || n.dead.Before(p.nodes[best].dead) {
			best = i
		}
	}
	return p.nodes[best].conn, nil
}

// OnSuccess implements elastictransport.ConnectionPool.
func (p *pool) OnSuccess(c *elastictransport.Connection) error {
	p.mark(c, time.Time{})
	return nil
}

// OnFailure implements elastictransport.ConnectionPool.
func (p *pool) OnFailure(c *elastictransport.Connection) error {
	p.mark(c, time.Now().Add(p.delay))
	return nil
}

func (p *pool) mark(c *elastictransport.Connection, dead time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.nodes {
		if p.nodes[i].conn == c {
			p.nodes[i].dead = dead
		}
	}
}

// URLs implements elastictransport.ConnectionPool.
func (p *pool) URLs() []*url.URL {
	p.mu.Lock()
	defer p.mu.Unlock()
	var urls []*url.URL
	for _, n := range p.nodes {
		urls = append(urls, n.conn.URL)
	}
	return urls
}

// Update implements elastictransport.UpdatableConnectionPool: the nodes that were discovered take the place of those known, unless none was.
func (p *pool) Update(conns []*elastictransport.Connection) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(conns) == 0 {
		return nil
	}
	old := p.nodes
	p.nodes = make([]node, 0, len(conns))
	for _, c := range conns {
		n := node{conn: c}
		for _, o := range old {
			if o.conn.URL.Host == c.URL.Host {
				n = o
			}
		}
		p.nodes = append(p.nodes, n)
	}
	return nil
}

// ConcurrentSafe implements elastictransport.ConcurrentSafeConnectionPool.
func (p *pool) ConcurrentSafe() {}

package memcached

import (
	"cmp"
	"crypto/sha1"
	"encoding/binary"
	"hash/crc32"
	"net"
	"slices"
	"strconv"
	"sync"

	"github.com/bradfitz/gomemcache/memcache"
)

// ring divides keys among servers as Logstash's client (Dalli) does, so that both find what the other wrote: each server stands at many points
// of a circle, and a key belongs to the one before it.
type ring struct {
	servers []string
	points  []point

	mu    sync.Mutex
	addrs map[string]net.Addr
}

type point struct {
	at     uint32
	server int
}

const pointsPerServer = 160

func newRing(servers []string) *ring {
	r := &ring{servers: servers, addrs: make(map[string]net.Addr)}
	for i, s := range servers {
		for n := range pointsPerServer {
			sum := sha1.Sum([]byte(s + ":" + strconv.Itoa(n)))
			r.points = append(r.points, point{binary.BigEndian.Uint32(sum[:]), i})
		}
	}
	slices.SortStableFunc(r.points, func(a, b point) int { return cmp.Compare(a.at, b.at) })
	return r
}

// server returns the index of the server of a key.
func (r *ring) server(key string) int {
	if len(r.servers) == 1 {
		return 0
	}
	h := crc32.ChecksumIEEE([]byte(key))
	i, found := slices.BinarySearchFunc(r.points, h, func(p point, h uint32) int { return cmp.Compare(p.at, h) })
	if !found {
		i--
	}
	if i < 0 {
		i = len(r.points) - 1
	}
	return r.points[i].server
}

// PickServer implements memcache.ServerSelector.
func (r *ring) PickServer(key string) (net.Addr, error) { return r.addr(r.servers[r.server(key)]) }

// Each implements memcache.ServerSelector.
func (r *ring) Each(f func(net.Addr) error) error {
	for _, s := range r.servers {
		a, err := r.addr(s)
		if err == nil {
			err = f(a)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// addr resolves a server's name. A failure is tried again with the next key.
func (r *ring) addr(server string) (net.Addr, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if a := r.addrs[server]; a != nil {
		return a, nil
	}
	a, err := net.ResolveTCPAddr("tcp", server)
	if err != nil {
		return nil, err
	}
	r.addrs[server] = a
	return a, nil
}

var _ memcache.ServerSelector = (*ring)(nil)

package sink

import (
	"math/bits"
	"sync"
	"sync/atomic"
)

// bitset remembers which sequence numbers came. It grows by whole chunks, and setting a bit takes no lock.
type bitset struct {
	chunks     atomic.Pointer[[]*chunk]
	grow       sync.Mutex // held by whoever replaces chunks
	duplicates atomic.Uint64
}

// chunkWords makes a chunk 1 MiB: eight million events.
const chunkWords = 1 << 17

// maxChunks bounds the set at 800 million numbers, so that a broken mark cannot take all memory.
const maxChunks = 100

type chunk [chunkWords]uint64

// add sets a bit and counts a second setting as a duplicate. Numbers beyond the bound count as duplicates too, since
// nobody sent them.
func (s *bitset) add(n uint64) {
	index := n / (chunkWords * 64)
	if index >= maxChunks {
		s.duplicates.Add(1)
		return
	}
	word := n / 64 % chunkWords
	bit := uint64(1) << (n % 64)
	if atomic.OrUint64(&s.at(int(index))[word], bit)&bit != 0 {
		s.duplicates.Add(1)
	}
}

func (s *bitset) at(i int) *chunk {
	if c := s.chunks.Load(); c != nil && i < len(*c) {
		return (*c)[i]
	}
	s.grow.Lock()
	defer s.grow.Unlock()
	var have []*chunk
	if c := s.chunks.Load(); c != nil {
		have = *c
	}
	if i < len(have) {
		return have[i]
	}
	next := append([]*chunk(nil), have...)
	for len(next) <= i {
		next = append(next, new(chunk))
	}
	s.chunks.Store(&next)
	return next[i]
}

func (s *bitset) counts() (unique, duplicates uint64) {
	if c := s.chunks.Load(); c != nil {
		for _, c := range *c {
			for i := range c {
				unique += uint64(bits.OnesCount64(atomic.LoadUint64(&c[i])))
			}
		}
	}
	return unique, s.duplicates.Load()
}

func (s *bitset) reset() {
	s.chunks.Store(nil)
	s.duplicates.Store(0)
}

// Package uuid4 makes random UUIDs.
package uuid4

import "crypto/rand"

// Source makes UUIDs from random bytes that it reads many at a time. One owner, no lock. The zero Source is ready.
type Source struct {
	random [1024]byte
	used   int // bytes of random that are used up
	full   bool
}

// Append appends a random UUID (version 4) in its usual form: 36 lower-case characters.
func (s *Source) Append(dst []byte) []byte {
	if !s.full || s.used == len(s.random) {
		rand.Read(s.random[:]) // never fails
		s.used, s.full = 0, true
	}
	id := s.random[s.used : s.used+16]
	s.used += 16
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	const hex = "0123456789abcdef"
	for i, b := range id {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			dst = append(dst, '-')
		}
		dst = append(dst, hex[b>>4], hex[b&15])
	}
	return dst
}

// New returns a random UUID. Whoever needs many has a Source.
func New() string { return string(new(Source).Append(nil)) }

package store

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"sync/atomic"
	"time"
)

// idMaker makes IDs of 20 characters for documents that come without one: a number that grows, beginning at the time of the start with a
// random part, so that no two runs make the same. IDs that are made after one another begin alike, which the engine's disk is glad of.
type idMaker struct {
	high [7]byte
	next atomic.Uint64
}

func (m *idMaker) start(now time.Time) {
	_, _ = rand.Read(m.high[4:]) // never fails
	binary.BigEndian.PutUint32(m.high[:4], uint32(now.Unix()))
	m.next.Store(uint64(now.Nanosecond()))
}

const idLen = 20

// appendID appends a new ID.
func (m *idMaker) appendID(dst []byte) []byte {
	var b [15]byte
	copy(b[:], m.high[:])
	binary.BigEndian.PutUint64(b[7:], m.next.Add(1))
	return base64.RawURLEncoding.AppendEncode(dst, b[:])
}

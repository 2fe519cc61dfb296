package elasticsearch

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"

	"millrace/internal/esbulk"
	"millrace/pipeline/event"
)

// blankID stands in action lines until the turn is complete. An id has 120 bits in 20 letters, as those that Elasticsearch makes.
const (
	blankID    = "********************"
	blankField = `"_id":"` + blankID + `"`
)

// hasher makes the ids of one worker's events: a hash of the document, of the time at which its batch was read, which a persistent
// queue keeps, and of a count that tells equal documents of one batch apart. A batch that is processed again thus gets the ids it had.
type hasher struct {
	read []int64 // when the batch of each operation's event was read; 0: unknown
	seen map[[15]byte]uint32
	in   []byte
}

func (h *hasher) fill(buf *esbulk.Buffer, b *event.Batch) {
	if h.seen == nil {
		h.seen = make(map[[15]byte]uint32)
	}
	clear(h.seen)
	i := 0
	buf.Each(func(op []byte) {
		read := h.read[i]
		if i++; read == 0 {
			read = b.Time.UnixNano()
		}
		line, document, _ := bytes.Cut(op, []byte("\n"))
		at := bytes.Index(line, []byte(blankField))
		if at < 0 {
			return
		}
		h.in = binary.LittleEndian.AppendUint64(h.in[:0], uint64(read))
		h.in = append(h.in, document...)
		id := h.hash()
		n := h.seen[id]
		h.seen[id] = n + 1
		if n > 0 {
			h.in = binary.LittleEndian.AppendUint32(append(h.in[:0], id[:]...), n)
			id = h.hash()
		}
		base64.RawURLEncoding.Encode(line[at+len(`"_id":"`):], id[:])
	})
	h.read = h.read[:0]
}

func (h *hasher) hash() (id [15]byte) {
	sum := sha256.Sum256(h.in)
	copy(id[:], sum[:])
	return id
}

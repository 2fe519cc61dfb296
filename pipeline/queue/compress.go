package queue

import (
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// Compression is the value of queue.compression.
type Compression string

// The levels are those of Logstash 9.2: all but CompressNone write zstd, and every level reads what any other wrote.
const (
	CompressNone     Compression = "none"
	CompressSpeed    Compression = "speed"
	CompressBalanced Compression = "balanced"
	CompressSize     Compression = "size"
)

// newEncoder returns nil for CompressNone.
func newEncoder(c Compression) (*zstd.Encoder, error) {
	var level zstd.EncoderLevel
	switch c {
	case CompressNone, "":
		return nil, nil
	case CompressSpeed:
		level = zstd.SpeedFastest
	case CompressBalanced:
		level = zstd.SpeedDefault
	case CompressSize:
		level = zstd.SpeedBestCompression
	default:
		return nil, fmt.Errorf("queue.compression %q is none of none, speed, balanced and size", string(c))
	}
	// The frame has a checksum of its own. A window larger than a batch would only cost memory. A single segment always
	// states the size of its content, which decompress insists on.
	return zstd.NewWriter(nil, zstd.WithEncoderLevel(level), zstd.WithEncoderCRC(false), zstd.WithWindowSize(1<<20),
		zstd.WithSingleSegment(true))
}

// pack compresses the payload of an entry into *b, and returns its size.
func (q *Queue) pack(b *[]byte, header []byte, records [][]byte) int64 {
	plain := q.packs.Get().(*[]byte)
	defer q.packs.Put(plain)
	*plain = appendPayload((*plain)[:0], header, records)
	*b = q.encoder.EncodeAll(*plain, (*b)[:0])
	return int64(len(*b))
}

// decoder is made when the first compressed entry is read; most processes never need it. A decoder holds no state
// between calls, so one serves all queues.
var decoder = sync.OnceValues(func() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(maxPayload))
})

func decompress(b []byte, rawLen int) ([]byte, error) {
	d, err := decoder()
	if err != nil {
		return nil, err
	}
	// The size in the zstd header is checked first, as the decoder would grow the buffer beyond rawLen.
	var h zstd.Header
	if err := h.Decode(b); err != nil {
		return nil, err
	}
	if !h.HasFCS || h.FrameContentSize != uint64(rawLen) {
		return nil, errPayload
	}
	return d.DecodeAll(b, make([]byte, 0, rawLen))
}

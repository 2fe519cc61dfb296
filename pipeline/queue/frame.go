package queue

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// A file of either queue is a sequence of frames and nothing else. All integers are little-endian.
//
//	0  magic
//	4  CRC-32C of bytes 8 to 40, begun with the salt that the name of the file holds
//	8  id
//	16 length of the payload as it is stored
//	20 length of the payload before compression
//	24 length of the entry's header
//	28 number of records
//	32 CRC-32C of the payload as it is stored
//	36 flags, three zero bytes
//	40 payload: header, one uint32 a record with its length, the records
//
// The head has a checksum of its own so that a frame with a damaged payload is still skipped exactly, and a damaged
// head never leads to a wrong allocation. The salt is what keeps a record that happens to contain a frame (somebody
// ships queue files as logs, or an attacker tries) from being taken for one when damage makes the scanner search.
const (
	frameHead = 40

	flagZstd   = 1
	flagPurged = 2 // dead letter queue: the record was deleted

	// maxPayload bounds one entry. It is 256 MiB: a batch is a few hundred kilobytes, and lengths stay far from
	// the limits of uint32 and of int on 32-bit machines.
	maxPayload = 256 << 20
)

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	magic      = []byte{0x1e, 'M', 'R', 0x01}
)

// ErrTooLarge is returned by Append for an entry that could never fit: larger than queue.max_bytes, or than 256 MiB.
var ErrTooLarge = errors.New("entry is larger than the queue allows")

var errPayload = errors.New("payload does not hold the records that its frame promises")

// frame is a frame as it was found in a file.
type frame struct {
	id        uint64
	rawLen    int
	headerLen int
	records   int
	flags     byte
	payload   []byte // as stored
	start     int64  // offset in the file
}

func (f *frame) end() int64 { return f.start + frameHead + int64(len(f.payload)) }

// rawSize returns the length of a payload before compression.
func rawSize(header []byte, records [][]byte) int64 {
	n := int64(len(header)) + 4*int64(len(records))
	for _, r := range records {
		n += int64(len(r))
	}
	return n
}

// appendPayload appends the payload of an entry, not compressed.
func appendPayload(dst, header []byte, records [][]byte) []byte {
	dst = append(dst, header...)
	for _, r := range records {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(len(r)))
	}
	for _, r := range records {
		dst = append(dst, r...)
	}
	return dst
}

// appendHead appends the head of a frame except for what stamp adds.
func appendHead(dst []byte, stored, raw, header, records int, flags byte) []byte {
	var h [frameHead]byte
	copy(h[:], magic)
	binary.LittleEndian.PutUint32(h[16:], uint32(stored))
	binary.LittleEndian.PutUint32(h[20:], uint32(raw))
	binary.LittleEndian.PutUint32(h[24:], uint32(header))
	binary.LittleEndian.PutUint32(h[28:], uint32(records))
	h[36] = flags
	return append(dst, h[:]...)
}

// stamp completes the frame that b consists of: id and checksums.
func stamp(b []byte, id uint64, salt uint32) {
	binary.LittleEndian.PutUint64(b[8:], id)
	binary.LittleEndian.PutUint32(b[32:], crc32.Checksum(b[frameHead:], castagnoli))
	binary.LittleEndian.PutUint32(b[4:], headSum(b, salt))
}

func headSum(b []byte, salt uint32) uint32 {
	return crc32.Update(salt, castagnoli, b[8:frameHead])
}

// parseHead reads the head at the beginning of b, which holds at least frameHead bytes. size is the length of the
// payload that follows; ok is false when this is no head of a frame.
func parseHead(b []byte, salt uint32) (f frame, size int, ok bool) {
	if string(b[:4]) != string(magic) || binary.LittleEndian.Uint32(b[4:]) != headSum(b, salt) {
		return f, 0, false
	}
	size = int(binary.LittleEndian.Uint32(b[16:]))
	f = frame{
		id:        binary.LittleEndian.Uint64(b[8:]),
		rawLen:    int(binary.LittleEndian.Uint32(b[20:])),
		headerLen: int(binary.LittleEndian.Uint32(b[24:])),
		records:   int(binary.LittleEndian.Uint32(b[28:])),
		flags:     b[36],
	}
	if size > maxPayload || f.rawLen > maxPayload || f.headerLen+4*f.records > f.rawLen {
		return f, 0, false
	}
	if f.flags&flagZstd == 0 && size != f.rawLen {
		return f, 0, false
	}
	return f, size, true
}

func payloadSum(head []byte) uint32 { return binary.LittleEndian.Uint32(head[32:]) }

// decode returns the entry in the frame. Header and records point into the payload, or into the memory that it was
// decompressed to.
func (f *frame) decode() (header []byte, records [][]byte, err error) {
	raw := f.payload
	if f.flags&flagZstd != 0 {
		if raw, err = decompress(f.payload, f.rawLen); err != nil {
			return nil, nil, fmt.Errorf("decompressing entry %d: %w", f.id, err)
		}
	}
	if len(raw) != f.rawLen {
		return nil, nil, errPayload
	}
	header = raw[:f.headerLen:f.headerLen]
	lengths, data := raw[f.headerLen:f.headerLen+4*f.records], raw[f.headerLen+4*f.records:]
	records = make([][]byte, f.records)
	for i := range records {
		n := int64(binary.LittleEndian.Uint32(lengths[4*i:]))
		if n > int64(len(data)) {
			return nil, nil, errPayload
		}
		records[i], data = data[:n:n], data[n:]
	}
	if len(data) != 0 {
		return nil, nil, errPayload
	}
	return header, records, nil
}

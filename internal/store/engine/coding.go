package engine

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"
)

// ErrCorrupt is in the chain of every error about bytes on disk that this package cannot have written.
var ErrCorrupt = errors.New("corrupt store data")

func corrupt(what string) error { return fmt.Errorf("%w: %s", ErrCorrupt, what) }

// decoder reads the variable-length numbers and strings of this package's formats. Reading past the end gives zeros and sets bad, so
// that a caller checks once, at the end of a record.
type decoder struct {
	b   []byte
	bad bool
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.b, d.bad = nil, true
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) varint() int64 {
	v := d.uvarint()
	return int64(v>>1) ^ -int64(v&1)
}

func (d *decoder) uint32() uint32 {
	v := d.uvarint()
	if v > math.MaxUint32 {
		d.b, d.bad = nil, true
		return 0
	}
	return uint32(v)
}

func (d *decoder) byte() byte {
	if len(d.b) == 0 {
		d.bad = true
		return 0
	}
	c := d.b[0]
	d.b = d.b[1:]
	return c
}

// bytes returns the next n bytes, which stay part of what is decoded.
func (d *decoder) bytes(n uint64) []byte {
	if n > uint64(len(d.b)) {
		d.b, d.bad = nil, true
		return nil
	}
	p := d.b[:n:n]
	d.b = d.b[n:]
	return p
}

func (d *decoder) string() string { return string(d.bytes(d.uvarint())) }

// count reads a number of things that take at least one byte each, so that a corrupt one cannot ask for more memory than it has bytes.
func (d *decoder) count() int {
	n := d.uvarint()
	if n > uint64(len(d.b)) {
		d.b, d.bad = nil, true
		return 0
	}
	return int(n)
}

func appendString(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

// packWidth returns the bits that numbers up to max take. Above 56 it is 64: below, one unaligned load of eight bytes always holds a
// whole number.
func packWidth(most uint64) uint {
	w := uint(bits.Len64(most))
	if w > 56 {
		return 64
	}
	return w
}

func packedLen(n int, width uint) int { return (n*int(width) + 7) / 8 }

// appendPacked appends numbers of a width in bits, the lowest first.
func appendPacked[T uint32 | uint64](dst []byte, values []T, width uint) []byte {
	if width == 64 {
		for _, v := range values {
			dst = binary.LittleEndian.AppendUint64(dst, uint64(v))
		}
		return dst
	}
	var acc uint64
	var have uint
	for _, v := range values {
		acc |= uint64(v) << have
		have += width
		for have >= 8 {
			dst = append(dst, byte(acc))
			acc >>= 8
			have -= 8
		}
	}
	if have > 0 {
		dst = append(dst, byte(acc))
	}
	return dst
}

// packedAt returns the i-th of numbers of a width.
func packedAt(p []byte, i int, width uint) uint64 {
	if width == 0 {
		return 0
	}
	bit := i * int(width)
	at := bit >> 3
	if at+8 <= len(p) {
		v := binary.LittleEndian.Uint64(p[at:])
		if width == 64 {
			return v
		}
		return v >> (bit & 7) & (1<<width - 1)
	}
	var last [8]byte
	copy(last[:], p[at:])
	return binary.LittleEndian.Uint64(last[:]) >> (bit & 7) & (1<<width - 1)
}

// unpack fills dst with numbers of a width.
func unpack(dst []uint32, p []byte, width uint) {
	if width == 0 {
		clear(dst)
		return
	}
	mask := uint64(1)<<width - 1
	bit := 0
	i := 0
	for ; i < len(dst); i++ {
		at := bit >> 3
		if at+8 > len(p) {
			break
		}
		dst[i] = uint32(binary.LittleEndian.Uint64(p[at:]) >> (bit & 7) & mask)
		bit += int(width)
	}
	for ; i < len(dst); i++ {
		dst[i] = uint32(packedAt(p, i, width))
	}
}

// sortableFloat maps a float64 to an integer of the same order, so that one kind of column holds all numbers.
func sortableFloat(f float64) int64 {
	b := int64(math.Float64bits(f))
	return b ^ (b>>63)&math.MaxInt64
}

func floatOf(v int64) float64 { return math.Float64frombits(uint64(v ^ (v>>63)&math.MaxInt64)) }

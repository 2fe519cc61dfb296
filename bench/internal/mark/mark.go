// Package mark puts a number and a time into log lines and finds them again in the documents that a shipper made of
// them. A mark is 32 letters and digits, so no parser, escaper or analyser on the way changes it.
package mark

import "bytes"

// Len is the length of a mark: "mrq", 12 digits of sequence number, "x", 16 digits of microseconds since 1970.
const Len = 3 + seqDigits + 1 + timeDigits

const (
	prefix     = "mrq"
	seqDigits  = 12
	timeDigits = 16
)

// Blank is a mark to be stamped later.
const Blank = "mrq000000000000x0000000000000000"

// Stamp overwrites the mark at the start of dst.
func Stamp(dst []byte, seq uint64, micros int64) {
	_ = dst[Len-1]
	copy(dst, prefix)
	putDigits(dst[3:3+seqDigits], seq)
	dst[3+seqDigits] = 'x'
	putDigits(dst[4+seqDigits:Len], uint64(micros))
}

func putDigits(dst []byte, v uint64) {
	for i := len(dst) - 1; i >= 0; i-- {
		dst[i] = byte('0' + v%10)
		v /= 10
	}
}

var prefixBytes = []byte(prefix)

// Find returns what the first mark in b says.
func Find(b []byte) (seq uint64, micros int64, ok bool) {
	for {
		i := bytes.Index(b, prefixBytes)
		if i < 0 || i+Len > len(b) {
			return 0, 0, false
		}
		m := b[i : i+Len]
		if m[3+seqDigits] == 'x' {
			s, okSeq := digits(m[3 : 3+seqDigits])
			t, okTime := digits(m[4+seqDigits:])
			if okSeq && okTime {
				return s, int64(t), true
			}
		}
		b = b[i+1:]
	}
}

func digits(b []byte) (v uint64, ok bool) {
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		v = v*10 + uint64(c-'0')
	}
	return v, true
}

package stream

import (
	"io"
	"unsafe"
)

// firstPiece is what is allocated for a length that a peer announced before any of it has come.
const firstPiece = 64 << 10

// ReadString reads n bytes, at least one, into memory that grows with what really comes: a peer that announces much and sends little costs
// little. The end of r before that is io.ErrUnexpectedEOF.
func ReadString(r io.Reader, n int) (string, error) {
	buf := make([]byte, 0, min(n, firstPiece))
	for len(buf) < n {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		m, err := r.Read(buf[len(buf):min(cap(buf), n)])
		buf = buf[:len(buf)+m]
		if err == io.EOF && len(buf) < n {
			return "", io.ErrUnexpectedEOF
		}
		if err != nil && err != io.EOF {
			return "", err
		}
	}
	return unsafe.String(unsafe.SliceData(buf), n), nil
}

package engine

import "os"

// source is the bytes of a segment: in memory, or in a file that is read piece by piece. Files are not mapped: mapped pages that a search
// touched would count as this process's memory, and an error of the disk would be a signal instead of an error.
type source struct {
	mem  []byte
	file *os.File
	size uint64
}

func memSource(b []byte) *source { return &source{mem: b, size: uint64(len(b))} }

// view returns n bytes from off on. They may be part of the segment or stand in *buf, which grows as needed; either way they are only to
// be read, and until *buf is used again.
func (s *source) view(off, n uint64, buf *[]byte) ([]byte, error) {
	if off > s.size || n > s.size-off {
		return nil, corrupt("a range outside the segment")
	}
	if s.file == nil {
		return s.mem[off : off+n : off+n], nil
	}
	if uint64(cap(*buf)) < n {
		*buf = make([]byte, n+n/4)
	}
	p := (*buf)[:n]
	if _, err := s.file.ReadAt(p, int64(off)); err != nil {
		return nil, err
	}
	return p, nil
}

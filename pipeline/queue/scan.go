package queue

import (
	"bytes"
	"errors"
	"hash/crc32"
	"io"

	"millrace/pipeline/queue/vfs"
)

// scanChunk is how much a scanner reads at once: large enough that a read costs little beside what it brings.
const scanChunk = 1 << 20

// scanner walks over the frames of a file. What is no frame it skips and counts, up to the next frame.
type scanner struct {
	f    vfs.File
	salt uint32
	end  int64 // offset at which the file ends for this scanner
	off  int64 // offset of buf[pos]
	buf  []byte
	pos  int

	// keep says that the payloads of frames outlive the next call: every chunk is then read into memory of its own.
	keep bool
	// live says that the file is still being written: an unfinished frame at the end is not damage.
	live bool
	// damage holds what was skipped, in order.
	damage []Damage
}

// Damage is a range of bytes in a file that hold no intact frame.
type Damage struct {
	Offset int64
	Length int64
}

func newScanner(f vfs.File, salt uint32, off, end int64) *scanner {
	return &scanner{f: f, salt: salt, off: off, end: end}
}

// next returns the next intact frame. ok is false at the end of the file. An error is one of reading the file; the
// scanner is then of no further use.
func (s *scanner) next() (f frame, ok bool, err error) {
	for {
		if ok, err := s.fill(frameHead); !ok {
			return f, false, s.atEnd(err)
		}
		head := s.buf[s.pos:]
		f, size, ok := parseHead(head, s.salt)
		if !ok {
			if err := s.seek(); err != nil {
				return f, false, s.atEnd(err)
			}
			continue
		}
		if ok, err := s.fill(frameHead + size); !ok {
			return f, false, s.atEnd(err)
		}
		head = s.buf[s.pos:]
		f.payload, f.start = head[frameHead:frameHead+size:frameHead+size], s.off
		if crc32.Checksum(f.payload, castagnoli) != payloadSum(head) {
			// The head is intact, so the frame ends where it says. But its last bytes may never have been written, and
			// then the next frame still begins there: going on behind it is right in both cases.
			s.skip(frameHead + size)
			continue
		}
		s.pos += frameHead + size
		s.off += int64(frameHead + size)
		return f, true, nil
	}
}

// atEnd counts an unfinished frame at the end of the file as damage.
func (s *scanner) atEnd(err error) error {
	if err != nil {
		return err
	}
	if rest := s.end - s.off; rest > 0 && !s.live {
		s.note(s.off, rest)
		s.off = s.end
		s.buf, s.pos = nil, 0
	}
	return nil
}

// fill makes n bytes available from buf[pos], and reports whether the file has so many.
func (s *scanner) fill(n int) (bool, error) {
	have := len(s.buf) - s.pos
	if have >= n {
		return true, nil
	}
	if s.end-s.off < int64(n) {
		return false, nil
	}
	want := int(min(int64(max(n, scanChunk)), s.end-s.off))
	buf := s.buf
	if s.keep || cap(buf) < want {
		buf = make([]byte, want)
	}
	buf = buf[:want]
	copy(buf, s.buf[s.pos:])
	m, err := s.f.ReadAt(buf[have:], s.off+int64(have))
	s.buf, s.pos = buf[:have+m], 0
	if errors.Is(err, io.EOF) {
		err = nil
		if have+m < want && s.live {
			return have+m >= n, nil
		}
	}
	return have+m >= n, err
}

// seek goes to the next bytes that look like the beginning of a frame.
func (s *scanner) seek() error {
	s.skip(1)
	for {
		if i := bytes.Index(s.buf[s.pos:], magic); i >= 0 {
			s.skip(i)
			return nil
		}
		// The last bytes may be the beginning of a magic.
		s.skip(max(0, len(s.buf)-s.pos-len(magic)+1))
		if ok, err := s.fill(len(magic)); !ok {
			return err
		}
	}
}

func (s *scanner) skip(n int) {
	if n == 0 {
		return
	}
	s.note(s.off, int64(n))
	s.pos += n
	s.off += int64(n)
}

func (s *scanner) note(off, n int64) {
	if last := len(s.damage) - 1; last >= 0 && s.damage[last].Offset+s.damage[last].Length == off {
		s.damage[last].Length += n
		return
	}
	s.damage = append(s.damage, Damage{off, n})
}

// damaged returns the number of bytes skipped.
func (s *scanner) damaged() (n int64) {
	for _, d := range s.damage {
		n += d.Length
	}
	return n
}

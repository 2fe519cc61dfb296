package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// sseMessage is one server-sent event.
type sseMessage struct {
	kind string // "message" unless the server says otherwise
	data []byte // valid until the next message
}

// sseReader reads a stream of server-sent events.
type sseReader struct {
	r    *bufio.Reader
	line []byte
	data []byte
}

// maxSSELine bounds what one line of a stream may hold; an event is shown up to 16 KiB, and its metadata.
const maxSSELine = 1 << 20

func newSSEReader(r io.Reader) *sseReader { return &sseReader{r: bufio.NewReaderSize(r, 64<<10)} }

// next returns the next message. Comments, which keep the stream alive, are passed over.
func (s *sseReader) next() (sseMessage, error) {
	m := sseMessage{kind: "message"}
	s.data = s.data[:0]
	filled := false
	for {
		line, err := s.readLine()
		if err != nil {
			return m, err
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch {
		case len(line) == 0 && filled:
			m.data = s.data
			return m, nil
		case len(line) == 0:
			m.kind = "message"
		case string(name) == "event":
			m.kind = string(value)
		case string(name) == "data":
			if filled {
				s.data = append(s.data, '\n')
			}
			s.data, filled = append(s.data, value...), true
		}
	}
}

func (s *sseReader) readLine() ([]byte, error) {
	s.line = s.line[:0]
	for {
		part, err := s.r.ReadSlice('\n')
		s.line = append(s.line, part...)
		switch {
		case err == nil:
			return bytes.TrimRight(s.line, "\r\n"), nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		case len(s.line) > maxSSELine:
			return nil, errors.New("a line of the stream has no end")
		}
	}
}

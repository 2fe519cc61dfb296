package lumberjack

import (
	"encoding/binary"
	"errors"
	"math"

	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// turn is what a worker wrote between two flushes: the data frames of one batch. The sender owns it from the flush until all of them are
// acknowledged.
type turn struct {
	b    *event.Batch
	buf  []byte
	ends []int // of the frames in buf
	left int   // frames that are not acknowledged
}

// field is the name of the one field that events have.
const field = "line"

// head begins a data frame: its sequence number is written when it is sent, the length of the value when that is known.
const head = "1D\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x04" + field + "\x00\x00\x00\x00"

// sequenceAt is where the sequence number is in a frame.
const sequenceAt = 2

var errLong = errors.New("what the codec writes is longer than a frame can be")

// add writes e into the turn. If that is not possible the turn is as it was.
func (t *turn) add(enc plugin.Encoder, e *event.Event) error {
	start := len(t.buf)
	buf, err := enc.AppendEncode(append(t.buf, head...), e)
	if err == nil && len(buf)-start > math.MaxInt32 {
		err = errLong
	}
	if err != nil {
		t.buf = t.buf[:start]
		return err
	}
	value := start + len(head)
	binary.BigEndian.PutUint32(buf[value-4:], uint32(len(buf)-value))
	t.buf, t.ends = buf, append(t.ends, len(buf))
	return nil
}

// frame returns a frame.
func (t *turn) frame(i int) []byte {
	start := 0
	if i > 0 {
		start = t.ends[i-1]
	}
	return t.buf[start:t.ends[i]]
}

// maxKept bounds the buffer of a turn that is kept.
const maxKept = 4 << 20

func (t *turn) reset() {
	if cap(t.buf) > maxKept {
		t.buf = nil
	}
	t.b, t.buf, t.ends = nil, t.buf[:0], t.ends[:0]
}

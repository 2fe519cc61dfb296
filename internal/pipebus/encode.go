package pipebus

import (
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"time"
	"unsafe"

	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// An event travels as bytes, so that the receiving pipeline can keep it on disk like anything else it reads: the fields of the document
// and those of @metadata, each a number of fields and for each its key and value. A text is a uvarint length and its bytes; a value is
// its kind and content. JSON would lose the difference between an instant and its text.

// AppendEvent appends e with its metadata.
func AppendEvent(dst []byte, e *event.Event) []byte {
	return e.Metadata().AppendBinary(e.Root().AppendBinary(dst))
}

// Codec returns the codec of what AppendEvent writes.
func Codec() *plugin.Codec {
	return &plugin.Codec{NewDecoder: func() plugin.Decoder { return new(decoder) }}
}

// MalformedTag marks an event that was damaged on its way through a queue on disk; its message is what is left of it.
const MalformedTag = "_pipelinebusfailure"

// maxDepth bounds lists and objects within each other in what is decoded; no decoder of documents makes them deeper.
const maxDepth = 10_000

var errMalformed = errors.New("malformed event")

// decoder reads events. Texts are parts of the record.
type decoder struct {
	e    *event.Event
	data string
	err  error
}

// Decode implements plugin.Decoder.
func (d *decoder) Decode(r *event.Record, next func() *event.Event) {
	d.e, d.data, d.err = next(), r.Data, nil
	d.object(d.e.Root(), 0)
	d.object(d.e.Metadata(), 0)
	if d.err == nil && d.data != "" {
		d.err = errMalformed
	}
	if d.err != nil {
		d.e.Reset()
		d.e.Root().Set("message", event.StringValue(strings.ToValidUTF8(r.Data, "\ufffd")))
		d.e.Tag(MalformedTag)
	}
}

func (d *decoder) fail() { d.data, d.err = "", errMalformed }

func (d *decoder) byte() byte {
	if d.data == "" {
		d.fail()
		return 0
	}
	c := d.data[0]
	d.data = d.data[1:]
	return c
}

func (d *decoder) uvarint() uint64 {
	n, size := binary.Uvarint(unsafe.Slice(unsafe.StringData(d.data), len(d.data)))
	if size <= 0 {
		d.fail()
		return 0
	}
	d.data = d.data[size:]
	return n
}

func (d *decoder) varint() int64 {
	n := d.uvarint()
	if n&1 != 0 {
		return ^int64(n >> 1)
	}
	return int64(n >> 1)
}

// count reads the number of things that take at least one byte each.
func (d *decoder) count() int {
	n := d.uvarint()
	if n > uint64(len(d.data)) {
		d.fail()
		return 0
	}
	return int(n)
}

func (d *decoder) text() string {
	n := d.count()
	s := d.data[:n]
	d.data = d.data[n:]
	return s
}

func (d *decoder) object(o *event.Object, depth int) {
	for range d.count() {
		key := d.text()
		v := d.value(depth)
		if d.err != nil {
			return
		}
		o.Set(key, v)
	}
}

func (d *decoder) value(depth int) event.Value {
	switch event.Kind(d.byte()) {
	case event.Null:
		return event.Value{}
	case event.Bool:
		return event.BoolValue(d.byte() != 0)
	case event.Int:
		return event.IntValue(d.varint())
	case event.Float:
		if len(d.data) < 8 {
			d.fail()
			return event.Value{}
		}
		bits := binary.LittleEndian.Uint64([]byte(d.data[:8]))
		d.data = d.data[8:]
		return event.FloatValue(math.Float64frombits(bits))
	case event.String:
		return event.StringValue(d.text())
	case event.BigInt:
		return event.BigIntValue(d.text())
	case event.Time:
		sec, nsec := d.varint(), d.uvarint()
		if nsec > 999_999_999 {
			d.fail()
		}
		return event.TimeValue(time.Unix(sec, int64(nsec%1_000_000_000)))
	case event.KindList:
		return d.list(depth + 1)
	case event.KindObject:
		if depth >= maxDepth {
			break
		}
		o := d.e.NewObject()
		d.object(o, depth+1)
		return event.ObjectValue(o)
	}
	d.fail()
	return event.Value{}
}

func (d *decoder) list(depth int) event.Value {
	if depth > maxDepth {
		d.fail()
		return event.Value{}
	}
	l := d.e.NewList()
	for range d.count() {
		l.Append(d.value(depth))
		if d.err != nil {
			break
		}
	}
	return event.ListValue(l)
}

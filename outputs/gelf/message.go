package gelf

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/zlib"

	"millrace/internal/netout"
	"millrace/pipeline/event"
)

// The limits of the format: a message has at most 128 chunks, each with a header in front.
const (
	maxDatagram = 65507
	chunkHeader = 12
	maxChunks   = 128
)

// maker makes messages of events. It is used by one worker.
type maker struct {
	o       *Options
	scratch *event.Event // the message
	text    []byte
	packed  bytes.Buffer
	zlib    *zlib.Writer
}

// frame appends a message that ends with a null byte.
func (m *maker) frame(t *netout.Turn, e *event.Event) error {
	if err := m.message(e); err != nil {
		return err
	}
	t.Data = append(append(t.Data, m.text...), 0)
	return nil
}

var errTooLong = fmt.Errorf("the message needs more than %d chunks", maxChunks)

// datagrams appends a compressed message, in chunks if it is longer than one may be.
func (m *maker) datagrams(t *netout.Turn, e *event.Event) error {
	if err := m.message(e); err != nil {
		return err
	}
	m.packed.Reset()
	if m.zlib == nil {
		m.zlib = zlib.NewWriter(&m.packed)
	} else {
		m.zlib.Reset(&m.packed)
	}
	if _, err := m.zlib.Write(m.text); err != nil {
		return err
	}
	if err := m.zlib.Close(); err != nil {
		return err
	}
	data := m.packed.Bytes()
	if len(data) <= m.o.ChunkSize {
		t.Data = append(t.Data, data...)
		return nil
	}
	count := (len(data) + m.o.ChunkSize - 1) / m.o.ChunkSize
	if count > maxChunks {
		return errTooLong
	}
	id := rand.Uint64()
	for i := range count {
		t.Data = append(t.Data, 0x1e, 0x0f)
		for shift := 56; shift >= 0; shift -= 8 {
			t.Data = append(t.Data, byte(id>>shift))
		}
		t.Data = append(t.Data, byte(i), byte(count))
		t.Data = append(t.Data, data[i*m.o.ChunkSize:min((i+1)*m.o.ChunkSize, len(data))]...)
		t.EndRecord()
	}
	return nil
}

var errNoText = errors.New("there is no message and no short_message, without which a message is none")

var (
	messagePath = event.MustPath("message")
	tagsPath    = event.MustPath("tags")
)

// message makes m.text the JSON of the message.
func (m *maker) message(e *event.Event) error {
	m.scratch.Reset()
	o := m.scratch.Root()
	short := m.short(e)
	if short == "" {
		return errNoText
	}
	full, err1 := m.o.FullMessage.Text(e)
	sender, err2 := m.o.Sender.Text(e)
	level, err3 := m.level(e)
	if err := errors.Join(err1, err2, err3); err != nil {
		return err
	}
	o.Set("short_message", event.StringValue(short))
	o.Set("full_message", event.StringValue(full))
	o.Set("host", event.StringValue(sender))
	if m.o.ShipMetadata {
		m.metadata(o, e)
	}
	if tags, ok := e.Get(tagsPath); ok && m.o.ShipTags && !tags.IsNull() {
		o.Set("_tags", joined(tags))
	}
	for _, f := range m.o.CustomFields {
		if f.Key != "id" {
			o.Set("_"+f.Key, event.StringValue(f.Value))
		}
	}
	o.Set("level", event.IntValue(level))
	o.Set("version", event.StringValue("1.1"))
	m.text = o.AppendJSON(m.text[:0])
	if at, ok := e.Timestamp(); ok {
		m.text = append(m.text[:len(m.text)-1], `,"timestamp":`...)
		m.text = append(appendSeconds(m.text, at), '}')
	}
	return nil
}

// appendSeconds appends a time with microseconds as GELF has it: without an exponent, which the floats of events have from ten million on.
func appendSeconds(dst []byte, at time.Time) []byte {
	n := len(dst)
	dst = strconv.AppendFloat(dst, float64(at.UnixMicro())/1e6, 'f', -1, 64)
	if bytes.IndexByte(dst[n:], '.') < 0 {
		dst = append(dst, ".0"...)
	}
	return dst
}

// short returns the text of short_message.
func (m *maker) short(e *event.Event) string {
	if v, ok := e.Get(&m.o.ShortMessage); ok {
		if l := v.List(); v.Kind() == event.KindList && l.Len() == 1 {
			v = l.At(0)
		}
		if text := string(v.AppendRubyText(nil)); text != "" {
			return text
		}
	}
	v, _ := e.Get(messagePath)
	return v.Text()
}

// metadata adds the event's fields with an underscore in front. Lists become texts, hashes a field for each of their own.
func (m *maker) metadata(o *event.Object, e *event.Event) {
	for _, f := range e.Root().Fields() {
		name := strings.TrimPrefix(f.Key, "_")
		if f.Val.IsNull() || f.Key == "message" {
			continue
		}
		if name == "id" {
			name = "_id" // the name _id is reserved
		}
		if slices.Contains(m.o.IgnoreMetadata, name) {
			continue
		}
		switch f.Val.Kind() {
		case event.KindList:
			o.Set("_"+name, joined(f.Val))
		case event.KindObject:
			for _, inner := range f.Val.Object().Fields() {
				o.Set("_"+name+"_"+inner.Key, inner.Val)
			}
		default:
			o.Set("_"+name, f.Val)
		}
	}
}

// joined returns the items of a list as one text.
func joined(v event.Value) event.Value {
	if v.Kind() != event.KindList {
		return v
	}
	var text []byte
	for i, item := range v.List().Items() {
		if i > 0 {
			text = append(text, ", "...)
		}
		text = item.AppendRubyText(text)
	}
	return event.StringValue(string(text))
}

// levelOf returns the number of what a level is called (RFC 5424, section 6.2.1).
func levelOf(name string) (int64, bool) {
	switch strings.ToLower(name) {
	case "debug", "d":
		return 7, true
	case "info", "i", "informational":
		return 6, true
	case "notice", "n":
		return 5, true
	case "warn", "w", "warning":
		return 4, true
	case "error":
		return 3, true
	case "critical", "c":
		return 2, true
	case "alert", "a":
		return 1, true
	case "emergency", "e":
		return 0, true
	}
	return 0, false
}

// level returns the first level whose fields the event has. What is neither a name nor a number counts as 0, as in Logstash.
func (m *maker) level(e *event.Event) (int64, error) {
	for i := range m.o.Level {
		text, err := m.o.Level[i].Text(e)
		if err != nil {
			return 0, err
		}
		if !m.o.Level[i].Static() && text == m.o.Level[i].String() {
			continue
		}
		if n, ok := levelOf(text); ok {
			return n, nil
		}
		digits := text
		for i, c := range text {
			if (c < '0' || c > '9') && (i > 0 || c != '-') {
				digits = text[:i]
				break
			}
		}
		n, _ := strconv.ParseInt(digits, 10, 32) // no number: 0
		return n, nil
	}
	return 0, nil
}

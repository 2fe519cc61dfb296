package gelf

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"

	"millrace/internal/stream"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// The tags of what could not be done with a message.
const (
	tagJSON  = "_jsonparsefailure"
	tagPlain = "_fromjsonparser"
	tagMove  = "_gelf_move_field_failure"
)

// Codec replaces the codec of the config by one that reads GELF.
func (in *input) Codec() *plugin.Codec {
	return &plugin.Codec{Name: "gelf", NewDecoder: func() plugin.Decoder { return &decoder{in: in} }}
}

// decoder makes events of messages. It is used by one worker.
type decoder struct {
	in   *input
	gzip *gzip.Reader
	zlib io.ReadCloser
	buf  bytes.Buffer
}

// Decode implements plugin.Decoder. A message that cannot be decompressed is dropped and counted, as there is no text to make an event of.
func (d *decoder) Decode(r *event.Record, next func() *event.Event) {
	text, err := d.plain(r.Data)
	if err != nil {
		d.in.broken.Add(1)
		d.in.log.Warn("a message cannot be read and is dropped", slog.Any("error", err))
		return
	}
	e := next()
	v, _, _, err := e.ParseJSON(text)
	if o := v.Object(); err == nil && o != nil {
		e.SetRoot(o)
		d.dress(e)
		return
	}
	e.Root().Clear()
	e.Root().Set("message", event.StringValue(text))
	e.Tag(tagJSON)
	e.Tag(tagPlain)
}

var errLong = fmt.Errorf("it is longer than %d bytes", stream.DefaultMaxRecord)

// plain returns the text of a message, which its first bytes tell how to read.
func (d *decoder) plain(data string) (string, error) {
	var r io.Reader
	switch {
	case strings.HasPrefix(data, "\x1f\x8b"):
		var err error
		if d.gzip == nil {
			d.gzip, err = gzip.NewReader(strings.NewReader(data))
		} else {
			err = d.gzip.Reset(strings.NewReader(data))
		}
		if err != nil {
			d.gzip = nil
			return "", err
		}
		r = d.gzip
	case len(data) > 1 && data[0]&0x0f == 8 && (int(data[0])<<8|int(data[1]))%31 == 0: // RFC 1950, section 2.2
		var err error
		if d.zlib == nil {
			d.zlib, err = zlib.NewReader(strings.NewReader(data))
		} else {
			err = d.zlib.(zlib.Resetter).Reset(strings.NewReader(data), nil)
		}
		if err != nil {
			d.zlib = nil
			return "", err
		}
		r = d.zlib
	case strings.HasPrefix(data, "\x1f\x3c"):
		return data[2:], nil
	default:
		return data, nil
	}
	d.buf.Reset()
	n, err := io.Copy(&d.buf, io.LimitReader(r, stream.DefaultMaxRecord+1))
	if err == nil && n > stream.DefaultMaxRecord {
		err = errLong
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return d.buf.String(), err
}

var (
	fullMessage  = event.MustPath("full_message")
	shortMessage = event.MustPath("short_message")
	message      = event.MustPath("message")
	timestamp    = event.MustPath("timestamp")
)

// dress makes of the fields of a message those of an event. The field source_host is the input's: one in the message gives way.
func (d *decoder) dress(e *event.Event) {
	e.Root().Delete("source_host")
	if v, ok := e.Get(timestamp); ok {
		if t, ok := instant(v); ok {
			e.SetTimestamp(t)
			e.Root().Delete("timestamp")
		}
	}
	if d.in.o.Remap {
		remap(e)
	}
	if d.in.o.StripUnderscore {
		strip(e)
	}
}

// instant reads seconds since 1970, to the microsecond.
func instant(v event.Value) (time.Time, bool) {
	switch v.Kind() {
	case event.Int:
		return time.Unix(v.Int(), 0).UTC(), true
	case event.Float:
		if f := v.Float(); math.Abs(f) < 1e12 {
			return time.UnixMicro(int64(math.Round(f * 1e6))).UTC(), true
		}
	}
	return time.Time{}, false
}

// remap makes the longer of the two texts the message. The shorter one goes if it says the same, or took the place itself.
func remap(e *event.Event) {
	full, ok := e.Get(fullMessage)
	if ok && !blank(full) {
		_ = e.Set(message, full)
		e.Remove(fullMessage)
		if short, ok := e.Get(shortMessage); ok && short.Equal(full) {
			e.Remove(shortMessage)
		}
		return
	}
	if short, ok := e.Get(shortMessage); ok && !blank(short) {
		_ = e.Set(message, short)
		e.Remove(shortMessage)
	}
}

func blank(v event.Value) bool {
	switch v.Kind() {
	case event.Null:
		return true
	case event.String:
		return v.Str() == ""
	case event.KindList:
		return v.List().Len() == 0
	case event.KindObject:
		return v.Object().Len() == 0
	}
	return false
}

// strip takes the underscore off the names of fields. One that cannot be moved keeps its name.
func strip(e *event.Event) {
	var names []string
	for _, f := range e.Root().Fields() {
		if strings.HasPrefix(f.Key, "_") {
			names = append(names, f.Key)
		}
	}
	for _, name := range names {
		v, ok := e.Root().Get(name)
		if !ok {
			continue
		}
		if err := move(e, name[1:], v); err != nil {
			e.Tag(tagMove)
			continue
		}
		e.Root().Delete(name)
	}
}

func move(e *event.Event, name string, v event.Value) error {
	if name == "" {
		return errors.New("a field has a name")
	}
	return e.SetNamed(name, v)
}

package fluent

import (
	"errors"
	"io"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"

	"millrace/codecs/internal/pack"
	"millrace/internal/charset"
	"millrace/pipeline/event"
)

// maxUnpacked bounds what a compressed string may become: Fluentd's chunks have 8 MiB.
const maxUnpacked = 256 << 20

// eventTime is the extension type of Fluentd's times with nanoseconds.
const eventTime = 0

var (
	errEvent    = errors.New("no event of the forward protocol")
	errTooLarge = errors.New("the compressed entries are too large")
)

type decoder struct {
	o       *Options
	text    *charset.Decoder
	scratch *event.Event // owns what is read beside records: the options of a message
	gzip    *gzip.Reader
	open    *event.Event // of the record that is being read
}

// Decode implements plugin.Decoder. If entries are broken, those before the fault are events all the same. The event of the failure
// holds the message as far as it is MessagePack, else its bytes as text.
func (d *decoder) Decode(r *event.Record, next func() *event.Event) {
	d.scratch.Reset()
	d.open = nil
	if err := d.message(r.Data, next); err != nil {
		e := d.open
		if e == nil {
			e = next()
		}
		e.Root().Clear()
		in := pack.Reader{Data: r.Data}
		v, err := in.Value(e)
		if err != nil || in.Data != "" {
			v = event.StringValue(d.text.Decode(e.Arena, r.Data))
		}
		e.Root().Set("message", v)
		e.Tag(FailureTag)
	}
}

// message reads [tag, time, record, option?], [tag, entries, option?] or [tag, packed entries, option?].
func (d *decoder) message(data string, next func() *event.Event) error {
	in := pack.Reader{Data: data}
	h, err := in.Head()
	if err != nil || h.Class != pack.List || h.N < 2 {
		return errors.Join(err, errEvent)
	}
	tag, err := in.Value(d.scratch)
	if err != nil {
		return err
	}
	body, err := in.Head()
	if err != nil {
		return err
	}
	switch body.Class {
	case pack.List:
		return d.entries(&in, body.N, tag.Text(), next)
	case pack.Text, pack.Bytes:
		packed := in.Take(body.N)
		if h.N > 2 {
			if packed, err = d.unpack(packed, &in); err != nil {
				return err
			}
		}
		return d.entries(&pack.Reader{Data: packed}, -1, tag.Text(), next)
	}
	if h.N < 3 {
		return errEvent
	}
	t, err := d.time(&in, body)
	if err != nil {
		return err
	}
	return d.record(&in, t, tag.Text(), next)
}

// unpack reads the option that follows packed entries and decompresses them if it says so.
func (d *decoder) unpack(packed string, in *pack.Reader) (string, error) {
	option, err := in.Value(d.scratch)
	if err != nil {
		return "", err
	}
	o := option.Object()
	if o == nil {
		return packed, nil
	}
	if v, _ := o.Get("compressed"); v.Str() != "gzip" {
		return packed, nil
	}
	if d.gzip == nil {
		d.gzip = new(gzip.Reader)
	}
	if err := d.gzip.Reset(strings.NewReader(packed)); err != nil {
		return "", err
	}
	var b strings.Builder
	if n, err := io.Copy(&b, io.LimitReader(d.gzip, maxUnpacked+1)); err != nil {
		return "", err
	} else if n > maxUnpacked {
		return "", errTooLarge
	}
	return b.String(), nil
}

// entries reads n pairs of time and record, all there are if n is negative.
func (d *decoder) entries(in *pack.Reader, n int, tag string, next func() *event.Event) error {
	for ; n != 0 && (n > 0 || in.Data != ""); n-- {
		pair, err := in.Head()
		if err != nil || pair.Class != pack.List || pair.N != 2 {
			return errors.Join(err, errEvent)
		}
		h, err := in.Head()
		if err != nil {
			return err
		}
		t, err := d.time(in, h)
		if err != nil {
			return err
		}
		if err := d.record(in, t, tag, next); err != nil {
			return err
		}
	}
	return nil
}

// time reads a time whose head was read.
func (d *decoder) time(in *pack.Reader, h pack.Head) (time.Time, error) {
	if h.Class == pack.Ext && h.Type == eventTime && h.N == 8 {
		s := in.Take(8)
		sec, nsec := be32(s), be32(s[4:])
		if nsec >= 1e9 {
			return time.Time{}, errEvent
		}
		if !d.o.NanosecondPrecision {
			nsec = 0
		}
		return time.Unix(int64(sec), int64(nsec)), nil
	}
	v, err := in.Rest(h, d.scratch)
	if err != nil || v.Kind() != event.Int {
		return time.Time{}, errors.Join(err, errEvent)
	}
	return time.Unix(v.Int(), 0), nil
}

func be32(s string) uint32 {
	return uint32(s[0])<<24 | uint32(s[1])<<16 | uint32(s[2])<<8 | uint32(s[3])
}

// record makes an event of a record.
func (d *decoder) record(in *pack.Reader, t time.Time, tag string, next func() *event.Event) error {
	h, err := in.Head()
	if err != nil || h.Class != pack.Map {
		return errors.Join(err, errEvent)
	}
	e := next()
	d.open = e
	o, err := in.Object(h, e)
	if err != nil {
		return err
	}
	if d.o.Target.IsZero() {
		e.SetRoot(o)
	} else if err := e.Set(&d.o.Target, event.ObjectValue(o)); err != nil {
		return err
	}
	if old, ok := e.Root().Get(event.TagsField); ok && old.Kind() != event.String && old.List() == nil {
		e.Root().Delete(event.TagsField) // a field of that name that holds no tags
		e.Root().Set(event.TagsFailureFld, old)
		e.Tag(event.TagsFailureTag)
	}
	e.SetTimestamp(t)
	e.Tag(tag)
	d.open = nil
	return nil
}

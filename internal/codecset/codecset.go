// Package codecset makes one codec of the several that an input has.
package codecset

import (
	"strings"

	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Set is the codecs of an input that has several: the first byte of a record tells which of them decodes what follows.
type Set []*plugin.Codec

// Max is the most codecs of a Set.
const Max = 255

// Codec returns the codec of such records. done, unless it is nil, is called with each event that was decoded.
func (s Set) Codec(done func(e *event.Event)) *plugin.Codec {
	return &plugin.Codec{NewDecoder: func() plugin.Decoder {
		d := &decoder{done: done, inner: make([]plugin.Decoder, len(s))}
		for i, c := range s {
			d.inner[i] = c.NewDecoder()
		}
		return d
	}}
}

// Mark returns a record's data with the byte that tells its codec, the i-th, before it.
func Mark(i int, data string) string { return string([]byte{byte(i)}) + data }

// decoder gives each record to its codec.
type decoder struct {
	done  func(e *event.Event)
	inner []plugin.Decoder
}

// Decode implements plugin.Decoder.
func (d *decoder) Decode(r *event.Record, next func() *event.Event) {
	if r.Data == "" || int(r.Data[0]) >= len(d.inner) { // kept on disk by an earlier config
		next().Root().Set("message", event.StringValue(strings.ToValidUTF8(r.Data, "\ufffd")))
		return
	}
	body := *r // with what the framer told of it: the names of CSV's columns, a document that was too long
	body.Data = r.Data[1:]
	inner := d.inner[r.Data[0]]
	if d.done == nil {
		inner.Decode(&body, next)
		return
	}
	var e *event.Event
	inner.Decode(&body, func() *event.Event {
		if e != nil {
			d.done(e)
		}
		e = next()
		return e
	})
	if e != nil {
		d.done(e)
	}
}

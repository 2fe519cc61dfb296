// Package cloudtrail reads the files of Amazon CloudTrail: JSON documents with a list of records.
package cloudtrail

import (
	"net/netip"
	"strings"

	"millrace/codecs/internal/document"
	"millrace/internal/charset"
	"millrace/internal/lines"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the codec.
var Plugin = plugin.DefineCodec("cloudtrail", Options{}, New)

// Options configures the codec. The comments below are its documentation.
type Options struct {
	// Character set of the documents.
	Charset charset.Charset `opt:"charset"`
}

// New returns the codec.
func New(o Options, _ *plugin.Env) (*plugin.Codec, error) {
	return &plugin.Codec{
		NewFramer:  func() plugin.Framer { return lines.New("\n", lines.DefaultLimit, "_linetoolong") },
		NewDecoder: func() plugin.Decoder { return &decoder{text: o.Charset.NewDecoder(), document: event.New(nil)} },
	}, nil
}

type decoder struct {
	text     *charset.Decoder
	document *event.Event // owns a document until its records have events of their own
}

// Decode implements plugin.Decoder. A document without records gives no event, one that is no JSON an event with a failure tag.
func (d *decoder) Decode(r *event.Record, next func() *event.Event) {
	if strings.TrimSpace(r.Data) == "" {
		return
	}
	d.document.Reset()
	text := d.text.Decode(d.document.Arena, r.Data)
	v, _, _, err := d.document.ParseJSON(text)
	o := v.Object()
	if err != nil || o == nil {
		document.Fail(next(), text)
		return
	}
	v, _ = o.Get("Records")
	list := v.List()
	for i := range list.Len() {
		item := list.At(i)
		e := next()
		record := e.Own(item).Object()
		if record == nil {
			document.Fail(e, text)
			continue
		}
		e.SetRoot(convert(e, record))
	}
}

// convert makes the fields of an event of those of a record.
func convert(e *event.Event, record *event.Object) *event.Object {
	if when, ok := record.Get("eventTime"); ok {
		record.Delete("eventTime")
		record.Set(event.TimestampField, when)
	}
	if parameters, ok := record.Get("requestParameters"); ok {
		wrap(e, parameters.Object(), "disableApiTermination")
	}
	const address, host = "sourceIpAddress", "sourceHost"
	if source, ok := record.Get(address); ok && source.Kind() == event.String {
		if _, err := netip.ParseAddr(source.Str()); err != nil { // the name of one of Amazon's own services
			record.Delete(address)
			record.Set(host, source)
		}
	}
	return record
}

// wrap puts a value that is sometimes a hash and sometimes not into a hash: Elasticsearch takes one or the other.
func wrap(e *event.Event, o *event.Object, key string) {
	if o == nil {
		return
	}
	v, ok := o.Get(key)
	if !ok || v.Object() != nil {
		return
	}
	wrapped := e.NewObject()
	wrapped.Set("value", v)
	o.Set(key, event.ObjectValue(wrapped))
}

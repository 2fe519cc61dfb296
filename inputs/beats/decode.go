package beats

import (
	"strings"

	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

const rawTag = "beats_input_raw_event"

// failureTag marks an event that is no JSON object.
const failureTag = "_jsonparsefailure"

// Codec returns the codec of the records: documents whose message the codec of the config decodes.
func (in *input) Codec() *plugin.Codec {
	c := in.env.Codec()
	return &plugin.Codec{NewDecoder: func() plugin.Decoder {
		d := &decoder{in: in, codec: c, doc: event.New(nil), applied: "beats_input_codec_" + c.Name + "_applied"}
		if c.Name != "plain" || !c.Bare {
			d.inner = c.NewDecoder()
		}
		return d
	}}
}

// decoder makes an event of a document, or several if the codec makes several of its message.
type decoder struct {
	in      *input
	codec   *plugin.Codec
	inner   plugin.Decoder // nil: plain, which takes the message as it is
	applied string
	doc     *event.Event // to look into documents
}

// Decode implements plugin.Decoder.
func (d *decoder) Decode(r *event.Record, next func() *event.Event) {
	if d.inner == nil {
		d.plain(r, next())
		return
	}
	d.doc.Reset()
	v, _, _, err := d.doc.ParseJSON(r.Data)
	if err != nil || v.Object() == nil {
		d.broken(r, next())
		return
	}
	message, ok := v.Object().Get("message")
	if !ok || message.IsNull() {
		d.plain(r, next())
		return
	}
	records := []event.Record{{Data: message.Text()}}
	if d.codec.NewFramer != nil {
		f := d.codec.NewFramer()
		var rest string
		records, rest = f.Frame(records[0].Data, records[:0])
		records = f.Flush(rest, records)
	}
	var e *event.Event
	for i := range records {
		d.inner.Decode(&records[i], func() *event.Event {
			d.merge(r, e)
			e = next()
			return e
		})
	}
	d.merge(r, e)
}

// plain makes e of a document whose message stays as it is.
func (d *decoder) plain(r *event.Record, e *event.Event) {
	v, _, _, err := e.ParseJSON(r.Data)
	if err != nil || v.Object() == nil {
		d.broken(r, e)
		return
	}
	e.SetRoot(v.Object())
	message, ok := e.Root().Get("message")
	if !ok || message.IsNull() {
		d.finish(e, rawTag)
		return
	}
	if message.Kind() != event.String {
		message = event.StringValue(message.Text())
		e.Root().Set("message", message)
	}
	if _, own := e.Root().Get("event"); !own && d.in.env.ECS.Enabled() {
		_ = e.Set(original, message) // there is no event that could be no object
	}
	d.finish(e, d.applied)
}

// merge adds the other fields of the document to what the codec made of its message.
func (d *decoder) merge(r *event.Record, e *event.Event) {
	if e == nil {
		return
	}
	v, _, _, err := e.ParseJSON(r.Data)
	if err != nil {
		panic("BUG: a document that could be read before: " + err.Error())
	}
	for _, f := range v.Object().Fields() {
		if f.Key != "message" {
			e.Root().Set(f.Key, f.Val)
		}
	}
	d.finish(e, d.applied)
}

func (d *decoder) finish(e *event.Event, tag string) {
	if d.in.o.AddHostname && !e.Has(host) {
		if name, ok := e.Get(beatHostname); ok {
			_ = e.Set(host, name) // there is no host
		}
	}
	if d.in.tag {
		e.Tag(tag)
	}
}

func (d *decoder) broken(r *event.Record, e *event.Event) {
	e.Root().Set("message", event.StringValue(strings.ToValidUTF8(r.Data, "\ufffd")))
	e.Tag(failureTag)
}

var (
	original     = event.MustPath("[event][original]")
	host         = event.MustPath("host")
	beatHostname = event.MustPath("[beat][hostname]")
)

// Package msgpack reads and writes events as MessagePack maps.
package msgpack

import (
	"millrace/codecs/internal/message"
	"millrace/codecs/internal/pack"
	"millrace/internal/charset"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the codec.
var Plugin = plugin.DefineCodec("msgpack", Options{}, New)

// FailureTag marks what is no MessagePack map.
const FailureTag = "_msgpackparsefailure"

// Options configures the codec. The comments below are its documentation.
type Options struct {
	// Text of the field message for events that come in without one, with references to fields.
	Format *event.Template `opt:"format"`

	// Field below which the map's fields are put; the top level of the event if not given.
	Target event.Path `opt:"target"`
}

var messagePath = event.MustPath("message")

// New returns the codec.
func New(o Options, env *plugin.Env) (*plugin.Codec, error) {
	message.WarnFormat(env, o.Format)
	return &plugin.Codec{
		NewFramer: func() plugin.Framer { return new(pack.Framer) },
		NewDecoder: func() plugin.Decoder {
			return &decoder{o: &o, text: charset.Charset{}.NewDecoder()}
		},
		NewEncoder: func() plugin.Encoder { return encoder{} },
	}, nil
}

type decoder struct {
	o    *Options
	text *charset.Decoder
}

// Decode implements plugin.Decoder.
func (d *decoder) Decode(r *event.Record, next func() *event.Event) {
	e := next()
	if !d.decode(r.Data, e) {
		e.Root().Clear()
		e.Root().Set("message", event.StringValue(d.text.Decode(e.Arena, r.Data)))
		e.Tag(FailureTag)
		return
	}
	if d.o.Format == nil {
		return
	}
	if v, ok := e.Get(messagePath); !ok || v.IsNull() {
		if text, err := d.o.Format.Text(e); err == nil {
			e.Root().Set("message", event.StringValue(text))
		}
	}
}

func (d *decoder) decode(data string, e *event.Event) bool {
	in := pack.Reader{Data: data}
	v, err := in.Value(e)
	o := v.Object()
	if err != nil || o == nil || in.Data != "" {
		return false
	}
	if d.o.Target.IsZero() {
		e.SetRoot(o)
		return true
	}
	return e.Set(&d.o.Target, event.ObjectValue(o)) == nil
}

type encoder struct{}

// AppendEncode implements plugin.Encoder.
func (encoder) AppendEncode(dst []byte, e *event.Event) ([]byte, error) {
	return pack.AppendObject(dst, e.Root()), nil
}

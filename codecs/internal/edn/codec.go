package edn

import (
	"strings"

	"millrace/internal/charset"
	"millrace/pipeline/event"
)

// FailureTag marks a text that is no EDN map. Logstash gives such events no tag.
const FailureTag = "_ednparsefailure"

// Decoder makes an event of a map. It implements plugin.Decoder.
type Decoder struct {
	text   *charset.Decoder
	target *event.Path
}

// NewDecoder returns a Decoder that puts the map's fields below target, or at the top level if target is zero.
func NewDecoder(target event.Path) *Decoder {
	d := &Decoder{text: charset.Charset{}.NewDecoder()}
	if !target.IsZero() {
		d.target = &target
	}
	return d
}

// Decode implements plugin.Decoder.
func (d *Decoder) Decode(r *event.Record, next func() *event.Event) {
	if strings.Trim(r.Data, blanks) == "" {
		return
	}
	e := next()
	text := d.text.Decode(e.Arena, r.Data)
	v, err := Read(e, text)
	o := v.Object()
	switch {
	case err != nil || o == nil:
	case d.target == nil:
		e.SetRoot(o)
		return
	case e.Set(d.target, event.ObjectValue(o)) == nil:
		return
	}
	e.Root().Clear()
	e.Root().Set("message", event.StringValue(text))
	e.Tag(FailureTag)
}

// Encoder writes events as maps, each ended by End. It implements plugin.Encoder.
type Encoder struct{ End string }

// AppendEncode implements plugin.Encoder.
func (c Encoder) AppendEncode(dst []byte, e *event.Event) ([]byte, error) {
	return append(AppendObject(dst, e.Root()), c.End...), nil
}

// Package document makes events of JSON documents, for the codecs json and json_lines.
package document

import (
	"millrace/codecs/internal/message"
	"millrace/internal/charset"
	"millrace/pipeline/event"
)

// FailureTag marks a record that is no JSON object and no array of them.
const FailureTag = "_jsonparsefailure"

// Decoder makes an event of an object and one of each element of an array. It implements plugin.Decoder.
type Decoder struct {
	text   *charset.Decoder
	target *event.Path

	// Original keeps the text of a single object in [event][original].
	Original bool

	list *event.Event // owns arrays until their elements have events of their own
}

// NewDecoder returns a Decoder that puts the document's fields below target, or at the top level if target is zero.
func NewDecoder(c charset.Charset, target event.Path) *Decoder {
	d := &Decoder{text: c.NewDecoder()}
	if !target.IsZero() {
		d.target = &target
	}
	return d
}

// Decode implements plugin.Decoder. What follows the first value of a record is ignored, as in Logstash; white space alone is no
// event.
func (d *Decoder) Decode(r *event.Record, next func() *event.Event) {
	i := 0
	for i < len(r.Data) && r.Data[i] <= ' ' {
		i++
	}
	if i == len(r.Data) {
		return
	}
	if r.Data[i] == '[' {
		d.decodeList(r, next)
		return
	}
	e := next()
	text := d.text.Decode(e.Arena, r.Data)
	v, _, _, err := e.ParseJSON(text)
	if o := v.Object(); err != nil || o == nil || !d.set(e, o) {
		Fail(e, text)
		return
	}
	d.keepOriginal(e, text)
}

// decodeList makes events of the elements of an array: of all, or of none if one is no object.
func (d *Decoder) decodeList(r *event.Record, next func() *event.Event) {
	if d.list == nil {
		d.list = event.New(nil)
	}
	d.list.Reset()
	text := d.text.Decode(d.list.Arena, r.Data)
	v, _, _, err := d.list.ParseJSON(text)
	items := v.List()
	for i := 0; i < items.Len() && err == nil; i++ {
		if items.At(i).Object() == nil {
			items, v = nil, event.Value{}
		}
	}
	if err != nil || v.IsNull() {
		Fail(next(), text)
		return
	}
	for _, item := range items.Items() {
		e := next()
		if !d.set(e, e.Own(item).Object()) {
			Fail(e, text)
			continue
		}
		if items.Len() == 1 {
			d.keepOriginal(e, text)
		}
	}
}

func (d *Decoder) set(e *event.Event, o *event.Object) bool {
	if d.target == nil {
		e.SetRoot(o)
		return true
	}
	return e.Set(d.target, event.ObjectValue(o)) == nil
}

func (d *Decoder) keepOriginal(e *event.Event, text string) {
	if d.Original && !message.HasOriginal(e) {
		message.SetOriginal(e, text)
	}
}

// Fail makes e the event of a text that could not be decoded.
func Fail(e *event.Event, text string) {
	e.Root().Clear()
	e.Root().Set("message", event.StringValue(text))
	e.Tag(FailureTag)
}

package elasticsearch

import (
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// failureTag marks the event of a document that could not be made one.
const failureTag = "_elasticsearch_input_failure"

var original = event.MustPath("[event][original]")

// Codec returns the codec of the records, which are documents as a search brings them. The option codec has no effect.
func (in *input) Codec() *plugin.Codec {
	return &plugin.Codec{NewDecoder: func() plugin.Decoder { return decoder{in} }}
}

type decoder struct{ in *input }

// Decode implements plugin.Decoder.
func (d decoder) Decode(r *event.Record, next func() *event.Event) {
	e := next()
	if d.in.fill(e, r.Data) {
		return
	}
	e.Root().Clear()
	_ = e.Set(original, event.StringValue(r.Data)) // an empty event takes it
	e.Tag(failureTag)
}

// fill makes e of a document. It reports whether that was possible.
func (in *input) fill(e *event.Event, hit string) bool {
	v, _, _, err := e.ParseJSON(hit)
	o := v.Object()
	if err != nil || o == nil {
		return false
	}
	source, _ := o.Get("_source")
	switch fields := source.Object(); {
	case fields == nil && !source.IsNull():
		return false
	case fields == nil:
	case in.o.Target.IsZero():
		e.SetRoot(fields)
	case e.Set(&in.o.Target, source) != nil:
		return false
	}
	if !in.o.Docinfo {
		return true
	}
	if have, ok := e.Get(&in.docinfo); ok && have.Object() == nil && !have.IsNull() {
		return false
	}
	for i := range in.facts {
		fact, _ := o.Get(in.o.DocinfoFields[i]) // null if there is none, as in Logstash
		if e.Set(&in.facts[i], fact) != nil {
			return false
		}
	}
	return true
}

// Package esbulk reads the bodies of Elasticsearch's bulk requests: an action, and the document it is about.
package esbulk

import (
	"strings"

	"millrace/codecs/internal/document"
	"millrace/internal/lines"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the codec.
var Plugin = plugin.DefineCodec("es_bulk", Options{}, New)

// Options configures the codec. The comments below are its documentation.
type Options struct {
	// Field below which the document's fields are put; the top level of the event if not given. What the action says is always in
	// [@metadata], in ECS mode in [@metadata][codec][es_bulk].
	Target event.Path `opt:"target"`
}

// New returns the codec.
func New(o Options, env *plugin.Env) (*plugin.Codec, error) {
	var d decoder
	if env.ECS.Enabled() {
		d.meta = event.MustPath("[@metadata][codec][es_bulk]")
	}
	if !o.Target.IsZero() {
		d.target = &o.Target
	}
	return &plugin.Codec{
		NewFramer:  func() plugin.Framer { return &framer{} },
		NewDecoder: func() plugin.Decoder { c := d; return &c },
	}, nil
}

// framer cuts a stream into actions with their documents, so that both parts reach the same decoder.
type framer struct {
	next, searched int // where in the rest the line begins that is looked at, and up to where it was searched for its end
	waiting        bool
}

// Frame implements plugin.Framer.
func (f *framer) Frame(data string, records []event.Record) ([]event.Record, string) {
	start, pos, from := 0, f.next, f.searched
	for {
		i := strings.IndexByte(data[from:], '\n')
		if i < 0 {
			break
		}
		line, end := data[pos:from+i], from+i+1
		pos, from = end, end
		switch {
		case !f.waiting && strings.TrimSpace(line) == "":
			start = end
		case !f.waiting && action(line) != "delete":
			f.waiting = true
		default:
			records = append(records, event.Record{Data: data[start : end-1]})
			start, f.waiting = end, false
		}
	}
	if len(data)-start > lines.DefaultLimit {
		records = append(records, event.Record{Data: data[start:]})
		start, pos, f.waiting = len(data), len(data), false
	}
	rest := data[start:]
	f.next, f.searched = pos-start, len(rest)
	return records, rest
}

// Flush implements plugin.Framer.
func (f *framer) Flush(rest string, records []event.Record) []event.Record {
	*f = framer{}
	if strings.TrimSpace(rest) == "" {
		return records
	}
	return append(records, event.Record{Data: rest})
}

// action returns the first key of a JSON object, as it is written.
func action(line string) string {
	_, line, _ = strings.Cut(line, `"`)
	name, _, _ := strings.Cut(line, `"`)
	return name
}

type decoder struct {
	meta   *event.Path // nil is @metadata itself
	target *event.Path
}

// Decode implements plugin.Decoder. A line that is no JSON object becomes an event with a failure tag; Logstash loses it.
func (d *decoder) Decode(r *event.Record, next func() *event.Event) {
	data := r.Data
	for data != "" {
		var line string
		line, data, _ = strings.Cut(data, "\n")
		if strings.TrimSpace(line) == "" {
			continue
		}
		e := next()
		meta, ok := readAction(e, line)
		if !ok {
			document.Fail(e, line)
			continue
		}
		if name, _ := meta.Get("action"); name.Str() != "delete" && data != "" {
			line, data, _ = strings.Cut(data, "\n")
			v, _, _, err := e.ParseJSON(line)
			if o := v.Object(); err != nil || o == nil || !d.set(e, o) {
				document.Fail(e, line)
			}
		}
		d.setMeta(e, meta)
	}
}

// setMeta keeps what the action says.
func (d *decoder) setMeta(e *event.Event, meta *event.Object) {
	if d.meta != nil {
		_ = e.Set(d.meta, event.ObjectValue(meta)) // @metadata is empty yet, so nothing stands in the way
		return
	}
	o := e.Metadata()
	for _, f := range meta.Fields() {
		o.Set(f.Key, f.Val)
	}
}

func (d *decoder) set(e *event.Event, o *event.Object) bool {
	if d.target == nil {
		e.SetRoot(o)
		return true
	}
	return e.Set(d.target, event.ObjectValue(o)) == nil
}

// readAction returns what an action line says, with its name as the last field.
func readAction(e *event.Event, line string) (*event.Object, bool) {
	v, _, _, err := e.ParseJSON(line)
	o := v.Object()
	if err != nil || o.Len() == 0 {
		return nil, false
	}
	meta := o.At(0).Val.Object()
	if meta == nil {
		return nil, false
	}
	meta.Set("action", event.StringValue(o.At(0).Key))
	return meta, true
}

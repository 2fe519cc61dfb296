// Package message holds what the codecs for plain text have in common: a record that becomes the field message, and an event that
// becomes a line by a format.
package message

import (
	"millrace/internal/charset"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// messagePath is where the text of a record is, originalPath where ECS keeps it as it came.
var messagePath, originalPath = event.MustPath("message"), event.MustPath("[event][original]")

// SetOriginal keeps text in [event][original].
func SetOriginal(e *event.Event, text string) {
	_ = e.Set(originalPath, event.StringValue(text)) // fails only where the event brought an "event" that is no object
}

// HasOriginal reports whether the event brought its original text itself.
func HasOriginal(e *event.Event) bool { return e.Has(originalPath) }

// Decoder makes one event of each record, with its text in message. It implements plugin.Decoder.
type Decoder struct {
	text     *charset.Decoder
	original bool
}

// NewDecoder returns a Decoder; in ECS mode it keeps the text in [event][original] too.
func NewDecoder(c charset.Charset, mode plugin.ECS) *Decoder {
	return &Decoder{text: c.NewDecoder(), original: mode.Enabled()}
}

// Decode implements plugin.Decoder.
func (d *Decoder) Decode(r *event.Record, next func() *event.Event) {
	e := next()
	text := d.text.Decode(e.Arena, r.Data)
	_ = e.Set(messagePath, event.StringValue(text)) // an empty event takes everything
	if d.original {
		SetOriginal(e, text)
	}
}

// Encoder writes events by a format and ends each with a delimiter. It implements plugin.Encoder.
type Encoder struct {
	format    *event.Template
	delimiter string
}

// NewEncoder returns an Encoder. A nil format gives Logstash's text of an event: timestamp, host and message.
func NewEncoder(format *event.Template, delimiter string) *Encoder {
	return &Encoder{format: format, delimiter: delimiter}
}

// WarnFormat warns of a format that no event can be written by.
func WarnFormat(env *plugin.Env, format *event.Template) {
	if format != nil && format.Err() != nil {
		env.Warn("format", "option \"format\" will fail for every event: %v", format.Err())
	}
}

// WarnCharset warns of a character set that Logstash's codec writes, too.
func WarnCharset(env *plugin.Env, c charset.Charset) {
	if name := c.String(); name != "UTF-8" {
		env.Warn("charset", "option \"charset\" is that of text that comes in; text that goes out is UTF-8, not %s", name)
	}
}

// AppendEncode implements plugin.Encoder.
func (c *Encoder) AppendEncode(dst []byte, e *event.Event) ([]byte, error) {
	if c.format == nil {
		return append(appendDefault(dst, e), c.delimiter...), nil
	}
	dst, err := c.format.Append(dst, e)
	if err != nil {
		return dst, err
	}
	return append(dst, c.delimiter...), nil
}

// appendDefault writes what Event.toString of Logstash does. A hash prints as Java prints it, {name=web01}, not as in a format.
func appendDefault(dst []byte, e *event.Event) []byte {
	if t, ok := e.Timestamp(); ok {
		dst = event.AppendTime(dst, t)
	} else {
		dst = append(dst, "%{@timestamp}"...)
	}
	for _, name := range [...]string{"host", "message"} {
		dst = append(dst, ' ')
		v, ok := e.Root().Get(name)
		if !ok || v.IsNull() {
			dst = append(append(append(dst, "%{"...), name...), '}')
			continue
		}
		dst = AppendJava(dst, v)
	}
	return dst
}

// AppendJava appends v as Java's toString writes it: {k=v, l=[a, null]}.
func AppendJava(dst []byte, v event.Value) []byte {
	switch v.Kind() {
	case event.Null:
		return append(dst, "null"...)
	case event.KindObject:
		dst = append(dst, '{')
		for i, f := range v.Object().Fields() {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = AppendJava(append(append(dst, f.Key...), '='), f.Val)
		}
		return append(dst, '}')
	case event.KindList:
		dst = append(dst, '[')
		for i, item := range v.List().Items() {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = AppendJava(dst, item)
		}
		return append(dst, ']')
	}
	return v.AppendText(dst)
}

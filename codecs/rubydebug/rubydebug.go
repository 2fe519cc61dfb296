// Package rubydebug writes events for a person to read, as Logstash's codec of that name does with the gem awesome_print.
package rubydebug

import (
	"strconv"
	"unicode/utf8"

	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the codec.
var Plugin = plugin.DefineCodec("rubydebug", Options{}, New, plugin.Borrowing())

// Options configures the codec. The comments below are its documentation.
type Options struct {
	// Whether [@metadata] is written too.
	Metadata bool `opt:"metadata"`
}

// New returns the codec.
func New(o Options, _ *plugin.Env) (*plugin.Codec, error) {
	return &plugin.Codec{NewEncoder: func() plugin.Encoder { return &encoder{metadata: o.Metadata} }}, nil
}

type encoder struct {
	metadata bool
	key      []byte // scratch for one key
}

// AppendEncode implements plugin.Encoder.
func (c *encoder) AppendEncode(dst []byte, e *event.Event) ([]byte, error) {
	var meta *event.Object
	if c.metadata {
		meta = e.Metadata()
	}
	return append(c.appendHash(dst, e.Root(), meta, indent), '\n'), nil
}

// indent is the width of one level.
const indent = 4

// appendHash writes o, and meta as its last field if it is not empty, with keys aligned to the right of the longest.
func (c *encoder) appendHash(dst []byte, o, meta *event.Object, depth int) []byte {
	if o.Len() == 0 && meta.Len() == 0 {
		return append(dst, "{}"...)
	}
	width := 0
	for _, f := range o.Fields() {
		width = max(width, c.keyWidth(f.Key))
	}
	if meta.Len() > 0 {
		width = max(width, c.keyWidth(event.MetadataField))
	}
	dst = append(dst, "{\n"...)
	for i, f := range o.Fields() {
		if i > 0 {
			dst = append(dst, ",\n"...)
		}
		dst = c.appendField(dst, f.Key, f.Val, depth, width)
	}
	if meta.Len() > 0 {
		if o.Len() > 0 {
			dst = append(dst, ",\n"...)
		}
		dst = c.appendField(dst, event.MetadataField, event.ObjectValue(meta), depth, width)
	}
	return append(appendBlanks(append(dst, '\n'), depth-indent), '}')
}

func (c *encoder) appendField(dst []byte, key string, v event.Value, depth, width int) []byte {
	dst = appendBlanks(dst, depth+width-c.keyWidth(key))
	dst = append(append(dst, c.key...), " => "...)
	return c.appendValue(dst, v, depth)
}

// keyWidth leaves the key as it is written in c.key, and returns its length in characters.
func (c *encoder) keyWidth(key string) int {
	c.key = event.AppendInspectString(c.key[:0], key)
	return utf8.RuneCount(c.key)
}

func (c *encoder) appendValue(dst []byte, v event.Value, depth int) []byte {
	switch v.Kind() {
	case event.KindObject:
		return c.appendHash(dst, v.Object(), nil, depth+indent)
	case event.KindList:
		return c.appendArray(dst, v.List(), depth+indent)
	}
	return v.AppendInspect(dst)
}

func (c *encoder) appendArray(dst []byte, l *event.List, depth int) []byte {
	if l.Len() == 0 {
		return append(dst, "[]"...)
	}
	width := len(strconv.Itoa(l.Len() - 1))
	dst = append(dst, '[')
	for i, item := range l.Items() {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendBlanks(append(dst, '\n'), depth), '[')
		n := len(dst)
		dst = strconv.AppendInt(dst, int64(i), 10)
		if digits := len(dst) - n; digits < width {
			dst = strconv.AppendInt(appendBlanks(dst[:n], width-digits), int64(i), 10)
		}
		dst = c.appendValue(append(dst, "] "...), item, depth)
	}
	return append(appendBlanks(append(dst, '\n'), depth-indent), ']')
}

func appendBlanks(dst []byte, n int) []byte {
	const blanks = "                                "
	for ; n > len(blanks); n -= len(blanks) {
		dst = append(dst, blanks...)
	}
	return append(dst, blanks[:max(n, 0)]...)
}

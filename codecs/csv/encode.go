package csv

import (
	"strings"
	"sync/atomic"
	"unsafe"

	"millrace/pipeline/event"
)

type encoder struct {
	o       *Options
	paths   []event.Path
	written *atomic.Bool // the names of the columns, by whichever worker came first
	text    []byte       // scratch for one value
}

// AppendEncode implements plugin.Encoder.
func (c *encoder) AppendEncode(dst []byte, e *event.Event) ([]byte, error) {
	if c.o.IncludeHeaders && !c.written.Swap(true) {
		dst = c.appendHeader(dst, e)
	}
	if len(c.paths) == 0 {
		for i, f := range e.Root().Fields() {
			dst = c.appendValue(dst, i, f.Val)
		}
		return append(dst, '\n'), nil
	}
	for i := range c.paths {
		v, _ := e.Get(&c.paths[i])
		dst = c.appendValue(dst, i, v)
	}
	return append(dst, '\n'), nil
}

func (c *encoder) appendHeader(dst []byte, e *event.Event) []byte {
	if len(c.o.Columns) == 0 {
		for i, f := range e.Root().Fields() {
			dst = c.appendValue(dst, i, event.StringValue(f.Key))
		}
		return append(dst, '\n')
	}
	for i, name := range c.o.Columns {
		dst = c.appendValue(dst, i, event.StringValue(name))
	}
	return append(dst, '\n')
}

// appendValue writes one value as Ruby's CSV does: null as nothing, the empty string as two quotes, lists and hashes as Ruby text.
func (c *encoder) appendValue(dst []byte, i int, v event.Value) []byte {
	if i > 0 {
		dst = append(dst, c.o.Separator...)
	}
	if v.IsNull() {
		return dst
	}
	c.text = v.AppendRubyText(c.text[:0])
	text := unsafe.String(unsafe.SliceData(c.text), len(c.text)) // read before the next value is written
	quote := c.o.QuoteChar
	if text != "" && !strings.Contains(text, c.o.Separator) && !strings.Contains(text, quote) && !strings.ContainsAny(text, "\r\n") {
		return append(dst, text...)
	}
	dst = append(dst, quote...)
	for {
		before, after, more := strings.Cut(text, quote)
		dst = append(dst, before...)
		if !more {
			return append(dst, quote...)
		}
		dst = append(append(dst, quote...), quote...)
		text = after
	}
}

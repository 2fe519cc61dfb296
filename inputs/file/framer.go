package file

import (
	"time"

	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// counting notes how much of the text is not part of a record yet: that part has to be read again after a restart.
type counting struct {
	plugin.Framer
	rest int
}

// Frame implements plugin.Framer.
func (c *counting) Frame(data string, records []event.Record) ([]event.Record, string) {
	records, rest := c.Framer.Frame(data, records)
	c.rest = len(rest)
	return records, rest
}

// FrameSpans implements plugin.SpanFramer, for framers that are one.
func (c *counting) FrameSpans(data string, spans []event.Span) (_ []event.Span, rest string, ok bool) {
	f, ok := c.Framer.(plugin.SpanFramer)
	if !ok {
		return spans, data, false
	}
	if spans, rest, ok = f.FrameSpans(data, spans); ok {
		c.rest = len(rest)
	}
	return spans, rest, ok
}

// Flush implements plugin.Framer.
func (c *counting) Flush(rest string, records []event.Record) []event.Record {
	c.rest = 0
	return c.Framer.Flush(rest, records)
}

// IdleAfter implements plugin.IdleFramer.
func (c *counting) IdleAfter() time.Duration {
	if f, ok := c.Framer.(plugin.IdleFramer); ok {
		return f.IdleAfter()
	}
	return 0
}

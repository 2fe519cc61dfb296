package file

import (
	"strings"
	"time"

	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// delimited cuts text at a delimiter. It remembers how far it has searched.
type delimited struct {
	delimiter string
	searched  int // where in the rest a delimiter may begin
}

// Frame implements plugin.Framer.
func (d *delimited) Frame(data string, records []event.Record) ([]event.Record, string) {
	start, from := 0, d.searched
	for {
		i := strings.Index(data[from:], d.delimiter)
		if i < 0 {
			break
		}
		records = append(records, event.Record{Data: data[start : from+i]})
		start = from + i + len(d.delimiter)
		from = start
	}
	rest := data[start:]
	d.searched = max(0, len(rest)-len(d.delimiter)+1)
	return records, rest
}

// Flush implements plugin.Framer.
func (d *delimited) Flush(rest string, records []event.Record) []event.Record {
	d.searched = 0
	if rest == "" {
		return records
	}
	return append(records, event.Record{Data: rest})
}

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

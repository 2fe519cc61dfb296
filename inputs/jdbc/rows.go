package jdbc

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"millrace/internal/charset"
	"millrace/internal/jdbc"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// columns is what is known of the columns of a query.
type columns struct {
	names    []string
	charsets []*charset.Decoder // nil: none is named for the column
	tracked  int                // tracking_column, -1 if there is none
	row      event.Object
}

func (in *input) columns(names []string) *columns {
	c := &columns{names: names, charsets: make([]*charset.Decoder, len(names)), tracked: -1}
	for i, name := range names {
		if in.o.LowercaseColumns {
			name = strings.ToLower(name)
			names[i] = name
		}
		if in.o.UseColumnValue && name == in.o.TrackingColumn {
			c.tracked = i
		}
		if cs, ok := in.o.ColumnsCharset.Get(name); ok {
			c.charsets[i] = cs.NewDecoder()
		} else if in.o.Charset != nil {
			c.charsets[i] = in.o.Charset.NewDecoder()
		}
	}
	return c
}

// The most that one batch holds.
const (
	batchRecords = 1000
	batchBytes   = 1 << 20
)

// row adds the row to the batch, which is pushed when it is full.
func (r *reading) row(ctx context.Context, rows *jdbc.Rows, c *columns) error {
	c.row.Clear()
	for i, name := range c.names {
		v := rows.Value(i)
		if c.charsets[i] != nil {
			if s, ok := rows.Bytes(i); ok {
				v = event.StringValue(string(c.charsets[i].Append(nil, s)))
			}
		}
		c.row.Set(name, v)
	}
	if c.tracked >= 0 {
		r.track(rows.Value(c.tracked))
	}
	r.buf = c.row.AppendBinary(r.buf)
	if r.ends = append(r.ends, len(r.buf)); len(r.ends) == batchRecords || len(r.buf) >= batchBytes {
		return r.flush(ctx)
	}
	return nil
}

// track keeps the value of the tracking column. A null is no value.
func (r *reading) track(v event.Value) {
	t := *r.in.last
	if t.take(v) {
		r.next = t.value
		return
	}
	if !v.IsNull() && !r.warned {
		r.warned = true
		r.in.env.Log.Warn("the value of tracking_column is not of the type that tracking_column_type says, so that it is not kept",
			slog.String("tracking_column", r.in.o.TrackingColumn), slog.String("value", v.Text()), slog.String("tracking_column_type", r.in.o.TrackingColumnType))
	}
}

// flush pushes the batch.
func (r *reading) flush(ctx context.Context) error {
	if len(r.ends) == 0 {
		return nil
	}
	b := &event.Batch{Source: r.source, Time: time.Now(), Bytes: len(r.buf), Records: make([]event.Record, len(r.ends)), Done: func(*event.Batch) { r.sent.Done() }}
	text, start := string(r.buf), 0
	for i, end := range r.ends {
		b.Records[i].Data = text[start:end]
		start = end
	}
	r.buf, r.ends = r.buf[:0], r.ends[:0]
	r.sent.Add(1)
	if err := r.out.Push(ctx, b); err != nil {
		r.sent.Done()
		return plugin.FromSink(err)
	}
	return nil
}

// Codec returns the codec of the records, which are rows. The option codec has no effect, as in Logstash.
func (in *input) Codec() *plugin.Codec {
	return &plugin.Codec{NewDecoder: func() plugin.Decoder { return decoder{in} }}
}

type decoder struct{ in *input }

// Decode implements plugin.Decoder.
func (d decoder) Decode(r *event.Record, next func() *event.Event) {
	e := next()
	o := e.NewObject()
	reader := event.NewBinaryReader(r.Data, e)
	reader.Into(o)
	if target := &d.in.o.Target; target.IsZero() {
		e.SetRoot(o)
	} else {
		_ = e.Set(target, event.ObjectValue(o)) // nothing is in its way
	}
}

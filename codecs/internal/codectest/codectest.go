// Package codectest runs a codec in a test as a pipeline would.
package codectest

import (
	"strings"
	"testing"
	"time"

	"millrace/internal/logging"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Now is the @timestamp of events that bring none; documents of Decode leave it out.
var Now = time.Date(2024, 1, 2, 3, 4, 5, 678e6, time.UTC)

// Env returns surroundings in an ECS mode.
func Env(mode plugin.ECS) *plugin.Env { return &plugin.Env{ECS: mode, Log: logging.Discard()} }

// Records cuts data, which comes in pieces of n bytes, and flushes.
func Records(c *plugin.Codec, data string, n int) []event.Record {
	if c.NewFramer == nil {
		return []event.Record{{Data: data}}
	}
	var records []event.Record
	f, rest := c.NewFramer(), ""
	for len(data) > 0 {
		k := min(max(n, 1), len(data))
		records, rest = f.Frame(rest+data[:k], records)
		data = data[k:]
	}
	return f.Flush(rest, records)
}

// Decode returns the events of data, which comes in one piece, as JSON without @version and an @timestamp of Now, metadata included.
func Decode(c *plugin.Codec, data string) []string { return Documents(c, Records(c, data, len(data))) }

// Documents returns the events of records.
func Documents(c *plugin.Codec, records []event.Record) []string {
	var docs []string
	d := c.NewDecoder()
	var e *event.Event
	var r *event.Record
	finish := func() {
		if e != nil {
			docs = append(docs, document(e, r))
		}
		e = nil
	}
	for i := range records {
		r = &records[i]
		d.Decode(r, func() *event.Event {
			finish()
			e = event.New(nil)
			return e
		})
		finish()
	}
	return docs
}

func document(e *event.Event, r *event.Record) string {
	e.Create(Now)
	_ = new(event.Source).Decorate(e, r)
	if t, ok := e.Timestamp(); ok && t.Equal(Now) {
		e.Root().Delete(event.TimestampField)
	}
	e.Root().Delete(event.VersionField)
	if e.Metadata().Len() > 0 {
		e.Root().Set(event.MetadataField, event.ObjectValue(e.Metadata()))
	}
	return string(e.AppendJSON(nil))
}

// Encode returns what the codec makes of documents, each with @timestamp 2024-05-17T08:30:15.123Z unless it has one.
func Encode(t testing.TB, c *plugin.Codec, docs ...string) string {
	t.Helper()
	var out []byte
	enc := c.NewEncoder()
	for _, doc := range docs {
		e := Event(t, doc)
		var err error
		if out, err = enc.AppendEncode(out, e); err != nil {
			t.Fatalf("encoding %s: %v", doc, err)
		}
	}
	return string(out)
}

// Event returns the event that a document describes.
func Event(t testing.TB, doc string) *event.Event {
	t.Helper()
	e := event.New(nil)
	v, _, _, err := e.ParseJSON(doc)
	if err != nil || v.Object() == nil {
		t.Fatalf("no JSON object: %s: %v", doc, err)
	}
	e.SetRoot(v.Object())
	e.Create(time.Date(2024, 5, 17, 8, 30, 15, 123e6, time.UTC))
	return e
}

// Joined is Decode with the documents joined by newlines.
func Joined(c *plugin.Codec, data string) string { return strings.Join(Decode(c, data), "\n") }

// BenchmarkDecode measures the decoding of one record into reused events, as a worker does it.
func BenchmarkDecode(b *testing.B, c *plugin.Codec, record string) {
	d := c.NewDecoder()
	e := event.New(nil)
	next := func() *event.Event {
		e.Reset()
		return e
	}
	r := &event.Record{Data: record}
	d.Decode(r, next)
	b.ReportAllocs()
	b.SetBytes(int64(len(record)))
	for b.Loop() {
		d.Decode(r, next)
	}
}

// BenchmarkEncode measures the encoding of one event.
func BenchmarkEncode(b *testing.B, c *plugin.Codec, doc string) {
	enc, e := c.NewEncoder(), Event(b, doc)
	buf := make([]byte, 0, 64<<10)
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if buf, err = enc.AppendEncode(buf[:0], e); err != nil {
			b.Fatal(err)
		}
	}
}

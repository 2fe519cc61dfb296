package kafkagroup

import (
	"github.com/twmb/franz-go/pkg/kgo"

	"millrace/pipeline/event"
)

// BatchBytes bounds a batch, so that the pipeline's bound on bytes in flight is met closely.
const BatchBytes = 1 << 20

// recordOverhead is what a record costs besides its bytes.
const recordOverhead = 64

// Batch makes a batch of as many of the records as fit, one at least, and returns how many. Nothing is copied: the client made the memory
// of the records for this fetch and does not touch it again.
func (r *Reader) Batch(s *event.Source, records []*kgo.Record) (b *event.Batch, n int) {
	size := 0
	for n < len(records) && (n == 0 || size < BatchBytes) {
		size += len(records[n].Value) + recordOverhead
		n++
	}
	b = &event.Batch{Source: s, Bytes: size, Records: make([]event.Record, n)}
	var facts []event.Field // one piece of memory for all records
	if r.Facts > 0 {
		facts = make([]event.Field, 0, r.Facts*n)
	}
	for i, kr := range records[:n] {
		from := len(facts)
		facts = r.Record(kr, &b.Records[i], facts)
		if len(facts) > from {
			b.Records[i].Meta = facts[from:len(facts):len(facts)]
		}
	}
	if r.Codec.NewFramer != nil {
		whole := b.Records
		b.Records = make([]event.Record, 0, n)
		for _, w := range whole {
			b.Records = r.cut(b.Records, w)
		}
	}
	if r.Mark != nil {
		for i := range b.Records {
			b.Records[i].Data = r.Mark(b.Records[i].Data)
		}
	}
	return b, n
}

// cut appends the parts that the codec finds in a record.
func (r *Reader) cut(records []event.Record, whole event.Record) []event.Record {
	from := len(records)
	f := r.Codec.NewFramer()
	records, rest := f.Frame(whole.Data, records)
	records = f.Flush(rest, records)
	for i := from; i < len(records); i++ {
		records[i].Meta = append(records[i].Meta[:len(records[i].Meta):len(records[i].Meta)], whole.Meta...)
		if whole.Tag != "" {
			records[i].Tag = whole.Tag
		}
	}
	return records
}

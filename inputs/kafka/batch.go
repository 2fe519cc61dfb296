package kafka

import (
	"log/slog"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"millrace/pipeline/event"
)

// batchBytes bounds a batch, so that the pipeline's bound on bytes in flight is met closely.
const batchBytes = 1 << 20

// recordOverhead is what a record costs besides its bytes.
const recordOverhead = 64

// failureTag marks an event whose value its deserializer could not read.
const failureTag = "_kafkadeserializefailure"

const metadata = "[@metadata][kafka]"

var (
	topicPath     = event.MustPath(metadata + "[topic]")
	groupPath     = event.MustPath(metadata + "[consumer_group]")
	partitionPath = event.MustPath(metadata + "[partition]")
)

// source returns what the records of a partition have in common.
func (in *input) source(p topicPartition) *event.Source {
	if !in.basic {
		return in.env.NewSource()
	}
	return in.env.NewSource(
		event.SourceField{Path: topicPath, Value: event.StringValue(p.topic)},
		event.SourceField{Path: groupPath, Value: event.StringValue(in.o.GroupID)},
		event.SourceField{Path: partitionPath, Value: event.IntValue(int64(p.id))})
}

// batch makes a batch of as many of the records as fit, one at least, and returns how many. Nothing is copied: the client made the memory
// of the records for this fetch and does not touch it again.
func (in *input) batch(s *event.Source, records []*kgo.Record) (b *event.Batch, n int) {
	size := 0
	for n < len(records) && (n == 0 || size < batchBytes) {
		size += len(records[n].Value) + recordOverhead
		n++
	}
	b = &event.Batch{Source: s, Bytes: size, Records: make([]event.Record, 0, n)}
	var facts []event.Field // one piece of memory for all records
	if in.basic {
		facts = make([]event.Field, 0, 3*n)
	}
	cut := in.env.Codec().NewFramer
	for _, r := range records[:n] {
		data, err := in.value(r.Value)
		record := event.Record{Data: data}
		if err != nil {
			in.undecodable(r, err)
			record.Data, record.Tag = strings.ToValidUTF8(string(r.Value), "\ufffd"), failureTag
		}
		if in.basic {
			from := len(facts)
			facts = in.facts(facts, r)
			record.Meta = facts[from:len(facts):len(facts)]
		}
		if cut == nil {
			b.Records = append(b.Records, record)
			continue
		}
		b.Records = in.cut(b.Records, record)
	}
	return b, n
}

// cut appends the parts that the codec finds in a record.
func (in *input) cut(records []event.Record, r event.Record) []event.Record {
	from := len(records)
	f := in.env.NewFramer()
	records, rest := f.Frame(r.Data, records)
	records = f.Flush(rest, records)
	for i := from; i < len(records); i++ {
		records[i].Meta = append(records[i].Meta[:len(records[i].Meta):len(records[i].Meta)], r.Meta...)
		if r.Tag != "" {
			records[i].Tag = r.Tag
		}
	}
	return records
}

// facts appends what is known of a record alone.
func (in *input) facts(facts []event.Field, r *kgo.Record) []event.Field {
	facts = append(facts, event.Field{Key: metadata + "[offset]", Val: event.IntValue(r.Offset)})
	key := event.Value{}
	if r.Key != nil {
		if text, err := in.key(r.Key); err == nil {
			key = event.StringValue(strings.ToValidUTF8(text, "\ufffd"))
		} else {
			in.undecodable(r, err)
		}
	}
	facts = append(facts, event.Field{Key: metadata + "[key]", Val: key}, event.Field{Key: metadata + "[timestamp]", Val: event.IntValue(r.Timestamp.UnixMilli())})
	if !in.headers {
		return facts
	}
	for i := len(r.Headers) - 1; i >= 0; i-- { // of several of one name the last counts
		h := &r.Headers[i]
		text := string(h.Value)
		if h.Key == "" || strings.ContainsAny(h.Key, "[]") || strings.ToValidUTF8(text, "") != text {
			continue // no reference can name it; bytes that are no text are left out, as with Logstash
		}
		facts = append(facts, event.Field{Key: metadata + "[headers][" + h.Key + "]", Val: event.StringValue(text)})
	}
	return facts
}

func (in *input) undecodable(r *kgo.Record, err error) {
	in.broken.Add(1)
	in.log.Warn("a key or value is not what its deserializer expects", slog.String("topic", r.Topic), slog.Int("partition", int(r.Partition)),
		slog.Int64("offset", r.Offset), slog.Any("error", err))
}

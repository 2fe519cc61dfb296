package kafka

import (
	"log/slog"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"millrace/pipeline/event"
)

// failureTag marks an event whose value its deserializer could not read.
const failureTag = "_kafkadeserializefailure"

const metadata = "[@metadata][kafka]"

var (
	topicPath     = event.MustPath(metadata + "[topic]")
	groupPath     = event.MustPath(metadata + "[consumer_group]")
	partitionPath = event.MustPath(metadata + "[partition]")
)

// source returns what the records of a partition have in common.
func (in *input) source(topic string, partition int32) *event.Source {
	if !in.basic {
		return in.env.NewSource()
	}
	return in.env.NewSource(
		event.SourceField{Path: topicPath, Value: event.StringValue(topic)},
		event.SourceField{Path: groupPath, Value: event.StringValue(in.o.GroupID)},
		event.SourceField{Path: partitionPath, Value: event.IntValue(int64(partition))})
}

// record makes a record and appends what the event is told of it to facts.
func (in *input) record(r *kgo.Record, record *event.Record, facts []event.Field) []event.Field {
	data, err := in.value(r.Value)
	record.Data = data
	if err != nil {
		in.undecodable(r, err)
		record.Data, record.Tag = strings.ToValidUTF8(string(r.Value), "\ufffd"), failureTag
	}
	if in.basic {
		facts = in.facts(facts, r)
	}
	return facts
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

package azureeventhubs

import (
	"strconv"
	"unsafe"

	"github.com/twmb/franz-go/pkg/kgo"

	"millrace/pipeline/event"
)

const metadata = "[@metadata][azure_event_hubs]"

var (
	namePath      = event.MustPath(metadata + "[name]")
	groupPath     = event.MustPath(metadata + "[consumer_group]")
	hostPath      = event.MustPath(metadata + "[processor_host]")
	partitionPath = event.MustPath(metadata + "[partition]")
)

// source returns what the events of a partition have in common.
func (h *hub) source(_ string, partition int32) *event.Source {
	if !*h.DecorateEvents {
		return h.env.NewSource()
	}
	return h.env.NewSource(
		event.SourceField{Path: namePath, Value: event.StringValue(h.name)},
		event.SourceField{Path: groupPath, Value: event.StringValue(*h.ConsumerGroup)},
		event.SourceField{Path: hostPath, Value: event.StringValue(h.host)},
		event.SourceField{Path: partitionPath, Value: event.StringValue(strconv.Itoa(int(partition)))})
}

// facts is how many an event is told of.
const facts = 4

// record makes a record and appends what its event is told of it. The number that Kafka's protocol calls the offset is the sequence number
// of AMQP's.
func (h *hub) record(r *kgo.Record, record *event.Record, known []event.Field) []event.Field {
	record.Data = unsafe.String(unsafe.SliceData(r.Value), len(r.Value))
	if *h.DecorateEvents {
		known = append(known,
			event.Field{Key: metadata + "[offset]", Val: event.StringValue(strconv.FormatInt(r.Offset, 10))},
			event.Field{Key: metadata + "[sequence]", Val: event.IntValue(r.Offset)},
			event.Field{Key: metadata + "[timestamp]", Val: event.IntValue(r.Timestamp.Unix())},
			event.Field{Key: metadata + "[event_size]", Val: event.IntValue(int64(len(r.Value)))})
	}
	return known
}

package deadletterqueue

import (
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
	"millrace/pipeline/queue"
)

// The fields that tell of a dead letter.
const (
	typeField   = "[@metadata][dead_letter_queue][plugin_type]"
	idField     = "[@metadata][dead_letter_queue][plugin_id]"
	reasonField = "[@metadata][dead_letter_queue][reason]"
	timeField   = "[@metadata][dead_letter_queue][entry_time]"
)

// Record returns a dead letter as a record for the decoder of [Codec].
func Record(l *queue.DeadLetter) event.Record {
	return event.Record{Data: string(l.Event), Meta: []event.Field{
		{Key: typeField, Val: event.StringValue(l.PluginType)},
		{Key: idField, Val: event.StringValue(l.PluginID)},
		{Key: reasonField, Val: event.StringValue(l.Reason)},
		{Key: timeField, Val: event.TimeValue(l.EntryTime)},
	}}
}

// Codec returns the codec of records that are the documents of events: the event is what it was, with nothing added.
func Codec() *plugin.Codec {
	return &plugin.Codec{NewDecoder: func() plugin.Decoder { return decoder{} }}
}

// failureTag marks a letter whose document is no JSON object, which an output should not have written.
const failureTag = "_jsonparsefailure"

type decoder struct{}

// Decode implements plugin.Decoder.
func (decoder) Decode(r *event.Record, next func() *event.Event) {
	e := next()
	v, _, _, err := e.ParseJSON(r.Data)
	if o := v.Object(); err == nil && o != nil {
		e.SetRoot(o)
		return
	}
	e.Root().Set("message", event.StringValue(r.Data))
	e.Tag(failureTag)
}

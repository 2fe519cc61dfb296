package rabbitmq

import (
	"math"
	"slices"
	"strings"
	"time"
	"unsafe"

	amqp "github.com/rabbitmq/amqp091-go"

	"millrace/pipeline/event"
)

const (
	// batchBytes bounds a batch, so that the pipeline's bound on bytes in flight is met closely.
	batchBytes = 1 << 20
	// recordOverhead is what a record costs besides its bytes.
	recordOverhead = 64
)

const (
	headersField    = "[@metadata][rabbitmq_headers]"
	propertiesField = "[@metadata][rabbitmq_properties]"
	payloadField    = "[@metadata][rabbitmq_payload]"
)

// batch makes a batch of a message and of those that are there, and returns the tag of the last. A batch takes a quarter of prefetch_count at
// most: while one is being delivered, others are on their way.
func (s *session) batch(d *amqp.Delivery, received <-chan *amqp.Delivery) (b *event.Batch, tag uint64) {
	most := max(1, min(s.in.o.PrefetchCount/4, maxWaiting))
	b = &event.Batch{Source: s.source, Time: time.Now()}
	for n := 1; ; n++ {
		tag = d.DeliveryTag
		s.add(b, d)
		if n == most || b.Bytes >= batchBytes {
			return b, tag
		}
		select {
		case d = <-received:
		default:
			return b, tag
		}
	}
}

// add puts a message into a batch. Nothing is copied: the library made the memory of the message for it alone and does not touch it again.
func (s *session) add(b *event.Batch, d *amqp.Delivery) {
	s.in.messages.Add(1)
	if d.Redelivered {
		s.in.again.Add(1)
	}
	b.Bytes += len(d.Body) + recordOverhead
	data := unsafe.String(unsafe.SliceData(d.Body), len(d.Body))
	var meta []event.Field
	if s.in.properties {
		meta = headers(properties(make([]event.Field, 0, 8), d), d.Headers)
	}
	if s.in.payload {
		meta = append(meta, event.Field{Key: payloadField, Val: text(data)})
	}
	if !s.in.env.CutsStreams() {
		b.Records = append(b.Records, event.Record{Data: data, Meta: meta})
		return
	}
	from := len(b.Records)
	f := s.in.env.NewFramer()
	var rest string
	b.Records, rest = f.Frame(data, b.Records)
	b.Records = f.Flush(rest, b.Records)
	for i := from; i < len(b.Records); i++ {
		r := &b.Records[i]
		r.Meta = append(r.Meta[:len(r.Meta):len(r.Meta)], meta...)
	}
}

// properties appends the properties that a message has.
func properties(facts []event.Field, d *amqp.Delivery) []event.Field {
	set := func(name string, v event.Value) {
		facts = append(facts, event.Field{Key: propertiesField + name, Val: v})
	}
	for _, p := range [...]struct{ name, value string }{
		{"[app-id]", d.AppId}, {"[content-encoding]", d.ContentEncoding}, {"[content-type]", d.ContentType}, {"[correlation-id]", d.CorrelationId},
		{"[expiration]", d.Expiration}, {"[message-id]", d.MessageId}, {"[reply-to]", d.ReplyTo}, {"[type]", d.Type}, {"[user-id]", d.UserId},
	} {
		if p.value != "" {
			set(p.name, text(p.value))
		}
	}
	set("[consumer-tag]", text(d.ConsumerTag))
	set("[exchange]", text(d.Exchange))
	set("[routing-key]", text(d.RoutingKey))
	if d.DeliveryMode != 0 {
		set("[delivery-mode]", event.IntValue(int64(d.DeliveryMode)))
	}
	if d.Priority != 0 {
		set("[priority]", event.IntValue(int64(d.Priority)))
	}
	if d.Redelivered {
		set("[redeliver]", event.BoolValue(true))
	}
	if !d.Timestamp.IsZero() {
		set("[timestamp]", event.IntValue(d.Timestamp.Unix()))
	}
	return facts
}

// headers appends the headers of a message. One that no reference can name is left out.
func headers(facts []event.Field, table amqp.Table) []event.Field {
	if len(table) == 0 {
		return append(facts, event.Field{Key: headersField, Val: event.ObjectValue(new(event.Object))})
	}
	for _, name := range names(table) {
		if name != "" && !strings.ContainsAny(name, "[]") {
			facts = append(facts, event.Field{Key: headersField + "[" + valid(name) + "]", Val: value(table[name], 0)})
		}
	}
	return facts
}

// names returns the names of a table in their order: the library keeps none.
func names(table amqp.Table) []string {
	list := make([]string, 0, len(table))
	for name := range table {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

// maxDepth bounds tables in tables.
const maxDepth = 32

// value returns a value of a table as one of an event.
func value(v any, depth int) event.Value {
	if depth > maxDepth {
		return event.Value{}
	}
	switch v := v.(type) {
	case string:
		return text(v)
	case []byte:
		return text(string(v))
	case bool:
		return event.BoolValue(v)
	case int64:
		return event.IntValue(v)
	case int32:
		return event.IntValue(int64(v))
	case int16:
		return event.IntValue(int64(v))
	case int8:
		return event.IntValue(int64(v))
	case uint8:
		return event.IntValue(int64(v))
	case uint16:
		return event.IntValue(int64(v))
	case uint32:
		return event.IntValue(int64(v))
	case float64:
		return event.FloatValue(v)
	case float32:
		return event.FloatValue(float64(v))
	case time.Time:
		return event.TimeValue(v)
	case amqp.Decimal:
		return event.FloatValue(float64(v.Value) / math.Pow10(int(v.Scale)))
	case amqp.Table:
		o := new(event.Object)
		for _, name := range names(v) {
			o.Set(valid(name), value(v[name], depth+1))
		}
		return event.ObjectValue(o)
	case []any:
		l := new(event.List)
		for _, item := range v {
			l.Append(value(item, depth+1))
		}
		return event.ListValue(l)
	}
	return event.Value{}
}

func text(s string) event.Value { return event.StringValue(valid(s)) }

func valid(s string) string { return strings.ToValidUTF8(s, "\ufffd") }

package event

import (
	"sync/atomic"
	"time"
)

// Record is one raw record: bytes between two line ends, a datagram, a message of a broker.
type Record struct {
	Data string  // a part of the chunk that was read; immutable
	Meta []Field // what the input knows of this record alone (a Kafka offset), keyed by field reference; usually nil
	Tag  string  // a failure tag that the input or its framer gives the event, "" if none
}

// Batch is what one read brought: raw records of one source, not yet events. It is immutable once pushed. Whoever received it last
// calls [Batch.Settle] once for each of its outputs.
type Batch struct {
	Source  *Source
	Records []Record
	Time    time.Time // of reading; the @timestamp of events that bring none
	Bytes   int       // what the batch holds in memory, for the bound on bytes in flight

	// Done is called once, when all outputs have settled the batch: what the events became is delivered, dead-lettered or dropped by
	// a line of the config. Set by whoever made the batch or queued it; nil if nobody asks.
	Done func(*Batch)

	pending atomic.Int32 // written by Expect before any Settle, then only counted down
	linked  *Batch       // done together with this one
}

// Expect says how many times Settle will be called. With 0 the batch is done at once.
func (b *Batch) Expect(n int) {
	b.pending.Store(int32(n))
	if n == 0 {
		b.finish()
	}
}

// Settle tells that one output has nothing of the batch left to deliver. It may be called from any goroutine.
func (b *Batch) Settle() {
	switch n := b.pending.Add(-1); {
	case n == 0:
		b.finish()
	case n < 0:
		panic("BUG: a batch was settled more often than it has outputs")
	}
}

func (b *Batch) finish() {
	for b != nil {
		next := b.linked
		b.linked = nil
		if b.Done != nil {
			b.Done(b)
		}
		b = next
	}
}

// Source is what all records of a batch have in common: the input's codec and what the input adds to each event, compiled once.
type Source struct {
	Codec    int    // index of the decoder in each worker's list, given by the pipeline
	InputID  string // id of the input plugin
	Fields   []SourceField
	Type     string // set as the field type where the event has none; "" if not given
	AddField []AddField
	Tags     []Template
}

// SourceField is a fact about where a record came from: the peer's address, the name of the host. It is set where the event has no
// such field yet.
type SourceField struct {
	Path  *Path
	Value Value // a scalar
}

// AddField is one entry of the option add_field.
type AddField struct {
	Path   PathTemplate
	Values []Template
}

// Apply does what the option says: each value becomes the field's or is appended to it. Its error says that a reference or template
// is malformed or that the field cannot be set in e.
func (a *AddField) Apply(e *Event) error {
	var scratch Path
	p, err := a.Path.Resolve(e, &scratch)
	if err != nil {
		return err
	}
	for i := range a.Values {
		text, err := a.Values[i].Text(e)
		if err != nil {
			return err
		}
		if err := e.AddField(p, StringValue(text)); err != nil {
			return err
		}
	}
	return nil
}

// Decorate adds to e what its input says: the facts of the source and of the record, then type, add_field and tags, in Logstash's
// order. What cannot be set (a field below a string that the event brought) is left out and returned as the last error.
func (s *Source) Decorate(e *Event, r *Record) (err error) {
	for i := range s.Fields {
		f := &s.Fields[i]
		if f.Path.meta {
			e.late = s.Fields // most events never look at their metadata
			continue
		}
		if keys := f.Path.keys; len(keys) == 1 && !f.Path.reserved {
			if k := &keys[0]; e.root.find(k.name, k.mark) < 0 {
				e.root.add(k.name, k.mark, f.Value)
			}
			continue
		}
		if !e.Has(f.Path) {
			if e2 := e.Set(f.Path, f.Value); e2 != nil {
				err = e2
			}
		}
	}
	for _, f := range r.Meta {
		p, e2 := ParsePath(f.Key)
		if e2 == nil && !e.Has(&p) {
			e2 = e.Set(&p, f.Val)
		}
		if e2 != nil {
			err = e2
		}
	}
	if s.Type != "" && !e.Has(typePath) {
		e.root.Set("type", StringValue(s.Type))
	}
	for i := range s.AddField {
		if e2 := s.AddField[i].Apply(e); e2 != nil {
			err = e2
		}
	}
	for i := range s.Tags {
		text, e2 := s.Tags[i].Text(e)
		if e2 != nil {
			err = e2
			continue
		}
		e.AppendTag(text)
	}
	if r.Tag != "" {
		e.Tag(r.Tag)
	}
	return err
}

var typePath = MustPath("type")

// Link makes other done when b is: a worker that took several batches in one turn has one of them settled for all. It must be called
// before Expect.
func (b *Batch) Link(other *Batch) {
	other.linked, b.linked = b.linked, other
}

package event

import (
	"slices"
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
	Source *Source
	Time   time.Time // of reading; the @timestamp of events that bring none
	Bytes  int       // what the batch holds in memory, for the bound on bytes in flight

	// Records are the records, unless these are nothing but parts of one text, as lines are: then they are Spans of Text, which takes a seventh of the
	// memory and gives the garbage collector nothing to look at. A batch has one or the other.
	Records []Record
	Text    string
	Spans   []Span
	Chunk   *Chunk // what Text lies in, if it can be filled anew

	// Done is called once, when all outputs have settled the batch: what the events became is delivered, dead-lettered or dropped by
	// a line of the config. Set by whoever made the batch or queued it; nil if nobody asks.
	Done func(*Batch)

	pending atomic.Int32 // written by Expect before any Settle, then only counted down
	linked  *Batch       // done together with this one
}

// Span is where a record lies in the text of its batch.
type Span struct{ Start, End uint32 }

// Len returns the number of records.
func (b *Batch) Len() int { return len(b.Records) + len(b.Spans) }

// Record returns record i, counted from 0.
func (b *Batch) Record(i int) Record {
	if len(b.Spans) > 0 {
		return Record{Data: b.Text[b.Spans[i].Start:b.Spans[i].End]}
	}
	return b.Records[i]
}

// Spread makes Records of the Spans, for who has something to say about one of them.
func (b *Batch) Spread() {
	for i := range b.Spans {
		b.Records = append(b.Records, b.Record(i))
	}
	b.Release()
}

// Release forgets what the Spans refer to, once there are events of it: while these wait for their outputs, the text that was read need not stay in memory.
func (b *Batch) Release() { b.Text, b.Spans, b.Chunk = "", b.Spans[:0], nil }

// Recycle is Release where nobody has kept a text of b: the memory is filled anew as soon as others who use it say so, too.
func (b *Batch) Recycle() {
	c := b.Chunk
	b.Release()
	if c != nil {
		c.GiveBack()
	}
}

// Reuse empties b so that it can be filled anew. Nobody may use it any more.
func (b *Batch) Reuse() {
	clear(b.Records)
	*b = Batch{Records: b.Records[:0], Spans: b.Spans[:0]}
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

	ready *decoration // of Seal; nil before it, and where the facts need more than to be appended
}

// decoration is what most events of a source get, for they bring none of its fields.
type decoration struct {
	fields []Field // the first is @timestamp, which has the time of the batch
	marks  [maxDecoration]byte
	seen   markSet  // of all of them, and of the reserved fields
	late   *markSet // of the names below @metadata; nil: none
	bare   bool     // there is no type, no add_field and no tag
}

const maxDecoration = 8

// Seal returns s ready for quick use. Nothing of s may change afterwards; without it [Source.Complete] does the same more slowly.
func (s *Source) Seal() *Source {
	s.ready = nil
	d := &decoration{bare: s.Type == "" && len(s.AddField) == 0 && len(s.Tags) == 0, seen: reservedMarks}
	d.add(timestampPath, Value{kind: Time})
	d.add(versionPath, StringValue(currentVersion))
	for i := range s.Fields {
		f := &s.Fields[i]
		switch {
		case f.Path.meta && len(f.Path.keys) > 0:
			if d.late == nil {
				d.late = new(markSet)
			}
			d.late.add(f.Path.keys[0].mark)
		case !f.Path.plain || len(d.fields) == maxDecoration:
			return s
		case !slices.ContainsFunc(d.fields, func(o Field) bool { return o.Key == f.Path.keys[0].name }):
			d.add(f.Path, f.Value)
		}
	}
	s.ready = d
	return s
}

func (d *decoration) add(p *Path, v Value) {
	k := &p.keys[0]
	d.marks[len(d.fields)] = k.mark
	d.seen.add(k.mark)
	d.fields = append(d.fields, Field{k.name, v})
}

// apply gives e what every event has and the facts about the source. It reports whether that was possible: whether e had none of the fields, and few others.
func (d *decoration) apply(e *Event, s *Source, t time.Time) bool {
	o := &e.root
	n := len(o.fields)
	if o.seen.meets(&d.seen) || n+maxDecoration > len(o.marks) {
		return false
	}
	if n+len(d.fields) > cap(o.fields) {
		o.fields = slices.Grow(o.fields, len(d.fields))
	}
	o.fields = o.fields[:n+len(d.fields)]
	copy(o.fields[n:], d.fields)
	stamp := &o.fields[n].Val
	stamp.num, stamp.nsec = uint64(t.Unix()), uint32(t.Nanosecond())
	*(*[maxDecoration]byte)(o.marks[n:]) = d.marks
	o.seen.join(&d.seen)
	if d.late != nil {
		e.late, e.lateMarks = s, *d.late
	}
	return true
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
	p := a.Path.Fixed()
	if p == nil {
		var err error
		if p, err = a.Path.Resolve(e, new(Path)); err != nil {
			return err
		}
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

// Complete makes e, which a decoder filled from r, an event of the source that was read at t: [Event.Create] and Decorate in one.
func (s *Source) Complete(e *Event, r *Record, t time.Time) error {
	if s.ready == nil || !s.ready.apply(e, s, t) {
		e.Create(t)
		return s.Decorate(e, r)
	}
	if s.ready.bare && r.Meta == nil && r.Tag == "" {
		return nil
	}
	return s.decorate(e, r, nil)
}

// Decorate adds to e what its input says: the facts of the source and of the record, then type, add_field and tags, in Logstash's
// order. What cannot be set (a field below a string that the event brought) is left out and returned as the last error.
func (s *Source) Decorate(e *Event, r *Record) error { return s.decorate(e, r, s.setFacts(e)) }

func (s *Source) decorate(e *Event, r *Record, err error) error {
	for _, f := range r.Meta {
		p, e2 := e.paths.of(f.Key)
		if e2 == nil && !e.Has(p) {
			e2 = e.Set(p, f.Val)
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

func (s *Source) setFacts(e *Event) (err error) {
	for i := range s.Fields {
		f := &s.Fields[i]
		if f.Path.meta && len(f.Path.keys) > 0 {
			e.late = s // most events never look at their metadata
			e.lateMarks.add(f.Path.keys[0].mark)
			continue
		}
		if f.Path.plain {
			if k := &f.Path.keys[0]; e.root.findKey(k) < 0 {
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
	return err
}

var typePath = MustPath("type")

// Link makes other done when b is: a worker that took several batches in one turn has one of them settled for all. It must be called
// before Expect.
func (b *Batch) Link(other *Batch) {
	other.linked, b.linked = b.linked, other
}

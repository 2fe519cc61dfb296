package kafka

import (
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kgo"

	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// turn is what a worker wrote between two flushes: the records of one batch. It is used again when all of them are acknowledged.
type turn struct {
	out *output
	b   *event.Batch

	buf     []byte // keys, values, headers and documents
	marks   []mark // where they are
	headers []kgo.RecordHeader
	records []kgo.Record
	left    atomic.Int64 // records that are neither delivered nor given up
	promise func(*kgo.Record, error)
}

// mark tells where the parts of one record end in the buffer of its turn, in which they lie in this order.
type mark struct {
	topic                string
	start, key, value    int
	document             int
	headers, headersEnds int // places in turn.headers
	replayed             bool
}

func newTurn(out *output) *turn {
	t := &turn{out: out}
	t.promise = t.acknowledged
	return t
}

// maxKept bounds the buffer of a turn that is kept.
const maxKept = 4 << 20

func (t *turn) reset() {
	if cap(t.buf) > maxKept {
		t.buf = nil
	}
	t.buf, t.marks, t.b = t.buf[:0], t.marks[:0], nil
	clear(t.headers)
	clear(t.records)
	t.headers, t.records = t.headers[:0], t.records[:0]
}

// add writes e into the turn. If that is not possible the turn is as it was.
func (t *turn) add(enc plugin.Encoder, topic string, e *event.Event) (err error) {
	o := &t.out.o
	m := mark{topic: topic, start: len(t.buf)}
	defer func() {
		if err != nil {
			t.buf = t.buf[:m.start]
		}
	}()
	buf := t.buf
	if o.MessageKey != nil {
		if buf, err = o.MessageKey.Append(buf, e); err != nil {
			return err
		}
	}
	m.key = len(buf)
	if buf, err = enc.AppendEncode(buf, e); err != nil {
		return err
	}
	m.value = len(buf)
	if t.out.keep {
		buf = e.AppendJSON(buf)
	}
	m.document = len(buf)
	if t.out.env.DeadLetters != nil {
		m.replayed = plugin.Replayed(e)
	}
	m.headers = len(t.headers)
	for i := range o.MessageHeaders {
		h := &o.MessageHeaders[i]
		text, err := h.Value.Text(e)
		if err != nil {
			t.headers = t.headers[:m.headers]
			return err
		}
		t.headers = append(t.headers, kgo.RecordHeader{Key: h.Key, Value: []byte(text)})
	}
	m.headersEnds = len(t.headers)
	t.buf, t.marks = buf, append(t.marks, m)
	return nil
}

// send produces the records. The buffer does not move any more, so they may point into it.
func (t *turn) send(b *event.Batch) {
	t.b = b
	if cap(t.records) < len(t.marks) {
		t.records = make([]kgo.Record, 0, len(t.marks))
	}
	t.records = t.records[:len(t.marks)]
	t.left.Store(int64(len(t.marks)))
	keyed := t.out.o.MessageKey != nil
	for i := range t.marks {
		m := &t.marks[i]
		r := kgo.Record{Topic: m.topic, Value: t.buf[m.key:m.value:m.value]}
		if keyed {
			r.Key = t.buf[m.start:m.key:m.key]
		}
		if m.headersEnds > m.headers {
			r.Headers = t.headers[m.headers:m.headersEnds:m.headersEnds]
		}
		t.records[i] = r
	}
	records := t.records // the last of them may be acknowledged before the loop ends
	for i := range records {
		t.out.cl.Produce(t.out.ctx, &records[i], t.promise)
	}
}

// acknowledged is told what became of a record. The client calls it from one goroutine, which it must not hold up.
func (t *turn) acknowledged(r *kgo.Record, err error) {
	if err == nil {
		t.out.env.Stats.Delivered.Add(1)
		t.done()
		return
	}
	t.out.failed(t, r, err, false)
}

// done is told that a record is delivered or given up.
func (t *turn) done() {
	if t.left.Add(-1) > 0 {
		return
	}
	out, b, held := t.out, t.b, int64(len(t.buf))
	t.reset()
	out.turns.Put(t)
	b.Settle()
	out.gate.Leave(held)
}

// giveUp makes a dead letter of a record.
func (t *turn) giveUp(r *kgo.Record, err error) {
	for i := range t.records {
		if &t.records[i] != r {
			continue
		}
		m := &t.marks[i]
		document := t.buf[m.value:m.document]
		switch {
		case t.out.same:
			document = r.Value
		case !t.out.keep:
			document = nil // nobody asks for it
		}
		t.out.bury(err.Error(), document, m.replayed)
		t.done()
		return
	}
	panic("BUG: a record that is not of its turn")
}

package rabbitmq

import (
	amqp "github.com/rabbitmq/amqp091-go"

	"millrace/internal/amqpclient"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// turn is what a worker wrote between two flushes: the messages of one batch. A lane owns it from the flush until all of them are confirmed or
// given up.
type turn struct {
	b    *event.Batch
	left int // messages that are neither confirmed nor given up

	buf   []byte // bodies and documents
	marks []mark // where they are
	own   []amqp.Publishing
}

// mark tells where a message is in the buffer of its turn.
type mark struct {
	key             string
	start, end      int // of its body
	document        int // where its document ends, which follows the body
	own             int // its properties in turn.own, -1 for those that all messages have
	again, replayed bool
}

// maxKept bounds the buffer of a turn that is kept.
const maxKept = 4 << 20

func (t *turn) reset() {
	if cap(t.buf) > maxKept {
		t.buf = nil
	}
	clear(t.marks)
	clear(t.own)
	t.buf, t.marks, t.own, t.b = t.buf[:0], t.marks[:0], t.own[:0], nil
}

// add writes e into the turn. If that is not possible the turn is as it was.
func (t *turn) add(out *output, enc plugin.Encoder, e *event.Event) error {
	key, err := t.key(out, e)
	if err != nil {
		return err
	}
	m := mark{key: key, start: len(t.buf), own: -1}
	if len(out.props.own) > 0 || len(out.props.headers) > 0 {
		p, err := out.props.of(e)
		if err != nil {
			return err
		}
		m.own = len(t.own)
		t.own = append(t.own, p)
	}
	buf, err := enc.AppendEncode(t.buf, e)
	if err != nil {
		t.buf = t.buf[:m.start]
		if m.own >= 0 {
			t.own = t.own[:m.own]
		}
		return err
	}
	m.end = len(buf)
	if out.keep {
		buf = e.AppendJSON(buf)
	}
	m.document = len(buf)
	if out.env.DeadLetters != nil {
		m.replayed = plugin.Replayed(e)
	}
	t.buf, t.marks = buf, append(t.marks, m)
	return nil
}

// key returns the routing key of e. Events that have the same one after another share its text.
func (t *turn) key(out *output, e *event.Event) (string, error) {
	if out.o.Key.Static() {
		return out.o.Key.String(), nil
	}
	var scratch [amqpclient.MaxName]byte
	text, err := out.o.Key.Append(scratch[:0], e)
	if err != nil {
		return "", err
	}
	if len(text) > amqpclient.MaxName {
		return "", errKey
	}
	if n := len(t.marks); n > 0 && t.marks[n-1].key == string(text) {
		return t.marks[n-1].key, nil
	}
	return string(text), nil
}

// message returns what is published for a mark. The buffer does not move any more, so it may point into it.
func (t *turn) message(out *output, m *mark) amqp.Publishing {
	p := out.props.fixed
	if m.own >= 0 {
		p = t.own[m.own]
	}
	p.Body = t.buf[m.start:m.end:m.end]
	return p
}

// letter returns the document of a dead letter.
func (t *turn) letter(out *output, m *mark) []byte {
	switch {
	case out.same:
		return t.buf[m.start:m.end]
	case out.keep:
		return t.buf[m.end:m.document]
	}
	return nil // nobody asks for it
}

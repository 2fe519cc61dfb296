package slack

import (
	"net/url"

	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// turn is what a worker wrote between two flushes: the messages of one batch. The sender owns it from the flush until all of them are posted or given
// up.
type turn struct {
	b        *event.Batch
	buf      []byte
	messages []message
	json     []byte // scratch
}

// message tells where an event is in the buffer of its turn: the body of its request, and the document of a dead letter.
type message struct {
	url             string
	start, doc, end int
	replayed        bool
}

// add writes e into the turn. If that is not possible the turn is as it was.
func (t *turn) add(out *output, e *event.Event) error {
	m := message{start: len(t.buf)}
	var err error
	if m.url, err = out.url.Text(e); err != nil {
		return err
	}
	if u, err := url.Parse(m.url); err != nil || !address(u) {
		return errAddress
	}
	payload, err := out.payload(e)
	if err != nil {
		return err
	}
	t.json = payload.AppendJSON(t.json[:0])
	t.buf = append(append(t.buf, "payload="...), url.QueryEscape(string(t.json))...)
	m.doc = len(t.buf)
	if out.env.DeadLetters != nil {
		t.buf = e.AppendJSON(t.buf)
		m.replayed = plugin.Replayed(e)
	}
	m.end = len(t.buf)
	t.messages = append(t.messages, m)
	return nil
}

// payload makes what is posted of e.
func (out *output) payload(e *event.Event) (*event.Object, error) {
	o := &out.o
	p := e.NewObject()
	for _, part := range []struct {
		key string
		t   *event.Template
	}{{"text", &o.Format}, {"channel", o.Channel}, {"username", o.Username}, {"icon_emoji", o.IconEmoji}, {"icon_url", o.IconURL}} {
		if part.t == nil {
			continue
		}
		text, err := part.t.Text(e)
		if err != nil {
			return nil, err
		}
		p.Set(part.key, event.StringValue(text))
	}
	if own, _ := e.Get(attachments); own.List() != nil {
		if own.List().Len() > 0 {
			p.Set("attachments", own)
		}
		return p, nil
	}
	if out.attachments != nil {
		v, err := out.attachments.Value(e)
		if err != nil {
			return nil, err
		}
		p.Set("attachments", v)
	}
	return p, nil
}

var attachments = event.MustPath("attachments")

// maxKept bounds the buffer of a turn that is kept.
const maxKept = 1 << 20

func (t *turn) reset() {
	if cap(t.buf) > maxKept {
		t.buf = nil
	}
	clear(t.messages)
	t.b, t.buf, t.messages = nil, t.buf[:0], t.messages[:0]
}

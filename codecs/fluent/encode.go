package fluent

import (
	"encoding/binary"
	"strings"

	"millrace/codecs/internal/pack"
	"millrace/pipeline/event"
)

type encoder struct{ o *Options }

// AppendEncode implements plugin.Encoder. It writes a single message, whose tag is the event's tags joined by dots: Fluentd takes no
// list there.
func (c *encoder) AppendEncode(dst []byte, e *event.Event) ([]byte, error) {
	dst = pack.AppendString(pack.AppendListHead(dst, 3), forwardTag(e))
	t, _ := e.Timestamp()
	if c.o.NanosecondPrecision {
		dst = append(dst, 0xD7, eventTime)
		dst = binary.BigEndian.AppendUint32(dst, uint32(t.Unix()))
		dst = binary.BigEndian.AppendUint32(dst, uint32(t.Nanosecond()))
	} else {
		dst = pack.AppendInt(dst, t.Unix())
	}
	return pack.AppendObject(dst, e.Root()), nil
}

func forwardTag(e *event.Event) string {
	v, _ := e.Root().Get(event.TagsField)
	switch l := v.List(); {
	case v.Kind() == event.String:
		return v.Str()
	case l.Len() == 1:
		return l.At(0).Text()
	case l.Len() > 1:
		var parts []string
		for _, t := range l.Items() {
			parts = append(parts, t.Text())
		}
		return strings.Join(parts, ".")
	case l != nil:
		return ""
	}
	return "log"
}

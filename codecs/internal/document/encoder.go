package document

import "millrace/pipeline/event"

// Encoder writes events as JSON documents, each with the delimiter behind it. It implements plugin.Encoder.
type Encoder struct{ Delimiter string }

// AppendEncode implements plugin.Encoder.
func (c Encoder) AppendEncode(dst []byte, e *event.Event) ([]byte, error) {
	return append(e.AppendJSON(dst), c.Delimiter...), nil
}

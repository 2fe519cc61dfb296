package elasticsearch

import (
	"bytes"

	"millrace/internal/esbulk"
)

// document returns the event in an operation, for a dead letter.
func (c *encoder) document(op []byte) []byte {
	doc := esbulk.SecondLine(op)
	if !bytes.HasPrefix(op, []byte(`{"update"`)) {
		return doc
	}
	if c.update.script != nil {
		return esbulk.Member(doc, "script", "params", string(bytes.Trim(c.update.variable, `"`)))
	}
	return esbulk.Member(doc, "doc")
}

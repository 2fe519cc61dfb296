package elasticsearch

import (
	"bytes"
	"io"
)

// rewriter changes bulk bodies for what a server knows of document types: from version 8 on nothing, up to version 6 they are required.
type rewriter struct {
	drop bool   // take document types out
	add  []byte // type to add to each action
}

func newRewriter(major int, typed bool) *rewriter {
	switch {
	case typed && (major >= 8 || major == 0):
		return &rewriter{drop: true}
	case !typed && major == 6:
		return &rewriter{add: []byte(`"_type":"doc",`)}
	case !typed && major > 0 && major < 6:
		return &rewriter{add: []byte(`"_type":"logs",`)}
	}
	return nil
}

// rewrite returns the changed body. Action lines begin with {"ACTION":{ and, where there is one, the type.
func (w *rewriter) rewrite(src io.Reader) (*bytes.Buffer, error) {
	body, err := io.ReadAll(src)
	if err != nil {
		return nil, err
	}
	out := bytes.NewBuffer(make([]byte, 0, len(body)+len(body)/8))
	for len(body) > 0 {
		var line []byte
		line, body = cutLine(body)
		out.Write(w.action(line))
		out.WriteByte('\n')
		if !bytes.HasPrefix(line, []byte(`{"delete"`)) {
			line, body = cutLine(body)
			out.Write(line)
			out.WriteByte('\n')
		}
	}
	return out, nil
}

func (w *rewriter) action(line []byte) []byte {
	at := bytes.IndexByte(line, ':') + 2
	if w.add != nil {
		return append(append(append([]byte(nil), line[:at]...), w.add...), line[at:]...)
	}
	const member = `"_type":"`
	if !bytes.HasPrefix(line[at:], []byte(member)) {
		return line
	}
	for i := at + len(member); i < len(line); i++ {
		switch line[i] {
		case '\\':
			i++
		case '"':
			rest := bytes.TrimPrefix(line[i+1:], []byte(","))
			return append(append([]byte(nil), line[:at]...), rest...)
		}
	}
	return line
}

func cutLine(b []byte) (line, rest []byte) {
	line, rest, _ = bytes.Cut(b, []byte("\n"))
	return line, rest
}

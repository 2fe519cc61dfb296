package pipetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"golang.org/x/tools/txtar"
)

// Update writes what came out into the suite's file as what is expected, for the cases that failed, and reports how many it changed. The
// rest of the file stays as it is. A case that could not be run is not changed.
func (s *Suite) Update(results []*CaseResult) (changed int, err error) {
	var edits []edit
	for _, res := range results {
		if !res.Failed() || s.wantErr || res.Problem != "" && !res.Case.hasRaw {
			continue
		}
		changed++
		if s.form == archive {
			return 1, s.write(s.updateArchive(res))
		}
		e, err := s.edit(res)
		if err != nil {
			return 0, err
		}
		edits = append(edits, e)
	}
	if changed == 0 {
		return 0, nil
	}
	text := s.source
	slices.SortFunc(edits, func(a, b edit) int { return b.start - a.start })
	for _, e := range edits {
		text = slices.Concat(text[:e.start], e.text, text[e.end:])
	}
	if _, err := parse(s.Path, text); err != nil {
		return 0, fmt.Errorf("%s cannot be updated: %w", s.Path, err)
	}
	return changed, s.write(text)
}

func (s *Suite) write(text []byte) error {
	info, err := os.Stat(s.Path)
	if err != nil {
		return err
	}
	return os.WriteFile(s.Path, text, info.Mode().Perm())
}

// edit replaces a part of a file.
type edit struct {
	start, end int
	text       []byte
}

func (s *Suite) updateArchive(res *CaseResult) []byte {
	ar := txtar.Parse(s.source)
	name, body := "out.ndjson", []byte(nil)
	if res.Case.hasRaw {
		name, body = "out.raw", res.raw
	} else {
		for _, doc := range res.Actual {
			body = append(append(body, mustJSON(doc)...), '\n')
		}
	}
	for i := range ar.Files {
		if ar.Files[i].Name == name {
			ar.Files[i].Data = body
			return txtar.Format(ar)
		}
	}
	ar.Files = append(ar.Files, txtar.File{Name: name, Data: body})
	return txtar.Format(ar)
}

func (s *Suite) edit(res *CaseResult) (edit, error) {
	if res.Case.node.yaml == nil {
		return s.editJSON(res), nil
	}
	return s.editYAML(res)
}

// editJSON replaces the value of expected, or adds it to the case.
func (s *Suite) editJSON(res *CaseResult) edit {
	n := res.Case.node
	margin := s.indentAt(n.end - 1)
	if old := n.get("expected"); old != nil {
		margin = s.indentAt(old.start)
		return edit{old.start, old.end, encodeJSON(nonNil(res.Actual), margin, "  ")}
	}
	at := len(bytes.TrimRight(s.source[:n.end-1], " \t\r\n"))
	text := append([]byte("\n"+margin+"  \"expected\": "), encodeJSON(nonNil(res.Actual), margin+"  ", "  ")...)
	if len(n.entry) > 0 {
		text = append([]byte(","), text...)
	}
	return edit{at, at, text}
}

func nonNil(list []any) []any {
	if list == nil {
		return []any{}
	}
	return list
}

// indentAt returns the white space that begins the line of a byte.
func (s *Suite) indentAt(at int) string {
	start := bytes.LastIndexByte(s.source[:at], '\n') + 1
	end := start
	for end < at && (s.source[end] == ' ' || s.source[end] == '\t') {
		end++
	}
	return string(s.source[start:end])
}

// editYAML replaces the lines of expected, or adds them behind the case's first line.
func (s *Suite) editYAML(res *CaseResult) (edit, error) {
	y := res.Case.node.yaml
	if y.Style&yaml.FlowStyle != 0 {
		return edit{}, fmt.Errorf("%s:%d: a case in { } cannot be updated; write it in lines", s.Path, y.Line)
	}
	margin := strings.Repeat(" ", y.Column-1)
	text, err := yamlLines(res.Actual, margin)
	if err != nil {
		return edit{}, err
	}
	starts := lineStarts(s.source)
	for i := 0; i+1 < len(y.Content); i += 2 {
		if y.Content[i].Value != "expected" {
			continue
		}
		at := starts[y.Content[i].Line-1] + y.Content[i].Column - 1
		return edit{at, s.endOfBlock(y.Content[i].Line, y.Column), bytes.TrimPrefix(text, []byte(margin))}, nil
	}
	if len(y.Content) == 0 {
		return edit{}, fmt.Errorf("%s:%d: an empty case cannot be updated", s.Path, y.Line)
	}
	last := y.Content[len(y.Content)-2]
	end := s.endOfBlock(last.Line, y.Column)
	if end == len(s.source) && !bytes.HasSuffix(s.source, []byte("\n")) {
		text = append([]byte("\n"), text...)
	}
	return edit{end, end, text}, nil
}

// endOfBlock returns the offset behind the value of a key of a block mapping: where the first line begins that is not indented deeper than
// the key, but for the items of a list, which may stand under it. Comments and empty lines before that line belong to what follows.
func (s *Suite) endOfBlock(line, column int) int {
	starts := lineStarts(s.source)
	end := line // lines up to here belong to the value
	for l := line + 1; l <= len(starts); l++ {
		text := s.line(starts, l)
		body := strings.TrimLeft(text, " ")
		if strings.TrimSpace(body) == "" || body[0] == '#' {
			continue
		}
		indent := len(text) - len(body)
		if indent > column-1 || indent == column-1 && (body == "-" || strings.HasPrefix(body, "- ")) {
			end = l
			continue
		}
		break
	}
	if end >= len(starts) {
		return len(s.source)
	}
	return starts[end]
}

func (s *Suite) line(starts []int, l int) string {
	end := len(s.source)
	if l < len(starts) {
		end = starts[l]
	}
	return strings.TrimRight(string(s.source[starts[l-1]:end]), "\r\n")
}

func lineStarts(text []byte) []int {
	starts := []int{0}
	for i, c := range text {
		if c == '\n' && i+1 < len(text) {
			starts = append(starts, i+1)
		}
	}
	return starts
}

// yamlLines writes expected with its events, each line behind the margin.
func yamlLines(events []any, margin string) ([]byte, error) {
	if len(events) == 0 {
		return []byte(margin + "expected: []\n"), nil
	}
	key := &yaml.Node{Kind: yaml.ScalarNode, Value: "expected"}
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(&yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{key, yamlNode(events)}}); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	for line := range bytes.Lines(b.Bytes()) {
		if len(bytes.TrimSpace(line)) > 0 {
			out.WriteString(margin)
		}
		out.Write(line)
	}
	return out.Bytes(), nil
}

// yamlNode turns a tree into nodes, objects in the order of their keys.
func yamlNode(v any) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode}
	switch v := v.(type) {
	case map[string]any:
		n.Kind = yaml.MappingNode
		for _, k := range slices.Sorted(maps.Keys(v)) {
			n.Content = append(n.Content, textNode(k), yamlNode(v[k]))
		}
	case []any:
		n.Kind = yaml.SequenceNode
		for _, item := range v {
			n.Content = append(n.Content, yamlNode(item))
		}
		if len(v) == 0 {
			n.Style = yaml.FlowStyle
		}
	case json.Number:
		n.Value = string(v)
	case bool:
		n.Value = fmt.Sprint(v)
	case nil:
		n.Value = "null"
	case string:
		return textNode(v)
	}
	return n
}

// textNode quotes what YAML would read as anything else than this text.
func textNode(s string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
	if strings.ContainsAny(s, "\n\t") || strings.TrimSpace(s) != s {
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}

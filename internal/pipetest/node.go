package pipetest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// node is a value of a YAML or JSON file with its place.
type node struct {
	line  int
	entry []entry // of an object, in the order of the text
	items []*node // of an array
	value any     // else: string, json.Number, bool or nil
	kind  nodeKind

	start, end int        // in the text of a JSON file
	yaml       *yaml.Node // in a YAML file
}

type entry struct {
	key   string
	line  int
	value *node
}

type nodeKind uint8

const (
	scalarNode nodeKind = iota
	arrayNode
	objectNode
)

// get returns the value of a key, nil if there is none.
func (n *node) get(key string) *node {
	for i := range n.entry {
		if n.entry[i].key == key {
			return n.entry[i].value
		}
	}
	return nil
}

// plain returns the value as encoding/json would decode it, with numbers as json.Number.
func (n *node) plain() any {
	switch n.kind {
	case objectNode:
		m := make(map[string]any, len(n.entry))
		for i := range n.entry {
			m[n.entry[i].key] = n.entry[i].value.plain()
		}
		return m
	case arrayNode:
		list := make([]any, len(n.items))
		for i := range n.items {
			list[i] = n.items[i].plain()
		}
		return list
	}
	return n.value
}

// parseYAML reads a file of one YAML document.
func parseYAML(text []byte) (*node, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, err
	}
	if len(doc.Content) == 0 {
		return nil, errors.New("the file is empty")
	}
	return fromYAML(doc.Content[0], 0)
}

// maxDepth bounds how deep values may nest; an alias inside its own anchor would not end.
const maxDepth = 100

func fromYAML(y *yaml.Node, depth int) (*node, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("line %d: values nest more than %d deep", y.Line, maxDepth)
	}
	n := &node{line: y.Line, yaml: y}
	switch y.Kind {
	case yaml.AliasNode:
		aliased, err := fromYAML(y.Alias, depth+1)
		if err != nil {
			return nil, err
		}
		aliased.line = y.Line
		return aliased, nil
	case yaml.SequenceNode:
		n.kind = arrayNode
		for _, item := range y.Content {
			child, err := fromYAML(item, depth+1)
			if err != nil {
				return nil, err
			}
			n.items = append(n.items, child)
		}
	case yaml.MappingNode:
		n.kind = objectNode
		for i := 0; i+1 < len(y.Content); i += 2 {
			if err := n.addEntry(y.Content[i], y.Content[i+1], depth); err != nil {
				return nil, err
			}
		}
	default:
		return n, n.scalar(y)
	}
	return n, nil
}

func (n *node) addEntry(key, value *yaml.Node, depth int) error {
	child, err := fromYAML(value, depth+1)
	if err != nil {
		return err
	}
	if key.Tag == "!!merge" {
		merged := []*node{child}
		if child.kind == arrayNode {
			merged = child.items
		}
		for _, m := range merged {
			for _, e := range m.entry {
				if n.get(e.key) == nil {
					n.entry = append(n.entry, e)
				}
			}
		}
		return nil
	}
	for i := range n.entry {
		if n.entry[i].key == key.Value { // it came by a merge: the mapping's own keys win
			n.entry[i] = entry{key.Value, key.Line, child}
			return nil
		}
	}
	n.entry = append(n.entry, entry{key.Value, key.Line, child})
	return nil
}

// scalar takes times as text, which is what an event holds.
func (n *node) scalar(y *yaml.Node) error {
	switch y.ShortTag() {
	case "!!null":
		return nil
	case "!!bool":
		var b bool
		if err := y.Decode(&b); err != nil {
			return err
		}
		n.value = b
	case "!!int", "!!float":
		if json.Valid([]byte(y.Value)) {
			n.value = json.Number(y.Value)
			return nil
		}
		var v any
		if err := y.Decode(&v); err != nil {
			return err
		}
		if f, ok := v.(float64); ok && f-f == 0 {
			n.value = json.Number(strconv.FormatFloat(f, 'g', -1, 64))
			return nil
		}
		n.value = json.Number(fmt.Sprint(v))
		if !json.Valid([]byte(fmt.Sprint(v))) {
			n.value = y.Value // what JSON cannot hold is text in an event, too
		}
	default:
		n.value = y.Value
	}
	return nil
}

// parseJSON reads a file of one JSON document.
func parseJSON(text []byte) (*node, error) {
	p := jsonReader{text: text, dec: json.NewDecoder(bytes.NewReader(text))}
	p.dec.UseNumber()
	n, err := p.value()
	if err == nil {
		if _, err = p.dec.Token(); errors.Is(err, io.EOF) {
			return n, nil
		}
		if err == nil {
			err = errors.New("text behind the JSON value")
		}
	}
	at := p.dec.InputOffset()
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		at = syntax.Offset
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return nil, fmt.Errorf("line %d: %w", p.lineAt(int(at)), err)
}

type jsonReader struct {
	text []byte
	dec  *json.Decoder

	counted, line int // line feeds before the byte counted
}

// lineAt returns the line of a byte. It is asked in ascending order but for the last time.
func (p *jsonReader) lineAt(at int) int {
	at = min(at, len(p.text))
	if at < p.counted {
		p.counted, p.line = 0, 0
	}
	p.line += bytes.Count(p.text[p.counted:at], []byte("\n"))
	p.counted = at
	return p.line + 1
}

// next returns the offset at which the next token begins.
func (p *jsonReader) next() int {
	i := int(p.dec.InputOffset())
	for i < len(p.text) && strings.IndexByte(" \t\r\n:,", p.text[i]) >= 0 {
		i++
	}
	return i
}

func (p *jsonReader) value() (*node, error) {
	n := &node{start: p.next()}
	n.line = p.lineAt(n.start)
	token, err := p.dec.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('['):
		n.kind = arrayNode
		for p.dec.More() {
			item, err := p.value()
			if err != nil {
				return nil, err
			}
			n.items = append(n.items, item)
		}
		_, err = p.dec.Token()
	case json.Delim('{'):
		n.kind = objectNode
		err = p.object(n)
	default:
		n.value = token
	}
	n.end = int(p.dec.InputOffset())
	return n, err
}

func (p *jsonReader) object(n *node) error {
	for p.dec.More() {
		line := p.lineAt(p.next())
		key, err := p.dec.Token()
		if err != nil {
			return err
		}
		value, err := p.value()
		if err != nil {
			return err
		}
		n.entry = append(n.entry, entry{key.(string), line, value})
	}
	_, err := p.dec.Token()
	return err
}

package translate

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"millrace/pipeline/event"
)

// format tells by its name what a file holds: yaml, json, csv, or "" if the name does not tell.
func format(path string) string {
	switch ext := filepath.Ext(path); ext {
	case ".yml", ".yaml":
		return "yaml"
	case ".json", ".csv":
		return ext[1:]
	}
	return ""
}

// yamlFiles says how YAML is read.
type yamlFiles struct {
	streaming bool  // by events, as streaming.go tells
	limit     int64 // of a file's characters, if it is not
}

// read adds the entries of a file.
func (t *table) read(path string, y yamlFiles) error {
	kind := format(path)
	if kind == "" {
		return errors.New("the name must end in .yml, .yaml, .json or .csv")
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	switch kind {
	case "yaml":
		if y.streaming {
			return t.streamYAML(data)
		}
		if n := utf8.RuneCount(data); int64(n) > y.limit {
			return fmt.Errorf("the file has %d characters, more than yaml_dictionary_code_point_limit (%d) allows", n, y.limit)
		}
		return t.readYAML(data)
	case "json":
		return t.readJSON(string(data))
	}
	return t.readCSV(string(data))
}

// readJSON reads an object. A file without a byte is a dictionary without an entry, as in the other formats.
func (t *table) readJSON(text string) error {
	if text == "" {
		return nil
	}
	keep := event.New(nil)
	v, rest, ok, err := keep.ParseJSON(text)
	switch {
	case err != nil:
		return err
	case !ok, v.Object() == nil:
		return errors.New("the file must hold a JSON object")
	case strings.TrimSpace(rest) != "":
		return errors.New("there is text behind the JSON object")
	}
	for _, f := range v.Object().Fields() {
		t.set(f.Key, f.Val)
	}
	return nil
}

// readCSV reads two columns from every line: the key and its value, which is null if it is missing.
func (t *table) readCSV(text string) error {
	n := 0
	for line := range strings.Lines(text) {
		n++
		if line = strings.TrimRight(line, "\r\n"); line == "" {
			continue
		}
		r := csv.NewReader(strings.NewReader(line))
		r.FieldsPerRecord = -1
		row, err := r.Read()
		if err != nil {
			return fmt.Errorf("line %d: %w", n, errors.Unwrap(err))
		}
		v := event.Value{}
		if len(row) > 1 && (row[1] != "" || strings.HasSuffix(line, `""`)) {
			v = event.StringValue(row[1])
		}
		t.set(row[0], v)
	}
	return nil
}

// readYAML reads the mappings of all documents. Keys that YAML reads as anything but strings are left out, because no text equals them.
func (t *table) readYAML(data []byte) error {
	y := yamlReader{keep: event.New(nil)}
	for doc, err := range yamlDocuments(data) {
		if err != nil {
			return err
		}
		if len(doc.Content) == 0 {
			continue
		}
		root := doc.Content[0]
		if root.Kind == yaml.ScalarNode && root.ShortTag() == "!!null" {
			continue
		}
		if root.Kind != yaml.MappingNode {
			return fmt.Errorf("line %d: expected a mapping of keys to values", root.Line)
		}
		if err := t.addYAML(&y, root); err != nil {
			return err
		}
	}
	return nil
}

// yamlDocuments gives the documents of a file, or an error and no more.
func yamlDocuments(data []byte) iter.Seq2[*yaml.Node, error] {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	return func(yield func(*yaml.Node, error) bool) {
		for {
			var doc yaml.Node
			err := dec.Decode(&doc)
			if errors.Is(err, io.EOF) || !yield(&doc, err) || err != nil {
				return
			}
		}
	}
}

func (t *table) addYAML(y *yamlReader, root *yaml.Node) error {
	for i := 0; i+1 < len(root.Content); i += 2 {
		k := root.Content[i]
		v, err := y.value(root.Content[i+1], 0)
		if err != nil {
			return err
		}
		if key, err := y.value(k, 0); err == nil && key.Kind() == event.String {
			t.set(key.Str(), v)
		} else {
			t.skip(k.Value)
		}
	}
	return nil
}

// yamlReader makes values of YAML as Ruby's Psych reads it, by version 1.1: yes and on are true. streaming is for the files of streaming.go.
type yamlReader struct {
	keep      *event.Event
	nodes     int
	streaming bool
}

// The bounds on what aliases may blow a file up to.
const (
	maxNodes = 50_000_000
	maxDepth = 200
)

func (y *yamlReader) value(n *yaml.Node, depth int) (event.Value, error) {
	if y.nodes++; y.nodes > maxNodes || depth > maxDepth {
		return event.Value{}, fmt.Errorf("line %d: too many or too deeply nested values", n.Line)
	}
	switch n.Kind {
	case yaml.AliasNode:
		if y.streaming {
			return event.Value{}, fmt.Errorf("line %d: yaml_load_strategy => streaming does not read aliases", n.Line)
		}
		return y.value(n.Alias, depth+1)
	case yaml.SequenceNode:
		l := y.keep.NewList()
		for _, item := range n.Content {
			v, err := y.value(item, depth+1)
			if err != nil {
				return v, err
			}
			l.Append(v)
		}
		return event.ListValue(l), nil
	case yaml.MappingNode:
		return y.mapping(n, depth)
	}
	if y.streaming {
		return streamedScalar(n), nil
	}
	return scalar(n), nil
}

func (y *yamlReader) mapping(n *yaml.Node, depth int) (event.Value, error) {
	o := y.keep.NewObject()
	for i := 0; i+1 < len(n.Content); i += 2 {
		v, err := y.value(n.Content[i+1], depth+1)
		if err != nil {
			return v, err
		}
		if k := n.Content[i]; !y.streaming && k.Kind == yaml.ScalarNode && k.ShortTag() == "!!merge" && v.Object() != nil {
			for _, f := range v.Object().Fields() {
				if _, ok := o.Get(f.Key); !ok {
					o.Set(f.Key, f.Val)
				}
			}
		} else {
			o.Set(k.Value, v)
		}
	}
	return event.ObjectValue(o), nil
}

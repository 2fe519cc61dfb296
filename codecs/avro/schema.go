package avro

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"millrace/pipeline/event"
)

// kind is the type of a schema.
type kind uint8

const (
	kindNull kind = iota
	kindBoolean
	kindInt
	kindLong
	kindFloat
	kindDouble
	kindBytes
	kindString
	kindRecord
	kindEnum
	kindArray
	kindMap
	kindUnion
	kindFixed
)

var primitives = map[string]kind{
	"null": kindNull, "boolean": kindBoolean, "int": kindInt, "long": kindLong, "float": kindFloat, "double": kindDouble, "bytes": kindBytes, "string": kindString,
}

// schema is one node of a schema. It is immutable once parsed.
type schema struct {
	kind    kind
	logical string
	scale   int // of a decimal

	name     string // full, of a record, enum or fixed
	fields   []field
	symbols  []string
	item     *schema   // of an array or map
	branches []*schema // of a union
	size     int       // of a fixed
}

type field struct {
	name       string
	typ        *schema
	fallback   event.Value
	hasDefault bool
}

// parser knows the types that have been named so far.
type parser struct {
	named map[string]*schema
	owner *event.Event // of the fields' defaults
}

// parseSchema reads a schema in JSON.
func parseSchema(text []byte) (*schema, error) {
	p := parser{named: make(map[string]*schema), owner: event.New(nil)}
	s, err := p.parse(text, "", 0)
	if err != nil {
		return nil, fmt.Errorf("avro schema: %w", err)
	}
	return s, nil
}

const maxDepth = 200

var errDepth = errors.New("nested too deep")

// node is the JSON form of a schema that is a hash.
type node struct {
	Type        json.RawMessage
	Name        string
	Namespace   *string
	LogicalType string
	Fields      []struct {
		Name    string
		Type    json.RawMessage
		Default json.RawMessage
	}
	Symbols []string
	Items   json.RawMessage
	Values  json.RawMessage
	Size    int
	Scale   int
}

func (p *parser) parse(text json.RawMessage, namespace string, depth int) (*schema, error) {
	if depth > maxDepth {
		return nil, errDepth
	}
	switch first := strings.TrimLeft(string(text), " \t\r\n"); {
	case strings.HasPrefix(first, `"`):
		var name string
		if err := json.Unmarshal(text, &name); err != nil {
			return nil, err
		}
		return p.lookup(name, namespace)
	case strings.HasPrefix(first, "["):
		return p.union(text, namespace, depth)
	}
	var n node
	if err := json.Unmarshal(text, &n); err != nil {
		return nil, err
	}
	var typ string
	if json.Unmarshal(n.Type, &typ) != nil {
		return p.parse(n.Type, namespace, depth+1) // {"type": {"type": …}}
	}
	switch typ {
	case "record", "error":
		return p.record(&n, namespace, depth)
	case "enum", "fixed":
		return p.small(&n, typ, namespace)
	case "array", "map":
		s := &schema{kind: kindArray}
		items := n.Items
		if typ == "map" {
			s.kind, items = kindMap, n.Values
		}
		var err error
		s.item, err = p.parse(items, namespace, depth+1)
		return s, err
	}
	s, err := p.lookup(typ, namespace)
	if err == nil && n.LogicalType != "" {
		with := *s
		with.logical, with.scale = n.LogicalType, n.Scale
		s = &with
	}
	return s, err
}

func (p *parser) lookup(name, namespace string) (*schema, error) {
	if k, ok := primitives[name]; ok {
		return &schema{kind: k}, nil
	}
	if s := p.named[fullName(name, namespace)]; s != nil {
		return s, nil
	}
	if s := p.named[name]; s != nil {
		return s, nil
	}
	return nil, fmt.Errorf("unknown type %q", name)
}

func fullName(name, namespace string) string {
	if namespace == "" || strings.Contains(name, ".") {
		return name
	}
	return namespace + "." + name
}

// define names a type and returns the namespace of what is inside it.
func (p *parser) define(s *schema, n *node, namespace string) (string, error) {
	if n.Name == "" {
		return "", errors.New("a type without a name")
	}
	if n.Namespace != nil {
		namespace = *n.Namespace
	}
	s.name = fullName(n.Name, namespace)
	if p.named[s.name] != nil {
		return "", fmt.Errorf("type %q is defined twice", s.name)
	}
	p.named[s.name] = s
	if dot := strings.LastIndexByte(s.name, '.'); dot >= 0 {
		return s.name[:dot], nil
	}
	return "", nil
}

func (p *parser) union(text json.RawMessage, namespace string, depth int) (*schema, error) {
	var list []json.RawMessage
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, err
	}
	s := &schema{kind: kindUnion}
	for _, item := range list {
		b, err := p.parse(item, namespace, depth+1)
		if err != nil {
			return nil, err
		}
		if b.kind == kindUnion {
			return nil, errors.New("a union directly inside a union")
		}
		s.branches = append(s.branches, b)
	}
	return s, nil
}

func (p *parser) record(n *node, namespace string, depth int) (*schema, error) {
	s := &schema{kind: kindRecord}
	inner, err := p.define(s, n, namespace)
	if err != nil {
		return nil, err
	}
	for _, f := range n.Fields {
		typ, err := p.parse(f.Type, inner, depth+1)
		if err != nil {
			return nil, fmt.Errorf("field %q: %w", f.Name, err)
		}
		member := field{name: f.Name, typ: typ}
		if f.Default != nil {
			member.hasDefault = true
			if member.fallback, _, _, err = p.owner.ParseJSON(string(f.Default)); err != nil {
				return nil, fmt.Errorf("default of field %q: %w", f.Name, err)
			}
		}
		s.fields = append(s.fields, member)
	}
	return s, nil
}

// small reads an enum or a fixed.
func (p *parser) small(n *node, typ, namespace string) (*schema, error) {
	s := &schema{kind: kindEnum, symbols: n.Symbols, logical: n.LogicalType, scale: n.Scale}
	if typ == "fixed" {
		s.kind, s.size = kindFixed, n.Size
		if n.Size < 0 {
			return nil, fmt.Errorf("fixed %q of size %d", n.Name, n.Size)
		}
	}
	_, err := p.define(s, n, namespace)
	return s, err
}

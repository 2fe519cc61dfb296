package translate

import (
	"regexp"
	"strconv"

	"go.yaml.in/yaml/v3"

	"millrace/pipeline/event"
)

// With yaml_load_strategy => streaming Logstash reads a file by the events of another parser. That has consequences beyond its cost: the first
// mapping of the file is the dictionary, whatever stands around it; scalars are of fewer types; an alias is an error; and there is no limit.

// streamYAML reads the first mapping of a file. A file without one is a dictionary without an entry.
func (t *table) streamYAML(data []byte) error {
	for doc, err := range yamlDocuments(data) {
		if err != nil {
			return err
		}
		if m := firstMapping(doc); m != nil {
			return t.addYAML(&yamlReader{keep: event.New(nil), streaming: true}, m)
		}
	}
	return nil
}

func firstMapping(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.MappingNode {
		return n
	}
	for _, child := range n.Content {
		if m := firstMapping(child); m != nil {
			return m
		}
	}
	return nil
}

var (
	streamedInteger = regexp.MustCompile(`^-?[0-9]+$`)
	streamedFloat   = regexp.MustCompile(`^-?[0-9]+\.[0-9]+$`)
)

// streamedScalar resolves a scalar by how it is written, whatever its tag says.
func streamedScalar(n *yaml.Node) event.Value {
	s := n.Value
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		return event.StringValue(s)
	}
	switch s {
	case "null", "", "~":
		return event.Value{}
	case "true", "false":
		return event.BoolValue(s == "true")
	}
	switch {
	case streamedInteger.MatchString(s):
		return decimalInteger(s)
	case streamedFloat.MatchString(s):
		if f, err := strconv.ParseFloat(s, 64); err == nil {
			return event.FloatValue(f)
		}
	}
	return event.StringValue(s)
}

// decimalInteger reads digits, of which the first may be zeros.
func decimalInteger(s string) event.Value {
	if i, err := strconv.ParseInt(s, 10, 64); err == nil {
		return event.IntValue(i)
	}
	sign := ""
	if s[0] == '-' {
		sign, s = "-", s[1:]
	}
	for s[0] == '0' {
		s = s[1:]
	}
	return event.BigIntValue(sign + s)
}

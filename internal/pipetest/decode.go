package pipetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"millrace/internal/joda"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
)

// decoder reads a suite from its syntax tree and collects the mistakes.
type decoder struct {
	s    *Suite
	errs []error
}

func (d *decoder) err() error { return errors.Join(d.errs...) }

func (d *decoder) fail(line int, format string, args ...any) {
	d.errs = append(d.errs, fmt.Errorf("%s:%d: %s", d.s.Path, line, fmt.Sprintf(format, args...)))
}

// suiteKeys and caseKeys are what our own files may hold; in those of logstash-filter-verifier anything else is a remark.
var (
	suiteKeys = []string{
		"codec", "config", "env", "expected", "export_metadata", "export_outputs", "fields", "ignore", "input", "input_plugin", "isolate",
		"mocks", "now", "settings", "testcases",
	}
	caseKeys = []string{"description", "event", "expected", "expected_outputs", "fields", "ignore", "input"}
)

func (d *decoder) suite() {
	s, top := d.s, &Case{Name: "case 1", Line: d.s.root.line, node: d.s.root}
	hasTop := false
	for _, e := range s.root.entry {
		switch e.key {
		case "config":
			s.configs = d.strings(e)
		case "settings":
			s.settings = d.settings(e)
		case "env":
			s.env = d.texts(e)
		case "mocks":
			s.mocks = d.mocks(e)
		case "now":
			s.now = d.time(e)
		case "isolate":
			b := d.bool(e)
			s.isolate = &b
		case "input_plugin":
			s.input = d.string(e)
		case "codec":
			s.codec = d.string(e)
		case "ignore":
			s.ignore = d.ignored(e)
		case "export_metadata":
			s.exportMetadata = d.bool(e)
		case "export_outputs":
			s.exportOutputs = d.bool(e)
		case "fields":
			s.fields = d.fields(e)
		case "input", "expected":
			hasTop = true
			d.caseEntry(top, e)
		case "testcases":
		default:
			d.unknown(e, suiteKeys)
		}
	}
	s.ignore = append(s.ignore, []string{event.VersionField})
	if hasTop {
		s.Cases = append(s.Cases, top)
	}
	d.cases(s.root.get("testcases"))
	if len(s.Cases) == 0 && d.errs == nil {
		d.fail(s.root.line, "there are no testcases")
	}
}

func (d *decoder) unknown(e entry, keys []string) {
	if d.s.form != own {
		return
	}
	hint := config.DidYouMean(e.key, keys)
	if hint == "" {
		hint = "there are " + strings.Join(keys, ", ")
	}
	d.fail(e.line, "unknown key %q: %s", e.key, hint)
}

func (d *decoder) cases(list *node) {
	if list == nil {
		return
	}
	if list.kind != arrayNode {
		d.fail(list.line, "testcases is a list")
		return
	}
	for _, n := range list.items {
		c := &Case{Name: fmt.Sprintf("case %d", len(d.s.Cases)+1), Line: n.line, node: n}
		if n.kind != objectNode {
			d.fail(n.line, "a case is an object with input and expected")
			continue
		}
		for _, e := range n.entry {
			d.caseEntry(c, e)
		}
		if len(c.input) == 0 {
			c.input = []record{{text: "{}", event: true}} // only fields
		}
		d.s.Cases = append(d.s.Cases, c)
	}
}

func (d *decoder) caseEntry(c *Case, e entry) {
	switch e.key {
	case "input":
		c.input = d.inputs(e)
	case "expected":
		c.expected = d.expected(e)
	case "description":
		if name := d.string(e); name != "" {
			c.Name = name
		}
	case "fields", "event":
		c.fields = append(c.fields, d.fields(e)...)
	case "ignore":
		c.ignore = d.ignored(e)
	case "expected_outputs":
		c.outputs = d.strings(e)
	default:
		d.unknown(e, caseKeys)
	}
}

// inputs are texts, and in our own files also events.
func (d *decoder) inputs(e entry) []record {
	items := e.value.items
	if e.value.kind != arrayNode {
		items = []*node{e.value}
	}
	var out []record
	for _, n := range items {
		switch text, ok := n.value.(string); {
		case ok && n.kind == scalarNode:
			if d.s.codec == "json_lines" && d.s.form != own {
				text = expandJSON(text)
			}
			out = append(out, record{text: text})
		case n.kind == objectNode:
			out = append(out, record{text: mustJSON(expand(n.plain())), event: true})
		case d.s.form != own && n.kind == scalarNode && n.value == nil:
			out = append(out, record{}) // a text that is left out is empty there
		default:
			d.fail(n.line, "an input is a text or an event")
		}
	}
	return out
}

func (d *decoder) expected(e entry) []any {
	if e.value.kind == scalarNode && e.value.value == nil {
		return nil
	}
	if e.value.kind != arrayNode {
		d.fail(e.line, "expected is a list of events")
		return nil
	}
	var out []any
	for _, n := range e.value.items {
		if n.kind != objectNode {
			d.fail(n.line, "an expected event is an object")
			continue
		}
		out = append(out, expand(n.plain()))
	}
	return out
}

// fields are set in the order of their names: a hash has none of its own.
func (d *decoder) fields(e entry) []field {
	if e.value.kind != objectNode {
		d.fail(e.line, "%s is an object", e.key)
		return nil
	}
	values := make(map[string]any, len(e.value.entry))
	for _, f := range e.value.entry {
		values[f.key] = f.value.plain()
		if _, err := event.ParsePath(f.key); err != nil {
			d.fail(f.line, "field %q: %v", f.key, err)
		}
		if text, ok := f.value.value.(string); ok && f.key == event.TimestampField {
			if _, ok := joda.ParseTimestamp(text); !ok {
				d.fail(f.line, "%s is no time such as 2024-01-02T03:04:05.678Z", text)
			}
		}
	}
	var out []field
	for _, name := range slices.Sorted(maps.Keys(values)) {
		value := expand(values[name])
		if d.s.form == verifier1 {
			value = texts(value) // by add_field of an input, which makes texts of everything
		}
		out = append(out, field{name: name, json: mustJSON(value)})
	}
	return out
}

// texts turns all scalars into strings.
func texts(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = texts(v[k])
		}
	case []any:
		for i := range v {
			v[i] = texts(v[i])
		}
	case json.Number:
		return v.String()
	case bool:
		return fmt.Sprint(v)
	}
	return v
}

func (d *decoder) ignored(e entry) [][]string {
	var out [][]string
	for _, name := range d.strings(e) {
		out = append(out, splitReference(name))
	}
	return out
}

func (d *decoder) string(e entry) string {
	s, ok := e.value.value.(string)
	if !ok && (e.value.kind != scalarNode || e.value.value != nil) {
		d.fail(e.line, "%s is a text", e.key)
	}
	return s
}

func (d *decoder) bool(e entry) bool {
	b, ok := e.value.value.(bool)
	if !ok {
		d.fail(e.line, "%s is true or false", e.key)
	}
	return b
}

// strings takes a text for a list of one.
func (d *decoder) strings(e entry) []string {
	items := e.value.items
	if e.value.kind != arrayNode {
		items = []*node{e.value}
	}
	var out []string
	for _, n := range items {
		s, ok := n.value.(string)
		if !ok {
			d.fail(n.line, "%s is a list of texts", e.key)
		}
		out = append(out, s)
	}
	return out
}

// texts reads an object of scalars.
func (d *decoder) texts(e entry) map[string]string {
	if e.value.kind != objectNode {
		d.fail(e.line, "%s is an object", e.key)
		return nil
	}
	out := make(map[string]string)
	for _, f := range e.value.entry {
		switch v := f.value.value.(type) {
		case nil:
			if f.value.kind != scalarNode {
				d.fail(f.line, "%s is a text", f.key)
			}
			out[f.key] = ""
		default:
			out[f.key] = fmt.Sprint(v)
		}
	}
	return out
}

// testSettings are the settings that change what filters do.
var testSettings = []string{"config.support_escapes", "pipeline.ecs_compatibility"}

func (d *decoder) settings(e entry) map[string]string {
	out := d.texts(e)
	for _, f := range e.value.entry {
		if !slices.Contains(testSettings, f.key) {
			d.fail(f.line, "setting %q has no effect on tests; those that have are %s", f.key, strings.Join(testSettings, ", "))
		}
	}
	if mode := out["pipeline.ecs_compatibility"]; !slices.Contains([]string{"", "disabled", "v1", "v8"}, mode) {
		d.fail(e.line, "pipeline.ecs_compatibility is disabled, v1 or v8, not %q", mode)
	}
	return out
}

func (d *decoder) time(e entry) time.Time {
	text := d.string(e)
	t, ok := joda.ParseTimestamp(text)
	if !ok {
		d.fail(e.line, "now is a time such as 2024-01-02T03:04:05.678Z, not %q", text)
	}
	return t
}

func (d *decoder) mocks(e entry) []Mock {
	mocks, err := mocksOf(e.value)
	if err != nil {
		d.fail(e.line, "%v", err)
	}
	return mocks
}

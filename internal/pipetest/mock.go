package pipetest

import (
	"errors"
	"fmt"
	"os"

	"millrace/pipeline/config"
)

// LoadMocks reads a file of logstash-filter-verifier's plugin mocks: a list of id and mock.
func LoadMocks(path string) ([]Mock, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	n, err := parseYAML(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	mocks, err := mocksOf(n)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return mocks, nil
}

func mocksOf(n *node) ([]Mock, error) {
	if n.kind != arrayNode {
		return nil, errors.New("mocks are a list of objects with id and mock")
	}
	var mocks []Mock
	for _, item := range n.items {
		var m Mock
		for _, e := range item.entry {
			text, ok := e.value.value.(string)
			switch {
			case e.key != "id" && e.key != "mock":
				return nil, fmt.Errorf("line %d: unknown key %q: a mock has id and mock", e.line, e.key)
			case !ok && (e.key == "id" || e.value.value != nil):
				return nil, fmt.Errorf("line %d: %s is a text", e.line, e.key)
			case e.key == "id":
				m.ID = text
			default:
				m.Config = text
			}
		}
		if m.ID == "" {
			return nil, fmt.Errorf("line %d: a mock needs the id of the plugin that it replaces", item.line)
		}
		mocks = append(mocks, m)
	}
	return mocks, nil
}

// parse returns the statements of the mock for a section of that kind. A plugin without an id gets that of the plugin it replaces.
func (m Mock) parse(kind string) ([]config.Statement, config.Diagnostics) {
	f, diags := config.Parse("mock of "+m.ID, []byte(kind+" {\n"+m.Config+"\n}"), config.ParseOptions{})
	if diags.HasErrors() {
		return nil, diags
	}
	body := f.Sections[0].Body
	if len(body) == 1 {
		if p, ok := body[0].(*config.PluginNode); ok && idOf(p) == "" {
			p.Attributes = append(p.Attributes, attribute("id", &config.String{Text: m.ID, Raw: m.ID}))
		}
	}
	return body, diags
}

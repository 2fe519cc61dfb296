package settings

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	"millrace/pipeline/config"
)

// flat is one setting of a file.
type flat struct {
	name, value string
	line        int
}

// flatten reads a YAML mapping whose keys may be flat, nested or a mixture, and replaces ${VARIABLES} in its values.
func flatten(data []byte, lookup config.Lookup) ([]flat, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return nil, err
	}
	if len(doc.Content) == 0 {
		return nil, nil // only comments
	}
	if doc.Content[0].Kind != yaml.MappingNode {
		return nil, errors.New("expected settings, a mapping of names to values")
	}
	return flattenNode(nil, "", doc.Content[0], lookup)
}

func flattenNode(out []flat, prefix string, n *yaml.Node, lookup config.Lookup) ([]flat, error) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, v := prefix+n.Content[i].Value, n.Content[i+1]
		if v.Kind == yaml.AliasNode {
			v = v.Alias
		}
		var err error
		switch v.Kind {
		case yaml.MappingNode:
			if out, err = flattenNode(out, name+".", v, lookup); err != nil {
				return nil, err
			}
		case yaml.SequenceNode:
			parts := make([]string, len(v.Content))
			for j, item := range v.Content {
				parts[j] = item.Value
			}
			out = append(out, flat{name, strings.Join(parts, ","), n.Content[i].Line})
		default:
			if v.Tag == "!!null" {
				continue
			}
			value, err := config.Substitute(v.Value, lookup)
			if err != nil {
				return nil, fmt.Errorf("line %d: setting %q: %w", v.Line, name, err)
			}
			out = append(out, flat{name, value, n.Content[i].Line})
		}
	}
	return out, nil
}

// LoadPipelines reads pipelines.yml from folder: one set of settings for each pipeline, the common ones beneath. It returns nil if
// there is no such file.
func (s *Settings) LoadPipelines(folder string, lookup config.Lookup) (pipelines []*Settings, warnings []string, err error) {
	pipelines, warnings, err = s.LoadPipelinesFile(filepath.Join(folder, "pipelines.yml"), lookup)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil, nil
	}
	return pipelines, warnings, err
}

// LoadPipelinesFile is LoadPipelines for a file of any name, which must exist.
func (s *Settings) LoadPipelinesFile(path string, lookup config.Lookup) (pipelines []*Settings, warnings []string, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the pipelines: %w", err)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return nil, nil, fmt.Errorf("reading %s: %w", path, err)
	}
	if len(doc.Content) == 0 || doc.Content[0].Kind != yaml.SequenceNode || len(doc.Content[0].Content) == 0 {
		return nil, nil, fmt.Errorf("reading %s: expected a list of pipelines", path)
	}
	var errs []error
	seen := make(map[string]bool)
	for _, item := range doc.Content[0].Content {
		p := s.Clone()
		p.values["pipeline.id"] = ""
		if item.Kind != yaml.MappingNode {
			errs = append(errs, fmt.Errorf("%s:%d: expected the settings of a pipeline", path, item.Line))
			continue
		}
		entries, err := flattenNode(nil, "", item, lookup)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", path, err))
			continue
		}
		for _, e := range entries {
			w, err := p.Set(e.name, e.value)
			if err != nil {
				errs = append(errs, fmt.Errorf("%s:%d: %w", path, e.line, err))
			}
			if w != "" {
				warnings = append(warnings, fmt.Sprintf("%s:%d: %s", path, e.line, w))
			}
		}
		id := p.Get("pipeline.id")
		if id == "" || seen[id] {
			errs = append(errs, fmt.Errorf("%s:%d: each pipeline needs a pipeline.id of its own, not %q", path, item.Line, id))
		}
		seen[id] = true
		pipelines = append(pipelines, p)
	}
	return pipelines, warnings, errors.Join(errs...)
}

package pipetest

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"millrace/internal/fileglob"
	"millrace/internal/settings"
	"millrace/pipeline/config"
	"millrace/pipeline/plugin"
)

// source is the configuration of one pipeline.
type source struct {
	id      string // "" if there is only one
	ecs     plugin.ECS
	escapes bool
	names   []string
	texts   [][]byte
}

// keys tell configurations apart.
func keys(sources []source) []string {
	var out []string
	for _, s := range sources {
		out = append(out, fmt.Sprintf("%q %s %t %q", s.id, s.ecs, s.escapes, s.names))
	}
	return out
}

// sources returns the pipelines of the configuration with their texts: one, unless a pipelines.yml stands for it.
func (x *execution) sources() ([]source, error) {
	main := source{escapes: x.r.o.SupportEscapes}
	v, given := x.s.settings["config.support_escapes"]
	if given {
		main.escapes = v == "true"
	}
	if x.s.hasText {
		text := strings.ReplaceAll(x.s.text, "${CASE_DIR}", x.dir)
		if !startsWithSection(text) {
			text = "filter {\n" + text + "\n}"
		}
		main.names, main.texts = []string{x.s.Path}, [][]byte{[]byte(text)}
		return []source{main}, nil
	}
	names, err := x.s.configFiles(x.r.o.Configs)
	if err != nil {
		return nil, err
	}
	if len(names) == 1 && isPipelinesFile(names[0]) {
		sources, err := x.pipelines(names[0])
		for i := range sources {
			if given {
				sources[i].escapes = main.escapes
			}
		}
		return sources, err
	}
	main.names = names
	return []source{main}, main.read()
}

func (s *source) read() error {
	for _, name := range s.names {
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		s.texts = append(s.texts, text)
	}
	return nil
}

func isPipelinesFile(name string) bool {
	return filepath.Ext(name) == ".yml" || filepath.Ext(name) == ".yaml"
}

// pipelines reads a pipelines.yml. Paths in it that are not absolute begin at its folder, or the one that the options name.
func (x *execution) pipelines(path string) ([]source, error) {
	lookup := func(name string) (string, bool) { return x.variable(name) }
	list, _, err := settings.New().LoadPipelinesFile(path, lookup)
	if err != nil {
		return nil, err
	}
	var out []source
	for _, p := range list {
		s := source{id: p.Get("pipeline.id"), escapes: x.r.o.SupportEscapes}
		if p.Given("pipeline.ecs_compatibility") {
			s.ecs = plugin.ECS(p.Get("pipeline.ecs_compatibility"))
		}
		if p.Given("config.support_escapes") {
			s.escapes = p.Bool("config.support_escapes")
		}
		switch text, files := p.Get("config.string"), p.Get("path.config"); {
		case text != "":
			s.names, s.texts = []string{path + ": " + s.id}, [][]byte{[]byte(text)}
		case files == "":
			return nil, fmt.Errorf("%s: pipeline %q has neither path.config nor config.string", path, s.id)
		default:
			if !filepath.IsAbs(files) {
				files = filepath.Join(cmp.Or(x.r.o.PipelineBase, filepath.Dir(path)), files)
			}
			if s.names, err = ConfigFiles([]string{files}); err == nil {
				err = s.read()
			}
			if err != nil {
				return nil, fmt.Errorf("%s: pipeline %q: %w", path, s.id, err)
			}
		}
		out = append(out, s)
	}
	return out, nil
}

// startsWithSection reports whether the first word of a configuration opens a section; bare filters stand for a filter section.
func startsWithSection(text string) bool {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(strings.TrimPrefix(line, "\ufeff"))
		if line == "" || line[0] == '#' {
			continue
		}
		for _, kind := range []string{config.KindInput, config.KindFilter, config.KindOutput} {
			if rest, ok := strings.CutPrefix(line, kind); ok && (rest == "" || strings.ContainsAny(rest[:1], " \t{#")) {
				return true
			}
		}
		return false
	}
	return true
}

// configFiles returns what the suite is for: the files that it names, else those that were given for all, else the file of its own
// name, else all of its folder.
func (s *Suite) configFiles(given []string) ([]string, error) {
	dir := filepath.Dir(s.Path)
	if len(s.configs) > 0 {
		var patterns []string
		for _, c := range s.configs {
			if !filepath.IsAbs(c) {
				c = filepath.Join(dir, c)
			}
			patterns = append(patterns, c)
		}
		return ConfigFiles(patterns)
	}
	if len(given) > 0 {
		return ConfigFiles(given)
	}
	base := filepath.Base(s.Path)
	base = strings.TrimSuffix(strings.TrimSuffix(base, filepath.Ext(base)), ".test")
	beside := filepath.Join(dir, base+".conf")
	if _, err := os.Stat(beside); err == nil {
		return []string{beside}, nil
	}
	if found, err := ConfigFiles([]string{filepath.Join(dir, "*.conf")}); err == nil {
		return found, nil
	}
	return nil, fmt.Errorf("%s: there is no %s.conf beside it: name the configuration by config: in the file, or by -f", s.Path, base)
}

// ConfigFiles returns the configuration files that paths, folders and globs stand for, in the order in which Logstash reads them.
func ConfigFiles(patterns []string) ([]string, error) {
	var files []string
	for _, pattern := range patterns {
		matches, err := fileglob.Files(pattern)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", pattern, err)
		}
		before := len(files)
		for _, m := range matches {
			if strings.HasSuffix(m, "~") || IsTestFile(m) {
				continue
			}
			files = append(files, m)
		}
		if len(files) == before {
			return nil, fmt.Errorf("no configuration found in %q", pattern)
		}
	}
	return files, nil
}

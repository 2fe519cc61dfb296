package pipetest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"millrace/pipeline/config"
)

// sources returns the files of the configuration with their texts.
func (x *execution) sources() (names []string, texts [][]byte, err error) {
	if x.s.hasText {
		text := strings.ReplaceAll(x.s.text, "${CASE_DIR}", x.dir)
		if !startsWithSection(text) {
			text = "filter {\n" + text + "\n}"
		}
		return []string{x.s.Path}, [][]byte{[]byte(text)}, nil
	}
	if names, err = x.s.configFiles(x.r.o.Configs); err != nil {
		return nil, nil, err
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, nil, err
		}
		texts = append(texts, text)
	}
	return names, texts, nil
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
		if info, err := os.Stat(pattern); err == nil && info.IsDir() {
			pattern = filepath.Join(pattern, "*")
		}
		matches, err := filepath.Glob(pattern)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", pattern, err)
		}
		slices.Sort(matches)
		before := len(files)
		for _, m := range matches {
			info, err := os.Stat(m)
			if err != nil || info.IsDir() || strings.HasSuffix(m, "~") || IsTestFile(m) {
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

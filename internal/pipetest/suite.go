package pipetest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Suite is one file of cases.
type Suite struct {
	Path  string
	Cases []*Case

	form     form
	configs  []string // paths of the configuration as the file names them; none if it does not
	text     string   // the configuration itself
	hasText  bool
	settings map[string]string
	env      map[string]string
	mocks    []Mock

	input          string // id or name of the input that the lines come by
	codec          string // that the file asks for
	fields         []field
	ignore         [][]string
	exportMetadata bool
	exportOutputs  bool
	now            time.Time
	isolate        *bool

	outCodec string            // txtar: the codec of out.raw
	files    map[string]string // txtar: files beside the configuration
	wantErr  bool              // txtar: the configuration must be refused

	source []byte
	root   *node
}

// form is the dialect of a file.
type form uint8

const (
	own       form = iota // *.test.yml: the format of logstash-filter-verifier with additions
	verifier1             // logstash-filter-verifier before 2.0, and its standalone mode
	verifier2             // its daemon mode: names an input_plugin
	archive               // txtar
)

// Case is one case of a suite.
type Case struct {
	Name string
	Line int // in the file

	input    []record
	fields   []field
	ignore   [][]string
	expected []any
	outputs  []string // ids of the outputs that each event must reach; nil: whichever
	outRaw   string
	hasRaw   bool
	node     *node
}

// record is one input: a line for the codec, or an event.
type record struct {
	text  string
	event bool
}

// field is set in every event before the filters.
type field struct {
	name string
	json string // the value
}

// Mock replaces the plugin with an id by other configuration; an empty one removes it.
type Mock struct{ ID, Config string }

// IsTestFile reports whether a name is that of a test file that stands beside configurations.
func IsTestFile(name string) bool {
	for _, ext := range []string{".test.yml", ".test.yaml", ".test.json", ".txtar"} {
		if strings.HasSuffix(name, ext) {
			return true
		}
	}
	return false
}

// isVerifierFile reports whether logstash-filter-verifier would take a file of that name in a folder.
func isVerifierFile(name string) bool {
	switch filepath.Ext(name) {
	case ".yml", ".yaml", ".json":
		return true
	}
	return false
}

// Find returns the test files that paths stand for: files as they are, folders with all test files below them. Where configurations
// are given apart from the tests, all YAML and JSON files of a folder are tests.
func Find(paths []string, allYAML bool) ([]string, error) {
	var found []string
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			found = append(found, path)
			continue
		}
		before := len(found)
		err = filepath.WalkDir(path, func(p string, d os.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if d.IsDir() && p != path && strings.HasPrefix(d.Name(), ".") {
				return filepath.SkipDir
			}
			if !d.IsDir() && (IsTestFile(d.Name()) || allYAML && isVerifierFile(d.Name())) {
				found = append(found, p)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		if len(found) == before {
			return nil, fmt.Errorf("no test files below %s (*.test.yml, *.test.json, *.txtar; with -f all *.yml and *.json)", path)
		}
	}
	return found, nil
}

// Load reads a test file. Its error joins all mistakes, each with its line.
func Load(path string) (*Suite, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return parse(path, text)
}

func parse(path string, text []byte) (*Suite, error) {
	s := &Suite{Path: path, source: text}
	if filepath.Ext(path) == ".txtar" {
		s.form = archive
		return s, s.parseArchive()
	}
	var err error
	if filepath.Ext(path) == ".json" {
		s.root, err = parseJSON(text)
	} else {
		s.root, err = parseYAML(text)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if s.root.kind != objectNode {
		return nil, fmt.Errorf("%s:%d: a test file is an object with a list of testcases", path, s.root.line)
	}
	if !strings.Contains(filepath.Base(path), ".test.") {
		s.form = verifier1
		if s.root.get("input_plugin") != nil {
			s.form = verifier2
		}
	}
	d := decoder{s: s}
	d.suite()
	return s, d.err()
}

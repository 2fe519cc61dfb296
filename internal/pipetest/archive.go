package pipetest

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/tools/txtar"
)

// recordedNow is the time of recorded cases.
var recordedNow = time.Date(2024, 1, 2, 3, 4, 5, 678e6, time.UTC)

// parseArchive reads the format of conformance/README.md: one case, with its configuration or for the one beside it. A section ignore is an addition.
func (s *Suite) parseArchive() error {
	ar := txtar.Parse(s.source)
	c := &Case{Name: "case 1", Line: 1}
	if title, _, _ := strings.Cut(string(ar.Comment), "\n"); title != "" {
		c.Name = strings.TrimSpace(strings.TrimPrefix(title, "#"))
	}
	s.now, s.files, s.Cases = recordedNow, make(map[string]string), []*Case{c}
	var errs []error
	for _, f := range ar.Files {
		name, body := f.Name, string(f.Data)
		if base, ok := strings.CutSuffix(name, ".b64"); ok {
			raw, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(body, "\n", ""))
			if err != nil {
				errs = append(errs, fmt.Errorf("%s: section %s: %w", s.Path, name, err))
			}
			name, body = base, string(raw)
		}
		if err := s.section(c, name, body); err != nil {
			errs = append(errs, fmt.Errorf("%s: section %s: %w", s.Path, name, err))
		}
	}
	if len(c.input) == 0 && !s.wantErr {
		errs = append(errs, fmt.Errorf("%s: there is no section in.ndjson or in.raw", s.Path))
	}
	return errors.Join(errs...)
}

func (s *Suite) section(c *Case, name, body string) error {
	switch name {
	case "pipeline.conf":
		s.text, s.hasText = body, true
	case "codec.conf":
		s.codec = strings.TrimSpace(body)
	case "ocodec.conf":
		s.outCodec = strings.TrimSpace(body)
	case "settings.yml":
		root, err := parseYAML([]byte(body))
		if err != nil {
			return err
		}
		s.settings = make(map[string]string)
		for _, e := range root.entry {
			s.settings[e.key] = fmt.Sprint(e.value.value)
		}
	case "env":
		s.env = make(map[string]string)
		for line := range strings.Lines(body) {
			k, v, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
			s.env[k] = v
		}
	case "ignore":
		for _, line := range lines(body) {
			s.ignore = append(s.ignore, splitReference(strings.TrimSpace(line)))
		}
	case "in.ndjson":
		for _, line := range lines(body) {
			if v, err := decodeJSON([]byte(line)); err != nil {
				return err
			} else if _, ok := v.(map[string]any); !ok {
				return fmt.Errorf("an event is an object, not %s", line)
			}
			c.input = append(c.input, record{text: line, event: true})
		}
	case "in.raw":
		c.input = append(c.input, record{text: body})
	case "out.ndjson":
		for _, line := range lines(body) {
			v, err := decodeJSON([]byte(line))
			if err != nil {
				return err
			}
			c.expected = append(c.expected, v)
		}
	case "out.raw":
		c.outRaw, c.hasRaw = body, true
	case "err":
		s.wantErr = true
	case "log":
	default:
		s.files[name] = body
	}
	return nil
}

func lines(body string) []string {
	var out []string
	for line := range strings.Lines(body) {
		if line = strings.TrimSuffix(line, "\n"); strings.TrimSpace(line) != "" {
			out = append(out, line)
		}
	}
	return out
}

// Package settings reads Millrace's settings, which are Logstash's: logstash.yml, pipelines.yml, the environment of a container and
// flags. Their precedence is flag, environment, file, default.
package settings

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"millrace/pipeline/config"
)

// Settings holds the values of the settings by their flat names.
type Settings struct {
	values map[string]string
	given  map[string]bool // those that somebody set
}

// All returns the settings that have an effect.
func All() []Setting { return all }

// New returns the settings' defaults.
func New() *Settings {
	s := &Settings{values: make(map[string]string), given: make(map[string]bool)}
	for _, d := range all {
		s.values[d.Name] = d.Default
	}
	return s
}

// Clone returns a copy, for a pipeline of pipelines.yml that changes some.
func (s *Settings) Clone() *Settings {
	return &Settings{values: maps.Clone(s.values), given: maps.Clone(s.given)}
}

// find returns the description of a setting, nil if there is none of that name.
func find(name string) *Setting {
	for i := range all {
		if all[i].Name == name {
			return &all[i]
		}
	}
	return nil
}

// isIgnored reports whether Logstash has a setting of that name that means nothing here.
func isIgnored(name string) bool {
	for _, p := range ignored {
		if name == p || strings.HasSuffix(p, ".") && strings.HasPrefix(name, p) || name+"." == p {
			return true
		}
	}
	return false
}

// Set sets one setting from text. The warning, if not empty, says what of it has no effect.
func (s *Settings) Set(name, value string) (warning string, err error) {
	if to, ok := renamed[name]; ok {
		warning = fmt.Sprintf("setting %q is now called %q", name, to)
		name = to
	}
	d := find(name)
	if d == nil {
		if isIgnored(name) {
			return fmt.Sprintf("setting %q has no effect in Millrace", name), nil
		}
		return "", unknown(name)
	}
	if err := d.check(value); err != nil {
		return "", fmt.Errorf("setting %q: %w", name, err)
	}
	s.values[name], s.given[name] = value, true
	return warning, nil
}

func unknown(name string) error {
	names := make([]string, len(all))
	for i := range all {
		names[i] = all[i].Name
	}
	if hint := config.DidYouMean(name, names); hint != "" {
		return fmt.Errorf("setting %q does not exist: %s", name, hint)
	}
	return fmt.Errorf("setting %q does not exist", name)
}

func (d *Setting) check(value string) error {
	if value == "" {
		return nil
	}
	switch d.kind {
	case boolean:
		if value != "true" && value != "false" {
			return fmt.Errorf("expected true or false, not %q", value)
		}
	case integer:
		if _, err := strconv.Atoi(value); err != nil {
			return fmt.Errorf("expected a whole number, not %q", value)
		}
	case bytes:
		if _, err := parseBytes(value); err != nil {
			return err
		}
	case duration:
		if _, err := parseDuration(value); err != nil {
			return err
		}
	case words:
		if !slices.Contains(d.Words, value) {
			return fmt.Errorf("expected one of %s, not %q", strings.Join(d.Words, ", "), value)
		}
	}
	return nil
}

// parseBytes reads a size as logstash.yml has them: 64mb is 64 × 1024 × 1024 there.
func parseBytes(text string) (int64, error) {
	units := []struct {
		name  string
		shift uint
	}{{"kb", 10}, {"mb", 20}, {"gb", 30}, {"tb", 40}, {"b", 0}, {"", 0}}
	t := strings.ToLower(strings.TrimSpace(text))
	t = strings.Replace(t, "ib", "b", 1)
	for _, u := range units {
		number, ok := strings.CutSuffix(t, u.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
		if err != nil || n < 0 || n > 1<<62>>u.shift {
			break
		}
		return n << u.shift, nil
	}
	return 0, fmt.Errorf("expected a size such as 64mb, not %q", text)
}

// parseDuration reads 3s, 500ms, 2d, or a number of seconds.
func parseDuration(text string) (time.Duration, error) {
	if n, err := strconv.ParseFloat(text, 64); err == nil && n >= 0 {
		return time.Duration(n * float64(time.Second)), nil
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n >= 0 {
			return time.Duration(n) * 24 * time.Hour, nil
		}
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("expected a duration such as 3s, not %q", text)
	}
	return d, nil
}

// Get returns the text of a setting, "" if it has none.
func (s *Settings) Get(name string) string { return s.values[name] }

// Given reports whether a setting was set to anything, be it its default.
func (s *Settings) Given(name string) bool { return s.given[name] }

// Bool returns a setting that is true or false.
func (s *Settings) Bool(name string) bool { return s.values[name] == "true" }

// Int returns a number; 0 if it was not given.
func (s *Settings) Int(name string) int {
	n, _ := strconv.Atoi(s.values[name]) // checked when it was set
	return n
}

// Bytes returns a size in bytes.
func (s *Settings) Bytes(name string) int64 {
	n, _ := parseBytes(s.values[name]) // checked when it was set
	return n
}

// Duration returns a duration; 0 if it was not given.
func (s *Settings) Duration(name string) time.Duration {
	d, _ := parseDuration(s.values[name]) // checked when it was set
	return d
}

// LoadFile reads logstash.yml from folder. A file that is not there is no error.
func (s *Settings) LoadFile(folder string, lookup config.Lookup) (warnings []string, err error) {
	path := filepath.Join(folder, "logstash.yml")
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the settings: %w", err)
	}
	flat, err := flatten(data, lookup)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	var errs []error
	for _, e := range flat {
		w, err := s.Set(e.name, e.value)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s:%d: %w", path, e.line, err))
		}
		if w != "" {
			warnings = append(warnings, fmt.Sprintf("%s:%d: %s", path, e.line, w))
		}
	}
	return warnings, errors.Join(errs...)
}

// LoadEnvironment takes settings from variables as the official image does: PIPELINE_WORKERS or pipeline.workers for
// pipeline.workers. The names of settings of Logstash that mean nothing here are returned, for one line in the log.
func (s *Settings) LoadEnvironment(environ []string) (ignoredNames []string, err error) {
	squeezed := make(map[string]string, len(all))
	squeeze := strings.NewReplacer(".", "", "_", "")
	for _, d := range all {
		squeezed[squeeze.Replace(d.Name)] = d.Name
	}
	for old, to := range renamed {
		squeezed[squeeze.Replace(old)] = to
	}
	var errs []error
	for _, kv := range environ {
		name, value, _ := strings.Cut(kv, "=")
		key := squeeze.Replace(strings.ToLower(name))
		if to, ok := squeezed[key]; ok && strings.ContainsAny(name, "._") {
			if _, err := s.Set(to, value); err != nil {
				errs = append(errs, fmt.Errorf("environment variable %s: %w", name, err))
			}
			continue
		}
		if strings.HasPrefix(name, "XPACK_") || strings.HasPrefix(name, "xpack.") || name == "LS_JAVA_OPTS" || strings.HasPrefix(name, "MONITORING_") {
			ignoredNames = append(ignoredNames, name)
		}
	}
	slices.Sort(ignoredNames)
	return ignoredNames, errors.Join(errs...)
}

// Milliseconds returns a whole number of milliseconds as a duration.
func (s *Settings) Milliseconds(name string) time.Duration {
	return time.Duration(s.Int(name)) * time.Millisecond
}

package jdbc

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"millrace/internal/jdbc"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// tracker is the value of :sql_last_value and its file.
type tracker struct {
	path     string // "" if it is not kept
	fallback string // where Logstash has it, read if there is nothing at path
	numeric  bool
	dateTime bool       // written as a DateTime of Ruby, as Logstash does with jdbc_default_timezone
	zone     *jdbc.Zone // in which it is written into statements
	clean    bool       // what is kept is not read
	value    event.Value
}

// newTracker settles where the value is kept. What was read in a zone is written in the same, so that it finds its row whatever the zone is.
func newTracker(o *Options, env *plugin.Env, read *jdbc.Zone) *tracker {
	t := &tracker{numeric: o.UseColumnValue && o.TrackingColumnType == "numeric", dateTime: o.DefaultTimezone != nil, zone: read, clean: o.CleanRun}
	if !o.UseColumnValue && o.DefaultTimezone == nil {
		t.zone = jdbc.In(time.UTC)
		if o.PluginTimezone == "local" {
			t.zone = jdbc.In(time.Local)
		}
	}
	if o.RecordLastRun {
		const name = "logstash_jdbc_last_run"
		folder := filepath.Join(env.DataDir, "plugins", "inputs", "jdbc")
		switch t.path = o.LastRunPath; {
		case t.path != "":
		case env.Pipeline == "" || env.Pipeline == "main":
			t.path = filepath.Join(folder, name)
		default:
			t.path, t.fallback = filepath.Join(folder, env.Pipeline, name), filepath.Join(folder, name)
		}
	}
	t.reset()
	return t
}

func (t *tracker) reset() {
	t.value = event.TimeValue(time.Unix(0, 0))
	if t.numeric {
		t.value = event.IntValue(0)
	}
}

// load reads the value of an earlier run, if there was one. It returns what it could make nothing of.
func (t *tracker) load() (unread string, err error) {
	if t.path == "" {
		return "", nil
	}
	if t.clean {
		t.clean = false // once, not again after a failure
		if err := os.Remove(t.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("removing the value of the last run: %w", err)
		}
		return "", nil
	}
	data, err := os.ReadFile(t.path)
	if errors.Is(err, fs.ErrNotExist) && t.fallback != "" {
		data, err = os.ReadFile(t.fallback)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("reading the value of the last run: %w", err)
	}
	if v := parseYAML(string(data)); !t.take(v) {
		return strings.TrimSpace(string(data)), nil
	}
	return "", nil
}

// take makes v the value. It reports whether v is one that can be.
func (t *tracker) take(v event.Value) bool {
	if !t.numeric && v.Kind() == event.String {
		at, ok := parseTime(v.Str())
		if !ok {
			return false
		}
		v = event.TimeValue(at)
	}
	switch v.Kind() {
	case event.Time:
		if t.numeric {
			return false
		}
	case event.Int, event.Float, event.BigInt:
		if !t.numeric {
			return false
		}
	default:
		return false
	}
	t.value = v
	return true
}

// save writes the value.
func (t *tracker) save() error {
	if t.path == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(t.path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(t.path+".tmp", []byte(t.yaml()), 0o600); err != nil {
		return err
	}
	return os.Rename(t.path+".tmp", t.path)
}

// rubyTime is how Ruby writes a time in UTC as YAML.
const rubyTime = "2006-01-02 15:04:05.000000000 Z"

// yaml returns the value as Logstash writes it.
func (t *tracker) yaml() string {
	switch at := t.value.Time(); {
	case t.value.Kind() != event.Time:
		return "--- " + t.value.Text() + "\n"
	case t.dateTime:
		return "--- !ruby/object:DateTime '" + at.Format(rubyTime) + "'\n"
	default:
		return "--- " + at.Format(rubyTime) + "\n"
	}
}

// parseYAML reads what Logstash or save wrote: --- 5, --- 2024-01-01 10:00:00.000000000 Z, --- !ruby/object:DateTime '…', or
// --- !ruby/object:BigDecimal 18:0.55e1. Null is nothing of these.
func parseYAML(s string) event.Value {
	s = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(s), "---"))
	s = strings.TrimSpace(strings.TrimSuffix(s, "\n..."))
	decimal := false
	if strings.HasPrefix(s, "!") {
		tag, rest, _ := strings.Cut(s, " ")
		decimal = strings.HasSuffix(tag, "BigDecimal")
		s = strings.TrimSpace(rest)
	}
	s = strings.Trim(s, `'"`)
	if _, after, ok := strings.Cut(s, ":"); ok && decimal {
		s = after
	}
	if isDigits(strings.TrimPrefix(s, "-")) {
		return event.BigIntValue(s)
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil {
		return event.FloatValue(f)
	}
	if t, ok := parseTime(s); ok {
		return event.TimeValue(t)
	}
	return event.Value{}
}

func isDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// timeLayouts are the forms of times in files, and of tracked columns that are texts. Without a zone they are in UTC, as in Logstash.
var timeLayouts = []string{
	"2006-01-02 15:04:05.999999999 Z07:00", "2006-01-02 15:04:05.999999999Z07:00", time.RFC3339Nano, "2006-01-02 15:04:05.999999999 -0700",
	"2006-01-02 15:04:05.999999999", "2006-01-02T15:04:05.999999999", "2006-01-02",
}

func parseTime(s string) (time.Time, bool) {
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, strings.TrimSpace(s)); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

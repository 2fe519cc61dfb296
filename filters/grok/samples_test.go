package grok

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/filters/grok/patterns"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// sample is one line of testdata/samples.txt with its results by set.
type sample struct {
	name, text string
	want       map[patterns.Mode]string
}

func loadSamples(t testing.TB) []sample {
	t.Helper()
	text, err := os.ReadFile("testdata/samples.txt")
	require.NoError(t, err)
	unescape := strings.NewReplacer(`\\`, `\`, `\t`, "\t", `\n`, "\n")
	var all []sample
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case line == "" || line[0] == '#':
		case strings.HasPrefix(line, "  legacy "):
			all[len(all)-1].want[patterns.Legacy] = line[len("  legacy "):]
		case strings.HasPrefix(line, "  ecs "):
			all[len(all)-1].want[patterns.ECS] = line[len("  ecs "):]
		default:
			name, text, _ := strings.Cut(line, " ")
			all = append(all, sample{name, unescape.Replace(text), map[patterns.Mode]string{}})
		}
	}
	return all
}

func TestSamples(t *testing.T) {
	for _, s := range loadSamples(t) {
		for mode, want := range s.want {
			if place, captured, ok := strings.Cut(want, " {"); ok {
				want = place + " " + canonical(t, "{"+captured)
			}
			require.Equal(t, want, matchSample(t, mode, s), "%s, set %s, %q", s.name, mode, s.text)
		}
	}
}

// matchSample runs the filter and tells the place of the match besides what it captured.
func matchSample(t *testing.T, mode patterns.Mode, s sample) string {
	t.Helper()
	ecs := plugin.ECSDisabled
	if mode == patterns.ECS {
		ecs = plugin.ECSv8
	}
	o := defaults()
	o.Match = matchOf("sampled text", "%{"+s.name+"}")
	w := newWorker(t, ecs, o)
	e := newEvent(t, "sampled text", s.text)
	if !w.Filter(e) {
		return "no match"
	}
	e.Remove(event.MustPath("sampled text"))
	e.Remove(event.MustPath("tags"))
	start, end := w.own[0].matchers[0].Group(0)
	return fmt.Sprintf("%d-%d %s", start, end, canonical(t, withMetadata(e)))
}

func withMetadata(e *event.Event) string {
	document := string(e.AppendJSON(nil))
	if e.Metadata().Len() == 0 {
		return document
	}
	meta := string(event.ObjectValue(e.Metadata()).AppendJSON(nil))
	return strings.TrimSuffix(document, "}") + `,"@metadata":` + meta + "}"
}

// canonical sorts the keys of a document and writes numbers in one way.
func canonical(t *testing.T, document string) string {
	t.Helper()
	var v any
	require.NoError(t, json.Unmarshal([]byte(document), &v))
	text, err := json.Marshal(v)
	require.NoError(t, err)
	return string(text)
}

// Every pattern that people name directly has a sample; what others are made of is met in theirs.
func TestSamplesCoverTheLibrary(t *testing.T) {
	sampled := map[string]bool{}
	for _, s := range loadSamples(t) {
		sampled[s.name] = true
	}
	for _, mode := range []patterns.Mode{patterns.Legacy, patterns.ECS} {
		set := patterns.Library(mode)
		used := map[string]bool{}
		for _, name := range set.Names() {
			d, _ := set.Lookup(name)
			for rest := d.Text; ; {
				_, after, ok := strings.Cut(rest, "%{")
				if !ok {
					break
				}
				used[after[:strings.IndexAny(after, ":}")]] = true
				rest = after
			}
		}
		for _, name := range set.Names() {
			require.True(t, used[name] || sampled[name], "%s: no sample for %s", mode, name)
		}
	}
}

// Every pattern of the library compiles, in both sets, and its captures have valid names.
func TestLibraryCompiles(t *testing.T) {
	for _, mode := range []patterns.Mode{patterns.Legacy, patterns.ECS} {
		set := patterns.Library(mode)
		for _, name := range set.Names() {
			re, _, err := set.Compile("%{"+name+"}", true)
			require.NoError(t, err, "%s %s", mode, name)
			for _, group := range re.Names() {
				field, _ := patterns.ParseGroup(group.Name)
				_, err := event.ParsePath(field)
				require.NoError(t, err, "%s %s", mode, name)
			}
		}
	}
}

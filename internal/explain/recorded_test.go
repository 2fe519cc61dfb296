package explain

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"millrace/codecs"
	"millrace/filters"
	"millrace/inputs"
	"millrace/outputs"
	"millrace/pipeline/config"
	"millrace/pipeline/plugin"
)

// recordedConfigs returns the configurations of the recorded cases.
func recordedConfigs(t testing.TB) []string {
	t.Helper()
	paths, err := filepath.Glob("../../conformance/*/*.txtar")
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	var configs []string
	for _, path := range paths {
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		for _, f := range txtar.Parse(data).Files {
			text := string(f.Data)
			if f.Name == "pipeline.conf" {
				if !strings.Contains(text, "filter") {
					text = "filter {\n" + text + "\n}"
				}
				configs = append(configs, text)
			}
		}
	}
	return configs
}

func describeAll(t testing.TB, reg *plugin.Registry, text string) {
	t.Helper()
	f, _ := config.Parse("x.conf", []byte(text), config.ParseOptions{})
	r := Explain([]*config.File{f}, Options{Registry: reg, ECS: plugin.ECSv8})
	require.NoError(t, r.Write(io.Discard))
}

// TestRecordedConfigs: there is something to say about every configuration, one with mistakes included.
func TestRecordedConfigs(t *testing.T) {
	reg := plugin.NewRegistry(inputs.All(), codecs.All(), filters.All(), outputs.All())
	for _, text := range recordedConfigs(t) {
		describeAll(t, reg, text)
	}
}

// FuzzExplain: what can be parsed in part can be explained in part.
func FuzzExplain(f *testing.F) {
	reg := plugin.NewRegistry(inputs.All(), codecs.All(), filters.All(), outputs.All())
	for i, text := range recordedConfigs(f) {
		if i%10 == 0 {
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text string) { describeAll(t, reg, text) })
}

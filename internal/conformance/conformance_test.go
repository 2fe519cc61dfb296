package conformance

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/codecs"
	"millrace/filters"
	"millrace/inputs"
	"millrace/outputs"
	"millrace/pipeline/plugin"
	"millrace/pipeline/plugintest"
)

const recorded = "../../conformance"

// own holds our expectation for each recorded case in which Logstash stops, drops or loses an event because of its content, and for
// those where we refuse what it accepts in vain. docs/DEVIATIONS.md gives the reasons.
const own = "testdata"

func lists() [][]*plugin.Definition {
	return [][]*plugin.Definition{inputs.All(), codecs.All(), filters.All(), outputs.All()}
}

// TestConformance runs every recorded case, but those that have an expectation of our own.
func TestConformance(t *testing.T) {
	groups, err := os.ReadDir(recorded)
	require.NoError(t, err)
	for _, g := range groups {
		if !g.IsDir() || g.Name() == "deviations" {
			continue
		}
		t.Run(g.Name(), func(t *testing.T) {
			plugintest.Group(t, filepath.Join(recorded, g.Name()), filepath.Join(own, g.Name()), lists()...)
		})
	}
}

// TestDeviations runs our own expectations, and demands one for every case under deviations/.
func TestDeviations(t *testing.T) {
	groups, err := os.ReadDir(own)
	require.NoError(t, err)
	for _, g := range groups {
		t.Run(g.Name(), func(t *testing.T) {
			plugintest.Group(t, filepath.Join(own, g.Name()), "", lists()...)
		})
	}
	paths, err := filepath.Glob(filepath.Join(recorded, "deviations", "*.txtar"))
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	for _, path := range paths {
		require.FileExists(t, filepath.Join(own, "deviations", filepath.Base(path)), "a deviation without an expectation of our own")
	}
}

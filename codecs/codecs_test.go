package codecs

import (
	"sort"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/pipeline/plugintest"
)

func TestConformance(t *testing.T) {
	plugintest.Group(t, "../conformance/codec-decode", "", All())
	plugintest.Group(t, "../conformance/codec-encode", "", All())
}

func TestSorted(t *testing.T) {
	var names []string
	for _, d := range All() {
		names = append(names, d.Name)
	}
	require.True(t, sort.StringsAreSorted(names), "%v", names)
}

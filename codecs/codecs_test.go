package codecs

import (
	"sort"
	"testing"

	"github.com/stretchr/testify/require"
)

// The recorded cases of codecs run in internal/conformance, together with the filters that they use.

func TestSorted(t *testing.T) {
	var names []string
	for _, d := range All() {
		names = append(names, d.Name)
	}
	require.True(t, sort.StringsAreSorted(names), "%v", names)
}

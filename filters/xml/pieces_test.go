package xml

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/filters/internal/filtertest"
)

// A text in very many pieces takes no more than the time for its length.
func TestTextInPieces(t *testing.T) {
	const pieces = 1 << 19
	f := filtertest.New(t, Plugin, `source => "m" target => "x" force_array => false`)
	e := filtertest.Event(t, `{"m":"<a>`+strings.Repeat("x<!---->", pieces)+`</a>"}`)
	began := time.Now()
	require.True(t, f.Filter.Filter(e))
	require.Less(t, time.Since(began), 15*time.Second)
	v, _ := e.Root().Get("x")
	require.Equal(t, strings.Repeat("x", pieces), v.Str())
}

package dots

import (
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/codecs/internal/codectest"
	"millrace/pipeline/plugin"
)

func TestDots(t *testing.T) {
	c, err := New(Options{}, codectest.Env(plugin.ECSDisabled))
	require.NoError(t, err)
	require.Nil(t, c.NewDecoder)
	require.Equal(t, "..", codectest.Encode(t, c, `{"a":1}`, `{}`))
}

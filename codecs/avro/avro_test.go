package avro

import (
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/codecs/internal/codectest"
	"millrace/pipeline/plugin"
)

func TestRefused(t *testing.T) {
	_, err := New(Options{}, codectest.Env(plugin.ECSDisabled))
	require.ErrorContains(t, err, "have the producer send JSON")
}

package file

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Durations are told as they may be written.
func TestDurationsAsTheyAreWritten(t *testing.T) {
	for _, text := range []string{"1", "3600", "0.25", "15"} {
		var d seconds
		require.NoError(t, d.UnmarshalText([]byte(text)))
		require.Equal(t, text, d.String())
	}
	require.Equal(t, "14", days(14*24*time.Hour).String())
}

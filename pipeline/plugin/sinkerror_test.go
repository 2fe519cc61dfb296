package plugin

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSinkError(t *testing.T) {
	full := errors.New("the queue is closed")
	wrapped := fmt.Errorf("reading rows: %w", FromSink(full))
	require.Equal(t, full, SinkError(wrapped))
	require.ErrorIs(t, wrapped, full)
	require.EqualError(t, wrapped, "reading rows: the queue is closed")
	require.NoError(t, SinkError(full))
	require.NoError(t, SinkError(nil))
}

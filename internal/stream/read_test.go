package stream_test

import (
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"millrace/internal/stream"
)

func TestReadString(t *testing.T) {
	text := strings.Repeat("0123456789", 50_000)
	for _, r := range []io.Reader{strings.NewReader(text + "more"), iotest.DataErrReader(strings.NewReader(text))} {
		got, err := stream.ReadString(r, len(text))
		require.NoError(t, err)
		require.Equal(t, text, got)
	}
	_, err := stream.ReadString(iotest.ErrReader(io.ErrClosedPipe), 5)
	require.ErrorIs(t, err, io.ErrClosedPipe)
}

// What a peer announces and does not send costs nothing.
func TestReadStringTakesLittleForAnnouncements(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := stream.ReadString(strings.NewReader("little"), 1<<30)
	runtime.ReadMemStats(&after)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<20))
}

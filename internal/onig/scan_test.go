package onig

import (
	"strings"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// The searches must find the first byte and nothing else, wherever it stands in texts of all lengths.
func TestScans(t *testing.T) {
	for n := range 70 {
		text := strings.Repeat("\xff!a\x7f", 20)[:n+1]
		at := unsafe.Pointer(unsafe.StringData(text))
		require.Equal(t, n, pastStops(at, 0, n, '"'|'\\'<<8))
		require.Equal(t, n, pastGraph(at, 0, n))
		for i := range n {
			for _, c := range []string{`"`, `\`, " ", "\x00", "\t"} {
				text := text[:i] + c + text[i+1:] + `"`
				at := unsafe.Pointer(unsafe.StringData(text))
				stop, blank := i, n
				if c[0] <= ' ' {
					stop, blank = n, i
				}
				for from := range i + 1 {
					require.Equal(t, stop, pastStops(at, from, n, '"'|'\\'<<8), "%q from %d", text, from)
					require.Equal(t, blank, pastGraph(at, from, n), "%q from %d", text, from)
				}
				require.Equal(t, i, pastStops(at, 0, n, uint64(c[0])|uint64(c[0])<<8), "%q", text)
			}
		}
	}
}

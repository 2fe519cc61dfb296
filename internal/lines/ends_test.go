package lines

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/pipeline/event"
)

// TestEnds: however a text comes in pieces, its lines are the same.
func TestEnds(t *testing.T) {
	f := func(cut func(string) string, text string, want ...string) {
		t.Helper()
		for size := 1; size <= len(text)+1; size++ {
			framer := Ends{Cut: cut}
			var records []event.Record
			rest := ""
			for from := 0; from < len(text); from += size {
				records, rest = framer.Frame(rest+text[from:min(from+size, len(text))], records)
			}
			records = framer.Flush(rest, records)
			var got []string
			for _, r := range records {
				got = append(got, r.Data)
			}
			require.Equal(t, want, got, "%d bytes at a time", size)
		}
	}
	upper := func(line string) string { return strings.ToUpper(strings.TrimSuffix(line, "\n")) }
	f(nil, "")
	f(nil, "a\n\nbc\r\nd", "a\n", "\n", "bc\r\n", "d")
	f(upper, "a\n\nbc\r\nd", "A", "", "BC\r", "D")
	f(upper, "a\n", "A")
}

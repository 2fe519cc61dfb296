package esbulk

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestNotesStayWithTheirOperations takes operations with notes through everything that moves operations.
func TestNotesStayWithTheirOperations(t *testing.T) {
	fill := func(first, n int) *Buffer {
		b := new(Buffer)
		for i := first; i < first+n; i++ {
			b.B = fmt.Appendf(b.B, "{\"op\":%d}\n", i)
			if i%3 == 0 {
				b.EndHidden(fmt.Appendf(nil, "document %d", i))
			} else {
				b.End()
			}
			if i%2 == 0 {
				b.Replayed()
			}
		}
		b.claim(new(turn))
		return b
	}
	check := func(b *Buffer, first, n int) {
		t.Helper()
		require.Equal(t, n, b.Len())
		extra := 0
		for k := range n {
			i := first + k
			require.Equal(t, fmt.Sprintf("{\"op\":%d}\n", i), string(b.op(k)))
			require.Equal(t, i%2 == 0, b.notes[k].replayed, "operation %d", i)
			want := ""
			if i%3 == 0 {
				want = fmt.Sprint("document ", i)
			}
			require.Equal(t, want, string(b.notes[k].document))
			extra += len(want)
		}
		require.Equal(t, extra, b.extra)
	}
	a := fill(0, 20)
	check(a, 0, 20)
	a.appendAll(fill(20, 20))
	check(a, 0, 40)
	rest := a.split(17)
	check(a, 0, 17)
	check(rest, 17, 23)
	a.reset()
	require.Empty(t, a.notes)
	require.Zero(t, a.size())
}

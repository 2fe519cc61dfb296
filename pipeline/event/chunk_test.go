package event

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestChunk(t *testing.T) {
	back := 0
	lender := Chunks{Reuse: func(*Chunk) { back++ }}
	c := lender.Get(100)
	require.Len(t, c.Bytes, 100)
	one, other := &Batch{Text: "a", Chunk: c}, &Batch{Text: "b", Chunk: c}
	c.Use()
	c.Use()
	c.GiveBack()
	one.Recycle()
	require.Empty(t, one.Text)
	one.Recycle() // is no user any more
	other.Spread()
	require.Zero(t, back, "a batch has records of it")
	c.GiveBack()
	require.Equal(t, 1, back)
	require.PanicsWithValue(t, "BUG: a chunk was given back more often than it was used", c.GiveBack)
	require.Len(t, lender.Get(50).Bytes, 50, "chunks of another size are no use")
}

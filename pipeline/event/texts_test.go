package event

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// SetNewTexts and SetIfAbsent must come to the same, whatever the event has.
func TestSetNewTexts(t *testing.T) {
	const text = "the quick brown fox"
	parts := [][2]int32{{0, 19}, {0, 3}, {4, 9}, {-1, -1}, {7, 7}, {16, 19}, {0, 99}}
	f := func(done int, doc string, refs ...string) {
		t.Helper()
		quick, slow := New(nil), New(nil)
		quick.root.fields = make([]Field, 0, 32)
		var fields TextFields
		for i, ref := range refs {
			p := MustPath(ref)
			fields.Add(p, i+1)
			if i >= done {
				continue
			}
			if at := parts[i+1]; at[0] >= 0 && at[0] < at[1] {
				ok, err := slow.SetIfAbsent(p, StringValue(text[at[0]:at[1]]))
				require.NoError(t, err)
				require.True(t, ok, ref)
			}
		}
		quick.Set(MustPath("old"), StringValue(doc))
		slow.root.fields = append([]Field{{"old", StringValue(doc)}}, slow.root.fields...)
		require.Equal(t, done, quick.SetNewTexts(&fields, 0, text, parts), "%q", refs)
		require.Equal(t, fmt.Sprint(slow.root.fields), fmt.Sprint(quick.root.Fields()), "%q", refs)
		for i, ref := range refs[:done] {
			v, ok := quick.Get(MustPath(ref))
			at := parts[i+1]
			require.Equal(t, at[0] < at[1], ok, ref)
			if ok {
				require.Equal(t, text[at[0]:at[1]], v.Str())
			}
		}
	}
	f(2, "x", "a", "b")
	f(5, "x", "a", "b", "c", "d", "e")
	f(1, "x", "a", "old", "b")    // there is one
	f(1, "x", "a", "[b][c]", "d") // no top-level field
	f(1, "x", "a", "tags", "d")   // takes only some values
	f(0, "x", "@timestamp", "d")
	f(1, "x", "a", "a", "b")                // twice the same
	f(4, "x", "a", "b", "c", "d", "b", "e") // another one twice
	f(2, "x", "a", "b", "tags", "c")
	f(5, "x", "a", "b", "c", "d", "e", "f", "g") // a part outside of the text
	for _, part := range []int{-1, len(parts)} {
		var fields TextFields
		fields.Add(MustPath("a"), part)
		require.Equal(t, 0, New(nil).SetNewTexts(&fields, 0, text, parts))
	}
}

// Where there is no room for a field, or too many fields, the long way has to make some.
func TestSetNewTextsStops(t *testing.T) {
	e := New(nil)
	var fields TextFields
	var names []string
	for i := range 2 * indexFrom {
		names = append(names, fmt.Sprintf("field%d", i))
		fields.Add(MustPath(names[i]), 0)
	}
	parts := [][2]int32{{0, 1}}
	for i := 0; i < len(names); i++ {
		if i = e.SetNewTexts(&fields, i, "x", parts); i < len(names) {
			_, err := e.SetIfAbsent(MustPath(names[i]), StringValue("x"))
			require.NoError(t, err)
		}
	}
	require.Equal(t, len(names), e.root.Len())
	for _, name := range names {
		v, _ := e.root.Get(name)
		require.Equal(t, "x", v.Str())
	}
}

package mark

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestStampAndFind(t *testing.T) {
	b := []byte(`{"path":"/a?id=` + Blank + `"}`)
	Stamp(b[15:], 123456789012, 1763724000123456)
	require.Equal(t, `{"path":"/a?id=mrq123456789012x1763724000123456"}`, string(b))
	seq, micros, ok := Find(b)
	require.True(t, ok)
	require.EqualValues(t, 123456789012, seq)
	require.EqualValues(t, 1763724000123456, micros)
}

func TestFindSkipsWhatIsNoMark(t *testing.T) {
	f := func(in string, wantSeq uint64, wantOK bool) {
		t.Helper()
		seq, _, ok := Find([]byte(in))
		require.Equal(t, wantOK, ok)
		require.Equal(t, wantSeq, seq)
	}
	f("", 0, false)
	f("mrq", 0, false)
	f("mrq00000000001xx0000000000000000", 0, false)
	f("mrq000000000007x000000000000000", 0, false)
	f("mrq and mrq000000000007x0000000000000000 and mrq000000000008x0000000000000000", 7, true)
}

func BenchmarkFind(b *testing.B) {
	line := make([]byte, 300)
	for i := range line {
		line[i] = 'a'
	}
	Stamp(line[200:], 1, 2)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, ok := Find(line); !ok {
			b.Fatal("no mark found")
		}
	}
}

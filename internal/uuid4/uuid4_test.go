package uuid4

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAppend(t *testing.T) {
	form := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	var s Source
	seen := make(map[string]bool)
	for range 1000 {
		id := string(s.Append(nil))
		require.Regexp(t, form, id)
		require.False(t, seen[id])
		seen[id] = true
	}
}

func BenchmarkAppend(b *testing.B) {
	var s Source
	buf := make([]byte, 0, 36)
	b.ReportAllocs()
	for b.Loop() {
		s.Append(buf)
	}
}

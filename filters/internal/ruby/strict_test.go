package ruby

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/pipeline/event"
)

func TestStrictInteger(t *testing.T) {
	f := func(s, want string) {
		t.Helper()
		v, ok := StrictInteger(new(event.Arena), s)
		if want == "" {
			require.False(t, ok, "%q gives %s", s, v.Text())
			return
		}
		require.True(t, ok, "%q", s)
		require.Equal(t, want, v.Text(), "%q", s)
	}
	f("0", "0")
	f("-0", "0")
	f("1234", "1234")
	f(" +12\n", "12")
	f("1_000", "1000")
	f("0x1F", "31")
	f("-0x1f", "-31")
	f("0b101", "5")
	f("0o17", "15")
	f("017", "15")
	f("0d17", "17")
	f("99999999999999999999", "99999999999999999999")
	f("-99999999999999999999", "-99999999999999999999")
	f("0xffffffffffffffffff", "4722366482869645213695")
	for _, s := range []string{"", "-", "0x", "08", "1__0", "_1", "1_", "1.5", "12a", "a", "--1", "0x-1", "1 2", "+"} {
		f(s, "")
	}
}

func TestStrictFloat(t *testing.T) {
	f := func(s string, want float64) {
		t.Helper()
		got, ok := StrictFloat(s)
		if math.IsNaN(want) {
			require.False(t, ok, "%q gives %v", s, got)
			return
		}
		require.True(t, ok, "%q", s)
		require.Equal(t, want, got, "%q", s)
	}
	f("10.43", 10.43)
	f("-1e3", -1000)
	f(" 1_000.5 ", 1000.5)
	f("1e400", math.Inf(1))
	f("1e-400", 0)
	f(".5", 0.5)
	for _, s := range []string{"", ".", "5.", "1.e5", "e5", "1e", "NaN", "Inf", "0x1p2", "1.2.3", "192.0.2.1", "1-2"} {
		f(s, math.NaN())
	}
}

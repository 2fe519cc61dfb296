package grok

import (
	"math"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/pipeline/event"
)

// The results are those of Ruby's String#to_i.
func TestRubyInt(t *testing.T) {
	f := func(s, want string) {
		t.Helper()
		require.Equal(t, want, rubyInt(s).Text(), "%q", s)
	}
	f("", "0")
	f("abc", "0")
	f("12", "12")
	f("-12", "-12")
	f("+12", "12")
	f("- 12", "0")
	f(" \t\n12", "12")
	f("12abc", "12")
	f("1.9", "1")
	f("1e3", "1")
	f("0x1f", "0")
	f("010", "10")
	f("1_000", "1000")
	f("1__000", "1")
	f("_1", "0")
	f("1_", "1")
	f("9223372036854775807", "9223372036854775807")
	f("-9223372036854775808", "-9223372036854775808")
	f("9223372036854775808", "9223372036854775808")
	f("-12345678901234567890123", "-12345678901234567890123")
	f("0000000000000000000000000000042", "42")
	f("12_345_678_901_234_567_890", "12345678901234567890")
	require.Equal(t, event.Int, rubyInt("-9223372036854775808").Kind())
}

// The results are those of Ruby's String#to_f.
func TestRubyFloat(t *testing.T) {
	f := func(s string, want float64) {
		t.Helper()
		got := rubyFloat(s)
		require.Equal(t, want, got, "%q", s)
		require.Equal(t, math.Signbit(want), math.Signbit(got), "%q", s)
	}
	f("", 0)
	f("x", 0)
	f(".", 0)
	f("1", 1)
	f("1.5", 1.5)
	f("-1.5x", -1.5)
	f("+.5", 0.5)
	f("-.5", -0.5)
	f("5.", 5)
	f("5.x", 5)
	f(" 1.25", 1.25)
	f("1e3", 1000)
	f("1E-2z", 0.01)
	f("1e", 1)
	f("1e+", 1)
	f("1.5e2.5", 150)
	f("1_000.2_5", 1000.25)
	f("1_e2", 1)
	f("1e400", math.Inf(1))
	f("-1e400", math.Inf(-1))
	f("1e-400", 0)
	f("-0", math.Copysign(0, -1))
	f("0x10", 0)
	f("NaN", 0)
	f("Infinity", 0)
}

func FuzzRubyNumbers(f *testing.F) {
	for _, seed := range []string{"12", "-1.5e3", "1_0", "+.5", "9999999999999999999", "1e999"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if want, err := strconv.ParseInt(s, 10, 64); err == nil && rubyInt(s).Text() != strconv.FormatInt(want, 10) {
			t.Fatalf("%q: %s", s, rubyInt(s).Text())
		}
		if math.IsNaN(rubyFloat(s)) {
			t.Fatalf("%q is not a number", s)
		}
	})
}

package ruby

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/pipeline/event"
)

func TestInteger(t *testing.T) {
	f := func(s, want string) {
		t.Helper()
		require.Equal(t, want, Integer(new(event.Arena), []byte(s)).Text(), s)
	}
	f("", "0")
	f("12abc", "12")
	f("  -12", "-12")
	f("- 12", "0")
	f("1_000", "1000")
	f("1__0", "1")
	f("0d12", "12")
	f("0x1f", "0")
	f("000000000000000000000000001", "1")
	f("-99999999999999999999", "-99999999999999999999")
	f("9223372036854775807", "9223372036854775807")
}

func TestFloat(t *testing.T) {
	f := func(s string, want float64) {
		t.Helper()
		require.Equal(t, want, Float([]byte(s)), s)
	}
	f("", 0)
	f("-", 0)
	f("1.5x", 1.5)
	f("1.", 1)
	f(".5", 0.5)
	f("1e2", 100)
	f("1e", 1)
	f("1e+", 1)
	f("1_0.5_0", 10.5)
	f("1._5", 1)
	f("NaN", 0)
}

func TestToInteger(t *testing.T) {
	f := func(doc string, want int64, wantOK bool) {
		t.Helper()
		e := event.New(nil)
		v, _, _, err := e.ParseJSON(doc)
		require.NoError(t, err)
		got, ok := ToInteger(v)
		require.Equal(t, wantOK, ok)
		if ok {
			require.Equal(t, want, got)
		}
	}
	f(`null`, 0, true)
	f(`7`, 7, true)
	f(`-7.9`, -7, true)
	f(`"34x"`, 34, true)
	f(`1e300`, 0, false)
	f(`"99999999999999999999"`, 0, false)
	f(`true`, 0, false)
	f(`{}`, 0, false)
}

// TestPlain holds Plain to strconv over texts of digits and what stands next to digits in ASCII, of all lengths.
func TestPlain(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	alphabets := []string{"0123456789", "0123456789", "09", "0123456789/:-+ \xb0", "-12"}
	for range 200_000 {
		alphabet := alphabets[r.IntN(len(alphabets))]
		b := make([]byte, r.IntN(21))
		for i := range b {
			b[i] = alphabet[r.IntN(len(alphabet))]
		}
		s := string(b)
		want, err := strconv.ParseInt(s, 10, 64)
		plain := err == nil && s[0] != '+' && len(strings.TrimPrefix(s, "-")) <= 18
		if !plain {
			want = 0
		}
		got, ok := Plain(s)
		require.Equal(t, plain, ok, "%q", s)
		require.Equal(t, want, got, "%q", s)
	}
}

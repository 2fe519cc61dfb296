package rubynum

import (
	"math"
	"testing"
)

func TestToFloat(t *testing.T) {
	f := func(in string, want float64) {
		t.Helper()
		if got := ToFloat(in); got != want {
			t.Errorf("%q: got %v, want %v", in, got, want)
		}
	}
	f("", 0)
	f("abc", 0)
	f(" 12.5x", 12.5)
	f("-1e3", -1000)
	f("1e", 1)
	f("1.", 1)
	f(".5", 0.5)
	f("-.5e1x", -5)
	f(".", 0)
	f("1_000.5", 1000.5)
	f("1__0", 1)
	f("1e400", math.Inf(1))
	f("0x1F", 0)
}

func TestInteger(t *testing.T) {
	f := func(in string, want int64, ok bool) {
		t.Helper()
		if got, gotOK := Integer(in); got != want || gotOK != ok {
			t.Errorf("%q: got %v %v, want %v %v", in, got, gotOK, want, ok)
		}
	}
	f(" 5 ", 5, true)
	f("-5", -5, true)
	f("0x1F", 31, true)
	f("010", 8, true)
	f("08", 0, false)
	f("1_0", 10, true)
	f("1__0", 0, false)
	f("", 0, false)
	f("5x", 0, false)
	f("5.0", 0, false)
}

func TestFloat(t *testing.T) {
	f := func(in string, want float64, ok bool) {
		t.Helper()
		if got, gotOK := Float(in); got != want || gotOK != ok {
			t.Errorf("%q: got %v %v, want %v %v", in, got, gotOK, want, ok)
		}
	}
	f("1.5", 1.5, true)
	f(" 1e3\n", 1000, true)
	f("5", 5, true)
	f("x", 0, false)
	f("1.5x", 0, false)
	f("NaN", 0, false)
}

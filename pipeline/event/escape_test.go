package event

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// TestTextAtTheEndOfMemory: texts that end where the next page cannot be read are written whole. Each length meets each distance
// to the end of the page, and an escape at each place.
func TestTextAtTheEndOfMemory(t *testing.T) {
	size := os.Getpagesize()
	mem, err := syscall.Mmap(-1, 0, 2*size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	require.NoError(t, err)
	defer func() { _ = syscall.Munmap(mem) }()
	require.NoError(t, syscall.Mprotect(mem[size:], syscall.PROT_NONE))
	const longest = 40
	for n := range longest {
		for gap := range 20 {
			from := size - n - gap
			text := mem[from : from+n]
			for at := -1; at < n; at++ {
				for _, c := range []byte{'"', '\\', '\n', 0x1f, 0x20, 0x80} {
					for i := range mem[from:size] {
						mem[from+i] = 'a'
					}
					if at >= 0 {
						text[at] = c
					}
					s := unsafe.String(unsafe.SliceData(text), n)
					want := quoted(s)
					if got := string(AppendJSONString(nil, s)); got != want {
						t.Fatalf("%q became %s", s, got)
					}
					if got := plainPrefix(s); at < 0 && got != n || at >= 0 && c != 0x20 && c != 0x80 && got != at {
						t.Fatalf("the plain prefix of %q has %d bytes", s, got)
					}
					o := Object{fields: []Field{{Key: s, Val: StringValue(s)}}}
					if got := string(o.AppendJSON(nil)); got != "{"+want+":"+want+"}" {
						t.Fatalf("%q as a field became %s", s, got)
					}
					o.fields[0].Val.kind = rawJSON
					if got := string(o.AppendJSON(nil)); got != "{"+want+":"+s+"}" {
						t.Fatalf("%q as JSON text became %s", s, got)
					}
				}
			}
		}
	}
}

// quoted is the slow and plain form of AppendJSONString.
func quoted(s string) string {
	dst := []byte{'"'}
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c == '"' || c == '\\' {
			dst = appendEscape(dst, c)
			continue
		}
		dst = append(dst, s[i])
	}
	return string(append(dst, '"'))
}

func FuzzAppendJSONString(f *testing.F) {
	f.Add("key", "text")
	f.Add(`"`, strings.Repeat(`\"`, 40))
	f.Add("a\nb", strings.Repeat("x", 100)+"\x00")
	f.Add("", strings.Repeat("é", bigText))
	f.Fuzz(func(t *testing.T, key, text string) {
		o := Object{fields: []Field{{Key: key, Val: StringValue(text)}, {Key: text, Val: StringValue(key)}, {Key: key, Val: IntValue(7)}}}
		prefix := make([]byte, 3, 4+len(key)%7)
		got := string(o.AppendJSON(prefix)[3:])
		require.Equal(t, "{"+quoted(key)+":"+quoted(text)+","+quoted(text)+":"+quoted(key)+","+quoted(key)+":7}", got)
		require.True(t, json.Valid([]byte(got)))
	})
}

// TestFieldsOfEveryKind compares objects of random fields with what their fields are one by one.
func TestFieldsOfEveryKind(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	at := time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC)
	raw := StringValue(`{"a":[1,2.5,"\n"]}`)
	raw.kind = rawJSON
	child := New(nil).NewObject()
	child.Set("a b", IntValue(1))
	child.Set("t", TimeValue(at))
	one := func() Value {
		switch r.IntN(10) {
		case 0:
			return IntValue(int64(r.Uint64() >> r.IntN(64)))
		case 1:
			return IntValue(r.Int64N(3) - 1 + 99_999_999*r.Int64N(2))
		case 2:
			return BoolValue(r.IntN(2) == 0)
		case 3:
			return TimeValue(at.Add(time.Duration(r.IntN(2)) * time.Microsecond))
		case 4:
			return raw
		case 5:
			return Value{kind: hole}
		case 6:
			return FloatValue(r.Float64())
		case 7:
			return ObjectValue(child)
		case 8:
			return Value{}
		}
		return StringValue(strings.Repeat("é\"\n"[:2+r.IntN(3)], r.IntN(20)))
	}
	for range 20_000 {
		var o Object
		want := []byte{'{'}
		for range r.IntN(12) {
			f := Field{Key: strings.Repeat("k", r.IntN(20)) + `"`, Val: one()}
			o.fields = append(o.fields, f)
			if f.Val.kind == hole {
				continue
			}
			if len(want) > 1 {
				want = append(want, ',')
			}
			want = append(append(want, quoted(f.Key)...), ':')
			switch f.Val.kind {
			case String:
				want = append(want, quoted(f.Val.Str())...)
			case Int:
				want = strconv.AppendInt(want, f.Val.Int(), 10)
			default:
				want = f.Val.AppendJSON(want)
			}
		}
		got := o.AppendJSON(make([]byte, 3, 4+r.IntN(300)))[3:]
		require.Equal(t, string(append(want, '}')), string(got))
	}
}

func TestAppendInt(t *testing.T) {
	for _, base := range []int64{0, 9, 10, 11, 99, 100, 101, 909, 1000, 12345, 70007, 999999, 1000000, 99999999, 100000000, 1 << 40, -1, -99, math.MaxInt64, math.MinInt64} {
		for d := int64(-1); d <= 1; d++ {
			want := strconv.FormatInt(base+d, 10)
			require.Equal(t, want, string(IntValue(base+d).AppendJSON(nil)))
			o := Object{fields: []Field{{Key: "i", Val: IntValue(base + d)}}}
			require.Equal(t, `{"i":`+want+"}", string(o.AppendJSON(nil)))
		}
	}
}

package event

import (
	"encoding/json"
	"math"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
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

func TestAppendInt(t *testing.T) {
	for _, base := range []int64{0, 9, 10, 11, 99, 100, 101, 909, 1000, 12345, 70007, 999999, 1000000, 99999999, 100000000, 1 << 40, -1, -99, math.MaxInt64, math.MinInt64} {
		for d := int64(-1); d <= 1; d++ {
			require.Equal(t, strconv.FormatInt(base+d, 10), string(appendInt(nil, base+d)))
		}
	}
}

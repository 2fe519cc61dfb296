package lines

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/pipeline/event"
)

// frame feeds data in pieces of n bytes.
func frame(f *Framer, data string, n int) []event.Record {
	var records []event.Record
	rest := ""
	for len(data) > 0 {
		k := min(n, len(data))
		records, rest = f.Frame(rest+data[:k], records)
		data = data[k:]
	}
	return f.Flush(rest, records)
}

func text(records []event.Record) string {
	var parts []string
	for _, r := range records {
		part := r.Data
		if r.Tag != "" {
			part += " " + r.Tag
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, "|")
}

func TestFrame(t *testing.T) {
	f := func(delimiter string, limit int, in, want string) {
		t.Helper()
		for n := 1; n <= len(in)+1; n++ {
			if got := text(frame(New(delimiter, limit, "cut"), in, n)); got != want {
				t.Errorf("%q in pieces of %d: got %q, want %q", in, n, got, want)
			}
		}
	}
	f("\n", 100, "", "")
	f("\n", 100, "a\nb\r\n\nc", "a|b\r||c")
	f("\n", 100, "a\n", "a")
	f("<END>", 100, "a<END>b<EN<END>c<E", "a|b<EN|c<E")
	f("aab", 100, "aaab|aab", "a||")
	f("\n", 3, "abc\nabcd\nabcdefg\nx", "abc|abc cut|d cut|abc cut|def cut|g cut|x")
	f("\n", 3, "aé\naéé\n", "aé|aé cut|é cut")
	f("\n", 3, "abcdé\n", "abc cut|dé cut")
	f("<>", 4, "abcd<>abcde<>x", "abcd|abcd cut|e cut|x")
	f("\n", 2, "\x80\x80\x80\x80", "\x80\x80 cut|\x80\x80 cut")
}

func TestFrameSkipping(t *testing.T) {
	f := func(limit int, in, want string) {
		t.Helper()
		for n := 1; n <= len(in)+1; n++ {
			if got := text(frame(NewSkipping("<>", limit, "big"), in, n)); got != want {
				t.Errorf("%q in pieces of %d: got %q, want %q", in, n, got, want)
			}
		}
	}
	f(3, "abc<>abcd<>ab<>", "abc| big|ab")
	f(3, "abcdefghijkl", " big")
	f(3, "abcdefghijkl<>x", " big|x")
}

// A framer that skips a record keeps nothing of it.
func TestSkippedRestIsFreed(t *testing.T) {
	f := NewSkipping("\n", 10, "big")
	records, rest := f.Frame(strings.Repeat("x", 100), nil)
	require.Len(t, records, 1)
	require.Empty(t, rest)
	records, rest = f.Frame("more", nil)
	require.Empty(t, records)
	require.Empty(t, rest)
}

// A long line that arrives in pieces is searched once: the work grows with its length, not with its square.
func TestLongLineIsSearchedOnce(t *testing.T) {
	f := New("\n", DefaultLimit, "cut")
	data := strings.Repeat("x", 10<<20)
	for n := 64 << 10; n <= len(data); n += 64 << 10 {
		_, rest := f.Frame(data[:n], nil)
		require.Len(t, rest, n)
		require.Equal(t, n, f.searched)
	}
}

func FuzzFrame(f *testing.F) {
	f.Add("a\nb\n\nc", "\n", uint8(3), uint8(20))
	f.Add("abcdefgh<>éé<>x<", "<>", uint8(2), uint8(3))
	f.Fuzz(func(t *testing.T, in, delimiter string, n, limit uint8) {
		if delimiter == "" || n == 0 || limit == 0 {
			return
		}
		for _, make := range []func(string, int, string) *Framer{New, NewSkipping} {
			checkSpans(t, make(delimiter, int(limit), "cut"), make(delimiter, int(limit), "cut"), in, int(n))
			whole := fmt.Sprint(frame(make(delimiter, int(limit), "cut"), in, len(in)+1))
			if parts := fmt.Sprint(frame(make(delimiter, int(limit), "cut"), in, int(n))); parts != whole {
				t.Fatalf("%q by %q in pieces of %d: %q, whole %q", in, delimiter, n, parts, whole)
			}
		}
		got := frame(New(delimiter, len(in)+1, "cut"), in, int(n))
		want := strings.Split(in, delimiter)
		if want[len(want)-1] == "" {
			want = want[:len(want)-1]
		}
		if len(got) != len(want) {
			t.Fatalf("%q by %q: got %d records, want %d", in, delimiter, len(got), len(want))
		}
		for i := range want {
			if got[i].Data != want[i] {
				t.Fatalf("%q by %q: record %d is %q, want %q", in, delimiter, i, got[i].Data, want[i])
			}
		}
	})
}

// checkSpans feeds data in pieces of n bytes to two framers of the same kind, one of which gives spans where it can.
func checkSpans(t *testing.T, a, b *Framer, data string, n int) {
	t.Helper()
	var want, got []event.Record
	restA, restB := "", ""
	for len(data) > 0 {
		k := min(n, len(data))
		want, restA = a.Frame(restA+data[:k], want)
		text := restB + data[:k]
		spans, rest, ok := b.FrameSpans(text, nil)
		if ok {
			batch := event.Batch{Text: text, Spans: spans}
			batch.Spread()
			got = append(got, batch.Records...)
			restB = rest
		} else {
			got, restB = b.Frame(text, got)
		}
		require.Equal(t, want, got)
		require.Equal(t, restA, restB)
		data = data[k:]
	}
	require.Equal(t, a.Flush(restA, want), b.Flush(restB, got))
}

func TestFrameSpans(t *testing.T) {
	for _, in := range []string{"", "a\nb\r\n\nc", "a\n", "\n", "abcdefgh\nij\nklmnopqrstu\nv"} {
		for n := 1; n <= len(in)+1; n++ {
			for limit := 3; limit < 20; limit++ {
				checkSpans(t, New("\n", limit, "cut"), New("\n", limit, "cut"), in, n)
				checkSpans(t, NewSkipping("\n", limit, "cut"), NewSkipping("\n", limit, "cut"), in, n)
			}
		}
	}
	_, _, ok := New("\n", 3, "cut").FrameSpans("abcd", nil)
	require.False(t, ok)
}

func BenchmarkFrameSpans(b *testing.B) {
	data := strings.Repeat(strings.Repeat("x", 149)+"\n", 436)
	f := New("\n", DefaultLimit, "cut")
	spans := make([]event.Span, 0, 512)
	b.ReportAllocs()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		spans, _, _ = f.FrameSpans(data, spans[:0])
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/436, "ns/line")
}

func BenchmarkFrame(b *testing.B) {
	data := strings.Repeat(strings.Repeat("x", 149)+"\n", 436)
	f := New("\n", DefaultLimit, "cut")
	records := make([]event.Record, 0, 512)
	b.ReportAllocs()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		records, _ = f.Frame(data, records[:0])
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/436, "ns/line")
}

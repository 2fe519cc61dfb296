package joda

import (
	"bufio"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// rows reads a table of tab-separated facts. Tabs, new lines and backslashes inside a cell are escaped as in Go.
func rows(t testing.TB, name string) [][]string {
	f, err := os.Open("testdata/" + name)
	require.NoError(t, err)
	defer f.Close()
	var out [][]string
	s := bufio.NewScanner(f)
	for s.Scan() {
		if line := s.Text(); !strings.HasPrefix(line, "# ") {
			cells := strings.Split(line, "\t")
			for i := range cells {
				cells[i] = strings.NewReplacer(`\t`, "\t", `\n`, "\n", `\\`, `\`).Replace(cells[i])
			}
			out = append(out, cells)
		}
	}
	require.NoError(t, s.Err())
	require.NotEmpty(t, out)
	return out
}

func testFormatTable(t *testing.T, name string, compile func(string) (*Formatter, error)) {
	for _, r := range rows(t, name) {
		f, err := compile(r[0])
		if r[1] == "!" {
			require.Error(t, err, "%q", r[0])
			continue
		}
		require.NoError(t, err, "%q", r[0])
		at, ok := ParseTimestamp(r[1])
		require.True(t, ok, "%q", r[1])
		require.Equal(t, r[2], string(f.Append(nil, at)), "%q of %s", r[0], r[1])
	}
}

// The tables were written by java.time of JDK 17 and by Joda-Time 2.12.7.
func TestFormatTables(t *testing.T) {
	testFormatTable(t, "java-format.tsv", NewJavaFormatter)
	testFormatTable(t, "joda-format.tsv", NewFormatter)
}

func TestPatternErrors(t *testing.T) {
	f := func(compile func(string) (*Formatter, error), pattern, want string) {
		t.Helper()
		_, err := compile(pattern)
		require.EqualError(t, err, want)
	}
	f(NewFormatter, "yyyy.QQ", `date format "yyyy.QQ": unknown letter "Q" at offset 5`)
	f(NewFormatter, "yyyy 'x' tt", `date format "yyyy 'x' tt": unknown letter "t" at offset 9`)
	f(NewFormatter, "", `date format "": the format is empty at offset 0`)
	f(NewJavaFormatter, "yyyy.C", `date format "yyyy.C": unknown letter "C" at offset 5`)
	f(NewJavaFormatter, "dd.MM'x", `date format "dd.MM'x": the quoted text is not closed at offset 5`)
	f(NewJavaFormatter, "HHH", `date format "HHH": too many letters H at offset 0`)
	f(NewJavaFormatter, "a]", `date format "a]": ] without [ before it at offset 1`)
	f(NewJavaFormatter, "a{", `date format "a{": reserved character "{" at offset 1`)
	f(NewJavaFormatter, "dp", `date format "dp": the pad letter p must be followed by another letter at offset 1`)
}

func TestFormatDoesNotAllocate(t *testing.T) {
	buf := make([]byte, 0, 64)
	f, err := NewFormatter("yyyy.MM.dd'T'HH:mm:ss.SSSZ EEEE MMMM")
	require.NoError(t, err)
	now := time.Now()
	require.Zero(t, testing.AllocsPerRun(100, func() { buf = f.Append(buf[:0], now) }))
	require.Zero(t, testing.AllocsPerRun(100, func() { buf = AppendTimestamp(buf[:0], now) }))
}

func BenchmarkFormatIndex(b *testing.B) {
	f, err := NewFormatter("yyyy.MM.dd")
	require.NoError(b, err)
	buf := make([]byte, 0, 64)
	now := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		buf = f.Append(buf[:0], now)
	}
}

func BenchmarkFormatGo(b *testing.B) {
	buf := make([]byte, 0, 64)
	now := time.Now().UTC()
	b.ReportAllocs()
	for b.Loop() {
		buf = now.AppendFormat(buf[:0], "2006.01.02")
	}
}

func BenchmarkAppendTimestamp(b *testing.B) {
	buf := make([]byte, 0, 64)
	now := time.Now().Truncate(time.Millisecond)
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendTimestamp(buf[:0], now)
	}
}

func BenchmarkParseTimestamp(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := ParseTimestamp("2024-03-14T09:26:53.123Z"); !ok {
			b.Fatal("not read")
		}
	}
}

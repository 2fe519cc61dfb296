package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const head = "goos: linux\ngoarch: amd64\npkg: millrace/bench\ncpu: Example 1\n"

// output is what `go test` prints of one benchmark with these costs.
func output(name string, extra string, ns ...float64) string {
	var b strings.Builder
	for _, v := range ns {
		fmt.Fprintf(&b, "Benchmark%s-8\t 1000\t %v ns/op\t%s 16 B/op\t 1 allocs/op\n", name, v, extra)
	}
	return b.String()
}

func parsed(t *testing.T, text string) *results {
	t.Helper()
	res, err := parse(strings.NewReader(head+text+"PASS\nok  \tmillrace/bench\t1.0s\n"), "test")
	require.NoError(t, err)
	return res
}

func TestParse(t *testing.T) {
	res := parsed(t, output("Ring", "", 4, 5, 6)+output("Filter/date", " 61.5 net-ns/op\t", 90))
	require.Equal(t, []string{"Ring", "Filter/date"}, res.names)
	require.Equal(t, []float64{4, 5, 6}, res.values["Ring"]["ns/op"])
	require.Equal(t, []float64{61.5}, res.values["Filter/date"]["net-ns/op"])
	require.Equal(t, "Example 1", res.cpu)
}

func TestParseWithoutProcs(t *testing.T) {
	res := parsed(t, "BenchmarkPipeline/raw/workers=2\t 10\t 5 ns/op\n")
	require.Equal(t, []string{"Pipeline/raw/workers=2"}, res.names)
}

func TestParseSaysWhereItFails(t *testing.T) {
	_, err := parse(strings.NewReader(head+"BenchmarkRing-8 10 x ns/op\n"), "bad.txt")
	require.ErrorContains(t, err, "bad.txt:5")
}

func TestRowsAgainstBudget(t *testing.T) {
	all := rows(parsed(t, output("Filter/date", " 66 net-ns/op\t", 90, 91, 92)+output("Growth/fields/20", " 40 ns/field\t", 500)), nil)
	require.Len(t, all, 2)
	require.Equal(t, row{stage: "Filter/date", unit: "net-ns/op", cost: 66, budget: 60, allocs: 1}, all[0])
	require.Equal(t, row{stage: "Growth/fields/20", unit: "ns/op", cost: 500, allocs: 1, also: "40 ns/field"}, all[1])
}

func TestRowsAgainstRecord(t *testing.T) {
	f := func(before, now []float64, want string) {
		t.Helper()
		all := rows(parsed(t, output("Ring", "", now...)), parsed(t, output("Ring", "", before...)))
		require.Equal(t, want, all[0].delta)
	}
	f([]float64{10, 10.1, 10.2, 10.3, 10.4}, []float64{5, 5.1, 5.2, 5.3, 5.4}, "-49.02% (p=0.008 n=5)")
	f([]float64{10, 11, 12, 13, 14}, []float64{10.5, 11.5, 12.5, 9, 14.5}, "~")
	f([]float64{10, 10.1}, []float64{5, 5.1}, "~") // too few to tell
	f(nil, []float64{5}, "")
}

func TestTable(t *testing.T) {
	dir := t.TempDir()
	now, recorded := filepath.Join(dir, "now.txt"), filepath.Join(dir, "recorded.txt")
	require.NoError(t, os.WriteFile(now, []byte(head+output("Encode", "", 300, 300, 300, 300, 300)+output("Way/raw", " 0.4 cpu-s/M\t", 900)), 0o600))
	var out strings.Builder
	require.NoError(t, run([]string{"-from", now, "-recorded", recorded, "-record"}, &out))
	require.Equal(t, `stage    cost  unit     budget  ratio      allocs  since recorded  also
Encode   300   ns/op    200     1.50 over  1                       
Way/raw  0.4   cpu-s/M  0.45    0.89       1                       

nothing is recorded in `+recorded+"\n", out.String())
	out.Reset()
	require.NoError(t, run([]string{"-from", now, "-recorded", recorded}, &out))
	require.Contains(t, out.String(), "Encode   300   ns/op    200     1.50 over  1       ~ ")
	require.NotContains(t, out.String(), "nothing is recorded")
}

func TestRefusals(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.txt")
	require.NoError(t, os.WriteFile(empty, []byte(head), 0o600))
	require.ErrorContains(t, run([]string{"-from", empty, "-recorded", empty + "none"}, &strings.Builder{}), "no benchmark")
	require.ErrorContains(t, run([]string{"-record", "-bench", "Ring"}, &strings.Builder{}), "exclude each other")
}

// TestBudgetsHaveBenchmarks: a budget whose benchmark was renamed would be held to nothing.
func TestBudgetsHaveBenchmarks(t *testing.T) {
	var source strings.Builder
	files, err := filepath.Glob("../*_test.go")
	require.NoError(t, err)
	for _, name := range files {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		source.Write(text)
	}
	for name, b := range budgets {
		first, rest, _ := strings.Cut(name, "/")
		require.Contains(t, source.String(), "func Benchmark"+first+"(")
		if rest != "" {
			require.Contains(t, source.String(), `"`+rest+`"`)
		}
		if b.unit != "ns/op" {
			require.Contains(t, source.String(), `"`+b.unit+`"`)
		}
	}
}

package bench

import (
	"strings"
	"testing"

	"millrace/bench/internal/load"
	"millrace/pipeline/event"
)

// lineCount is how many different lines the benchmarks go through: more than a branch predictor learns, and less than
// the processor's second-level cache.
const lineCount = 512

// linesOf returns lines of a workload, marked, without newline.
func linesOf(b *testing.B, workload string) []string {
	b.Helper()
	pool, err := load.NewPool(workload)
	if err != nil {
		b.Fatal(err)
	}
	lines := make([]string, lineCount)
	for i := range lines {
		line := pool.Append(nil, uint64(i), 1_700_000_000_000_000+int64(i))
		lines[i] = string(line[:len(line)-1])
	}
	return lines
}

// recordsOf returns the lines of a workload as an input hands them on, and their length in bytes.
func recordsOf(b *testing.B, workload string) (records []event.Record, bytes int) {
	b.Helper()
	for _, line := range linesOf(b, workload) {
		records = append(records, event.Record{Data: line})
		bytes += len(line)
	}
	return records, bytes
}

// betweenOf returns what is in lines of workload apache between the last before and the next after behind it: "[" and "]"
// are around the time, ` "` and `"` around the user agent.
func betweenOf(b *testing.B, before, after string) []string {
	b.Helper()
	texts := linesOf(b, "apache")
	for i, line := range texts {
		at := strings.LastIndex(line, before)
		if at < 0 {
			b.Fatalf("no %q in %q", before, line)
		}
		texts[i], _, _ = strings.Cut(line[at+len(before):], after)
	}
	return texts
}

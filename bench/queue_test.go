package bench

import (
	"strings"
	"testing"

	"millrace/pipeline/queue"
	"millrace/pipeline/queue/vfs"
)

// BenchmarkPersistentQueue keeps records of apache lines on disk, reads them back and acknowledges them; a figure is of
// one record, in batches of turnLines. Syncs are those of queue.checkpoint.writes.
func BenchmarkPersistentQueue(b *testing.B) {
	for _, c := range []struct {
		name   string
		change func(*queue.Options)
	}{
		{"default", func(*queue.Options) {}},
		{"from-disk", func(o *queue.Options) { o.MemoryBytes = 0 }},
		{"compressed", func(o *queue.Options) { o.Compression = queue.CompressSpeed }},
	} {
		b.Run(c.name, func(b *testing.B) {
			o := queue.DefaultOptions()
			c.change(&o)
			benchQueue(b, o)
		})
	}
}

func benchQueue(b *testing.B, o queue.Options) {
	lines := linesOf(b, "apache")[:turnLines]
	var records [][]byte
	for _, line := range lines {
		records = append(records, []byte(line))
	}
	q, err := queue.Open(b.TempDir(), o, vfs.OS{})
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(strings.Join(lines, "")) / len(lines)))
	b.ReportAllocs()
	before := cpuTime(b)
	b.ResetTimer()
	for left := b.N; left > 0; left -= turnLines {
		if err := q.Append(b.Context(), nil, records[:min(left, turnLines)]); err != nil {
			b.Fatal(err)
		}
		e, err := q.Next(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		q.Ack(e.ID)
	}
	b.StopTimer()
	b.ReportMetric(float64(cpuTime(b)-before)/float64(b.N), "cpu-ns/op")
	if err := q.Close(); err != nil {
		b.Fatal(err)
	}
}

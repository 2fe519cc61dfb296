package queue

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/pipeline/queue/vfs"
)

// batch is a batch as an input brings it: 150-byte lines.
func batch(lines int) (b [][]byte, size int64) {
	data := make([]byte, 150*lines)
	for i := range data {
		data[i] = byte('a' + i*i%23)
	}
	for i := range lines {
		b = append(b, data[150*i:150*i+150])
	}
	return b, int64(len(data))
}

// BenchmarkAppend measures Append, Next and Ack against a loop that writes as many bytes to files of the same size with
// as many syncs. Each 64 MiB are deleted again, so that the disk's cache is not what is measured.
func BenchmarkAppend(b *testing.B) {
	for _, writes := range []int{0, 1024, 1} {
		for _, lines := range []int{125, 800} {
			name := fmt.Sprintf("writes=%d/lines=%d", writes, lines)
			b.Run(name+"/queue", func(b *testing.B) { benchQueue(b, writes, lines, nil) })
			b.Run(name+"/file", func(b *testing.B) { benchFile(b, writes, lines) })
		}
	}
}

// BenchmarkReadBack is a consumer that never finds its entry in memory.
func BenchmarkReadBack(b *testing.B) {
	benchQueue(b, 0, 800, func(o *Options) { o.MemoryBytes = 0 })
}

func BenchmarkCompression(b *testing.B) {
	for _, c := range []Compression{CompressSpeed, CompressBalanced} {
		b.Run(string(c), func(b *testing.B) {
			benchQueue(b, 0, 800, func(o *Options) { o.Compression = c })
		})
	}
}

// BenchmarkAppenders has appenders share syncs.
func BenchmarkAppenders(b *testing.B) {
	for _, n := range []int{1, 8} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			o := DefaultOptions()
			o.CheckpointWrites = 1
			q, err := Open(b.TempDir(), o, vfs.OS{})
			require.NoError(b, err)
			go settle(q)
			records, size := batch(125)
			b.SetBytes(size)
			b.SetParallelism((n + 1) / 2) // times GOMAXPROCS, 2 on the machine of the figures
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := q.Append(context.Background(), nil, records); err != nil {
						b.Error(err)
					}
				}
			})
			b.ReportMetric(float64(q.Stats().Syncs)/float64(b.N), "syncs/op")
			require.NoError(b, q.Close())
		})
	}
}

func settle(q *Queue) {
	for {
		e, err := q.Next(context.Background())
		if err != nil {
			return
		}
		q.Ack(e.ID)
	}
}

func benchQueue(b *testing.B, writes, lines int, change func(*Options)) {
	o := DefaultOptions()
	o.CheckpointWrites = writes
	if change != nil {
		change(&o)
	}
	q, err := Open(b.TempDir(), o, vfs.OS{})
	require.NoError(b, err)
	records, size := batch(lines)
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		if err := q.Append(context.Background(), []byte("header of a batch"), records); err != nil {
			b.Fatal(err)
		}
		e, err := q.Next(context.Background())
		if err != nil {
			b.Fatal(err)
		}
		q.Ack(e.ID)
	}
	require.NoError(b, q.Close())
}

func benchFile(b *testing.B, writes, lines int) {
	folder := b.TempDir()
	records, size := batch(lines)
	data := make([]byte, 0, size)
	for _, r := range records {
		data = append(data, r...)
	}
	var f *os.File
	var err error
	at, unsynced := int64(0), 0
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		if f == nil || at+size > 64<<20 {
			if f != nil {
				require.NoError(b, syncData(f))
				require.NoError(b, f.Close())
				require.NoError(b, os.Remove(f.Name()))
			}
			f, err = os.Create(filepath.Join(folder, "page"))
			require.NoError(b, err)
			at = 0
		}
		if _, err := f.WriteAt(data, at); err != nil {
			b.Fatal(err)
		}
		at += size
		if unsynced += lines; writes > 0 && unsynced >= writes {
			unsynced = 0
			if err := syncData(f); err != nil {
				b.Fatal(err)
			}
		}
	}
	require.NoError(b, f.Close())
}

// syncData syncs as the queue does.
func syncData(f *os.File) error {
	g, err := vfs.OS{}.Open(f.Name())
	if err != nil {
		return err
	}
	defer g.Close() //nolint:errcheck // nothing was written through it
	return g.Sync()
}

package stream

import (
	"errors"
	"fmt"
	"io"
	"math/rand"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// lines is a framer by newlines.
type lines struct{}

func (lines) Frame(data string, records []event.Record) ([]event.Record, string) {
	for {
		i := strings.IndexByte(data, '\n')
		if i < 0 {
			return records, data
		}
		records = append(records, event.Record{Data: data[:i]})
		data = data[i+1:]
	}
}

func (lines) Flush(rest string, records []event.Record) []event.Record {
	if rest == "" {
		return records
	}
	return append(records, event.Record{Data: rest})
}

// spanLines is the same framer, which gives spans.
type spanLines struct{ lines }

func (spanLines) FrameSpans(data string, spans []event.Span) ([]event.Span, string, bool) {
	from := 0
	for {
		i := strings.IndexByte(data[from:], '\n')
		if i < 0 {
			return spans, data[from:], true
		}
		spans = append(spans, event.Span{Start: uint32(from), End: uint32(from + i)})
		from += i + 1
	}
}

var framers = []plugin.Framer{lines{}, spanLines{}}

func readAll(t *testing.T, r *Reader, keep bool) (got []string, tags int) {
	t.Helper()
	for {
		b, err := r.Next()
		if b != nil {
			for i := range b.Len() {
				rec := b.Record(i)
				got = append(got, strings.Clone(rec.Data))
				if rec.Tag != "" {
					tags++
				}
			}
			if !keep && b.Done != nil {
				b.Done(b)
			}
		}
		if errors.Is(err, io.EOF) {
			return got, tags
		}
		require.NoError(t, err)
	}
}

// chopped reads random numbers of bytes at a time.
type chopped struct {
	r   io.Reader
	rnd *rand.Rand
}

func (c chopped) Read(p []byte) (int, error) {
	return c.r.Read(p[:1+c.rnd.Intn(len(p))])
}

func TestReaderKeepsEveryRecord(t *testing.T) {
	for seed := range int64(50) {
		rnd := rand.New(rand.NewSource(seed))
		var want []string
		var text strings.Builder
		for range rnd.Intn(2000) {
			n := rnd.Intn(200)
			if rnd.Intn(100) == 0 {
				n = rnd.Intn(300_000)
			}
			line := strings.Repeat(string(rune('a'+rnd.Intn(26))), n)
			want = append(want, line)
			text.WriteString(line + "\n")
		}
		if rnd.Intn(2) == 0 {
			want = append(want, "no newline at the end")
			text.WriteString("no newline at the end")
		}
		for _, framer := range framers {
			r := NewReader(chopped{strings.NewReader(text.String()), rnd}, framer, Limits{}).WithPool(new(Pool))
			got, _ := readAll(t, r, false)
			require.Equal(t, want, got, "seed %d", seed)
		}
	}
}

func TestReaderCutsLongRecords(t *testing.T) {
	for _, framer := range framers {
		r := NewReader(strings.NewReader("first\n"+strings.Repeat("x", 1<<20)+"\nshort\n"), framer, Limits{MaxRecord: 100 << 10})
		got, tags := readAll(t, r, true)
		require.Equal(t, "first", got[0])
		require.Equal(t, "short", got[len(got)-1])
		require.Equal(t, strings.Repeat("x", 1<<20), strings.Join(got[1:len(got)-1], ""), "nothing is lost by cutting")
		require.Positive(t, tags)
		require.Less(t, cap(r.chunk), 2<<20)
	}
}

func TestReaderEndsWithError(t *testing.T) {
	for _, framer := range framers {
		r := NewReader(iotest.TimeoutReader(strings.NewReader("a\nb\nc")), framer, Limits{})
		b, err := r.Next()
		require.NoError(t, err)
		require.Equal(t, 2, b.Len())
		require.True(t, r.Pending())
		b, err = r.Next()
		require.ErrorIs(t, err, iotest.ErrTimeout)
		require.Equal(t, 1, b.Len())
		require.Equal(t, "c", b.Record(0).Data)
	}
}

// TestReaderReusesChunks: what was recycled is filled anew, and nothing else, in whatever order the batches come back. Some batches have records
// that are no spans, and some are never recycled.
func TestReaderReusesChunks(t *testing.T) {
	rnd := rand.New(rand.NewSource(1))
	pool := new(Pool)
	reused := 0
	pool.chunks.Reuse = func(c *event.Chunk) {
		reused++
		clear(c.Bytes)
	}
	var text strings.Builder
	for i := range 60_000 {
		fmt.Fprintf(&text, "line %d %s\n", i, strings.Repeat("x", i%97))
	}
	type held struct {
		b    *event.Batch
		want []string
	}
	var waiting []held
	giveUp := func(i int) {
		h := waiting[i]
		waiting = slices.Delete(waiting, i, i+1)
		for i, want := range h.want {
			require.Equal(t, want, h.b.Record(i).Data)
		}
		if rnd.Intn(8) > 0 {
			h.b.Recycle()
		}
		h.b.Done(h.b)
	}
	r := NewReader(strings.NewReader(text.String()), &moodyFramer{rnd: rnd}, Limits{}).WithPool(pool)
	var all strings.Builder
	for {
		var b *event.Batch
		var err error
		if rnd.Intn(16) == 0 {
			b = r.Flush()
		} else {
			b, err = r.Next()
		}
		if b != nil {
			h := held{b: b}
			for i := range b.Len() {
				h.want = append(h.want, strings.Clone(b.Record(i).Data))
				all.WriteString(b.Record(i).Data)
			}
			waiting = append(waiting, h)
		}
		for len(waiting) > 20 || len(waiting) > 0 && rnd.Intn(3) == 0 {
			giveUp(rnd.Intn(len(waiting)))
		}
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
	}
	for len(waiting) > 0 {
		giveUp(0)
	}
	require.True(t, strings.ReplaceAll(text.String(), "\n", "") == all.String(), "the records are not the text")
	require.Greater(t, reused, 20)
}

// moodyFramer gives spans most of the time.
type moodyFramer struct {
	spanLines
	rnd *rand.Rand
}

func (f *moodyFramer) FrameSpans(data string, spans []event.Span) ([]event.Span, string, bool) {
	if f.rnd.Intn(8) == 0 {
		return spans, "", false
	}
	return f.spanLines.FrameSpans(data, spans)
}

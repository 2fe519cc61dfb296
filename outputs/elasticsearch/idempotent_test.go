package elasticsearch

import (
	"context"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/pipeline/event"
)

// TestIdsDoNotDependOnTurns: a worker takes several batches in one turn, and others after a crash; the events have the same ids all
// the same, and equal events of one batch different ones.
func TestIdsDoNotDependOnTurns(t *testing.T) {
	type doc struct {
		text string
		read int64
	}
	docs := []doc{{`{"m":"a"}`, 1}, {`{"m":"a"}`, 1}, {`{"m":"b"}`, 1}, {`{"m":"a"}`, 2}, {`{"m":"c"}`, 2}, {`{"m":"a"}`, 3}}
	ids := func(turns ...int) (all []string) {
		s := newFake(t, nil)
		r := open(t, `hosts => ["`+s.URL+`"] index => "app" manage_template => false idempotent => true`)
		w := r.NewWriter()
		next := 0
		for _, n := range turns {
			lead := docs[next].read
			for _, d := range docs[next : next+n] {
				e := makeEvent(t, d.text)
				e.SetRead(d.read)
				require.NoError(t, w.Append(e))
			}
			next += n
			done := make(chan struct{})
			b := &event.Batch{Time: time.Unix(0, lead), Done: func(*event.Batch) { close(done) }}
			b.Expect(1)
			require.NoError(t, w.Flush(context.Background(), b))
			await(t, done)
		}
		for _, body := range s.bulks() {
			for _, m := range regexp.MustCompile(`"_id":"([^"]+)"`).FindAllStringSubmatch(body, -1) {
				all = append(all, m[1])
			}
		}
		return all
	}
	once := ids(6)
	require.Len(t, once, 6)
	seen := map[string]bool{}
	for _, id := range once {
		require.False(t, seen[id], "two events have the id %s", id)
		seen[id] = true
	}
	require.Equal(t, once, ids(3, 3))
	require.Equal(t, once, ids(5, 1))
	require.Equal(t, once, ids(3, 2, 1))
}

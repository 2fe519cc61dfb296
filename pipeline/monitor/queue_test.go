package monitor

import (
	"net/http"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/internal/logging"
	"millrace/pipeline"
	"millrace/pipeline/queue"
	"millrace/pipeline/queue/vfs"
)

// TestQueues watches a pipeline with a persistent queue and a dead letter queue.
func TestQueues(t *testing.T) {
	dir := t.TempDir()
	w := newWorld()
	dead := pipeline.NewDeadLetters("main", filepath.Join(dir, "dead"), queue.DefaultDeadLetterOptions(), vfs.OS{}, logging.Discard())
	w.deadLetters = dead
	p, reg := w.compile(t, `input { tcp { id => "in" } } output { stdout { id => "out" } }`, nil)
	p.Persist(pipeline.QueueOptions{Options: queue.DefaultOptions(), Dir: filepath.Join(dir, "queue")})
	s := New(Options{Pipelines: []Pipeline{p}, Registry: reg})
	w.outputs["out"].target.Store(10)
	stop := run(t, p)
	w.feed["in"] <- make([]string, 10)
	<-w.outputs["out"].done

	pipelines := func(path string) object {
		doc := parseOrdered(t, get(t, s.Handler(), http.MethodGet, path, "").Body.Bytes()).(object)
		return doc.get("pipelines").(object).get("main").(object)
	}
	got := pipelines("/_node/stats/pipelines")
	require.Equal(t, "persisted", got.get("queue").(object).get("type"))
	require.Equal(t, "no errors", got.get("dead_letter_queue").(object).get("last_error"))
	require.Equal(t, "drop_newer", got.get("dead_letter_queue").(object).get("storage_policy"))
	require.NotNil(t, got.get("flow").(object).get("queue_persisted_growth_bytes"))
	info := pipelines("/_node/pipelines")
	require.Equal(t, true, info.get("dead_letter_queue_enabled"))
	require.Equal(t, filepath.Join(dir, "dead"), info.get("dead_letter_queue_path"))

	m := scrape(t, s.Handler())
	require.InDelta(t, 1, m[`millrace_queue_info{pipeline="main",type="persisted"}`], 0)
	require.InDelta(t, float64(queue.DefaultOptions().MaxBytes), m[`millrace_queue_max_bytes{pipeline="main"}`], 0)
	require.Positive(t, m[`millrace_dead_letter_queue_max_bytes{pipeline="main"}`])
	stop()
	require.Equal(t, http.StatusOK, get(t, s.Handler(), http.MethodGet, "/metrics", "").Code, "a pipeline that ended is still told of")
}

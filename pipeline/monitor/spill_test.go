package monitor

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/pipeline"
)

// TestSpill: an output with on_full => "spill" tells what it has put aside.
func TestSpill(t *testing.T) {
	w := newWorld()
	dir := t.TempDir()
	p, reg := w.compile(t, `input { tcp { id => "in" } } output { stdout { id => "out" on_full => "spill" } stdout { id => "plain" } }`,
		func(s *pipeline.Settings) { s.DataDir = dir })
	s := New(Options{Pipelines: []Pipeline{p}, Registry: reg})
	doc := parseOrdered(t, get(t, s.Handler(), http.MethodGet, "/_node/stats/pipelines", "").Body.Bytes()).(object)
	outputs := doc.get("pipelines").(object).get("main").(object).get("plugins").(object).get("outputs").(list)
	spill := outputs[0].(object).get("spill").(object)
	require.Equal(t, false, spill.get("active"))
	require.EqualValues(t, "1073741824", jsonText(spill.get("max_size_in_bytes")))
	require.Nil(t, outputs[1].(object).get("spill"))
}

func jsonText(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

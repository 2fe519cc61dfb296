package main

import (
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/internal/faultproxy"
	"millrace/internal/testenv"
)

// TestSpillIsolatesElasticsearch ships lines to two Elasticsearch outputs while one of them is a black hole: the other stores all of
// them meanwhile, the process is killed by signal 9, and the next one delivers to the first what it had put aside.
func TestSpillIsolatesElasticsearch(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a real Elasticsearch")
	}
	const lines = 40_000
	es := testenv.Elasticsearch(t)
	for _, index := range []string{"near", "far"} {
		es.Must("PUT", index, `{"settings":{"number_of_replicas":0},"mappings":{"properties":{"n":{"type":"integer"}}}}`)
	}
	p := faultproxy.New(t, faultproxy.Config{Target: es.Addr(), Seed: 1})
	conf := file(t, "pipeline.conf", fmt.Sprintf(`input { tcp { host => "127.0.0.1" port => 0 dns_reverse_lookup_enabled => false } }
		filter { dissect { mapping => { "message" => "line %%{n}" } convert_datatype => { "n" => "int" } } }
		output {
			elasticsearch { id => "near" hosts => [%q] index => "near" manage_template => false }
			elasticsearch { id => "far" hosts => [%q] index => "far" manage_template => false on_full => "spill" buffer_max_bytes => 262144 }
		}`, es.URL, p.URL()))
	data := t.TempDir()
	args := []string{"-f", conf, "--api.enabled=false", "--pipeline.ecs_compatibility=disabled", "--path.data", data, "-S", "queue.type=persisted"}
	d := start(t, args...)
	addr := d.await(t, `listening .*address="([^"]+)"`)[1]
	p.Set(faultproxy.Faults{BlackHole: true})
	began := time.Now()
	conn, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	var b strings.Builder
	for n := range lines {
		fmt.Fprintf(&b, "line %d\n", n)
	}
	_, err = conn.Write([]byte(b.String()))
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		es.Refresh("near")
		return es.Count("near") >= lines
	}, 2*time.Minute, 50*time.Millisecond, "the neighbour gets everything")
	t.Logf("%d lines stored by the neighbour in %s, while the other output is a black hole", lines, time.Since(began).Round(time.Millisecond))
	es.Refresh("far")
	require.Less(t, es.Count("far"), lines/2)
	require.NoError(t, d.cmd.Process.Kill())
	_ = d.cmd.Wait() // it was killed
	require.NoError(t, conn.Close())

	p.Clear()
	began = time.Now()
	d = start(t, args...)
	d.await(t, "put aside on disk are delivered now")
	distinct := func(index string) int {
		var answer struct {
			Aggregations struct{ N struct{ Buckets []struct{} } }
		}
		es.Refresh(index)
		body := fmt.Sprintf(`{"size":0,"aggs":{"n":{"terms":{"field":"n","size":%d}}}}`, 2*lines)
		require.NoError(t, json.Unmarshal(es.Must("POST", "/"+index+"/_search", body), &answer))
		return len(answer.Aggregations.N.Buckets)
	}
	require.Eventually(t, func() bool { return distinct("far") == lines }, 2*time.Minute, 100*time.Millisecond, "nothing is lost")
	t.Logf("delivered to the other output %s after the next start; %d documents of %d lines", time.Since(began).Round(time.Millisecond), es.Count("far"), lines)
	require.Equal(t, lines, distinct("near"))
}

package main

import (
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/internal/testenv"
)

// TestShipsIntoElasticsearch is the main job: 200,000 lines over 8 connections into a real Elasticsearch that is killed and started
// again twice in the middle; then every line is in the index, none missing.
func TestShipsIntoElasticsearch(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a real Elasticsearch and ships 200,000 lines")
	}
	const connections, lines = 8, 25_000
	es := testenv.Elasticsearch(t)
	conf := file(t, "pipeline.conf", fmt.Sprintf(`input { tcp { host => "127.0.0.1" port => 0 dns_reverse_lookup_enabled => false } }
		filter { grok { match => { "message" => "^line %%{INT:n:int} of connection %%{INT:connection:int}$" } } }
		output { elasticsearch { hosts => [%q] index => "lines" } }`, es.URL))
	d := start(t, "-f", conf, "--api.enabled=false", "--pipeline.ecs_compatibility=disabled", "--shutdown.timeout=60s")
	addr := d.await(t, `listening .*address="([^"]+)"`)[1]

	var wg sync.WaitGroup
	half := make(chan struct{})
	var once sync.Once
	for c := range connections {
		wg.Go(func() {
			conn, err := net.Dial("tcp", addr)
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = conn.Close() }()
			var b strings.Builder
			for n := range lines {
				fmt.Fprintf(&b, "line %d of connection %d\n", n, c)
				if b.Len() > 8<<10 || n == lines-1 {
					if _, err := conn.Write([]byte(b.String())); err != nil {
						t.Error(err)
						return
					}
					b.Reset()
				}
				if n == lines/4 {
					once.Do(func() { close(half) })
				}
			}
		})
	}
	<-half
	for range 2 {
		es.Kill()
		es.Restart()
	}
	wg.Wait()
	require.Eventually(t, func() bool {
		es.Refresh("lines")
		return es.Count("lines") >= connections*lines
	}, 2*time.Minute, 250*time.Millisecond)
	require.NoError(t, d.cmd.Process.Signal(syscall.SIGTERM))
	require.Equal(t, 0, d.wait())
	es.Refresh("lines")
	// Each connection has every number: distinct values cannot hide a missing line behind a doubled one.
	for c := range connections {
		var answer struct {
			Aggregations struct{ N struct{ Buckets []struct{} } }
		}
		body := fmt.Sprintf(`{"size":0,"query":{"term":{"connection":%d}},"aggs":{"n":{"terms":{"field":"n","size":%d}}}}`, c, 2*lines)
		require.NoError(t, json.Unmarshal(es.Must("POST", "/lines/_search", body), &answer))
		require.Len(t, answer.Aggregations.N.Buckets, lines, "connection %d", c)
	}
	t.Logf("%d lines sent, %d documents in the index", connections*lines, es.Count("lines"))
}

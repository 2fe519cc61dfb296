package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/codecs"
	"millrace/filters"
	"millrace/inputs"
	"millrace/internal/logging"
	"millrace/internal/settings"
	"millrace/outputs"
	"millrace/pipeline/monitor"
	"millrace/pipeline/plugin"
)

// lockedBuffer is a log that is read while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// TestServeAPI runs two pipelines whose plugins have the same ids and asks the API that was started for them.
func TestServeAPI(t *testing.T) {
	var log lockedBuffer
	l := &loaded{settings: settings.New()}
	for name, value := range map[string]string{"api.http.port": "0", "path.data": t.TempDir(), "node.name": "a node", "api.environment": "test"} {
		_, err := l.settings.Set(name, value)
		require.NoError(t, err)
	}
	for _, id := range []string{"one", "two"} {
		s := l.settings.Clone()
		for name, value := range map[string]string{
			"pipeline.id": id, "config.string": `input { generator { } } filter { grok { match => { "message" => "%{INT:n}" } } } output { null { } }`,
		} {
			_, err := s.Set(name, value)
			require.NoError(t, err)
		}
		l.pipelines = append(l.pipelines, s)
	}
	levels := monitor.NewLevels(logging.ParseLevel("info"))
	a := &agent{
		p:   &program{reg: plugin.NewRegistry(inputs.All(), codecs.All(), filters.All(), outputs.All()), out: io.Discard, err: io.Discard},
		log: slog.New(levels.Handler(logging.NewHandler(&log, logging.LevelTrace, false))), loaded: l, api: &apiAccess{host: "127.0.0.1"}, began: time.Now(),
	}
	pipelines, diags, err := a.compile()
	require.NoError(t, err)
	require.False(t, diags.HasErrors(), diags.String())
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- a.runPipelines(ctx, pipelines) }()

	address := regexp.MustCompile(`Successfully started Logstash API endpoint \{address="([^"]+)"`)
	require.Eventually(t, func() bool { return address.MatchString(log.String()) }, patience, time.Millisecond)
	url := "http://" + address.FindStringSubmatch(log.String())[1]
	ask := func(path string) string {
		resp, err := http.Get(url + path)
		require.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		return resp.Status + " " + string(body)
	}
	for _, pl := range pipelines {
		<-pl.Running()
	}
	require.Contains(t, ask("/healthz"), "200 OK")
	require.Contains(t, ask("/"), `"name" : "a node"`)
	require.Contains(t, ask("/_node/pipelines/two?graph=true"), `"config_name" : "grok"`)
	metrics := ask("/metrics")
	require.Contains(t, metrics, `environment="test"`)
	for _, id := range []string{"one", "two"} {
		require.Contains(t, metrics, `millrace_plugin_failures_total{kind="filter",pipeline="`+id+`",plugin="grok",plugin_id="filter_grok_1"}`)
		require.Contains(t, metrics, `millrace_pipeline_up{pipeline="`+id+`"} 1`)
	}
	require.Contains(t, ask("/_node/logging"), `"logstash.filters.grok" : "INFO"`)
	cancel()
	require.NoError(t, <-ended)
	_, err = http.Get(url)
	require.Error(t, err, "the API ends with the pipelines")
}

func TestNodeID(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	first, err := nodeID(dir)
	require.NoError(t, err)
	require.Regexp(t, uuidForm, first)
	again, err := nodeID(dir)
	require.NoError(t, err)
	require.Equal(t, first, again)

	require.NoError(t, os.WriteFile(filepath.Join(dir, "uuid"), []byte("damaged"), 0o644))
	other, err := nodeID(dir)
	require.NoError(t, err)
	require.Regexp(t, uuidForm, other)
	require.NotEqual(t, first, other)

	id, err := nodeID(filepath.Join(dir, "uuid", "below a file"))
	require.Error(t, err)
	require.Regexp(t, uuidForm, id)
}

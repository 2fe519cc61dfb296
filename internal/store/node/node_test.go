package node

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/elastic/go-elasticsearch/v8"
	"github.com/elastic/go-elasticsearch/v8/esutil"
	"github.com/stretchr/testify/require"
)

// TestClients: Elastic's own clients take the store for Elasticsearch: the product check, the bulk indexer, compressed bodies, searches.
func TestClients(t *testing.T) {
	n, err := Start(Options{Dir: t.TempDir(), Port: "0", MaxAge: -1, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	defer func() { require.NoError(t, n.Close()) }()
	config := elasticsearch.Config{Addresses: []string{n.URL()}, CompressRequestBody: true, EnableCompatibilityMode: true}
	client, err := elasticsearch.NewClient(config)
	require.NoError(t, err)
	info, err := client.Info()
	require.NoError(t, err)
	require.False(t, info.IsError())
	require.NoError(t, info.Body.Close())

	bulk, err := esutil.NewBulkIndexer(esutil.BulkIndexerConfig{Client: client, Index: "logs-client-default", NumWorkers: 2, FlushBytes: 2000})
	require.NoError(t, err)
	for i := range 100 {
		doc := fmt.Sprintf(`{"@timestamp":"2026-11-21T10:%02d:00Z","message":"line %d","n":%d}`, i%60, i, i)
		require.NoError(t, bulk.Add(context.Background(), esutil.BulkIndexerItem{Action: "create", Body: strings.NewReader(doc), OnFailure: func(_ context.Context, _ esutil.BulkIndexerItem, res esutil.BulkIndexerResponseItem, err error) {
			t.Errorf("%+v %v", res, err)
		}}))
	}
	require.NoError(t, bulk.Close(context.Background()))
	require.EqualValues(t, 100, bulk.Stats().NumFlushed)

	get := func(index, body string) (int, map[string]any) {
		t.Helper()
		res, err := client.Search(client.Search.WithIndex(index), client.Search.WithBody(strings.NewReader(body)))
		require.NoError(t, err)
		defer res.Body.Close()
		var answer map[string]any
		require.NoError(t, json.NewDecoder(res.Body).Decode(&answer))
		return res.StatusCode, answer
	}
	status, answer := get("logs-*", `{"query":{"match":{"message":"line"}},"aggs":{"max":{"max":{"field":"n"}}}}`)
	require.Equal(t, 200, status)
	require.Equal(t, map[string]any{"value": 100.0, "relation": "eq"}, answer["hits"].(map[string]any)["total"])
	require.Equal(t, map[string]any{"max": map[string]any{"value": 99.0}}, answer["aggregations"])
	status, _ = get("nope", `{}`)
	require.Equal(t, 404, status)
}

func TestListenTakesTheFirstFreePort(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	taken := l.Addr().(*net.TCPAddr).Port
	other, err := listen("", fmt.Sprintf("%d-%d", taken, min(taken+50, 65535)))
	require.NoError(t, err)
	require.Greater(t, other.Addr().(*net.TCPAddr).Port, taken)
	require.NoError(t, other.Close())
	_, err = listen("", strconv.Itoa(taken))
	require.Error(t, err)
	_, err = listen("", "many")
	require.ErrorContains(t, err, "expected a port or a range")
}

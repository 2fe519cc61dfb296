package store

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/elastic/go-elasticsearch/v8"
	"github.com/elastic/go-elasticsearch/v8/esutil"
	"github.com/klauspost/compress/gzip"
	"github.com/stretchr/testify/require"
)

// TestClients: Elastic's own clients take the store for Elasticsearch: the product check, the bulk indexer, compressed bodies, searches.
func TestClients(t *testing.T) {
	r := open(t)
	srv := httptest.NewServer(r.s)
	defer srv.Close()
	config := elasticsearch.Config{Addresses: []string{srv.URL}, CompressRequestBody: true, EnableCompatibilityMode: true}
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

func TestCompressedBodies(t *testing.T) {
	r := open(t)
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write([]byte("{\"index\":{\"_index\":\"a\"}}\n{\"x\":1}\n"))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	f := func(body []byte, status int) {
		t.Helper()
		req := httptest.NewRequest("POST", "/_bulk", bytes.NewReader(body))
		req.Header.Set("Content-Type", "application/x-ndjson")
		req.Header.Set("Content-Encoding", "gzip")
		w := httptest.NewRecorder()
		r.s.ServeHTTP(w, req)
		require.Equal(t, status, w.Code, w.Body.String())
	}
	f(b.Bytes(), 200)
	f([]byte("no gzip"), 400)
	r.s.o.MaxBody = 10
	f(b.Bytes(), 413)
}

func TestInFlightBytes(t *testing.T) {
	r := open(t)
	r.s.o.MaxInFlight = 100
	f := func(status int) {
		t.Helper()
		got, answer := r.do("POST", "/_bulk", "{\"index\":{\"_index\":\"a\"}}\n{}\n")
		require.Equal(t, status, got, answer)
	}
	f(200) // one request is always taken
	r.s.inFlight.Add(1)
	f(429)
	r.s.inFlight.Add(-1)
	f(200)
}

func FuzzBulk(f *testing.F) {
	f.Add("{\"index\":{\"_index\":\"a\",\"_id\":\"1\"}}\n{\"n\":1,\"s\":\"x\\u00e9\",\"o\":{\"a.b\":[1,null,{\"c\":true}]}}\n{\"delete\":{\"_index\":\"a\",\"_id\":\"1\"}}\n")
	f.Add("{\"update\":{\"_index\":\"a\",\"_id\":\"1\"}}\n{\"doc\":{\"n\":1},\"doc_as_upsert\":true}\n")
	f.Add("{\"create\":{\"_index\":\"logs-a-b\"}}\n{\"@timestamp\":\"2026-11-21\"}\n")
	f.Fuzz(func(t *testing.T, body string) {
		r := open(t)
		status, answer := r.do("POST", "/_bulk", body+"\n")
		if !json.Valid([]byte(answer)) {
			t.Fatalf("%d: the answer is no JSON: %s", status, answer)
		}
		if status == 500 {
			t.Fatalf("%s", answer)
		}
		// What was taken is JSON as everybody reads it, and can be found.
		status, answer = r.do("GET", "/_all/_search?size=100", "")
		if status != 200 || !json.Valid([]byte(answer)) {
			t.Fatalf("%d: %s", status, answer)
		}
	})
}

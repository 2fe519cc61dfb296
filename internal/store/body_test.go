package store

import (
	"bytes"
	"encoding/json"
	"net/http/httptest"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/stretchr/testify/require"
)

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

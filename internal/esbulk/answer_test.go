package esbulk

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseAnswer(t *testing.T) {
	f := func(answer string, want ...string) {
		t.Helper()
		var got []string
		n, err := parseAnswer([]byte(answer), func(i int, it Item) {
			require.Equal(t, len(got), i)
			got = append(got, strings.TrimSpace(fmt.Sprintf("%d %s %s", it.Status, errorType(it.Error), errorReason(it.Error))))
		})
		require.NoError(t, err)
		require.Equal(t, len(want), n)
		require.Equal(t, want, got)
	}
	f(`{}`)
	f(`{"errors":true}`)
	f(`{"errors":true,"items":[]}`)
	f(`{"errors":true,"items":[{"create":{"status":201}},{"create":{"status":429,"error":{"type":"es_rejected_execution_exception","reason":"queue \"full\""}}}]}`,
		"201", `429 es_rejected_execution_exception queue \"full\"`)
	f(` { "took" : 3, "errors" : true , "items" : [ { "index" : { "_index" : "a}]", "_id":"1\\\"", "_shards":{"total":[2,{}]},"status" : 400 ,
		"error":{"root_cause":[{"type":"x"}],"type":"mapper_parsing_exception","reason":"r","caused_by":{"type":"y"}} } } ] } `,
		"400 mapper_parsing_exception r")
	f(`{"took":1,"items":[{"index":{"_index":"a","ok":true}},{"index":{"status":400,"error":"MapperParsingException[failed to parse]"}}]}`,
		"200", "400 MapperParsingException MapperParsingException[failed to parse]") // Elasticsearch 0.90 and 1.x
}

func TestParseAnswerRefuses(t *testing.T) {
	f := func(answer string) {
		t.Helper()
		_, err := parseAnswer([]byte(answer), func(int, Item) {})
		require.Error(t, err, answer)
	}
	whole := `{"errors":true,"items":[{"create":{"status":201}},{"create":{"status":429,"error":{"type":"a","reason":"b"}}}]}`
	for i := range whole {
		f(whole[:i])
	}
	f(`<html>`)
	f(`null`)
	f(whole + "x")
	f(`{"items":{}}`)
	f(`{"items":[{"create":{"status":"201"}}]}`)
	f(`{"items":[{"create":{"status":99999}}]}`)
	f(`{"items":[1]}`)
	f(`{"items":[{"delete":{}}],"errors":true}`)
}

func TestAllDone(t *testing.T) {
	f := func(answer string, want bool) {
		t.Helper()
		require.Equal(t, want, allDone([]byte(answer)), answer)
	}
	f(`{"errors":false}`, true)
	f(`{"took":30,"errors":false,"items":[{"index":{`, true)
	f(` { "took" : 30 , "ingest_took":2, "errors" : false`, true)
	f(`{"errors":true,"items":[]}`, false)
	f(`{"items":[],"errors":false}`, false)
	f(`{"errors":`, false)
	f(`{}`, false)
	f(``, false)
	f(`{"error":{"type":"x"},"status":400}`, false)
}

// FuzzParseAnswer holds the scanner to encoding/json: what is JSON of the right form is read alike, and nothing panics.
func FuzzParseAnswer(f *testing.F) {
	f.Add(`{"errors":true,"items":[{"create":{"status":201}},{"create":{"status":429,"error":{"type":"a","reason":"b"}}}]}`)
	f.Add(`{"took":1,"items":[{"index":{"_index":"a","ok":true}}]}`)
	f.Add(`{"items":[{"a":{"status":1,"error":"\\\""}}]}`)
	f.Fuzz(func(t *testing.T, answer string) {
		var got []Item
		_, err := parseAnswer([]byte(answer), func(_ int, it Item) { got = append(got, it) })
		_ = errorType([]byte(answer))
		_ = allDone([]byte(answer))
		_ = Member([]byte(answer), "items", "a")
		var want struct {
			Items []map[string]struct {
				Status int
				OK     bool
			}
		}
		if err != nil || json.Unmarshal([]byte(answer), &want) != nil || strings.Count(answer, `"items"`) > 1 {
			return
		}
		if !strings.Contains(answer, `"items"`) {
			return // encoding/json takes names of another case
		}
		require.Len(t, got, len(want.Items))
	})
}

func BenchmarkAnswer(b *testing.B) {
	item := `{"create":{"status":201}}`
	good := []byte(`{"errors":false,"items":[` + strings.Repeat(item+",", 2499) + item + `]}`)
	bad := []byte(`{"errors":true,"items":[` + strings.Repeat(item+",", 2499) + `{"create":{"status":400,"error":{"type":"mapper_parsing_exception","reason":"failed to parse"}}}]}`)
	b.Run("done", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if !allDone(good) {
				b.Fatal()
			}
		}
	})
	b.Run("items", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(bad)))
		n := 0
		for b.Loop() {
			if _, err := parseAnswer(bad, func(_ int, it Item) { n += it.Status }); err != nil {
				b.Fatal(err)
			}
		}
	})
}

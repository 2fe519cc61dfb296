package event

import (
	"fmt"
	"strings"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

var shapeDocuments = []string{
	`{"time":"a","level":"info","host":{"name":"x","ip":"1.2.3.4"},"n":1,"f":1.5,"ok":true,"z":null,"list":["a long enough item",2]}`,
	`{"time": "a", "level": "info", "host": {"name": "x", "ip": "1.2.3.4"}, "n": 1}`,
	`{"time": "a","level": "info","n": 1}`,
	`{"time":"a", "level":"info", "n":1}`,
	"{\"time\"\t:\n\"a\" , \"level\":\"in\\\"fo\"}",
	`{"time":"b","level":{"name":"x","ip":"1.2.3.4"},"host":"h"}`,
	`{"time":"b","host":{"name":"x","ip":{"v4":"1.2.3.4"}},"level":1}`,
	`{"time":"b","host":{"name":"x","ip":"1.2.3.4","name":"twice"},"time":"twice"}`,
	`{"time":"b","host":{"name":"1234567890123456"},"level":2}`,
	`{"time":"b","level":"`, `{"time":"b","level":"x"`, `{"time":"b","level":`, `{"time":"b","level":}`, `{"time":"b",}`, `{"time":01}`, `{"time":"b"]`,
	`{"time":"b","host":{"name":"x","ip":}}`, `{"time":"b","host":{"name":"x","ip":"`, `{"level":1}`, `{}`, `{"time":"b"} {"level":1}`,
	`{"":"empty","time":1}`, `{"time\u0041":1,"b":2}`,
}

// sameDocument reads doc with an event that knows shapes and with one that knows none.
func sameDocument(t *testing.T, e *Event, doc string) {
	t.Helper()
	e.Reset()
	v, rest, ok, err := e.ParseJSON(doc)
	w, rest2, ok2, err2 := New(nil).ParseJSON(doc)
	require.Equal(t, err2, err, doc)
	if err != nil {
		return
	}
	require.Equal(t, [2]any{rest2, ok2}, [2]any{rest, ok}, doc)
	require.Equal(t, string(w.AppendJSON(nil)), string(v.AppendJSON(nil)), doc)
	if o := v.Object(); o != nil {
		for _, f := range o.Fields() { // all that is still text is built
			got, ok := w.Object().Get(f.Key)
			require.True(t, ok && got.Equal(f.Val), "%s: %s", doc, f.Key)
			got, ok = o.Get(f.Key)
			require.True(t, ok && got.Equal(f.Val), "%s: %s", doc, f.Key)
		}
	}
}

func TestDocumentsByShape(t *testing.T) {
	for _, first := range shapeDocuments {
		for _, second := range shapeDocuments {
			e := New(nil)
			for _, doc := range []string{first, first, second, first, second, second} {
				sameDocument(t, e, doc)
			}
		}
	}
}

// TestShapeIsFollowed: names of the second document are those that the first one left, not parts of its own text.
func TestShapeIsFollowed(t *testing.T) {
	for _, doc := range shapeDocuments[:4] {
		e := New(nil)
		sameDocument(t, e, doc)
		sameDocument(t, e, doc)
		require.EqualValues(t, 1, e.shapes.misses, doc)
		v, _, _, err := e.ParseJSON(doc)
		require.NoError(t, err)
		shape := e.shapes.all[0]
		for i, f := range v.Object().fields {
			require.Equal(t, unsafe.StringData(shape.members[i].name), unsafe.StringData(f.Key), doc)
		}
	}
}

// TestShapesAreBounded: where each document has other names, few are learned.
func TestShapesAreBounded(t *testing.T) {
	e := New(nil)
	learned := 0
	for i := range 5000 {
		before := e.shapes.all
		sameDocument(t, e, fmt.Sprintf(`{"name%d":1,"b":2}`, i))
		if e.shapes.all != before {
			learned++
		}
	}
	require.EqualValues(t, 5000, e.shapes.misses)
	require.Equal(t, 13+1, learned, "at each power of two up to 4096, and at 3072")
	long := New(nil)
	sameDocument(t, long, `{"`+strings.Repeat("n", maxShapeBytes+1)+`":1,"b":2}`)
	require.Nil(t, long.shapes.all[0])
}

func FuzzShapes(f *testing.F) {
	for i, doc := range shapeDocuments {
		f.Add(shapeDocuments[0], doc)
		f.Add(doc, shapeDocuments[(i+1)%len(shapeDocuments)])
	}
	f.Fuzz(func(t *testing.T, first, second string) {
		e := New(nil)
		for _, doc := range []string{first, first, second, second, first} {
			sameDocument(t, e, doc)
		}
	})
}

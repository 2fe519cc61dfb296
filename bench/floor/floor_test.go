package floor

import (
	"context"
	"encoding/json"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/bench/internal/load"
	"millrace/bench/internal/sink"
)

func TestEscapedIsJSON(t *testing.T) {
	for c := range 0x80 {
		in := "a" + string(rune(c)) + `"\` + "é"
		out := `"` + string(appendEscaped(nil, []byte(in))) + `"`
		var got string
		require.NoError(t, json.Unmarshal([]byte(out), &got), out)
		require.Equal(t, in, got)
	}
}

func TestAppendLinesLeavesTheUnfinishedOne(t *testing.T) {
	body, used := appendLines(nil, []byte("one\ntwo\nthr"))
	require.Equal(t, 8, used)
	require.Equal(t, "{\"index\":{}}\n{\"message\":\"one\"}\n{\"index\":{}}\n{\"message\":\"two\"}\n", string(body))
}

func TestEveryLineArrivesOnce(t *testing.T) {
	s := sink.New(sink.Options{Record: true})
	es, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { es.Close() })
	go s.Serve(es)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- Serve(ctx, l, es.Addr().String()) }()

	const events = 30000
	_, err = load.Run(ctx, load.Options{Address: l.Addr().String(), Workload: "apache", Events: events, Conns: 3})
	require.NoError(t, err)
	require.Eventually(t, func() bool { return s.Stats().Documents >= events }, time.Minute, time.Millisecond)
	st := s.Stats()
	require.EqualValues(t, events, st.Unique)
	require.Zero(t, st.Duplicates+st.Unmarked)
	cancel()
	require.NoError(t, <-done)
}

func BenchmarkAppendLines(b *testing.B) {
	p, err := load.NewPool("apache")
	require.NoError(b, err)
	var chunk []byte
	for seq := range uint64(256) {
		chunk = p.Append(chunk, seq, 0)
	}
	require.Equal(b, 256, strings.Count(string(chunk), "\n"))
	var body []byte
	b.SetBytes(int64(len(chunk)))
	b.ReportAllocs()
	for b.Loop() {
		body, _ = appendLines(body[:0], chunk)
	}
}

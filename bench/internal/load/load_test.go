package load

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/bench/internal/mark"
)

func TestPoolsAreAsDescribed(t *testing.T) {
	f := func(workload string, minLen, maxLen float64) {
		t.Helper()
		p, err := NewPool(workload)
		require.NoError(t, err)
		require.GreaterOrEqual(t, p.MeanLength(), minLen)
		require.LessOrEqual(t, p.MeanLength(), maxLen)
		again, err := NewPool(workload)
		require.NoError(t, err)
		require.Equal(t, p.lines, again.lines, "the same in every run")
		distinct := map[string]bool{}
		for _, l := range p.lines {
			distinct[l] = true
		}
		require.Greater(t, len(distinct), poolLines/2)
	}
	f("apache", 180, 240)
	f("json", 270, 340)
	f("raw", 140, 160)
	f("syslog", 90, 170)
	f("syslog5424", 120, 220)
	f("syslogmix", 100, 200)
	f("firewall", 350, 500)
	f("patterns", 90, 180)
	f("reallife", 150, 300)
	_, err := NewPool("nothing")
	require.ErrorContains(t, err, "there are apache")
	require.Len(t, Workloads(), 9)
}

func TestJSONHasTenFieldsSomeNested(t *testing.T) {
	p, err := NewPool("json")
	require.NoError(t, err)
	for seq := range uint64(poolLines) {
		var doc map[string]any
		require.NoError(t, json.Unmarshal(p.Append(nil, seq, 1), &doc))
		require.Len(t, doc, 10)
		require.IsType(t, map[string]any{}, doc["host"])
	}
}

// receiver reads lines over any number of connections.
type receiver struct {
	net.Listener
	mu    sync.Mutex
	seen  map[uint64]int
	times []int64
	conns int
	wg    sync.WaitGroup
}

func newReceiver(t *testing.T) *receiver {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	r := &receiver{Listener: l, seen: map[uint64]int{}}
	r.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			r.wg.Go(func() { r.read(c) })
		}
	})
	return r
}

func (r *receiver) read(c net.Conn) {
	defer c.Close()
	s := bufio.NewScanner(c)
	r.mu.Lock()
	r.conns++
	r.mu.Unlock()
	for s.Scan() {
		seq, micros, ok := mark.Find(s.Bytes())
		r.mu.Lock()
		if ok {
			r.seen[seq]++
			r.times = append(r.times, micros)
		}
		r.mu.Unlock()
	}
}

func (r *receiver) check(t *testing.T, o Options) Result {
	o.Address = r.Addr().String()
	res, err := Run(context.Background(), o)
	require.NoError(t, err)
	// All connections were accepted before Run could close them, but perhaps not yet by the loop above.
	require.Eventually(t, func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.conns == o.Conns && len(r.times) == int(o.Events)
	}, time.Minute, time.Millisecond)
	require.NoError(t, r.Close())
	r.wg.Wait()
	require.Equal(t, o.Events, res.Events)
	require.Len(t, r.seen, int(o.Events))
	for seq, n := range r.seen {
		require.Less(t, seq, o.Events)
		require.Equal(t, 1, n)
	}
	return res
}

func TestEveryNumberIsSentOnce(t *testing.T) {
	f := func(o Options) {
		t.Helper()
		newReceiver(t).check(t, o)
	}
	f(Options{Workload: "raw", Events: 10001, Conns: 1})
	f(Options{Workload: "apache", Events: 10001, Conns: 7})
	f(Options{Workload: "json", Events: 1003, Conns: 3, Rate: 50000})
	f(Options{Workload: "firewall", Events: 500, Conns: 200, Rate: 20000})
}

func TestRateIsKept(t *testing.T) {
	r := newReceiver(t)
	res := r.check(t, Options{Workload: "raw", Events: 2000, Conns: 2, Rate: 10000})
	took := time.Duration(res.EndNanos - res.StartNanos)
	require.GreaterOrEqual(t, took, 190*time.Millisecond)
	for _, micros := range r.times {
		require.GreaterOrEqual(t, micros, res.StartNanos/1000)
		require.LessOrEqual(t, micros, res.EndNanos/1000+1)
	}
}

func TestRunReportsARefusedConnection(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	_, err = Run(context.Background(), Options{Address: l.Addr().String(), Workload: "raw", Events: 1, Conns: 3})
	require.ErrorContains(t, err, "opening 3 connections")
}

func TestAppendStampsTheRightPlace(t *testing.T) {
	for _, w := range Workloads() {
		p, err := NewPool(w)
		require.NoError(t, err)
		var buf []byte
		for seq := range uint64(poolLines + 10) {
			buf = p.Append(buf, seq, int64(seq)+7)
		}
		lines := bytes.SplitAfter(buf, []byte{'\n'})
		require.Len(t, lines, poolLines+11)
		for i, l := range lines[:poolLines+10] {
			seq, micros, ok := mark.Find(l)
			require.True(t, ok)
			require.EqualValues(t, i, seq)
			require.EqualValues(t, i+7, micros)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	p, err := NewPool("apache")
	require.NoError(b, err)
	var buf []byte
	b.ReportAllocs()
	seq := uint64(0)
	for b.Loop() {
		buf = p.Append(buf[:0], seq, 1763724000123456)
		seq++
	}
}

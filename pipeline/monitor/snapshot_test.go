package monitor

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestSnapshotAddsUp(t *testing.T) {
	s := recordedServer(t)
	s.sample(time.Now())
	all := s.Snapshots()
	require.Len(t, all, 1)
	p := all[0]
	require.Equal(t, "main", p.ID)
	require.EqualValues(t, 503, p.Received)
	require.Equal(t, p.Received+p.Made, p.Dropped+p.Unrouted+p.Routed+p.Processing)
	require.Len(t, p.Files, 1)
	require.Len(t, p.Inputs, 2)
	require.Len(t, p.Filters, 3)
	require.Len(t, p.Outputs, 2)
	require.Equal(t, "g1", p.Filters[0].ID)
	require.EqualValues(t, 312, p.Filters[0].In)
	for _, o := range p.Outputs {
		require.EqualValues(t, 503, o.Taken)
		require.Equal(t, o.Taken, o.Delivered+o.DeadLettered+o.Rejected+o.InFlight)
	}
	require.NotNil(t, p.Outputs[0].Own["documents"])
	require.Positive(t, p.Recent.In)
}

func TestTrend(t *testing.T) {
	var tr trend
	at := time.Unix(0, 0)
	for i := range trendLength + 10 {
		counts := make([]int64, countPlugins)
		counts[countIn], counts[countOut], counts[countPushWait] = int64(10*i), int64(5*i), int64(i)*1e8
		tr.add(capture{at.Add(time.Duration(i) * 2 * time.Second), counts})
	}
	m := tr.moments()
	require.Len(t, m, trendLength)
	require.Equal(t, at.Add((trendLength+9)*2*time.Second), m[trendLength-1].At)
	require.Equal(t, Rates{In: 5, Out: 2.5, Backpressure: 0.05}, m[0].Rates)
	tr.add(capture{m[trendLength-1].At, make([]int64, countPlugins)}) // a clock that stood still
	require.Len(t, tr.moments(), trendLength-1)
}

package hist

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestBucketsHoldTheirValues(t *testing.T) {
	for _, v := range []uint64{0, 1, 31, 32, 33, 63, 64, 65, 1000, 1 << 20, 1<<20 + 12345, math.MaxInt64} {
		b := bucket(v)
		require.Less(t, b, buckets)
		require.GreaterOrEqual(t, upper(b), v)
		require.LessOrEqual(t, float64(upper(b)), float64(v)*(1+1.0/sub)+1)
		if b > 0 {
			require.Less(t, upper(b-1), v)
		}
	}
}

func TestQuantiles(t *testing.T) {
	var h Hist
	require.Zero(t, h.Quantile(0.5))
	for i := 1; i <= 1000; i++ {
		h.Add(time.Duration(i) * time.Millisecond)
	}
	h.Add(-time.Second)
	require.EqualValues(t, 1001, h.Count())
	f := func(q float64, want time.Duration) {
		t.Helper()
		require.InEpsilon(t, want, h.Quantile(q), 0.035)
	}
	f(0.5, 500*time.Millisecond)
	f(0.99, 990*time.Millisecond)
	f(1, time.Second)
	require.Equal(t, time.Second, h.Max())
	h.Reset()
	require.Zero(t, h.Count())
	require.Zero(t, h.Max())
}

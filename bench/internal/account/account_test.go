//go:build linux

package account

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestParsing(t *testing.T) {
	ticks, err := cpuTicks([]byte("12 (a) b) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0\n"))
	require.NoError(t, err)
	require.EqualValues(t, 300, ticks)
	_, err = cpuTicks([]byte("12 (a) S 1"))
	require.Error(t, err)
	n, err := highWater([]byte("Name:\tx\nVmPeak:\t 99 kB\nVmHWM:\t    1024 kB\nVmRSS:\t 5 kB\n"))
	require.NoError(t, err)
	require.EqualValues(t, 1<<20, n)
	_, err = highWater([]byte("Name:\tx\n"))
	require.Error(t, err)
}

func TestOwnProcess(t *testing.T) {
	before, err := CPU(os.Getpid())
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		for start := time.Now(); time.Since(start) < 5*time.Millisecond; {
		}
		after, err := CPU(os.Getpid())
		return err == nil && after > before
	}, time.Minute, time.Millisecond)
	rss, err := PeakRSS(os.Getpid())
	require.NoError(t, err)
	require.Greater(t, rss, int64(1<<20))
}

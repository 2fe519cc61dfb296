package rdns

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestNameComesLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New()
		var asked atomic.Int64
		c.lookup = func(_ context.Context, addr string) ([]string, error) {
			asked.Add(1)
			if addr == "192.0.2.9" {
				return nil, errors.New("no such host")
			}
			return []string{"web.example."}, nil
		}
		name, settled := c.Name("192.0.2.1")
		require.Empty(t, name)
		require.False(t, settled)
		c.Name("192.0.2.9")
		synctest.Wait()
		name, settled = c.Name("192.0.2.1")
		require.Equal(t, "web.example", name)
		require.True(t, settled)
		name, settled = c.Name("192.0.2.9")
		require.Empty(t, name)
		require.True(t, settled, "an address without a name is an answer")
		require.Equal(t, int64(2), asked.Load())
		time.Sleep(keepFailed + time.Second) // the clock of the bubble
		c.Name("192.0.2.9")
		synctest.Wait()
		require.Equal(t, int64(3), asked.Load(), "asked again when the answer is old")
	})
}

func TestBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New()
		release := make(chan struct{})
		var running atomic.Int64
		c.lookup = func(context.Context, string) ([]string, error) {
			running.Add(1)
			<-release // closed from the second part on
			return nil, nil
		}
		for i := range 3 * maxRunning {
			c.Name(fmt.Sprint(i))
		}
		synctest.Wait()
		require.Equal(t, int64(maxRunning), running.Load())
		close(release)
		synctest.Wait()
		for i := range 2 * maxEntries {
			c.Name(fmt.Sprint(i))
			if i%maxRunning == 0 {
				synctest.Wait()
			}
		}
		require.LessOrEqual(t, len(c.entries), maxEntries)
	})
}

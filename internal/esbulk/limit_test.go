package esbulk

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestControllerFindsCapacity drives the controller with a cluster that works on four requests at once; more than that wait.
func TestControllerFindsCapacity(t *testing.T) {
	c := newController(64, 4<<20)
	const service = 150 * time.Millisecond
	highest := 0
	for range 2000 {
		n := c.requests()
		took := service
		if n > 4 {
			took = service * time.Duration(n) / 4
		}
		c.answered(c.body, took, true)
		highest = max(highest, c.requests())
	}
	require.GreaterOrEqual(t, c.requests(), 4)
	require.LessOrEqual(t, highest, 20, "latency inflates threefold at 12 requests")
}

// TestControllerBacksOff: refusals of one round count once, and the number comes back one at a time.
func TestControllerBacksOff(t *testing.T) {
	c := newController(16, 4<<20)
	for range 500 {
		c.answered(c.body, 10*time.Millisecond, true)
	}
	require.Equal(t, 16, c.requests())
	now := time.Now()
	for range 16 {
		c.refused(now, 50*time.Millisecond)
	}
	require.Equal(t, 8, c.requests())
	for i := range 10 {
		c.refused(now.Add(time.Duration(i+1)*time.Second), 50*time.Millisecond)
	}
	require.Equal(t, 1, c.requests())
	for range 6 {
		c.answered(c.body, 10*time.Millisecond, true)
	}
	require.Equal(t, 3, c.requests())
	for range 500 {
		c.answered(c.body, 10*time.Millisecond, false)
	}
	require.Equal(t, 3, c.requests(), "it does not grow without need")
}

// TestControllerBody: bodies follow the time of answers, time-outs and 413.
func TestControllerBody(t *testing.T) {
	c := newController(2, 4<<20)
	require.Equal(t, startBody, c.body)
	for range 100 {
		c.answered(c.body, 10*time.Millisecond, true)
	}
	require.Equal(t, 4<<20, c.body)
	c.timedOut(c.body)
	require.Equal(t, 2<<20, c.body)
	for range 100 {
		c.answered(c.body, 10*time.Second, true)
	}
	require.Equal(t, smallestBody, c.body)
	c.tooLarge(1 << 20)
	for range 100 {
		c.answered(c.body, 10*time.Millisecond, true)
	}
	require.Equal(t, 512<<10, c.body, "no body of the refused size again")
}

// TestControllerDistant: the body of a cluster whose answers take more than fastAnswer comes back after time-outs.
func TestControllerDistant(t *testing.T) {
	c := newController(16, 4<<20)
	for range 10 {
		c.timedOut(c.body)
	}
	require.Equal(t, smallestBody, c.body)
	for range 200 {
		c.answered(c.body, 150*time.Millisecond, true)
	}
	require.GreaterOrEqual(t, c.body, startBody)
	require.Less(t, c.body, 2*startBody, "a slow answer makes it no larger than at the start")
}

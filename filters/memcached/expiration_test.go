package memcached

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestExpiration(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	f := func(ttl int, want int32) {
		t.Helper()
		require.Equal(t, want, expiration(ttl, now))
	}
	f(0, 0)
	f(60, 60)
	f(30*24*60*60, 2_592_000)
	f(31*24*60*60, 1_702_678_400) // memcached would take the seconds for a day in 1970, and forget the value at once
	f(math.MaxInt32, 0)
	f(math.MaxInt, 0)
}

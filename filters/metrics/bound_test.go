package metrics

import (
	"runtime"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/filters/internal/filtertest"
)

// Timers whose names the events make up cost no more than what they hold.
func TestTimersOfManyNames(t *testing.T) {
	f := filtertest.New(t, Plugin, `timer => { "%{n}" => "1" }`)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	const names = 10_000
	e := filtertest.Event(t, `{}`)
	for i := range names {
		filtertest.Fill(t, e, `{"n":"`+strconv.Itoa(i)+`"}`)
		f.Filter.Filter(e)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	require.Len(t, f.Filter.(*filter).timers, names)
	require.Less(t, after.HeapAlloc-before.HeapAlloc, uint64(names*1024))
}

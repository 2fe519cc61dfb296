package monitor

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestFlowWindows(t *testing.T) {
	h := newHistory()
	start := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	n := int64(0)
	at := func(seconds int) capture { return capture{start.Add(time.Duration(seconds) * time.Second), []int64{n}} }
	sample := func(from, to int, perSecond int64) {
		for s := from; s < to; s++ {
			h.add(at(s))
			n += perSecond
		}
	}
	names := func(seconds int) (out []string) {
		for _, f := range h.flows(at(seconds)) {
			out = append(out, f.name)
		}
		return out
	}
	get := func(seconds int) object { return rates(h.flows(at(seconds)), perSecond(0)) }

	require.Empty(t, get(0), "nothing is known before the first sample")
	h.add(at(0))
	require.Empty(t, get(0), "no rate without time")
	n = 0
	h = newHistory()
	sample(0, 5, 10)
	require.Equal(t, object{{"current", rate(10)}, {"lifetime", rate(10)}}, get(5), "current is told early")
	sample(5, 60, 10)
	require.Equal(t, []string{"current", "last_1_minute", "lifetime"}, names(60))
	sample(60, 120, 20)
	require.Equal(t, object{{"current", rate(20)}, {"last_1_minute", rate(20)}, {"lifetime", rate(15)}}, get(120))
	sample(120, 300, 0)
	require.Equal(t, []string{"current", "last_1_minute", "last_5_minutes", "lifetime"}, names(300))
	require.Equal(t, rate(6), get(300).get("last_5_minutes"))
	sample(300, 25*3600, 0)
	require.Equal(t, []string{"current", "last_1_minute", "last_5_minutes", "last_15_minutes", "last_1_hour", "last_24_hours", "lifetime"}, names(25*3600))
	require.Equal(t, rate(0), get(25*3600).get("last_24_hours"))
	require.Equal(t, rate(0.02), get(25*3600).get("lifetime"))

	kept := 0
	for i, w := range h.windows {
		kept += len(h.kept[i])
		require.LessOrEqual(t, len(h.kept[i]), int(w.length/(w.resolution*9/10))+2, w.name)
	}
	require.Less(t, kept, 300)
}

func TestFlowRatios(t *testing.T) {
	f := func(n, d float64, want string, ok bool) {
		t.Helper()
		r, got := ratio(n, d)
		require.Equal(t, ok, got)
		if ok {
			require.Equal(t, want, string(appendRate(nil, float64(r))))
		}
	}
	f(0, 0, "", false)
	f(1, 0, `"Infinity"`, true)
	f(1, 3, "0.3333", true)
	f(2, 3, "0.6667", true)
	f(123456, 1, "123500.0", true)
	f(0, 5, "0.0", true)

	fl := flow{elapsed: 2 * time.Second, from: []int64{0, 0}, to: []int64{int64(time.Second), 4}}
	r, _ := share(0, 1)(fl)
	require.Equal(t, rate(0.5), r)
	r, _ = share(0, 100.0/2)(fl)
	require.Equal(t, rate(25), r)
	r, _ = millisPer(0, 1)(fl)
	require.Equal(t, rate(250), r)
}

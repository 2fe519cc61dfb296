package metrics

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/filters/internal/filtertest"
	"millrace/pipeline/event"
)

type made struct {
	events    []*event.Event
	succeeded int
}

func (m *made) New() *event.Event {
	e := event.New(nil)
	m.events = append(m.events, e)
	return e
}

func (m *made) Succeed(*event.Event) { m.succeeded++ }

// flush returns the report that Flush makes, "" if none.
func flush(t *testing.T, r *filtertest.Runner) string {
	t.Helper()
	var m made
	r.Filter.(*filter).Flush(time.Now(), false, &m)
	if len(m.events) == 0 {
		return ""
	}
	require.Len(t, m.events, 1)
	require.Equal(t, 1, m.succeeded)
	_, ok := m.events[0].Timestamp()
	require.True(t, ok)
	m.events[0].Root().Delete(event.TimestampField)
	return string(m.events[0].AppendJSON(nil))
}

func TestMeter(t *testing.T) {
	r := filtertest.New(t, Plugin, `meter => ["http_%{response}","all"]`)
	for range 10 {
		require.Equal(t, `{"response":200}`, r.Run(`{"response":200}`))
	}
	r.Run(`{"response":404}`)
	require.Equal(t, `{"@version":"1","message":"","http_200":{"count":10,"rate_1m":2.0,"rate_5m":2.0,"rate_15m":2.0},`+
		`"all":{"count":11,"rate_1m":2.2,"rate_5m":2.2,"rate_15m":2.2},"http_404":{"count":1,"rate_1m":0.2,"rate_5m":0.2,"rate_15m":0.2}}`, flush(t, r))
	m := r.Filter.(*filter).meters["http_200"]
	flush(t, r)
	require.InDelta(t, 2*math.Exp(-5.0/60), m.rates[0], 1e-9)
	require.InDelta(t, 2*math.Exp(-5.0/900), m.rates[2], 1e-9)
}

func TestTimer(t *testing.T) {
	r := filtertest.New(t, Plugin, `timer => ["took","%{ms}"] rates => [1] percentiles => [50,100]`)
	for _, ms := range []string{`1`, `2`, `"3.5 ms"`, `4`, `"x"`} {
		r.Run(`{"ms":` + ms + `}`)
	}
	require.Equal(t, `{"@version":"1","message":"","took":{"count":5,"rate_1m":1.0,"min":0.0,"max":4.0,"stddev":1.2935687276168015,"mean":2.1,"p50":2.0,"p100":4.0}}`, flush(t, r))
}

func TestTimerOfThree(t *testing.T) {
	r := filtertest.New(t, Plugin, `timer => ["http_request_time","%{request_time}"] percentiles => [99]`)
	for _, v := range []string{"10", "20", "30"} {
		r.Run(`{"request_time":` + v + `}`)
	}
	require.Contains(t, flush(t, r), `"min":10.0,"max":30.0,"stddev":3.1622776601683795,"mean":20.0,"p99":30.0}`)
	r = filtertest.New(t, Plugin, `timer => ["http_request_time","request_time"] rates => [1] percentiles => [1,2]`)
	r.Run(`{"request_time":1}`) // the name alone is no reference
	require.Contains(t, flush(t, r), `"http_request_time":{"count":1,"rate_1m":0.2,"min":0.0,"max":0.0,"stddev":0.0,"mean":0.0,"p1":0.0,"p2":0.0}`)
}

func TestSplit(t *testing.T) {
	r := filtertest.New(t, Plugin, `meter => "http_%{response}" rates => [] split_metrics => true`)
	for _, v := range []string{"200", "404", "200"} {
		r.Run(`{"response":` + v + `}`)
	}
	var m made
	r.Filter.(*filter).Flush(time.Now(), false, &m)
	require.Len(t, m.events, 2)
	require.Equal(t, 2, m.succeeded)
	for i, want := range []string{`"http_200":{"count":2}}`, `"http_404":{"count":1}}`} {
		require.Contains(t, string(m.events[i].AppendJSON(nil)), `"message":"",`+want)
	}
}

func TestIntervals(t *testing.T) {
	r := filtertest.New(t, Plugin, `meter => "m" flush_interval => 10 clear_interval => 20 rates => []`)
	require.Equal(t, "", flush(t, r))
	r.Run(`{}`)
	const one, two = `{"@version":"1","message":"","m":{"count":1}}`, `{"@version":"1","message":"","m":{"count":2}}`
	require.Equal(t, one, flush(t, r))
	require.Equal(t, "", flush(t, r))
	r.Run(`{}`)
	require.Equal(t, two, flush(t, r))
	require.Equal(t, "", flush(t, r))
	r.Run(`{}`)
	require.Equal(t, one, flush(t, r), "all counts began anew with the report before")
}

func TestClear(t *testing.T) {
	r := filtertest.New(t, Plugin, `meter => "m" clear_interval => 10 rates => []`)
	r.Run(`{}`)
	const one = `{"@version":"1","message":"","m":{"count":1}}`
	require.Equal(t, one, flush(t, r))
	require.Equal(t, one, flush(t, r))
	require.Equal(t, "", flush(t, r), "the second report was the last")
	r.Run(`{}`)
	require.Equal(t, one, flush(t, r))
}

func TestIgnoreOlderThan(t *testing.T) {
	r := filtertest.New(t, Plugin, `meter => "m" ignore_older_than => 10`)
	r.Run(`{}`) // its time is long ago
	require.Empty(t, r.Filter.(*filter).meters)
	e := event.New(nil)
	e.SetTimestamp(time.Now())
	r.Filter.Filter(e)
	require.Len(t, r.Filter.(*filter).meters, 1)
}

func TestNames(t *testing.T) {
	r := filtertest.New(t, Plugin, `meter => "[a][%{n}]" rates => []`)
	r.Run(`{"n":"b"}`)
	r.Run(`{"n":"c]"}`)
	require.Equal(t, `{"@version":"1","message":"","a":{"b":{"count":1}}}`, flush(t, r))
}

func TestSample(t *testing.T) {
	tm := newTimer()
	for i := range 100_000 {
		tm.update(float64(i % 1000))
		if i%1000 == 0 {
			tm.tick()
		}
	}
	require.Equal(t, sampleSize, len(tm.sample))
	values := tm.sorted()
	require.InDelta(t, 500, percentile(values, 50), 100)
	require.InDelta(t, 950, percentile(values, 95), 40)
	for range rescale {
		tm.tick()
	}
	tm.update(1)
	for i := 1; i < len(tm.sample); i++ {
		require.LessOrEqual(t, tm.sample[(i-1)/2].priority, tm.sample[i].priority)
	}
}

func TestDiagnostics(t *testing.T) {
	f := func(options, want string) {
		t.Helper()
		require.Contains(t, filtertest.Diagnose(Plugin, options), want)
	}
	f(`meter => "m" rates => [1,2]`, `not 2`)
	f(`timer => ["t","%{x}"] percentiles => [101]`, `not between 0 and 100`)
	f(`meter => "%{[a}"`, `every event will fail`)
}

func BenchmarkFilter(b *testing.B) {
	b.Run("meter", func(b *testing.B) { filtertest.Bench(b, Plugin, `meter => "http_%{response}"`, `{"response":200}`) })
	b.Run("timer", func(b *testing.B) { filtertest.Bench(b, Plugin, `timer => ["took","%{ms}"]`, `{"ms":"12.5"}`) })
}

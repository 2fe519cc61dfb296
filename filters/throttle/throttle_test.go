package throttle

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/filters/internal/filtertest"
)

// stamped returns an event of a key at a second.
func stamped(key string, second int) string {
	return fmt.Sprintf(`{"host":%q,"@timestamp":"2024-05-17T08:%02d:%02d.000Z"}`, key, second/60, second%60)
}

func TestCounts(t *testing.T) {
	f := func(options string, seconds []int, want string) {
		t.Helper()
		r := filtertest.New(t, Plugin, `key => "%{host}" `+options)
		got := ""
		for _, s := range seconds {
			got += map[bool]string{true: "T", false: "-"}[r.Filter.Filter(filtertest.Event(t, stamped("h", s)))]
		}
		require.Equal(t, want, got, options)
	}
	f(`period => 60 after_count => 2`, []int{0, 1, 2, 3}, "--TT")
	f(`period => 60 before_count => 3 after_count => 5`, []int{0, 1, 2, 3, 4, 5, 6, 60, 61, 62}, "TT---TTTT-")
	f(`before_count => 2`, []int{0, 1, 59, 60}, "T--T")
	f(`period => "10" after_count => 1`, []int{20, 3, 21, 4, 5}, "--TTT")
	f(`period => "%{nope}" after_count => 1`, []int{0, 59, 60}, "-T-")
	f(`period => 10 max_age => 10 after_count => 1`, []int{0, 30, 1, 2}, "----")
	f(``, []int{0, 0, 0}, "---")
	f(`period => 60 after_count => 1`, []int{300, 359, 633, 634, 0, 45}, "-T-T-T") // periods are counted from the first event of a key, back too
	f(`period => 60 after_count => 1`, []int{60, 30, 119, 59}, "--TT")
}

func TestKeys(t *testing.T) {
	r := filtertest.New(t, Plugin, `key => "%{host}" after_count => 1`)
	for _, key := range []string{"a", "b", "c"} {
		require.False(t, r.Filter.Filter(filtertest.Event(t, stamped(key, 0))))
	}
	require.True(t, r.Filter.Filter(filtertest.Event(t, stamped("b", 1))))
}

func TestMemory(t *testing.T) {
	r := filtertest.New(t, Plugin, `key => "%{host}" after_count => 1 max_counters => 10 max_age => 100`)
	f := r.Filter.(*filter)
	for i := range 1000 {
		r.Filter.Filter(filtertest.Event(t, stamped(fmt.Sprint(i), i)))
	}
	require.LessOrEqual(t, f.total, int64(21), "old keys go between flushes")
	require.Len(t, f.keys, int(f.total))
	flushes := 0
	for ; f.total > 10; flushes++ {
		f.Flush(time.Now(), false, nil)
		require.Less(t, flushes, 100)
	}
	require.Positive(t, f.total, "only what is too old went")
	require.Less(t, f.maxAge, int64(100))

	r.Filter.Filter(filtertest.Event(t, stamped("late", 3000)))
	f.Flush(time.Now(), false, nil)
	require.EqualValues(t, 1, f.total, "what is older than max_age behind the latest goes")
	for range 100 {
		f.Flush(time.Now(), false, nil)
	}
	require.EqualValues(t, 100, f.maxAge, "and the age goes up again")
}

func TestDiagnostics(t *testing.T) {
	require.Contains(t, filtertest.Diagnose(Plugin, ``), `option "key" is required`)
	require.Contains(t, filtertest.Diagnose(Plugin, `key => "%{[a}"`), "warning")
}

func BenchmarkFilter(b *testing.B) {
	filtertest.Bench(b, Plugin, `key => "%{host}" after_count => 2`, `{"host":"h"}`)
}

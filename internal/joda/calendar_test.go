package joda

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The calendar must be that of the standard library, on every day around our time and on some far from it.
func TestCalendar(t *testing.T) {
	check := func(days int64) {
		year, month, day := civilFromDays(days)
		want := time.Unix(days*secondsPerDay, 0).UTC()
		if y, m, d := want.Date(); int64(y) != year || int(m) != month || d != day {
			t.Fatalf("day %d: got %d-%d-%d, want %v", days, year, month, day, want)
		}
		require.Equal(t, days, daysFromCivil(year, month, day))
		if y, w := want.ISOWeek(); days%13 == 0 {
			gotYear, gotWeek := isoWeek(days)
			require.Equal(t, [2]int{y, w}, [2]int{int(gotYear), gotWeek}, "day %d", days)
			require.Equal(t, want.YearDay(), dayOfYear(year, month, day))
			require.Equal(t, int(want.Weekday()+6)%7+1, isoWeekday(days))
		}
	}
	for days := int64(-200_000); days < 200_000; days++ {
		check(days)
	}
	for _, far := range []int64{-365_000_000_000, -146_816_468, -146_816_469, 926_000_000, 926_925_355, 1 << 30, 365_000_000_000} {
		for days := far - 1000; days < far+1000; days++ {
			check(days)
		}
	}
}

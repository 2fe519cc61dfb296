package schedule

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/pipeline/config"
)

func TestCron(t *testing.T) {
	f := func(line, after string, want ...string) {
		t.Helper()
		c, err := parseCron(line)
		require.NoError(t, err)
		at, err := time.Parse(time.RFC3339, after)
		require.NoError(t, err)
		for _, w := range want {
			at = c.next(at)
			require.Equal(t, w, at.Format(time.RFC3339), line)
		}
	}
	const start = "2000-01-01T00:00:00Z" // a Saturday
	f("* * * * * UTC", start, "2000-01-01T00:01:00Z", "2000-01-01T00:02:00Z")
	f("*/20 * * * * * UTC", start, "2000-01-01T00:00:20Z", "2000-01-01T00:00:40Z", "2000-01-01T00:01:00Z")
	f("7,50 30 4 * * * UTC", start, "2000-01-01T04:30:07Z", "2000-01-01T04:30:50Z", "2000-01-02T04:30:07Z")
	f("0 6 * * * America/Chicago", start, "2000-01-01T06:00:00-06:00")
	f("0 6 * * * +05:30", start, "2000-01-01T06:00:00+05:30", "2000-01-02T06:00:00+05:30")
	f("*/25 22-1 * * * UTC", start, "2000-01-01T00:25:00Z", "2000-01-01T00:50:00Z", "2000-01-01T01:00:00Z", "2000-01-01T01:25:00Z", "2000-01-01T01:50:00Z", "2000-01-01T22:00:00Z")
	f("* 5 * 1-3 * UTC", "2000-03-31T05:59:00Z", "2001-01-01T05:00:00Z")
	f("0 0 29 feb * UTC", start, "2000-02-29T00:00:00Z", "2004-02-29T00:00:00Z")
	f("0 0 29 2 * UTC", "2096-03-01T00:00:00Z", "2104-02-29T00:00:00Z")
	f("0 0 L * * UTC", start, "2000-01-31T00:00:00Z", "2000-02-29T00:00:00Z")
	f("0 0 -2 * * UTC", start, "2000-01-30T00:00:00Z", "2000-02-28T00:00:00Z")
	f("0 0 * * mon-wed UTC", start, "2000-01-03T00:00:00Z", "2000-01-04T00:00:00Z", "2000-01-05T00:00:00Z", "2000-01-10T00:00:00Z")
	f("0 0 * * fri-sun UTC", start, "2000-01-02T00:00:00Z", "2000-01-07T00:00:00Z")
	f("0 0 * * 7 UTC", start, "2000-01-02T00:00:00Z", "2000-01-09T00:00:00Z")
	f("0 24 * * * UTC", start, "2000-01-02T00:00:00Z")
	f("0 0 13 * Friday UTC", start, "2000-01-07T00:00:00Z", "2000-01-13T00:00:00Z", "2000-01-14T00:00:00Z")
	f("0 0 * * tue#2,thu#-1 UTC", start, "2000-01-11T00:00:00Z", "2000-01-27T00:00:00Z", "2000-02-08T00:00:00Z")
	f("5/20 0 1 * * UTC", start, "2000-01-01T00:05:00Z", "2000-01-01T00:25:00Z", "2000-01-01T00:45:00Z", "2000-02-01T00:05:00Z")
	f("@monthly UTC", start, "2000-02-01T00:00:00Z")
	f("@Hourly Asia/Kolkata", start, "2000-01-01T06:00:00+05:30")
	f("30 2 * * * Europe/Berlin", "2024-03-30T12:00:00Z", "2024-04-01T02:30:00+02:00") // March 31 has no half past two
	f("0 0 * * * America/Sao_Paulo", "2018-11-03T12:00:00Z", "2018-11-05T00:00:00-02:00")
}

func TestCronMistakes(t *testing.T) {
	f := func(line, want string) {
		t.Helper()
		_, err := Cron(line)
		require.ErrorContains(t, err, want)
	}
	f("", "no five fields")
	f("* * * *", "no five fields")
	f("* * * * * Mars/Phobos", `"phobos" is no step`)
	f("* * * * * * * UTC", "no five fields")
	f("60 * * * *", `the minute of the cron line "60 * * * *": "60" is none from 0 to 59`)
	f("* * 0 * *", "day of the month")
	f("* * -32 * *", "is no day")
	f("* * * foo *", "month")
	f("*/0 * * * *", "no step")
	f("* * * * mon#6", "no place in a month")
	f("* * * * x#1", "day of the week")
	f("@never", "unknown word")
	f("0 0 30 feb *", "no month has")
}

func FuzzCron(f *testing.F) {
	for _, line := range []string{"* * * * *", "*/5 22-4 L,-2 jan-mar mon#2 Europe/Berlin", "@daily UTC", "0 0 29 2 *"} {
		f.Add(line, int64(946684800))
	}
	f.Fuzz(func(t *testing.T, line string, unix int64) {
		c, err := parseCron(line)
		if err != nil || unix < -1<<33 || unix > 1<<33 {
			return
		}
		now := time.Unix(unix, 0)
		if next := c.next(now); !next.IsZero() && !next.After(now) {
			t.Fatalf("%s is not after %s", next, now)
		}
	})
}

func TestDuration(t *testing.T) {
	f := func(text string, want time.Duration) {
		t.Helper()
		got, err := Duration(text)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	f("2s", 2*time.Second)
	f("1h", time.Hour)
	f("1d12h30m", 36*time.Hour+30*time.Minute)
	f("1.5 hours", 90*time.Minute)
	f("1 day 2 minutes", day+2*time.Minute)
	f("30", 30*time.Second)
	f("500ms", 500*time.Millisecond)
	f("1w", 7*day)
	f("1M", 30*day)
	f("PT1H30M", 90*time.Minute)
	f("P1DT1S", day+time.Second)
	for _, text := range []string{"", "x", "5 parsecs", "h", "P", "1h x", "-5s", "1e99y"} {
		_, err := Duration(text)
		require.Error(t, err, text)
	}
}

func schedule(t *testing.T, hash string) (s Schedule, diags string) {
	t.Helper()
	file, ds := config.Parse("test", []byte("input { x { schedule => "+hash+" } }"), config.ParseOptions{})
	require.Empty(t, ds)
	attrs, ds := config.Evaluate(file.Sections[0].Body[0].(*config.PluginNode), func(string) (string, bool) { return "", false })
	require.Empty(t, ds)
	var o struct {
		Schedule Schedule `opt:"schedule"`
	}
	ds = config.Decode(attrs, &o)
	return o.Schedule, ds.String()
}

func TestMistakes(t *testing.T) {
	f := func(hash, want string) {
		t.Helper()
		_, diags := schedule(t, hash)
		require.Contains(t, diags, want)
	}
	f(`"* * * * *"`, "exactly one of cron")
	f(`{ }`, "exactly one of cron")
	f(`{ every => "1s" in => "2s" }`, "exactly one of cron")
	f(`{ often => "1s" }`, `unknown key "often"`)
	f(`{ every => "0s" }`, "longer than nothing")
	f(`{ every => "now" }`, `"now" is no time`)
	f(`{ at => "tomorrow" }`, `"tomorrow" is no time`)
	f(`{ cron => "* *" }`, "no five fields")
}

// TestRun begins at midnight of 2000-01-01 UTC, the time of synctest.
func TestRun(t *testing.T) {
	run := func(s Schedule, work, limit time.Duration, want []time.Duration) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			var got []time.Duration
			s.Run(ctx, func() {
				got = append(got, time.Since(start))
				time.Sleep(work) // the clock is the test's
			})
			require.Equal(t, want, got)
			require.GreaterOrEqual(t, time.Since(start), limit)
		})
	}
	f := func(hash string, work, limit time.Duration, want ...time.Duration) {
		t.Helper()
		s, diags := schedule(t, hash)
		require.Empty(t, diags)
		run(s, work, limit, want)
	}
	text := func(read func(string) (Schedule, error), text string, work, limit time.Duration, want ...time.Duration) {
		t.Helper()
		s, err := read(text)
		require.NoError(t, err)
		run(s, work, limit, want)
	}
	f(`{ every => "2s" }`, 0, 5*time.Second, 0, 2*time.Second, 4*time.Second)
	f(`{ every => "2s" }`, 5*time.Second, 10*time.Second, 0, 6*time.Second)
	f(`{ in => "2s" }`, 0, time.Hour, 2*time.Second)
	f(`{ at => "2000-01-01 00:05:00 +0000" }`, 0, time.Hour, 5*time.Minute)
	f(`{ at => "2000/01/01 01:05 Europe/Berlin" }`, 0, time.Hour, 5*time.Minute)
	f(`{ at => "1999-01-01T00:00:00Z" }`, 0, time.Hour, 0)
	f(`{ cron => "* * * * * UTC" }`, 0, 150*time.Second, time.Minute, 2*time.Minute)
	f(`{ cron => "* * * * * UTC" }`, 90*time.Second, 4*time.Minute, time.Minute, 3*time.Minute)
	text(Period, "2s", 0, 5*time.Second, 2*time.Second, 4*time.Second)
	text(Period, "2s", 3*time.Second, 9*time.Second, 2*time.Second, 6*time.Second)
	text(Interval, "2s", 3*time.Second, 9*time.Second, 2*time.Second, 7*time.Second)
}

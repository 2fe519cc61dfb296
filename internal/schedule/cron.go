package schedule

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"time"
)

// cron is a line, compiled. Days are met if either of the two fields for them is, unless one of them is a star.
type cron struct {
	seconds, minutes, hours, months uint64 // sets of numbers

	days       uint64 // of the month
	fromEnd    uint64 // 1 is the last day of the month, 2 the one before it
	weekdays   uint64
	nths       []nth
	anyDay     bool // the field is a star
	anyWeekday bool
	loc        *time.Location
}

// nth is a day of the week by its place in the month: the first, or -1 for the last.
type nth struct{ weekday, n int }

// field says which numbers and names a field may have.
type field struct {
	name     string
	min, max int
	names    string // three letters each, from min on
}

var fields = []field{
	{"second", 0, 59, ""}, {"minute", 0, 59, ""}, {"hour", 0, 24, ""}, {"day of the month", 1, 31, ""},
	{"month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"}, {"day of the week", 0, 7, "sunmontuewedthufrisat"},
}

var shorthands = map[string]string{
	"@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0", "@daily": "0 0 * * *",
	"@midnight": "0 0 * * *", "@noon": "0 12 * * *", "@hourly": "0 * * * *",
}

func parseCron(line string) (*cron, error) {
	c := &cron{loc: time.Local}
	parts := strings.Fields(line)
	if len(parts) > 0 && strings.HasPrefix(parts[0], "@") {
		full, ok := shorthands[strings.ToLower(parts[0])]
		if !ok {
			return nil, fmt.Errorf("the cron line %q begins with an unknown word", line)
		}
		parts = append(strings.Fields(full), parts[1:]...)
	}
	if n := len(parts); n == 6 || n == 7 {
		if l, ok := zone(parts[n-1]); ok {
			c.loc, parts = l, parts[:n-1]
		}
	}
	switch len(parts) {
	case 5:
		parts = append([]string{"0"}, parts...)
	case 6:
	default:
		return nil, fmt.Errorf("the cron line %q has no five fields, or six with seconds, and a time zone at most behind them", line)
	}
	sets := []*uint64{&c.seconds, &c.minutes, &c.hours, &c.days, &c.months, &c.weekdays}
	for i, part := range parts {
		for item := range strings.SplitSeq(part, ",") {
			if err := c.item(i, sets[i], strings.ToLower(item)); err != nil {
				return nil, fmt.Errorf("the %s of the cron line %q: %w", fields[i].name, line, err)
			}
		}
	}
	c.anyDay, c.anyWeekday = parts[3] == "*", parts[5] == "*"
	if c.hours>>24&1 != 0 {
		c.hours |= 1
	}
	if c.weekdays>>7&1 != 0 {
		c.weekdays |= 1
	}
	if c.next(time.Now()).IsZero() {
		return nil, fmt.Errorf("the cron line %q names a day that no month has", line)
	}
	return c, nil
}

// Places of the fields.
const (
	dayField     = 3
	weekdayField = 5
)

// item adds one item of a field's list to its set: 5, 1-5, */10, 0-30/5, mon, L, -1, mon#2.
func (c *cron) item(i int, set *uint64, item string) error {
	f := &fields[i]
	if i == weekdayField {
		if name, place, ok := strings.Cut(item, "#"); ok {
			return c.nth(name, place)
		}
	}
	if i == dayField && (item == "l" || item == "last") {
		c.fromEnd |= 1 << 1
		return nil
	}
	if i == dayField && strings.HasPrefix(item, "-") {
		n, err := strconv.Atoi(item[1:])
		if err != nil || n < 1 || n > 31 {
			return fmt.Errorf("%q is no day", item)
		}
		c.fromEnd |= 1 << n
		return nil
	}
	span, stepText, stepped := strings.Cut(item, "/")
	step := 1
	if stepped {
		var err error
		if step, err = strconv.Atoi(stepText); err != nil || step < 1 {
			return fmt.Errorf("%q is no step", stepText)
		}
	}
	lo, hi, err := f.span(span, stepped)
	if err != nil {
		return err
	}
	size := f.max - f.min + 1
	if f.max == 24 || f.max == 7 {
		size-- // the last number is another name of the first
	}
	n := hi - lo
	if hi < lo {
		n += size // 22-4: over the end
	}
	for k := 0; k <= n; k += step {
		v := lo + k
		if v > f.max {
			v -= size
		}
		*set |= 1 << v
	}
	return nil
}

func (f *field) span(s string, stepped bool) (lo, hi int, err error) {
	last := f.max
	if f.max == 24 || f.max == 7 {
		last--
	}
	if s == "*" {
		return f.min, last, nil
	}
	first, end, ranged := strings.Cut(s, "-")
	if lo, err = f.number(first); err != nil {
		return 0, 0, err
	}
	switch {
	case ranged:
		hi, err = f.number(end)
	case stepped:
		hi = last
	default:
		hi = lo
	}
	return lo, hi, err
}

func (f *field) number(s string) (int, error) {
	if f.names != "" && len(s) >= 3 {
		if at := strings.Index(f.names, s[:3]); at >= 0 && at%3 == 0 {
			return f.min + at/3, nil
		}
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < f.min || n > f.max {
		return 0, fmt.Errorf("%q is none from %d to %d", s, f.min, f.max)
	}
	return n, nil
}

func (c *cron) nth(name, place string) error {
	weekday, err := fields[weekdayField].number(name)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(place)
	if place == "l" || place == "last" {
		n, err = -1, nil
	}
	if err != nil || n == 0 || n < -5 || n > 5 {
		return fmt.Errorf("%q is no place in a month", place)
	}
	c.nths = append(c.nths, nth{weekday % 7, n})
	return nil
}

// onDay tells whether the day of t is one of the line's.
func (c *cron) onDay(t time.Time) bool {
	day := t.Day()
	length := time.Date(t.Year(), t.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
	byDay := c.days>>day&1 != 0 || c.fromEnd>>(length-day+1)&1 != 0
	weekday := int(t.Weekday())
	byWeekday := c.weekdays>>weekday&1 != 0
	for _, n := range c.nths {
		if n.weekday == weekday && (n.n == (day-1)/7+1 || n.n == -((length-day)/7+1)) {
			byWeekday = true
		}
	}
	switch {
	case c.anyDay:
		return byWeekday
	case c.anyWeekday:
		return byDay
	}
	return byDay || byWeekday
}

// horizon is how far next looks: February 29 comes after eight years at the latest.
const horizon = 9

// next returns the first time after t that the line names, the zero Time if there is none.
func (c *cron) next(t time.Time) time.Time {
	t = t.In(c.loc).Truncate(time.Second).Add(time.Second)
	for end := t.AddDate(horizon, 0, 0); t.Before(end); {
		y, m, d := t.Date()
		switch {
		case c.months>>m&1 == 0:
			t = later(t, time.Date(y, m+1, 1, 0, 0, 0, 0, c.loc))
		case !c.onDay(t):
			t = later(t, time.Date(y, m, d+1, 0, 0, 0, 0, c.loc))
		case c.hours>>t.Hour()&1 == 0:
			t = t.Add(time.Hour - time.Duration(t.Minute())*time.Minute - time.Duration(t.Second())*time.Second)
		case c.minutes>>t.Minute()&1 == 0:
			t = t.Add(time.Minute - time.Duration(t.Second())*time.Second)
		case c.seconds>>t.Second()&1 == 0:
			step := bits.TrailingZeros64(c.seconds >> t.Second())
			if c.seconds>>t.Second() == 0 {
				step = 60 - t.Second()
			}
			t = t.Add(time.Duration(step) * time.Second)
		default:
			return t
		}
	}
	return time.Time{}
}

// later returns next, or the next hour after t where the clock is put forward at midnight and next is not after t.
func later(t, next time.Time) time.Time {
	if next.After(t) {
		return next
	}
	return t.Add(time.Hour).Truncate(time.Hour)
}

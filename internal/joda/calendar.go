package joda

import "time"

const (
	secondMillis = int64(1000)
	minuteMillis = 60 * secondMillis
	hourMillis   = 60 * minuteMillis
	dayMillis    = 24 * hourMillis

	secondsPerDay = 86400

	// minYear and maxYear are the limits of Joda's ISO calendar: what milliseconds in 64 bits can hold.
	minYear = -292275054
	maxYear = 292278993
)

// eraShift moves all years that can be (a thousand million before and after Christ) above zero, by whole eras of 400 years, so
// that divisions by powers of two are shifts and the others multiplications.
const (
	eraShift     = 3_000_000
	daysPerEra   = 146097
	daysTo1970   = 719468 // from 0000-03-01
	fastEraShift = 1000
)

// daysFromCivil gives the days from 1970-01-01 to a date of the proleptic Gregorian calendar. It counts in years that begin
// in March, so that the leap day is the last of its year.
func daysFromCivil(year int64, month, day int) int64 {
	m := uint64(month)
	if month <= 2 {
		year--
		m += 12
	}
	y := uint64(year + 400*eraShift)
	century := y / 100
	days := 365*y + y/4 - century + century/4 + (979*m-2919)>>5 + uint64(day) - 1
	return int64(days) - daysTo1970 - daysPerEra*eraShift
}

// civilFromDays is the inverse of daysFromCivil. The usual way is that of Neri and Schneider (Euclidean affine functions and their
// application to calendar algorithms, 2022), which has no division but by constants and fits 32 bits for 400,000 years before Christ and
// two million after.
func civilFromDays(days int64) (year int64, month, day int) {
	n := uint64(days + daysTo1970 + daysPerEra*fastEraShift)
	if n >= 1<<30 {
		era := floorDiv(days, daysPerEra)
		year, month, day = civilFromDays(days - era*daysPerEra)
		return year + era*400, month, day
	}
	n1 := 4*uint32(n) + 3
	century := n1 / daysPerEra
	n2 := n1%daysPerEra | 3
	p := 2939745 * uint64(n2)
	ofYear := uint32(p) / 2939745 / 4
	n3 := 2141*ofYear + 197913
	year = int64(100*century+uint32(p>>32)) - 400*fastEraShift
	month, day = int(n3>>16), int(n3&0xffff/2141)+1
	if ofYear >= 306 { // January and February belong to the next year
		return year + 1, month - 12, day
	}
	return year, month, day
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func floorMod(a, b int64) int64 {
	m := a % b
	if m < 0 {
		m += b
	}
	return m
}

func isLeap(year int64) bool {
	return year&3 == 0 && (year%100 != 0 || year%400 == 0)
}

var monthLengths = [...]int8{0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}

func daysInMonth(year int64, month int) int {
	if month == 2 && isLeap(year) {
		return 29
	}
	return int(monthLengths[month])
}

func daysInYear(year int64) int {
	if isLeap(year) {
		return 366
	}
	return 365
}

var daysBefore = [...]int16{0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334}

func dayOfYear(year int64, month, day int) int {
	n := int(daysBefore[month]) + day
	if month > 2 && isLeap(year) {
		n++
	}
	return n
}

// isoWeekday gives 1 for Monday to 7 for Sunday. 1970-01-01 was a Thursday.
func isoWeekday(days int64) int {
	return int(floorMod(days+3, 7)) + 1
}

// weekYearStart gives the day on which an ISO week year begins: the Monday of the week that holds 4 January.
func weekYearStart(year int64) int64 {
	jan4 := daysFromCivil(year, 1, 4)
	return jan4 - int64(isoWeekday(jan4)-1)
}

// isoWeek gives the ISO week year and the week in it.
func isoWeek(days int64) (year int64, week int) {
	thursday := days - int64(isoWeekday(days)) + 4
	year, month, day := civilFromDays(thursday)
	return year, (dayOfYear(year, month, day)-1)/7 + 1
}

func weeksInWeekYear(year int64) int {
	return int(weekYearStart(year+1)-weekYearStart(year)) / 7
}

// clock is an instant taken apart in UTC, as far as a format needs it.
type clock struct {
	seconds int64 // since 1970
	days    int64
	second  int // of the day
	nano    int
	year    int64
	month   int
	day     int
}

// set takes t apart. It fills c in place: returned by value, its words would be copied one way as they came in another, for which
// processors wait longer than all the arithmetic takes.
func (c *clock) set(t time.Time) {
	c.seconds = t.Unix()
	c.nano = t.Nanosecond()
	days := floorDiv(c.seconds, secondsPerDay)
	c.days = days
	c.second = int(c.seconds - days*secondsPerDay)
	c.year, c.month, c.day = civilFromDays(days)
}

// appendPadded writes v with at least width digits; the sign is not counted.
func appendPadded(dst []byte, v int64, width int) []byte {
	u := uint64(v)
	if v < 0 {
		dst = append(dst, '-')
		u = -u
	}
	switch {
	case u < 100 && width == 2:
		return append(dst, byte('0'+u/10), byte('0'+u%10))
	case u < 10000 && u > 999 && width == 4:
		return append(dst, byte('0'+u/1000), byte('0'+u/100%10), byte('0'+u/10%10), byte('0'+u%10))
	}
	var buf [20]byte
	i := len(buf)
	for u >= 10 {
		i--
		buf[i] = byte('0' + u%10)
		u /= 10
	}
	i--
	buf[i] = byte('0' + u)
	for n := len(buf) - i; n < width; n++ {
		dst = append(dst, '0')
	}
	return append(dst, buf[i:]...)
}

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

// daysFromCivil gives the days from 1970-01-01 to a date of the proleptic Gregorian calendar. It counts in years that begin
// in March, so that the leap day is the last of its year, and eras of 400 years, so that all divisions are of positive numbers.
func daysFromCivil(year int64, month, day int) int64 {
	if month <= 2 {
		year--
		month += 12
	}
	era := floorDiv(year, 400)
	yoe := year - era*400
	doy := int64((153*(month-3)+2)/5 + day - 1)
	return era*146097 + yoe*365 + yoe/4 - yoe/100 + doy - 719468
}

// civilFromDays is the inverse of daysFromCivil.
func civilFromDays(days int64) (year int64, month, day int) {
	days += 719468
	era := floorDiv(days, 146097)
	doe := uint32(days - era*146097)
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	day = int(doy-(153*mp+2)/5) + 1
	month = int(mp) + 3
	year = int64(yoe) + era*400
	if month > 12 {
		month -= 12
		year++
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

func clockOf(t time.Time) clock {
	c := clock{seconds: t.Unix(), nano: t.Nanosecond()}
	c.days = floorDiv(c.seconds, secondsPerDay)
	c.second = int(c.seconds - c.days*secondsPerDay)
	c.year, c.month, c.day = civilFromDays(c.days)
	return c
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

package joda

// The fields that a text can set, and the arithmetic of setting them one after the other, which is how Joda-Time makes an instant:
// largest first, each cutting off what is smaller than itself, then all again without cutting. It matters for unusual sets of
// fields (an hour given twice, a week without a year) and for values that contradict each other.

type field uint8

const (
	fieldEra field = iota
	fieldCentury
	fieldYear
	fieldYearOfEra
	fieldWeekYear
	fieldMonth
	fieldWeek
	fieldDayOfYear
	fieldDay
	fieldWeekday
	fieldHalfday
	fieldHour
	fieldClockHour
	fieldHalfHour
	fieldClockHalfHour
	fieldMinute
	fieldFractionOfHour
	fieldSecond
	fieldFractionOfMinute
	fieldFraction
)

// rank orders fields by size, first the range they lie in, then their own; equal ones stay as they came.
var rank = [...]uint8{
	fieldEra: 0, fieldCentury: 1, fieldYear: 2, fieldYearOfEra: 2, fieldWeekYear: 2, fieldMonth: 3, fieldWeek: 4, fieldDayOfYear: 5,
	fieldDay: 6, fieldWeekday: 7, fieldHalfday: 8, fieldHour: 9, fieldClockHour: 9, fieldHalfHour: 10, fieldClockHalfHour: 10,
	fieldMinute: 11, fieldFractionOfHour: 12, fieldSecond: 13, fieldFractionOfMinute: 14, fieldFraction: 15,
}

// needsYear tells whether the largest field is one of a month or a day: a text says which day, but not of which year.
func needsYear(first field) bool {
	return first >= fieldMonth && first <= fieldWeekday
}

// fieldValue is a field with what the text says of it.
type fieldValue struct {
	field field
	value int32
}

// resolve makes local milliseconds from fields that are sorted by rank, or fails where a value is out of its field's limits.
func resolve(values []fieldValue) (local int64, ok bool) {
	for _, v := range values {
		if local, ok = v.field.set(local, v.value); !ok {
			return 0, false
		}
		local = v.field.floor(local)
	}
	for i, v := range values {
		if local, ok = v.field.set(local, v.value); !ok {
			return 0, false
		}
		if i == len(values)-1 {
			local = v.field.floor(local)
		}
	}
	return local, true
}

// civil takes local milliseconds apart.
func civil(local int64) (year int64, month, day int, ofDay int64) {
	days := floorDiv(local, dayMillis)
	year, month, day = civilFromDays(days)
	return year, month, day, local - days*dayMillis
}

func joinCivil(year int64, month, day int, ofDay int64) int64 {
	return daysFromCivil(year, month, day)*dayMillis + ofDay
}

// set changes one field of local milliseconds. It is a switch over all fields, a line or two each.
func (f field) set(local int64, value int32) (int64, bool) {
	v := int64(value)
	switch f {
	case fieldEra:
		if year, _, _, _ := civil(local); era(year) != int(value) {
			return setYear(local, -year), true
		}
		return local, true
	case fieldCentury:
		year, _, _, _ := civil(local)
		if v < 0 || v > maxYear/100 {
			return 0, false
		}
		v = v*100 + abs(year)%100
		if year < 0 {
			v = -v
		}
		return setYear(local, v), true
	case fieldYear:
		return setYear(local, v), v >= minYear && v <= maxYear
	case fieldYearOfEra:
		if year, _, _, _ := civil(local); year <= 0 {
			return setYear(local, 1-v), v >= 1 && v <= maxYear
		}
		return setYear(local, v), v >= 1 && v <= maxYear
	case fieldWeekYear:
		return setWeekYear(local, v), v >= minYear && v <= maxYear
	case fieldMonth:
		year, _, day, ofDay := civil(local)
		if v < 1 || v > 12 {
			return 0, false
		}
		return joinCivil(year, int(v), min(day, daysInMonth(year, int(v))), ofDay), true
	case fieldWeek:
		year, week := isoWeek(floorDiv(local, dayMillis))
		return local + (v-int64(week))*7*dayMillis, v >= 1 && v <= int64(weeksInWeekYear(year))
	case fieldDayOfYear:
		year, month, day, _ := civil(local)
		return local + (v-int64(dayOfYear(year, month, day)))*dayMillis, v >= 1 && v <= int64(daysInYear(year))
	case fieldDay:
		year, month, day, _ := civil(local)
		return local + (v-int64(day))*dayMillis, v >= 1 && v <= int64(daysInMonth(year, month))
	case fieldWeekday:
		return local + (v-int64(isoWeekday(floorDiv(local, dayMillis))))*dayMillis, v >= 1 && v <= 7
	case fieldClockHour, fieldClockHalfHour:
		u := units[f]
		if v < 1 || v > u.count {
			return 0, false
		}
		return u.set(local, v%u.count), true
	}
	u := units[f]
	return u.set(local, v), v >= 0 && v < u.count
}

// unit is a field of the day: how many of them lie in the next larger one, and how long each is.
type unit struct{ count, millis int64 }

var units = [...]unit{
	fieldHalfday: {2, 12 * hourMillis}, fieldHour: {24, hourMillis}, fieldClockHour: {24, hourMillis},
	fieldHalfHour: {12, hourMillis}, fieldClockHalfHour: {12, hourMillis}, fieldMinute: {60, minuteMillis},
	fieldFractionOfHour: {hourMillis, 1}, fieldSecond: {60, secondMillis}, fieldFractionOfMinute: {minuteMillis, 1},
	fieldFraction: {secondMillis, 1},
}

func (u unit) set(local, v int64) int64 {
	return local + (v-floorMod(floorDiv(local, u.millis), u.count))*u.millis
}

// setYear keeps the day of the year's second part in place: 29 February becomes the 28th where there is none.
func setYear(local, year int64) int64 {
	_, month, day, ofDay := civil(local)
	return joinCivil(year, month, min(day, daysInMonth(year, month)), ofDay)
}

// setWeekYear keeps the week and the day in it; the 53rd week becomes the 52nd where there is none.
func setWeekYear(local, year int64) int64 {
	days := floorDiv(local, dayMillis)
	_, week := isoWeek(days)
	week = min(week, weeksInWeekYear(year))
	return (weekYearStart(year)+int64(7*(week-1)+isoWeekday(days)-1))*dayMillis + floorMod(local, dayMillis)
}

// floor cuts off what is smaller than the field.
func (f field) floor(local int64) int64 {
	days := floorDiv(local, dayMillis)
	switch f {
	case fieldEra:
		if year, _, _, _ := civil(local); year > 0 {
			return joinCivil(1, 1, 1, 0)
		}
		return joinCivil(minYear, 1, 1, 0)
	case fieldCentury:
		year, _, _, _ := civil(local)
		return joinCivil(year/100*100, 1, 1, 0)
	case fieldYear, fieldYearOfEra:
		year, _, _, _ := civil(local)
		return joinCivil(year, 1, 1, 0)
	case fieldWeekYear:
		year, _ := isoWeek(days)
		return weekYearStart(year) * dayMillis
	case fieldMonth:
		year, month, _, _ := civil(local)
		return joinCivil(year, month, 1, 0)
	case fieldWeek:
		return (days - int64(isoWeekday(days)-1)) * dayMillis
	case fieldDayOfYear, fieldDay, fieldWeekday:
		return days * dayMillis
	}
	u := units[f]
	return floorDiv(local, u.millis) * u.millis
}

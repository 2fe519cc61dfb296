package joda

// parseISO reads what Joda-Time's most lenient ISO 8601 parser does:
//
//	date-time = ( 'T' time [offset] ) | ( date [ 'T' [time] [offset] ] )
//	date      = year [ '-' MM [ '-' dd ] ] | year '-' DDD | weekyear '-W' ww [ '-' e ]
//	time      = HH [ ':' mm [ ':' ss ] ] [ ( '.' | ',' ) fraction ]
//
// Numbers may have fewer digits, the fraction is that of the last unit before it.
func parseISO(s string, z *Zone) (millis int64, ok bool) {
	if local, n := isoUsual(s); n > 0 {
		var r found
		if n == len(s)-1 && s[n] == 'Z' {
			return local, true
		}
		if n < len(s) {
			if n = r.scanOffset(s, n); n == 0 {
				return 0, false
			}
		}
		if n != len(s) {
			return 0, false
		}
		return r.toUTC(local, z)
	}
	return isoAny(s, z)
}

// isoUsual reads 2024-03-14T09:26:53 with a fraction or without, and gives where it ends: 0 when the text looks otherwise, or when it
// holds a value out of its limits.
func isoUsual(s string) (local int64, n int) {
	if len(s) < 19 || s[4] != '-' || s[7] != '-' || s[10] != 'T' || s[13] != ':' || s[16] != ':' {
		return 0, 0
	}
	year, ok := fourDigits(s, 0)
	month, day := twoDigits(s, 5), twoDigits(s, 8)
	hour, minute, second := twoDigits(s, 11), twoDigits(s, 14), twoDigits(s, 17)
	if !ok || uint(month-1) >= 12 || day < 1 || day > 28 && day > daysInMonth(int64(year), month) ||
		uint(hour) > 23 || uint(minute) > 59 || uint(second) > 59 {
		return 0, 0
	}
	local = daysFromCivil(int64(year), month, day)*dayMillis + int64((hour*60+minute)*60+second)*secondMillis
	n = 19
	if n < len(s) && (s[n] == '.' || s[n] == ',') {
		millis, next := scanFraction(s, n+1, 9, secondMillis)
		if next == 0 {
			return 0, 0
		}
		return local + int64(millis), next
	}
	return local, n
}

// isoText collects the fields of an ISO text, largest first, which is how they stand in it.
type isoText struct {
	fields [8]fieldValue
	n      int
}

func (t *isoText) add(f field, v int32) {
	t.fields[t.n] = fieldValue{f, v}
	t.n++
}

func isoAny(s string, z *Zone) (millis int64, ok bool) {
	var t isoText
	var r found
	i := 0
	timeRequired := s != "" && s[0]|0x20 == 't'
	if !timeRequired {
		if i = t.date(s); i == 0 {
			return 0, false
		}
	}
	if i < len(s) && s[i]|0x20 == 't' {
		i++
		next := t.time(s, i)
		if next == 0 && timeRequired {
			return 0, false
		}
		i = max(i, next)
		if next = r.scanOffset(s, i); next > 0 {
			i = next
		}
	}
	if i != len(s) {
		return 0, false
	}
	local, ok := resolve(t.fields[:t.n])
	if !ok {
		return 0, false
	}
	return r.toUTC(local, z)
}

// date reads the longest of the three kinds of dates; of two equally long ones, that with the month.
func (t *isoText) date(s string) int {
	year, n := scanNumber(s, 0, 9, true)
	if n == 0 {
		return 0
	}
	if n+1 < len(s) && s[n] == '-' && s[n+1]|0x20 == 'w' {
		if week, next := scanNumber(s, n+2, 2, false); next > 0 {
			t.add(fieldWeekYear, year)
			t.add(fieldWeek, week)
			if next < len(s) && s[next] == '-' {
				if day, end := scanNumber(s, next+1, 1, false); end > 0 {
					t.add(fieldWeekday, day)
					return end
				}
			}
			return next
		}
	}
	t.add(fieldYear, year)
	if n == len(s) || s[n] != '-' {
		return n
	}
	month, end := scanNumber(s, n+1, 2, false)
	if end == 0 {
		return n
	}
	day, dayEnd := int32(0), 0
	if end < len(s) && s[end] == '-' {
		day, dayEnd = scanNumber(s, end+1, 2, false)
	}
	if ofYear, next := scanNumber(s, n+1, 3, false); next > max(end, dayEnd) {
		t.add(fieldDayOfYear, ofYear)
		return next
	}
	t.add(fieldMonth, month)
	if dayEnd > 0 {
		t.add(fieldDay, day)
		return dayEnd
	}
	return end
}

// time reads a time of day at i, and gives where it ends, or 0. A fraction is that of the last unit before it.
func (t *isoText) time(s string, i int) int {
	var last field // the smallest unit that was read
	for n, f := range [...]field{fieldHour, fieldMinute, fieldSecond} {
		start := i
		if n > 0 {
			if i >= len(s) || s[i] != ':' {
				break
			}
			start++
		}
		v, next := scanNumber(s, start, 2, false)
		if next == 0 {
			break
		}
		t.add(f, v)
		i, last = next, f
	}
	if last == 0 { // an hour is not the first of the fields
		return 0
	}
	if i < len(s) && (s[i] == '.' || s[i] == ',') {
		if v, next := scanFraction(s, i+1, 9, units[last].millis); next > 0 {
			t.add(fractionOf(last), v)
			return next
		}
	}
	return i
}

func fractionOf(f field) field {
	switch f {
	case fieldHour:
		return fieldFractionOfHour
	case fieldMinute:
		return fieldFractionOfMinute
	}
	return fieldFraction
}

package joda

import (
	"time"
)

// AppendTimestamp writes t in UTC as Logstash prints a timestamp: 2024-01-02T03:04:05.678Z, with three, six or nine digits of
// the second, and a sign where the year is negative or has more than four digits.
func AppendTimestamp(dst []byte, t time.Time) []byte {
	var c clock
	c.set(t)
	second, nano, year := uint(c.second), uint(c.nano), uint(c.year)
	if year > 9999 {
		dst = appendExceeds(dst, c.year, 4)
		year = 0
	}
	b := [...]byte{4: '-', 7: '-', 10: 'T', 13: ':', 16: ':', 19: '.', 23: 'Z'}
	putTwo(b[0:2], year/100)
	putTwo(b[2:4], year%100)
	putTwo(b[5:7], uint(c.month))
	putTwo(b[8:10], uint(c.day))
	putTwo(b[11:13], second/3600)
	putTwo(b[14:16], second/60%60)
	putTwo(b[17:19], second%60)
	from := 0
	if year != uint(c.year) {
		from = 4
	}
	if millis := nano / 1e6; millis*1e6 == nano {
		b[20] = byte('0' + millis/100)
		putTwo(b[21:23], millis%100)
		return append(dst, b[from:]...)
	}
	dst = append(dst, b[from:20]...)
	if nano%1e3 == 0 {
		return append(appendNanos(dst, c.nano, 6), 'Z')
	}
	return append(appendNanos(dst, c.nano, 9), 'Z')
}

func putTwo(b []byte, v uint) {
	b[0], b[1] = byte('0'+v/10), byte('0'+v%10)
}

// ParseTimestamp reads the text of @timestamp as Logstash's Event does: a date, then a time after T, then a zone, the latter
// two optional. Hours and minutes need two digits, seconds may lack, their fraction has up to nine digits. A day up to 31 that
// the month does not have is its last; 24:00 is the next midnight. A zone is Z, an offset with or without colons, or a name such as
// UTC, GMT+01:00 or Europe/Berlin; the process zone where there is none. T, Z and names may be of either case.
func ParseTimestamp(s string) (time.Time, bool) {
	year, i, ok := timestampYear(s)
	if !ok || len(s) < i+6 || s[i] != '-' || s[i+3] != '-' {
		return time.Time{}, false
	}
	month, day := twoDigits(s, i+1), twoDigits(s, i+4)
	if month < 1 || month > 12 || day < 1 || day > 31 {
		return time.Time{}, false
	}
	day = min(day, daysInMonth(year, month))
	i += 6
	second, nano := 0, 0
	if i < len(s) && s[i]|0x20 == 't' {
		if second, nano, i, ok = timestampTime(s, i+1); !ok {
			return time.Time{}, false
		}
	}
	local := daysFromCivil(year, month, day)*secondsPerDay + int64(second)
	if i == len(s)-1 && s[i] == 'Z' {
		return time.Unix(local, int64(nano)).UTC(), true
	}
	offset, ok := timestampZone(s[i:], local)
	if !ok {
		return time.Time{}, false
	}
	return time.Unix(local-offset, int64(nano)).UTC(), true
}

// twoDigits reads two digits at i, or gives a negative number.
func twoDigits(s string, i int) int {
	a, b := s[i]-'0', s[i+1]-'0'
	if a > 9 || b > 9 {
		return -1
	}
	return int(a)*10 + int(b)
}

// timestampYear reads four digits, or a minus and four to nine, or a plus and five to nine.
func timestampYear(s string) (year int64, next int, ok bool) {
	i, least, most := 0, 4, 4
	sign := int64(1)
	if s != "" {
		switch s[0] {
		case '-':
			i, most, sign = 1, 9, -1
		case '+':
			i, least, most = 1, 5, 9
		}
	}
	start := i
	for i < len(s) && s[i]-'0' <= 9 {
		year = year*10 + int64(s[i]-'0')
		if i++; i-start > most {
			return 0, 0, false
		}
	}
	if i-start < least || year == 0 && sign < 0 {
		return 0, 0, false
	}
	return year * sign, i, true
}

// timestampTime reads HH:mm[:ss[.fraction]] at i. A decimal point may stand without digits.
func timestampTime(s string, i int) (second, nano, next int, ok bool) {
	if len(s) < i+5 || s[i+2] != ':' {
		return 0, 0, 0, false
	}
	hour, minute, sec := twoDigits(s, i), twoDigits(s, i+3), 0
	i += 5
	if len(s) >= i+3 && s[i] == ':' {
		sec = twoDigits(s, i+1)
		i += 3
		if i < len(s) && s[i] == '.' {
			scale := int(1e8)
			for i++; i < len(s) && s[i]-'0' <= 9; i++ {
				if scale == 0 {
					return 0, 0, 0, false
				}
				nano += int(s[i]-'0') * scale
				scale /= 10
			}
		}
	}
	if hour == 24 && minute == 0 && sec == 0 && nano == 0 {
		return secondsPerDay, 0, i, true
	}
	if hour < 0 || hour > 23 || minute < 0 || minute > 59 || sec < 0 || sec > 59 {
		return 0, 0, 0, false
	}
	return hour*3600 + minute*60 + sec, nano, i, true
}

// timestampZone gives the offset from UTC at a local time. Java accepts a zone in one notation and after it one in another,
// of which the last counts.
func timestampZone(s string, local int64) (offset int64, ok bool) {
	if s == "" {
		z := Zone{loc: time.Local} // a table would not be worth its making for one question
		return z.offsetOfLocal(local), true
	}
	rest := s
	if n := offsetWithColons(s, &offset); n > 0 {
		rest = s[n:]
	} else if n := prefixFold(s, "UTC", "GMT", "UT"); n > 0 && !startsRegion(s[n:]) {
		rest = s[n:]
		if k := offsetWithColons(rest, &offset); k > 0 && rest[0]|0x20 != 'z' {
			rest = rest[k:]
		}
	} else if id := longestZone(s); id != "" {
		z, err := LoadZone(id)
		if err != nil {
			return 0, false
		}
		offset, rest = z.offsetOfLocal(local), s[len(id):]
	}
	if rest == "" {
		return offset, true
	}
	if n := offsetPlain(rest, &offset); n > 0 {
		return offset, n == len(rest)
	}
	return 0, false
}

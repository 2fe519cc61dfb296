package joda

// scanOffset reads an offset at i as Joda-Time does: a sign, two digits of hours, then minutes, seconds and milliseconds, all
// with separators or all without. It gives milliseconds and where the offset ends, which is 0 when there is none.
func scanOffset(s string, i int) (offset, next int) {
	if len(s) < i+3 || s[i] != '+' && s[i] != '-' {
		return 0, 0
	}
	negative := s[i] == '-'
	hours := twoDigits(s, i+1)
	if hours < 0 || hours > 23 {
		return 0, 0
	}
	offset, next = scanOffsetRest(s, i+3, hours*int(hourMillis))
	if negative {
		offset = -offset
	}
	return offset, next
}

// scanOffsetRest reads what may follow the hours.
func scanOffsetRest(s string, i, offset int) (int, int) {
	if i == len(s) {
		return offset, i
	}
	separated := s[i] == ':'
	if !separated && s[i]-'0' > 9 {
		return offset, i
	}
	for n, unit := range [...]int{int(minuteMillis), int(secondMillis)} {
		if n > 0 && i == len(s) {
			return offset, i
		}
		if separated {
			if s[i] != ':' {
				return offset, i
			}
			i++
		} else if s[i]-'0' > 9 {
			return offset, i
		}
		if len(s) < i+2 {
			return 0, 0
		}
		v := twoDigits(s, i)
		if v < 0 || v > 59 {
			return 0, 0
		}
		offset += v * unit
		i += 2
	}
	return scanOffsetMillis(s, i, offset, separated)
}

func scanOffsetMillis(s string, i, offset int, separated bool) (int, int) {
	if i == len(s) {
		return offset, i
	}
	if separated {
		if s[i] != '.' && s[i] != ',' {
			return offset, i
		}
		i++
		if i == len(s) || s[i]-'0' > 9 {
			return 0, 0
		}
	}
	for unit := 100; unit > 0 && i < len(s) && s[i]-'0' <= 9; unit /= 10 {
		offset += int(s[i]-'0') * unit
		i++
	}
	return offset, i
}

// The two notations of an offset in a timestamp's text, as java.time reads them, in seconds. Each gives its length, 0 when it is
// not there.

// offsetWithColons reads Z or +HH:MM or +HH:MM:SS.
func offsetWithColons(s string, offset *int64) int {
	if s != "" && s[0]|0x20 == 'z' {
		*offset = 0
		return 1
	}
	return scanJavaOffset(s, 1, true, offset)
}

// offsetPlain reads Z or +HH or +HHMM or +HHMMSS.
func offsetPlain(s string, offset *int64) int {
	if s != "" && s[0]|0x20 == 'z' {
		*offset = 0
		return 1
	}
	return scanJavaOffset(s, 0, false, offset)
}

func scanJavaOffset(s string, required int, colons bool, offset *int64) int {
	if len(s) < 3 || s[0] != '+' && s[0] != '-' {
		return 0
	}
	v := twoDigits(s, 1)
	if v < 0 {
		return 0
	}
	total := int64(v) * 3600
	i := 3
	for n, unit := range [...]int64{60, 1} {
		k := i
		if colons {
			if k < len(s) && s[k] == ':' {
				k++
			} else {
				k = len(s)
			}
		}
		v := -1
		if k+2 <= len(s) {
			v = twoDigits(s, k)
		}
		if v < 0 || v > 59 {
			if n < required {
				return 0
			}
			break
		}
		total += int64(v) * unit
		i = k + 2
	}
	if total > 18*3600 {
		return 0
	}
	if s[0] == '-' {
		total = -total
	}
	*offset = total
	return i
}

// startsRegion tells whether a name goes on after UTC or GMT, as in GMT0.
func startsRegion(s string) bool {
	return s != "" && (s[0]-'0' <= 9 || s[0] == '/' || isLetter(s[0]) && s[0]|0x20 != 'z')
}

package text

import (
	"strings"
)

// DateStrptime is Date._strptime(s, format); ok is false where Ruby returns nil.
func DateStrptime(s, format string) (p DateParts, ok bool) {
	x := strptime{rest: s}
	if !x.match(format) {
		return DateParts{}, false
	}
	if x.rest != "" {
		x.out.Has |= HasLeftover
		x.out.Leftover = x.rest
	}
	if x.hasCentury {
		if x.out.has(HasCwyear) {
			x.out.Cwyear += 100 * x.century
		}
		if x.out.has(HasYear) {
			x.out.Year += 100 * x.century
		}
	}
	if x.hasMeridian && x.out.has(HasHour) {
		x.out.Hour = x.out.Hour%12 + x.meridian
	}
	return x.out, true
}

type strptime struct {
	rest string // what is still to be read
	out  DateParts

	century, meridian       int64
	hasCentury, hasMeridian bool
}

// match reads all directives of a format.
func (x *strptime) match(format string) bool {
	for i := 0; i < len(format); i++ {
		c := format[i]
		if isSpace(c) {
			x.rest = skipSpace(x.rest)
			continue
		}
		if c != '%' || i+1 == len(format) {
			if !strings.HasPrefix(x.rest, format[i:i+1]) {
				return false
			}
			x.rest = x.rest[1:]
			continue
		}
		n := strptimeDirectiveLen(format[i+1:])
		if n == 0 { // no directive: the percent sign means itself
			if !strings.HasPrefix(x.rest, "%") {
				return false
			}
			x.rest = x.rest[1:]
			continue
		}
		i += n
		if !x.directive(format[i], format[i+1:]) {
			return false
		}
	}
	return true
}

// strptimeDirectiveLen returns the length of a directive with its modifier, 0 if it is none.
func strptimeDirectiveLen(s string) int {
	switch {
	case s[0] == 'E' || s[0] == 'O':
		if len(s) > 1 && (s[0] == 'E' && strings.IndexByte("cCxXyY", s[1]) >= 0 || s[0] == 'O' && strings.IndexByte("deHImMSuUVwWy", s[1]) >= 0) {
			return 2
		}
		return 0
	case s[0] == ':':
		n := 0
		for n < 3 && n < len(s) && s[n] == ':' {
			n++
		}
		if n < len(s) && s[n] == 'z' {
			return n + 1
		}
		return 0
	}
	if strings.IndexByte("AaBbhCcDxdeFGgHkIljLNMmntPpQRrSsTXUWuVvwYyZz%+", s[0]) >= 0 {
		return 1
	}
	return 0
}

// numberFollows reports whether the rest of a format begins with something that reads digits, which bounds the number before it.
func numberFollows(format string) bool {
	switch {
	case format == "":
		return false
	case isDigit(format[0]):
		return true
	case format[0] != '%':
		return false
	}
	format = format[1:]
	if format != "" && (format[0] == 'E' || format[0] == 'O') {
		format = format[1:]
	}
	return format != "" && (isDigit(format[0]) || strings.IndexByte("CDdeFGgHIjkLlMmNQRrSsTUuVvWwXxYy", format[0]) >= 0)
}

// digits reads up to width digits, 0 for any number.
func (x *strptime) digits(width int) (string, bool) {
	n := 0
	for n < len(x.rest) && isDigit(x.rest[n]) && (width == 0 || n < width) {
		n++
	}
	s := x.rest[:n]
	x.rest = x.rest[n:]
	return s, n > 0
}

// bounded reads a number that has to be within limits.
func (x *strptime) bounded(f DateField, width int, low, high int64) bool {
	s, ok := x.digits(width)
	n := number(s)
	if !ok || n < low || n > high {
		return false
	}
	x.out.set(f, n)
	return true
}

// blankOr is bounded for two digits, of which the first may be a blank.
func (x *strptime) blankOr(f DateField, low, high int64) bool {
	if strings.HasPrefix(x.rest, " ") {
		x.rest = x.rest[1:]
		return x.bounded(f, 1, low, high)
	}
	return x.bounded(f, 2, low, high)
}

func (x *strptime) directive(c byte, following string) bool {
	switch c {
	case 'A', 'a':
		return x.name(HasWday, dayNames, "sundaymondaytuesdaywednesdaythursdayfridaysaturday", 0)
	case 'B', 'b', 'h':
		return x.name(HasMon, monthNames, "januaryfebruarymarchaprilmayjunejulyaugustseptemberoctobernovemberdecember", 1)
	case 'C':
		return x.readCentury(following)
	case 'd', 'e':
		return x.blankOr(HasMday, 1, 31)
	case 'H', 'k':
		return x.blankOr(HasHour, 0, 24)
	case 'I', 'l':
		return x.blankOr(HasHour, 1, 12)
	case 'j':
		return x.bounded(HasYday, 3, 1, 366)
	case 'M':
		return x.bounded(HasMin, 2, 0, 59)
	case 'm':
		return x.bounded(HasMon, 2, 1, 12)
	case 'S':
		return x.bounded(HasSec, 2, 0, 60)
	case 'U':
		return x.bounded(HasWnum0, 2, 0, 53)
	case 'W':
		return x.bounded(HasWnum1, 2, 0, 53)
	case 'V':
		return x.bounded(HasCweek, 2, 1, 53)
	case 'u':
		return x.bounded(HasCwday, 1, 1, 7)
	case 'w':
		return x.bounded(HasWday, 1, 0, 6)
	case 'Y':
		return x.year(HasYear, following)
	case 'G':
		return x.year(HasCwyear, following)
	case 'y':
		return x.shortYear(HasYear)
	case 'g':
		return x.shortYear(HasCwyear)
	case 'L', 'N':
		return x.fraction(c, following)
	case 's', 'Q':
		return x.epoch(c)
	case 'P', 'p':
		return x.readMeridian()
	case 'Z', 'z':
		return x.zone()
	case 'n', 't':
		x.rest = skipSpace(x.rest)
		return true
	case '%':
		ok := strings.HasPrefix(x.rest, "%")
		x.rest = strings.TrimPrefix(x.rest, "%")
		return ok
	}
	return x.match(strptimeFormat(c))
}

// strptimeFormat returns the format that a directive stands for.
func strptimeFormat(c byte) string {
	switch c {
	case 'c':
		return "%a %b %e %H:%M:%S %Y"
	case 'D', 'x':
		return "%m/%d/%y"
	case 'F':
		return "%Y-%m-%d"
	case 'R':
		return "%H:%M"
	case 'r':
		return "%I:%M:%S %p"
	case 'T', 'X':
		return "%H:%M:%S"
	case 'v':
		return "%e-%b-%Y"
	case '+':
		return "%a %b %e %H:%M:%S %Z %Y"
	}
	panic("BUG: a directive without a reader: " + string(c))
}

// name reads the full or the short name of a day or a month.
func (x *strptime) name(f DateField, short, full string, first int64) bool {
	i := nameIndex(short, x.rest)
	if i < 0 {
		return false
	}
	begin := strings.Index(full, short[3*i:3*i+3])
	end := len(full)
	if 3*i+6 <= len(short) {
		end = begin + 3 + strings.Index(full[begin+3:], short[3*i+3:3*i+6])
	}
	n := 3
	if l := end - begin; len(x.rest) >= l && strings.EqualFold(x.rest[:l], full[begin:end]) {
		n = l
	}
	x.rest = x.rest[n:]
	x.out.set(f, int64(i)+first)
	return true
}

// signed reads a number with a sign, of width digits or, if 0, any number.
func (x *strptime) signed(width int) (int64, bool) {
	negative := strings.HasPrefix(x.rest, "-")
	x.rest = x.rest[signLen(x.rest):]
	s, ok := x.digits(width)
	if negative {
		return -number(s), ok
	}
	return number(s), ok
}

func (x *strptime) readCentury(following string) bool {
	width := 0
	if numberFollows(following) {
		width = 2
	}
	n, ok := x.signed(width)
	x.century, x.hasCentury = n, true
	return ok
}

func (x *strptime) year(f DateField, following string) bool {
	width := 0
	if numberFollows(following) {
		width = 4
	}
	n, ok := x.signed(width)
	x.out.set(f, n)
	return ok
}

func (x *strptime) shortYear(f DateField) bool {
	s, ok := x.digits(2)
	if !ok {
		return false
	}
	n := number(s)
	x.out.set(f, n)
	if !x.hasCentury {
		x.hasCentury, x.century = true, 20
		if n >= 69 {
			x.century = 19
		}
	}
	return true
}

func (x *strptime) fraction(c byte, following string) bool {
	width := 0
	if numberFollows(following) {
		if width = 9; c == 'L' {
			width = 3
		}
	}
	negative := strings.HasPrefix(x.rest, "-")
	x.rest = x.rest[signLen(x.rest):]
	s, ok := x.digits(width)
	n := nanoseconds(s)
	if negative {
		n = -n
	}
	x.out.set(HasFraction, n)
	return ok
}

// epoch reads seconds, or milliseconds with Q.
func (x *strptime) epoch(c byte) bool {
	negative := strings.HasPrefix(x.rest, "-")
	if negative {
		x.rest = x.rest[1:]
	}
	s, ok := x.digits(0)
	n := number(s)
	if negative {
		n = -n
	}
	x.out.Has |= HasSeconds
	if x.out.Seconds = n; c == 'Q' {
		x.out.Seconds, x.out.SecondsNsec = n/1000, n%1000*1_000_000
		if x.out.SecondsNsec < 0 {
			x.out.Seconds--
			x.out.SecondsNsec += 1_000_000_000
		}
	}
	return ok
}

func (x *strptime) readMeridian() bool {
	g, _, end, ok := captures(patterns().meridian, x.rest)
	if !ok {
		return false
	}
	x.rest = x.rest[end:]
	x.hasMeridian, x.meridian = true, 0
	if g[1][0]|0x20 == 'p' {
		x.meridian = 12
	}
	return true
}

func (x *strptime) zone() bool {
	g, _, end, ok := captures(patterns().zone, x.rest)
	if !ok {
		return false
	}
	x.rest = x.rest[end:]
	x.out.setZone(g[1])
	return true
}

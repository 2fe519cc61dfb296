package text

import (
	"strings"
	"time"
)

// scanner reads a text of a fixed form; after a failure it reads nothing more.
type scanner struct {
	s      string
	failed bool
}

// digits reads between low and high digits.
func (x *scanner) digits(low, high int) string {
	n := 0
	for n < len(x.s) && n < high && isDigit(x.s[n]) {
		n++
	}
	if n < low {
		x.failed = true
		return ""
	}
	d := x.s[:n]
	x.s = x.s[n:]
	return d
}

func (x *scanner) number(low, high int) int { return int(number(x.digits(low, high))) }

// any reads one of the characters.
func (x *scanner) any(chars string) byte {
	if x.s == "" || strings.IndexByte(chars, x.s[0]) < 0 {
		x.failed = true
		return 0
	}
	c := x.s[0]
	x.s = x.s[1:]
	return c
}

func (x *scanner) try(prefix string) bool {
	ok := strings.HasPrefix(x.s, prefix)
	x.s = strings.TrimPrefix(x.s, prefix)
	return ok
}

// word reads letters.
func (x *scanner) word() string {
	n := 0
	for n < len(x.s) && 'a' <= x.s[n]|0x20 && x.s[n]|0x20 <= 'z' {
		n++
	}
	w := x.s[:n]
	x.s = x.s[n:]
	if n == 0 {
		x.failed = true
	}
	return w
}

func (x *scanner) space(atLeast int) {
	s := skipSpace(x.s)
	if len(x.s)-len(s) < atLeast {
		x.failed = true
	}
	x.s = s
}

// fixedTime checks what was read, and makes a time in a zone.
func fixedTime(year, month, day, hour, minute, sec int, nsec int64, in *time.Location) (time.Time, error) {
	p := DateParts{Mon: int64(month), Mday: int64(day), Hour: int64(hour), Min: int64(minute), Sec: int64(sec)}
	if err := checkTime(&p); err != nil {
		return time.Time{}, err
	}
	return time.Date(year, time.Month(month), day, hour, minute, sec, int(nsec), in), nil
}

// ParseISO8601 is Time.iso8601(s), which needs date and time; loc is the local zone, for times without one.
func ParseISO8601(s string, loc *time.Location) (time.Time, error) {
	x := scanner{s: skipSpace(s)}
	negative := x.try("-")
	if !negative {
		x.try("+")
	}
	year := x.number(4, 10)
	if negative {
		year = -year
	}
	x.any("-")
	month := x.number(2, 2)
	x.any("-")
	day := x.number(2, 2)
	x.any("Tt")
	hour := x.number(2, 2)
	x.any(":")
	minute := x.number(2, 2)
	x.any(":")
	sec := x.number(2, 2)
	var nsec int64
	if x.try(".") {
		nsec = nanoseconds(x.digits(1, len(s)))
	}
	in := isoZone(&x, loc)
	if x.space(0); x.failed || x.s != "" {
		return time.Time{}, invalidISO(s)
	}
	return fixedTime(year, month, day, hour, minute, sec, nsec, in)
}

func invalidISO(s string) error { return argumentError("invalid xmlschema format: %s", Inspect(s)) }

// isoZone reads Z, +hh:mm, +hhmm or +hh, or nothing.
func isoZone(x *scanner, loc *time.Location) *time.Location {
	switch {
	case x.s == "" || isSpace(x.s[0]):
		return loc
	case x.s[0]|0x20 == 'z':
		x.s = x.s[1:]
		return time.UTC
	}
	sign := x.any("+-")
	offset := x.number(2, 2) * 3600
	if x.s != "" && !isSpace(x.s[0]) {
		x.try(":")
		offset += x.number(2, 2) * 60
	}
	if sign == '-' {
		offset = -offset
		if offset == 0 {
			return time.UTC // an offset that is unknown
		}
	}
	return time.FixedZone("", offset)
}

// ParseRFC2822 is Time.rfc2822(s).
func ParseRFC2822(s string) (time.Time, error) {
	bad := argumentError("not RFC 2822 compliant date: %s", Inspect(s))
	x := scanner{s: skipSpace(s)}
	if x.s != "" && !isDigit(x.s[0]) {
		if w := x.word(); len(w) != 3 || nameIndex(dayNames, w) < 0 {
			return time.Time{}, bad
		}
		x.space(0)
		x.any(",")
		x.space(0)
	}
	day := x.number(1, 2)
	x.space(1)
	w := x.word()
	month := nameIndex(monthNames, w) + 1
	if len(w) != 3 || month == 0 {
		return time.Time{}, bad
	}
	x.space(1)
	digits := x.digits(2, 18)
	x.space(1)
	hour := x.number(1, 2)
	x.space(0)
	x.any(":")
	x.space(0)
	minute := x.number(2, 2)
	sec := 0
	if x.space(0); x.try(":") {
		x.space(0)
		sec = x.number(2, 2)
	}
	x.space(0)
	zone := x.s
	if i := strings.IndexFunc(zone, func(r rune) bool { return r < 0x80 && isSpace(byte(r)) }); i >= 0 {
		zone = zone[:i]
	}
	offset, known := timeZoneOffset(zone, 2000, time.UTC)
	if x.failed || !known || signLen(zone) == 1 && len(zone) != 5 {
		return time.Time{}, bad
	}
	year := int(number(digits))
	switch {
	case len(digits) == 2 && year < 50:
		year += 2000
	case len(digits) <= 3:
		year += 1900
	}
	t, err := fixedTime(year, month, day, hour, minute, sec, 0, time.FixedZone("", offset))
	if err == nil && (zone == "-0000" || strings.EqualFold(zone, "utc") || strings.EqualFold(zone, "z")) {
		t = t.UTC()
	}
	return t, err
}

// ParseHTTPDate is Time.httpdate(s), with its two obsolete forms.
func ParseHTTPDate(s string) (time.Time, error) {
	bad := argumentError("not RFC 2616 compliant date: %s", Inspect(s))
	x := scanner{s: skipSpace(s)}
	w := x.word()
	if nameIndex(dayNames, w) < 0 {
		return time.Time{}, bad
	}
	var year, month, day, hour, minute, sec int
	clock := func() {
		hour = x.number(2, 2)
		x.any(":")
		minute = x.number(2, 2)
		x.any(":")
		sec = x.number(2, 2)
	}
	switch {
	case x.try(", "):
		day = x.number(2, 2)
		separator := x.any(" -")
		month = nameIndex(monthNames, x.word()) + 1
		x.any(string(separator))
		if separator == '-' {
			if year = x.number(2, 2); year < 50 {
				year += 100
			}
			year += 1900
		} else {
			year = x.number(4, 4)
		}
		x.any(" ")
		clock()
		if x.any(" "); !strings.EqualFold(x.word(), "gmt") {
			return time.Time{}, bad
		}
	default: // as asctime writes
		x.any(" ")
		month = nameIndex(monthNames, x.word()) + 1
		x.any(" ")
		x.space(0)
		day = x.number(1, 2)
		x.any(" ")
		clock()
		x.any(" ")
		year = x.number(4, 4)
	}
	if x.space(0); x.failed || x.s != "" || month == 0 {
		return time.Time{}, bad
	}
	return fixedTime(year, month, day, hour, minute, sec, 0, time.UTC)
}

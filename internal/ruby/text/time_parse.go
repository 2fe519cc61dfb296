package text

import (
	"strings"
	"time"
)

// ParseTime is Time.parse(s, now): now, whose Location is the local zone, has what s leaves out before the first part that
// it names, such as the year of a day; what it leaves out behind that is the lowest.
func ParseTime(s string, now time.Time) (time.Time, error) {
	p, err := DateParse(s, true)
	if err != nil {
		return time.Time{}, err
	}
	return makeTime(s, &p, now)
}

// StrptimeTime is Time.strptime(s, format, now).
func StrptimeTime(s, format string, now time.Time) (time.Time, error) {
	p, ok := DateStrptime(s, format)
	if !ok {
		return time.Time{}, argumentError("invalid date or strptime format - `%s' `%s'", s, format)
	}
	switch {
	case p.has(HasSeconds):
		nsec := p.Nsec
		if p.Seconds < 0 {
			nsec = -nsec
		}
		t := time.Unix(p.Seconds, p.SecondsNsec+nsec).In(now.Location())
		if p.has(HasZone) {
			t = forceZone(t, &p, 0, false)
		}
		return t, nil
	case p.has(HasCwyear) && !p.has(HasYear), (p.has(HasCwday) || p.has(HasCweek)) && !(p.has(HasMon) && p.has(HasMday)):
		d, err := StrptimeDate(s, format, now)
		if err != nil {
			return d, err
		}
		return time.Date(d.Year(), d.Month(), d.Day(), 0, 0, 0, 0, now.Location()), nil
	case (p.has(HasWnum0) || p.has(HasWnum1)) && !p.has(HasYday) && !(p.has(HasMon) && p.has(HasMday)):
		d, err := StrptimeDate(s, format, now)
		if err != nil {
			return d, err
		}
		p.set(HasYday, int64(d.YearDay()))
	}
	return makeTime(s, &p, now)
}

// makeTime builds a time from what was found, as Time.parse does.
func makeTime(s string, p *DateParts, now time.Time) (time.Time, error) {
	if p.Has&(HasYear|HasYday|HasMon|HasMday|HasHour|HasMin|HasSec|HasFraction) == 0 {
		return time.Time{}, argumentError("no time information in %s", Inspect(s))
	}
	offset, known := 0, false
	if p.has(HasZone) {
		year := now.Year()
		if p.has(HasYear) {
			year = int(p.Year)
		}
		offset, known = timeZoneOffset(p.Zone, year, now.Location())
	}
	if p.has(HasYday) {
		if err := ydayToDate(p, now); err != nil {
			return time.Time{}, err
		}
	}
	fill := now
	if known {
		if _, off := now.Zone(); off != offset {
			fill = now.In(time.FixedZone("", offset))
		}
	}
	completeFrom(p, fill)
	checked := *p
	if known && offset/3600%24 != 0 {
		checked.Hour %= 24 // Ruby normalises the hour when it adds those of the zone, and does not look at it before
	}
	if err := checkTime(&checked); err != nil {
		return time.Time{}, err
	}
	in := now.Location()
	if known {
		in = time.FixedZone("", offset)
	}
	t := time.Date(int(p.Year), time.Month(p.Mon), int(p.Mday), int(p.Hour), int(p.Min), int(p.Sec), int(p.Nsec), in)
	if known {
		t = forceZone(t.In(now.Location()), p, offset, true)
	}
	return t, nil
}

// completeFrom sets the fields before the first that was found to those of now, and the ones behind it to the lowest.
func completeFrom(p *DateParts, now time.Time) {
	steps := []struct {
		f           DateField
		now, lowest int64
	}{
		{HasYear, int64(now.Year()), 0}, {HasMon, int64(now.Month()), 1}, {HasMday, int64(now.Day()), 1},
		{HasHour, int64(now.Hour()), 0}, {HasMin, int64(now.Minute()), 0}, {HasSec, int64(now.Second()), 0},
	}
	found := false
	for _, s := range steps {
		switch {
		case p.has(s.f):
			found = true
		case found:
			p.set(s.f, s.lowest)
		default:
			p.set(s.f, s.now)
		}
	}
}

// ydayToDate replaces a day of the year.
func ydayToDate(p *DateParts, now time.Time) error {
	year := now.Year()
	if p.has(HasYear) {
		year = int(p.Year)
	}
	t := time.Date(year, 1, int(p.Yday), 0, 0, 0, 0, time.UTC)
	if t.Year() != year {
		return argumentError("yday %d out of range", p.Yday)
	}
	p.set(HasMon, int64(t.Month()))
	p.set(HasMday, int64(t.Day()))
	return nil
}

// checkTime reports what no time has. The 31st of a short month is the first of the next.
func checkTime(p *DateParts) error {
	switch {
	case p.Mon < 0 || p.Mon > 15, p.Mday < 1 || p.Mday > 31, p.Hour < 0 || p.Hour > 31, p.Min < 0 || p.Min > 63, p.Sec < 0 || p.Sec > 63:
		return argumentError("argument out of range")
	case p.Mon < 1 || p.Mon > 12:
		return argumentError("mon out of range")
	case p.Hour > 24:
		return argumentError("hour out of range")
	case p.Min > 59 || p.Hour == 24 && p.Min > 0:
		return argumentError("min out of range")
	case p.Sec > 60 || p.Hour == 24 && p.Sec > 0:
		return argumentError("sec out of range")
	}
	return nil
}

// forceZone puts t, which is in the local zone, into the zone that the text named.
func forceZone(t time.Time, p *DateParts, offset int, known bool) time.Time {
	switch strings.ToUpper(p.Zone) {
	case "Z", "UTC", "-0000", "-00:00":
		return t.UTC()
	}
	if !known {
		if offset, known = timeZoneOffset(p.Zone, t.Year(), t.Location()); !known {
			return t
		}
	}
	if _, off := t.Zone(); off == offset {
		return t
	}
	return t.In(time.FixedZone("", offset))
}

// timeZoneOffset is Time.zone_offset, which knows fewer names than Date but those of the local zone.
func timeZoneOffset(zone string, year int, local *time.Location) (int, bool) {
	zone = strings.ToUpper(zone)
	if signLen(zone) == 1 {
		return strictOffset(zone)
	}
	if len(zone) == 1 && zone[0] != 'J' && 'A' <= zone[0] && zone[0] <= 'Z' {
		off, ok := namedZone(strings.ToLower(zone))
		return int(off), ok
	}
	switch zone {
	case "UTC", "UT", "GMT", "EST", "EDT", "CST", "CDT", "MST", "MDT", "PST", "PDT":
		off, ok := namedZone(strings.ToLower(zone))
		return int(off), ok
	}
	for _, month := range []time.Month{time.January, time.July} {
		if name, off := time.Date(year, month, 1, 0, 0, 0, 0, local).Zone(); strings.ToUpper(name) == zone {
			return off, true
		}
	}
	return 0, false
}

// strictOffset reads +hh, +hhmm, +hh:mm, +hhmmss and +hh:mm:ss.
func strictOffset(s string) (int, bool) {
	digits := s[1:]
	if len(digits) == 5 || len(digits) == 8 {
		if digits[2] != ':' || len(digits) == 8 && digits[5] != ':' {
			return 0, false
		}
		digits = strings.ReplaceAll(digits, ":", "")
	}
	if len(digits) != 2 && len(digits) != 4 && len(digits) != 6 || strings.Trim(digits, "0123456789") != "" {
		return 0, false
	}
	off := number(digits[:2]) * 3600
	if len(digits) > 2 {
		off += number(digits[2:4]) * 60
	}
	if len(digits) > 4 {
		off += number(digits[4:])
	}
	if s[0] == '-' {
		off = -off
	}
	return int(off), true
}

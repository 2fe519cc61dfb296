package text

import "strings"

// digits finds a date or time without separators, whose parts are told by their number of digits.
func (p *dateParser) digits() bool {
	g, ok := p.take(patterns().digits)
	if !ok {
		return false
	}
	sign, date, clock, fraction, zone := g[1], g[2], g[3], g[4], g[5]
	fromEnd := clock == "" && fraction != "" // seconds with a fraction, so the digits are a time
	if fromEnd {
		p.digitsFromEnd(date)
	} else {
		p.digitsOfDate(sign, date)
	}
	if clock != "" {
		p.digitsOfClock(clock, fraction != "")
	}
	if fraction != "" {
		p.out.set(HasFraction, nanoseconds(fraction[1:]))
	}
	if zone != "" {
		p.digitsZone(zone)
	}
	return true
}

func (p *dateParser) digitsOfDate(sign, s string) {
	year := func(digits string) {
		n := number(digits)
		if sign == "-" {
			n = -n
		}
		p.out.set(HasYear, n)
	}
	fields := func(s string, fields ...DateField) {
		for i, f := range fields {
			p.out.set(f, number(s[2*i:2*i+2]))
		}
	}
	switch len(s) {
	case 2:
		fields(s, HasMday)
	case 3:
		p.out.set(HasYday, number(s))
	case 4:
		fields(s, HasMon, HasMday)
	case 5:
		year(s[:2])
		p.out.set(HasYday, number(s[2:]))
	case 6:
		year(s[:2])
		fields(s[2:], HasMon, HasMday)
	case 7:
		year(s[:4])
		p.out.set(HasYday, number(s[4:]))
	case 8, 10, 12, 14:
		year(s[:4])
		fields(s[4:], []DateField{HasMon, HasMday, HasHour, HasMin, HasSec}[:len(s)/2-2]...)
		p.full = true
	}
}

// digitsFromEnd reads digits that end with the seconds.
func (p *dateParser) digitsFromEnd(s string) {
	order := []DateField{HasSec, HasMin, HasHour, HasMday, HasMon}
	switch len(s) {
	case 2, 4, 6, 8, 10:
	case 12:
		p.out.set(HasYear, number(s[:2]))
		s = s[2:]
	case 14:
		p.out.set(HasYear, number(s[:4]))
		p.full = true
		s = s[4:]
	case 3, 5, 7:
		p.out.set(order[len(s)/2], number(s[:1]))
		s = s[1:]
	default:
		return
	}
	for i := 0; len(s) > 0; i++ {
		p.out.set(order[i], number(s[len(s)-2:]))
		s = s[:len(s)-2]
	}
}

func (p *dateParser) digitsOfClock(s string, fromEnd bool) {
	if len(s)%2 != 0 {
		return
	}
	order := []DateField{HasHour, HasMin, HasSec}
	if fromEnd {
		order = order[3-len(s)/2:]
	}
	for i := 0; 2*i < len(s); i++ {
		p.out.set(order[i], number(s[2*i:2*i+2]))
	}
}

func (p *dateParser) digitsZone(zone string) {
	if zone[0] != '[' {
		p.out.setZone(zone)
		return
	}
	zone = zone[1 : len(zone)-1]
	offset := zone
	if before, name, ok := strings.Cut(zone, ":"); ok {
		offset, zone = before, name
	}
	if isDigit(offset[0]) {
		offset = "+" + offset
	}
	p.out.Has |= HasZone
	p.out.Zone = zone
	if off, ok := zoneOffset(offset); ok {
		p.out.set(HasOffset, off)
	}
}

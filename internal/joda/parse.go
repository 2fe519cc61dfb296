package joda

import "time"

// found is what a text says of its zone.
type found struct {
	zone      *Zone
	offset    int32 // milliseconds
	hasOffset bool
}

// toUTC turns local milliseconds into UTC: by the offset of the text, or its zone, or else z.
func (r *found) toUTC(local int64, z *Zone) (int64, bool) {
	if r.hasOffset {
		return local - int64(r.offset), true
	}
	if r.zone != nil {
		z = r.zone
	}
	return z.toUTC(local)
}

// Parse reads a text to its end. now is looked at when NeedsNow says so: a format without a year gets that of now, but December
// read in January is of the year before, January read in December of the next. The instant has milliseconds at most.
func (p *Parser) Parse(s string, now time.Time) (time.Time, bool) {
	return p.ParseIn(s, p.zone, now)
}

// ParseIn is Parse with another zone for texts that do not tell theirs.
func (p *Parser) ParseIn(s string, z *Zone, now time.Time) (time.Time, bool) {
	var millis int64
	var ok bool
	switch p.kind {
	case kindPattern:
		millis, ok = p.parsePattern(s, z, now)
	case kindISO8601:
		millis, ok = parseISO(s, z)
		for i := 0; !ok && i < len(p.casual); i++ {
			millis, ok = p.casual[i].parsePattern(s, z, now)
		}
	case kindUnix:
		millis, ok = parseUnix(s)
	case kindUnixMillis:
		millis, ok = parseLong(s)
	case kindTAI64N:
		millis, ok = parseTAI64N(s)
	}
	if !ok {
		return time.Time{}, false
	}
	return timeOf(millis), true
}

func timeOf(millis int64) time.Time {
	seconds := floorDiv(millis, 1000)
	return time.Unix(seconds, (millis-seconds*1000)*1e6).UTC()
}

func (p *Parser) parsePattern(s string, z *Zone, now time.Time) (millis int64, ok bool) {
	v := p.defaults
	var r found
	if p.scan(s, 0, 0, len(p.ops), &v, &r) != len(s) {
		return 0, false
	}
	local, ok := p.local(&v, now)
	if !ok {
		return 0, false
	}
	if p.yearless {
		if p.plain && !p.hasWeekday && !p.offsets && r.zone == nil {
			return p.guessPlainYear(&v, local, z, now)
		}
		return p.guessYear(local, &r, z, now)
	}
	return r.toUTC(local, z)
}

// defaultYear stands in where a text says which day, but not of which year. Whether that day has a number or a time that is skipped,
// and where its weekday lies, depends on it. Logstash takes the year in which it was started.
func (p *Parser) defaultYear(now time.Time) int {
	if p.yearless {
		return now.Year()
	}
	return p.year
}

// local makes local milliseconds from what was read.
func (p *Parser) local(v *values, now time.Time) (int64, bool) {
	if !p.plain {
		return p.localByFields(v, now)
	}
	if p.undated {
		v[slotYear] = int32(p.defaultYear(now))
	}
	year, month, day := int64(v[slotYear]), int(v[slotMonth]), int(v[slotDay])
	if uint(month-1) >= 12 || day < 1 || day > 28 && day > daysInMonth(year, month) || year < p.leastYear || year > maxYear {
		return 0, false
	}
	hour := v[slotHour]
	if half := v[slotHalfHour]; p.hasHalf {
		if half < 1 || half > 12 {
			return 0, false
		}
		hour = half%12 + 12*v[slotHalfday]
	}
	if uint32(hour) > 23 || uint32(v[slotMinute]) > 59 || uint32(v[slotSecond]) > 59 {
		return 0, false
	}
	days := daysFromCivil(year, month, day)
	if w := v[slotWeekday]; p.hasWeekday {
		if w < 1 || w > 7 {
			return 0, false
		}
		days += int64(w) - int64(isoWeekday(days))
	}
	return days*dayMillis + int64((hour*60+v[slotMinute])*60+v[slotSecond])*1000 + int64(v[slotMillis]), true
}

func (p *Parser) localByFields(v *values, now time.Time) (int64, bool) {
	var list [maxFields + 1]fieldValue
	n := 0
	if len(p.fields) > 0 && needsYear(p.fields[0]) {
		list[0] = fieldValue{fieldYear, int32(p.defaultYear(now))}
		n = 1
	}
	for i, f := range p.fields {
		list[n] = fieldValue{f, v[i]}
		n++
	}
	return resolve(list[:n])
}

// guessYear puts a date of the default year into the year that is most likely meant.
func (p *Parser) guessYear(local int64, r *found, z *Zone, now time.Time) (millis int64, ok bool) {
	if p.offsets {
		if millis, ok = r.toUTC(local, z); !ok {
			return 0, false
		}
		local = z.toLocal(millis)
	} else {
		// The zone that z reads takes no part, but for refusing a time that it skips.
		if r.zone != nil {
			if _, ok = r.zone.toUTC(local); !ok {
				return 0, false
			}
		}
		if millis, ok = z.toUTC(local); !ok {
			return 0, false
		}
	}
	_, month, _, _ := civil(local)
	return z.toUTCNear(setYear(local, likelyYear(month, now)), millis), true
}

// guessPlainYear does the same for the usual format, whose values are at hand.
func (p *Parser) guessPlainYear(v *values, local int64, z *Zone, now time.Time) (millis int64, ok bool) {
	if millis, ok = z.toUTC(local); !ok {
		return 0, false
	}
	month, day := int(v[slotMonth]), int(v[slotDay])
	year := likelyYear(month, now)
	if year == int64(v[slotYear]) {
		return millis, true
	}
	if day > 28 {
		day = min(day, daysInMonth(year, month))
	}
	return z.toUTCNear(joinCivil(year, month, day, floorMod(local, dayMillis)), millis), true
}

func likelyYear(month int, now time.Time) int64 {
	year, nowMonth, _ := now.Date()
	switch {
	case month == 12 && nowMonth == time.January:
		year--
	case month == 1 && nowMonth == time.December:
		year++
	}
	return int64(year)
}

// scan reads s from i on by the items first to end, and gives where they end in s, negative if one is not there. It is long because it is a switch over all
// items, in line for speed.
func (p *Parser) scan(s string, i, first, end int, v *values, r *found) int {
	for k := first; k < end; k++ {
		op := &p.ops[k]
		switch op.code {
		case opByte:
			if i >= len(s) || s[i] != op.byte {
				return -1
			}
			i++
		case opTwo:
			if i >= len(s) || s[i]-'0' > 9 {
				return -1
			}
			n := int32(s[i] - '0')
			i++
			if i < len(s) && s[i]-'0' <= 9 {
				n = n*10 + int32(s[i]-'0')
				i++
			}
			v[op.slot%maxFields] = n
		case opYear:
			if n, ok := fourDigits(s, i); ok && op.max >= 4 && (op.max == 4 || i+4 == len(s) || s[i+4]-'0' > 9) {
				v[op.slot%maxFields] = n
				i += 4
				continue
			}
			n, next := scanNumber(s, i, int(op.max), op.signed)
			if next == 0 {
				return -1
			}
			v[op.slot%maxFields], i = n, next
		case opClock:
			if len(s) < i+8 || s[i+2] != ':' || s[i+5] != ':' {
				continue
			}
			hour, minute, second := twoDigits(s, i), twoDigits(s, i+3), twoDigits(s, i+6)
			if hour|minute|second < 0 {
				continue
			}
			v[slotHour], v[slotMinute], v[slotSecond] = int32(hour), int32(minute), int32(second)
			i += 8
			k += clockOps
		case opName:
			n, next := op.table.lookup(s, i)
			if next == 0 {
				return -1
			}
			v[op.slot%maxFields], i = n, next
		case opOffset:
			if i = r.scanOffset(s, i); i == 0 {
				return -1
			}
		default:
			if i = op.scanRare(s, i, v, r); i < 0 {
				return -1
			}
		}
	}
	return i
}

// scanRare reads the less usual items. It gives the end, negative when the item is not there.
func (op *parseOp) scanRare(s string, i int, v *values, r *found) int {
	var n int32
	var next int
	switch op.code {
	case opText:
		return literalAt(s, i, op.text)
	case opNumber:
		n, next = scanNumber(s, i, int(op.max), op.signed)
	case opTwoYear:
		n, next = op.scanTwoYear(s, i)
	case opTwoYearOnly:
		if len(s) >= i+2 {
			if d := twoDigits(s, i); d >= 0 {
				n, next = op.nearYear(int32(d)), i+2
			}
		}
	case opFraction:
		n, next = scanFraction(s, i, int(op.max), secondMillis)
	case opZoneName, opZoneID:
		if r.zone, next = op.zones.lookup(s, i); next == 0 {
			return -1
		}
		return next
	default:
		panic("BUG: joda: unknown parse operation")
	}
	if next == 0 {
		return -1
	}
	v[op.slot%maxFields] = n
	return next
}

func fourDigits(s string, i int) (int32, bool) {
	if len(s) < i+4 {
		return 0, false
	}
	a, b, c, d := s[i]-'0', s[i+1]-'0', s[i+2]-'0', s[i+3]-'0'
	if a > 9 || b > 9 || c > 9 || d > 9 {
		return 0, false
	}
	return (int32(a)*10+int32(b))*100 + int32(c)*10 + int32(d), true
}

// scanNumber reads up to most digits, to which a sign does not count. It gives where they end: 0 where there are none, or too many for
// 32 bits.
func scanNumber(s string, i, most int, signed bool) (n int32, next int) {
	negative := false
	if signed && i < len(s) && (s[i] == '-' || s[i] == '+') && most > 1 {
		negative = s[i] == '-'
		i++
	}
	start := i
	var v int64
	for i < len(s) && i-start < most && s[i]-'0' <= 9 {
		v = v*10 + int64(s[i]-'0')
		if v > 1<<31 {
			return 0, 0
		}
		i++
	}
	if negative {
		v = -v
	}
	if i == start || v > 1<<31-1 {
		return 0, 0
	}
	return int32(v), i
}

// scanTwoYear reads a year: of two digits without a sign it is one near now.
func (op *parseOp) scanTwoYear(s string, i int) (n int32, next int) {
	for i < len(s) && s[i] == '+' {
		if n, next = scanNumber(s, i+1, len(s), false); next != 0 {
			return n, next
		}
		i++
	}
	n, next = scanNumber(s, i, len(s)+2, true)
	if next == i+2 && s[i] != '-' {
		n = op.nearYear(n)
	}
	return n, next
}

// nearYear gives the year that ends in two digits, from low on.
func (op *parseOp) nearYear(n int32) int32 {
	t := op.low % 100
	if n < t {
		n += 100
	}
	return op.low - t + n
}

// scanFraction reads up to most digits after a decimal point, as milliseconds of something that lasts whole. What is smaller is cut.
func scanFraction(s string, i, most int, whole int64) (millis int32, next int) {
	start := i
	var v int64
	for whole *= 10; i < len(s) && i-start < most && s[i]-'0' <= 9; i++ {
		whole /= 10
		v += int64(s[i]-'0') * whole
	}
	if i == start {
		return 0, 0
	}
	return int32(v / 10), i
}

// scanOffset reads Z or an offset, and gives where it ends, or 0.
func (r *found) scanOffset(s string, i int) int {
	if i+5 == len(s) { // +0100 at the end, as in an access log
		h, m := twoDigits(s, i+1), twoDigits(s, i+3)
		if sign := s[i]; uint(h) < 24 && uint(m) < 60 && (sign == '+' || sign == '-') {
			r.offset = int32(h*60+m) * int32(minuteMillis)
			if sign == '-' {
				r.offset = -r.offset
			}
			r.hasOffset = true
			return i + 5
		}
	}
	if i < len(s) && s[i]|0x20 == 'z' {
		r.offset, r.hasOffset = 0, true
		return i + 1
	}
	offset, next := scanOffset(s, i)
	if next != 0 {
		r.offset, r.hasOffset = int32(offset), true
	}
	return next
}

package joda

import (
	"time"
)

// Formatter writes instants in UTC with English names. It is immutable: any number of goroutines may use one.
type Formatter struct {
	ops  []formatOp
	size int
}

// formatOp writes one item of a pattern: a text, or a field with a width.
type formatOp struct {
	field formatField
	width int
	text  string
}

type formatField uint8

const (
	fmtText formatField = iota
	fmtByte             // a text of one byte
	fmtYear
	fmtYearTwo
	fmtYearExceeds // java.time: a plus sign when the year is longer than the width
	fmtYearOfEra
	fmtYearOfEraExceeds
	fmtYearOfEraTwo
	fmtWeekYear
	fmtWeekYearTwo
	fmtCentury
	fmtEra
	fmtMonth
	fmtMonthShort
	fmtMonthLong
	fmtDay
	fmtHour
	fmtClockHour
	fmtHalfHour
	fmtClockHalfHour
	fmtHalfday
	fmtMinute
	fmtSecond
	fmtFractionMillis
	fmtFractionNanos
	fmtWeekday
	fmtWeekdayShort
	fmtWeekdayLong
	fmtDayOfYear
	fmtWeek

	// What only java.time has.
	fmtMonthNarrow
	fmtWeekdayNarrow
	fmtQuarter
	fmtQuarterShort
	fmtQuarterLong
	fmtEraLong
	fmtEraNarrow
	fmtUSWeekday
	fmtUSWeek
	fmtUSWeekYear
	fmtUSWeekYearExceeds
	fmtUSWeekYearTwo
	fmtUSWeekOfMonth
	fmtAlignedWeekday
	fmtMilliOfDay
	fmtNanoOfSecond
	fmtNanoOfDay
	fmtModifiedJulianDay
	fmtDayPeriod
	fmtPad // pads what follows with blanks to its width
)

// NewFormatter compiles a Joda-Time pattern, as in %{+yyyy.MM.dd}. The error is a *PatternError that names the bad letter and
// its offset.
func NewFormatter(pattern string) (*Formatter, error) {
	tokens, err := parsePattern(pattern)
	if err != nil {
		return nil, err
	}
	f := &Formatter{}
	for _, t := range tokens {
		f.add(jodaFormatOp(t))
	}
	return f.finish(), nil
}

// finish marks the texts of one byte, when none is joined to another any more.
func (f *Formatter) finish() *Formatter {
	for i := range f.ops {
		if op := &f.ops[i]; op.field == fmtText && len(op.text) == 1 {
			op.field = fmtByte
		}
	}
	return f
}

func (f *Formatter) add(op formatOp) {
	if n := len(f.ops); n > 0 && op.field == fmtText && f.ops[n-1].field == fmtText {
		f.ops[n-1].text += op.text
	} else {
		f.ops = append(f.ops, op)
	}
	f.size += max(len(op.text), op.width, 2)
}

// jodaFormatOp is the table of Joda's letters.
func jodaFormatOp(t token) formatOp {
	text := func(short, long formatField) formatOp {
		if t.count >= 4 {
			return formatOp{field: long}
		}
		return formatOp{field: short}
	}
	number := func(f formatField) formatOp { return formatOp{field: f, width: t.count} }
	literal := func(s string) formatOp { return formatOp{field: fmtText, text: s} }
	switch t.letter {
	case 0:
		return literal(t.text)
	case 'G':
		return formatOp{field: fmtEra}
	case 'C':
		return number(fmtCentury)
	case 'y', 'Y', 'x':
		switch {
		case t.count == 2 && t.letter == 'x':
			return formatOp{field: fmtWeekYearTwo}
		case t.count == 2:
			return formatOp{field: fmtYearTwo}
		case t.letter == 'x':
			return number(fmtWeekYear)
		case t.letter == 'Y':
			return number(fmtYearOfEra)
		}
		return number(fmtYear)
	case 'M':
		if t.count >= 3 {
			return text(fmtMonthShort, fmtMonthLong)
		}
		return number(fmtMonth)
	case 'E':
		return text(fmtWeekdayShort, fmtWeekdayLong)
	case 'a':
		return formatOp{field: fmtHalfday}
	case 'z':
		if t.count >= 4 {
			return literal("Coordinated Universal Time")
		}
		return literal("UTC")
	case 'Z':
		return literal([...]string{"+0000", "+00:00", "UTC"}[min(t.count, 3)-1])
	}
	return number(jodaNumbers[t.letter])
}

var jodaNumbers = [...]formatField{
	'd': fmtDay, 'h': fmtClockHalfHour, 'H': fmtHour, 'k': fmtClockHour, 'K': fmtHalfHour, 'm': fmtMinute, 's': fmtSecond,
	'S': fmtFractionMillis, 'e': fmtWeekday, 'D': fmtDayOfYear, 'w': fmtWeek,
}

// Append writes t, taken in UTC, to dst. It does not allocate when dst has room.
func (f *Formatter) Append(dst []byte, t time.Time) []byte {
	var c clock
	c.set(t)
	for i := 0; i < len(f.ops); i++ {
		op := &f.ops[i]
		switch op.field {
		case fmtByte:
			dst = append(dst, op.text[0])
		case fmtMonth, fmtDay, fmtHour, fmtMinute, fmtSecond:
			v := op.of(&c)
			if v < 10 && op.width < 2 {
				dst = append(dst, byte('0'+v))
				continue
			}
			for n := op.width; n > 2; n-- {
				dst = append(dst, '0')
			}
			dst = append(dst, byte('0'+v/10), byte('0'+v%10))
		case fmtPad:
			i++
			dst = appendPad(dst, &f.ops[i], op.width, &c)
		default:
			dst = op.append(dst, &c)
		}
	}
	return dst
}

// of gives a number of two digits at most.
func (op *formatOp) of(c *clock) uint {
	switch op.field {
	case fmtMonth:
		return uint(c.month)
	case fmtDay:
		return uint(c.day)
	case fmtHour:
		return uint(c.second) / 3600
	case fmtMinute:
		return uint(c.second) / 60 % 60
	}
	return uint(c.second) % 60
}

// Size estimates how many bytes Append writes.
func (f *Formatter) Size() int { return f.size }

// append writes one item. It is a switch over all fields, long because there are many, each a line.
func (op *formatOp) append(dst []byte, c *clock) []byte {
	var v int64
	switch op.field {
	case fmtText:
		return append(dst, op.text...)
	case fmtYear:
		v = c.year
	case fmtYearTwo:
		return appendPadded(dst, abs(c.year)%100, 2)
	case fmtByte:
		return append(dst, op.text[0])
	case fmtMonth, fmtDay, fmtHour, fmtMinute, fmtSecond:
		v = int64(op.of(c))
	case fmtMonthShort:
		return append(dst, englishMonths[c.month][:3]...)
	case fmtMonthLong:
		return append(dst, englishMonths[c.month]...)
	case fmtWeekdayShort:
		return append(dst, englishWeekdays[isoWeekday(c.days)][:3]...)
	case fmtWeekdayLong:
		return append(dst, englishWeekdays[isoWeekday(c.days)]...)
	case fmtFractionMillis:
		return appendMillis(dst, c.nano/1e6, op.width)
	case fmtWeekYear:
		v, _ = isoWeek(c.days)
	case fmtWeekYearTwo:
		v, _ = isoWeek(c.days)
		return appendPadded(dst, abs(v)%100, 2)
	case fmtWeek:
		_, w := isoWeek(c.days)
		v = int64(w)
	case fmtDayOfYear:
		v = int64(dayOfYear(c.year, c.month, c.day))
	case fmtWeekday:
		v = int64(isoWeekday(c.days))
	case fmtCentury:
		v = abs(c.year) / 100
	case fmtHalfHour:
		v = int64(c.second / 3600 % 12)
	case fmtClockHour:
		v = int64(orElse(c.second/3600, 24))
	case fmtClockHalfHour:
		v = int64(orElse(c.second/3600%12, 12))
	case fmtHalfday:
		return append(dst, [...]string{"AM", "PM"}[c.second/43200]...)
	case fmtEra:
		return append(dst, [...]string{"BC", "AD"}[era(c.year)]...)
	default:
		return op.appendJava(dst, c)
	}
	return appendPadded(dst, v, op.width)
}

// appendMillis writes the fraction of a second. More than 18 digits are an odd case of Joda's: it counts in 64 bits, and
// writes 15 digits of what is not zero.
func appendMillis(dst []byte, millis, width int) []byte {
	if millis == 0 {
		for range width {
			dst = append(dst, '0')
		}
		return dst
	}
	width = min(width, 15)
	for scale := 100; width > 0; width-- {
		if scale == 0 {
			dst = append(dst, '0')
			continue
		}
		dst = append(dst, byte('0'+millis/scale%10))
		scale /= 10
	}
	return dst
}

func abs(v int64) int64 {
	if v < 0 {
		return -v
	}
	return v
}

func orElse(v, zero int) int {
	if v == 0 {
		return zero
	}
	return v
}

// era is 0 before the year 1, else 1.
func era(year int64) int {
	if year > 0 {
		return 1
	}
	return 0
}

var englishMonths = [...]string{"", "January", "February", "March", "April", "May", "June", "July", "August", "September",
	"October", "November", "December"}

var englishWeekdays = [...]string{"", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"}

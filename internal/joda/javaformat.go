package joda

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// NewJavaFormatter compiles a java.time pattern, as in %{{yyyy-MM-dd}}, with the names and weeks of the United States: Y and w
// count weeks that begin on Sunday, the first being the one that holds 1 January. The error is a *PatternError.
func NewJavaFormatter(pattern string) (*Formatter, error) {
	f := &Formatter{}
	depth := 0
	for i := 0; i < len(pattern); {
		c := pattern[i]
		switch {
		case isLetter(c):
			next, err := f.addJavaField(pattern, i)
			if err != nil {
				return nil, err
			}
			i = next
			continue
		case c == '\'':
			text, next, ok := quotedText(pattern, i)
			if !ok {
				return nil, patternErrorf(pattern, i, "the quoted text is not closed")
			}
			f.add(formatOp{field: fmtText, text: text})
			i = next
			continue
		case c == '{' || c == '}' || c == '#':
			return nil, patternErrorf(pattern, i, "reserved character %q", string(c))
		case c == '[': // an optional section is written whenever its fields are known, and all fields of an instant are
			depth++
		case c == ']':
			if depth == 0 {
				return nil, patternErrorf(pattern, i, "] without [ before it")
			}
			depth--
		default:
			_, n := utf8.DecodeRuneInString(pattern[i:])
			f.add(formatOp{field: fmtText, text: pattern[i : i+n]})
			i += n
			continue
		}
		i++
	}
	return f.finish(), nil
}

// quotedText reads 'text' at i. Two quotes are one quote, also outside text.
func quotedText(pattern string, i int) (text string, next int, ok bool) {
	var b strings.Builder
	for i++; i < len(pattern); i++ {
		if pattern[i] != '\'' {
			b.WriteByte(pattern[i])
			continue
		}
		if i+1 < len(pattern) && pattern[i+1] == '\'' {
			b.WriteByte('\'')
			i++
			continue
		}
		if b.Len() == 0 {
			return "'", i + 1, true
		}
		return b.String(), i + 1, true
	}
	return "", i, false
}

// addJavaField adds the run of letters at i, with the padding that may stand before it.
func (f *Formatter) addJavaField(pattern string, i int) (next int, err error) {
	next = runEnd(pattern, i)
	if pattern[i] == 'p' {
		if next == len(pattern) || !isLetter(pattern[next]) {
			return 0, patternErrorf(pattern, i, "the pad letter p must be followed by another letter")
		}
		f.add(formatOp{field: fmtPad, width: next - i})
		i = next
		next = runEnd(pattern, i)
	}
	op, reason := javaFormatOp(pattern[i], next-i)
	if reason != "" {
		return 0, patternErrorf(pattern, i, "%s", reason)
	}
	if n := len(f.ops); n > 0 && f.ops[n-1].field == fmtPad {
		f.ops = append(f.ops, op) // never merged: it is what the padding is for
		return next, nil
	}
	f.add(op)
	return next, nil
}

func runEnd(s string, i int) int {
	c := s[i]
	for i < len(s) && s[i] == c {
		i++
	}
	return i
}

// javaTexts are the fields of the letters with forms of several lengths: number, short, long, narrow.
var javaTexts = map[byte][4]formatField{
	'M': {fmtMonth, fmtMonthShort, fmtMonthLong, fmtMonthNarrow},
	'L': {fmtMonth, fmtMonthShort, fmtMonthLong, fmtMonthNarrow},
	'Q': {fmtQuarter, fmtQuarterShort, fmtQuarterLong, fmtQuarter},
	'q': {fmtQuarter, fmtQuarterShort, fmtQuarterLong, fmtQuarter},
	'E': {fmtWeekdayShort, fmtWeekdayShort, fmtWeekdayLong, fmtWeekdayNarrow},
	'e': {fmtUSWeekday, fmtWeekdayShort, fmtWeekdayLong, fmtWeekdayNarrow},
	'c': {fmtUSWeekday, fmtWeekdayShort, fmtWeekdayLong, fmtWeekdayNarrow},
	'G': {fmtEra, fmtEra, fmtEraLong, fmtEraNarrow},
}

// javaNumbers are the letters that are plain numbers, with how many of them may stand together.
var javaNumbers = map[byte]struct {
	field formatField
	max   int
}{
	'd': {fmtDay, 2}, 'h': {fmtClockHalfHour, 2}, 'H': {fmtHour, 2}, 'k': {fmtClockHour, 2}, 'K': {fmtHalfHour, 2},
	'm': {fmtMinute, 2}, 's': {fmtSecond, 2}, 'S': {fmtFractionNanos, 9}, 'D': {fmtDayOfYear, 3}, 'F': {fmtAlignedWeekday, 1},
	'w': {fmtUSWeek, 2}, 'W': {fmtUSWeekOfMonth, 1}, 'n': {fmtNanoOfSecond, 19}, 'A': {fmtMilliOfDay, 19},
	'N': {fmtNanoOfDay, 19}, 'g': {fmtModifiedJulianDay, 19},
}

// javaFormatOp is the table of java.time's letters; reason tells why a run of them is refused.
func javaFormatOp(letter byte, count int) (op formatOp, reason string) {
	literal := func(s string) (formatOp, string) { return formatOp{field: fmtText, text: s}, "" }
	tooMany := "too many letters " + string(letter)
	if n, ok := javaNumbers[letter]; ok {
		if count > n.max {
			return op, tooMany
		}
		return formatOp{field: n.field, width: count}, ""
	}
	if fields, ok := javaTexts[letter]; ok {
		switch {
		case count > 5:
			return op, tooMany
		case letter == 'c' && count == 2:
			return op, "cc has no meaning"
		case count <= 2:
			return formatOp{field: fields[0], width: count}, ""
		}
		return formatOp{field: fields[count-2], width: 1}, ""
	}
	exactly := func(s string, counts string) (formatOp, string) {
		if count > 9 || !strings.Contains(counts, strconv.Itoa(count)) {
			return op, "wrong number of letters " + string(letter)
		}
		return literal(s)
	}
	switch letter {
	case 'y':
		return javaYear(count, fmtYearOfEraTwo, fmtYearOfEra, fmtYearOfEraExceeds)
	case 'u':
		return javaYear(count, fmtYearTwo, fmtYear, fmtYearExceeds)
	case 'Y':
		return javaYear(count, fmtUSWeekYearTwo, fmtUSWeekYear, fmtUSWeekYearExceeds)
	case 'a':
		if count > 1 {
			return op, tooMany
		}
		return formatOp{field: fmtHalfday}, ""
	case 'B':
		if _, reason := exactly("", "145"); reason != "" {
			return op, reason
		}
		return formatOp{field: fmtDayPeriod, width: count}, ""
	case 'V':
		return exactly("Z", "2")
	case 'v':
		return exactly("Z", "14")
	case 'z':
		return exactly("Z", "1234")
	case 'O':
		return exactly("GMT", "14")
	case 'X':
		return exactly("Z", "12345")
	case 'x':
		return exactly([...]string{"+00", "+0000", "+00:00"}[min(count-1, 1+(count&1))], "12345")
	case 'Z':
		return exactly([...]string{"+0000", "+0000", "+0000", "GMT", "Z"}[min(count, 5)-1], "12345")
	}
	return op, "unknown letter " + strconv.Quote(string(letter))
}

func javaYear(count int, two, plain, exceeds formatField) (formatOp, string) {
	switch {
	case count > 19:
		return formatOp{}, "too many letters for a year"
	case count == 2:
		return formatOp{field: two}, ""
	case count < 4:
		return formatOp{field: plain, width: count}, ""
	}
	return formatOp{field: exceeds, width: count}, ""
}

// appendJava writes the fields that only java.time has.
func (op *formatOp) appendJava(dst []byte, c *clock) []byte {
	var v int64
	switch op.field {
	case fmtYearExceeds:
		return appendExceeds(dst, c.year, op.width)
	case fmtYearOfEra:
		v = yearOfEra(c.year)
	case fmtYearOfEraExceeds:
		return appendExceeds(dst, yearOfEra(c.year), op.width)
	case fmtYearOfEraTwo:
		return appendPadded(dst, yearOfEra(c.year)%100, 2)
	case fmtFractionNanos:
		return appendNanos(dst, c.nano, op.width)
	case fmtMonthNarrow:
		return append(dst, englishMonths[c.month][0])
	case fmtWeekdayNarrow:
		return append(dst, englishWeekdays[isoWeekday(c.days)][0])
	case fmtQuarter:
		v = int64(c.month-1)/3 + 1
	case fmtQuarterShort:
		return append(dst, 'Q', byte('1'+(c.month-1)/3))
	case fmtQuarterLong:
		return append(dst, [...]string{"1st quarter", "2nd quarter", "3rd quarter", "4th quarter"}[(c.month-1)/3]...)
	case fmtEraLong:
		return append(dst, [...]string{"Before Christ", "Anno Domini"}[era(c.year)]...)
	case fmtEraNarrow:
		return append(dst, "BA"[era(c.year)])
	case fmtUSWeekday:
		v = int64(usWeekday(c.days))
	case fmtUSWeek:
		_, v = usWeek(c)
	case fmtUSWeekYear:
		v, _ = usWeek(c)
	case fmtUSWeekYearExceeds:
		v, _ = usWeek(c)
		return appendExceeds(dst, v, op.width)
	case fmtUSWeekYearTwo:
		v, _ = usWeek(c)
		return appendPadded(dst, abs(v)%100, 2)
	case fmtUSWeekOfMonth:
		first := usWeekday(c.days - int64(c.day-1))
		v = int64((c.day+first-2)/7 + 1)
	case fmtAlignedWeekday:
		v = int64((c.day-1)%7 + 1)
	case fmtMilliOfDay:
		v = int64(c.second)*1000 + int64(c.nano/1e6)
	case fmtNanoOfSecond:
		v = int64(c.nano)
	case fmtNanoOfDay:
		v = int64(c.second)*1e9 + int64(c.nano)
	case fmtModifiedJulianDay:
		v = c.days + 40587
	case fmtDayPeriod:
		return append(dst, dayPeriod(c.second/60, op.width)...)
	default:
		panic("BUG: joda: unknown format field " + strconv.Itoa(int(op.field)))
	}
	return appendPadded(dst, v, op.width)
}

func yearOfEra(year int64) int64 {
	if year <= 0 {
		return 1 - year
	}
	return year
}

// appendExceeds writes a year, with a plus sign when it is longer than the pattern asks for.
func appendExceeds(dst []byte, v int64, width int) []byte {
	start := len(dst)
	dst = appendPadded(dst, v, width)
	if v > 0 && len(dst)-start > width {
		dst = append(dst, 0)
		copy(dst[start+1:], dst[start:])
		dst[start] = '+'
	}
	return dst
}

func appendNanos(dst []byte, nano, width int) []byte {
	for scale := 100_000_000; width > 0; width-- {
		dst = append(dst, byte('0'+nano/scale%10))
		scale /= 10
	}
	return dst
}

// usWeekday is 1 for Sunday to 7 for Saturday.
func usWeekday(days int64) int {
	return isoWeekday(days)%7 + 1
}

func usWeek(c *clock) (year, week int64) {
	start := func(year int64) int64 {
		jan1 := daysFromCivil(year, 1, 1)
		return jan1 - int64(usWeekday(jan1)-1)
	}
	year = c.year
	if c.days >= start(year+1) {
		year++
	}
	return year, (c.days-start(year))/7 + 1
}

func dayPeriod(minute, width int) string {
	switch hour := minute / 60; {
	case minute == 0 && width == 5:
		return "mi"
	case minute == 0:
		return "midnight"
	case minute == 12*60 && width == 5:
		return "n"
	case minute == 12*60:
		return "noon"
	case hour < 6 || hour >= 21:
		return "at night"
	case hour < 12:
		return "in the morning"
	case hour < 18:
		return "in the afternoon"
	}
	return "in the evening"
}

// appendPad writes blanks before op. Where java.time gives up, because the text is longer than the padding, it is written as it is.
func appendPad(dst []byte, op *formatOp, width int, c *clock) []byte {
	start := len(dst)
	dst = op.append(dst, c)
	for n := width - utf8.RuneCount(dst[start:]); n > 0; n-- {
		dst = append(dst, 0)
		copy(dst[start+1:], dst[start:])
		dst[start] = ' '
	}
	return dst
}

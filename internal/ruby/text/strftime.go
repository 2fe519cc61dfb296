package text

import (
	"bytes"
	"strconv"
	"strings"
	"time"
)

// Strftime is Time#strftime. A zone without a name has an empty %Z, as Time with a fixed offset.
func Strftime(t time.Time, format string) (string, error) {
	var buf [96]byte
	out, err := AppendStrftime(buf[:0], t, format)
	return string(out), err
}

// AppendStrftime appends what Time#strftime returns.
func AppendStrftime(dst []byte, t time.Time, format string) ([]byte, error) {
	return appendStrftime(dst, t, format, false)
}

// DateStrftime is DateTime#strftime, which knows %Q and %+ and writes %Z as an offset.
func DateStrftime(t time.Time, format string) (string, error) {
	var buf [96]byte
	out, err := appendStrftime(buf[:0], t, format, true)
	return string(out), err
}

func appendStrftime(dst []byte, t time.Time, format string, date bool) ([]byte, error) {
	whole := format
	for {
		i := strings.IndexByte(format, '%')
		if i < 0 {
			return append(dst, format...), nil
		}
		dst = append(dst, format[:i]...)
		format = format[i:]
		d, n := parseTimeDirective(format[1:])
		if d.width > widthMax {
			return dst, &Error{"Errno::ERANGE", "Numerical result out of range - " + format}
		}
		written := false
		if n > 0 {
			d.date = date
			dst, written = d.append(dst, t)
		}
		if !written {
			if d.unfinished && !date {
				return dst, argumentError("invalid format: %s", whole)
			}
			dst = append(dst, format[:1+n]...)
		}
		format = format[1+n:]
	}
}

// timeDirective is what stands between the percent sign and the letter, and the letter.
type timeDirective struct {
	letter byte
	pad    byte // 0 for what the directive has by itself
	left   bool // no padding
	upper  bool
	change bool // of case
	width  int
	colons int
	date   bool // of Date

	unfinished bool // nothing follows
}

// parseTimeDirective reads a directive, whose length is n; where there is none n is 0.
func parseTimeDirective(s string) (d timeDirective, n int) {
	modifier := byte(0)
	for ; n < len(s); n++ {
		if d.width > 0 && strings.IndexByte("-_^#", s[n]) >= 0 {
			return d, 0 // flags stand before the width
		}
		switch c := s[n]; c {
		case '-':
			d.left = true
		case '0', '_':
			if c == '0' && d.width > 0 {
				break
			}
			if d.pad = '0'; c == '_' {
				d.pad = ' '
			}
			continue
		case '^':
			d.upper = true
		case '#':
			d.change = true
		case ':':
			for n < len(s) && s[n] == ':' {
				d.colons++
				n++
			}
			if n == len(s) || s[n] != 'z' || d.colons > 3 {
				return d, 0
			}
			d.letter = 'z'
			return d, n + 1
		case 'E', 'O':
			modifier = c
			n++
			if n == len(s) || !modifierAllowed(modifier, s[n]) {
				return d, 0
			}
			d.letter = s[n]
			return d, n + 1
		default:
			if c < '1' || c > '9' {
				d.letter = c
				return d, n + 1
			}
		}
		if c := s[n]; isDigit(c) {
			for n < len(s) && isDigit(s[n]) {
				if d.width = 10*d.width + int(s[n]-'0'); d.width > widthMax {
					return d, n
				}
				n++
			}
			n--
		}
	}
	d.unfinished = true
	return d, 0
}

func modifierAllowed(modifier, c byte) bool {
	if modifier == 'E' {
		return strings.IndexByte("cCxXyY", c) >= 0
	}
	return strings.IndexByte("deHkIlmMSuUVwWy", c) >= 0
}

// append appends the directive's text; written is false for a letter that means nothing.
func (d *timeDirective) append(dst []byte, t time.Time) (out []byte, written bool) {
	switch d.letter {
	case 'Y':
		return d.year(dst, t.Year()), true
	case 'C':
		return d.number(dst, int64(floorDiv(t.Year(), 100)), 2, '0'), true
	case 'y':
		return d.number(dst, int64(t.Year()-100*floorDiv(t.Year(), 100)), 2, '0'), true
	case 'm':
		return d.number(dst, int64(t.Month()), 2, '0'), true
	case 'd':
		return d.number(dst, int64(t.Day()), 2, '0'), true
	case 'e':
		return d.number(dst, int64(t.Day()), 2, ' '), true
	case 'j':
		return d.number(dst, int64(t.YearDay()), 3, '0'), true
	case 'H':
		return d.number(dst, int64(t.Hour()), 2, '0'), true
	case 'k':
		return d.number(dst, int64(t.Hour()), 2, ' '), true
	case 'I':
		return d.number(dst, hour12(t), 2, '0'), true
	case 'l':
		return d.number(dst, hour12(t), 2, ' '), true
	case 'M':
		return d.number(dst, int64(t.Minute()), 2, '0'), true
	case 'S':
		return d.number(dst, int64(t.Second()), 2, '0'), true
	case 's':
		return d.number(dst, t.Unix(), 1, '0'), true
	case 'L':
		return d.fraction(dst, t.Nanosecond(), 3), true
	case 'N':
		return d.fraction(dst, t.Nanosecond(), 9), true
	}
	if out, written = d.appendWeek(dst, t); written {
		return out, true
	}
	return d.appendText(dst, t)
}

// appendWeek appends what depends on the day of the week.
func (d *timeDirective) appendWeek(dst []byte, t time.Time) (out []byte, written bool) {
	wday := int(t.Weekday())
	switch d.letter {
	case 'u':
		return d.number(dst, int64((wday+6)%7+1), 1, '0'), true
	case 'w':
		return d.number(dst, int64(wday), 1, '0'), true
	case 'U':
		return d.number(dst, int64((t.YearDay()+6-wday)/7), 2, '0'), true
	case 'W':
		return d.number(dst, int64((t.YearDay()+6-(wday+6)%7)/7), 2, '0'), true
	case 'V':
		_, week := t.ISOWeek()
		return d.number(dst, int64(week), 2, '0'), true
	case 'G':
		year, _ := t.ISOWeek()
		return d.year(dst, year), true
	case 'g':
		year, _ := t.ISOWeek()
		return d.number(dst, int64(year-100*floorDiv(year, 100)), 2, '0'), true
	}
	return dst, false
}

// appendText appends names, zones, and what stands for several directives.
func (d *timeDirective) appendText(dst []byte, t time.Time) (out []byte, written bool) {
	switch d.letter {
	case 'A':
		return d.text(dst, t.Weekday().String(), d.upper || d.change), true
	case 'a':
		return d.text(dst, t.Weekday().String()[:3], d.upper || d.change), true
	case 'B':
		return d.text(dst, t.Month().String(), d.upper || d.change), true
	case 'b', 'h':
		return d.text(dst, t.Month().String()[:3], d.upper || d.change), true
	case 'p', 'P':
		return d.meridian(dst, t), true
	case 'z':
		return d.offset(dst, t), true
	case 'Z':
		return d.zone(dst, t), true
	case 'n':
		return d.text(dst, "\n", false), true
	case 't':
		return d.text(dst, "\t", false), true
	case '%':
		return d.text(dst, "%", false), true
	}
	switch layout := compositeFormat(d.letter); {
	case layout != "":
		return d.composite(dst, t, layout), true
	case d.letter == '+' && d.date:
		return d.composite(dst, t, "%a %b %e %H:%M:%S %Z %Y"), true
	case d.letter == 'Q' && d.date:
		return d.number(dst, t.UnixMilli(), 1, '0'), true
	}
	return dst, false
}

// compositeFormat returns the format that a letter stands for, an empty one if it stands for none.
func compositeFormat(letter byte) string {
	switch letter {
	case 'c':
		return "%a %b %e %H:%M:%S %Y"
	case 'D', 'x':
		return "%m/%d/%y"
	case 'F':
		return "%Y-%m-%d"
	case 'T', 'X':
		return "%H:%M:%S"
	case 'R':
		return "%H:%M"
	case 'r':
		return "%I:%M:%S %p"
	case 'v':
		return "%e-%^b-%4Y"
	}
	return ""
}

// composite appends a format of several directives, within the width of the one that stands for it.
func (d *timeDirective) composite(dst []byte, t time.Time, layout string) []byte {
	start := len(dst)
	dst, err := appendStrftime(dst, t, layout, d.date)
	if err != nil {
		panic("BUG: a format of our own has too large a width: " + layout)
	}
	if d.upper {
		copy(dst[start:], bytes.ToUpper(dst[start:]))
	}
	if n := d.width - (len(dst) - start); n > 0 && !(d.left && d.date) {
		dst = append(dst, make([]byte, n)...)
		copy(dst[start+n:], dst[start:])
		for i := range n {
			dst[start+i] = d.padOr(' ')
		}
	}
	return dst
}

func hour12(t time.Time) int64 { return int64((t.Hour()+11)%12 + 1) }

func floorDiv(a, b int) int {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func (d *timeDirective) padOr(pad byte) byte {
	if d.pad != 0 {
		return d.pad
	}
	return pad
}

// number appends n with at least width digits, unless the directive says otherwise. Zeros go behind the sign, which counts.
func (d *timeDirective) number(dst []byte, n int64, width int, pad byte) []byte {
	if d.width > 0 {
		width = d.width
	}
	if d.left {
		width = 1
	}
	pad = d.padOr(pad)
	var buf [20]byte
	digits := strconv.AppendInt(buf[:0], n, 10)
	if pad == '0' && n < 0 {
		dst = append(dst, '-')
		digits = digits[1:]
		width--
	}
	for range width - len(digits) {
		dst = append(dst, pad)
	}
	return append(dst, digits...)
}

func (d *timeDirective) year(dst []byte, year int) []byte {
	if year < 0 {
		return d.number(dst, int64(year), 5, '0')
	}
	return d.number(dst, int64(year), 4, '0')
}

// fraction appends so many digits of the fraction of the second, cut and not rounded.
func (d *timeDirective) fraction(dst []byte, nsec, digits int) []byte {
	if d.width > 0 {
		digits = d.width
	}
	for scale := 100_000_000; digits > 0; digits-- {
		if scale == 0 {
			dst = append(dst, '0')
			continue
		}
		dst = append(dst, byte('0'+nsec/scale%10))
		scale /= 10
	}
	return dst
}

func (d *timeDirective) text(dst []byte, s string, upper bool) []byte {
	if !d.left {
		for range d.width - len(s) {
			dst = append(dst, d.padOr(' '))
		}
	}
	start := len(dst)
	dst = append(dst, s...)
	if upper {
		copy(dst[start:], bytes.ToUpper(dst[start:]))
	}
	return dst
}

func (d *timeDirective) meridian(dst []byte, t time.Time) []byte {
	s := "AM"
	if t.Hour() >= 12 {
		s = "PM"
	}
	if d.letter == 'P' && !d.upper && !d.change || d.letter == 'p' && d.change {
		s = strings.ToLower(s)
	}
	return d.text(dst, s, false)
}

func (d *timeDirective) zone(dst []byte, t time.Time) []byte {
	if d.date {
		return d.text(dst, t.Format("-07:00"), false)
	}
	name, _ := t.Zone()
	if name == "" {
		return dst
	}
	if d.change {
		return d.text(dst, strings.ToLower(name), false)
	}
	return d.text(dst, name, d.upper)
}

// offset appends %z with its colons. The width counts all of it; only the hours grow.
func (d *timeDirective) offset(dst []byte, t time.Time) []byte {
	_, off := t.Zone()
	sign := byte('+')
	if off < 0 {
		sign, off = '-', -off
	} else if t.Location() == time.UTC && d.left && !d.date {
		sign = '-' // Ruby's way to say that the place is unknown
	}
	hours := 2
	if d.date && d.left && off < 10*3600 {
		hours = 1
	}
	behind := 3 // characters other than the digits of the hours
	switch {
	case d.colons == 1 || d.colons == 3 && off%60 == 0:
		behind = 4
	case d.colons >= 2:
		behind = 7
	}
	if d.colons == 3 && off%3600 == 0 {
		behind = 1
	}
	hours = max(hours, d.width-behind)
	var buf [8]byte
	digits := strconv.AppendInt(buf[:0], int64(off/3600), 10)
	if d.pad == ' ' {
		for range hours - len(digits) {
			dst = append(dst, ' ')
		}
		dst = append(dst, sign)
	} else {
		dst = append(dst, sign)
		for range hours - len(digits) {
			dst = append(dst, '0')
		}
	}
	dst = append(dst, digits...)
	if d.colons == 3 && off%3600 == 0 {
		return dst
	}
	if d.colons > 0 {
		dst = append(dst, ':')
	}
	dst = appendTwo(dst, off/60%60)
	if d.colons == 2 || d.colons == 3 && off%60 != 0 {
		dst = appendTwo(append(dst, ':'), off%60)
	}
	return dst
}

func appendTwo(dst []byte, n int) []byte {
	return append(dst, byte('0'+n/10), byte('0'+n%10))
}

package text

import (
	"strings"
	"unicode"

	"millrace/internal/onig"
)

// dateLengthMax is the bound that Date._parse has by default.
const dateLengthMax = 128

// DateParse is Date._parse(s, comp): it finds times and dates of many forms in s. comp completes years of two digits.
func DateParse(s string, comp bool) (DateParts, error) {
	if len(s) > dateLengthMax {
		return DateParts{}, argumentError("string length (%d) exceeds the limit %d", len(s), dateLengthMax)
	}
	p := dateParser{s: blanked(s), comp: comp}
	p.day()
	p.time()
	for _, form := range []func() bool{p.eu, p.us, p.iso, p.jis, p.vms, p.slash, p.dot, p.isoOthers, p.yearOnly, p.monOnly, p.mdayOnly, p.digits} {
		if form() {
			break
		}
	}
	if _, ok := p.take(patterns().bc); ok {
		p.bc = true
	}
	p.loneNumber()
	p.finishYears()
	return p.out, nil
}

// blanked returns s with a blank for each run of characters that no form has.
func blanked(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r), strings.ContainsRune("-+',./:@[]", r):
			b.WriteRune(r)
		case b.Len() == 0 || !strings.HasSuffix(b.String(), " "):
			b.WriteByte(' ')
		}
	}
	return b.String()
}

type dateParser struct {
	s    string // with a blank for what was understood
	out  DateParts
	comp bool
	bc   bool
	full bool // the year is not of two digits that need completing
}

// take matches a pattern and puts a blank in the place of what it matched.
func (p *dateParser) take(re *onig.Regexp) ([]string, bool) {
	g, start, end, ok := captures(re, p.s)
	if ok {
		p.s = p.s[:start] + " " + p.s[end:]
	}
	return g, ok
}

func (p *dateParser) day() {
	if g, ok := p.take(patterns().day); ok {
		p.out.set(HasWday, int64(nameIndex(dayNames, g[1])))
	}
}

func (p *dateParser) time() {
	g, ok := p.take(patterns().time)
	if !ok {
		return
	}
	if g[2] != "" {
		p.out.setZone(g[2])
	}
	t, _, _, ok := captures(patterns().timeParts, g[1])
	if !ok {
		return
	}
	hour := number(t[1])
	if t[5] != "" {
		hour %= 12
		if t[5] == "p" || t[5] == "P" {
			hour += 12
		}
	}
	p.out.set(HasHour, hour)
	if t[2] != "" {
		p.out.set(HasMin, number(t[2]))
	}
	if t[3] != "" {
		p.out.set(HasSec, number(t[3]))
	}
	if t[4] != "" {
		p.out.set(HasFraction, nanoseconds(t[4]))
	}
}

func monthNumber(name string) string {
	n := nameIndex(monthNames, name) + 1
	return string([]byte{byte('0' + n/10), byte('0' + n%10)})
}

func isBC(era string) bool { return era != "" && era[0]|0x20 == 'b' }

func (p *dateParser) eu() bool {
	g, ok := p.take(patterns().eu)
	if ok {
		p.assign(g[4], monthNumber(g[2]), g[1], isBC(g[3]))
	}
	return ok
}

func (p *dateParser) us() bool {
	g, ok := p.take(patterns().us)
	if ok {
		p.assign(g[4], monthNumber(g[1]), g[2], isBC(g[3]))
	}
	return ok
}

func (p *dateParser) iso() bool {
	g, ok := p.take(patterns().iso)
	if ok {
		p.assign(g[1], g[2], g[3], false)
	}
	return ok
}

func (p *dateParser) jis() bool {
	g, ok := p.take(patterns().jis)
	if !ok {
		return false
	}
	year := number(g[2])
	switch g[1][0] | 0x20 {
	case 'm':
		year += 1867
	case 't':
		year += 1911
	case 's':
		year += 1925
	case 'h':
		year += 1988
	case 'r':
		year += 2018
	}
	p.out.set(HasYear, year)
	p.out.set(HasMon, number(g[3]))
	p.out.set(HasMday, number(g[4]))
	p.full = true
	return true
}

func (p *dateParser) vms() bool {
	if g, ok := p.take(patterns().vms); ok {
		p.assign(g[3], monthNumber(g[2]), g[1], false)
		return true
	}
	g, ok := p.take(patterns().vmsMonth)
	if ok {
		p.assign(g[3], monthNumber(g[1]), g[2], false)
	}
	return ok
}

func (p *dateParser) slash() bool {
	g, ok := p.take(patterns().slash)
	if ok {
		p.assign(g[1], g[2], g[3], false)
	}
	return ok
}

func (p *dateParser) dot() bool {
	g, ok := p.take(patterns().dot)
	if ok {
		p.assign(g[1], g[2], g[3], false)
	}
	return ok
}

// isoOthers finds the forms of ISO 8601 with weeks, days of the year and left-out parts.
func (p *dateParser) isoOthers() bool {
	re := patterns()
	if g, ok := p.take(re.isoWeek); ok {
		p.setIf(HasCwyear, g[1])
		p.setIf(HasCweek, g[2])
		p.setIf(HasCwday, g[3])
		return true
	}
	if g, ok := p.take(re.isoWday); ok {
		p.setIf(HasCwday, g[1])
		return true
	}
	if g, ok := p.take(re.isoMonDay); ok {
		p.setIf(HasMon, g[1])
		p.setIf(HasMday, g[2])
		return true
	}
	if g, ok := p.take(re.isoMonDay2); ok {
		p.setIf(HasMon, g[1])
		p.setIf(HasMday, g[2])
		return true
	}
	if !re.notYday.MatchString(p.s) {
		if g, ok := p.take(re.isoYday); ok {
			p.setIf(HasYear, g[1])
			p.setIf(HasYday, g[2])
			return true
		}
	}
	if !re.notOnlyYday.MatchString(p.s) {
		if g, ok := p.take(re.isoOnlyYday); ok {
			p.setIf(HasYday, g[1])
			return true
		}
	}
	return false
}

func (p *dateParser) setIf(f DateField, digits string) {
	if digits != "" {
		p.out.set(f, number(digits))
	}
}

func (p *dateParser) yearOnly() bool {
	g, ok := p.take(patterns().year)
	if ok {
		p.out.set(HasYear, number(g[1]))
	}
	return ok
}

func (p *dateParser) monOnly() bool {
	g, ok := p.take(patterns().mon)
	if ok {
		p.out.set(HasMon, int64(nameIndex(monthNames, g[1])+1))
	}
	return ok
}

func (p *dateParser) mdayOnly() bool {
	g, ok := p.take(patterns().mday)
	if ok {
		p.out.set(HasMday, number(g[1]))
	}
	return ok
}

// loneNumber takes one number that is left for the day where there is a time, or for the hour where there is a day.
func (p *dateParser) loneNumber() {
	if p.out.has(HasHour) == p.out.has(HasMday) {
		return
	}
	g, _, _, ok := captures(patterns().number, p.s)
	if !ok {
		return
	}
	n := number(g[1])
	switch {
	case p.out.has(HasHour) && n >= 1 && n <= 31:
		p.out.set(HasMday, n)
	case p.out.has(HasMday) && n <= 24:
		p.out.set(HasHour, n)
	}
}

// finishYears applies the era, and completes years of two digits: 69 to 99 are of the twentieth century.
func (p *dateParser) finishYears() {
	for _, f := range []struct {
		field DateField
		year  *int64
	}{{HasCwyear, &p.out.Cwyear}, {HasYear, &p.out.Year}} {
		if !p.out.has(f.field) {
			continue
		}
		if p.bc {
			*f.year = 1 - *f.year
		}
		if p.comp && !p.full && *f.year >= 0 && *f.year <= 99 {
			if *f.year >= 69 {
				*f.year += 1900
			} else {
				*f.year += 2000
			}
		}
	}
}

// assign decides which of three numbers is the year, the month and the day. They come in the order that their form has most often;
// an apostrophe or more than two digits tell a year.
func (p *dateParser) assign(y, m, d string, bc bool) {
	if y != "" && m != "" && d == "" {
		y, m, d = d, y, m
	}
	looksLikeYear := func(s string) bool { return s != "" && (s[0] == '\'' || len(s) > 2) }
	if y == "" && looksLikeYear(d) {
		y, d = d, y
	}
	if y != "" {
		start := strings.IndexAny(y, "-+0123456789")
		end := start + signLen(y[max(start, 0):])
		for start >= 0 && end < len(y) && isDigit(y[end]) {
			end++
		}
		if start >= 0 && end < len(y) { // 3rd
			y, d = d, y[start:end]
		}
	}
	if looksLikeYear(m) {
		y, m, d = m, d, y
	}
	if looksLikeYear(d) {
		y, d = d, y
	}
	p.assignYear(y, bc)
	if i := strings.IndexAny(m, "0123456789"); i >= 0 {
		p.out.set(HasMon, number(m[i:]))
	}
	if i := strings.IndexAny(d, "0123456789"); i >= 0 {
		p.out.set(HasMday, number(d[i:]))
	}
}

func (p *dateParser) assignYear(y string, bc bool) {
	p.bc = p.bc || bc
	i := strings.IndexAny(y, "-+0123456789")
	if i < 0 {
		return
	}
	digits := y[i+signLen(y[i:]):]
	n := 0
	for n < len(digits) && isDigit(digits[n]) {
		n++
	}
	if n > 2 || signLen(y[i:]) > 0 {
		p.full = true
	}
	year := number(digits)
	if y[i] == '-' {
		year = -year
	}
	p.out.set(HasYear, year)
}

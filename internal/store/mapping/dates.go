package mapping

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"millrace/internal/joda"
)

// DefaultDateFormat is that of date fields whose mapping names none.
const DefaultDateFormat = "strict_date_optional_time||epoch_millis"

// DateFormat reads and writes dates as one of the formats that Elasticsearch knows, or several joined by ||.
type DateFormat struct {
	Text  string
	parts []datePart
}

type datePart struct {
	kind   dateKind
	parser *joda.Parser
	writer *joda.Formatter
}

type dateKind uint8

const (
	isoDate dateKind = iota
	epochMillis
	epochSecond
	pattern
)

// named are formats with a name of their own that a pattern says as well.
var named = map[string]string{
	"basic_date": "yyyyMMdd", "basic_date_time_no_millis": "yyyyMMdd'T'HHmmssZ", "date": "yyyy-MM-dd", "strict_date": "yyyy-MM-dd",
	"date_hour_minute_second": "yyyy-MM-dd'T'HH:mm:ss", "strict_date_hour_minute_second": "yyyy-MM-dd'T'HH:mm:ss",
	"year_month_day": "yyyy-MM-dd", "strict_year_month_day": "yyyy-MM-dd", "year_month": "yyyy-MM", "strict_year_month": "yyyy-MM",
	"year": "yyyy", "strict_year": "yyyy", "hour_minute_second": "HH:mm:ss", "strict_hour_minute_second": "HH:mm:ss",
}

// NewDateFormat reads the text of a format.
func NewDateFormat(text string) (*DateFormat, error) {
	f := &DateFormat{Text: text}
	for _, t := range strings.Split(text, "||") {
		p := datePart{}
		switch t {
		case "strict_date_optional_time", "date_optional_time", "strict_date_time", "date_time", "strict_date_time_no_millis", "date_time_no_millis",
			"strict_date_optional_time_nanos", "iso8601":
			p.kind = isoDate
		case "epoch_millis":
			p.kind = epochMillis
		case "epoch_second":
			p.kind = epochSecond
		default:
			p.kind = pattern
			spelled := t
			if to, ok := named[t]; ok {
				spelled = to
			}
			spelled = strings.ReplaceAll(spelled, "u", "y")
			if err := simplePattern(spelled); err != nil {
				return nil, fmt.Errorf("invalid format: [%s]: %w", t, err)
			}
			var err error
			if p.parser, err = joda.NewParser(spelled, joda.Options{}); err == nil {
				p.writer, err = joda.NewJavaFormatter(strings.ReplaceAll(spelled, "y", "u"))
			}
			if err != nil {
				return nil, fmt.Errorf("invalid format: [%s]: %w", t, err)
			}
		}
		f.parts = append(f.parts, p)
	}
	return f, nil
}

// simplePattern accepts the letters that mean the same to java.time, which Elasticsearch uses, and to Joda-Time.
func simplePattern(p string) error {
	quoted, letters := false, 0
	for _, c := range p {
		switch {
		case c == '\'':
			quoted = !quoted
		case quoted:
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			if !strings.ContainsRune("yMdHhmsSaEZzX", c) {
				return fmt.Errorf("the pattern letter %q is not known to this store", c)
			}
			letters++
		}
	}
	if letters == 0 {
		return fmt.Errorf("%q is no date format that this store knows", p)
	}
	return nil
}

// Parse reads a date as milliseconds since 1970. A date that leaves parts out means their beginning, or with roundUp their end.
func (f *DateFormat) Parse(s string, zone *time.Location, roundUp bool) (int64, bool) {
	for i := range f.parts {
		p := &f.parts[i]
		switch p.kind {
		case isoDate:
			if ms, ok := parseISO(s, zone, roundUp); ok {
				return ms, true
			}
		case epochMillis, epochSecond:
			if ms, ok := parseEpoch(s, p.kind == epochSecond); ok {
				return ms, true
			}
		case pattern:
			z := joda.UTC
			if zone != nil && zone != time.UTC {
				if loaded, err := joda.LoadZone(zone.String()); err == nil {
					z = loaded
				}
			}
			if t, ok := p.parser.ParseIn(s, z, time.Unix(0, 0)); ok {
				return t.UnixMilli(), true
			}
		}
	}
	return 0, false
}

// Append writes a date as the first of the formats does.
func (f *DateFormat) Append(dst []byte, ms int64, zone *time.Location) []byte {
	switch p := &f.parts[0]; p.kind {
	case epochMillis:
		return strconv.AppendInt(dst, ms, 10)
	case epochSecond:
		return strconv.AppendInt(dst, floorDiv(ms, 1000), 10)
	case pattern:
		return p.writer.Append(dst, inZone(ms, zone))
	}
	return AppendISO(dst, ms, zone)
}

func inZone(ms int64, zone *time.Location) time.Time {
	if zone == nil {
		zone = time.UTC
	}
	return time.UnixMilli(ms).In(zone)
}

// AppendISO writes a date as strict_date_optional_time does: always with milliseconds and zone.
func AppendISO(dst []byte, ms int64, zone *time.Location) []byte {
	return inZone(ms, zone).AppendFormat(dst, "2006-01-02T15:04:05.000Z07:00")
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func parseEpoch(s string, seconds bool) (int64, bool) {
	if s == "" || len(s) > 24 {
		return 0, false
	}
	whole, frac, dotted := strings.Cut(s, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || s[0] == '+' || dotted && (frac == "" || strings.Trim(frac, "0123456789") != "") {
		return 0, false
	}
	if !seconds {
		return n, true
	}
	ms := n * 1000
	for scale := int64(100); scale > 0 && frac != ""; scale /= 10 {
		d := int64(frac[0]-'0') * scale
		if s[0] == '-' {
			d = -d
		}
		ms, frac = ms+d, frac[1:]
	}
	return ms, true
}

func digits(s string, i, n int) (int, bool) {
	if i+n > len(s) {
		return 0, false
	}
	v := 0
	for _, c := range []byte(s[i : i+n]) {
		if c < '0' || c > '9' {
			return 0, false
		}
		v = v*10 + int(c-'0')
	}
	return v, true
}

var monthDays = [13]int{0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}

func daysIn(y, m int) int {
	if m == 2 && (y%4 == 0 && y%100 != 0 || y%400 == 0) {
		return 29
	}
	return monthDays[m]
}

// daysSince1970 counts days of the proleptic Gregorian calendar.
func daysSince1970(y, m, d int) int64 {
	if m <= 2 {
		y--
		m += 12
	}
	era := y / 400
	if y < 0 {
		era = (y - 399) / 400
	}
	yoe := y - era*400
	doy := (153*(m-3)+2)/5 + d - 1
	doe := yoe*365 + yoe/4 - yoe/100 + doy
	return int64(era)*146097 + int64(doe) - 719468
}

// parseISO reads yyyy[-MM[-dd[THH[:mm[:ss[.S…]]][zone]]]].
func parseISO(s string, zone *time.Location, roundUp bool) (int64, bool) {
	year, ok := digits(s, 0, 4)
	if !ok {
		return 0, false
	}
	v := [7]int{year, 1, 1, 0, 0, 0, 0} // the last are milliseconds
	given, i := 1, 4
	for _, sep := range []byte{'-', '-', 'T', ':', ':'} {
		if i >= len(s) || s[i] != sep {
			break
		}
		n, ok := digits(s, i+1, 2)
		if !ok {
			if sep == 'T' && i+1 == len(s) {
				i++
				break
			}
			return 0, false
		}
		v[given], given, i = n, given+1, i+3
	}
	if given == 6 && i < len(s) && (s[i] == '.' || s[i] == ',') {
		from := i + 1
		for i = from; i < len(s) && s[i] >= '0' && s[i] <= '9'; i++ {
			if i-from < 3 {
				v[6] = v[6]*10 + int(s[i]-'0')
			}
		}
		if i == from || i-from > 9 {
			return 0, false
		}
		for n := i - from; n < 3; n++ {
			v[6] *= 10
		}
		given = 7
	}
	offset, hasZone := 0, false
	if i < len(s) {
		if given < 4 { // a zone needs a time before it
			return 0, false
		}
		if offset, ok = parseOffset(s[i:]); !ok {
			return 0, false
		}
		hasZone = true
	}
	if v[1] < 1 || v[1] > 12 || v[2] < 1 || v[2] > daysIn(v[0], v[1]) || v[3] > 23 || v[4] > 59 || v[5] > 59 {
		return 0, false
	}
	if roundUp {
		fill(&v, given)
	}
	ms := daysSince1970(v[0], v[1], v[2])*86400000 + int64(v[3])*3600000 + int64(v[4])*60000 + int64(v[5])*1000 + int64(v[6])
	if hasZone {
		return ms - int64(offset)*1000, true
	}
	if zone != nil && zone != time.UTC {
		t := time.Date(v[0], time.Month(v[1]), v[2], v[3], v[4], v[5], v[6]*1e6, zone)
		return t.UnixMilli(), true
	}
	return ms, true
}

// fill gives the parts that were left out their largest values. Elasticsearch does so from the month on.
func fill(v *[7]int, given int) {
	most := [7]int{0, 12, 0, 23, 59, 59, 999}
	for ; given < 7; given++ {
		if given == 2 {
			v[2] = daysIn(v[0], v[1])
		} else {
			v[given] = most[given]
		}
	}
}

// parseOffset reads Z, +01, +0100 or +01:00 as seconds.
func parseOffset(s string) (int, bool) {
	if s == "Z" {
		return 0, true
	}
	if s == "" || s[0] != '+' && s[0] != '-' {
		return 0, false
	}
	h, ok := digits(s, 1, 2)
	if !ok || h > 18 {
		return 0, false
	}
	m := 0
	if rest := strings.TrimPrefix(s[3:], ":"); rest != "" {
		if m, ok = digits(rest, 0, 2); !ok || len(rest) != 2 || m > 59 {
			return 0, false
		}
	} else if len(s) != 3 {
		return 0, false
	}
	n := h*3600 + m*60
	if s[0] == '-' {
		n = -n
	}
	return n, true
}

package csv

import (
	"math/big"
	"strconv"
	"strings"
	"time"

	"millrace/pipeline/event"
)

// converter makes a value of a column's text: the text itself if it does not fit. An error fails the row.
type converter func(a *event.Arena, v event.Value) (event.Value, error)

// converters are the types of the option convert.
var converters = map[string]converter{
	"integer":   func(_ *event.Arena, v event.Value) (event.Value, error) { return integer(v), nil },
	"float":     func(_ *event.Arena, v event.Value) (event.Value, error) { return float(v), nil },
	"boolean":   boolean,
	"date":      dates(time.Local, false, "Jan 2 2006", "Mon Jan 2 2006"), // Ruby's Date has no zone, and becomes a time in the local one
	"date_time": dates(time.UTC, true, "Jan 2 15:04:05 2006", "Mon Jan 2 15:04:05 2006"),
}

const blanks = " \t\n\v\f\r"

// integer is Kernel#Integer: white space around, a sign, 0x, 0b, 0o and 0 as prefixes, single underscores between digits.
func integer(v event.Value) event.Value {
	s := strings.Trim(v.Str(), blanks)
	if s == "" || s[0] == '_' {
		return v
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil && s[0] != '0' && s[0] != '-' && s[0] != '+' {
		return event.IntValue(n) // the usual case
	}
	if n, err := strconv.ParseInt(s, 0, 64); err == nil {
		return event.IntValue(n)
	}
	if n, ok := new(big.Int).SetString(s, 0); ok {
		return event.BigIntValue(n.String())
	}
	return v
}

// float is Kernel#Float: a decimal or hexadecimal number and nothing but white space around it.
func float(v event.Value) event.Value {
	s := strings.Trim(v.Str(), blanks)
	if strings.IndexByte(s, '_') >= 0 {
		if s[0] == '_' || s[len(s)-1] == '_' || strings.Contains(s, "__") || strings.Contains(s, "_.") || strings.Contains(s, "._") {
			return v
		}
		s = strings.ReplaceAll(s, "_", "")
	}
	if s == "" || !strings.ContainsRune("+-.0123456789", rune(s[0])) || strings.ContainsAny(s, "nNiI") || s[len(s)-1] == '.' || s == "+" || s == "-" {
		return v
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil && f == 0 {
		n, err := strconv.ParseInt(s, 0, 64) // 0x1F has no exponent, which Go wants in a hexadecimal float
		if err != nil || len(s) < 2 || !strings.ContainsAny(s, "xX") {
			return v
		}
		f = float64(n)
	}
	return event.FloatValue(f)
}

func boolean(a *event.Arena, v event.Value) (event.Value, error) {
	if v.IsNull() {
		return v, errNull
	}
	s := strings.Trim(v.Str(), blanks+"\x00")
	switch {
	case strings.EqualFold(s, "true"):
		return event.BoolValue(true), nil
	case strings.EqualFold(s, "false"):
		return event.BoolValue(false), nil
	}
	if low := strings.ToLower(s); low != v.Str() {
		return event.StringValue(a.String([]byte(low))), nil
	}
	return v, nil
}

// dates reads a date as ISO 8601 or by one of the layouts, in a zone where the text tells none.
func dates(zone *time.Location, withTime bool, layouts ...string) converter {
	return func(_ *event.Arena, v event.Value) (event.Value, error) {
		s := v.Str()
		if s == "" || len(s) > 64 {
			return v, nil
		}
		if s[0] >= '0' && s[0] <= '9' {
			if t, ok := parseISO(s, zone, withTime); ok {
				return event.TimeValue(t), nil
			}
			return v, nil
		}
		s = words(s)
		for _, layout := range layouts {
			if t, err := time.ParseInLocation(layout, s, zone); err == nil {
				return event.TimeValue(t), nil
			}
		}
		return v, nil
	}
}

// parseISO reads the forms of ISO 8601 that Ruby's CSV knows. The layout is chosen by the text's shape, because a layout that does not fit
// costs more than the one that does.
func parseISO(s string, zone *time.Location, withTime bool) (time.Time, bool) {
	layout := ""
	switch n := len(s); {
	case n == 10:
		layout = "2006-01-02"
	case !withTime || n < 16:
	case n == 19 && s[10] == ' ':
		layout = "2006-01-02 15:04:05"
	case s[10] == 'T' && n == 16:
		layout = "2006-01-02T15:04"
	case s[10] == 'T' && n >= 19:
		switch {
		case strings.HasSuffix(s, " UTC"):
			layout = "2006-01-02T15:04:05 UTC"
		case strings.HasSuffix(s, " Z"):
			layout = "2006-01-02T15:04:05 Z"
		case s[n-3] == ':' && (s[n-6] == '+' || s[n-6] == '-'):
			layout = "2006-01-02T15:04:05-07:00"
		default:
			layout = "2006-01-02T15:04:05"
		}
	}
	if layout == "" {
		return time.Time{}, false
	}
	t, err := time.ParseInLocation(layout, s, zone)
	return t, err == nil
}

// words cuts the names of months and days to three letters and leaves out commas, which may stand between words.
func words(s string) string {
	fields := strings.Fields(strings.ReplaceAll(s, ",", " "))
	for i, f := range fields {
		if len(f) > 3 && f[0] > '9' {
			fields[i] = f[:3]
		}
	}
	return strings.Join(fields, " ")
}

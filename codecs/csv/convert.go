package csv

import (
	"regexp"
	"strings"
	"time"

	"millrace/codecs/internal/rubynum"
	"millrace/pipeline/event"
)

// converter makes a value of a column's text: the text itself if it does not fit.
type converter func(s string) event.Value

// converters returns the converter of a type's name, nil if there is none.
func converters(name string) converter {
	switch name {
	case "integer":
		return func(s string) event.Value {
			if n, ok := rubynum.Integer(s); ok {
				return event.IntValue(n)
			}
			return event.StringValue(s)
		}
	case "float":
		return func(s string) event.Value {
			if f, ok := rubynum.Float(s); ok {
				return event.FloatValue(f)
			}
			return event.StringValue(s)
		}
	case "boolean":
		return boolean
	case "date":
		return dates("2006-01-02", "Jan 2 2006", "Mon Jan 2 2006")
	case "date_time":
		return dates("2006-01-02 15:04:05", "2006-01-02", "2006-01-02T15:04", "2006-01-02T15:04:05", "2006-01-02T15:04:05Z07:00",
			"Jan 2 15:04:05 2006", "Mon Jan 2 15:04:05 2006")
	}
	return nil
}

func boolean(s string) event.Value {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "true":
		return event.BoolValue(true)
	case "false":
		return event.BoolValue(false)
	}
	return event.StringValue(s)
}

// longNames are the names of months and days that are written out.
var longNames = regexp.MustCompile(`(?i)\b(jan|feb|mar|apr|jun|jul|aug|sep|oct|nov|dec|mon|tue|wed|thu|fri|sat|sun)[a-z]+`)

// dates reads a date by one of the layouts, as UTC where the text tells no zone.
func dates(layouts ...string) converter {
	return func(s string) event.Value {
		text := strings.TrimSpace(s)
		if text != "" && (text[0] < '0' || text[0] > '9') {
			text = strings.Join(strings.Fields(strings.ReplaceAll(longNames.ReplaceAllString(text, "$1"), ",", " ")), " ")
		}
		for _, layout := range layouts {
			if t, err := time.Parse(layout, text); err == nil {
				return event.TimeValue(t)
			}
		}
		return event.StringValue(s)
	}
}

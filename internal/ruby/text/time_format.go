package text

import "time"

// FormatISO8601 is Time#iso8601(digits).
func FormatISO8601(t time.Time, digits int) string {
	out := appendDateTime(t, digits)
	if t.Location() == time.UTC {
		return string(append(out, 'Z'))
	}
	d := timeDirective{letter: 'z', colons: 1}
	return string(d.offset(out, t))
}

// FormatDateTimeISO8601 is DateTime#iso8601(digits), which writes +00:00 and never Z.
func FormatDateTimeISO8601(t time.Time, digits int) string {
	d := timeDirective{letter: 'z', colons: 1, date: true}
	return string(d.offset(appendDateTime(t, digits), t))
}

func appendDateTime(t time.Time, digits int) []byte {
	var buf [48]byte
	out, err := AppendStrftime(buf[:0], t, "%Y-%m-%dT%H:%M:%S")
	if err != nil {
		panic("BUG: a format of our own is refused: " + err.Error())
	}
	if digits <= 0 {
		return out
	}
	d := timeDirective{}
	return d.fraction(append(out, '.'), t.Nanosecond(), min(digits, widthMax))
}

// FormatRFC2822 is Time#rfc2822, which writes -0000 for UTC.
func FormatRFC2822(t time.Time) string {
	layout := "%a, %d %b %Y %T %z"
	if t.Location() == time.UTC {
		layout = "%a, %d %b %Y %T -0000"
	}
	return ownFormat(t, layout)
}

// FormatHTTPDate is Time#httpdate.
func FormatHTTPDate(t time.Time) string { return ownFormat(t.UTC(), "%a, %d %b %Y %T GMT") }

func ownFormat(t time.Time, layout string) string {
	s, err := Strftime(t, layout)
	if err != nil {
		panic("BUG: a format of our own is refused: " + err.Error())
	}
	return s
}

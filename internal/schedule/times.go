package schedule

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var (
	durationPart = regexp.MustCompile(`^\s*([0-9]*\.?[0-9]+)\s*([A-Za-z]*)`)
	isoDuration  = regexp.MustCompile(`^[Pp]((?:[0-9.]+[YMWDymwd])*)(?:[Tt]((?:[0-9.]+[HMShms])*))?$`)
)

const day = 24 * time.Hour

// units are those of durations. A month has 30 days and a year 365.
var units = map[string]time.Duration{
	"ms": time.Millisecond, "s": time.Second, "sec": time.Second, "second": time.Second, "m": time.Minute, "min": time.Minute, "minute": time.Minute,
	"h": time.Hour, "hou": time.Hour, "hour": time.Hour, "d": day, "day": day, "w": 7 * day, "wee": 7 * day, "week": 7 * day,
	"mon": 30 * day, "month": 30 * day, "y": 365 * day, "yea": 365 * day, "year": 365 * day,
}

// Duration reads a time such as 30s, 1h30m, "2 days", PT5M or 10, which are seconds.
func Duration(text string) (time.Duration, error) {
	wrong := func() (time.Duration, error) {
		return 0, fmt.Errorf("%q is no time such as 30s, 5m or 1h30m", text)
	}
	rest := strings.TrimSpace(text)
	if m := isoDuration.FindStringSubmatch(rest); m != nil && rest != "P" {
		// A month and a minute are told apart by the T.
		rest = strings.ReplaceAll(strings.ToLower(m[1]), "m", "mon") + strings.ToLower(m[2])
	}
	if rest == "" {
		return wrong()
	}
	var sum float64
	for rest != "" {
		m := durationPart.FindStringSubmatch(rest)
		if m == nil {
			return wrong()
		}
		rest = strings.TrimSpace(rest[len(m[0]):])
		f, err := strconv.ParseFloat(m[1], 64)
		unit := time.Second
		switch name := m[2]; {
		case name == "M":
			unit = 30 * day
		case name != "":
			name = strings.ToLower(name)
			if unit = units[name]; unit == 0 {
				unit = units[strings.TrimSuffix(name, "s")]
			}
		}
		if err != nil || unit == 0 {
			return wrong()
		}
		sum += f * float64(unit)
	}
	if sum >= 1<<63 {
		return wrong()
	}
	return time.Duration(sum), nil
}

var layouts = []string{
	time.RFC3339Nano, "2006-01-02 15:04:05.999999999 -0700", "2006-01-02 15:04:05.999999999 -07:00", "2006-01-02T15:04:05.999999999-0700",
	"2006-01-02 15:04:05.999999999Z07:00", "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999", "2006-01-02 15:04", "2006-01-02",
	time.RFC1123Z, time.RFC1123, time.RFC850, time.ANSIC, time.UnixDate,
}

// instant reads a point in time, in the zone that it names or the machine's.
func instant(text string) (time.Time, error) {
	s := strings.TrimSpace(text)
	loc := time.Local
	if i := strings.LastIndexByte(s, ' '); i > 0 {
		if l, ok := zone(s[i+1:]); ok {
			loc, s = l, strings.TrimSpace(s[:i])
		}
	}
	dashes := strings.Replace(strings.Replace(s, "/", "-", 1), "/", "-", 1)
	for _, layout := range layouts {
		if t, err := time.ParseInLocation(layout, dashes, loc); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time such as \"2030-12-31 23:30:00 +0100\"", text)
}

var offset = regexp.MustCompile(`^([+-])([0-9]{2}):?([0-9]{2})$`)

// zone reads a time zone: Europe/Berlin, UTC, +02:00.
func zone(s string) (*time.Location, bool) {
	if m := offset.FindStringSubmatch(s); m != nil {
		h, _ := strconv.Atoi(m[2])
		min, _ := strconv.Atoi(m[3])
		seconds := h*3600 + min*60
		if m[1] == "-" {
			seconds = -seconds
		}
		return time.FixedZone(s, seconds), true
	}
	switch {
	case s == "Z":
		return time.UTC, true
	case s == "" || s == "Local" || s[0] >= '0' && s[0] <= '9':
		return nil, false
	}
	l, err := time.LoadLocation(s)
	return l, err == nil
}

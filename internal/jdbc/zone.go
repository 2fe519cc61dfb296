package jdbc

import (
	"fmt"
	"strings"
	"time"
)

// Zone is the time zone of times that tell none. It is an option type: Europe/Paris, or America/Denver[dst_enabled_on_overlap:true].
type Zone struct {
	loc *time.Location
	// winter tells that a time which the clock shows twice, when it is put back, is the second one.
	winter bool
}

// In returns the Zone of a location.
func In(l *time.Location) *Zone { return &Zone{loc: l} }

// Location returns the location.
func (z *Zone) Location() *time.Location { return z.loc }

// UnmarshalText reads a zone.
func (z *Zone) UnmarshalText(text []byte) (err error) {
	base, ext, extended := strings.Cut(string(text), "[")
	if extended {
		ext, extended = strings.CutSuffix(ext, "]")
		if !extended {
			return fmt.Errorf("%q has no closing bracket", text)
		}
		for e := range strings.SplitSeq(ext, ";") {
			switch e {
			case "dst_enabled_on_overlap:true":
				z.winter = false
			case "dst_enabled_on_overlap:false":
				z.winter = true
			default:
				return fmt.Errorf("%q is no extension of a time zone, such as dst_enabled_on_overlap:true", e)
			}
		}
	}
	if base == "" || base == "Local" {
		return fmt.Errorf("%q is no time zone, such as Europe/Paris", text)
	}
	if z.loc, err = time.LoadLocation(base); err != nil {
		return fmt.Errorf("%q is no time zone, such as Europe/Paris", base)
	}
	return nil
}

// OptionType names the type for descriptions.
func (Zone) OptionType() string { return "string" }

// instant returns the instant at which the clocks of the zone show what t shows, whatever its location.
func (z *Zone) instant(t time.Time) time.Time {
	y, month, d := t.Date()
	h, m, s := t.Clock()
	in := time.Date(y, month, d, h, m, s, t.Nanosecond(), z.loc)
	if z.loc == time.UTC {
		return in
	}
	// Clocks are put back by an hour, in one place of the world by half of one. Where the other instant shows the same, it is the one
	// to choose from.
	for _, back := range [...]time.Duration{time.Hour, 30 * time.Minute} {
		other := in.Add(-back)
		if z.winter {
			other = in.Add(back)
		}
		if sameClock(other, in) {
			return other
		}
	}
	return in
}

// sameClock reports whether two instants show the same time.
func sameClock(a, b time.Time) bool {
	return a.Hour() == b.Hour() && a.Minute() == b.Minute() && a.Day() == b.Day()
}

// format writes an instant as a literal of the database, as its clocks show it. For PostgreSQL the offset is there for types with a time
// zone; the others ignore it.
func (z *Zone) format(t time.Time, d Dialect) string {
	loc := time.UTC
	if z != nil {
		loc = z.loc
	}
	layout := "2006-01-02 15:04:05.000000"
	if d == Postgres {
		layout += "-07:00"
	}
	return t.In(loc).Format(layout)
}

package page

import (
	"fmt"
	"html/template"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// functions are what templates may call, beside the methods of [layout].
func functions() template.FuncMap {
	return template.FuncMap{
		"asset": assetURL, "rate": rate, "percent": percent, "took": took, "visible": visible, "short": short,
		"count": func(n any) string { return count(integer(n)) },
		"bytes": func(n any) string { return size(integer(n)) },
		"add":   func(a, b int) int { return a + b },
	}
}

func integer(n any) int64 {
	switch n := n.(type) {
	case int:
		return int64(n)
	case int64:
		return n
	case uint64:
		return int64(n)
	}
	panic(fmt.Sprintf("BUG: %T is no integer", n))
}

// Clock writes the time of the day in the zone of the request.
func (l *layout) Clock(t time.Time) string { return t.In(l.Location).Format("15:04:05") }

// Stamp writes a time to the millisecond.
func (l *layout) Stamp(t time.Time) string { return t.In(l.Location).Format("2006-01-02 15:04:05.000") }

// Date writes a time to the second.
func (l *layout) Date(t time.Time) string { return t.In(l.Location).Format("2006-01-02 15:04:05") }

// ISO writes a time for programs.
func (l *layout) ISO(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// Zone names the zone of the request.
func (l *layout) Zone() string { return l.Location.String() }

// zoneCookie holds the time zone of the browser, which its script stores.
const zoneCookie = "millrace_zone"

// location is the time zone that times are shown in.
func location(r *http.Request) *time.Location {
	c, err := r.Cookie(zoneCookie)
	if err != nil || len(c.Value) > 64 {
		return time.UTC
	}
	loc, err := time.LoadLocation(c.Value)
	if err != nil || loc == time.Local {
		return time.UTC
	}
	return loc
}

// count writes 1234567 as 1,234,567.
func count[N int | int64 | uint64](n N) string {
	s := strconv.FormatInt(int64(n), 10)
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// size writes bytes as 1.5 MiB.
func size[N int | int64 | uint64](n N) string {
	f := float64(n)
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	i := 0
	for f >= 1024 && i < len(units)-1 {
		f /= 1024
		i++
	}
	if i == 0 {
		return fmt.Sprintf("%.0f B", f)
	}
	return digits(f) + " " + units[i]
}

// rate writes how often something happens in a second.
func rate(f float64) string {
	switch {
	case math.IsNaN(f) || math.IsInf(f, 0):
		return "–"
	case f == 0:
		return "0"
	case f < 0.01:
		return "<0.01"
	case f < 10000:
		return digits(f)
	case f < 1e6:
		return digits(f/1e3) + "k"
	}
	return digits(f/1e6) + "M"
}

// digits writes three significant digits.
func digits(f float64) string {
	switch {
	case f >= 100:
		return count(int64(math.Round(f)))
	case f >= 10:
		return trimZeros(strconv.FormatFloat(f, 'f', 1, 64))
	}
	return trimZeros(strconv.FormatFloat(f, 'f', 2, 64))
}

func trimZeros(s string) string {
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// percent writes a share of one.
func percent(f float64) string {
	switch {
	case f == 0:
		return "0 %"
	case f < 0.001:
		return "<0.1 %"
	case f < 0.1:
		return strconv.FormatFloat(f*100, 'f', 1, 64) + " %"
	}
	return strconv.FormatFloat(f*100, 'f', 0, 64) + " %"
}

// took writes a short duration.
func took(d time.Duration) string {
	switch {
	case d < time.Microsecond:
		return strconv.FormatInt(int64(d), 10) + " ns"
	case d < time.Millisecond:
		return digits(float64(d)/1e3) + " µs"
	case d < time.Second:
		return digits(float64(d)/1e6) + " ms"
	case d < time.Minute:
		return digits(d.Seconds()) + " s"
	}
	return duration(d)
}

// duration writes a long duration in its two greatest units.
func duration(d time.Duration) string {
	s := int64(d.Seconds())
	switch {
	case s < 60:
		return fmt.Sprintf("%d s", s)
	case s < 3600:
		return fmt.Sprintf("%d min %d s", s/60, s%60)
	case s < 86400:
		return fmt.Sprintf("%d h %d min", s/3600, s/60%60)
	}
	return fmt.Sprintf("%d d %d h", s/86400, s/3600%24)
}

// visible makes characters visible that would hide or turn around the text beside them: controls as their pictures (␀), marks of
// direction and invisible ones by their numbers, broken UTF-8 as �. Line breaks and tabs stay.
func visible(s string) string {
	plain := true
	for i := 0; i < len(s) && plain; i++ {
		plain = s[i] >= ' ' && s[i] < 0x7f || s[i] == '\n' || s[i] == '\t'
	}
	if plain {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		i += n
		switch {
		case r == '\n' || r == '\t':
			b.WriteRune(r)
		case r < ' ':
			b.WriteRune('␀' + r)
		case r == 0x7f:
			b.WriteRune('␡')
		case r == 0x200c || r == 0x200d: // parts of words in some scripts, and of emoji
			b.WriteRune(r)
		case unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Cc, r) || r == 0x2028 || r == 0x2029:
			fmt.Fprintf(&b, "⟨U+%04X⟩", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// short cuts a text for one line.
func short(s string, n int) string {
	s, was := cut(s, n)
	if was {
		s += "…"
	}
	return s
}

package text

import (
	"fmt"
	"math/rand"
	"testing"
	"time"
)

// rubyTime is a time with the Ruby source that makes the same.
type rubyTime struct {
	t            time.Time
	time, asDate string
}

func newRubyTime(year, month, day, hour, minute, sec, nsec, offset int, utc bool) rubyTime {
	if utc {
		offset = 0
	}
	zone := time.UTC
	if !utc {
		zone = time.FixedZone("", offset)
	}
	sign, a := '+', offset
	if offset < 0 {
		sign, a = '-', -offset
	}
	in := fmt.Sprintf("%c%02d:%02d:%02d", sign, a/3600, a/60%60, a%60)
	r := rubyTime{t: time.Date(year, time.Month(month), day, hour, minute, sec, nsec, zone)}
	r.time = fmt.Sprintf("Time.new(%d,%d,%d,%d,%d,Rational(%d,1000000000),%q)", year, month, day, hour, minute, sec*1_000_000_000+nsec, in)
	if utc {
		r.time = fmt.Sprintf("Time.utc(%d,%d,%d,%d,%d,Rational(%d,1000000000))", year, month, day, hour, minute, sec*1_000_000_000+nsec)
	}
	r.asDate = fmt.Sprintf("DateTime.new(%d,%d,%d,%d,%d,Rational(%d,1000000000),%q)", year, month, day, hour, minute, sec*1_000_000_000+nsec, in)
	return r
}

func sampleTimes(r *rand.Rand) []rubyTime {
	out := []rubyTime{
		newRubyTime(1970, 1, 1, 0, 0, 0, 0, 0, true),
		newRubyTime(2024, 2, 29, 13, 5, 9, 123456789, 19800, false),
		newRubyTime(1999, 12, 31, 23, 59, 59, 999999999, -34200, false),
		newRubyTime(2021, 1, 3, 12, 0, 0, 1, -1800, false),
		newRubyTime(2020, 12, 31, 0, 30, 0, 500000000, 45296, false),
		newRubyTime(12345, 6, 7, 8, 9, 10, 0, 0, false),
		newRubyTime(1600, 3, 4, 5, 6, 7, 0, 36000, false),
	}
	for range 5 {
		out = append(out, newRubyTime(1900+r.Intn(200), 1+r.Intn(12), 1+r.Intn(28), r.Intn(24), r.Intn(60), r.Intn(60), r.Intn(1e9), 900*(r.Intn(96)-48), r.Intn(2) == 0))
	}
	return out
}

func TestStrftimeAgainstRuby(t *testing.T) {
	var d differential
	r := rand.New(rand.NewSource(*randomSeed))
	formats := []string{"", "%", "a%", "%%", "%é", "é%Hé", "%10", "%-", "%E", "%:", "%:y", "%::::z", "%5|", "%10:z", "%:10z", "%Y-%m-%dT%H:%M:%S.%L%z", "%d/%b/%Y:%H:%M:%S %z", "%v", "%^v", "%#c", "%^c", "%-c", "%^F",
		"%20+", "%^+", "%Ez", "%EY %Ey %EC %Ec %EX %Ex %EH", "%Od %Oe %OH %OY %Oj", "%-E|", "%10Ey", "%-Ed", "%E-d", "%0-d|%-0d|%_0d|%0_d|%-_d|%_-d", "%010F|%_10F", "%05%|%-5%", "%05n", "%^Z|%#Z|%^#Z", "%^#p|%#^P|%^P|%#P"}
	for _, letter := range letters("AaBbCcDdEeFfGgHhIiJjKkLlMmNnOoPpQqRrSsTtUuVvWwXxYyZz+%") {
		for _, flags := range []string{"", "-", "0", "_", "^", "#", "10", "-10", "010", "_10", "^10", "3", "03", "_3", "12", ":", "::", ":::", "20:", "_20::", "-20:::", "1"} {
			formats = append(formats, "%"+flags+letter+"|")
		}
	}
	for range *randomRounds {
		formats = append(formats, pick(r, 8, "%", "%", "-", "0", "_", "^", "#", ":", "5", "1", "z", "d", "Y", "H", "N", "b", "E", "O", "c", "p", " "))
	}
	times := sampleTimes(r)
	for i, f := range formats {
		for _, x := range []rubyTime{times[i%len(times)], times[(i+1)%len(times)], times[1]} {
			got, err := Strftime(x.t, f)
			d.add(show(got, err), "%s.strftime(%s)", raw(x.time), f)
			got, err = DateStrftime(x.t, f)
			d.add(show(got, err), "%s.strftime(%s)", raw(x.asDate), f)
		}
	}
	for _, x := range times {
		for _, digits := range []int{0, 1, 3, 9, 12} {
			d.add(show(FormatISO8601(x.t, digits), nil), "%s.iso8601(%s)", raw(x.time), raw(fmt.Sprint(digits)))
			d.add(show(FormatDateTimeISO8601(x.t, digits), nil), "%s.iso8601(%s)", raw(x.asDate), raw(fmt.Sprint(digits)))
		}
		d.add(show(FormatRFC2822(x.t), nil), "%s.rfc2822", raw(x.time))
		d.add(show(FormatHTTPDate(x.t), nil), "%s.httpdate", raw(x.time))
	}
	d.compare(t)
}

func TestStrftime(t *testing.T) {
	at := time.Date(2024, 1, 2, 3, 4, 5, 678900000, time.UTC)
	f := func(want, format string) {
		t.Helper()
		got, err := Strftime(at, format)
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("Strftime(%q): %q, want %q", format, got, want)
		}
	}
	f("2024-01-02T03:04:05.678Z", "%FT%T.%LZ")
	f("02/Jan/2024:03:04:05 +0000", "%d/%b/%Y:%H:%M:%S %z")
	f("1704164645", "%s")
	f("Numerical result out of range - %99999999d", "%99999999d")
}

func FuzzStrftime(f *testing.F) {
	f.Add("%-10:z%^B%3N", int64(0))
	f.Fuzz(func(t *testing.T, format string, sec int64) {
		if len(format) > 20 {
			return
		}
		_, _ = Strftime(time.Unix(sec%1e12, 0).UTC(), format)
		_, _ = DateStrftime(time.Unix(sec%1e12, 0), format)
	})
}

func BenchmarkStrftime(b *testing.B) {
	b.ReportAllocs()
	at := time.Date(2024, 1, 2, 3, 4, 5, 678900000, time.UTC)
	var buf []byte
	for b.Loop() {
		buf, _ = AppendStrftime(buf[:0], at, "%Y-%m-%dT%H:%M:%S.%L%z")
	}
}

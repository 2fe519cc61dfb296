package text

import (
	"fmt"
	"math/big"
	"math/rand"
	"sort"
	"strings"
	"testing"
	"time"
)

func showParts(p DateParts) string {
	var out []string
	add := func(f DateField, name string, v any) {
		if p.has(f) {
			out = append(out, fmt.Sprintf("%s=%v", name, v))
		}
	}
	add(HasYear, "year", p.Year)
	add(HasMon, "mon", p.Mon)
	add(HasMday, "mday", p.Mday)
	add(HasYday, "yday", p.Yday)
	add(HasCwyear, "cwyear", p.Cwyear)
	add(HasCweek, "cweek", p.Cweek)
	add(HasCwday, "cwday", p.Cwday)
	add(HasWday, "wday", p.Wday)
	add(HasWnum0, "wnum0", p.Wnum0)
	add(HasWnum1, "wnum1", p.Wnum1)
	add(HasHour, "hour", p.Hour)
	add(HasMin, "min", p.Min)
	add(HasSec, "sec", p.Sec)
	add(HasFraction, "sec_fraction", p.Nsec)
	if p.has(HasOffset) {
		add(HasOffset, "offset", p.Offset)
	} else {
		add(HasZone, "offset", "nil")
	}
	add(HasZone, "zone", show(p.Zone, nil))
	nanoseconds := new(big.Int).Mul(big.NewInt(p.Seconds), big.NewInt(1_000_000_000))
	add(HasSeconds, "seconds", nanoseconds.Add(nanoseconds, big.NewInt(p.SecondsNsec)))
	add(HasLeftover, "leftover", show(p.Leftover, nil))
	sort.Strings(out)
	return "{" + strings.Join(out, ", ") + "}"
}

func commonDates() []string {
	return []string{"2020-01-02", "2020-01-02T03:04:05", "2020-01-02T03:04:05Z", "2020-01-02T03:04:05.678Z", "2020-01-02 03:04:05,678 +0900", "2020-01-02 03:04:05.123456789 UTC", "20200102", "20200102T030405", "20200102T030405.678+0900", "20200102030405",
		"10/Oct/2000:13:55:36 -0700", "Jan  5 03:04:05", "Jan 5 2021 03:04:05", "Sat Aug 28 02:55:00 2000", "Sat, 28 Aug 2000 02:55:00 GMT", "Sat, 28 Aug 2000 02:55:00 +0200", "Saturday, 28-Aug-00 02:55:00 UTC", "28-Aug-2000", "28.8.2000", "2000.8.28", "8/28/2000", "2000/8/28 10:11", "28 Aug", "Aug 28", "Aug", "28th", "3rd Feb 2001 04:05:06 PM",
		"4pm", "4:05 am", "12am", "12:00 pm", "16h", "16h30", "16h30m20s", "10:20", "10:20:30", "10:20:30.5", "1/2/3", "99-1-2", "'99-1-2", "1-2-99", "H31.04.30", "R2.01.02", "2020-W05-3", "2020W053", "2020W05", "W05", "-w-3", "2020-123", "2020123", "-123", "--01-02", "--0102", "20-01-02", "69-01-02", "68-01-02", "20200102 10", "2020-01-02 10", "10:20 5",
		"2001 BC", "1 Jan 2001 BC", "44 b.c.e.", "1 Feb 3", "2020", "20", "12", "1234", "123456", "12345", "1234567", "123456.5", "1234.5", "12.5", "123.5", "12345.6", "20200102.5", "20200102T10", "20200102T1011", "20200102T101112,5Z", "2020-01-02T03:04:05+05:30", "2020-01-02T03:04:05-08", "2020-01-02T03:04:05 EST", "2020-01-02T03:04:05 PDT", "2020-01-02 10:20 Eastern Standard Time", "2020-01-02 10:20 Eastern Daylight Time", "2020-01-02 10:20 cest dst", "2020-01-02 10:20 GMT+3", "2020-01-02 10:20 UTC-3:30", "2020-01-02 10:20 +9.5",
		"2020-01-02 10:20 +9", "2020-01-02 10:20 +930", "2020-01-02 10:20 +093015", "", " ", "garbage", "foo bar 2020-01-02 baz", "Mon", "monday", "Thu 10:20", "2020-13-45", "2020-02-30", "2020-01-01 25:00", "2020-01-01 24:00", "2020-01-01 24:01", "2020-01-01 10:61", "2020-01-01 10:20:60", "2020-01-01 10:20:61", "2020-01-02 10:20:30 [Europe/Berlin]", "20200102[+9]", "20200102[-5:EST]", "20200102[9:JST]", "May 1 2020 1:02:03 AM", "5 May 2020", "1 mai 2020", "2020-05", "05-2020", "2020/05", "5/2020", "12/25", "25/12", "25/12/2020", "12/25/2020", "2020-06-07T08:09:10.123456+00:00",
		"Mar 1 12:13:14 host sshd[123]: x", "2020-01-02T03:04:05.678+0000", "1609459200", "1609459200.5", "Fri Jan 31 2020 10:11:12 GMT+0100", "31 Dec 1999 23:59:59 MST", "2020-12-31 23:59:59 -0000", "2020-12-31 23:59:59 -00:00", "Jan 5 '21", "5-Jan-'21", "'21", "é 2020-01-02", "2020年1月2日", "1.2.2020 10:20", "10.20", "2020-1-2 3:4:5", "2020-01-02  03:04", "T10:20", "10:20Z", "10:20 Z", "10:20 J", "10:20 x", "10:20 CET", "2020-366", "2019-366", "1-Feb", "Feb-1", "Feb-1-2020", "Feb 1st, 2020", "1st of Feb 2020", "noon", "today"}
}

func TestDateParseAgainstRuby(t *testing.T) {
	var d differential
	r := rand.New(rand.NewSource(*randomSeed))
	today := time.Now().UTC()
	now := newRubyTime(2021, 5, 6, 7, 8, 9, 123000000, 0, true)
	now.t = now.t.In(time.FixedZone("UTC", 0)) // the local zone of the process
	texts := commonDates()
	for range *randomRounds {
		texts = append(texts, pick(r, 7, "2020", "12", "5", "-", "/", ":", " ", " ", ".", "Jan", "Mon", "T", "Z", "+09", "10:20", "10:20:30", "pm", "2020-01-02", "GMT", "'", "20", "3rd", "BC", "W", ","))
	}
	for _, s := range texts {
		for _, comp := range []bool{true, false} {
			p, err := DateParse(s, comp)
			if err != nil {
				d.add(show(nil, err), "Date._parse(%s, %s)", s, comp)
			} else {
				d.add(showParts(p), "parts(Date._parse(%s, %s))", s, comp)
			}
		}
		got, err := ParseDateTime(s, today)
		if err != nil || got.Year() > 1600 {
			d.add(show(got, err), "DateTime.parse(%s)", s)
		}
		got, err = ParseDate(s, today)
		if err != nil {
			d.add(show(nil, err), "Date.parse(%s)", s)
		} else if got.Year() > 1600 {
			d.add("T"+got.Format("2006-01-02"), "Date.parse(%s)", s)
		}
		got, err = ParseTime(s, now.t)
		if err != nil {
			d.add(show(got, err), "Time.parse(%s, %s)", s, raw(now.time))
		} else if y := got.Year(); y > 0 && y < 9999 {
			d.add(fmt.Sprintf("[%s, %t]", show(got, nil), got.Location() == time.UTC), "Time.parse(%s, %s).then { |t| [t, t.utc?] }", s, raw(now.time))
		}
	}
	d.compare(t)
}

func TestStrptimeAgainstRuby(t *testing.T) {
	var d differential
	r := rand.New(rand.NewSource(*randomSeed))
	today := time.Now().UTC()
	now := newRubyTime(today.Year(), int(today.Month()), today.Day(), 7, 8, 9, 0, 0, true)
	now.t = now.t.In(time.FixedZone("UTC", 0))
	one := func(s, format string) {
		p, ok := DateStrptime(s, format)
		answer := "nil"
		if ok {
			answer = showParts(p)
		}
		d.add(answer, "parts(Date._strptime(%s, %s))", s, format)
		got, err := StrptimeTime(s, format, now.t)
		if err != nil || got.Year() > 0 && got.Year() < 9999 {
			d.add(show(got, err), "Time.strptime(%s, %s, %s)", s, format, raw(now.time))
		}
		got, err = StrptimeDateTime(s, format, today)
		if err != nil || got.Year() > 1600 {
			d.add(show(got, err), "DateTime.strptime(%s, %s)", s, format)
		}
	}
	for _, c := range [][2]string{{"2020-01-02T03:04:05.678+0900", "%Y-%m-%dT%H:%M:%S.%L%z"}, {"2020-01-02 03:04:05 UTC", "%F %T %Z"}, {"10/Oct/2000:13:55:36 -0700", "%d/%b/%Y:%H:%M:%S %z"}, {"Jan  5 03:04:05", "%b %e %H:%M:%S"}, {"1500000000", "%s"}, {"1500000000.25", "%s.%N"},
		{"1500000000123", "%Q"}, {"-5", "%s"}, {"-1500", "%Q"}, {"20200102030405", "%Y%m%d%H%M%S"}, {"2020 5", "%G %V"}, {"2020 5 3", "%G %V %u"}, {"2020 10 2", "%Y %U %w"}, {"2020 10 2", "%Y %W %w"}, {"2020 10", "%Y %U"}, {"2020 123", "%Y %j"}, {"12:30 PM", "%I:%M %p"}, {"12:30 am", "%I:%M %P"},
		{"1:02:03 p.m.", "%r"}, {"99", "%y"}, {"20 99", "%C %y"}, {"68", "%y"}, {"January", "%B"}, {"Jan", "%B"}, {"janXX", "%b"}, {"Monday", "%A"}, {"Mon", "%a"}, {"foo", "%Y"}, {"2020x", "%Y"}, {"", "%Y"}, {"", ""}, {"x", "x"}, {"x", ""}, {"%", "%%"}, {"2020", "%EY"}, {"05", "%Od"}, {" 5", "%d"}, {"32", "%d"}, {"0", "%d"},
		{"25", "%H"}, {"24", "%H"}, {"60", "%S"}, {"61", "%S"}, {"13", "%m"}, {"1/2/20", "%D"}, {"Thu Jan  2 03:04:05 2020", "%c"}, {"Thu Jan  2 03:04:05 CET 2020", "%+"}, {" 2-Jan-2020", "%v"}, {"2020-01-02+09:30", "%F%:z"}, {"2020-01-02 +9", "%F %z"}, {"2020-01-02 Eastern Daylight Time", "%F %Z"}, {"12345-01-01", "%F"}, {"-2020", "%Y"}, {"+2020", "%Y"},
		{"2020\n\t01", "%Y %m"}, {"2020  01", "%Y%n%m"}, {"202001", "%Y %m"}, {"123456789123", "%N"}, {"1234", "%L5"}, {"12345", "%L%d"}, {"10:20", "%R"}, {"10:20:30", "%X"}, {"5", "%u"}, {"8", "%u"}, {"x%Ex", "x%Ex"}, {"%q", "%q"}, {"a", "%"}, {"%", "%"}, {"é2020", "é%Y"}, {"2020-02-30", "%F"}, {"2020-366", "%Y-%j"}, {"2019-366", "%Y-%j"},
		{"10", "%k"}, {" 9", "%l"}, {"2020 54", "%Y %U"}, {"1583", "%G"}, {"7", "%w"}, {"2020-01-02 GMT+3", "%F %Z"}, {"2020-01-02 24:00", "%F %R"}, {"2020-06-07 10:11:12 -0000", "%F %T %z"}, {"2020-06-07 10:11:12 Z", "%F %T %z"}, {"1500000000 +0900", "%s %z"}, {"Mar", "%h"}, {"2020 1 1", "%Y %W %u"}, {"2020 1 7", "%Y %U %u"}, {"20 5 3", "%g %V %u"}, {"1.5", "%S.%L"}, {"-.5", "%S.%L"}} {
		one(c[0], c[1])
	}
	for range *randomRounds {
		format := pick(r, 5, "%Y", "%m", "%d", "%H", "%M", "%S", "%z", "%b", "%j", "%y", "%C", "%e", "%p", "%I", "%s", "%L", "%N", "%a", "%u", "%V", "%G", " ", "-", ":", "%F", "%T")
		text := newRubyTime(1970+r.Intn(60), 1+r.Intn(12), 1+r.Intn(28), r.Intn(24), r.Intn(60), r.Intn(60), r.Intn(1e9), 900*(r.Intn(40)-20), false)
		s, err := Strftime(text.t, format)
		if err != nil || strings.Contains(format, "%s") && strings.Contains(format, "%N") {
			continue
		}
		one(s, format)
		one(s+pick(r, 1, "x", " ", "1"), format)
	}
	d.compare(t)
}

func FuzzDateParse(f *testing.F) {
	for _, s := range commonDates() {
		f.Add(s, "%Y-%m-%d %H:%M:%S.%L %z")
	}
	now := time.Date(2021, 5, 6, 7, 8, 9, 0, time.UTC)
	f.Fuzz(func(t *testing.T, s, format string) {
		_, _ = ParseTime(s, now)
		_, _ = ParseDateTime(s, now)
		_, _ = StrptimeTime(s, format, now)
		_, _ = StrptimeDateTime(s, format, now)
	})
}

func BenchmarkParseTime(b *testing.B) {
	b.ReportAllocs()
	now := time.Date(2021, 5, 6, 7, 8, 9, 0, time.UTC)
	for b.Loop() {
		if _, err := ParseTime("2020-01-02T03:04:05.678Z", now); err != nil {
			b.Fatal(err)
		}
	}
}

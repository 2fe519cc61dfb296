package joda

import (
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The table was written by Joda-Time 2.12.7 on JDK 17, with ISO8601 and formats without a year read as Logstash reads them; its head
// tells which rows were not.
func TestParseTable(t *testing.T) {
	for _, r := range rows(t, "joda-parse.tsv") {
		format, text, zone, locale, want := r[0], r[1], r[2], r[3], r[5]
		ms, err := strconv.ParseInt(r[4], 10, 64)
		require.NoError(t, err)
		got := "!"
		if z, err := LoadZone(zone); err == nil {
			now := time.UnixMilli(ms).UTC()
			p, err := NewParser(format, Options{Locale: locale, Zone: z, Now: time.Date(2024, 7, 15, 0, 0, 0, 0, time.UTC)})
			require.NoError(t, err, "%q", format)
			if at, ok := p.Parse(text, now); ok {
				got = strconv.FormatInt(at.UnixMilli(), 10)
			}
		}
		if got != want {
			t.Errorf("%q of %q in %s %s at %s: got %s, want %s", text, format, zone, locale, r[4], got, want)
		}
	}
}

func newParser(t testing.TB, format, zone string) *Parser {
	z, err := LoadZone(zone)
	require.NoError(t, err)
	p, err := NewParser(format, Options{Zone: z, Now: time.Date(2024, 7, 15, 0, 0, 0, 0, time.UTC)})
	require.NoError(t, err)
	return p
}

func TestParseUnix(t *testing.T) {
	f := func(format, text, want string) {
		t.Helper()
		at, ok := newParser(t, format, "UTC").Parse(text, time.Time{})
		if want == "" {
			require.False(t, ok, "%v", at)
			return
		}
		require.True(t, ok)
		require.Equal(t, want, string(AppendTimestamp(nil, at)))
	}
	f("UNIX", "1710404813", "2024-03-14T08:26:53.000Z")
	f("UNIX", "+1710404813", "2024-03-14T08:26:53.000Z")
	f("UNIX", "1710404813.1", "2024-03-14T08:26:53.100Z")
	f("UNIX", "1710404813.12", "2024-03-14T08:26:53.120Z")
	f("UNIX", "1710404813.1239x", "2024-03-14T08:26:53.123Z")
	f("UNIX", "-1.5", "1969-12-31T23:59:59.500Z")
	f("UNIX", "-0.5", "1970-01-01T00:00:00.500Z")
	f("UNIX", "1.-5", "1970-01-01T00:00:00.950Z")
	f("UNIX", "2147483647.9", "2038-01-19T03:14:07.900Z")
	f("UNIX", "2147483648", "")
	for _, bad := range []string{"", ".", "-", "+", "1.", ".5", "1x", " 1", "1.1x", "1e9", "0x10", "9223372036854775808"} {
		f("UNIX", bad, "")
	}
	f("UNIX_MS", "1710404813123", "2024-03-14T08:26:53.123Z")
	f("UNIX_MS", "-1", "1969-12-31T23:59:59.999Z")
	f("UNIX_MS", "1710404813123.5", "")
	f("UNIX_MS", "9223372036854775807", "+292278994-08-17T07:12:55.807Z")
	f("UNIX_MS", "-9223372036854775808", "-292275055-05-16T16:47:04.192Z")
	f("UNIX_MS", "-9223372036854775809", "")
	f("TAI64N", "@40000000663471431dcd6500", "2024-05-03T05:08:09.500Z")
	f("TAI64N", "40000000663471431DCD6500 and more", "2024-05-03T05:08:09.500Z")
	f("TAI64N", "@4000000066347143", "")
	f("TAI64N", "@40000000663471439dcd6500", "")
	f("TAI64N", "@c0000000663471431dcd6500", "")
	f("TAI64N", "", "")
}

func TestParseNumbers(t *testing.T) {
	show := func(at time.Time, ok bool) string {
		if !ok {
			return ""
		}
		return string(AppendTimestamp(nil, at))
	}
	seconds, millis, text := newParser(t, "UNIX", "UTC"), newParser(t, "UNIX_MS", "UTC"), newParser(t, "ISO8601", "UTC")
	require.Equal(t, "2024-03-14T08:26:53.000Z", show(seconds.ParseInt(1710404813)))
	require.Equal(t, "", show(seconds.ParseInt(1710404813123)))
	require.Equal(t, "1969-12-31T23:59:59.750Z", show(seconds.ParseFloat(-0.25)))
	require.Equal(t, "2038-01-19T03:14:07.900Z", show(seconds.ParseFloat(2147483647.9)))
	require.Equal(t, "", show(seconds.ParseFloat(1e300)))
	require.Equal(t, "1970-01-01T00:00:00.000Z", show(seconds.ParseFloat(math.NaN())))
	require.Equal(t, "2024-03-14T08:26:53.123Z", show(millis.ParseInt(1710404813123)))
	require.Equal(t, "2024-03-14T08:26:53.123Z", show(millis.ParseFloat(1710404813123.9)))
	require.Equal(t, "+292278994-08-17T07:12:55.807Z", show(millis.ParseFloat(1e300)))
	require.Equal(t, "-292275055-05-16T16:47:04.192Z", show(millis.ParseFloat(-1e300)))
	require.Equal(t, "", show(text.ParseInt(1710404813)))
	require.Equal(t, "", show(text.ParseFloat(1710404813)))
}

func TestParserErrors(t *testing.T) {
	f := func(format, want string) {
		t.Helper()
		_, err := NewParser(format, Options{})
		require.EqualError(t, err, want)
	}
	f("", `date format "": the format is empty at offset 0`)
	f("yyyy-MM-ddTHH:mm", `date format "yyyy-MM-ddTHH:mm": unknown letter "T" at offset 10`)
	f("yyyy zzzz", `date format "yyyy zzzz": long zone names (zzzz) can be written, but not read at offset 5`)
	f(strings.Repeat("H ", 25), `date format "`+strings.Repeat("H ", 25)+`": more than 24 fields at offset 48`)
}

func TestZones(t *testing.T) {
	for id := range strings.Lines(zoneIDs) {
		z, err := LoadZone(strings.TrimSpace(id))
		require.NoError(t, err)
		utc, ok := z.toUTC(1710404813000)
		require.True(t, ok)
		require.Equal(t, int64(1710404813000), z.toLocal(utc), id)
	}
	for _, bad := range []string{"", "CEST", "Mars/Olympus", "europe/berlin", "Local", "+1", "UTC+", "Europe/Berlin\n", "posix/UTC", "../UTC"} {
		_, err := LoadZone(bad)
		require.Error(t, err, bad)
	}
}

// The table of a zone must say what the standard library does, at every hour of some years and far from them.
func TestZoneTable(t *testing.T) {
	for _, id := range []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Pacific/Apia"} {
		z, err := LoadZone(id)
		require.NoError(t, err)
		loc := z.Location()
		for at := int64(-6e9); at < 9e9; at += 100003 {
			_, want := time.Unix(at, 0).In(loc).Zone()
			require.Equal(t, int64(want), z.spanAt(at).offset, "%s at %d", id, at)
		}
	}
}

func TestLocales(t *testing.T) {
	require.True(t, KnownLocale("de"))
	require.True(t, KnownLocale("pt_BR"))
	require.True(t, KnownLocale("DE-at"))
	require.False(t, KnownLocale("ec"))
	require.False(t, KnownLocale(""))
	require.False(t, KnownLocale("#"))
	for line := range strings.Lines(localeTable) {
		tags, _, _ := strings.Cut(line, "\t")
		if strings.HasPrefix(tags, "# ") {
			continue
		}
		for tag := range strings.SplitSeq(tags, " ") {
			_, names := localeNames(tag)
			for i, n := range []int{12, 12, 7, 7, 2, 2} {
				require.Len(t, names[i], n, "%s", tag)
			}
			for i, n := range names[0] {
				v, next := monthTable(tag).lookup(n, 0)
				require.Equal(t, len(n), next, "%s", tag)
				require.Equal(t, n, names[0][v-1], "%s %d", tag, i)
			}
		}
	}
}

func TestParseDoesNotAllocate(t *testing.T) {
	f := func(format, zone, text string) {
		t.Helper()
		p := newParser(t, format, zone)
		now := time.Now()
		_, ok := p.Parse(text, now)
		require.True(t, ok)
		require.Zero(t, testing.AllocsPerRun(100, func() { p.Parse(text, now) }))
		text += "x"
		require.Zero(t, testing.AllocsPerRun(100, func() { p.Parse(text, now) }))
	}
	f("dd/MMM/yyyy:HH:mm:ss Z", "UTC", "14/Mar/2024:09:26:53 +0100")
	f("ISO8601", "Europe/Berlin", "2024-03-14T09:26:53.123+01:00")
	f("ISO8601", "Europe/Berlin", "2024-W11-4T09,5")
	f("MMM d HH:mm:ss", "America/New_York", "Mar 14 09:26:53")
	f("yyyy-MM-dd HH:mm:ss ZZZ", "UTC", "2024-03-14 09:26:53 Europe/Berlin")
	f("xxxx ww E G", "UTC", "2024 11 Thu AD")
	f("UNIX", "UTC", "1710404813.123")
}

package joda

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// readBoth reads texts one after the other, twice each, and compares with the parser. It gives how many were known by their beginning.
func readBoth(t *testing.T, p *Parser, now time.Time, texts ...string) (hits int) {
	t.Helper()
	r := p.NewReader()
	for _, s := range append(texts, texts...) {
		for range 2 {
			want, wantOK := p.Parse(s, now)
			before := r.hits
			got, ok := r.Parse(s, now)
			require.Equal(t, wantOK, ok, "%s: %q", p.format, s)
			require.True(t, want.Equal(got), "%s: %q is %v, read at once %v", p.format, s, got, want)
			if r.hits > before {
				hits++
			}
		}
	}
	return hits
}

func TestReader(t *testing.T) {
	now := time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)
	f := func(format, zone string, hits bool, texts ...string) {
		t.Helper()
		got := readBoth(t, newParser(t, format, zone), now, texts...)
		require.Equal(t, hits, got > 0, "%s: %d hits", format, got)
	}
	f("dd/MMM/yyyy:HH:mm:ss Z", "UTC", true, "14/Mar/2026:09:26:53 +0100", "14/Mar/2026:23:59:59 +0100", "14/Mar/2026:00:00:00 -0330", "14/Mar/2026:24:00:00 +0000",
		"14/Mar/2026:09:60:53 +0100", "14/Mar/2026:09:26:60 +0100", "14/Mar/2026:9:26:53 +0100", "14/Mar/2026:09:26:53 Z", "14/Mar/2026:09:26:53", "14/Mar/2026:09:26:5x +0100",
		"14/Mar/2026:09:26:53 +0100x", "15/Mar/2026:09:26:53 +0100", "14/MAR/2026:09:26:53 +0100", "4/Mar/2026:09:26:53 +0100", "31/Feb/2026:09:26:53 +0100")
	f("MMM dd HH:mm:ss", "Europe/Berlin", true, "Mar 14 09:26:53", "Mar 14 10:26:53", "Mar 29 02:30:00", "Mar 29 03:30:00", "Oct 25 02:30:00", "Feb 29 01:00:00", "Dec 31 23:59:59", "Mar 14 09:26:53 ")
	f("MMM  d HH:mm:ss", "UTC", true, "Mar 14 09:26:53", "Mar 14 10:26:53", "Mar  1 02:30:00", "Mar  2 03:30:00", "Mar", "Ma", "", "Mar  ", "Mar 1", "März 14 00:00:00")
	f("ISO8601", "Europe/Berlin", true, "2026-03-14T09:26:53.123Z", "2026-03-14T10:26:53,1", "2026-03-14T10:26:53", "2026-03-14T10:26:53+01:00", "2026-03-14T10:26:53.5+0100",
		"2026-03-14T10:26:53.1234Z", "2026-03-14T10:26:53.12Z", "2026-03-14T10:26:53.12x", "2026-03-14T10:26", "2026-03-14T10:26:53.", "2026-03-14T10:26:53x", "2026-03-29T02:30:00", "2026-03-14T24:00:00", "2026-03-14 10:26:53.123", "2026-02-30T10:26:53Z")
	f("yyyy-MM-dd HH:mm:ss,SSS", "UTC", true, "2026-03-14 09:26:53,123", "2026-03-14 09:26:54,9", "2026-03-14 09:26:53.123", "2026-03-14 09:26:53,", "12026-03-14 09:26:53,123", "-2026-03-14 09:26:53,123")
	f("EEE, dd MMM yyyy HH:mm:ss zzz", "UTC", true, "Sat, 14 Mar 2026 09:26:53 PST", "Sat, 14 Mar 2026 10:26:53 EST", "Sun, 14 Mar 2026 09:26:53 GMT", "Sat, 14 Mar 2026 09:26:53 ")
	f("EEE MMM dd HH:mm:ss yyyy", "UTC", false, "Sat Mar 14 09:26:53 2026", "Sat Mar 14 09:26:53 2027") // the year comes later
	f("EEE MMM dd HH:mm:ss", "UTC", false, "Sat Mar 14 09:26:53", "Sun Mar 14 09:26:53")
	f("HH:mm:ss", "UTC", false, "09:26:53", "10:26:53")
	f("UNIX", "UTC", false, "1710404813.1")
}

// BenchmarkReader goes through lines of one day.
func BenchmarkReader(b *testing.B) {
	f := func(name, format, zone, text string, at int) {
		var texts []string
		for i := range 60 {
			texts = append(texts, text[:at]+fmt.Sprintf("%02d", i)+text[at+2:])
		}
		b.Run(name, func(b *testing.B) {
			r, now := newParser(b, format, zone).NewReader(), time.Now()
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, ok := r.Parse(texts[i%len(texts)], now); !ok {
					b.Fatal("not read")
				}
			}
		})
	}
	f("httpdate", "dd/MMM/yyyy:HH:mm:ss Z", "UTC", "14/Mar/2024:09:26:53 +0100", 18)
	f("iso8601", "ISO8601", "UTC", "2024-03-14T09:26:53.123Z", 17)
	f("syslog-berlin", "MMM dd HH:mm:ss", "Europe/Berlin", "Mar 14 09:26:53", 13)
}

// The year of a date without one changes while a reader works.
func TestReaderYear(t *testing.T) {
	p := newParser(t, "MMM dd HH:mm:ss", "UTC")
	r := p.NewReader()
	for now := time.Date(2026, 11, 30, 20, 0, 0, 0, time.UTC); now.Year() < 2028; now = now.Add(7 * time.Hour) {
		for i := range 4 {
			s := fmt.Sprintf("Dec 31 12:00:%02d", i)
			want, _ := p.Parse(s, now)
			got, ok := r.Parse(s, now.Add(time.Duration(i)*time.Millisecond))
			require.True(t, ok)
			require.Equal(t, want, got, "now %v", now)
		}
	}
	require.Positive(t, r.hits)
}

// Where each text has a date of its own, remembering it is given up for a while.
func TestReaderPauses(t *testing.T) {
	p := newParser(t, "yyyy-MM-dd HH:mm:ss", "UTC")
	r := p.NewReader()
	var remembered int
	last := r.prefix
	for i := range 640 {
		_, ok := r.Parse(fmt.Sprintf("%d-03-14 09:26:53", 1000+i), time.Time{})
		require.True(t, ok)
		if r.prefix != last {
			remembered++
		}
		last = r.prefix
	}
	require.Less(t, remembered, 640/maxPause+3)
}

// FuzzReader reads two texts in turn.
func FuzzReader(f *testing.F) {
	for i, r := range rows(f, "joda-parse.tsv") {
		if i%7 == 0 {
			f.Add(r[0], r[1], r[1]+"0", int64(1773480413))
		}
	}
	f.Add("dd/MMM/yyyy:HH:mm:ss Z", "14/Mar/2026:09:26:53 +0100", "14/Mar/2026:10:26:53 +0200", int64(0))
	f.Add("MMM  d HH:mm:ss", "Mar 14 09:26:53", "Mar  1 09:26:53", int64(1773480413))
	f.Add("ISO8601", "2026-03-14T09:26:53.123Z", "2026-03-14T09:26:54", int64(1773480413))
	zone, err := LoadZone("Europe/Berlin")
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, format, a, b string, second int64) {
		now := time.Unix(second%(1<<36), 0).In(zone.Location())
		p, err := NewParser(format, Options{Zone: zone, Now: now})
		if err != nil {
			return
		}
		readBoth(t, p, now, a, b)
	})
}

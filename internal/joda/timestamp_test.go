package joda

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The table was written by java.time of JDK 17 with the formatter that Logstash describes.
func TestTimestamps(t *testing.T) {
	defer func(l *time.Location) { time.Local = l }(time.Local)
	time.Local = time.UTC
	for _, r := range rows(t, "timestamps.tsv") {
		at, ok := ParseTimestamp(r[0])
		if r[1] == "!" {
			require.False(t, ok, "%q gives %v", r[0], at)
			continue
		}
		require.True(t, ok, "%q", r[0])
		require.Equal(t, r[1], string(AppendTimestamp(nil, at)), "%q", r[0])
	}
}

func TestTimestampInProcessZone(t *testing.T) {
	defer func(l *time.Location) { time.Local = l }(time.Local)
	f := func(zone, text, want string) {
		t.Helper()
		loc, err := time.LoadLocation(zone)
		require.NoError(t, err)
		time.Local = loc
		at, ok := ParseTimestamp(text)
		require.True(t, ok)
		require.Equal(t, want, string(AppendTimestamp(nil, at)))
	}
	f("Europe/Berlin", "2024-07-02T03:04:05", "2024-07-02T01:04:05.000Z")
	f("Europe/Berlin", "2024-03-31T02:30:00", "2024-03-31T01:30:00.000Z")
	f("Europe/Berlin", "2024-10-27T02:30:00", "2024-10-27T00:30:00.000Z")
	f("America/New_York", "2024-03-10T02:30:00", "2024-03-10T07:30:00.000Z")
	f("America/New_York", "2024-11-03T01:30:00", "2024-11-03T05:30:00.000Z")
	f("Pacific/Apia", "2011-12-30T12:00:00", "2011-12-30T22:00:00.000Z")
	f("Atlantic/Azores", "2024-03-31T00:30:00", "2024-03-31T01:30:00.000Z")
	f("Asia/Tokyo", "2024-11-03", "2024-11-02T15:00:00.000Z")
	f("UTC", "2024-11-03", "2024-11-03T00:00:00.000Z")
}

func FuzzTimestamp(f *testing.F) {
	for _, r := range rows(f, "timestamps.tsv") {
		f.Add(r[0])
	}
	f.Fuzz(func(t *testing.T, s string) {
		at, ok := ParseTimestamp(s)
		if !ok {
			return
		}
		again, ok := ParseTimestamp(string(AppendTimestamp(nil, at)))
		// An offset may move a date out of the years that can be written.
		if year := at.Year(); year > -999999999 && year < 999999999 {
			require.True(t, ok)
			require.True(t, at.Equal(again))
		}
	})
}

package joda

import (
	"testing"
	"time"
)

func benchmarkParse(b *testing.B, format, zone, text string) {
	p := newParser(b, format, zone)
	now := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := p.Parse(text, now); !ok {
			b.Fatal("not read")
		}
	}
}

func benchmarkGo(b *testing.B, layout, text string) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := time.Parse(layout, text); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	b.Run("httpdate", func(b *testing.B) {
		benchmarkParse(b, "dd/MMM/yyyy:HH:mm:ss Z", "UTC", "14/Mar/2024:09:26:53 +0100")
	})
	b.Run("httpdate-go", func(b *testing.B) { benchmarkGo(b, "02/Jan/2006:15:04:05 -0700", "14/Mar/2024:09:26:53 +0100") })
	b.Run("iso8601", func(b *testing.B) { benchmarkParse(b, "ISO8601", "UTC", "2024-03-14T09:26:53.123Z") })
	b.Run("iso8601-go", func(b *testing.B) { benchmarkGo(b, time.RFC3339Nano, "2024-03-14T09:26:53.123Z") })
	b.Run("iso8601-berlin", func(b *testing.B) { benchmarkParse(b, "ISO8601", "Europe/Berlin", "2024-03-14T09:26:53.123") })
	b.Run("syslog-berlin", func(b *testing.B) { benchmarkParse(b, "MMM dd HH:mm:ss", "Europe/Berlin", "Mar 14 09:26:53") })
	b.Run("log4j", func(b *testing.B) { benchmarkParse(b, "yyyy-MM-dd HH:mm:ss,SSS", "UTC", "2024-03-14 09:26:53,123") })
	b.Run("week", func(b *testing.B) { benchmarkParse(b, "xxxx-'W'ww-e yyyy", "UTC", "2024-W11-4 2024") })
	b.Run("unix", func(b *testing.B) { benchmarkParse(b, "UNIX", "UTC", "1710404813.123") })
}

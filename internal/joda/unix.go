package joda

import (
	"math"
	"strings"
	"time"
)

// maxUnixSeconds is the last second that UNIX takes, so that milliseconds given by mistake fail. Earlier ones have no limit.
const maxUnixSeconds = math.MaxInt32

// ParseInt reads a number: seconds for UNIX, milliseconds for UNIX_MS. Other formats read text only.
func (p *Parser) ParseInt(v int64) (time.Time, bool) {
	switch {
	case p.kind == kindUnix && v <= maxUnixSeconds:
		return timeOf(v * 1000), true
	case p.kind == kindUnixMillis:
		return timeOf(v), true
	}
	return time.Time{}, false
}

// ParseFloat reads a number, as ParseInt does. Of milliseconds the fraction is cut.
func (p *Parser) ParseFloat(v float64) (time.Time, bool) {
	switch {
	case p.kind == kindUnix && javaLong(v) <= maxUnixSeconds:
		return timeOf(javaLong(v * 1000)), true
	case p.kind == kindUnixMillis:
		return timeOf(javaLong(v)), true
	}
	return time.Time{}, false
}

// javaLong cuts a float as Java does: what is too large is the largest, what is no number is 0.
func javaLong(v float64) int64 {
	switch {
	case v != v:
		return 0
	case v >= math.MaxInt64:
		return math.MaxInt64
	case v <= math.MinInt64:
		return math.MinInt64
	}
	return int64(v)
}

// parseUnix reads seconds with up to three digits of a fraction, and ignores further characters after these. The fraction is a
// number of its own, which is added: -1.5 is half a second after -1, and -0.5 loses its sign.
func parseUnix(s string) (millis int64, ok bool) {
	whole, fraction, dotted := strings.Cut(s, ".")
	seconds, ok := parseLong(whole)
	if !ok || seconds > maxUnixSeconds {
		return 0, false
	}
	millis = seconds * 1000
	if !dotted {
		return millis, true
	}
	fraction = fraction[:min(len(fraction), 3)]
	v, ok := parseLong(fraction)
	for n := len(fraction); n < 3; n++ {
		v *= 10
	}
	return millis + v, ok
}

// parseLong reads a whole number in decimal, with a sign or without.
func parseLong(s string) (int64, bool) {
	i, negative := 0, false
	if s != "" && (s[0] == '-' || s[0] == '+') {
		negative = s[0] == '-'
		i = 1
	}
	if i == len(s) {
		return 0, false
	}
	var v uint64
	for ; i < len(s); i++ {
		d := uint64(s[i] - '0')
		if d > 9 || v > (math.MaxInt64-d)/10 && !(negative && v == math.MaxInt64/10 && d == 8 && i == len(s)-1) {
			return 0, false
		}
		v = v*10 + d
	}
	if negative {
		return -int64(v), true
	}
	return int64(v), true
}

// parseTAI64N reads an external TAI64N label, with @ before it or not: 16 hexadecimal digits of seconds, 8 of nanoseconds. Text after
// them is ignored. Atomic time is taken to be ten seconds ahead, as it was when labels began to be used.
func parseTAI64N(s string) (millis int64, ok bool) {
	s = strings.TrimPrefix(s, "@")
	if len(s) < 24 {
		return 0, false
	}
	seconds, ok1 := parseHex(s[:16])
	nanos, ok2 := parseHex(s[16:24])
	if !ok1 || !ok2 || seconds > math.MaxInt64 || nanos > math.MaxInt32 {
		return 0, false
	}
	return (int64(seconds&(1<<62-1))-10)*1000 + int64(nanos/1e6), true
}

func parseHex(s string) (v uint64, ok bool) {
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c-'0' <= 9:
			c -= '0'
		case c|0x20-'a' <= 5:
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		v = v<<4 | uint64(c)
	}
	return v, true
}

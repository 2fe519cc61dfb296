package joda

import (
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// No format and no text may panic, and a plain format must give the instant that setting field after field gives.
func FuzzParse(f *testing.F) {
	for i, r := range rows(f, "joda-parse.tsv") {
		if i%7 == 0 {
			f.Add(r[0], r[1])
		}
	}
	f.Add("TAI64N", "@40000000663471431dcd6500")
	f.Add("UNIX", "1710404813.1")
	now := time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC)
	zone, err := LoadZone("Europe/Berlin")
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, format, text string) {
		p, err := NewParser(format, Options{Zone: zone, Now: now})
		if err != nil {
			return
		}
		got, ok := p.Parse(text, now)
		if !p.plain {
			return
		}
		slow := slowParser(t, p, zone, now)
		want, wantOK := slow.Parse(text, now)
		require.Equal(t, wantOK, ok)
		require.True(t, want.Equal(got), "%v, by fields %v", got, want)
	})
}

// slowParser compiles a format as if it were not plain.
func slowParser(t *testing.T, p *Parser, zone *Zone, now time.Time) *Parser {
	tokens, err := parsePattern(p.format)
	require.NoError(t, err)
	slow := &Parser{format: p.format, zone: zone, yearless: p.yearless, year: p.year, offsets: p.offsets}
	var fields []field
	for i, tok := range tokens {
		op, f, set := parseOpOf(tok, i+1 < len(tokens) && tokens[i+1].numeric(), Options{Now: now})
		if tok.letter == 0 && tok.text == "" {
			continue
		}
		if set {
			op.slot = uint8(len(fields))
			fields = append(fields, f)
		}
		slow.ops = append(slow.ops, op)
	}
	slow.orderByRank(fields)
	return slow
}

// What is written with a whole date, time and offset must be read back as the same instant.
func FuzzFormat(f *testing.F) {
	f.Add("yyyy-MM-dd'T'HH:mm:ss.SSSZ", int64(1710404813123))
	f.Add("dd/MMM/yyyy:HH:mm:ss Z", int64(-1710404813123))
	f.Add("EEEE, d MMMM yyyy h:mm a", int64(0))
	f.Add("'x' ww xxxx G C S", int64(1))
	f.Fuzz(func(t *testing.T, pattern string, millis int64) {
		at := time.UnixMilli(millis).UTC()
		if jf, err := NewJavaFormatter(pattern); err == nil {
			jf.Append(nil, at)
		}
		if f, err := NewFormatter(pattern); err == nil {
			f.Append(nil, at)
		}
		if !utf8.ValidString(pattern) || at.Year() < 1 || at.Year() > 99999999 {
			return
		}
		// The pattern as a text between the fields that make the instant.
		var literal []byte
		for i := 0; i < len(pattern); i++ {
			if literal = append(literal, pattern[i]); pattern[i] == '\'' {
				literal = append(literal, '\'')
			}
		}
		whole := "yyyy-MM-dd'T'HH:mm:ss.SSSZ' " + string(literal) + "'"
		f, err := NewFormatter(whole)
		require.NoError(t, err)
		p, err := NewParser(whole, Options{Zone: UTC})
		require.NoError(t, err)
		got, ok := p.Parse(string(f.Append(nil, at)), at)
		require.True(t, ok)
		require.True(t, at.Equal(got), "%v, read %v", at, got)
	})
}

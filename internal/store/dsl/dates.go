package dsl

import (
	"math"
	"strconv"
	"strings"
	"time"

	"millrace/internal/store/mapping"
	"millrace/internal/store/query"
)

// LoadZone reads a time zone: an offset such as +01:00, Z, or a name.
func LoadZone(name string) (*time.Location, error) {
	if name == "" || name == "Z" || name == "UTC" {
		return time.UTC, nil
	}
	if name[0] == '+' || name[0] == '-' {
		for _, layout := range []string{"-07:00", "-0700", "-07"} {
			if t, err := time.Parse(layout, name); err == nil {
				_, offset := t.Zone()
				return time.FixedZone(name, offset), nil
			}
		}
	}
	if name != "Local" {
		if z, err := time.LoadLocation(name); err == nil {
			return z, nil
		}
	}
	return nil, illegal("failed to parse [time_zone]: unknown time-zone ID: %s", name)
}

// DateMath evaluates a date with what follows it: now-1h/d, 2026-01-01||+1M/d.
func DateMath(text string, f *mapping.DateFormat, now time.Time, zone *time.Location, roundUp bool) (int64, error) {
	var t time.Time
	math, isNow := strings.CutPrefix(text, "now")
	if isNow {
		t = now
	} else {
		date, rest, has := strings.Cut(text, "||")
		ms, ok := f.Parse(date, zone, roundUp && !has)
		if !ok {
			return 0, &Error{Type: "parse_exception", Reason: "failed to parse date field [" + text + "] with format [" + f.Text + "]", Shard: true}
		}
		if !has {
			return ms, nil
		}
		t, math = time.UnixMilli(ms), rest
	}
	if zone == nil {
		zone = time.UTC
	}
	t, ok := applyMath(t.In(zone), math, roundUp)
	if !ok {
		return 0, &Error{Type: "parse_exception", Reason: "failed to parse date math [" + text + "]", Shard: true}
	}
	return t.UnixMilli(), nil
}

// applyMath does steps such as +1M and /d.
func applyMath(t time.Time, math string, roundUp bool) (time.Time, bool) {
	for math != "" {
		op := math[0]
		if op != '+' && op != '-' && op != '/' {
			return t, false
		}
		i := 1
		for i < len(math) && math[i] >= '0' && math[i] <= '9' {
			i++
		}
		n := 1
		if i > 1 {
			var err error
			if n, err = strconv.Atoi(math[1:i]); err != nil || op == '/' && n != 1 {
				return t, false
			}
		}
		if i >= len(math) {
			return t, false
		}
		unit := math[i]
		math = math[i+1:]
		var ok bool
		switch {
		case op == '/':
			start, ok := Floor(t, unit)
			if !ok {
				return t, false
			}
			if t = start; roundUp {
				t, _ = step(start, unit, 1)
				t = t.Add(-time.Millisecond)
			}
			continue
		case op == '-':
			n = -n
		}
		if t, ok = step(t, unit, n); !ok {
			return t, false
		}
	}
	return t, true
}

// step adds n units. Months keep to the last day of a shorter month, as in java.time.
func step(t time.Time, unit byte, n int) (time.Time, bool) {
	switch unit {
	case 'y':
		return addMonths(t, 12*n), true
	case 'M':
		return addMonths(t, n), true
	case 'w':
		return t.AddDate(0, 0, 7*n), true
	case 'd':
		return t.AddDate(0, 0, n), true
	case 'h', 'H':
		return t.Add(time.Duration(n) * time.Hour), true
	case 'm':
		return t.Add(time.Duration(n) * time.Minute), true
	case 's':
		return t.Add(time.Duration(n) * time.Second), true
	}
	return t, false
}

func addMonths(t time.Time, n int) time.Time {
	y, m, d := t.Date()
	first := time.Date(y, m+time.Month(n), 1, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), t.Location())
	last := first.AddDate(0, 1, -1).Day()
	return first.AddDate(0, 0, min(d, last)-1)
}

// Floor returns the beginning of the unit that t is in: y, q, M, w, d, h, m or s.
func Floor(t time.Time, unit byte) (time.Time, bool) {
	y, m, d := t.Date()
	day := func(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, t.Location()) }
	switch unit {
	case 'y':
		return day(y, 1, 1), true
	case 'q':
		return day(y, (m-1)/3*3+1, 1), true
	case 'M':
		return day(y, m, 1), true
	case 'w':
		return day(y, m, d-(int(t.Weekday())+6)%7), true
	case 'd':
		return day(y, m, d), true
	case 'h', 'H':
		return truncate(t, time.Hour), true
	case 'm':
		return truncate(t, time.Minute), true
	case 's':
		return truncate(t, time.Second), true
	}
	return t, false
}

// truncate cuts local time to a multiple of d.
func truncate(t time.Time, d time.Duration) time.Time {
	_, offset := t.Zone()
	local := t.Add(time.Duration(offset) * time.Second)
	return local.Truncate(d).Add(-time.Duration(offset) * time.Second).In(t.Location())
}

// bounds are those of a range.
type bounds struct {
	lo, hi       string
	hasLo, hasHi bool
	incLo, incHi bool
	format       *mapping.DateFormat
	zone         *time.Location
}

func (c *Context) rangeQuery(p params) (query.Query, error) {
	field, sub, err := p.field("")
	if err != nil {
		return nil, err
	}
	var b bounds
	get := func(k string, v *string, has, inc *bool, included bool) {
		raw, ok := sub.take(k)
		if !ok || raw == nil {
			return
		}
		s, isText := Text(raw)
		if !isText {
			sub.fail(parsing("[range] query does not support [%s] of this type", k))
		}
		*v, *has, *inc = s, true, included
	}
	get("gte", &b.lo, &b.hasLo, &b.incLo, true)
	get("gt", &b.lo, &b.hasLo, &b.incLo, false)
	get("lte", &b.hi, &b.hasHi, &b.incHi, true)
	get("lt", &b.hi, &b.hasHi, &b.incHi, false)
	get("from", &b.lo, &b.hasLo, &b.incLo, sub.flag("include_lower", true))
	get("to", &b.hi, &b.hasHi, &b.incHi, sub.flag("include_upper", true))
	boost := sub.float("boost", 1)
	zone, format := sub.text("time_zone", ""), sub.text("format", "")
	sub.refuse("relation", "INTERSECTS", "intersects")
	if err := sub.end(); err != nil {
		return nil, err
	}
	if zone != "" {
		if b.zone, err = LoadZone(zone); err != nil {
			return nil, err
		}
	}
	if format != "" {
		if b.format, err = mapping.NewDateFormat(format); err != nil {
			return nil, illegal("%v", err)
		}
	}
	q, err := c.between(field, &b)
	return boosted(q, boost), err
}

// between matches documents with a value between bounds.
func (c *Context) between(field string, b *bounds) (query.Query, error) {
	if q, ok, err := c.metadata(field, nil, func(n string) bool {
		return (!b.hasLo || n > b.lo || n == b.lo && b.incLo) && (!b.hasHi || n < b.hi || n == b.hi && b.incHi)
	}); ok {
		return q, err
	}
	n, err := c.node(field)
	if n == nil {
		return query.None{}, err
	}
	if !b.hasLo && !b.hasHi {
		return query.Exists{Field: n.Path}, nil
	}
	switch n.Type.Kind() {
	case query.Date:
		return c.dateRange(n, b)
	case query.Float:
		return floatRange(n, b)
	case query.Int:
		if n.Type == mapping.Boolean {
			return boolRange(n, b)
		}
		return wholeRange(n, b)
	}
	r := query.TermRange{Field: n.Path, ExcludeMin: b.hasLo && !b.incLo, ExcludeMax: b.hasHi && !b.incHi}
	lo, hi := b.lo, b.hi
	if n.Type == mapping.IP {
		var okLo, okHi = true, true
		if b.hasLo {
			lo, okLo = mapping.IPTerm(lo)
		}
		if b.hasHi {
			hi, okHi = mapping.IPTerm(hi)
		}
		if !okLo || !okHi {
			return nil, shard("'%s' or '%s' is not an IP string literal.", b.lo, b.hi)
		}
	}
	if b.hasLo {
		r.Min = &lo
	}
	if b.hasHi {
		r.Max = &hi
	}
	return r, nil
}

func (c *Context) dateRange(n *mapping.Node, b *bounds) (query.Query, error) {
	f := n.Format
	if b.format != nil {
		f = b.format
	}
	r := query.NumberRange{Field: n.Path, Min: math.MinInt64, Max: math.MaxInt64}
	var err error
	if b.hasLo {
		if r.Min, err = DateMath(b.lo, f, c.Now, b.zone, !b.incLo); err != nil {
			return nil, err
		}
		if !b.incLo {
			r.Min++
		}
	}
	if b.hasHi {
		if r.Max, err = DateMath(b.hi, f, c.Now, b.zone, b.incHi); err != nil {
			return nil, err
		}
		if !b.incHi {
			r.Max--
		}
	}
	if r.Min > r.Max {
		return query.None{}, nil
	}
	return r, nil
}

func floatRange(n *mapping.Node, b *bounds) (query.Query, error) {
	r := query.FloatRange{Field: n.Path, Min: math.Inf(-1), Max: math.Inf(1), ExcludeMin: b.hasLo && !b.incLo, ExcludeMax: b.hasHi && !b.incHi}
	if b.hasLo {
		f, err := parseFloat(b.lo)
		if err != nil {
			return nil, err
		}
		r.Min = n.Round(f)
	}
	if b.hasHi {
		f, err := parseFloat(b.hi)
		if err != nil {
			return nil, err
		}
		r.Max = n.Round(f)
	}
	return r, nil
}

// whole is a bound for whole numbers: v is the number without what follows the point.
type whole struct {
	v     int64
	exact bool // nothing followed the point
	out   int  // below (-1) or above (1) what the type holds
	neg   bool
}

func wholeBound(n *mapping.Node, text string) (whole, error) {
	v, ok, why := mapping.ParseWhole(text, mapping.Long, true)
	if !ok {
		f, err := strconv.ParseFloat(text, 64)
		if why == nil || err != nil && !math.IsInf(f, 0) {
			return whole{}, shard("For input string: \"%s\"", text)
		}
		if f > 0 {
			return whole{out: 1}, nil
		}
		return whole{out: -1}, nil
	}
	b := whole{v: v, exact: true}
	if f, err := strconv.ParseFloat(text, 64); err == nil && strings.ContainsAny(text, ".eE") {
		b.exact, b.neg = f == math.Trunc(f), f < 0
	}
	if lo, hi, ok := n.Type.Bounds(); ok {
		if v < lo {
			b.out = -1
		} else if v > hi {
			b.out = 1
		}
	}
	return b, nil
}

func wholeRange(n *mapping.Node, b *bounds) (query.Query, error) {
	r := query.NumberRange{Field: n.Path, Min: math.MinInt64, Max: math.MaxInt64}
	if b.hasLo {
		w, err := wholeBound(n, b.lo)
		switch {
		case err != nil:
			return nil, err
		case w.out > 0:
			return query.None{}, nil
		case w.out == 0:
			r.Min = w.v
			if w.exact && !b.incLo || !w.exact && !w.neg {
				if r.Min == math.MaxInt64 {
					return query.None{}, nil
				}
				r.Min++
			}
		}
	}
	if b.hasHi {
		w, err := wholeBound(n, b.hi)
		switch {
		case err != nil:
			return nil, err
		case w.out < 0:
			return query.None{}, nil
		case w.out == 0:
			r.Max = w.v
			if w.exact && !b.incHi || !w.exact && w.neg {
				if r.Max == math.MinInt64 {
					return query.None{}, nil
				}
				r.Max--
			}
		}
	}
	if r.Min > r.Max {
		return query.None{}, nil
	}
	return r, nil
}

func boolRange(n *mapping.Node, b *bounds) (query.Query, error) {
	r := query.NumberRange{Field: n.Path, Min: 0, Max: 1}
	if b.hasLo {
		v, err := parseBool(b.lo)
		if err != nil {
			return nil, err
		}
		if r.Min = int64(v); !b.incLo {
			r.Min++
		}
	}
	if b.hasHi {
		v, err := parseBool(b.hi)
		if err != nil {
			return nil, err
		}
		if r.Max = int64(v); !b.incHi {
			r.Max--
		}
	}
	if r.Min > r.Max {
		return query.None{}, nil
	}
	return r, nil
}

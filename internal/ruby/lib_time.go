package ruby

import (
	"math"
	"math/big"
	"strings"
	"time"

	"millrace/internal/joda"
	"millrace/internal/ruby/text"
)

// timeClass tells which class a Time is of.
type timeClass uint8

const (
	timeKind timeClass = iota
	timestampKind
	dateKind
	dateTimeKind
)

// Time is a Time, LogStash::Timestamp, Date or DateTime.
type Time struct {
	t    time.Time
	kind timeClass
}

func (v *Time) class(c *core) *Class {
	switch v.kind {
	case timestampKind:
		return c.timestamp
	case dateKind:
		return c.date
	case dateTimeKind:
		return c.dateTime
	}
	return c.time
}

// seconds returns a number of seconds as a whole number and nanoseconds.
func (t *Interp) seconds(v Value) (int64, int64) {
	switch v := v.(type) {
	case int64:
		return v, 0
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) || math.Abs(v) > 1<<55 {
			t.raise(t.core.floatDomainError, "%s", text.FloatToS(v))
		}
		return splitRat(new(big.Rat).SetFloat64(v))
	case *Rational:
		return splitRat(v.r)
	case *Time:
		return v.t.Unix(), int64(v.t.Nanosecond())
	case *big.Int:
		t.raise(t.core.rangeError, "bignum too big to convert into `long'")
	}
	t.typeError("can't convert %s into an exact number", t.describeType(v))
	return 0, 0
}

// splitRat returns the whole seconds and the nanoseconds, cut off, of r.
func splitRat(r *big.Rat) (int64, int64) {
	n := floorRat(r)
	frac := new(big.Rat).Sub(r, new(big.Rat).SetInt(n))
	frac.Mul(frac, big.NewRat(1e9, 1))
	return n.Int64(), floorRat(frac).Int64()
}

func (t *Interp) timeOf(v time.Time) Value { return &Time{t: v} }

// zoneArg returns the location that a utc_offset argument means.
func (t *Interp) zoneArg(v Value) *time.Location {
	switch v := v.(type) {
	case nil:
		return time.Local
	case int64:
		return time.FixedZone("", int(v))
	case *String:
		switch v.s {
		case "UTC", "Z":
			return time.UTC
		}
		if len(v.s) == 6 && (v.s[0] == '+' || v.s[0] == '-') && v.s[3] == ':' {
			h, ok1 := plainInt(v.s[1:3])
			m, ok2 := plainInt(v.s[4:])
			if ok1 && ok2 && h < 24 && m < 60 {
				n := int(h*3600 + m*60)
				if v.s[0] == '-' {
					n = -n
				}
				return time.FixedZone("", n)
			}
		}
	}
	t.argError("\"+HH:MM\", \"-HH:MM\", \"UTC\" or \"A\"..\"I\",\"K\"..\"Z\" expected for utc_offset: %s", t.toS(v))
	return nil
}

// timeMethods fills Time.
func timeMethods(c *core) {
	c.time = c.define("Time", c.object)
	k := c.time
	k.includes = []*Class{c.comparable}
	k.alloc = nil
	timeConstructors(k)
	timeParsers(k)
	timeFields(k)
	timeArithmetic(k)
	timeTexts(k)
	timeZones(k)
}

func timeConstructors(k *Class) {
	k.sdef("now", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		now := t.now()
		if v, ok := option(a, "in"); ok {
			return t.timeOf(now.In(t.zoneArg(v)))
		}
		return t.timeOf(now.Local())
	}).kw = true
	k.sdef("at", 1, 4, func(t *Interp, self Value, a []Value, b *Proc) Value {
		loc := time.Local
		if v, ok := option(a, "in"); ok {
			loc = t.zoneArg(v)
		}
		return t.timeOf(t.timeAt(positional(a)).In(loc))
	}).kw = true
	make := func(loc *time.Location) builtin {
		return func(t *Interp, self Value, a []Value, b *Proc) Value {
			if v, ok := option(a, "in"); ok {
				return t.timeOf(t.civil(positional(a), t.zoneArg(v)))
			}
			a = positional(a)
			if len(a) == 0 {
				return t.timeOf(t.now().In(loc))
			}
			if len(a) == 7 && loc == time.Local {
				return t.timeOf(t.civil(a[:6], t.zoneArg(a[6])))
			}
			return t.timeOf(t.civil(a, loc))
		}
	}
	k.sdef("utc", 1, 10, make(time.UTC)).kw = true
	k.meta.alias("utc", "gm")
	k.sdef("local", 1, 10, make(time.Local)).kw = true
	k.meta.alias("local", "mktime")
	k.sdef("new", 0, 8, make(time.Local)).kw = true
}

// timeAt is Time.at: seconds, and a part of one in a unit.
func (t *Interp) timeAt(a []Value) time.Time {
	if x, ok := a[0].(*Time); ok {
		return x.t
	}
	sec, nsec := t.seconds(a[0])
	if len(a) > 1 {
		unit := "microsecond"
		if len(a) > 2 {
			unit = t.name(a[2])
		}
		scale := int64(1000)
		switch unit {
		case "millisecond":
			scale = 1e6
		case "nsec", "nanosecond":
			scale = 1
		}
		n, frac := t.seconds(a[1])
		return time.Unix(sec, nsec).Add(time.Duration(n*scale + frac*scale/1e9))
	}
	return time.Unix(sec, nsec)
}

var monthNumbers = map[string]int64{"jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6, "jul": 7, "aug": 8, "sep": 9, "oct": 10, "nov": 11, "dec": 12}

// civil makes a time of year, month, day, hour, minute, second and microsecond.
func (t *Interp) civil(a []Value, loc *time.Location) time.Time {
	field := func(i int, def int64) int64 {
		if i >= len(a) || a[i] == nil {
			return def
		}
		if s, ok := a[i].(*String); ok {
			if n, ok := monthNumbers[strings.ToLower(s.s)]; ok && i == 1 {
				return n
			}
			return t.int(t.toInteger([]Value{s, integer(10)}))
		}
		return t.int(a[i])
	}
	year, mon, day, hour, minute := field(0, 0), field(1, 1), field(2, 1), field(3, 0), field(4, 0)
	sec, nsec := int64(0), int64(0)
	if len(a) > 5 && a[5] != nil {
		if s, ok := a[5].(*String); ok {
			r, _ := parseRat(s.s, false)
			sec, nsec = splitRat(r)
		} else {
			sec, nsec = t.seconds(a[5])
		}
	}
	if len(a) > 6 {
		us, frac := t.seconds(a[6])
		nsec += us*1000 + frac/1e6
	}
	if mon < 1 || mon > 12 || day < 1 || day > 31 || hour < 0 || hour > 24 || minute < 0 || minute > 59 || sec < 0 || sec > 60 {
		t.argError("argument out of range")
	}
	return time.Date(int(year), time.Month(mon), int(day), int(hour), int(minute), int(sec), int(nsec), loc)
}

func timeParsers(k *Class) {
	parse := func(name string, f func(t *Interp, s string) (time.Time, error)) {
		k.sdef(name, 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
			v, err := f(t, t.text(a[0]))
			t.check(err)
			return t.timeOf(v)
		})
	}
	parse("parse", func(t *Interp, s string) (time.Time, error) { return text.ParseTime(s, t.now().Local()) })
	parse("iso8601", func(t *Interp, s string) (time.Time, error) { return text.ParseISO8601(s, time.Local) })
	k.meta.alias("iso8601", "xmlschema")
	parse("rfc2822", func(t *Interp, s string) (time.Time, error) { return text.ParseRFC2822(s) })
	k.meta.alias("rfc2822", "rfc822")
	parse("httpdate", func(t *Interp, s string) (time.Time, error) { return text.ParseHTTPDate(s) })
	k.sdef("strptime", 2, 3, func(t *Interp, self Value, a []Value, b *Proc) Value {
		v, err := text.StrptimeTime(t.text(a[0]), t.text(a[1]), t.now().Local())
		t.check(err)
		return t.timeOf(v)
	})
}

// timeFields adds the parts of a time.
func timeFields(k *Class) {
	part := func(f func(v time.Time) int, names ...string) {
		for _, n := range names {
			k.def(n, 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return integer(int64(f(self.(*Time).t))) })
		}
	}
	part(time.Time.Year, "year")
	part(func(v time.Time) int { return int(v.Month()) }, "month", "mon")
	part(time.Time.Day, "day", "mday")
	part(time.Time.Hour, "hour")
	part(time.Time.Minute, "min", "minute")
	part(time.Time.Second, "sec", "second")
	part(func(v time.Time) int { return v.Nanosecond() / 1000 }, "usec", "tv_usec")
	part(time.Time.Nanosecond, "nsec", "tv_nsec")
	part(func(v time.Time) int { return int(v.Weekday()) }, "wday")
	part(time.Time.YearDay, "yday")
	part(func(v time.Time) int { return int(v.Unix()) }, "to_i", "tv_sec")
	part(func(v time.Time) int { _, off := v.Zone(); return off }, "utc_offset", "gmt_offset", "gmtoff")
	for i, name := range []string{"sunday?", "monday?", "tuesday?", "wednesday?", "thursday?", "friday?", "saturday?"} {
		k.def(name, 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return int(self.(*Time).t.Weekday()) == i })
	}
	k.def("to_f", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return epoch(self.(*Time).t) })
	k.def("to_r", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		v := self.(*Time).t
		r := new(big.Rat).SetFrac(big.NewInt(int64(v.Nanosecond())), big.NewInt(1e9))
		return &Rational{r.Add(r, new(big.Rat).SetInt64(v.Unix()))}
	})
	k.def("subsec", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		n := self.(*Time).t.Nanosecond()
		if n == 0 {
			return integer(0)
		}
		return &Rational{big.NewRat(int64(n), 1e9)}
	})
	k.def("to_a", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		v := self.(*Time).t
		i := func(n int) Value { return integer(int64(n)) }
		name, _ := v.Zone()
		return array(i(v.Second()), i(v.Minute()), i(v.Hour()), i(v.Day()), i(int(v.Month())), i(v.Year()), i(int(v.Weekday())), i(v.YearDay()), v.IsDST(), strValue(name))
	})
	k.def("dst?", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return self.(*Time).t.IsDST() })
	k.alias("dst?", "isdst")
}

// epoch returns the seconds since 1970 as the nearest float.
func epoch(v time.Time) float64 {
	r := new(big.Rat).SetFrac(big.NewInt(int64(v.Nanosecond())), big.NewInt(1e9))
	f, _ := r.Add(r, new(big.Rat).SetInt64(v.Unix())).Float64()
	return f
}

// shiftTime adds seconds.
func (t *Interp) shiftTime(v time.Time, by Value, sign int64) time.Time {
	sec, nsec := t.seconds(by)
	if sec > 1<<40 || sec < -(1<<40) {
		t.raise(t.core.rangeError, "time out of range")
	}
	// Adding through the Unix time keeps times far away exact.
	n := int64(v.Nanosecond()) + sign*nsec
	return time.Unix(v.Unix()+sign*sec, n).In(v.Location())
}

func timeArithmetic(k *Class) {
	k.def("+", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if _, ok := a[0].(*Time); ok {
			return t.typeError("time + time?")
		}
		v := self.(*Time)
		return &Time{t.shiftTime(v.t, a[0], 1), v.kind}
	})
	k.def("-", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		v := self.(*Time)
		if o, ok := a[0].(*Time); ok {
			return difference(v.t, o.t)
		}
		return &Time{t.shiftTime(v.t, a[0], -1), v.kind}
	})
	k.def("<=>", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if o, ok := a[0].(*Time); ok {
			return integer(int64(self.(*Time).t.Compare(o.t)))
		}
		return nil
	})
	k.def("==", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		o, ok := a[0].(*Time)
		return ok && self.(*Time).t.Equal(o.t)
	})
	k.def("eql?", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		o, ok := a[0].(*Time)
		return ok && self.(*Time).t.Equal(o.t)
	})
	k.def("hash", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return integer(self.(*Time).t.UnixNano()) })
	k.defn("round", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		v := self.(*Time)
		return &Time{v.t.Round(t.digitUnit(a)), v.kind}
	})
	k.defn("floor", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		v := self.(*Time)
		return &Time{v.t.Truncate(t.digitUnit(a)), v.kind}
	})
}

func (t *Interp) digitUnit(a []Value) time.Duration {
	unit := time.Second
	if len(a) > 0 {
		for n := t.int(a[0]); n > 0 && unit > 1; n-- {
			unit /= 10
		}
	}
	return unit
}

// difference returns the seconds between two times.
func difference(x, y time.Time) Value {
	r := new(big.Rat).SetFrac(big.NewInt(int64(x.Nanosecond()-y.Nanosecond())), big.NewInt(1e9))
	f, _ := r.Add(r, new(big.Rat).SetInt64(x.Unix()-y.Unix())).Float64()
	return f
}

func timeTexts(k *Class) {
	k.def("to_s", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return strValue(timeText(self.(*Time).t)) })
	k.def("inspect", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		v := self.(*Time).t
		s := timeText(v)
		if n := v.Nanosecond(); n > 0 {
			frac := strings.TrimRight(v.Format(".000000000"), "0")
			s = s[:19] + frac + s[19:]
		}
		return strValue(s)
	})
	k.def("ctime", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return strValue(self.(*Time).t.Format("Mon Jan _2 15:04:05 2006"))
	})
	k.alias("ctime", "asctime")
	k.def("strftime", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		v := self.(*Time)
		f := text.Strftime
		if v.kind == dateKind || v.kind == dateTimeKind {
			f = text.DateStrftime
		}
		s, err := f(v.t, t.text(a[0]))
		t.check(err)
		return strValue(s)
	})
	k.defn("iso8601", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		digits := int64(0)
		if len(a) > 0 {
			digits = t.int(a[0])
		}
		v := self.(*Time)
		if v.kind == dateTimeKind {
			return strValue(text.FormatDateTimeISO8601(v.t, int(digits)))
		}
		return strValue(text.FormatISO8601(v.t, int(digits)))
	})
	k.alias("iso8601", "xmlschema")
	k.def("rfc2822", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return strValue(text.FormatRFC2822(self.(*Time).t))
	})
	k.alias("rfc2822", "rfc822")
	k.def("httpdate", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return strValue(text.FormatHTTPDate(self.(*Time).t.UTC()))
	})
}

func timeText(v time.Time) string {
	if v.Location() == time.UTC {
		return v.Format("2006-01-02 15:04:05") + " UTC"
	}
	return v.Format("2006-01-02 15:04:05 -0700")
}

func timeZones(k *Class) {
	in := func(name string, change bool, loc *time.Location) {
		k.defn(name, 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
			l := loc
			if len(a) > 0 {
				l = t.zoneArg(a[0])
			}
			v := self.(*Time)
			if change {
				v.t = v.t.In(l)
				return v
			}
			return &Time{v.t.In(l), v.kind}
		})
	}
	in("utc", true, time.UTC)
	in("gmtime", true, time.UTC)
	in("getutc", false, time.UTC)
	in("getgm", false, time.UTC)
	in("localtime", true, time.Local)
	in("getlocal", false, time.Local)
	k.def("utc?", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return self.(*Time).t.Location() == time.UTC })
	k.alias("utc?", "gmt?")
	k.def("zone", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		name, _ := self.(*Time).t.Zone()
		if name == "" {
			return nil
		}
		return strValue(name)
	})
	k.def("to_time", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return &Time{t: self.(*Time).t} })
	k.def("to_datetime", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return &Time{self.(*Time).t, dateTimeKind} })
	k.def("to_date", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		v := self.(*Time).t
		return &Time{time.Date(v.Year(), v.Month(), v.Day(), 0, 0, 0, 0, time.UTC), dateKind}
	})
}

// timestampText is what LogStash::Timestamp#to_s returns.
func timestampText(v time.Time) string { return string(joda.AppendTimestamp(nil, v)) }

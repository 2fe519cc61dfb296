package ruby

import (
	"fmt"
	"math/big"
	"time"

	"millrace/internal/ruby/text"
)

// dateMethods fills Date and DateTime.
func dateMethods(c *core) {
	c.date = c.define("Date", c.object)
	c.date.includes = []*Class{c.comparable}
	c.dateTime = c.define("DateTime", c.date)
	c.dateError = c.defineIn(c.date, "Error", c.argumentError)
	d := c.date
	d.alloc = nil
	for _, name := range []string{
		"year", "month", "mon", "day", "mday", "wday", "yday", "<=>", "==", "eql?", "hash", "strftime", "to_time", "to_date", "to_datetime", "rfc2822", "httpdate",
		"sunday?", "monday?", "tuesday?", "wednesday?", "thursday?", "friday?", "saturday?",
	} {
		m := *c.time.methods[name]
		d.methods[name] = &m
	}
	d.consts["MONTHNAMES"] = names("", "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December")
	d.consts["ABBR_MONTHNAMES"] = names("", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
	d.consts["DAYNAMES"] = names("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
	d.consts["ABBR_DAYNAMES"] = names("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")
	dateConstructors(d)
	dateArithmetic(d)
	d.def("to_s", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return strValue(self.(*Time).t.Format("2006-01-02"))
	})
	d.alias("to_s", "iso8601", "xmlschema")
	d.def("inspect", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		v := self.(*Time).t
		return strValue("#<Date: " + v.Format("2006-01-02") + " ((" + itoa(int(days(v)+julianEpoch)) + "j,0s,0n),+0s,2299161j)>")
	})
	d.def("cwday", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return integer(int64((self.(*Time).t.Weekday()+6)%7) + 1)
	})
	d.def("cweek", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		_, w := self.(*Time).t.ISOWeek()
		return integer(int64(w))
	})
	d.def("cwyear", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		y, _ := self.(*Time).t.ISOWeek()
		return integer(int64(y))
	})
	d.def("jd", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return integer(days(self.(*Time).t) + julianEpoch)
	})
	d.def("leap?", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return leap(self.(*Time).t.Year()) })
	dateTimeMethods(c)
}

func names(list ...string) *Array {
	a := &Array{frozen: true}
	for _, n := range list {
		if n == "" {
			a.v = append(a.v, nil)
			continue
		}
		a.v = append(a.v, &String{s: n, frozen: true})
	}
	return a
}

// julianEpoch is the Julian day of 1970-01-01.
const julianEpoch = 2440588

func leap(y int) bool { return y%4 == 0 && (y%100 != 0 || y%400 == 0) }

// days returns the days since 1970 of a time's date.
func days(v time.Time) int64 {
	return floorDiv(time.Date(v.Year(), v.Month(), v.Day(), 0, 0, 0, 0, time.UTC).Unix(), 86400)
}

func (t *Interp) today() time.Time { return t.now().Local() }

func (t *Interp) dateOf(v time.Time) Value {
	return &Time{time.Date(v.Year(), v.Month(), v.Day(), 0, 0, 0, 0, time.UTC), dateKind}
}

func (t *Interp) invalidDate() Value { return t.raise(t.core.dateError, "invalid date") }

// checkedDate makes a date; a negative day counts from the end of the month.
func (t *Interp) checkedDate(a []Value) time.Time {
	n := []int64{-4712, 1, 1}
	for i := range min(3, len(a)) {
		n[i] = t.int(a[i])
	}
	if n[1] < 0 {
		n[1] += 13
	}
	if n[2] < 0 {
		n[2] = int64(time.Date(int(n[0]), time.Month(n[1])+1, 0, 0, 0, 0, 0, time.UTC).Day()) + n[2] + 1
	}
	v := time.Date(int(n[0]), time.Month(n[1]), int(n[2]), 0, 0, 0, 0, time.UTC)
	if n[1] < 1 || n[1] > 12 || n[2] < 1 || v.Day() != int(n[2]) {
		t.invalidDate()
	}
	return v
}

func dateConstructors(d *Class) {
	d.sdef("today", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.dateOf(t.today()) })
	d.sdef("new", 0, 4, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.dateOf(t.checkedDate(a)) })
	d.meta.alias("new", "civil")
	d.sdef("valid_date?", 3, 4, func(t *Interp, self Value, a []Value, b *Proc) Value {
		_, exc := t.protect(func() Value { t.checkedDate(a); return nil })
		return exc == nil
	})
	d.meta.alias("valid_date?", "valid_civil?")
	d.sdef("leap?", 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return leap(int(t.int(a[0]))) })
	d.sdef("parse", 0, 3, func(t *Interp, self Value, a []Value, b *Proc) Value {
		v, err := text.ParseDate(t.text(positional(a)[0]), t.today())
		t.check(err)
		return t.dateOf(v)
	}).kw = true
	d.meta.alias("parse", "iso8601")
	d.sdef("strptime", 1, 3, func(t *Interp, self Value, a []Value, b *Proc) Value {
		format := "%F"
		if len(a) > 1 {
			format = t.text(a[1])
		}
		v, err := text.StrptimeDate(t.text(a[0]), format, t.today())
		t.check(err)
		return t.dateOf(v)
	})
}

func dateArithmetic(d *Class) {
	shift := func(t *Interp, v *Time, by Value, sign int64) Value {
		r := ratOf(by)
		sec, nsec := splitRat(new(big.Rat).Mul(r, big.NewRat(86400*sign, 1)))
		if v.kind == dateKind {
			return t.dateOf(v.t.AddDate(0, 0, int(sign*t.int(by))))
		}
		return &Time{time.Unix(v.t.Unix()+sec, int64(v.t.Nanosecond())+nsec).In(v.t.Location()), v.kind}
	}
	number := func(t *Interp, v Value) {
		if !t.isNumber(v) {
			t.typeError("expected numeric")
		}
	}
	d.def("+", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		number(t, a[0])
		return shift(t, self.(*Time), a[0], 1)
	})
	d.def("-", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		v := self.(*Time)
		if o, ok := a[0].(*Time); ok {
			r := new(big.Rat).SetFrac(big.NewInt(int64(v.t.Nanosecond()-o.t.Nanosecond())), big.NewInt(1e9))
			r.Add(r, new(big.Rat).SetInt64(v.t.Unix()-o.t.Unix()))
			return &Rational{r.Quo(r, big.NewRat(86400, 1))}
		}
		number(t, a[0])
		return shift(t, v, a[0], -1)
	})
	months := func(name string, sign int64) {
		f := func(unit int64) builtin {
			return func(t *Interp, self Value, a []Value, b *Proc) Value {
				n := int64(1)
				if len(a) > 0 {
					n = t.int(a[0])
				}
				v := self.(*Time)
				return &Time{addMonths(v.t, int(sign*unit*n)), v.kind}
			}
		}
		d.defn(name+"_month", 0, 1, f(1))
		d.defn(name+"_year", 0, 1, f(12))
	}
	months("next", 1)
	months("prev", -1)
	d.def(">>", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		v := self.(*Time)
		return &Time{addMonths(v.t, int(t.int(a[0]))), v.kind}
	})
	d.def("<<", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		v := self.(*Time)
		return &Time{addMonths(v.t, -int(t.int(a[0]))), v.kind}
	})
	d.defn("next_day", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return shift(t, self.(*Time), one(a), 1) })
	d.defn("prev_day", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return shift(t, self.(*Time), one(a), -1) })
	d.def("succ", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return shift(t, self.(*Time), integer(1), 1) })
	d.alias("succ", "next")
	each := func(name string, up bool) {
		d.each(name, 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
			for v := self; (t.order(v, a[0]) <= 0) == up || t.order(v, a[0]) == 0; {
				t.yield(b, v)
				if up {
					v = shift(t, v.(*Time), integer(1), 1)
				} else {
					v = shift(t, v.(*Time), integer(1), -1)
				}
			}
			return self
		})
	}
	each("upto", true)
	each("downto", false)
}

func one(a []Value) Value {
	if len(a) > 0 {
		return a[0]
	}
	return integer(1)
}

// addMonths adds months; a day that the month does not have becomes its last.
func addMonths(v time.Time, n int) time.Time {
	first := time.Date(v.Year(), v.Month()+time.Month(n), 1, v.Hour(), v.Minute(), v.Second(), v.Nanosecond(), v.Location())
	last := first.AddDate(0, 1, -1).Day()
	return first.AddDate(0, 0, min(v.Day(), last)-1)
}

func dateTimeMethods(c *core) {
	k := c.dateTime
	for _, name := range []string{"hour", "min", "minute", "sec", "second", "iso8601", "xmlschema", "to_date"} {
		m := *c.time.methods[name]
		k.methods[name] = &m
	}
	k.def("to_s", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return strValue(text.FormatDateTimeISO8601(self.(*Time).t, 0))
	})
	k.def("inspect", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		v := self.(*Time).t
		_, off := v.Zone()
		u := v.UTC()
		at := itoa(int(days(u)+julianEpoch)) + "j," + itoa(int(floorMod(u.Unix(), 86400))) + "s," + itoa(v.Nanosecond()) + "n)"
		return strValue(fmt.Sprintf("#<DateTime: %s ((%s,%+ds,2299161j)>", text.FormatDateTimeISO8601(v, 0), at, off))
	})
	k.def("zone", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return strValue(self.(*Time).t.Format("-07:00"))
	})
	k.def("offset", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		_, off := self.(*Time).t.Zone()
		return &Rational{big.NewRat(int64(off), 86400)}
	})
	k.def("sec_fraction", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return &Rational{big.NewRat(int64(self.(*Time).t.Nanosecond()), 1e9)}
	})
	k.defn("new_offset", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		loc := time.UTC
		if len(a) > 0 {
			if s, ok := a[0].(*String); ok {
				loc = t.zoneArg(s)
			} else if t.isNumber(a[0]) {
				f, _ := ratOf(a[0]).Float64()
				loc = time.FixedZone("", int(f*86400))
			}
		}
		return &Time{self.(*Time).t.In(loc), dateTimeKind}
	})
	k.sdef("now", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return &Time{t.today(), dateTimeKind} })
	k.sdef("new", 0, 8, func(t *Interp, self Value, a []Value, b *Proc) Value {
		v := t.checkedDate(a)
		loc := time.UTC
		if len(a) > 6 {
			if s, ok := a[6].(*String); ok {
				loc = t.zoneArg(s)
			} else {
				f, _ := ratOf(a[6]).Float64()
				loc = time.FixedZone("", int(f*86400))
			}
		}
		rest := a[min(3, len(a)):min(6, len(a))]
		at := t.civil(append([]Value{integer(int64(v.Year())), integer(int64(v.Month())), integer(int64(v.Day()))}, rest...), loc)
		return &Time{at, dateTimeKind}
	})
	k.meta.alias("new", "civil")
	k.sdef("parse", 1, 3, func(t *Interp, self Value, a []Value, b *Proc) Value {
		v, err := text.ParseDateTime(t.text(a[0]), t.today())
		t.check(err)
		return &Time{v, dateTimeKind}
	})
	k.meta.alias("parse", "iso8601", "rfc3339", "xmlschema")
	k.sdef("strptime", 1, 3, func(t *Interp, self Value, a []Value, b *Proc) Value {
		format := "%FT%T%z"
		if len(a) > 1 {
			format = t.text(a[1])
		}
		v, err := text.StrptimeDateTime(t.text(a[0]), format, t.today())
		t.check(err)
		return &Time{v, dateTimeKind}
	})
}

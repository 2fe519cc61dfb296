package text

import (
	"math/bits"
	"time"
)

func invalidDate() error { return &Error{"Date::Error", "invalid date"} }

// ParseDateTime is DateTime.parse(s). today completes what s leaves out.
func ParseDateTime(s string, today time.Time) (time.Time, error) {
	p, err := DateParse(s, true)
	if err != nil {
		return time.Time{}, err
	}
	return p.dateTime(today)
}

// ParseDate is Date.parse(s): midnight UTC of the day.
func ParseDate(s string, today time.Time) (time.Time, error) {
	p, err := DateParse(s, true)
	if err != nil {
		return time.Time{}, err
	}
	return p.date(today)
}

// StrptimeDateTime is DateTime.strptime(s, format).
func StrptimeDateTime(s, format string, today time.Time) (time.Time, error) {
	p, ok := DateStrptime(s, format)
	if !ok {
		return time.Time{}, invalidDate()
	}
	return p.dateTime(today)
}

// StrptimeDate is Date.strptime(s, format): midnight UTC of the day.
func StrptimeDate(s, format string, today time.Time) (time.Time, error) {
	p, ok := DateStrptime(s, format)
	if !ok {
		return time.Time{}, invalidDate()
	}
	return p.date(today)
}

func (p *DateParts) date(today time.Time) (time.Time, error) {
	q := *p
	q.useSeconds()
	return q.day(today, false)
}

func (p *DateParts) dateTime(today time.Time) (time.Time, error) {
	q := *p
	q.useSeconds()
	d, err := q.day(today, true)
	if err != nil {
		return d, err
	}
	sec := q.Sec
	if whole := q.Has&(HasYear|HasMon|HasMday|HasYday) == HasYear|HasMon|HasMday; sec == 60 || !whole {
		sec = min(sec, 59) // dates have no leap seconds, and Ruby is lax where it completes them
	}
	if sec > 59 || q.Hour > 24 || q.Min > 59 || q.Hour == 24 && (q.Min > 0 || sec > 0) {
		return d, invalidDate()
	}
	offset := int(q.Offset)
	if offset < -86400 || offset > 86400 {
		offset = 0 // Ruby warns
	}
	return time.Date(d.Year(), d.Month(), d.Day(), int(q.Hour), int(q.Min), int(sec), int(q.Nsec), dateZone(offset)), nil
}

func dateZone(offset int) *time.Location {
	if offset == 0 {
		return time.UTC
	}
	return time.FixedZone("", offset)
}

// useSeconds replaces seconds since 1970 by the day and time in the zone that was given.
func (p *DateParts) useSeconds() {
	if !p.has(HasSeconds) || p.Has&(HasYear|HasMon|HasMday|HasYday) == HasYear|HasMon|HasMday {
		return
	}
	t := time.Unix(p.Seconds, p.SecondsNsec).UTC()
	if p.has(HasOffset) {
		t = t.Add(time.Duration(p.Offset) * time.Second)
	}
	p.Has &= HasOffset | HasZone | HasFraction
	p.set(HasYear, int64(t.Year()))
	p.set(HasMon, int64(t.Month()))
	p.set(HasMday, int64(t.Day()))
	p.set(HasHour, int64(t.Hour()))
	p.set(HasMin, int64(t.Minute()))
	p.set(HasSec, int64(t.Second()))
	p.set(HasFraction, int64(t.Nanosecond())) // whatever %N read
}

const clockFields = HasHour | HasMin | HasSec

// dateForm is a way to name a day.
type dateForm uint8

const (
	formTime dateForm = iota
	formOrdinal
	formCivil
	formWeek
	formWday
	formWnum0
	formWnum1
	formWeekWday
	formWnum0Cwday
	formWnum1Cwday
)

func (f dateForm) fields() DateField {
	switch f {
	case formTime:
		return clockFields
	case formOrdinal:
		return HasYear | HasYday | clockFields
	case formCivil:
		return HasYear | HasMon | HasMday | clockFields
	case formWeek:
		return HasCwyear | HasCweek | HasCwday | clockFields
	case formWday:
		return HasWday | clockFields
	case formWnum0:
		return HasYear | HasWnum0 | HasWday | clockFields
	case formWnum1:
		return HasYear | HasWnum1 | HasWday | clockFields
	case formWeekWday:
		return HasCwyear | HasCweek | HasWday | clockFields
	case formWnum0Cwday:
		return HasYear | HasWnum0 | HasCwday | clockFields
	}
	return HasYear | HasWnum1 | HasCwday | clockFields
}

// day finds the day that the fields name: the form that most of them belong to decides. withTime allows none but a time, for today.
func (p *DateParts) day(today time.Time, withTime bool) (time.Time, error) {
	best, most := formTime, 0
	for f := formTime; f <= formWnum1Cwday; f++ {
		if n := bits.OnesCount32(uint32(p.Has & f.fields())); n > most {
			best, most = f, n
		}
	}
	if most == 0 {
		return time.Time{}, invalidDate()
	}
	year := int64(today.Year())
	if p.has(HasYear) {
		year = p.Year
	}
	wday := p.Wday
	if !p.has(HasWday) && p.has(HasCwday) {
		wday = p.Cwday % 7
	}
	switch best {
	case formTime:
		if !withTime {
			return time.Time{}, invalidDate()
		}
		return midnight(int64(today.Year()), int64(today.Month()), int64(today.Day())), nil
	case formOrdinal:
		return p.ordinal(year)
	case formCivil:
		if p.has(HasYday) { // which counts first, once the year is known
			return p.ordinal(year)
		}
		return p.civil(today)
	case formWeek:
		return p.week(today)
	case formWday:
		if p.Has&clockFields == clockFields {
			return time.Time{}, invalidDate() // Ruby completes only what lacks a part
		}
		d := midnight(int64(today.Year()), int64(today.Month()), int64(today.Day()))
		return d.AddDate(0, 0, int(p.Wday)-int(d.Weekday())), nil
	case formWeekWday, formWnum0Cwday, formWnum1Cwday:
		return p.mixedWeek(best, today)
	case formWnum0:
		return weekDay(year, p.Wnum0, wday, time.Sunday)
	}
	if !p.has(HasWday) && !p.has(HasCwday) {
		wday = 1
	}
	return weekDay(year, p.Wnum1, wday, time.Monday)
}

func midnight(year, month, day int64) time.Time {
	return time.Date(int(year), time.Month(month), int(day), 0, 0, 0, 0, time.UTC)
}

// mixedWeek is for the forms that Ruby does not complete.
func (p *DateParts) mixedWeek(f dateForm, today time.Time) (time.Time, error) {
	if need := f.fields() &^ clockFields; p.Has&need != need {
		return time.Time{}, invalidDate()
	}
	switch f {
	case formWeekWday:
		return p.week(today)
	case formWnum0Cwday:
		return weekDay(p.Year, p.Wnum0, p.Cwday%7, time.Sunday)
	}
	return weekDay(p.Year, p.Wnum1, p.Cwday%7, time.Monday)
}

func (p *DateParts) ordinal(year int64) (time.Time, error) {
	yday := int64(1)
	if p.has(HasYday) {
		yday = p.Yday
	}
	d := midnight(year, 1, yday)
	if yday < 1 || int64(d.Year()) != year {
		return d, invalidDate()
	}
	return d, nil
}

// civil completes fields before the first that is there from today, and the ones behind it by the first of the month or year.
func (p *DateParts) civil(today time.Time) (time.Time, error) {
	year, month, day := int64(today.Year()), int64(today.Month()), int64(1)
	found := p.has(HasYear)
	if found {
		year, month = p.Year, 1
	}
	if p.has(HasMon) {
		month, found = p.Mon, true
	}
	switch {
	case p.has(HasMday):
		day = p.Mday
	case !found:
		day = int64(today.Day())
	}
	d := midnight(year, month, day)
	if month < 1 || month > 12 || day < 1 || int64(d.Month()) != month || int64(d.Day()) != day {
		return d, invalidDate()
	}
	return d, nil
}

func (p *DateParts) week(today time.Time) (time.Time, error) {
	y, w := today.ISOWeek()
	year, week, day := int64(y), int64(w), int64(1)
	if p.has(HasCwyear) {
		year, week = p.Cwyear, 1
	}
	if p.has(HasCweek) {
		week = p.Cweek
	}
	switch {
	case p.has(HasCwday):
		day = p.Cwday
	case p.has(HasWday):
		if day = p.Wday; day == 0 {
			day = 7
		}
	}
	fourth := midnight(year, 1, 4) // always in the first week
	monday := fourth.AddDate(0, 0, -int(fourth.Weekday()+6)%7)
	d := monday.AddDate(0, 0, int(7*(week-1)+day-1))
	if y, w := d.ISOWeek(); int64(y) != year || int64(w) != week || day < 1 || day > 7 {
		return d, invalidDate()
	}
	return d, nil
}

// weekDay finds a day by the number of its week, as %U or %W count.
func weekDay(year, week, wday int64, first time.Weekday) (time.Time, error) {
	newYear := midnight(year, 1, 1)
	start := newYear.AddDate(0, 0, -int(newYear.Weekday()-first+7)%7) // of the week with the new year
	if newYear.Weekday() == first {
		start = start.AddDate(0, 0, -7) // which is the first, then
	}
	d := start.AddDate(0, 0, int(7*week)+int(wday-int64(first)+7)%7)
	if int64(d.Year()) != year {
		return d, invalidDate()
	}
	return d, nil
}

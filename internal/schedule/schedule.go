// Package schedule tells when inputs that ask for something do so: by cron lines and times as the scheduler of Logstash, rufus-scheduler,
// reads them.
package schedule

import (
	"context"
	"errors"
	"fmt"
	"time"

	"millrace/pipeline/config"
)

// Schedule tells when something is to be done. The zero Schedule is never.
type Schedule struct {
	cron  *cron
	every time.Duration
	late  bool          // every begins after the first such time, not at once
	pause time.Duration // between the end of one run and the beginning of the next; also before the first
	in    *time.Duration
	at    time.Time
}

// Cron reads a line of five fields (minute, hour, day of the month, month, day of the week), of six with the second before them, or @hourly,
// @daily, @weekly, @monthly, @yearly, with a time zone behind them.
func Cron(line string) (Schedule, error) {
	c, err := parseCron(line)
	return Schedule{cron: c}, err
}

// Every returns the schedule that begins at once and goes on after every d.
func Every(d time.Duration) Schedule { return Schedule{every: d} }

// Period reads the time between the beginnings of two runs, of which the first is over before the first run.
func Period(text string) (Schedule, error) {
	d, err := positive(text)
	return Schedule{every: d, late: true}, err
}

// Interval reads the time between the end of one run and the beginning of the next, which passes before the first run, too.
func Interval(text string) (Schedule, error) {
	d, err := positive(text)
	return Schedule{pause: d}, err
}

func positive(text string) (time.Duration, error) {
	d, err := Duration(text)
	if err == nil && d <= 0 {
		err = errors.New("the time between two runs must be longer than nothing")
	}
	return d, err
}

// IsZero reports whether there is nothing to do, ever.
func (s *Schedule) IsZero() bool { return *s == Schedule{} }

// UnmarshalOption reads a hash of one entry: cron, every, at or in.
func (s *Schedule) UnmarshalOption(v config.Value) (err error) {
	if v.Type != config.TypeHash || len(v.Hash) != 1 {
		return errors.New("the schedule must be a hash of exactly one of cron, every, at and in")
	}
	text := v.Hash[0].Value.Text()
	switch v.Hash[0].Key {
	case "cron":
		*s, err = Cron(text)
	case "every":
		*s = Schedule{}
		s.every, err = positive(text)
	case "in":
		var d time.Duration
		d, err = Duration(text)
		*s = Schedule{in: &d}
	case "at":
		*s = Schedule{}
		s.at, err = instant(text)
	default:
		err = fmt.Errorf("unknown key %q: the schedule must be a hash of exactly one of cron, every, at and in", v.Hash[0].Key)
	}
	return err
}

// OptionType names the type for descriptions.
func (Schedule) OptionType() string { return "hash" }

// first returns the first time, for what begins now.
func (s *Schedule) first(now time.Time) time.Time {
	switch {
	case s.cron != nil:
		return s.cron.next(now)
	case s.every > 0 && s.late:
		return now.Add(s.every)
	case s.every > 0:
		return now
	case s.pause > 0:
		return now.Add(s.pause)
	case s.in != nil:
		return now.Add(*s.in)
	}
	return s.at
}

// next returns the time after last that is not over yet, the zero Time if there is none: what could not be done in time is left out, so that
// slow work is not followed by a heap of it.
func (s *Schedule) next(last, now time.Time) time.Time {
	switch {
	case s.cron != nil:
		return s.cron.next(now)
	case s.every > 0:
		return last.Add((now.Sub(last)/s.every + 1) * s.every)
	case s.pause > 0:
		return now.Add(s.pause)
	}
	return time.Time{}
}

// RunUntil is Run for what may end it: it returns the first error of do, nil when ctx ended.
func (s *Schedule) RunUntil(ctx context.Context, do func(context.Context) error) error {
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s.Run(inner, func() {
		if err := do(inner); err != nil {
			cancel(err)
		}
	})
	if ctx.Err() != nil {
		return nil
	}
	return context.Cause(inner)
}

// Run calls do at the times of the schedule, one after the other, until ctx ends.
func (s *Schedule) Run(ctx context.Context, do func()) {
	for at := s.first(time.Now()); !at.IsZero(); at = s.next(at, time.Now()) {
		timer := time.NewTimer(time.Until(at))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
		if do(); ctx.Err() != nil {
			return
		}
	}
	<-ctx.Done()
}

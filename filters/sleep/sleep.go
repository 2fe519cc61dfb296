// Package sleep slows events down.
package sleep

import (
	"context"
	"errors"
	"math"
	"strconv"
	"sync"
	"time"

	"millrace/filters/internal/ruby"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the filter.
var Plugin = plugin.DefineFilter("sleep", Options{Every: "1"}, New, plugin.Borrowing())

// Options configures the filter.
type Options struct {
	// Seconds to sleep. A reference takes them from the event: "%{delay}". With replay it is the speed instead: 2 is twice as fast.
	Time event.Template `opt:"time"`

	// Sleep at every so many events.
	Every string `opt:"every"`

	// Sleep as long as the timestamps of two events are apart.
	Replay bool `opt:"replay"`
}

type filter struct {
	o     Options
	every int

	mu    sync.Mutex // held over no sleep
	count int
	last  time.Time // @timestamp of the event before
	done  <-chan struct{}
}

// New checks the options.
func New(o Options, env *plugin.Env) (plugin.Filter, error) {
	f := &filter{o: o}
	if o.Time.String() == "" {
		if !o.Replay {
			return nil, plugin.OptionError("time", errors.New("the option time is required without replay"))
		}
		f.o.Time = event.ParseTemplate("1")
	}
	if o.Time.Err() != nil {
		env.Warn("time", "no event will sleep: %v", o.Time.Err())
	}
	n, err := strconv.Atoi(o.Every)
	if err != nil || n < 1 {
		return nil, plugin.OptionError("every", errors.New("every must be a whole number from 1"))
	}
	f.every = n
	return f, nil
}

// Start lets the end of the program end every sleep.
func (f *filter) Start(ctx context.Context) error {
	f.done = ctx.Done()
	return nil
}

// Filter sleeps.
func (f *filter) Filter(e *event.Event) bool {
	d := f.duration(e)
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-f.done:
	}
	return true
}

// duration returns how long to sleep for e.
func (f *filter) duration(e *event.Event) time.Duration {
	text, err := f.o.Time.Text(e)
	if err != nil {
		return 0
	}
	number := ruby.Float([]byte(text))
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.o.Replay {
		ts, ok := e.Timestamp()
		if !ok {
			return 0
		}
		last := f.last
		f.last = ts
		if last.IsZero() {
			return 0
		}
		return seconds(ts.Sub(last).Seconds() / number)
	}
	if f.count++; f.count < f.every {
		return 0
	}
	f.count = 0
	return seconds(number)
}

// maxSleep bounds one sleep, so that a number in an event cannot stop a worker for good.
const maxSleep = 24 * time.Hour

func seconds(s float64) time.Duration {
	if math.IsNaN(s) || s <= 0 {
		return 0
	}
	return time.Duration(min(s, maxSleep.Seconds()) * float64(time.Second))
}

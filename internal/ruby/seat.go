package ruby

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"
)

// seat is for whom an Interp runs code.
type seat struct {
	self *Object // what code at the top is called on
	top  *Class  // whose class variables code at the top sees
	stop *atomic.Bool
	ctx  context.Context // ends with stop
	end  context.CancelFunc
	log  *slog.Logger
	now  func() time.Time
}

func newSeat(c Config) seat {
	s := seat{stop: new(atomic.Bool), log: c.Log, now: c.Now}
	s.ctx, s.end = context.WithCancel(context.Background())
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.now == nil {
		s.now = time.Now
	}
	return s
}

// Stop makes code that runs end with an error at its next turn of a loop. It may be called by any goroutine, unless [Interp.Enter] is used: then the code of one
// host is stopped by [Host.Stop].
func (t *Interp) Stop() { t.seat.halt() }

func (s *seat) halt() {
	s.stop.Store(true)
	s.end()
}

// Host is one of several for whom an Interp runs code in turn. Each has an object of its own that code at the top is called on, with its own methods and instance
// variables; global variables and constants are common to all, class variables to those whose class has one name.
type Host struct{ seat seat }

// NewHost makes a host; code is run for it after [Interp.Enter].
func (t *Interp) NewHost(c Config) *Host {
	base := t.bases[c.Plugin]
	if base == nil {
		base = t.newClass(c.Plugin, t.core.object)
		if t.bases == nil {
			t.bases = make(map[string]*Class)
		}
		t.bases[c.Plugin] = base
	}
	h := &Host{newSeat(c)}
	h.seat.top = base
	h.seat.self = t.object(t.newClass(c.Plugin, base))
	return h
}

// Enter says for whom what follows is run.
func (t *Interp) Enter(h *Host) { t.seat = h.seat }

// Stop makes the host's code end as [Interp.Stop] does. It may be called by any goroutine.
func (h *Host) Stop() { h.seat.halt() }

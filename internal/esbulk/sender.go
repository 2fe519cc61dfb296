package esbulk

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"
)

// Times of the sender. A body that is not full waits for the answer to a request that is in flight (Nagle's rule), but no longer than
// linger, and for gap after the last request. An idle pipeline thus has no delay, and a busy one full bodies: a million events a second fill
// 400 KiB in a gap. Only a server that answers in less than a gap gets more requests for a shorter one, a thousand a second at most.
const (
	linger     = 50 * time.Millisecond
	gap        = time.Millisecond
	firstTrial = 250 * time.Millisecond
	trialEvery = time.Second
	// smallTurn is what is copied behind other turns; a larger turn becomes part of a body as it is.
	smallTurn = 32 << 10
	bufferCap = 64 << 10
)

// Sender collects what workers flush and delivers it.
type Sender struct {
	cfg    Config
	ctx    context.Context // of all requests; ends when Close gives up
	cancel context.CancelFunc
	wg     sync.WaitGroup // of goroutines

	mu      sync.Mutex // guards what follows
	started bool
	ready   bool // prepared
	closing bool
	stopped bool

	queue      []*Buffer // flushed and never sent
	queued     int       // bytes
	queueSince time.Time // the oldest of the queue came then or later

	held    int
	waiting int           // flushes that wait for room
	room    chan struct{} // closed and replaced when room was made and somebody waits,

	ctl      controller
	flights  int
	lastSent time.Time
	timer    *time.Timer

	parked    parkHeap
	trials    int // in flight
	budget    int // of trials in flight
	pause     time.Duration
	nextTrial time.Time
	fresh     bool // the next trial is of what is new, see trial

	streak  int    // requests that failed since the last that did not
	failing string // why the gate is closed; "" when it is open
	since   time.Time
	lastOK  time.Time // when a request that succeeded was sent

	turnSize  int // of turns, as they came of late
	free      []*Buffer
	freeBytes int
}

// New returns a sender, which does nothing before Start or the first Flush.
func New(cfg Config) *Sender {
	ctx, cancel := context.WithCancel(context.Background())
	s := &Sender{
		cfg: cfg, ctx: ctx, cancel: cancel, room: make(chan struct{}), budget: 1, pause: firstTrial,
		ctl: newController(cfg.MaxRequests, cfg.MaxBody), ready: cfg.Prepare == nil,
	}
	if cfg.Ordered {
		s.ctl.maxLimit, s.ctl.limit = 1, 1
	}
	s.timer = time.AfterFunc(time.Hour, s.tick)
	s.timer.Stop()
	return s
}

// Start begins to prepare the cluster.
func (s *Sender) Start() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.start()
}

func (s *Sender) start() {
	if s.started || s.stopped {
		return
	}
	s.started = true
	if s.cfg.Prepare != nil {
		s.wg.Go(s.prepare)
	}
}

// prepare calls Prepare until it succeeds.
func (s *Sender) prepare() {
	wait := firstTrial
	for {
		err := s.cfg.Prepare(s.ctx)
		if s.ctx.Err() != nil {
			return
		}
		if err == nil {
			break
		}
		s.cfg.Log.Warn("Elasticsearch cannot be used yet; events are held until it can", slog.Any("error", err))
		select {
		case <-time.After(jitter(wait)):
		case <-s.ctx.Done():
			return
		}
		wait = min(2*wait, trialEvery)
	}
	s.mu.Lock()
	s.ready = true
	s.pump()
	s.mu.Unlock()
}

// NewBuffer returns an empty buffer for a worker.
func (s *Sender) NewBuffer() *Buffer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buffer()
}

func (s *Sender) buffer() *Buffer {
	if n := len(s.free); n > 0 {
		b := s.free[n-1]
		s.free = s.free[:n-1]
		s.freeBytes -= cap(b.B)
		return b
	}
	return &Buffer{B: make([]byte, 0, max(bufferCap, min(s.turnSize+s.turnSize/4, startBody*5/4)))}
}

// release takes a buffer back, unless enough are kept.
func (s *Sender) release(b *Buffer) {
	if s.freeBytes+cap(b.B) > s.cfg.MaxHeld/2 || cap(b.B) < bufferCap/2 {
		return
	}
	b.reset()
	s.free = append(s.free, b)
	s.freeBytes += cap(b.B)
}

// Flush takes the operations in b, which are one turn of of, and returns the buffer to use next. It blocks while the sender holds as
// much as it may. of is settled once, when all operations are. An error says that ctx ended; then b was not taken.
func (s *Sender) Flush(ctx context.Context, b *Buffer, of Settler) (*Buffer, error) {
	if b.Len() == 0 {
		of.Settle()
		return b, nil
	}
	size := b.size()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.start()
	for s.full(size) {
		if err := s.waitForRoom(ctx); err != nil {
			return b, err
		}
	}
	if s.stopped {
		return b, context.Canceled
	}
	if s.turnSize -= s.turnSize / 16; size > s.turnSize {
		s.turnSize = size
	}
	b.claim(&turn{of: of})
	s.held += size
	if s.queued == 0 {
		s.queueSince = time.Now()
	}
	s.queued += size
	next := s.enqueue(b)
	if s.flights < s.ctl.requests() {
		s.pump()
	}
	return next, nil
}

// full reports whether a turn of that size has to wait: the bound is reached, or two bodies are waiting already, which more would only make older.
func (s *Sender) full(size int) bool {
	return s.held > 0 && s.held+size > s.cfg.MaxHeld || s.queued >= 2*s.ctl.body
}

// enqueue puts b into the queue and returns the buffer to use next. What is small, or leaves most of its buffer empty, is copied behind what
// waits already, so that the memory in use stays near the bytes that are counted.
func (s *Sender) enqueue(b *Buffer) *Buffer {
	if len(b.B) < smallTurn || 4*len(b.B) <= cap(b.B) {
		if n := len(s.queue); n > 0 && len(s.queue[n-1].B)+len(b.B) <= cap(s.queue[n-1].B) {
			s.queue[n-1].appendAll(b)
			b.reset()
			return b
		}
	}
	next := s.buffer()
	s.queue = append(s.queue, b)
	return next
}

// waitForRoom waits for something to be settled. s.mu is held before and after.
func (s *Sender) waitForRoom(ctx context.Context) error {
	room := s.room
	s.waiting++
	s.mu.Unlock()
	defer s.mu.Lock()
	var err error
	select {
	case <-room:
	case <-ctx.Done():
		err = ctx.Err()
	case <-s.ctx.Done():
		err = s.ctx.Err()
	}
	s.mu.Lock()
	s.waiting--
	s.mu.Unlock()
	return err
}

// unhold tells that n bytes are settled.
func (s *Sender) unhold(n int) {
	s.held -= n
	s.makeRoom()
}

// makeRoom wakes those who wait for room.
func (s *Sender) makeRoom() {
	if s.waiting > 0 {
		close(s.room)
		s.room = make(chan struct{})
	}
}

func (s *Sender) tick() {
	s.mu.Lock()
	s.pump()
	s.mu.Unlock()
}

// pump sends what can be sent now and sees to it that it is called when something can be sent later. s.mu is held.
func (s *Sender) pump() {
	if !s.ready || s.stopped {
		return
	}
	now := time.Now()
	for s.flights < s.ctl.requests() {
		p, wake := s.pick(now)
		if p == nil {
			if !wake.IsZero() {
				s.timer.Reset(max(wake.Sub(now), gap/10))
			}
			return
		}
		s.flights++
		if p.trial {
			s.trials++
		}
		s.lastSent = now
		s.wg.Add(1)
		go s.run(p)
	}
}

// pick chooses what to send next: something that failed and is due, a trial of something that failed, or what is new. Nil: nothing
// before wake (zero: before something else happens).
func (s *Sender) pick(now time.Time) (p *parcel, wake time.Time) {
	soonest := func(t time.Time) {
		if wake.IsZero() || t.Before(wake) {
			wake = t
		}
	}
	if len(s.parked) > 0 || s.failing != "" {
		if s.trials < s.budget {
			if !now.Before(s.nextTrial) {
				if p := s.trial(); p != nil {
					return p, wake
				}
			} else {
				soonest(s.nextTrial)
			}
		}
		if s.failing != "" {
			return nil, wake
		}
		if len(s.parked) > 0 {
			if !now.Before(s.parked[0].due) {
				return s.takeParked(now), wake
			}
			soonest(s.parked[0].due)
		}
	}
	if s.queued == 0 || s.cfg.Ordered && (len(s.parked) > 0 || s.flights > 0) {
		return nil, wake
	}
	if s.queued < s.ctl.body && !s.closing {
		at := s.queueSince.Add(linger)
		if s.flights == 0 {
			at = s.lastSent.Add(gap)
		}
		if now.Before(at) {
			soonest(at)
			return nil, wake
		}
	}
	return s.takeQueued(s.ctl.body, now), wake
}

// trial takes what shows whether a fault is over: what failed first, or a little of what is new. While the gate is closed they take turns:
// the fault may be one of what failed, and must not keep from the cluster what it would take.
func (s *Sender) trial() *parcel {
	var p *parcel
	switch {
	case len(s.parked) > 0 && !(s.fresh && s.failing != "" && s.queued > 0 && s.mayPass()):
		p, s.fresh = s.parked.pop(), true
	case s.queued > 0:
		s.fresh = false
		p = s.takeQueued(s.ctl.minBody, time.Now())
	default:
		return nil
	}
	p.trial = true
	return p
}

// mayPass reports whether what is new may be sent ahead of what is parked. With Ordered it may if that is a single operation for which
// the whole request is refused again and again: something else has to succeed before that can be given up, see fail.
func (s *Sender) mayPass() bool {
	return !s.cfg.Ordered || len(s.parked) == 1 && s.parked[0].invalid >= splitAfter
}

// takeParked takes what is due, several together if they are small.
func (s *Sender) takeParked(now time.Time) *parcel {
	p := s.parked.pop()
	for !p.alone && len(s.parked) > 0 {
		q := s.parked[0]
		if q.alone || now.Before(q.due) || p.bytes+q.bytes > s.ctl.body {
			break
		}
		s.parked.pop()
		p.bufs = append(p.bufs, q.bufs...)
		p.attempts = max(p.attempts, q.attempts)
		if q.since.Before(p.since) {
			p.since = q.since
		}
		p.count()
	}
	return p
}

// takeQueued takes up to about size bytes of what is new, one buffer at least; one that is larger than any body may be is divided.
func (s *Sender) takeQueued(size int, now time.Time) *parcel {
	for b := s.queue[0]; b.size() > max(size, s.ctl.minBody)*3/2 && b.Len() > 1; {
		s.queue = append(s.queue, nil)
		copy(s.queue[1:], s.queue)
		s.queue[1] = b.split(b.Len() / 2)
	}
	n, bytes := 1, s.queue[0].size()
	for n < len(s.queue) && bytes+s.queue[n].size() <= size*5/4 {
		bytes += s.queue[n].size()
		n++
	}
	p := newParcel(append([]*Buffer(nil), s.queue[:n]...)...)
	m := copy(s.queue, s.queue[n:])
	clear(s.queue[m:])
	s.queue = s.queue[:m]
	s.queued -= bytes
	s.queueSince = now
	s.makeRoom()
	return p
}

// jitter returns d, shortened by up to a half at random.
func jitter(d time.Duration) time.Duration { return d - time.Duration(rand.Int64N(int64(d)/2+1)) }

// backoff returns the pause after so many failures.
func (s *Sender) backoff(attempts int) time.Duration {
	d := s.cfg.RetryInitial
	for i := 1; i < attempts && d < s.cfg.RetryMax; i++ {
		d *= 2
	}
	return jitter(min(d, s.cfg.RetryMax))
}

// State returns what the sender does at the moment.
func (s *Sender) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return State{
		InFlight: s.flights, Limit: s.ctl.requests(), Body: s.ctl.body, Held: s.held, Parked: len(s.parked), Blocked: s.waiting > 0,
		Failing: s.failing, Latency: s.ctl.latency,
	}
}

// Close delivers what was flushed, until ctx ends, and stops. What is left stays unsettled; its bytes are returned.
func (s *Sender) Close(ctx context.Context) (left int) {
	s.mu.Lock()
	s.closing = true
	s.pump()
	for s.held > 0 && ctx.Err() == nil {
		_ = s.waitForRoom(ctx)
	}
	s.stopped = true
	left = s.held
	s.timer.Stop()
	s.mu.Unlock()
	s.cancel()
	s.wg.Wait()
	return left
}

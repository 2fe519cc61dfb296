package esbulk

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"time"
)

// scratch is room for one answer.
type scratch struct {
	answer []byte
	items  []Item
}

var scratches = sync.Pool{New: func() any { return &scratch{answer: make([]byte, 0, 16<<10)} }}

// run sends p and sees to what comes of it.
func (s *Sender) run(p *parcel) {
	defer s.wg.Done()
	sc := scratches.Get().(*scratch)
	defer scratches.Put(sc)
	r := &body{bufs: p.bufs}
	start := time.Now()
	a, err := s.cfg.Transport.Bulk(s.ctx, Request{Body: r, Length: p.length(), Ops: p.ops}, sc.answer[:0])
	r.detach()
	took := time.Since(start)
	if cap(a.Body) > cap(sc.answer) && cap(a.Body) <= 1<<20 {
		sc.answer = a.Body
	}
	if s.ctx.Err() != nil {
		return // Close gave up: what is unsettled stays so
	}
	s.cfg.Metrics.Bytes.Add(int64(p.length()))
	if a.Status > 0 && a.Status < len(s.cfg.Metrics.statuses) {
		s.cfg.Metrics.statuses[a.Status].Add(1)
	}
	if a.Status/100 == 2 && allDone(a.Body) { // even if the rest of the answer was lost
		s.cfg.Metrics.Requests.Add(1)
		s.succeed(p, start, took)
		return
	}
	if err == nil && a.Status/100 == 2 {
		if s.itemwise(p, a, sc, start, took) {
			return
		}
		err = errAnswer
	}
	s.cfg.Metrics.Failures.Add(1)
	if err != nil {
		s.cfg.Metrics.Unanswered.Add(1)
	}
	s.fail(p, a, err, took)
}

// succeed settles all of p.
func (s *Sender) succeed(p *parcel, start time.Time, took time.Duration) {
	s.cfg.Delivered.Add(int64(p.ops))
	for _, b := range p.bufs {
		for _, sp := range b.spans {
			sp.t.settle(sp.n)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ctl.answered(p.bytes, took, s.saturated())
	s.landed(p, start, true, true)
	for _, b := range p.bufs {
		s.release(b)
	}
	s.unhold(p.bytes)
	s.pump()
}

// saturated reports whether more waits than the number of requests lets go: what is new, or what failed and may go again.
func (s *Sender) saturated() bool {
	n := s.ctl.requests()
	return s.queued >= s.ctl.body || s.budget > n && len(s.parked) >= n
}

// landed counts p as no longer in flight. open says that the cluster answers requests, so that the gate may open; done says that nothing of p
// has to be sent again, so that more trials may follow.
func (s *Sender) landed(p *parcel, start time.Time, open, done bool) {
	s.flights--
	if open {
		s.streak = 0
		if start.After(s.lastOK) {
			s.lastOK = start
		}
		if s.failing != "" {
			s.cfg.Log.Warn("Elasticsearch takes events again", slog.String("after", time.Since(s.since).Round(time.Millisecond).String()))
			s.failing = ""
		}
		// A Retry-After of earlier is refuted.
		if latest := time.Now().Add(trialEvery); s.nextTrial.After(latest) {
			s.nextTrial = latest
		}
	}
	if !p.trial {
		return
	}
	p.trial = false
	s.trials--
	if done {
		s.budget, s.pause, s.nextTrial = min(2*s.budget, 256), firstTrial, time.Time{}
		return
	}
	s.budget, s.nextTrial = 1, time.Now().Add(jitter(s.pause))
	s.pause = min(2*s.pause, trialEvery)
}

// itemwise judges every operation of p by its own status. It reports false, having done nothing, if the answer does not fit.
func (s *Sender) itemwise(p *parcel, a Answer, sc *scratch, start time.Time, took time.Duration) bool {
	sc.items = sc.items[:0]
	n, err := parseAnswer(a.Body, func(_ int, it Item) { sc.items = append(sc.items, it) })
	defer func() { clear(sc.items) }()
	if err != nil || n != p.ops {
		return false
	}
	good, failed := s.countItems(sc.items)
	var retry *Buffer
	refused, i := 0, 0
	for _, b := range p.bufs {
		b.owners(func(j int, t *turn) {
			it := sc.items[i]
			i++
			switch v := s.cfg.judge(it); v {
			case delivered:
				t.settle(1)
			case again:
				if retry == nil {
					retry = &Buffer{}
				}
				retry.appendOp(b, j, t)
				if it.Status == 429 {
					refused++
				}
				s.logRetry(it)
			default:
				s.giveUp(b, j, it, v)
				t.settle(1)
			}
		})
	}
	s.finishItems(p, retry, good+failed, refused, start, took)
	return true
}

// countItems counts an answer before anything of it is settled, so that the counts never lag behind what they count.
func (s *Sender) countItems(items []Item) (good, failed int) {
	for _, it := range items {
		switch s.cfg.judge(it) {
		case delivered:
			good++
		case again:
		default:
			failed++
		}
	}
	s.cfg.Delivered.Add(int64(good))
	if good == len(items) {
		s.cfg.Metrics.Requests.Add(1)
	} else {
		s.cfg.Metrics.WithErrors.Add(1)
	}
	return good, failed
}

// finishItems parks what has to be sent again.
func (s *Sender) finishItems(p *parcel, retry *Buffer, done, refused int, start time.Time, took time.Duration) {
	left := 0
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if refused > 0 {
		s.ctl.refused(now, took)
	} else {
		s.ctl.answered(p.bytes, took, s.saturated())
	}
	overloaded := done == 0 && refused > 0
	s.landed(p, start, !overloaded, retry == nil)
	if retry != nil {
		n := int64(retry.Len())
		s.cfg.Retried.Add(n)
		s.cfg.Metrics.Retryable.Add(n)
		q := newParcel(retry)
		q.attempts, q.since, q.alone = p.attempts+1, p.since, p.alone
		if q.since.IsZero() {
			q.since = start
		}
		q.due = now.Add(s.backoff(q.attempts))
		left = q.bytes
		if overloaded {
			s.failed("every operation was refused: too many requests", now)
		}
		s.park(q, now)
	}
	for _, b := range p.bufs {
		s.release(b)
	}
	s.unhold(p.bytes - left)
	s.pump()
}

// park keeps p until it is due. The first trial comes soon.
func (s *Sender) park(p *parcel, now time.Time) {
	if len(s.parked) == 0 && s.trials == 0 && !s.nextTrial.After(now) {
		s.nextTrial = now.Add(jitter(s.pause))
	}
	s.parked.push(p)
}

// failed counts a request that failed as a whole; the gate closes when as many failed in a row as may be in flight.
func (s *Sender) failed(cause string, now time.Time) {
	if s.streak++; s.streak < s.ctl.requests() || s.failing != "" {
		return
	}
	s.failing, s.since = cause, now
	s.budget = 1
	if !s.nextTrial.After(now) {
		s.nextTrial = now.Add(jitter(s.pause))
	}
}

// splitAfter is how many failures as a whole make a parcel suspected, so that it is divided until what the cluster does not bear is
// alone.
const splitAfter = 4

// fail sees to a request that failed as a whole.
func (s *Sender) fail(p *parcel, a Answer, err error, took time.Duration) {
	cause := describe(a, err)
	// A whole request that is refused although the cluster takes others: something in it is to blame. The cluster is asked before the
	// lock is taken.
	suspect := a.Status == 400 || p.attempts+1 >= splitAfter && (a.Status > 0 || err != nil) && s.cfg.Transport.Probe(s.ctx)
	if s.ctx.Err() != nil {
		return
	}
	s.mu.Lock()
	now := time.Now()
	if p.since.IsZero() {
		p.since = now.Add(-took)
	}
	p.attempts++
	if p.invalid++; a.Status != 400 || p.ops > 1 {
		p.invalid = 0
	}
	p.due = now.Add(max(s.backoff(p.attempts), a.RetryAfter))
	s.cfg.Retried.Add(int64(p.ops))
	healthy := s.lastOK.After(p.since)
	s.landed(p, now, false, false)
	if at := now.Add(a.RetryAfter); a.RetryAfter > 0 && at.After(s.nextTrial) {
		s.nextTrial = at
	}
	var timeout net.Error
	switch {
	case a.Status == 413:
		// Dividing it is a step forward, unlike a failure: the halves may be tried at once.
		s.pause, s.nextTrial = firstTrial, now.Add(a.RetryAfter)
		s.ctl.tooLarge(p.length())
		if s.streak = 0; p.ops == 1 {
			s.mu.Unlock()
			s.bury(p, a)
			return
		}
		p.due, p.alone = now, true // or the halves would be sent as one again
		s.halve(p, now)
	case a.Status == 400 && p.ops == 1 && healthy:
		s.mu.Unlock()
		s.bury(p, a)
		return
	case suspect && p.ops > 1:
		p.alone, p.attempts = true, 1
		s.failed(cause, now)
		s.halve(p, now)
	case errors.As(err, &timeout) && timeout.Timeout() && took > slowAnswer:
		s.ctl.timedOut(p.length())
		s.failed(cause, now)
		if p.ops > 1 && p.length() > s.ctl.minBody {
			s.halve(p, now)
		} else {
			s.park(p, now)
		}
	default:
		if a.Status == 429 || a.Status == 503 {
			s.ctl.refused(now, took)
		}
		s.failed(cause, now)
		s.park(p, now)
	}
	held := s.held
	s.pump()
	s.mu.Unlock()
	s.logFailure(a, err, cause, held)
}

func (s *Sender) halve(p *parcel, now time.Time) {
	q := p.halve()
	s.park(p, now)
	s.park(q, now)
}

// bury gives up the only operation of p for what the whole request was answered.
func (s *Sender) bury(p *parcel, a Answer) {
	it := Item{Status: a.Status, Error: Member(a.Body, "error")}
	for _, b := range p.bufs {
		b.owners(func(i int, t *turn) {
			s.giveUp(b, i, it, dead)
			t.settle(1)
		})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unhold(p.bytes)
	s.pump()
}

func describe(a Answer, err error) string {
	switch {
	case errors.Is(err, errAnswer):
		return err.Error()
	case err != nil:
		return "no answer: " + err.Error()
	}
	return "status " + strconv.Itoa(a.Status)
}

func (s *Sender) logFailure(a Answer, err error, cause string, held int) {
	msg := "Elasticsearch is unreachable; events are held and sent again"
	attrs := []slog.Attr{slog.String("cause", cause), slog.Int("held_bytes", held)}
	var cert *tls.CertificateVerificationError
	switch {
	case errors.As(err, &cert):
		msg = "the certificate of Elasticsearch is not accepted; events are held until it is"
	case a.Status == 401 || a.Status == 403:
		msg = "Elasticsearch refuses the credentials; events are held until it accepts them"
	case a.Status == 413:
		msg = "Elasticsearch refuses the size of a bulk request; it is divided"
	case a.Status == 429:
		msg = "Elasticsearch is overloaded; events are held and sent again"
	case err == nil || errors.Is(err, errAnswer):
		msg = "Elasticsearch failed a bulk request; events are held and sent again"
	}
	if len(a.Body) > 0 {
		attrs = append(attrs, slog.String("answer", string(a.Body[:min(len(a.Body), 500)])))
	}
	s.cfg.Log.Warn(msg, attrs...)
}

func (s *Sender) logRetry(it Item) {
	if len(it.Error) == 0 || s.silent(it) {
		return
	}
	s.cfg.Log.Warn("Elasticsearch refused operations that are sent again", itemAttrs(it)...)
}

func itemAttrs(it Item) []slog.Attr {
	return []slog.Attr{slog.Int("status", it.Status), slog.String("error", string(it.Error))}
}

func (s *Sender) silent(it Item) bool {
	for _, t := range s.cfg.SilentTypes {
		if t == errorType(it.Error) {
			return true
		}
	}
	return false
}

// giveUp dead-letters or drops operation i of b.
func (s *Sender) giveUp(b *Buffer, i int, it Item, v verdict) {
	op := b.op(i)
	if v == dead && s.cfg.DeadLetter != nil {
		action, _, _ := bytes.Cut(op, []byte("\n"))
		reason := fmt.Sprintf("Could not index event to Elasticsearch. status: %d, action: %s, response: %s", it.Status, action, it.Error)
		if err := s.cfg.DeadLetter(reason, s.document(b, i), b.notes[i].replayed); err == nil {
			s.cfg.DeadLettered.Add(1)
			return
		}
	}
	s.cfg.Dropped.Add(1)
	s.cfg.Metrics.NonRetryable.Add(1)
	if !s.silent(it) {
		s.cfg.Log.Warn("Elasticsearch refused operations for good; they are dropped",
			append(itemAttrs(it), slog.String("operation", string(op[:min(len(op), 500)])))...)
	}
}

// document returns the event of operation i.
func (s *Sender) document(b *Buffer, i int) []byte {
	if n := b.notes[i]; n.document != nil {
		return n.document
	}
	if s.cfg.Document != nil {
		return s.cfg.Document(b.op(i))
	}
	return SecondLine(b.op(i))
}

// SecondLine returns the document line of an operation.
func SecondLine(op []byte) []byte {
	_, doc, _ := bytes.Cut(op, []byte("\n"))
	return bytes.TrimSuffix(doc, []byte("\n"))
}

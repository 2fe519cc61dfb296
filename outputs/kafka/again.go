package kafka

import (
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// again is what has to be sent again. What it holds has entered the gate.
type again struct {
	mu    sync.Mutex
	whole []failure // as it was
	alone []failure // each in a batch of its own, as the batch it was in was too large
	work  chan struct{}
	ended chan struct{}
}

type failure struct {
	t *turn
	r *kgo.Record
}

func (a *again) init() {
	a.work, a.ended = make(chan struct{}, 1), make(chan struct{})
}

func (a *again) add(f failure, alone bool) {
	a.mu.Lock()
	if alone {
		a.alone = append(a.alone, f)
	} else {
		a.whole = append(a.whole, f)
	}
	a.mu.Unlock()
	select {
	case a.work <- struct{}{}:
	default:
	}
}

func (a *again) take() (whole, alone []failure) {
	a.mu.Lock()
	defer a.mu.Unlock()
	whole, alone = a.whole, a.alone
	a.whole, a.alone = nil, nil
	return whole, alone
}

// hopeless reports whether an error is the record's own fault, so that no repetition can mend it.
func hopeless(err error) bool {
	for _, e := range []error{kerr.InvalidRecord, kerr.InvalidTopicException, kerr.InvalidTimestamp, kerr.UnsupportedForMessageFormat} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

func tooLarge(err error) bool {
	return errors.Is(err, kerr.MessageTooLarge) || errors.Is(err, kerr.RecordListTooLarge)
}

// failed decides about a record that could not be delivered. The client has repeated what it can by itself.
func (out *output) failed(t *turn, r *kgo.Record, err error, alone bool) {
	switch {
	case out.closed.Load():
		// It stays unsettled: whoever keeps the batch will bring it again.
	case tooLarge(err) && !alone:
		out.again.add(failure{t, r}, true)
	case tooLarge(err), hopeless(err), out.o.Retries != nil:
		t.giveUp(r, err)
	default:
		out.env.Stats.Retried.Add(1)
		out.log.Error("events could not be delivered; trying again", slog.Any("error", err))
		out.again.add(failure{t, r}, false)
	}
}

// repeat sends again what failed, after a pause that doubles while nothing is delivered.
func (out *output) repeat() {
	defer close(out.again.ended)
	var careful *kgo.Client
	defer func() {
		if careful != nil {
			careful.Close()
		}
	}()
	least := max(out.o.RetryBackoff, 10*time.Millisecond)
	pause, delivered := least, int64(0)
	for {
		select {
		case <-out.again.work:
		case <-out.ctx.Done():
			return
		}
		whole, alone := out.again.take()
		for _, f := range alone {
			if careful == nil {
				cl, err := kgo.NewClient(append(out.opts[:len(out.opts):len(out.opts)], kgo.ProducerLinger(0))...)
				if err != nil {
					panic("BUG: options that made one client make no second: " + err.Error())
				}
				careful = cl
			}
			out.single(careful, f)
		}
		if len(whole) == 0 {
			continue
		}
		if n := out.env.Stats.Delivered.Load(); n != delivered {
			pause, delivered = least, n
		}
		select {
		case <-time.After(pause):
		case <-out.ctx.Done():
			return
		}
		pause = min(2*pause, max(least, out.o.ReconnectBackoffMax))
		for _, f := range whole {
			out.cl.Produce(out.ctx, f.r, f.t.promise)
		}
	}
}

// single sends a record in a batch of its own, by a client that has no other.
func (out *output) single(careful *kgo.Client, f failure) {
	if err := careful.ProduceSync(out.ctx, f.r).FirstErr(); err != nil {
		out.failed(f.t, f.r, err, true)
		return
	}
	out.env.Stats.Delivered.Add(1)
	f.t.done()
}

package esbulk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/internal/logging"
	"millrace/internal/throttle"
)

// sim is a cluster in memory, behind a transport that fails as it is told.
type sim struct {
	mu     sync.Mutex
	rng    *rand.Rand
	faults simFaults

	stored    map[string]int // document → how often
	seen      []int          // lengths of bodies
	lost      int            // answers that did not arrive
	inFlight  int
	maxFlight int
	permanent func(doc string) int // status of a document that can never succeed; 0 if it can
	latency   time.Duration
	requests  int
	poison    func(body string) int // status for a whole request; 0 none
	maxBody   int
	readOnly  bool

	retryAfter time.Duration // said with status 429
}

// simFaults are rates.
type simFaults struct {
	down, status5xx, status429, unauthorized, lose, cut, items429, items5xx float64
}

func (s *sim) strikes(rate float64) bool { return rate > 0 && s.rng.Float64() < rate }

// Bulk implements Transport.
func (s *sim) Bulk(ctx context.Context, r Request, scratch []byte) (Answer, error) {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return Answer{}, err
	}
	s.mu.Lock()
	s.inFlight++
	s.requests++
	s.maxFlight = max(s.maxFlight, s.inFlight)
	wait := s.latency + time.Duration(s.rng.Int64N(int64(s.latency)+1))
	s.mu.Unlock()
	select {
	case <-time.After(wait):
	case <-ctx.Done():
		return Answer{}, ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inFlight--
	return s.decide(string(text), r, scratch)
}

func (s *sim) decide(text string, r Request, scratch []byte) (Answer, error) {
	if len(text) != r.Length || strings.Count(text, "\n") != 2*r.Ops {
		return Answer{}, fmt.Errorf("BUG: %d bytes and %d lines for %d and %d", len(text), strings.Count(text, "\n"), r.Length, 2*r.Ops)
	}
	s.seen = append(s.seen, len(text))
	f := s.faults
	if s.poison != nil {
		if status := s.poison(text); status != 0 {
			return Answer{Status: status, Body: []byte(`{"error":"poison"}`)}, nil
		}
	}
	switch {
	case s.maxBody > 0 && len(text) > s.maxBody:
		return Answer{Status: 413}, nil
	case s.strikes(f.down):
		return Answer{}, errors.New("connection refused")
	case s.strikes(f.unauthorized):
		return Answer{Status: 401}, nil
	case s.strikes(f.status429):
		return Answer{Status: 429, RetryAfter: s.retryAfter}, nil
	case s.strikes(f.status5xx):
		return Answer{Status: 500 + s.rng.IntN(4)}, nil
	}
	answer := s.store(text, scratch)
	switch {
	case s.strikes(f.lose):
		s.lost++
		return Answer{}, errors.New("connection reset by peer")
	case s.strikes(f.cut):
		s.lost++
		return Answer{Status: 200, Body: answer[:len(answer)/2]}, nil
	}
	return Answer{Status: 200, Body: answer}, nil
}

// store takes the documents and writes the answer.
func (s *sim) store(text string, dst []byte) []byte {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	var items []string
	failed := false
	for i := 1; i < len(lines); i += 2 {
		doc, status := lines[i], 201
		switch {
		case s.permanent != nil && s.permanent(doc) != 0:
			status = s.permanent(doc)
		case s.readOnly:
			status = 403
		case s.strikes(s.faults.items429):
			status = 429
		case s.strikes(s.faults.items5xx):
			status = 503
		}
		if status == 201 {
			s.stored[doc]++
			items = append(items, `{"index":{"status":201}}`)
			continue
		}
		failed = true
		items = append(items, `{"index":{"error":{"type":"some_exception","reason":"told to"},"status":`+strconv.Itoa(status)+`}}`)
	}
	return fmt.Appendf(dst, `{"took":1,"errors":%t,"items":[%s]}`, failed, strings.Join(items, ","))
}

// Probe implements Transport.
func (s *sim) Probe(context.Context) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.faults.down < 1 && s.faults.unauthorized < 1 && s.faults.status5xx < 1
}

func (s *sim) set(f simFaults) {
	s.mu.Lock()
	s.faults = f
	s.mu.Unlock()
}

// harness is a sender over a sim, with what it counted.
type harness struct {
	*Sender
	sim     *sim
	counts  [4]atomic.Int64 // delivered, dead-lettered, dropped, retried
	settled atomic.Int64
	maxHeld atomic.Int64
	mu      sync.Mutex
	dead    map[string]string
}

func newHarness(seed uint64, change func(*Config)) *harness {
	h := &harness{dead: map[string]string{}, sim: &sim{
		rng: rand.New(rand.NewPCG(seed, 1)), stored: map[string]int{}, latency: 5 * time.Millisecond,
	}}
	cfg := Config{
		Transport: h.sim, MaxHeld: 1 << 20, MaxRequests: 8, MaxBody: 256 << 10, RetryInitial: 2 * time.Second, RetryMax: 64 * time.Second,
		DeadCodes: []int{400, 404}, Delivered: &h.counts[0], DeadLettered: &h.counts[1], Dropped: &h.counts[2], Retried: &h.counts[3],
		Metrics: NewMetrics(func(string, string) *atomic.Int64 { return new(atomic.Int64) }),
		Log:     throttle.New(logging.Discard(), time.Minute),
	}
	cfg.DeadLetter = func(reason string, doc []byte, _ bool) error {
		h.mu.Lock()
		h.dead[string(doc)] = reason
		h.mu.Unlock()
		return nil
	}
	if change != nil {
		change(&cfg)
	}
	h.Sender = New(cfg)
	return h
}

// Settle implements Settler.
func (h *harness) Settle() { h.settled.Add(1) }

// write flushes turns turns of ops documents each, named after the writer.
func (h *harness) write(t *testing.T, writer, turns, ops int) {
	b := h.NewBuffer()
	for i := range turns {
		for j := range ops {
			b.B = fmt.Appendf(b.B, "{\"index\":{}}\n{\"doc\":\"%d-%d-%d\",\"pad\":%q}\n", writer, i, j, strings.Repeat("x", (i*7+j)%200))
			b.End()
		}
		var err error
		if b, err = h.Flush(t.Context(), b, h); err != nil {
			t.Errorf("flush: %v", err)
			return
		}
		h.maxHeld.Store(max(h.maxHeld.Load(), int64(h.State().Held)))
	}
}

// settleAll waits until nothing is held and checks that every document arrived: once unless an answer was lost.
func (h *harness) settleAll(t *testing.T, turns, docs int, within time.Duration) {
	t.Helper()
	start := time.Now()
	for h.State().Held > 0 {
		if time.Since(start) > within {
			t.Fatalf("not settled after %v: %+v", within, h.State())
		}
		time.Sleep(10 * time.Millisecond) // the clock of synctest
	}
	require.EqualValues(t, turns, h.settled.Load(), "turns settled")
	require.Equal(t, docs, len(h.sim.stored)+len(h.dead), "documents stored or dead-lettered")
	require.EqualValues(t, docs, h.counts[0].Load()+h.counts[1].Load()+h.counts[2].Load())
	duplicates := 0
	for _, n := range h.sim.stored {
		duplicates += n - 1
	}
	if h.sim.lost == 0 {
		require.Zero(t, duplicates, "duplicates although no answer was lost")
	}
	require.LessOrEqual(t, h.maxHeld.Load(), int64(1<<20))
	require.Zero(t, h.Close(t.Context()))
}

// TestConservation throws random faults at the sender: whatever happens, every turn is settled once, and every document is stored or
// dead-lettered. With MILLRACE_SOAK set it does so from as many seeds that no run had before.
func TestConservation(t *testing.T) {
	seeds := []uint64{0, 1, 2, 3, 4, 5, 6, 7}
	if n, err := strconv.Atoi(os.Getenv("MILLRACE_SOAK")); err == nil {
		for range n {
			seeds = append(seeds, rand.Uint64())
		}
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHarness(seed, nil)
				rng := rand.New(rand.NewPCG(seed, 2))
				h.sim.permanent = func(doc string) int {
					if strings.Contains(doc, `-3"`) {
						return 400
					}
					return 0
				}
				h.sim.maxBody = []int{0, 20_000, 5_000}[rng.IntN(3)]
				var wg sync.WaitGroup
				const writers, turns, ops = 3, 60, 40
				for w := range writers {
					wg.Go(func() { h.write(t, w, turns, ops) })
				}
				for range 20 {
					rate := func() float64 { return []float64{0, 0, 0.1, 0.5, 1}[rng.IntN(5)] }
					h.sim.set(simFaults{
						down: rate() * rate(), status5xx: rate() * rate(), status429: rate() * rate(), unauthorized: rate() * rate(),
						lose: rate() * rate() / 2, cut: rate() * rate() / 2, items429: rate(), items5xx: rate() * rate(),
					})
					time.Sleep(time.Duration(rng.Int64N(int64(5 * time.Second))))
				}
				h.sim.set(simFaults{})
				wg.Wait()
				h.settleAll(t, writers*turns, writers*turns*ops, 10*time.Second)
			})
		})
	}
}

// TestRecovery lets one fault last for a minute of virtual time, and demands that all is delivered within seconds after it.
func TestRecovery(t *testing.T) {
	f := func(name string, faults simFaults) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHarness(1, nil)
				var wg sync.WaitGroup
				h.sim.set(faults)
				for w := range 3 {
					wg.Go(func() { h.write(t, w, 200, 20) })
				}
				time.Sleep(5 * time.Minute)
				held := h.State()
				h.sim.mu.Lock()
				requests := h.sim.requests
				h.sim.mu.Unlock()
				h.sim.set(simFaults{})
				start := time.Now()
				wg.Wait()
				h.settleAll(t, 600, 12_000, 5*time.Second)
				t.Logf("requests during the fault: %d, held then: %d bytes, %d parked; all delivered %v after its end",
					requests, held.Held, held.Parked, time.Since(start))
				require.LessOrEqual(t, requests, 450, "the cluster was hammered")
			})
		})
	}
	f("down", simFaults{down: 1})
	f("unauthorized", simFaults{unauthorized: 1})
	f("5xx", simFaults{status5xx: 1})
	f("429", simFaults{status429: 1})
	f("items 429", simFaults{items429: 1})
	f("items 5xx", simFaults{items5xx: 1})
	f("cut", simFaults{cut: 1})
}

// TestPoison has documents that make the whole request fail: they end alone, and neighbours are delivered.
func TestPoison(t *testing.T) {
	f := func(status int, dead int) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			h := newHarness(1, nil)
			h.sim.poison = func(body string) int {
				if strings.Contains(body, `"1-7-5"`) {
					return status
				}
				return 0
			}
			var wg sync.WaitGroup
			for w := range 2 {
				wg.Go(func() { h.write(t, w, 20, 20) })
			}
			wg.Wait()
			time.Sleep(10 * time.Minute)
			h.sim.mu.Lock()
			stored := len(h.sim.stored)
			h.sim.mu.Unlock()
			require.Equal(t, 799, stored, "status %d: %+v", status, h.State())
			require.Len(t, h.dead, dead)
			if dead == 0 {
				require.Less(t, h.State().Held, 1000, "only the poison is held")
				h.sim.mu.Lock()
				h.sim.poison = nil
				h.sim.mu.Unlock()
			}
			h.settleAll(t, 40, 800, 5*time.Second)
		})
	}
	f(400, 1)
	f(413, 1)
	f(500, 0)
	f(403, 0)
}

// TestPoisonFirst has a document that makes its request fail before anything else came: it closes the gate, and what comes then passes it all the
// same.
func TestPoisonFirst(t *testing.T) {
	f := func(status, dead int, ordered bool) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			h := newHarness(1, func(c *Config) { c.Ordered = ordered })
			h.sim.poison = func(body string) int {
				if strings.Contains(body, `"0-0-0"`) {
					return status
				}
				return 0
			}
			h.write(t, 0, 1, 1)
			time.Sleep(time.Minute)
			require.NotEmpty(t, h.State().Failing)
			h.write(t, 1, 20, 20)
			time.Sleep(2 * time.Second)
			h.sim.mu.Lock()
			require.Equal(t, 400, len(h.sim.stored), "status %d: %+v", status, h.State())
			h.sim.mu.Unlock()
			time.Sleep(2 * time.Minute)
			require.Len(t, h.dead, dead)
			h.sim.mu.Lock()
			h.sim.poison = nil
			h.sim.mu.Unlock()
			h.settleAll(t, 21, 401, 5*time.Second)
		})
	}
	f(400, 1, false)
	f(400, 1, true)
	f(403, 0, false)
	f(500, 0, false)
	f(503, 0, false)
}

// TestOneIndexIsFull has an index whose operations are refused with 429, as behind the flood stage of a disk: that they all are does not keep
// those of the other from the cluster.
func TestOneIndexIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(1, nil)
		full := true
		h.sim.permanent = func(doc string) int {
			if full && strings.Contains(doc, `"doc":"1-`) {
				return 429
			}
			return 0
		}
		h.write(t, 1, 20, 20)
		time.Sleep(time.Minute)
		h.write(t, 0, 20, 20)
		time.Sleep(2 * time.Second)
		h.sim.mu.Lock()
		require.Equal(t, 400, len(h.sim.stored), "the other index: %+v", h.State())
		full = false
		h.sim.mu.Unlock()
		h.settleAll(t, 40, 800, 5*time.Second)
	})
}

// TestRetryAfterRefuted has an overloaded cluster that asks for five minutes, and takes another request right then.
func TestRetryAfterRefuted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(1, nil)
		h.sim.retryAfter = 5 * time.Minute
		h.sim.set(simFaults{status429: 1})
		h.write(t, 0, 1, 20)
		time.Sleep(15 * time.Millisecond)
		h.Sender.mu.Lock()
		h.ctl.limit, h.failing = 2, "" // as if another node had answered in between
		h.Sender.mu.Unlock()
		h.sim.set(simFaults{})
		h.write(t, 1, 1, 20)
		h.settleAll(t, 2, 40, 5*time.Second)
	})
}

// TestDividedAfterFault has requests that are too large among those that a short fault leaves behind: dividing them must not take a trial
// a second.
func TestDividedAfterFault(t *testing.T) {
	for _, short := range []time.Duration{200 * time.Millisecond, time.Second} {
		synctest.Test(t, func(t *testing.T) {
			h := newHarness(1, nil)
			h.ctl.limit = 1 // as refusals leave it
			h.sim.maxBody = 5_000
			h.sim.set(simFaults{down: 0.9})
			var wg sync.WaitGroup
			for w := range 3 {
				wg.Go(func() { h.write(t, w, 60, 40) })
			}
			time.Sleep(short)
			h.sim.set(simFaults{down: 1})
			time.Sleep(2 * time.Second)
			h.sim.set(simFaults{})
			wg.Wait()
			h.settleAll(t, 180, 7_200, 5*time.Second)
		})
	}
}

// TestLimitGrowsWithWhatIsParked: when a fault left requests behind and nothing new comes, one request at a time is not all that is sent.
func TestLimitGrowsWithWhatIsParked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(1, func(c *Config) { c.MaxRequests = 16 })
		h.sim.latency = 100 * time.Millisecond
		h.sim.maxBody = 5_000
		h.sim.set(simFaults{items5xx: 1})
		for w := range 40 {
			h.write(t, w, 1, 100)
			time.Sleep(5 * time.Second)
		}
		h.Sender.mu.Lock()
		h.ctl.limit = 1 // as refusals leave it
		h.Sender.mu.Unlock()
		h.sim.set(simFaults{})
		h.settleAll(t, 40, 4_000, 8*time.Second)
	})
}

// TestTooLarge has one document that no request can carry.
func TestTooLarge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(1, nil)
		h.sim.maxBody = 10_000
		b := h.NewBuffer()
		big := `{"big":"` + strings.Repeat("y", 20_000) + `"}`
		for i := range 300 {
			doc := fmt.Sprintf(`{"n":%d,"pad":"%s"}`, i, strings.Repeat("x", 100))
			if i == 123 {
				doc = big
			}
			b.B = append(append(append(b.B, "{\"index\":{}}\n"...), doc...), '\n')
			b.End()
		}
		_, err := h.Flush(t.Context(), b, h)
		require.NoError(t, err)
		h.settleAll(t, 1, 300, 5*time.Second)
		require.Contains(t, h.dead, big)
		require.Contains(t, h.dead[big], "413")
	})
}

// TestOneIndexFails has an index whose operations fail while others succeed.
func TestOneIndexFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(1, func(c *Config) { c.MaxHeld = 8 << 20 })
		blocked := true
		h.sim.permanent = func(doc string) int {
			if blocked && strings.Contains(doc, `"doc":"1-`) {
				return 403
			}
			return 0
		}
		var wg sync.WaitGroup
		for w := range 2 {
			wg.Go(func() { h.write(t, w, 50, 20) })
		}
		wg.Wait()
		time.Sleep(time.Minute)
		h.sim.mu.Lock()
		require.Equal(t, 1000, len(h.sim.stored), "the other index")
		blocked = false
		h.sim.mu.Unlock()
		h.maxHeld.Store(0)
		h.settleAll(t, 100, 2000, 5*time.Second)
	})
}

// TestIdleHasNoDelay measures the way of one event through an idle sender.
func TestIdleHasNoDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(1, nil)
		for range 5 {
			start := time.Now()
			h.write(t, 0, 1, 1)
			for h.State().Held > 0 {
				time.Sleep(100 * time.Microsecond)
			}
			require.LessOrEqual(t, time.Since(start), 11*time.Millisecond, "twice the cluster's latency at most")
			time.Sleep(time.Second)
		}
		require.Zero(t, h.Close(t.Context()))
	})
}

// TestCloseLeavesUnsettled: what cannot be delivered in time stays unsettled.
func TestCloseLeavesUnsettled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(1, nil)
		h.sim.set(simFaults{down: 1})
		h.write(t, 0, 3, 5)
		ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second)
		defer cancel()
		start := time.Now()
		require.NotZero(t, h.Close(ctx))
		require.Equal(t, 8*time.Second, time.Since(start))
		require.Zero(t, h.settled.Load())
		b := h.NewBuffer()
		b.B = append(b.B, "x\n"...)
		b.End()
		_, err := h.Flush(t.Context(), b, h)
		require.Error(t, err)
	})
}

// TestFlushBlocks: a full sender makes its writers wait, and a writer whose context ends keeps its buffer.
func TestFlushBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(1, func(c *Config) { c.MaxHeld = 10_000 })
		h.sim.set(simFaults{down: 1})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		b := h.NewBuffer()
		n := 0
		for {
			b.B = append(b.B, "{\"index\":{}}\n{\"pad\":\""+strings.Repeat("x", 1000)+"\"}\n"...)
			b.End()
			next, err := h.Flush(ctx, b, h)
			if err != nil {
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.Equal(t, 1, next.Len(), "the buffer was not taken")
				break
			}
			b = next
			n++
		}
		require.LessOrEqual(t, h.State().Held, 10_000)
		require.Equal(t, 9, n)
		require.NotZero(t, h.Close(ctx))
	})
}

// TestOrdered: one request at a time, and what failed goes first.
func TestOrdered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(3, func(c *Config) { c.Ordered = true })
		h.sim.set(simFaults{status5xx: 0.3, down: 0.2})
		var order []string
		h.sim.permanent = func(doc string) int { order = append(order, doc); return 0 }
		h.write(t, 0, 100, 5)
		h.sim.set(simFaults{})
		h.settleAll(t, 100, 500, 10*time.Second)
		require.Equal(t, 1, h.sim.maxFlight)
		for i, doc := range order {
			require.Contains(t, doc, fmt.Sprintf(`"0-%d-%d"`, i/5, i%5))
		}
	})
}

// TestMemoryNearHeld: buffers that large turns left behind do not make small turns cost more than they hold.
func TestMemoryNearHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(1, func(c *Config) { c.MaxHeld = 8 << 20 })
		b := h.NewBuffer()
		flush := func(size int) {
			b.B = append(b.B, "{\"index\":{}}\n{\"pad\":\""+strings.Repeat("x", size)+"\"}\n"...)
			b.End()
			var err error
			b, err = h.Flush(t.Context(), b, h)
			require.NoError(t, err)
		}
		for range 20 {
			flush(700_000)
			time.Sleep(time.Second)
		}
		h.sim.set(simFaults{down: 1})
		for range 11 { // less than two bodies, so that no flush waits
			flush(40_000)
		}
		time.Sleep(100 * time.Millisecond)
		total, held := 0, 0
		h.Sender.mu.Lock()
		waiting := h.queue
		for _, p := range h.parked {
			waiting = append(waiting, p.bufs...)
		}
		for _, q := range waiting {
			total += cap(q.B)
			held += len(q.B)
		}
		h.Sender.mu.Unlock()
		require.Less(t, total, 2*held+1_500_000, "%d bytes held", held)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		h.Close(ctx)
	})
}

package ring

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestOneGoroutine(t *testing.T) {
	f := func(slots, wantCap int) {
		t.Helper()
		r := New[int](slots)
		require.Equal(t, wantCap, r.Cap())
		for round := range 5 {
			_, ok := r.TryPop()
			require.False(t, ok)
			for i := range wantCap {
				require.Equal(t, i, r.Len())
				require.True(t, r.TryPush(round*100+i))
			}
			require.False(t, r.TryPush(-1), "push into a full ring")
			for i := range wantCap {
				require.Equal(t, wantCap-i, r.Len())
				v, ok := r.TryPop()
				require.True(t, ok)
				require.Equal(t, round*100+i, v)
			}
		}
	}
	f(1, 1)
	f(2, 2)
	f(3, 4)
	f(8, 8)
	f(9, 16)
	require.Panics(t, func() { New[int](0) })
	require.Panics(t, func() { New[int](maxSlots + 1) })
}

func TestPoppedSlotIsCleared(t *testing.T) {
	r := New[*int](4)
	for range 6 {
		require.True(t, r.TryPush(new(int)))
		_, ok := r.TryPop()
		require.True(t, ok)
	}
	for i := range r.slots {
		require.Nil(t, r.slots[i].v, "slot %d keeps its item alive", i)
	}
}

func TestClosedRingDrainsAndRefuses(t *testing.T) {
	ctx := t.Context()
	r := New[int](4)
	require.NoError(t, r.Push(ctx, 1))
	require.NoError(t, r.Push(ctx, 2))
	r.Close()
	r.Close()
	require.ErrorIs(t, r.Push(ctx, 3), ErrClosed)
	require.False(t, r.TryPush(3))
	require.Equal(t, 2, r.Len())
	for want := 1; want <= 2; want++ {
		v, err := r.Pop(ctx)
		require.NoError(t, err)
		require.Equal(t, want, v)
	}
	_, err := r.Pop(ctx)
	require.ErrorIs(t, err, ErrClosed)
	_, ok := r.TryPop()
	require.False(t, ok)
}

// In the bubble of synctest.Test, Wait returns when every other goroutine is parked, and a goroutine that is never woken
// is a deadlock that fails the test.

func TestPushParksUntilASlotIsFree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := New[int](2)
		require.True(t, r.TryPush(0))
		require.True(t, r.TryPush(1))
		var pushed atomic.Int32
		for i := range 3 {
			go func() {
				if r.Push(t.Context(), 2+i) == nil {
					pushed.Add(1)
				}
			}()
		}
		synctest.Wait()
		require.EqualValues(t, 0, pushed.Load())
		for i := range 3 {
			_, ok := r.TryPop()
			require.True(t, ok)
			synctest.Wait()
			require.EqualValues(t, i+1, pushed.Load(), "one slot lets exactly one producer in")
		}
		require.Zero(t, r.lot.parked.Load())
	})
}

func TestPopParksUntilAnItemComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := New[int](8)
		var popped atomic.Int32
		for range 3 {
			go func() {
				if _, err := r.Pop(t.Context()); err == nil {
					popped.Add(1)
				}
			}()
		}
		synctest.Wait()
		require.EqualValues(t, 0, popped.Load())
		for i := range 3 {
			require.True(t, r.TryPush(i))
			synctest.Wait()
			require.EqualValues(t, i+1, popped.Load())
		}
		require.Zero(t, r.lot.parked.Load())
	})
}

func TestCancelReturnsItsWakeUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Two consumers are parked. The first to have come is cancelled in the same moment in which an item wakes it:
		// whichever it saw first, the item must come out of one of them.
		for range 200 {
			r := New[int](2)
			ctx, cancel := context.WithCancel(t.Context())
			results := make(chan error, 2)
			go func() { _, err := r.Pop(ctx); results <- err }()
			synctest.Wait()
			go func() { _, err := r.Pop(t.Context()); results <- err }()
			synctest.Wait()
			go cancel()
			go r.TryPush(1)
			synctest.Wait()
			require.Zero(t, r.Len(), "an item was left although a consumer is parked")
			r.Close()
			first, second := <-results, <-results
			require.True(t, first == nil || second == nil, "nobody has the item")
			cancel()
		}
	})
}

func TestCancelledPushLeavesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := New[int](1)
		require.True(t, r.TryPush(1))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, r.Push(ctx, 2), context.DeadlineExceeded)
		require.Zero(t, r.lot.parked.Load())
		_, ok := r.TryPop()
		require.True(t, ok)
		_, ok = r.TryPop()
		require.False(t, ok, "the refused item was pushed all the same")
	})
}

func TestCloseWakesEverybody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := New[int](1)
		errs := make(chan error, 10)
		for range 5 {
			go func() { _, err := r.Pop(t.Context()); errs <- err }()
		}
		synctest.Wait()
		r.Close()
		for range 5 {
			require.ErrorIs(t, <-errs, ErrClosed)
		}
		full := New[int](1)
		require.True(t, full.TryPush(1))
		for range 5 {
			go func() { errs <- full.Push(t.Context(), 2) }()
		}
		synctest.Wait()
		full.Close()
		for range 5 {
			require.ErrorIs(t, <-errs, ErrClosed)
		}
	})
}

// TestStress checks what a linearizable queue implies: what was accepted comes out, once, nothing else does, and each
// consumer sees the items of each producer in their order; with producers and consumers that give up at random, and
// a Close at a random moment.
func TestStress(t *testing.T) {
	for seed := range uint64(12) {
		slots := 1 << (seed % 4)
		t.Run(fmt.Sprintf("seed=%d/slots=%d", seed, slots), func(t *testing.T) {
			stress(t, seed, slots, 4, 3, 4000)
		})
	}
}

type item struct{ producer, n int }

func stress(t *testing.T, seed uint64, slots, producers, consumers, each int) {
	r := New[*item](slots)
	var in, out sync.WaitGroup
	accepted := make([]map[int]bool, producers)
	taken := make([][]item, consumers)
	closeAfter := int64(rand.New(rand.NewPCG(seed, 0)).IntN(producers * each * 3 / 2))
	var pushes atomic.Int64
	for p := range producers {
		accepted[p] = map[int]bool{}
		random := rand.New(rand.NewPCG(seed, uint64(p)+1))
		in.Go(func() {
			for n := range each {
				if pushes.Add(1) == closeAfter {
					r.Close()
				}
				if attempt(t, random, func(ctx context.Context) error { return r.Push(ctx, &item{p, n}) }) {
					accepted[p][n] = true
				}
			}
		})
	}
	for c := range consumers {
		random := rand.New(rand.NewPCG(seed, uint64(c)+100))
		out.Go(func() {
			for {
				var v *item
				var err error
				attempt(t, random, func(ctx context.Context) error { v, err = r.Pop(ctx); return err })
				if errors.Is(err, ErrClosed) {
					return
				}
				if err == nil {
					taken[c] = append(taken[c], *v)
				}
			}
		})
	}
	in.Wait()
	r.Close()
	out.Wait()

	for c := range taken {
		last := map[int]int{}
		for _, v := range taken[c] {
			if n, ok := last[v.producer]; ok && n >= v.n {
				t.Fatalf("consumer %d got %d of producer %d after %d", c, v.n, v.producer, n)
			}
			last[v.producer] = v.n
			if !accepted[v.producer][v.n] {
				t.Fatalf("%+v came out twice, or was never accepted", v)
			}
			delete(accepted[v.producer], v.n)
		}
	}
	for p := range accepted {
		require.Empty(t, accepted[p], "lost items of producer %d", p)
	}
	require.Zero(t, r.lot.parked.Load())
	require.Zero(t, r.Len())
}

// attempt calls op with a context that, now and then, is done before, while or after op waits.
func attempt(t *testing.T, random *rand.Rand, op func(context.Context) error) bool {
	ctx := t.Context()
	switch random.IntN(20) {
	case 0:
		done, cancel := context.WithCancel(ctx)
		cancel()
		ctx = done
	case 1:
		soon, cancel := context.WithTimeout(ctx, time.Duration(random.IntN(50))*time.Microsecond)
		defer cancel()
		ctx = soon
	}
	return op(ctx) == nil
}

// TestHandOff makes every operation wait: a ring of one slot, and a token that goes round. A lost wake-up stops it.
func TestHandOff(t *testing.T) {
	const rounds, players = 3000, 4
	rings := make([]*Ring[int], players)
	for i := range rings {
		rings[i] = New[int](1)
	}
	var wg sync.WaitGroup
	for i := range players {
		wg.Go(func() {
			for range rounds {
				v, err := rings[i].Pop(t.Context())
				if err != nil || rings[(i+1)%players].Push(t.Context(), v+1) != nil {
					t.Errorf("player %d: %v", i, err)
					return
				}
			}
		})
	}
	require.NoError(t, rings[0].Push(t.Context(), 0))
	wg.Wait()
	v, ok := rings[0].TryPop()
	require.True(t, ok)
	require.Equal(t, rounds*players, v)
}

// claimPush and publish are the two halves of a push, for the states that lie between.
func claimPush(r *Ring[int]) (p uint64) { return r.tail.Add(1) - 1 }

func publish(r *Ring[int], p uint64, v int) {
	s := &r.slots[p&r.mask]
	s.v = v
	s.turn.Store(2*p + 1)
	r.afterPush(r.lot.parked.Load())
}

// claimPop and release are the two halves of a pop.
func claimPop(r *Ring[int]) (p uint64) { return r.head.Add(1) - 1 }

func release(r *Ring[int], p uint64) {
	r.slots[p&r.mask].turn.Store(2 * (p + uint64(len(r.slots))))
	r.afterPop(r.lot.parked.Load())
}

func TestCloseWaitsForPushesUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := New[int](4)
		p := claimPush(r)
		r.Close()
		errs := make(chan error, 3)
		for range cap(errs) {
			go func() { _, err := r.Pop(t.Context()); errs <- err }()
		}
		synctest.Wait()
		require.Empty(t, errs, "a consumer gave up although an item is on its way")
		publish(r, p, 1)
		synctest.Wait()
		require.Len(t, errs, 3)
		count := map[error]int{}
		for range 3 {
			count[<-errs]++
		}
		require.Equal(t, map[error]int{nil: 1, ErrClosed: 2}, count)
	})
}

func TestPublishedOutOfOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := New[int](4)
		first, second := claimPush(r), claimPush(r)
		got := make(chan int, 2)
		for range 2 {
			go func() { v, _ := r.Pop(t.Context()); got <- v }()
		}
		synctest.Wait()
		publish(r, second, 2) // wakes a consumer, which finds the first slot empty and parks again
		synctest.Wait()
		require.Empty(t, got)
		publish(r, first, 1) // wakes one consumer only; that one must wake the other
		synctest.Wait()
		require.Len(t, got, 2)
	})
}

func TestReleasedOutOfOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := New[int](2)
		require.True(t, r.TryPush(1))
		require.True(t, r.TryPush(2))
		first, second := claimPop(r), claimPop(r)
		got := make(chan error, 2)
		for range 2 {
			go func() { got <- r.Push(t.Context(), 3) }()
		}
		synctest.Wait()
		release(r, second)
		synctest.Wait()
		require.Empty(t, got)
		release(r, first)
		synctest.Wait()
		require.Len(t, got, 2)
	})
}

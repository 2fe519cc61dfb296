package ring

import (
	"context"
	"fmt"
	"sync"
	"testing"
)

// queue is what the three contestants have in common.
type queue interface {
	Push(context.Context, *int) error
	Pop(context.Context) (*int, error)
	Close()
}

type channelQueue struct {
	c chan *int
}

func (q channelQueue) Push(ctx context.Context, v *int) error {
	select {
	case q.c <- v:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (q channelQueue) Pop(ctx context.Context) (*int, error) {
	select {
	case v, ok := <-q.c:
		if !ok {
			return nil, ErrClosed
		}
		return v, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (q channelQueue) Close() { close(q.c) }

// mutexQueue is a ring behind one mutex, with a condition for either side.
type mutexQueue struct {
	mu                sync.Mutex
	notFull, notEmpty sync.Cond
	items             []*int
	head, n           int
	closed            bool
}

func newMutexQueue(slots int) *mutexQueue {
	q := &mutexQueue{items: make([]*int, slots)}
	q.notFull.L, q.notEmpty.L = &q.mu, &q.mu
	return q
}

func (q *mutexQueue) Push(_ context.Context, v *int) error {
	q.mu.Lock()
	for q.n == len(q.items) {
		q.notFull.Wait()
	}
	q.items[(q.head+q.n)%len(q.items)] = v
	q.n++
	q.mu.Unlock()
	q.notEmpty.Signal()
	return nil
}

func (q *mutexQueue) Pop(context.Context) (*int, error) {
	q.mu.Lock()
	for q.n == 0 && !q.closed {
		q.notEmpty.Wait()
	}
	if q.n == 0 {
		q.mu.Unlock()
		return nil, ErrClosed
	}
	v := q.items[q.head]
	q.items[q.head] = nil
	q.head = (q.head + 1) % len(q.items)
	q.n--
	q.mu.Unlock()
	q.notFull.Signal()
	return v, nil
}

func (q *mutexQueue) Close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.notEmpty.Broadcast()
}

// BenchmarkQueue measures one push and one pop; the context can be cancelled, as the pipeline's can.
func BenchmarkQueue(b *testing.B) {
	const slots = 1024
	contestants := []struct {
		name string
		open func() queue
	}{
		{"ring", func() queue { return New[*int](slots) }},
		{"channel", func() queue { return channelQueue{make(chan *int, slots)} }},
		{"mutex", func() queue { return newMutexQueue(slots) }},
	}
	for _, shape := range []struct{ producers, consumers int }{{1, 1}, {2, 1}, {8, 1}, {8, 2}} {
		for _, c := range contestants {
			b.Run(fmt.Sprintf("producers=%d/consumers=%d/%s", shape.producers, shape.consumers, c.name), func(b *testing.B) {
				b.ReportAllocs()
				run(b, c.open(), shape.producers, shape.consumers)
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds()/1e6, "Mops/s")
			})
		}
	}
}

func run(b *testing.B, q queue, producers, consumers int) {
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	var in, out sync.WaitGroup
	for i := range producers {
		n := b.N / producers
		if i < b.N%producers {
			n++
		}
		in.Go(func() {
			v := new(int)
			for range n {
				if q.Push(ctx, v) != nil {
					b.Error("push refused")
				}
			}
		})
	}
	for range consumers {
		out.Go(func() {
			for {
				if _, err := q.Pop(ctx); err != nil {
					return
				}
			}
		})
	}
	in.Wait()
	q.Close()
	out.Wait()
}

// BenchmarkTry is the fast path alone: one goroutine that pushes and pops, nobody to wake.
func BenchmarkTry(b *testing.B) {
	b.ReportAllocs()
	r, v := New[*int](1024), new(int)
	for b.Loop() {
		r.TryPush(v)
		r.TryPop()
	}
}

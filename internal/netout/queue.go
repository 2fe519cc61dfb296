package netout

import "sync"

// Queue hands things to one goroutine, such as those of workers to the one that sends them. It has no bound of its own: a [Gate] before it has.
type Queue[T any] struct {
	// Ready tells that there is something to take.
	Ready chan struct{}

	mu    sync.Mutex
	fresh []T
}

// NewQueue returns an empty queue.
func NewQueue[T any]() *Queue[T] { return &Queue[T]{Ready: make(chan struct{}, 1)} }

// Put adds v.
func (q *Queue[T]) Put(v T) {
	q.mu.Lock()
	q.fresh = append(q.fresh, v)
	q.mu.Unlock()
	select {
	case q.Ready <- struct{}{}:
	default:
	}
}

// Take returns what was put in since the last time, in its order.
func (q *Queue[T]) Take() []T {
	q.mu.Lock()
	defer q.mu.Unlock()
	fresh := q.fresh
	q.fresh = nil
	return fresh
}

package queue

import (
	"context"
	"slices"
	"sync"
)

// waiters are goroutines that wait for something to become true, oldest first. All methods are called with the mutex
// held that guards what they wait for.
type waiters struct {
	list []chan struct{}
	free []chan struct{}
}

// wait gives up mu until it is woken or ctx is done, and holds mu again when it returns. Whoever was woken looks
// whether his condition is true; if it was woken and its context is done as well, the wake-up is passed on.
func (w *waiters) wait(ctx context.Context, mu *sync.Mutex) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var c chan struct{}
	if n := len(w.free); n > 0 {
		c, w.free = w.free[n-1], w.free[:n-1]
	} else {
		c = make(chan struct{}, 1)
	}
	w.list = append(w.list, c)
	mu.Unlock()
	var err error
	select {
	case <-c:
		mu.Lock()
	case <-ctx.Done():
		err = ctx.Err()
		mu.Lock()
		if i := slices.Index(w.list, c); i >= 0 {
			w.list = slices.Delete(w.list, i, i+1)
		} else {
			<-c
			w.wakeOne()
		}
	}
	w.free = append(w.free, c)
	return err
}

func (w *waiters) wakeOne() {
	if len(w.list) > 0 {
		c := w.list[0]
		w.list = slices.Delete(w.list, 0, 1)
		c <- struct{}{}
	}
}

func (w *waiters) wakeAll() {
	for _, c := range w.list {
		c <- struct{}{}
	}
	w.list = w.list[:0]
}

func (w *waiters) any() bool { return len(w.list) > 0 }

package ring

import (
	"sync"
	"sync/atomic"
)

// side says which kind of waiter is meant.
type side uint

const (
	consumers side = iota
	producers
	sides
)

// one is a single waiter of the side in lot.parked, mask all of them: 2^32 goroutines do not fit into any memory.
func (s side) one() uint64  { return 1 << (32 * s) }
func (s side) mask() uint64 { return (1<<32 - 1) << (32 * s) }

// waiter is one parked goroutine.
type waiter struct {
	// woken holds at most one token: it is sent once by whoever took the waiter off its list, and received by the
	// owner of the waiter before he uses it again.
	woken      chan struct{}
	next, prev *waiter
	listed     bool
}

// lot is where producers and consumers park.
type lot struct {
	// parked counts the waiters on both lists. It is written under mu only, and read without it by every push and
	// pop: the fast path is this one load of a word that rarely changes.
	parked atomic.Uint64

	mu    sync.Mutex
	lists [sides]list
	// free is kept per ring, not in a package-level pool: the number of waiters ever needed at once is the number
	// of goroutines that use the ring.
	free *waiter
}

// list holds the waiters of one side, oldest first: who waits longest is woken first.
type list struct{ first, last *waiter }

// enter puts a waiter at the end of the list. The caller looks at the ring once more before it waits.
func (l *lot) enter(s side) *waiter {
	l.mu.Lock()
	w := l.free
	if w != nil {
		l.free, w.next = w.next, nil
	} else {
		w = &waiter{woken: make(chan struct{}, 1)}
	}
	l.lists[s].append(w)
	l.parked.Add(s.one())
	l.mu.Unlock()
	return w
}

// leave takes a waiter back that waits no longer. If it had been woken in the meantime, the wake-up belongs to
// somebody else now and is passed on: this is where cancelled waiters lose wake-ups in lesser rings.
func (l *lot) leave(s side, w *waiter) {
	l.mu.Lock()
	if w.listed {
		l.lists[s].remove(w)
		l.parked.Add(-s.one())
		l.recycleLocked(w)
		l.mu.Unlock()
		return
	}
	l.mu.Unlock()
	<-w.woken // sent, or about to be
	l.recycle(w)
	l.wake(s)
}

// wake takes the oldest waiter of the side off its list, if there is one, and lets it run.
func (l *lot) wake(s side) {
	l.mu.Lock()
	w := l.lists[s].first
	if w != nil {
		l.lists[s].remove(w)
		l.parked.Add(-s.one())
	}
	l.mu.Unlock()
	if w != nil {
		w.woken <- struct{}{}
	}
}

// wakeAll wakes those who wait at this moment. They come off the list in one go, so that one who parks again is not
// woken again.
func (l *lot) wakeAll(s side) {
	l.mu.Lock()
	w := l.lists[s].first
	l.lists[s] = list{}
	for v := w; v != nil; v = v.next {
		v.listed = false
		l.parked.Add(-s.one())
	}
	l.mu.Unlock()
	for w != nil {
		next := w.next // w belongs to its owner again once it has its token
		w.next, w.prev = nil, nil
		w.woken <- struct{}{}
		w = next
	}
}

func (l *lot) recycle(w *waiter) {
	l.mu.Lock()
	l.recycleLocked(w)
	l.mu.Unlock()
}

func (l *lot) recycleLocked(w *waiter) {
	w.next, l.free = l.free, w
}

func (l *list) append(w *waiter) {
	w.listed = true
	w.prev = l.last
	if l.last != nil {
		l.last.next = w
	} else {
		l.first = w
	}
	l.last = w
}

func (l *list) remove(w *waiter) {
	if w.prev != nil {
		w.prev.next = w.next
	} else {
		l.first = w.next
	}
	if w.next != nil {
		w.next.prev = w.prev
	} else {
		l.last = w.prev
	}
	w.next, w.prev, w.listed = nil, nil, false
}

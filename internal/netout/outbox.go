package netout

import (
	"context"
	"sync"

	"millrace/pipeline/event"
)

// Outbox is what an output has whose writers hand their turns to one goroutine that sends them: a bound on the bytes of the turns, and the turns that can be
// written to again. The output itself resets those.
type Outbox[T any] struct {
	*Queue[*T]
	// Ctx ends when nothing is sent any more.
	Ctx context.Context

	run    func()
	gate   *Gate
	idle   sync.Pool
	cancel context.CancelFunc
	begin  sync.Once
	sender sync.WaitGroup
}

// NewOutbox returns an outbox for so many bytes. run takes turns and sends them until Ctx ends; it begins with the first.
func NewOutbox[T any](limit int64, run func()) *Outbox[T] {
	o := &Outbox[T]{Queue: NewQueue[*T](), run: run, gate: NewGate(limit)}
	o.idle.New = func() any { return new(T) }
	o.Ctx, o.cancel = context.WithCancel(context.Background())
	return o
}

// Turn returns an empty turn.
func (o *Outbox[T]) Turn() *T { return o.idle.Get().(*T) }

// Hand waits until size bytes fit, and hands t over. If ctx ends before, it returns its error and t stays with the caller.
func (o *Outbox[T]) Hand(ctx context.Context, t *T, size int) error {
	if err := o.gate.Enter(ctx, int64(size)); err != nil {
		return err
	}
	o.Put(t)
	o.begin.Do(func() { o.sender.Go(o.run) })
	return nil
}

// Done takes a turn back of which nothing is left to be sent, and which is empty again. It had b and size bytes.
func (o *Outbox[T]) Done(t *T, b *event.Batch, size int) {
	o.idle.Put(t)
	b.Settle()
	o.gate.Leave(int64(size))
}

// Close waits until nothing is left to be sent or ctx ends, then ends Ctx and waits for run. It returns the bytes that are left.
func (o *Outbox[T]) Close(ctx context.Context) (left int64) {
	left = o.gate.Drain(ctx)
	o.cancel()
	o.sender.Wait()
	return left
}

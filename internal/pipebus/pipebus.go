// Package pipebus carries events between the pipelines of one process: outputs send to addresses, on each of which one input listens.
//
// A bus belongs to one generation of pipelines, which are compiled together and stop together: all senders and receivers are known
// before the first event.
package pipebus

import (
	"context"
	"fmt"
	"sync"

	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Bus knows who sends to which address and who listens there.
type Bus struct {
	mu        sync.Mutex
	receivers map[string]*Receiver // by address
	waiting   map[string]chan struct{}
	senders   []*Sender
}

// New returns a bus that nobody uses yet.
func New() *Bus {
	return &Bus{receivers: make(map[string]*Receiver), waiting: make(map[string]chan struct{})}
}

// Of returns the bus in the surroundings of a plugin; a plugin outside of a program has one of its own.
func Of(env *plugin.Env) *Bus {
	if b, ok := env.Bus.(*Bus); ok {
		return b
	}
	return New()
}

// Receiver is what listens on one address.
type Receiver struct {
	bus      *Bus
	pipeline string
	address  string
	sink     plugin.Sink   // what batches go to while it listens; guarded by bus.mu
	source   *event.Source // of the batches
	changed  chan struct{} // told when a sender is done
}

// Receiver makes the receiver of an address, which belongs to a pipeline. An address has one.
func (b *Bus) Receiver(pipeline, address string) (*Receiver, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if r := b.receivers[address]; r != nil {
		return nil, fmt.Errorf("pipeline %q listens on the address %q already", r.pipeline, address)
	}
	r := &Receiver{bus: b, pipeline: pipeline, address: address, changed: make(chan struct{}, 1)}
	b.receivers[address] = r
	return r, nil
}

// Listen gives batches to out. It returns when every pipeline that sends here has ended; if there is none, when ctx ends. The end of
// ctx alone is no reason to stop: the senders are told to stop by the same signal, and what they still hold is delivered first. A
// sender that this pipeline itself feeds is not waited for, as it waits for this one.
func (r *Receiver) Listen(ctx context.Context, source *event.Source, out plugin.Sink) {
	b := r.bus
	b.mu.Lock()
	r.sink, r.source = out, source
	close(b.arrival(r.address))
	b.mu.Unlock()
	defer r.leave()
	done := ctx.Done()
	for {
		senders, open, circular := r.feeders()
		switch {
		case ctx.Err() != nil && open == 0, senders > 0 && open+circular == 0:
			return
		}
		select {
		case <-r.changed:
		case <-done:
			done = nil
		}
	}
}

// leave makes senders wait for the next listener.
func (r *Receiver) leave() {
	r.bus.mu.Lock()
	defer r.bus.mu.Unlock()
	r.sink = nil
	r.bus.waiting[r.address] = make(chan struct{})
}

// feeders counts who sends here: all, those that are not done, and those that are not done and wait for this pipeline.
func (r *Receiver) feeders() (all, open, circular int) {
	r.bus.mu.Lock()
	defer r.bus.mu.Unlock()
	fed := r.bus.fedBy(r.pipeline)
	for _, s := range r.bus.senders {
		if !s.sendsTo(r.address) {
			continue
		}
		all++
		switch {
		case s.done:
		case fed[s.pipeline]:
			circular++
		default:
			open++
		}
	}
	return all, open, circular
}

// fedBy returns the pipelines that get events of a pipeline, directly or through others. mu is held.
func (b *Bus) fedBy(pipeline string) map[string]bool {
	fed := make(map[string]bool)
	next := []string{pipeline}
	for len(next) > 0 {
		from := next[0]
		next = next[1:]
		for _, s := range b.senders {
			if s.pipeline != from {
				continue
			}
			for _, a := range s.addresses {
				if r := b.receivers[a]; r != nil && !fed[r.pipeline] {
					fed[r.pipeline] = true
					next = append(next, r.pipeline)
				}
			}
		}
	}
	return fed
}

// arrival returns what is closed when somebody listens on an address. mu is held.
func (b *Bus) arrival(address string) chan struct{} {
	c := b.waiting[address]
	if c == nil {
		c = make(chan struct{})
		b.waiting[address] = c
	}
	return c
}

// Sender is one output that sends to addresses.
type Sender struct {
	bus       *Bus
	pipeline  string
	addresses []string
	done      bool // guarded by bus.mu
}

// Sender makes a sender, which belongs to a pipeline.
func (b *Bus) Sender(pipeline string, addresses []string) *Sender {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := &Sender{bus: b, pipeline: pipeline, addresses: addresses}
	b.senders = append(b.senders, s)
	return s
}

func (s *Sender) sendsTo(address string) bool {
	for _, a := range s.addresses {
		if a == address {
			return true
		}
	}
	return false
}

// Done tells that the sender sends nothing any more.
func (s *Sender) Done() {
	b := s.bus
	b.mu.Lock()
	defer b.mu.Unlock()
	s.done = true
	for _, r := range b.receivers { // the end of one may break a circle of others
		select {
		case r.changed <- struct{}{}:
		default:
		}
	}
}

// Push gives b to whoever listens on an address, and blocks while that pipeline takes nothing. If nobody listens, ensure makes it wait
// for somebody, and else b is not taken. absent, if not nil, is called before it waits.
func (s *Sender) Push(ctx context.Context, address string, b *event.Batch, ensure bool, absent func()) (taken bool, err error) {
	for {
		s.bus.mu.Lock()
		var sink plugin.Sink
		if r := s.bus.receivers[address]; r != nil {
			sink, b.Source = r.sink, r.source
		}
		arrival := s.bus.arrival(address)
		known := s.bus.receivers[address] != nil
		s.bus.mu.Unlock()
		if sink != nil {
			err := sink.Push(ctx, b)
			return err == nil, err
		}
		if !ensure && !known {
			return false, nil
		}
		if absent != nil && !known {
			absent()
		}
		select {
		case <-arrival:
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}

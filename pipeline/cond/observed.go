package cond

import (
	"sync/atomic"

	"millrace/pipeline/event"
)

// Observed returns a condition that shows every event it is asked for to look, and never holds: a branch that nothing takes, in
// whose place events can be watched. It belongs to one worker.
func Observed(look func(*event.Event)) *Condition {
	return &Condition{root: observed(look), errs: new(atomic.Int64)}
}

type observed func(*event.Event)

func (f observed) eval(e *event.Event) bool {
	f(e)
	return false
}

func (f observed) clone() node { return f }

package cond

import (
	"sync/atomic"

	"millrace/pipeline/event"
)

// Watcher is told when a condition is asked, and what it answers.
type Watcher interface {
	Asked()
	Answered(held bool)
}

// Watched returns a condition that answers as c does, and tells w. A nil c always holds, as an else does. It belongs to one worker.
func Watched(c *Condition, w Watcher) *Condition {
	if c == nil {
		return &Condition{root: watched{constant(true), w}, errs: new(atomic.Int64)}
	}
	return &Condition{root: watched{c.root, w}, errs: c.errs}
}

type watched struct {
	x node
	w Watcher
}

func (n watched) eval(e *event.Event) bool {
	n.w.Asked()
	held := n.x.eval(e)
	n.w.Answered(held)
	return held
}

func (n watched) clone() node { return watched{n.x.clone(), n.w} }

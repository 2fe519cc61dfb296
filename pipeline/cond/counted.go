package cond

import (
	"sync/atomic"

	"millrace/pipeline/event"
)

// Counts tells how often a condition was asked and how often it held. Workers add to it.
type Counts struct{ Asked, Held atomic.Int64 }

// Counted returns c with its answers counted in n. A nil c always holds, as an else does.
func Counted(c *Condition, n *Counts) *Condition {
	if c == nil {
		return &Condition{root: counted{constant(true), n}, errs: new(atomic.Int64)}
	}
	return &Condition{root: counted{c.root, n}, errs: c.errs}
}

type counted struct {
	x node
	n *Counts
}

func (n counted) eval(e *event.Event) bool {
	n.n.Asked.Add(1)
	held := n.x.eval(e)
	if held {
		n.n.Held.Add(1)
	}
	return held
}

func (n counted) clone() node { return counted{n.x.clone(), n.n} }

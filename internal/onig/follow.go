package onig

// follow describes how what comes next in a pattern can go on: it is what lets the compiler prove that giving back a character or trying another
// alternative is useless. It errs on the side of "possible".
type follow struct {
	bytes byteSet // bytes that may come next
	end   bool    // the text may end here
	sure  bool    // it succeeds whatever comes
	bound bool    // it begins with \b
}

// anything is the follow of which nothing is known.
var anything = follow{bytes: allBytes, end: true}

// certain is the follow of the end of an atomic group: whatever was matched is taken.
var certain = follow{bytes: allBytes, end: true, sure: true}

func (f follow) or(o follow) follow {
	return follow{bytes: f.bytes.or(o.bytes), end: f.end || o.end, sure: f.sure || o.sure, bound: f.bound && o.bound}
}

// followOf returns what can come next in front of n when f describes what comes behind it.
func (c *compiler) followOf(n *node, f follow) follow {
	switch n.kind {
	case nodeAlt, nodeCond, nodeGroup, nodeAtomic, nodeRepeat:
		// What has to consume something does not depend on f, and is asked for again at every level above.
		if n.found.first == nil && !emptyable(n) {
			first := c.computeFollow(n, anything)
			first.sure = false
			n.found.first = &first
		}
		if n.found.first != nil {
			return *n.found.first
		}
	}
	return c.computeFollow(n, f)
}

func (c *compiler) computeFollow(n *node, f follow) follow {
	switch n.kind {
	case nodeEmpty, nodeKeep:
		return f
	case nodeFail:
		return follow{}
	case nodeLit:
		var r follow
		r.bytes.add(n.lit[0])
		return r
	case nodeClass:
		return follow{bytes: c.class(n.set).first}
	case nodeCat:
		// What comes behind the first element that has to consume something does not matter.
		last := 0
		for last < len(n.kids)-1 && emptyable(n.kids[last]) {
			last++
		}
		for i := last; i >= 0; i-- {
			f = c.followOf(n.kids[i], f)
		}
		return f
	case nodeAlt, nodeCond:
		r := c.followOf(n.kids[0], f)
		for _, k := range n.kids[1:] {
			r = r.or(c.followOf(k, f))
		}
		if n.kind == nodeCond {
			r.sure = false
		}
		return r
	case nodeGroup:
		return c.followOf(n.kids[0], f)
	case nodeAtomic:
		r := c.followOf(n.kids[0], follow{bytes: f.bytes, end: f.end, bound: f.bound})
		r.sure = f.sure && c.followOf(n.kids[0], certain).sure
		return r
	case nodeRepeat:
		return c.followOfRepeat(n, f)
	case nodeLook:
		return c.followOfLook(n, f)
	case nodeAnchor:
		return followOfAnchor(n, f)
	}
	return anything
}

func (c *compiler) followOfRepeat(n *node, f follow) follow {
	if n.max == 0 {
		return f
	}
	inner := f
	inner.sure = false
	r := c.followOf(n.kids[0], inner)
	if n.min > 0 {
		r.sure = r.sure && f.sure
		return r
	}
	sure := f.sure
	r = r.or(f)
	r.sure = sure
	return r
}

func (c *compiler) followOfLook(n *node, f follow) follow {
	f.sure = false
	if n.behind {
		f.bound = false
		return f
	}
	if !n.neg {
		r := c.followOf(n.kids[0], anything)
		f.bytes, f.end, f.bound = f.bytes.and(r.bytes), f.end && r.end, false
		return f
	}
	if c.lookHolds(n, f) {
		return f
	}
	if k := n.kids[0]; k.kind == nodeClass || k.kind == nodeLit && len(k.lit) == 1 {
		f.bytes = f.bytes.minus(c.decided(k))
	}
	f.bound = false
	return f
}

// decided returns the bytes that make a one-character node match for certain.
func (c *compiler) decided(n *node) byteSet {
	var b byteSet
	if n.kind == nodeLit {
		b.add(n.lit[0])
		return b
	}
	for i, t := range c.class(n.set).tab {
		if t == tabYes {
			b.add(byte(i))
		}
	}
	return b
}

func followOfAnchor(n *node, f follow) follow {
	bound := n.anchor == anchorWordBound && !n.ascii
	f.sure, f.bound = false, bound
	switch n.anchor {
	case anchorEndText:
		f.bytes = byteSet{}
	case anchorEndLine, anchorSemiEnd:
		var nl byteSet
		nl.add('\n')
		f.bytes = f.bytes.and(nl)
	}
	return f
}

// emptyable reports whether n can match without consuming anything. It errs on the side of yes.
func emptyable(n *node) bool {
	return n.found.empties.ask(n, findEmptyable)
}

func findEmptyable(n *node) bool {
	switch n.kind {
	case nodeLit, nodeClass, nodeCluster, nodeFail:
		return false
	case nodeCat:
		for _, k := range n.kids {
			if !emptyable(k) {
				return false
			}
		}
		return true
	case nodeAlt, nodeCond:
		for _, k := range n.kids {
			if emptyable(k) {
				return true
			}
		}
		return false
	case nodeGroup, nodeAtomic:
		return emptyable(n.kids[0])
	case nodeRepeat:
		return n.min == 0 || emptyable(n.kids[0])
	}
	return true
}

// charRange returns the least and the greatest number of characters n matches.
func charRange(n *node) (least, most int) {
	switch n.kind {
	case nodeCat, nodeGroup, nodeAtomic, nodeAlt, nodeCond, nodeRepeat:
		if f := &n.found; !f.ranged {
			least, most := findCharRange(n)
			f.ranged, f.least, f.most = true, int32(least), int32(most)
		}
		return int(n.found.least), int(n.found.most)
	}
	return findCharRange(n)
}

func findCharRange(n *node) (least, most int) {
	switch n.kind {
	case nodeLit:
		l, _ := charLen(n)
		return l, l
	case nodeClass:
		return 1, 1
	case nodeCat, nodeGroup, nodeAtomic:
		for _, k := range n.kids {
			a, b := charRange(k)
			least, most = addLength(least, a), addLength(most, b)
		}
		return least, most
	case nodeAlt, nodeCond:
		least = lengthLimit
		for _, k := range n.kids {
			a, b := charRange(k)
			least, most = min(least, a), max(most, b)
		}
		return least, most
	case nodeRepeat:
		a, b := charRange(n.kids[0])
		return mulLength(a, n.min), mulLength(b, n.max)
	case nodeCluster:
		return 1, lengthLimit
	case nodeBackref, nodeCall, nodeAbsent:
		return 0, lengthLimit
	}
	return 0, 0
}

package onig

import "unicode/utf8"

// before describes what can stand in front of a place in the pattern: the last byte of the character there, or the beginning of the text. With it, and with
// what follows, many word boundaries and look-arounds of composed patterns turn out to hold always.
type before struct {
	bytes byteSet
	start bool
}

var unknownBefore = before{bytes: allBytes, start: true}

func (b before) or(o before) before { return before{b.bytes.or(o.bytes), b.start || o.start} }

// wordBytes are the ASCII word characters, highBytes what is part of any other character.
var wordBytes, highBytes = func() (w, h byteSet) {
	for b := range 256 {
		if b >= utf8.RuneSelf {
			h.add(byte(b))
		} else if isWord(rune(b)) {
			w.add(byte(b))
		}
	}
	return w, h
}()

// endsOf returns the last bytes of what n matches, where that is not the empty text.
func (c *compiler) endsOf(n *node) byteSet {
	switch n.kind {
	case nodeLit, nodeClass, nodeEmpty, nodeAnchor, nodeLook:
		return c.findEnds(n) // cheaper than keeping it
	}
	if n.ends == nil {
		ends := c.findEnds(n)
		n.ends = &ends
	}
	return *n.ends
}

func (c *compiler) findEnds(n *node) byteSet {
	var r byteSet
	switch n.kind {
	case nodeLit:
		r.add(n.lit[len(n.lit)-1])
	case nodeClass:
		r = c.class(n.set).first
		if !r.and(highBytes).empty() {
			r = r.or(highBytes)
		}
	case nodeCat, nodeGroup, nodeAtomic:
		for i := len(n.kids) - 1; i >= 0; i-- {
			r = r.or(c.endsOf(n.kids[i]))
			if !emptyable(n.kids[i]) {
				break
			}
		}
	case nodeAlt, nodeCond:
		for _, k := range n.kids {
			r = r.or(c.endsOf(k))
		}
	case nodeRepeat:
		r = c.endsOf(n.kids[0])
	case nodeEmpty, nodeFail, nodeKeep, nodeLook, nodeAnchor:
	default:
		r = allBytes
	}
	return r
}

// markBefore notes at anchors and look-arounds what can stand in front of them, given what can stand in front of n, and returns what can behind n.
// A node may stand at several places, so what is noted is added to what was noted before.
func (c *compiler) markBefore(n *node, b before) before {
	switch n.kind {
	case nodeCat, nodeGroup, nodeAtomic:
		after := b
		for _, k := range n.kids {
			after = c.markBefore(k, after)
		}
	case nodeAlt, nodeCond:
		for _, k := range n.kids {
			c.markBefore(k, b)
		}
	case nodeRepeat:
		c.markBefore(n.kids[0], b.or(before{bytes: c.endsOf(n.kids[0])}))
	case nodeLook, nodeAnchor:
		noted := b
		if n.before != nil {
			noted = b.or(*n.before)
		}
		n.before = &noted
		for _, k := range n.kids {
			if n.behind {
				c.markBefore(k, unknownBefore)
			} else {
				c.markBefore(k, b)
			}
		}
		return b
	case nodeAbsent:
		c.markBefore(n.kids[0], unknownBefore)
	case nodeBackref, nodeCall, nodeCluster:
		return unknownBefore
	}
	after := before{bytes: c.endsOf(n)}
	if emptyable(n) {
		after = after.or(b)
	}
	return after
}

// boundHolds reports whether a word boundary at n is certain, whenever what follows can match at all.
func boundHolds(n *node, f follow) bool {
	if n.before == nil {
		return false
	}
	b := n.before
	wordly := wordBytes.or(highBytes)
	afterWord := !b.start && b.bytes.minus(wordBytes).empty() && f.bytes.and(wordly).empty()
	beforeWord := b.bytes.and(wordly).empty() && !f.end && f.bytes.minus(wordBytes).empty()
	return afterWord || beforeWord
}

// lookHolds reports whether the negative look-around n is certain to hold.
func (c *compiler) lookHolds(n *node, f follow) bool {
	if !n.neg || len(n.kids) != 1 {
		return false
	}
	k := n.kids[0]
	if !n.behind {
		return !emptyable(k) && c.followOf(k, anything).bytes.and(f.bytes).empty()
	}
	if n.before == nil {
		return false
	}
	s := oneChar(k)
	if s == nil {
		return false
	}
	last := c.class(s).first
	if !last.and(highBytes).empty() {
		last = last.or(highBytes)
	}
	return last.and(n.before.bytes).empty()
}

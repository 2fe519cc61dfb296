package onig

import (
	"slices"
	"unicode/utf8"
)

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

// wordBit is 1 for a word character.
func wordBit(c byte) uint64 { return wordBytes[c>>6] >> (c & 63) & 1 }

// endsOf returns the last bytes of what n matches, where that is not the empty text.
func (c *compiler) endsOf(n *node) byteSet {
	switch n.kind {
	case nodeLit, nodeClass, nodeEmpty, nodeAnchor, nodeLook:
		return c.findEnds(n) // cheaper than keeping it
	}
	if n.found.ends == nil {
		ends := c.findEnds(n)
		n.found.ends = &ends
	}
	return *n.found.ends
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

// placeKey is a node of several patterns behind something.
type placeKey struct {
	n *node
	b before
}

// place returns n with notes, at the anchors and look-arounds that want to know, of what can stand in front of them, given what can stand in front of n. It also
// returns what can stand behind n.
func (c *compiler) place(n *node, b before) (*node, before) {
	switch n.kind {
	case nodeBackref, nodeCall, nodeCluster:
		return n, unknownBefore
	case nodeLook, nodeAnchor:
		return c.placeKids(n, b), b
	}
	after := before{bytes: c.endsOf(n)}
	if emptyable(n) {
		after = after.or(b)
	}
	if !looksBefore(n) {
		return n, after
	}
	if !n.shared {
		return c.placeKids(n, b), after
	}
	key := placeKey{n, b}
	k := c.placed[key]
	if k == nil {
		k = c.placeKids(n, b)
		markShared(k)
		c.placed[key] = k
	}
	return k, after
}

// looksBefore reports whether an anchor or a look-around in n wants to know what stands in front of it.
func looksBefore(n *node) bool { return n.found.looks.ask(n, findLooksBefore) }

func findLooksBefore(n *node) bool {
	if n.kind == nodeAnchor && n.anchor == anchorWordBound || n.kind == nodeLook && n.neg && n.behind {
		return true
	}
	for _, k := range n.kids {
		if looksBefore(k) {
			return true
		}
	}
	return false
}

func (c *compiler) placeKids(n *node, b before) *node {
	if !looksBefore(n) {
		return n
	}
	k := n.clone()
	k.kids = slices.Clone(n.kids)
	inner := b
	switch n.kind {
	case nodeAnchor, nodeLook:
		k.before = &b
		if n.behind {
			inner = unknownBefore
		}
	case nodeRepeat:
		inner = b.or(before{bytes: c.endsOf(n.kids[0])})
	case nodeAbsent:
		inner = unknownBefore
	case nodeCat, nodeGroup, nodeAtomic:
		for i, kid := range k.kids {
			k.kids[i], inner = c.place(kid, inner)
		}
		return k
	}
	for i, kid := range k.kids {
		k.kids[i], _ = c.place(kid, inner)
	}
	return k
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

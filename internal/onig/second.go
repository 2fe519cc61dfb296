package onig

// secondBytes returns the bytes that can come second in a match of n, and whether the text may end behind the first; f describes what follows n. It is
// asked for the start of a pattern, where it rules out most places that have a fitting first byte.
func (c *compiler) secondBytes(n *node, f follow) (b byteSet, end bool) {
	switch n.kind {
	case nodeEmpty, nodeFail:
		return b, false
	case nodeLit:
		if len(n.lit) > 1 {
			b.add(n.lit[1])
			return b, false
		}
		return f.bytes, f.end
	case nodeClass:
		if !c.class(n.set).first.and(highBytes).empty() {
			return allBytes, true
		}
		return f.bytes, f.end
	case nodeGroup, nodeAtomic:
		return c.secondBytes(n.kids[0], f)
	case nodeAlt:
		for _, k := range n.kids {
			kb, ke := c.secondBytes(k, f)
			b, end = b.or(kb), end || ke
		}
		return b, end
	case nodeRepeat:
		if n.max == 0 {
			return b, false
		}
		return c.secondBytes(n.kids[0], c.followOf(n.kids[0], f).or(f))
	case nodeCat:
		follows := make([]follow, len(n.kids)+1)
		follows[len(n.kids)] = f
		for i := len(n.kids) - 1; i >= 0; i-- {
			follows[i] = c.followOf(n.kids[i], follows[i+1])
		}
		for i, k := range n.kids {
			if k.kind != nodeAnchor && k.kind != nodeLook && k.kind != nodeKeep {
				kb, ke := c.secondBytes(k, follows[i+1])
				b, end = b.or(kb), end || ke
			}
			if !emptyable(k) {
				return b, end
			}
		}
		return b, end
	}
	return allBytes, true
}

// leadingAny reports whether n begins with a run of any characters whatever: if such a pattern fails where a search starts, it fails everywhere.
func (c *compiler) leadingAny(n *node) bool {
	switch n.kind {
	case nodeCat, nodeGroup:
		return c.leadingAny(n.kids[0])
	case nodeRepeat:
		s := oneChar(n.kids[0])
		return s != nil && n.max == infinite && n.mode != possessive && c.class(s).any
	}
	return false
}

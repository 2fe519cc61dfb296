package onig

import "slices"

// simplify rewrites the tree into an equivalent one that is cheaper to run: no nested sequences, joined literals, one class where one-character
// alternatives stood.
func (c *compiler) simplify(n *node) *node {
	if n.shared {
		return c.simplifyShared(n)
	}
	n = c.simplifyKids(n)
	switch n.kind {
	case nodeCat:
		return c.simplifyCat(n)
	case nodeAlt:
		return c.simplifyAlt(n)
	case nodeRepeat:
		return c.simplifyRepeat(n)
	case nodeClass:
		if r, ok := n.set.single(); ok {
			return &node{kind: nodeLit, lit: string(r), src: n.src, end: n.end}
		}
		if n.set.empty() {
			return &node{kind: nodeFail, src: n.src, end: n.end}
		}
	case nodeAtomic:
		switch n.kids[0].kind {
		case nodeLit, nodeClass, nodeEmpty, nodeFail, nodeAtomic, nodeAnchor:
			return n.kids[0]
		}
	}
	return n
}

// simplifyKids simplifies what n is made of. Nodes stay as the parser made them, because it may show a kept one to another pattern; but a call knows a group by
// its node, and groups are not kept.
func (c *compiler) simplifyKids(n *node) *node {
	out := n
	for i, k := range n.kids {
		s := c.simplify(k)
		if s == k {
			continue
		}
		if out == n && n.kind != nodeGroup {
			out = n.clone()
			out.kids = slices.Clone(n.kids)
		}
		out.kids[i] = s
	}
	return out
}

func (c *compiler) simplifyCat(n *node) *node {
	if flatCat(n) {
		return n
	}
	if len(n.kids) == 1 {
		return n.kids[0]
	}
	out := make([]*node, 0, len(n.kids)+2)
	var add func(kids []*node)
	add = func(kids []*node) {
		for _, k := range kids {
			switch {
			case k.kind == nodeCat:
				add(k.kids)
			case k.kind == nodeEmpty:
			case k.kind == nodeLit && len(out) > 0 && out[len(out)-1].kind == nodeLit:
				last := out[len(out)-1]
				out[len(out)-1] = &node{kind: nodeLit, lit: last.lit + k.lit, src: last.src, end: k.end}
			default:
				out = append(out, k)
			}
		}
	}
	add(n.kids)
	cat := newCat(out)
	if len(out) == 0 {
		cat.src, cat.end = n.src, n.end
	}
	return cat
}

// flatCat reports whether a sequence of several elements is as simplifyCat would leave it.
func flatCat(n *node) bool {
	for i, k := range n.kids {
		if k.kind == nodeCat || k.kind == nodeEmpty || i > 0 && k.kind == nodeLit && n.kids[i-1].kind == nodeLit {
			return false
		}
	}
	return len(n.kids) > 1
}

func (c *compiler) simplifyRepeat(n *node) *node {
	k := n.kids[0]
	switch {
	case n.max == 0 && !hasGroup(k):
		return &node{kind: nodeEmpty, src: n.src, end: n.end}
	case k.kind == nodeEmpty:
		return k
	case n.min == 1 && n.max == 1 && n.mode != possessive:
		return k
	}
	return n
}

func hasGroup(n *node) bool {
	if n.kind == nodeGroup {
		return true
	}
	for _, k := range n.kids {
		if hasGroup(k) {
			return true
		}
	}
	return false
}

// oneChar returns the set of a node that matches exactly one character, nil for any other node.
func oneChar(n *node) *charSet {
	switch n.kind {
	case nodeClass:
		return n.set
	case nodeLit:
		rs := []rune(n.lit)
		if len(rs) == 1 {
			return &charSet{r: []runeRange{{rs[0], rs[0]}}}
		}
	}
	return nil
}

func (c *compiler) simplifyAlt(n *node) *node {
	var out []*node
	var add func(kids []*node)
	add = func(kids []*node) {
		for _, k := range kids {
			if k.kind == nodeAlt {
				add(k.kids)
				continue
			}
			if k.kind == nodeFail {
				continue
			}
			if len(out) > 0 {
				last := out[len(out)-1]
				if a := oneChar(last); a != nil {
					if b := oneChar(k); b != nil {
						out[len(out)-1] = &node{kind: nodeClass, set: a.union(b), src: last.src, end: k.end}
						continue
					}
				}
			}
			out = append(out, k)
		}
	}
	add(n.kids)
	if len(out) == 0 {
		return &node{kind: nodeFail, src: n.src, end: n.end}
	}
	out = c.factor(out)
	return newAlt(out)
}

package onig

import (
	"slices"
	"unicode/utf8"
)

// factorLimit is how many alternatives are compared pairwise; longer lists are left to the table of first bytes.
const factorLimit = 500

// factor puts what alternatives begin with in common in front of them: Jan|Jun becomes J(?:an|un), so lists of words become tries, and the eight forms of
// an IPv6 address share their groups. Only what can match in a single way may be shared, otherwise the order in which matches are tried would change.
// Alternatives are moved next to each other across others that start with other bytes.
func (c *compiler) factor(kids []*node) []*node {
	if len(kids) < 2 || len(kids) > factorLimit {
		return kids
	}
	firsts := make([]byteSet, len(kids))
	seqs := make([][]*node, len(kids))
	for i, k := range kids {
		firsts[i] = c.followOf(k, anything).bytes
		seqs[i] = sequence(k)
	}
	used := make([]bool, len(kids))
	var out []*node
	for i := range kids {
		if used[i] {
			continue
		}
		group := []int{i}
		var between byteSet // what the alternatives that are passed over start with
		for j := i + 1; j < len(kids); j++ {
			if used[j] {
				continue
			}
			if between.and(firsts[j]).empty() && sharesHead(seqs[i], seqs[j]) {
				group = append(group, j)
				continue
			}
			between = between.or(firsts[j])
		}
		if len(group) > 1 {
			if n := c.shareGroup(kids, seqs, group); n != nil {
				for _, g := range group {
					used[g] = true
				}
				out = append(out, n)
				continue
			}
		}
		out = append(out, kids[i])
	}
	return out
}

// sequence returns the elements of a node as a list.
func sequence(n *node) []*node {
	switch n.kind {
	case nodeCat:
		return n.kids
	case nodeEmpty:
		return nil
	}
	return []*node{n}
}

// peel writes out the first iteration of a leading repeat, so that it can be compared with another one.
func peel(seq []*node) []*node {
	if len(seq) == 0 || seq[0].kind != nodeRepeat {
		return seq
	}
	r := seq[0]
	if r.min < 1 || r.mode != greedy || oneChar(r.kids[0]) != nil || !plainNode(r.kids[0]) {
		return seq
	}
	out := slices.Clone(sequence(r.kids[0]))
	if r.max > 1 {
		rest := r.clone()
		rest.min--
		if rest.max != infinite {
			rest.max--
		}
		rest.quant = false
		if rest.min == 1 && rest.max == 1 {
			out = append(out, sequence(r.kids[0])...)
		} else {
			out = append(out, rest)
		}
	}
	return append(out, seq[1:]...)
}

// plainNode reports whether n is free of captures and of whatever else must not be moved or written twice.
func plainNode(n *node) bool { return n.found.plain.ask(n, findPlain) }

func findPlain(n *node) bool {
	switch n.kind {
	case nodeGroup, nodeBackref, nodeCall, nodeCond, nodeKeep, nodeAbsent:
		return false
	}
	for _, k := range n.kids {
		if !plainNode(k) {
			return false
		}
	}
	return true
}

// sharesHead is a quick test whether two sequences have something in common at the start.
func sharesHead(a, b []*node) bool {
	a, b = peel(a), peel(b)
	if len(a) == 0 || len(b) == 0 {
		return false
	}
	if a[0].kind == nodeLit && b[0].kind == nodeLit {
		return commonText(a[0].lit, b[0].lit) > 0
	}
	return equalNodes(a[0], b[0])
}

// commonText measures the common start of two texts in whole characters.
func commonText(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	for n > 0 && (n < len(a) && !utf8.RuneStart(a[n]) || n < len(b) && !utf8.RuneStart(b[n])) {
		n--
	}
	return n
}

func equalNodes(a, b *node) bool {
	if a == b {
		return true
	}
	if a.kind != b.kind || a.mode != b.mode || a.anchor != b.anchor || a.ascii != b.ascii || a.neg != b.neg || a.behind != b.behind || a.fold != b.fold ||
		a.min != b.min || a.max != b.max || a.lit != b.lit || len(a.kids) != len(b.kids) || !plainNode(a) {
		return false
	}
	if a.set != b.set && (a.set == nil || b.set == nil || !a.set.equal(b.set)) {
		return false
	}
	return slices.EqualFunc(a.kids, b.kids, equalNodes)
}

// shareGroup builds the node of the alternatives in group, nil if they have nothing to share after all.
func (c *compiler) shareGroup(kids []*node, seqs [][]*node, group []int) *node {
	lists := make([][]*node, len(group))
	for i, g := range group {
		lists[i] = peel(seqs[g])
	}
	var prefix []*node
	for {
		head := c.commonHead(lists)
		if head == nil {
			break
		}
		prefix = append(prefix, head)
	}
	// A run may only be shared together with something behind it that it cannot swallow.
	for len(prefix) > 0 && prefix[len(prefix)-1].kind == nodeRepeat {
		last := prefix[len(prefix)-1]
		prefix = prefix[:len(prefix)-1]
		for i := range lists {
			lists[i] = append([]*node{last}, lists[i]...)
		}
	}
	if len(prefix) == 0 {
		return nil
	}
	rests := make([]*node, len(lists))
	for i, l := range lists {
		rests[i] = newCat(l)
		if len(l) == 0 {
			rests[i].src = kids[group[i]].src
		}
	}
	rest := c.simplifyAlt(&node{kind: nodeAlt, kids: rests, src: rests[0].src, end: rests[len(rests)-1].end})
	return c.simplifyCat(&node{kind: nodeCat, kids: append(prefix, rest), src: kids[group[0]].src})
}

// commonHead takes the first element off all lists if it is the same in all and can match in one way only.
func (c *compiler) commonHead(lists [][]*node) *node {
	for _, l := range lists {
		if len(l) == 0 {
			return nil
		}
	}
	first := lists[0][0]
	if first.kind == nodeLit {
		n := len(first.lit)
		for _, l := range lists {
			if l[0].kind != nodeLit {
				return nil
			}
			n = min(n, commonText(first.lit, l[0].lit))
		}
		for n > 0 && n < len(first.lit) && !utf8.RuneStart(first.lit[n]) {
			n--
		}
		if n == 0 {
			return nil
		}
		for i, l := range lists {
			if n == len(l[0].lit) {
				lists[i] = l[1:]
				continue
			}
			cut := l[0].clone()
			cut.lit, cut.src = cut.lit[n:], cut.src+n
			lists[i] = append([]*node{cut}, l[1:]...)
		}
		head := first.clone()
		head.lit = first.lit[:n]
		return head
	}
	for _, l := range lists[1:] {
		if !equalNodes(first, l[0]) {
			return nil
		}
	}
	if !c.singleWay(first, lists[0][1:]) {
		return nil
	}
	for i, l := range lists {
		lists[i] = l[1:]
	}
	return first
}

// singleWay reports whether n, followed by what every list goes on with, matches in one way at most.
func (c *compiler) singleWay(n *node, rest []*node) bool {
	switch n.kind {
	case nodeClass, nodeAnchor, nodeAtomic:
		return plainNode(n)
	case nodeLook:
		return plainNode(n)
	case nodeRepeat:
		s := oneChar(n.kids[0])
		if s == nil {
			return false
		}
		if n.mode == possessive || n.min == n.max {
			return true
		}
		return len(rest) > 0 && (rest[0].kind == nodeLit || rest[0].kind == nodeClass) &&
			c.followOf(rest[0], anything).bytes.and(c.class(s).first).empty()
	}
	return false
}

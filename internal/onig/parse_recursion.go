package onig

// What a walk in search of a group's calls to itself found.
const (
	recursionNone    = 0
	recursionAlways  = 1 // every match has to pass one
	recursionEndless = 2 // one is reached before anything was consumed
)

// recursionChecker looks for groups that call themselves with no way out, by Oniguruma's rules.
type recursionChecker struct {
	p      *parser
	root   *node
	target int
	seen   []bool
	steps  int
}

// checkRecursion refuses endless recursion.
func (p *parser) checkRecursion(root *node) {
	for g := 0; g <= len(p.groups); g++ {
		r := &recursionChecker{p: p, root: root, target: g, seen: make([]bool, len(p.groups)+1)}
		at := 0
		if g > 0 {
			at = p.groups[g-1].node.src
		}
		if r.walk(r.body(g), true) > recursionNone {
			p.failAt(at, "never ending recursion")
		}
	}
}

func (r *recursionChecker) body(g int) *node {
	if g == 0 {
		return r.root
	}
	return r.p.groups[g-1].node.kids[0]
}

// enter walks into group g.
func (r *recursionChecker) enter(g int, head bool) int {
	// Groups that call each other many times over would take exponential time; the limit only lets an endless one through, which the VM stops.
	if r.steps++; r.steps > 100000 || r.seen[g] {
		return recursionNone
	}
	if g == r.target {
		if head {
			return recursionEndless
		}
		return recursionAlways
	}
	r.seen[g] = true
	v := r.walk(r.body(g), head)
	r.seen[g] = false
	return v
}

// walk looks through n; head says that nothing has been consumed yet.
func (r *recursionChecker) walk(n *node, head bool) int {
	switch n.kind {
	case nodeCall:
		return r.enter(n.refs[0], head)
	case nodeGroup:
		return r.enter(n.group, head)
	case nodeAlt, nodeCond:
		v := recursionAlways
		for _, k := range n.kids {
			w := r.walk(k, head)
			if w == recursionEndless {
				return w
			}
			v &= w
		}
		return v
	case nodeRepeat:
		v := r.walk(n.kids[0], head)
		if v == recursionAlways && n.min == 0 {
			return recursionNone
		}
		return v
	}
	v := recursionNone
	for _, k := range n.kids {
		w := r.walk(k, head)
		if w == recursionEndless {
			return w
		}
		v |= w
		if head && r.consumes(k, 0) {
			head = false
		}
	}
	return v
}

// consumes reports whether n matches at least one character in any case.
func (r *recursionChecker) consumes(n *node, depth int) bool {
	if r.steps++; depth > 20 || r.steps > 100000 {
		return true
	}
	switch n.kind {
	case nodeLit, nodeClass, nodeCluster:
		return true
	case nodeCall:
		return r.consumes(r.body(n.refs[0]), depth+1)
	case nodeCat, nodeGroup, nodeAtomic:
		for _, k := range n.kids {
			if r.consumes(k, depth) {
				return true
			}
		}
	case nodeAlt, nodeCond:
		for _, k := range n.kids {
			if !r.consumes(k, depth) {
				return false
			}
		}
		return true
	case nodeRepeat:
		return n.min > 0 && r.consumes(n.kids[0], depth)
	case nodeBackref:
		for _, g := range n.refs {
			if g == r.target || r.seen[g] || !r.consumes(r.body(g), depth+1) {
				return false // a group that refers to itself may have matched nothing
			}
		}
		return true
	}
	return false
}

package onig

import "unicode/utf8"

// Repeats of an expression are written out up to this many nodes, which saves counting; beyond, a counter is used.
const unrollLimit = 200

func treeSize(n *node) int {
	if len(n.kids) == 0 {
		return 1
	}
	if n.found.size == 0 {
		n.found.size = int32(findTreeSize(n))
	}
	return int(n.found.size)
}

func findTreeSize(n *node) int {
	size := 1
	for _, k := range n.kids {
		s := treeSize(k)
		if n.behind {
			least, most := charRange(k)
			s = mulLength(s, most-least+1) // written out for each length
		}
		size = addLength(size, s)
	}
	if n.kind == nodeRepeat && oneChar(n.kids[0]) == nil {
		copies := n.min
		if n.max != infinite {
			copies = n.max
		}
		size = mulLength(size, max(1, copies))
	}
	return size
}

// writtenSize bounds the size of the program of n, where a repeat without limit stands once more than it has to match.
func writtenSize(n *node) int {
	if len(n.kids) == 0 {
		return 1
	}
	if n.found.written == 0 {
		n.found.written = int32(findWrittenSize(n))
	}
	return int(n.found.written)
}

func findWrittenSize(n *node) int {
	size := 1
	for _, k := range n.kids {
		s := writtenSize(k)
		if n.behind {
			least, most := charRange(k)
			s = mulLength(s, most-least+1)
		}
		size = addLength(size, s)
	}
	if n.kind == nodeRepeat && oneChar(n.kids[0]) == nil {
		copies := n.max
		if n.max == infinite {
			copies = addLength(n.min, 1)
		}
		size = mulLength(size, max(1, copies))
	}
	return size
}

// genRepeat generates n times something.
func (c *compiler) genRepeat(n *node, next int32, f follow) int32 {
	body := n.kids[0]
	if s := oneChar(body); s != nil {
		return c.genSpan(n, c.class(s), next, f)
	}
	if n.mode == possessive {
		inner := n.clone()
		inner.mode = greedy
		return c.genAtomic(inner, next, int32(n.src))
	}
	copies := n.min
	if n.max != infinite {
		copies = n.max
	}
	if copies > 1 && mulLength(treeSize(body), copies) > unrollLimit || copies > 64 {
		return c.genCounted(n, next, f)
	}
	if pc, ok := c.genEscaped(n, next, f); ok {
		return pc
	}
	if n.max == infinite {
		next, f = c.genStar(n, next, f)
	} else {
		// x{2,4} is xx(?:x(?:x)?)?
		skip, fs := next, f
		if n.min == 0 && n.max == 1 {
			if peek, ok := c.genPeek(n, next, f); ok {
				return peek
			}
		}
		for i := n.min; i < n.max; i++ {
			take := c.gen(body, next, f)
			ft := c.followOf(body, f)
			next, f = c.either(n, take, skip, ft, fs)
		}
	}
	for i := 0; i < n.min; i++ {
		next = c.gen(body, next, f)
		f = c.followOf(body, f)
	}
	return next
}

// genEscaped generates the inside of a quoted text, such as (?>\\.|[^\\"]+)+, as one run: of bytes that are neither a quote nor a backslash, and of backslashes
// with what they escape. Nothing is given back, because what follows cannot start where the run goes on.
func (c *compiler) genEscaped(n *node, next int32, f follow) (int32, bool) {
	body := n.kids[0]
	if c.plain || n.min > 1 || n.max != infinite || n.mode != greedy || body.kind != nodeAtomic || body.kids[0].kind != nodeAlt || len(body.kids[0].kids) != 2 {
		return 0, false
	}
	escape, run := body.kids[0].kids[0], body.kids[0].kids[1]
	if run.kind != nodeRepeat || run.min != 1 || run.max != infinite || run.mode != greedy || run.kids[0].kind != nodeClass ||
		escape.kind != nodeCat || len(escape.kids) != 2 || escape.kids[0].kind != nodeLit || len(escape.kids[0].lit) != 1 || escape.kids[1].kind != nodeClass {
		return 0, false
	}
	b := escape.kids[0].lit[0]
	plain, escaped := c.class(run.kids[0].set), c.class(escape.kids[1].set)
	starts := plain.first
	starts.add(b)
	if b >= utf8.RuneSelf || plain.first.has(b) || !plain.allHigh || !escaped.allHigh || !starts.and(f.bytes).empty() {
		return 0, false
	}
	return c.emit(inst{op: opSpanEscaped, cls: plain, tab: &escaped.tab, b: b, min: int32(n.min), next: next, src: int32(n.src)}), true
}

// genPeek generates an optional pair of bytes such as (?:\.[0-9]+)? where what follows succeeds anyway, as in an atomic group: the two bytes decide, and no
// way back is needed.
func (c *compiler) genPeek(n *node, next int32, f follow) (int32, bool) {
	body := n.kids[0]
	if c.plain || n.mode != greedy || !f.sure || body.kind != nodeCat || len(body.kids) != 2 {
		return 0, false
	}
	second := body.kids[1]
	if second.kind == nodeRepeat && second.min <= 1 && second.max > 0 {
		second = second.kids[0]
		if body.kids[1].min == 0 {
			return 0, false
		}
	}
	a, b := oneChar(body.kids[0]), oneChar(second)
	if a == nil || b == nil {
		return 0, false
	}
	ca, cb := c.class(a), c.class(b)
	if !ca.bytewise || ca.allHigh || !cb.bytewise {
		return 0, false
	}
	return c.emit(inst{op: opPeek, cls: ca, tab: &cb.tab, next: c.gen(body, next, f), alt: next, src: int32(n.src)}), true
}

// either emits the choice between an iteration and none, in the order the mode asks for, and what can come next in front of it.
func (c *compiler) either(n *node, take, skip int32, ft, fs follow) (int32, follow) {
	if c.plain {
		ft, fs = anything, anything
	}
	r := ft.or(fs)
	if n.mode == lazy {
		return c.branch(skip, take, fs, ft, int32(n.src)), r
	}
	return c.branch(take, skip, ft, fs, int32(n.src)), r
}

// loopFollow returns what can come next at the head of a loop over body.
func (c *compiler) loopFollow(body *node, f follow) follow {
	head := f
	for range 2 {
		inner := head
		inner.sure = false
		r := c.followOf(body, inner).or(f)
		r.sure = f.sure
		head = r
	}
	return head
}

// genStar generates a loop without limits, and returns what can come next at its head too.
func (c *compiler) genStar(n *node, next int32, f follow) (int32, follow) {
	body := n.kids[0]
	head := c.loopFollow(body, f)
	loop := c.emit(inst{op: opBranch, src: int32(n.src)})
	entry := int32(0)
	if emptyable(body) {
		reg := c.newRegs(1)
		check := c.emit(inst{op: opEmptyCheck, reg: reg, next: loop, alt: next, src: int32(n.src)})
		inner := head
		inner.sure = false
		entry = c.gen(body, check, inner)
		entry = c.emit(inst{op: opEmptyMark, reg: reg, next: entry, src: int32(n.src)})
	} else {
		entry = c.gen(body, loop, head)
	}
	inner := head
	inner.sure = false
	ft, fs := c.followOf(body, inner), f
	if c.plain {
		ft, fs = anything, anything
	}
	if c.tooBig {
		return 0, head
	}
	i := c.prog[loop]
	if n.mode == lazy {
		c.setBranch(&i, next, entry, fs, ft)
	} else {
		c.setBranch(&i, entry, next, ft, fs)
	}
	c.prog[loop] = i
	return loop, head
}

// genCounted generates a loop with a counter.
func (c *compiler) genCounted(n *node, next int32, f follow) int32 {
	body := n.kids[0]
	reg := c.newRegs(2)
	i := inst{op: opCountLoop, reg: reg, min: int32(n.min), max: int32(n.max), next: next, src: int32(n.src)}
	if n.mode == lazy {
		i.flags |= flagLazy
	}
	c.leaves = true
	loop := c.emit(i)
	back := loop
	if emptyable(body) {
		// After an empty iteration all that are still missing can be empty too.
		back = c.emit(inst{op: opEmptyCheck, reg: reg + 1, next: loop, alt: next, src: int32(n.src)})
	}
	head := c.loopFollow(body, f)
	head.sure = false
	c.noMemo++
	entry := c.gen(body, back, head)
	c.noMemo--
	if back != loop {
		entry = c.emit(inst{op: opEmptyMark, reg: reg + 1, next: entry, src: int32(n.src)})
	}
	if c.tooBig {
		return 0
	}
	c.prog[loop].alt = entry
	return c.emit(inst{op: opCountInit, reg: reg, next: loop, src: int32(n.src)})
}

// genSpan generates a run of one class.
func (c *compiler) genSpan(n *node, cl *class, next int32, f follow) int32 {
	if n.max == 0 {
		return next
	}
	i := inst{op: opSpanBack, cls: cl, next: next, min: int32(n.min), max: int32(n.max), src: int32(n.src), tab: c.followTable(f)}
	if f.end {
		i.flags |= flagEndOK
	}
	if n.max == infinite {
		i.flags |= flagUnbound
	}
	mode := n.mode
	if !c.plain && mode != possessive {
		disjoint := f.bytes.and(cl.first).empty()
		switch {
		case mode == greedy && (f.sure || disjoint || f.bound && n.min > 0 && wordOnly(cl.set)):
			mode = possessive
		case mode == lazy && disjoint:
			// What follows cannot start inside the run, so the shortest run that leads on is the whole one.
			mode = possessive
		case mode == lazy && f.sure:
			return c.genSpan(&node{kind: nodeRepeat, min: n.min, max: n.min, kids: n.kids, src: n.src}, cl, next, f)
		}
	}
	if n.min == n.max {
		mode = possessive
	}
	ascii := cl.bytewise && !cl.allHigh
	fast := ascii || cl.bytewise && n.min <= 1 && n.max == infinite
	switch {
	case mode == lazy:
		i.op = opSpanLazy
	case mode == possessive && fast:
		i.op = opSpanFast
	case mode == possessive:
		i.op = opSpan
	case fast:
		i.op = opSpanGreedy
	}
	if i.op == opSpanLazy || i.op == opSpanGreedy || i.op == opSpanBack {
		c.leaves = true
	}
	return c.emit(i)
}

// wordOnly reports whether every member of s is a word character: between two of them there is no word boundary.
func wordOnly(s *charSet) bool {
	if s.invalid {
		return false
	}
	for _, r := range s.subtract(wordSet()).r {
		if r.lo <= r.hi {
			return false
		}
	}
	return true
}

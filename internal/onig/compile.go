package onig

import "slices"

// compiler turns a tree into a program, back to front: when an instruction is made, what follows it is known.
type compiler struct {
	prog []inst
	*shared
	src       string
	groups    []groupInfo
	root      *node
	regs      int32 // registers in use: two a capture, then counters and marks
	ret       int32 // register of the return address, if there are calls
	calls     bool
	plain     bool // no rewriting by what follows: the debug variant, whose failures name the place that failed
	leaves    bool // what was generated last may leave alternatives on the stack
	subs      map[int]int32
	pending   []int // groups whose subroutine is still to be generated
	tooBig    bool
	memos     int
	traces    int32
	noMemo    int // inside look-arounds and the like, where alternatives depend on more than the position
	builder   *builder
	dependent bool // the whole pattern is such a place
}

func (c *compiler) class(s *charSet) *class {
	if cl := c.bySet[s]; cl != nil {
		return cl
	}
	cl := c.equalClass(s)
	c.bySet[s] = cl
	return cl
}

// equalClass makes equal classes one.
func (c *compiler) equalClass(s *charSet) *class {
	key := make([]byte, 0, 8*len(s.r)+1)
	for _, r := range s.r {
		key = append(key, byte(r.lo), byte(r.lo>>8), byte(r.lo>>16), byte(r.hi), byte(r.hi>>8), byte(r.hi>>16))
	}
	if s.invalid {
		key = append(key, 1)
	}
	if cl := c.classes[string(key)]; cl != nil {
		return cl
	}
	cl := newClass(s)
	c.classes[string(key)] = cl
	return cl
}

// table makes equal tables one.
func (c *compiler) table(t *[256]uint8) *[256]uint8 {
	if have := c.tabs[*t]; have != nil {
		return have
	}
	c.tabs[*t] = t
	return t
}

// followTable returns the table of the bytes f allows, nil if it allows all.
func (c *compiler) followTable(f follow) *[256]uint8 {
	if f.bytes == allBytes && f.end || c.plain {
		return nil
	}
	if t := c.follows[f.bytes]; t != nil {
		return t
	}
	t := new([256]uint8)
	for b := range t {
		if f.bytes.has(byte(b)) {
			t[b] = 1
		}
	}
	t = c.table(t)
	c.follows[f.bytes] = t
	return t
}

func (c *compiler) emit(i inst) int32 {
	if len(c.prog) >= maxExpansion {
		c.tooBig = true
		return 0
	}
	switch i.op {
	case opBranch, opAlt, opSpanGreedy, opSpanBack, opSpanLazy:
		if c.noMemo == 0 {
			i.flags |= flagMemo
		}
	}
	c.prog = append(c.prog, i)
	return int32(len(c.prog) - 1)
}

func (c *compiler) newRegs(n int32) int32 {
	r := c.regs
	c.regs += n
	return r
}

// gen generates n, to be followed by the instruction next; f describes that. It returns where n begins.
func (c *compiler) gen(n *node, next int32, f follow) int32 {
	if c.tooBig {
		return 0
	}
	if c.plain {
		f = anything
	}
	src := int32(n.src)
	switch n.kind {
	case nodeEmpty:
		return next
	case nodeFail:
		return c.emit(inst{op: opFail, src: src})
	case nodeLit:
		if len(n.lit) == 1 {
			return c.emit(inst{op: opByte, b: n.lit[0], lit: n.lit, next: next, src: src})
		}
		return c.emit(inst{op: opLit, lit: n.lit, next: next, src: src})
	case nodeClass:
		return c.emit(inst{op: opSet, cls: c.class(n.set), next: next, src: src})
	case nodeCat:
		return c.genCat(n.kids, next, f)
	case nodeAlt:
		if pc, _, ok := c.genTable([]*node{n}, 0, next, f); ok {
			return pc
		}
		return c.genAlt(n, next, f)
	case nodeGroup:
		if c.calls {
			// An inner call of the group must not disturb where the outer one started.
			begin := c.newRegs(1)
			end := c.emit(inst{op: opSaveBoth, reg: int32(2 * n.group), alt: begin, next: next, src: src})
			return c.emit(inst{op: opSave, reg: begin, next: c.gen(n.kids[0], end, f), src: src})
		}
		end := c.emit(inst{op: opSave, reg: int32(2*n.group + 1), next: next, src: src})
		body := c.gen(n.kids[0], end, f)
		return c.emit(inst{op: opSave, reg: int32(2 * n.group), next: body, src: src})
	case nodeRepeat:
		if oneChar(n.kids[0]) == nil {
			if pc, _, ok := c.genTable([]*node{n}, 0, next, f); ok {
				return pc
			}
		}
		return c.genRepeat(n, next, f)
	case nodeAtomic:
		return c.genAtomic(n.kids[0], next, src)
	case nodeLook:
		if !c.plain && c.lookHolds(n, f) {
			return next
		}
		return c.genLook(n, next)
	case nodeAnchor:
		if n.anchor == anchorWordBound && !c.plain && boundHolds(n, f) {
			return next
		}
		return c.genAnchor(n, next)
	}
	return c.genRare(n, next)
}

// genCat generates a sequence, with automata for the parts where these serve.
func (c *compiler) genCat(kids []*node, next int32, f follow) int32 {
	for i := len(kids) - 1; i >= 0; i-- {
		if pc, first, ok := c.genTable(kids, i, next, f); ok {
			next = pc
			for ; i > first; i-- {
				f = c.followOf(kids[i], f)
			}
		} else {
			next = c.gen(kids[i], next, f)
		}
		f = c.followOf(kids[i], f)
	}
	return next
}

// genRare generates what few patterns use.
func (c *compiler) genRare(n *node, next int32) int32 {
	src := int32(n.src)
	c.dependent = c.dependent || n.kind == nodeBackref || n.kind == nodeCall || n.kind == nodeCond
	switch n.kind {
	case nodeBackref:
		i := inst{op: opBackref, next: next, src: src, lists: [][]int32{refList(n.refs)}}
		if n.fold {
			i.flags = flagFold
		}
		return c.emit(i)
	case nodeCall:
		g := n.refs[0]
		if _, ok := c.subs[g]; !ok {
			c.subs[g] = -1
			c.pending = append(c.pending, g)
		}
		c.leaves = true
		return c.emit(inst{op: opCall, alt: int32(g), next: next, src: src})
	case nodeCond:
		yes := c.gen(n.kids[0], next, anything)
		no := c.gen(n.kids[1], next, anything)
		return c.emit(inst{op: opCond, next: yes, alt: no, src: src, lists: [][]int32{refList(n.refs)}})
	case nodeKeep:
		return c.emit(inst{op: opSave, reg: 0, next: next, src: src})
	case nodeCluster:
		return c.emit(inst{op: opCluster, next: next, src: src})
	case nodeAbsent:
		end := c.emit(inst{op: opAbsentEnd, src: src})
		c.noMemo++
		body := c.gen(n.kids[0], end, anything)
		c.noMemo--
		c.leaves = true
		return c.emit(inst{op: opAbsent, alt: body, next: next, cls: c.class(&charSet{r: anySet.r, invalid: true}), src: src})
	}
	panic("BUG: unknown node")
}

func refList(refs []int) []int32 {
	out := make([]int32, len(refs))
	for i, r := range refs {
		out[i] = int32(r)
	}
	return out
}

func (c *compiler) genAnchor(n *node, next int32) int32 {
	ops := [...]opcode{anchorBeginText: opBeginText, anchorBeginLine: opBeginLine, anchorEndLine: opEndLine, anchorEndText: opEndText,
		anchorSemiEnd: opSemiEnd, anchorWordBound: opWordBound, anchorNotWordBound: opNotWordBound, anchorStart: opStart}
	i := inst{op: ops[n.anchor], next: next, src: int32(n.src)}
	if n.ascii {
		i.flags = flagAscii
	}
	return c.emit(i)
}

// genAlt generates alternatives with a table that says, for the byte that comes, which of them can match.
func (c *compiler) genAlt(n *node, next int32, f follow) int32 {
	targets := make([]int32, len(n.kids))
	for i, k := range n.kids {
		targets[i] = c.gen(k, next, f)
	}
	key := choiceKey{n, f}
	if n.shared && !c.plain {
		if o := c.choices[key]; o != nil {
			return c.emitChoice(o, targets, int32(n.src))
		}
	}
	follows := make([]follow, len(n.kids))
	for i, k := range n.kids {
		follows[i] = c.followOf(k, f)
		if c.plain {
			follows[i] = anything
		}
	}
	if len(targets) == 2 {
		return c.branch(targets[0], targets[1], follows[0], follows[1], int32(n.src))
	}
	o := c.choice(follows)
	if n.shared && !c.plain {
		c.choices[key] = o
	}
	return c.emitChoice(o, targets, int32(n.src))
}

// choose emits the choice between targets.
func (c *compiler) choose(targets []int32, follows []follow, src int32) int32 {
	if len(targets) == 2 {
		return c.branch(targets[0], targets[1], follows[0], follows[1], src)
	}
	return c.emitChoice(c.choice(follows), targets, src)
}

// choiceKey is an alternation of several patterns in front of something.
type choiceKey struct {
	n *node
	f follow
}

// choice says which alternatives are tried for a byte, by their numbers.
type choice struct {
	tab   *[256]uint8
	ends  uint8
	lists [][]int32
}

// choice groups bytes by which alternatives they allow.
func (c *compiler) choice(follows []follow) *choice {
	o := &choice{lists: [][]int32{nil}}
	var classes [257]int32 // of each byte and the end of the text: an index into members
	members := c.partition(follows, &classes)
	ids := make([]uint8, len(members))
	tab := new([256]uint8)
	name := func(class int32) uint8 {
		list := members[class]
		if len(list) == 0 || ids[class] != 0 {
			return ids[class]
		}
		if len(o.lists) == 255 {
			// More kinds of bytes than a table entry can name: the rest of them try all alternatives, as the last list.
			list = nil
			for j := range follows {
				list = append(list, int32(j))
			}
		}
		if len(o.lists) < 256 {
			o.lists = append(o.lists, list)
		}
		ids[class] = uint8(len(o.lists) - 1)
		return ids[class]
	}
	for b := range tab {
		tab[b] = name(classes[b])
	}
	o.ends = name(classes[256])
	o.tab = c.table(tab)
	return o
}

func (c *compiler) emitChoice(o *choice, targets []int32, src int32) int32 {
	total := 0
	for _, list := range o.lists {
		total += len(list)
		c.leaves = c.leaves || len(list) > 1
	}
	lists, all := make([][]int32, len(o.lists)), make([]int32, 0, total)
	for i, list := range o.lists {
		from := len(all)
		for _, k := range list {
			all = append(all, targets[k])
		}
		lists[i] = all[from:len(all):len(all)]
	}
	return c.emit(inst{op: opAlt, src: src, tab: o.tab, ends: o.ends, lists: lists})
}

// partition groups bytes, and the end of the text as number 256, by which alternatives they allow.
func (c *compiler) partition(follows []follow, classes *[257]int32) [][]int32 {
	members := [][]int32{nil}
	closed := []bool{false} // an alternative that succeeds for certain is in: those behind it are never tried
	for j, f := range follows {
		moved := make([]int32, len(members)) // class → the class of those of its bytes that allow j too
		for b := range classes {
			if b < 256 && !f.bytes.has(byte(b)) || b == 256 && !f.end {
				continue
			}
			from := classes[b]
			if closed[from] {
				continue
			}
			if moved[from] == 0 {
				members = append(members, append(slices.Clone(members[from]), int32(j)))
				closed = append(closed, f.sure && !c.plain)
				moved[from] = int32(len(members) - 1)
			}
			classes[b] = moved[from]
		}
	}
	return members
}

// branch emits the choice between two ways.
func (c *compiler) branch(take, skip int32, ft, fs follow, src int32) int32 {
	i := inst{op: opBranch, src: src}
	c.setBranch(&i, take, skip, ft, fs)
	return c.emit(i)
}

func (c *compiler) setBranch(i *inst, take, skip int32, ft, fs follow) {
	bits := func(t, s bool) uint8 {
		var v uint8
		if t {
			v |= mayTake
		}
		if s && !(t && ft.sure && !c.plain) {
			v |= maySkip
		}
		return v
	}
	both := bits(true, true)
	if !ft.bytes.and(fs.bytes).empty() && both == mayTake|maySkip {
		c.leaves = true
	}
	i.ends = bits(ft.end, fs.end)
	if i.ends == mayTake|maySkip {
		c.leaves = true
	}
	i.tab, i.next, i.alt = c.branchTable(ft.bytes, fs.bytes, both), take, skip
}

// chooseKey is what the table of a branch is made of.
type chooseKey struct {
	take, skip byteSet
	both       uint8
}

// branchTable returns the table of what each byte allows.
func (c *compiler) branchTable(take, skip byteSet, both uint8) *[256]uint8 {
	key := chooseKey{take, skip, both}
	if t := c.chooses[key]; t != nil {
		return t
	}
	tab := new([256]uint8)
	for w := range take {
		t, s := take[w], skip[w]
		for b := range 64 {
			switch t>>b&1 | s>>b&1<<1 {
			case mayTake:
				tab[w<<6|b] = mayTake
			case maySkip:
				tab[w<<6|b] = maySkip
			case mayTake | maySkip:
				tab[w<<6|b] = both
			}
		}
	}
	tab = c.table(tab)
	c.chooses[key] = tab
	return tab
}

// genAtomic generates a body that is not gone back into. If it leaves no alternatives, nothing is needed to forget them.
func (c *compiler) genAtomic(body *node, next int32, src int32) int32 {
	if pc, ok := c.genLongest(body, next, src); ok {
		return pc
	}
	outer := c.leaves
	c.leaves = false
	reg := c.newRegs(2)
	cut := c.emit(inst{op: opCut, reg: reg, next: next, src: src})
	c.noMemo++
	entry := c.gen(body, cut, certain)
	c.noMemo--
	if !c.leaves && !c.plain && !c.tooBig {
		// Nothing to forget.
		c.leaves = outer
		c.prog[cut] = inst{op: opJump, next: next}
		return entry
	}
	c.leaves = outer
	if hasState(body) && !c.tooBig {
		c.prog[cut].flags |= flagUndo
	}
	return c.emit(inst{op: opMark, reg: reg, next: entry, src: src})
}

// hasState reports whether running n writes registers that have to be restored when an earlier alternative is tried.
func hasState(n *node) bool { return n.found.state.ask(n, findState) }

func findState(n *node) bool {
	switch n.kind {
	case nodeGroup, nodeKeep, nodeCall, nodeRepeat:
		if n.kind != nodeRepeat || oneChar(n.kids[0]) == nil {
			return true
		}
	}
	for _, k := range n.kids {
		if hasState(k) {
			return true
		}
	}
	return false
}

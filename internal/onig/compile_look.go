package onig

// genLook generates a look-around.
func (c *compiler) genLook(n *node, next int32) int32 {
	outer := c.leaves
	c.noMemo++
	defer func() { c.leaves = outer; c.noMemo-- }()
	src := int32(n.src)
	if len(n.kids) == 1 {
		if s := oneChar(n.kids[0]); s != nil {
			i := inst{op: opLookSet, cls: c.class(s), next: next, src: src}
			if n.neg {
				i.flags |= flagNeg
			}
			if n.behind {
				i.flags |= flagBehind
			}
			return c.emit(i)
		}
	}
	reg := c.newRegs(2)
	if n.neg {
		end := c.emit(inst{op: opNegEnd, reg: reg, src: src})
		body := c.lookBody(n, end, reg)
		return c.emit(inst{op: opNegLook, reg: reg, next: body, alt: next, src: src})
	}
	end := c.emit(inst{op: opLookEnd, reg: reg, next: next, src: src})
	for _, k := range n.kids {
		if hasState(k) {
			c.prog[end].flags |= flagUndo
		}
	}
	body := c.lookBody(n, end, reg)
	return c.emit(inst{op: opMark, reg: reg, next: body, src: src})
}

// lookBody generates the inside of a look-around. That of a look-behind goes back by the length of each alternative and has to arrive where it started.
func (c *compiler) lookBody(n *node, end, reg int32) int32 {
	if !n.behind {
		return c.gen(n.kids[0], end, certain)
	}
	var targets []int32
	var follows []follow
	for _, k := range n.kids {
		least, most := charRange(k)
		for l := least; l <= most; l++ {
			check := c.emit(inst{op: opAtMark, reg: reg, next: end, src: int32(n.src)})
			body := c.gen(k, check, anything)
			targets = append(targets, c.emit(inst{op: opStepBack, min: int32(l), next: body, src: int32(n.src)}))
			follows = append(follows, anything)
		}
	}
	if len(targets) == 1 {
		return targets[0]
	}
	return c.choose(targets, follows, int32(n.src))
}

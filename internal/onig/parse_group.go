package onig

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// parseGroup reads what starts with an opening parenthesis.
func (p *parser) parseGroup() (n *node, rest bool) {
	known, mark := p.knownGroup()
	if known != nil {
		return known, false
	}
	open := p.pos
	if n, rest = p.newGroup(); !rest {
		p.keepGroup(n, open, mark)
	}
	return n, rest
}

func (p *parser) newGroup() (n *node, rest bool) {
	open := p.pos
	p.pos++
	if !p.accept("?") {
		return p.captureGroup(open, "", false), false
	}
	switch {
	case !p.more():
		p.failAt(open, "end pattern in group")
	case p.accept(":"):
		return p.body(open, p.flags), false
	case p.accept("="):
		return &node{kind: nodeLook, kids: []*node{p.inside(open, p.flags)}}, false
	case p.accept("!"):
		return &node{kind: nodeLook, neg: true, kids: []*node{p.inside(open, p.flags)}}, false
	case p.accept(">"):
		return &node{kind: nodeAtomic, kids: []*node{p.inside(open, p.flags)}}, false
	case p.accept("~"):
		return &node{kind: nodeAbsent, kids: []*node{p.inside(open, p.flags)}}, false
	case p.accept("<="), p.accept("<!"):
		look := &node{kind: nodeLook, behind: true, neg: p.src[p.pos-1] == '!', src: open}
		look.kids = []*node{p.inside(open, p.flags)}
		p.behinds = append(p.behinds, look)
		return look, false
	case p.accept("<"):
		return p.captureGroup(open, p.groupName(open, '>'), true), false
	case p.accept("'"):
		return p.captureGroup(open, p.groupName(open, '\''), true), false
	case p.accept("("):
		return p.conditional(open), false
	}
	return p.options(open)
}

// body reads the inside of a group that is a mere bracket.
func (p *parser) body(open int, fl flags) *node {
	n := p.inside(open, fl)
	return &node{kind: nodeCat, kids: []*node{n}, src: n.src, end: n.end}
}

// inside reads the inside of a group and its closing parenthesis, with the given options; those before apply again after it.
func (p *parser) inside(open int, fl flags) *node {
	saved := p.flags
	p.flags = fl
	n := p.parseAlt()
	if !p.accept(")") {
		p.failAt(open, "end pattern with unmatched parenthesis")
	}
	p.flags = saved
	return n
}

func (p *parser) captureGroup(open int, name string, named bool) *node {
	if len(p.groups) >= maxGroups {
		p.failAt(open, "too many capture groups are specified")
	}
	n := &node{kind: nodeGroup, src: open}
	p.groups = append(p.groups, groupInfo{node: n, name: name, named: named})
	p.named = p.named || named
	p.open = append(p.open, n)
	n.kids = []*node{p.inside(open, p.flags)}
	p.open = p.open[:len(p.open)-1]
	return n
}

// groupName reads the name of a group up to close. Joni takes any character but a closing parenthesis; a name may not look like a number.
func (p *parser) groupName(open int, close byte) string {
	start := p.pos
	for p.more() {
		c := p.peek()
		if c == close {
			name := p.src[start:p.pos]
			if name == "" {
				p.failAt(start, "group name is empty")
			}
			if c := name[0]; c >= '0' && c <= '9' || c == '-' || c == '+' {
				p.failAt(start, "invalid group name <"+name+">")
			}
			p.pos++
			return name
		}
		if c == ')' {
			break
		}
		p.rune()
	}
	if p.pos == start && !p.more() {
		p.failAt(open, "end pattern with unmatched parenthesis")
	}
	p.failAt(start, "invalid group name <"+p.src[start:]+">")
	return ""
}

// options reads (?imxdau-imx) and (?imxdau-imx:…).
func (p *parser) options(open int) (n *node, rest bool) {
	fl, minus := p.flags, false
	set := func(f flags) {
		if minus {
			fl &^= f
		} else {
			fl |= f
		}
	}
	for p.more() {
		c := p.peek()
		switch c {
		case '-':
			minus = true
		case 'i':
			set(flagIgnoreCase)
		case 'x':
			set(flagExtended)
		case 'm':
			set(flagDotAll)
		case 'd', 'a', 'u':
			if minus {
				p.fail("undefined group option")
			}
			fl &^= flagASCII | flagUnicode
			switch c {
			case 'a':
				fl |= flagASCII
			case 'u':
				fl |= flagUnicode
			}
		case ':':
			p.pos++
			return p.body(open, fl), false
		case ')':
			p.pos++
			saved := p.flags
			p.flags = fl
			n := p.parseAlt()
			p.flags = saved
			return &node{kind: nodeCat, kids: []*node{n}, src: n.src, end: n.end}, true // its alternatives are no branches of a conditional around it
		default:
			p.fail("undefined group option")
		}
		p.pos++
	}
	p.failAt(open, "end pattern in group")
	return nil, false
}

// conditional reads (?(cond)yes|no) from behind the second parenthesis.
func (p *parser) conditional(open int) *node {
	n := &node{kind: nodeCond, src: open, reference: p.newReference()}
	switch {
	case p.accept("<"):
		p.reference(n, '>', false)
	case p.accept("'"):
		p.reference(n, '\'', false)
	case p.more() && p.peek() >= '0' && p.peek() <= '9':
		end := p.pos
		for end < len(p.src) && p.src[end] >= '0' && p.src[end] <= '9' {
			end++
		}
		v, err := strconv.Atoi(p.src[p.pos:end])
		if err != nil {
			p.fail("too big number")
		}
		n.number = v
		p.pos = end
	default:
		p.fail("invalid conditional pattern")
	}
	if !p.accept(")") {
		p.fail("invalid conditional pattern")
	}
	p.refs = append(p.refs, n)
	body := p.inside(open, p.flags)
	switch {
	case body.kind != nodeAlt:
		n.kids = []*node{body, {kind: nodeEmpty, src: body.end, end: body.end}}
	case len(body.kids) == 2:
		n.kids = body.kids
	default:
		p.failAt(open, "invalid conditional pattern")
	}
	return n
}

// reference reads the name or number of a group up to close into n; call allows 0 and the relative +n.
func (p *parser) reference(n *node, close byte, call bool) {
	start := p.pos
	i := strings.IndexByte(p.src[start:], close)
	if i == 0 || start == len(p.src) {
		p.failAt(start, "group name is empty")
	}
	if i < 0 || strings.IndexByte(p.src[start:start+i], ')') >= 0 {
		p.failAt(start, "invalid group name <"+p.src[start:]+">")
	}
	text := p.src[start : start+i]
	p.pos = start + i + 1
	name := text
	if !call {
		name = splitLevel(text, n)
	}
	c := name[0]
	if c != '-' && c != '+' && (c < '0' || c > '9') {
		n.name, n.byName = name, true
		return
	}
	v, err := strconv.Atoi(name)
	if err != nil || c == '+' && !call {
		p.failAt(start, "invalid group name <"+text+">")
	}
	switch c {
	case '-':
		if v = len(p.groups) + 1 + v; v <= 0 {
			p.failAt(start, "invalid backref number/name")
		}
	case '+':
		v += len(p.groups)
	}
	n.number = v
}

// splitLevel cuts the recursion level (+n or -n) off the name of a back-reference.
func splitLevel(text string, n *node) string {
	i := strings.LastIndexAny(text, "+-")
	if i <= 0 || i == len(text)-1 {
		return text
	}
	v, err := strconv.Atoi(text[i:])
	if err != nil {
		return text
	}
	n.level, n.hasLevel = v, true
	return text[:i]
}

// numberGroups gives capturing groups their numbers; where named groups exist, plain ones become mere brackets.
func (p *parser) numberGroups() {
	kept := p.groups[:0]
	for _, g := range p.groups {
		if p.named && !g.named {
			g.node.kind = nodeCat
			continue
		}
		kept = append(kept, g)
		g.node.group = len(kept)
	}
	p.groups = kept
}

// resolveRefs turns names and numbers of references into group numbers.
func (p *parser) resolveRefs(root *node) {
	for _, n := range p.refs {
		if !n.byName {
			if p.named && (n.kind != nodeCall || n.number != 0) {
				p.failAt(n.src, "numbered backref/call is not allowed. (use name)")
			}
			if n.number > len(p.groups) {
				if n.kind == nodeCall {
					p.failAt(n.src, "undefined group <"+strconv.Itoa(n.number)+"> reference")
				}
				p.failAt(n.src, "invalid backref number/name")
			}
			n.refs = []int{n.number}
			continue
		}
		for i, g := range p.groups {
			if g.name == n.name {
				n.refs = append(n.refs, i+1)
			}
		}
		switch {
		case len(n.refs) == 0:
			p.failAt(n.src, "undefined name <"+n.name+"> reference")
		case n.kind == nodeCall && len(n.refs) > 1:
			p.failAt(n.src, "multiplex definition name <"+n.name+"> call")
		}
	}
	if len(p.refs) > 0 {
		p.checkRecursion(root)
	}
	for _, n := range p.refs {
		p.dropOpen(n)
	}
}

// newReference returns a reference that knows the groups around it.
func (p *parser) newReference() *reference { return &reference{inside: slices.Clone(p.open)} }

// dropOpen makes a back-reference or a condition forget the groups it stands in: those have not matched yet, whatever an earlier turn of a loop has found.
func (p *parser) dropOpen(n *node) {
	if n.kind == nodeCall || len(n.inside) == 0 {
		return
	}
	n.refs = slices.DeleteFunc(slices.Clone(n.refs), func(g int) bool { return g > 0 && slices.Contains(n.inside, p.groups[g-1].node) })
	if n.kind == nodeBackref && len(n.refs) == 0 {
		n.kind = nodeFail
	}
}

// charLen returns how many characters n matches, if that is one fixed number.
func charLen(n *node) (length int, fixed bool) {
	switch n.kind {
	case nodeLit:
		return utf8.RuneCountInString(n.lit), true
	case nodeClass:
		return 1, true
	case nodeCat, nodeGroup:
		for _, k := range n.kids {
			l, ok := charLen(k)
			if !ok {
				return 0, false
			}
			length = addLength(length, l)
		}
		return length, true
	case nodeAlt:
		length, fixed = charLen(n.kids[0])
		for _, k := range n.kids[1:] {
			if l, ok := charLen(k); !ok || l != length {
				return 0, false
			}
		}
		return length, fixed
	case nodeRepeat:
		l, ok := charLen(n.kids[0])
		return mulLength(l, n.min), ok && n.min == n.max
	case nodeEmpty, nodeAnchor, nodeKeep, nodeLook, nodeFail:
		return 0, true
	}
	return 0, false
}

// checkLookBehind refuses what Joni refuses: alternatives at the top may differ in length, but each must have a fixed one.
func (p *parser) checkLookBehind(look *node) {
	top := look.kids[0]
	for top.kind == nodeCat && len(top.kids) == 1 {
		top = top.kids[0]
	}
	branches := []*node{top}
	if top.kind == nodeAlt {
		branches = top.kids
	}
	for _, b := range branches {
		if !allowedBehind(b, look.neg) {
			p.failAt(look.src, "invalid pattern in look-behind")
		}
	}
	look.kids = branches
}

func allowedBehind(n *node, neg bool) bool {
	switch n.kind {
	case nodeGroup:
		if neg {
			return false
		}
	case nodeLook:
		// Joni lets a look-behind contain look-behinds: negative ones in both, positive ones too.
		if !n.behind {
			return false
		}
		return true
	case nodeAlt:
		if n.fold {
			break // several spellings of one text that ignores case
		}
	case nodeAtomic, nodeBackref, nodeCall, nodeCond, nodeAbsent, nodeCluster:
		return false
	}
	for _, k := range n.kids {
		if !allowedBehind(k, neg) {
			return false
		}
	}
	_, fixed := charLen(n)
	return fixed || n.kind == nodeAlt && n.fold
}

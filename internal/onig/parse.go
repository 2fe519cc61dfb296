package onig

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// flags are the options in force at one place of a pattern.
type flags uint8

const (
	flagIgnoreCase flags = 1 << iota
	flagExtended
	flagDotAll
	flagASCII   // (?a): POSIX brackets and \b are ASCII too
	flagUnicode // (?u): \w, \d, \s, \h are Unicode
)

// Limits: the parser recurses once a nesting level, and a repeat count is part of the language.
const (
	maxNesting   = 1000
	maxRepeat    = 100000
	maxGroups    = 32000
	maxExpansion = 1 << 22 // instructions
)

// groupInfo is what the parser knows of a group: its node and its name, if it has one.
type groupInfo struct {
	node  *node
	name  string
	named bool
}

type parser struct {
	src     string
	pos     int
	flags   flags
	depth   int
	deepest int     // the deepest level so far
	items   []*node // of the sequences under way
	open    []*node // groups that are being read
	sets    map[setKey]*charSet
	share   *sharer // nil to read everything anew
	unsure  bool    // what was read depends on the number of groups in front
	groups  []groupInfo
	named   bool
	refs    []*node // nodes to resolve when all groups are known
	behinds []*node // look-behinds to check when it is known which groups capture
}

// parse returns the tree of pattern and its groups, numbered as Oniguruma does: plain groups do not capture where named ones exist. With scratch space, it uses
// what was read in earlier patterns.
func parse(pattern string, fl flags, s *scratch) (root *node, groups []groupInfo, calls bool, err error) {
	if s != nil {
		p := &parser{src: pattern, flags: fl, sets: s.shared.sets, share: s.sharer(pattern)}
		root, groups, calls, err = p.parse()
		if err == nil && (!p.share.drop || p.named && !p.unsure) {
			return root, groups, calls, nil
		}
		// The mistake may be another one, or the brackets capture after all.
	}
	return (&parser{src: pattern, flags: fl, sets: map[setKey]*charSet{}}).parse()
}

func (p *parser) parse() (root *node, groups []groupInfo, calls bool, err error) {
	pattern := p.src
	defer func() {
		if r := recover(); r != nil {
			se, ok := r.(*SyntaxError)
			if !ok {
				panic(r)
			}
			root, groups, calls, err = nil, nil, false, se
		}
	}()
	for i := 0; i < len(pattern) && !utf8.ValidString(pattern); {
		r, n := utf8.DecodeRuneInString(pattern[i:])
		if r == utf8.RuneError && n <= 1 {
			p.failAt(i, "invalid multibyte character")
		}
		i += n
	}
	root = p.parseAlt()
	if p.pos < len(p.src) {
		p.fail("unmatched close parenthesis")
	}
	p.numberGroups()
	p.resolveRefs(root)
	for _, n := range p.behinds {
		p.checkLookBehind(n)
	}
	for _, n := range p.refs {
		calls = calls || n.kind == nodeCall
	}
	for _, n := range p.refs {
		if calls && n.hasLevel {
			p.failAt(n.src, "backref with recursion level is not supported")
		}
	}
	return root, p.groups, calls, nil
}

func (p *parser) failAt(off int, msg string) {
	panic(&SyntaxError{Pattern: p.src, Offset: off, Msg: msg})
}

func (p *parser) fail(msg string) { p.failAt(p.pos, msg) }

func (p *parser) more() bool { return p.pos < len(p.src) }

func (p *parser) peek() byte {
	if p.pos < len(p.src) {
		return p.src[p.pos]
	}
	return 0
}

func (p *parser) lookingAt(s string) bool { return strings.HasPrefix(p.src[p.pos:], s) }

func (p *parser) accept(s string) bool {
	if p.lookingAt(s) {
		p.pos += len(s)
		return true
	}
	return false
}

func (p *parser) rune() rune {
	r, n := utf8.DecodeRuneInString(p.src[p.pos:])
	p.pos += n
	return r
}

// parseAlt reads alternatives up to a closing parenthesis or the end.
func (p *parser) parseAlt() *node {
	if p.depth++; p.depth > maxNesting {
		p.fail("too deep nest level")
	}
	defer func() { p.depth-- }()
	p.deepest = max(p.deepest, p.depth)
	kids := []*node{p.parseSeq()}
	for p.accept("|") {
		kids = append(kids, p.parseSeq())
	}
	return newAlt(kids)
}

// parseSeq reads a sequence of quantified items.
func (p *parser) parseSeq() *node {
	start := p.pos
	mark := len(p.items) // what is read here stands behind what the levels above have read
	for p.more() && p.peek() != '|' && p.peek() != ')' {
		if p.skipIgnored() {
			continue
		}
		at := p.pos
		if n := p.plainRun(); n > 0 {
			p.items = append(p.items, &node{kind: nodeLit, lit: p.src[at : at+n], fold: p.flags&flagIgnoreCase != 0, src: at, end: at + n})
			p.pos += n
			continue
		}
		item, rest := p.parseItem()
		if rest {
			// An option switch without a body: what follows, alternatives included, belongs to it.
			p.items = append(p.items, item)
			break
		}
		if item == nil {
			continue
		}
		item.src = at
		item = p.parseQuantifiers(item, at)
		item.end = p.pos
		p.items = append(p.items, item)
	}
	items := joinLiterals(p.items[mark:])
	n := p.sequence(items)
	clear(p.items[mark:])
	p.items = p.items[:mark]
	if len(items) == 0 {
		n.src, n.end = start, p.pos
	}
	return n
}

// sequence is newCat for items whose place is used again.
func (p *parser) sequence(items []*node) *node {
	if len(items) > 1 {
		items = slices.Clone(items)
	}
	return newCat(items)
}

// plainRun measures characters that stand for themselves and have no quantifier.
func (p *parser) plainRun() int {
	if p.flags&flagExtended != 0 {
		return 0
	}
	i := p.pos
	for i < len(p.src) {
		switch c := p.src[i]; c {
		case '\\', '(', ')', '[', '.', '^', '$', '|', '*', '+', '?', '{':
			if c == '*' || c == '+' || c == '?' || c == '{' || c == '(' {
				// The last character may be meant by what follows: a quantifier, or a comment before one.
				for i--; i > p.pos && !utf8.RuneStart(p.src[i]); i-- {
				}
			}
			return max(0, i-p.pos)
		}
		i++
	}
	return i - p.pos
}

// skipIgnored skips a comment group and, in extended mode, white space and comments.
func (p *parser) skipIgnored() bool {
	if p.lookingAt("(?#") {
		start := p.pos
		for p.pos += 3; p.more(); p.pos++ {
			switch p.peek() {
			case '\\':
				p.pos++
			case ')':
				p.pos++
				return true
			}
		}
		p.failAt(start, "end pattern in group")
	}
	if p.flags&flagExtended == 0 {
		return false
	}
	switch p.peek() {
	case ' ', '\t', '\n', '\r', '\f', '\v':
		p.pos++
		return true
	case '#':
		if i := strings.IndexByte(p.src[p.pos:], '\n'); i >= 0 {
			p.pos += i + 1
		} else {
			p.pos = len(p.src)
		}
		return true
	}
	return false
}

// parseItem reads one item without its quantifier. rest means that the item took everything up to the end of the group. A nil item is no item.
func (p *parser) parseItem() (n *node, rest bool) {
	switch c := p.peek(); c {
	case '(':
		return p.parseGroup()
	case '[':
		return p.parseClass(), false
	case '\\':
		return p.parseEscape(), false
	case '.':
		p.pos++
		set := &charSet{r: []runeRange{{0, utf8.MaxRune}}, invalid: true}
		if p.flags&flagDotAll == 0 {
			set = set.subtract(&charSet{r: []runeRange{{'\n', '\n'}}})
		}
		return &node{kind: nodeClass, set: set}, false
	case '^':
		p.pos++
		return &node{kind: nodeAnchor, anchor: anchorBeginLine}, false
	case '$':
		p.pos++
		return &node{kind: nodeAnchor, anchor: anchorEndLine}, false
	case '*', '+', '?':
		p.fail("target of repeat operator is not specified")
	case '{':
		if _, _, ok := p.interval(p.pos); ok {
			p.fail("target of repeat operator is not specified")
		}
	}
	return p.literal(p.rune()), false
}

func (p *parser) literal(r rune) *node {
	return &node{kind: nodeLit, lit: string(r), fold: p.flags&flagIgnoreCase != 0}
}

// parseQuantifiers applies the quantifiers that follow item.
func (p *parser) parseQuantifiers(item *node, at int) *node {
	for p.more() {
		if p.flags&flagExtended != 0 && p.skipIgnored() {
			continue
		}
		if p.lookingAt("(?#") {
			p.skipIgnored()
			continue
		}
		switch p.peek() {
		case '*', '+', '?', '{':
		default:
			return item
		}
		q := &node{kind: nodeRepeat, src: at}
		isInterval := false
		switch p.peek() {
		case '*':
			q.min, q.max = 0, infinite
			p.pos++
		case '+':
			q.min, q.max = 1, infinite
			p.pos++
		case '?':
			q.min, q.max = 0, 1
			p.pos++
		case '{':
			n, size, ok := p.interval(p.pos)
			if !ok {
				return item
			}
			p.pos += size
			q.min, q.max = n[0], n[1]
			isInterval = true
		}
		fixed := isInterval && q.min == q.max
		switch {
		case !fixed && p.accept("?"):
			q.mode = lazy
		case !isInterval && p.accept("+"):
			q.mode = possessive
		}
		q.quant = q.mode != possessive && (q.max == 1 && q.min == 0 || q.max == infinite && q.min <= 1)
		q.end = p.pos
		item = p.quantify(q, item)
	}
	return item
}

// interval reads {n}, {n,}, {,m} or {n,m} at off; anything else is a literal brace.
func (p *parser) interval(off int) (n [2]int, size int, ok bool) {
	i := off + 1
	number := func() (int, bool) {
		v, start := 0, i
		for i < len(p.src) && p.src[i] >= '0' && p.src[i] <= '9' {
			if v = v*10 + int(p.src[i]-'0'); v > maxRepeat {
				p.failAt(start, "too big number for repeat range")
			}
			i++
		}
		return v, i > start
	}
	low, hasLow := number()
	high, hasHigh := low, false
	if i < len(p.src) && p.src[i] == ',' {
		i++
		if high, hasHigh = number(); !hasHigh {
			high = infinite
		}
		if !hasLow && !hasHigh {
			return n, 0, false
		}
	} else if !hasLow {
		return n, 0, false
	}
	if i >= len(p.src) || p.src[i] != '}' {
		return n, 0, false
	}
	if low > high {
		p.failAt(off, "upper is smaller than lower in repeat range")
	}
	return [2]int{low, high}, i + 1 - off, true
}

// quantify builds q over item, merging directly nested simple quantifiers as Oniguruma does: (?:a??)* is a*, not a loop that takes the empty match.
func (p *parser) quantify(q, item *node) *node {
	if q.min == 1 && q.max == 1 && q.mode != possessive {
		return item
	}
	inner := item
	for inner.kind == nodeCat && len(inner.kids) == 1 {
		inner = inner.kids[0]
	}
	if q.quant && inner.kind == nodeRepeat && inner.quant {
		if merged := mergeQuantifiers(q, inner); merged != nil {
			return merged
		}
	}
	q.kids = []*node{expandFolds(item)}
	return q
}

// Simple quantifiers, in the order of the table below.
const (
	quantOpt = iota
	quantStar
	quantPlus
	quantLazyOpt
	quantLazyStar
	quantLazyPlus
)

func quantIndex(n *node) int {
	i := quantOpt
	switch {
	case n.max == infinite && n.min == 0:
		i = quantStar
	case n.max == infinite:
		i = quantPlus
	}
	if n.mode == lazy {
		i += quantLazyOpt
	}
	return i
}

// What two nested quantifiers become; the last one stands for (?:x+)??.
const (
	mergeAsIs = iota
	mergeInner
	mergeStar
	mergeLazyStar
	mergeLazyOpt
	mergePlusLazyOpt
)

// mergeTable is indexed by the inner and the outer quantifier.
var mergeTable = [6][6]uint8{
	quantOpt:      {mergeInner, mergeStar, mergeStar, mergeLazyOpt, mergeLazyStar, mergeAsIs},
	quantStar:     {mergeInner, mergeInner, mergeInner, mergePlusLazyOpt, mergePlusLazyOpt, mergeInner},
	quantPlus:     {mergeStar, mergeStar, mergeInner, mergeAsIs, mergePlusLazyOpt, mergeInner},
	quantLazyOpt:  {mergeInner, mergeLazyStar, mergeLazyStar, mergeInner, mergeLazyStar, mergeLazyStar},
	quantLazyStar: {mergeInner, mergeInner, mergeInner, mergeInner, mergeInner, mergeInner},
	quantLazyPlus: {mergeAsIs, mergeAsIs, mergeAsIs, mergeLazyStar, mergeLazyStar, mergeInner},
}

func mergeQuantifiers(q, item *node) *node {
	simple := func(min, max int, mode repeatMode, kid *node) *node {
		return &node{kind: nodeRepeat, min: min, max: max, mode: mode, quant: true, kids: []*node{kid}, src: q.src, end: q.end}
	}
	x := item.kids[0]
	switch mergeTable[quantIndex(item)][quantIndex(q)] {
	case mergeInner:
		return item
	case mergeStar:
		return simple(0, infinite, greedy, x)
	case mergeLazyStar:
		return simple(0, infinite, lazy, x)
	case mergeLazyOpt:
		return simple(0, 1, lazy, x)
	case mergePlusLazyOpt:
		return simple(0, 1, lazy, simple(1, infinite, greedy, x))
	}
	return nil
}

// joinLiterals joins neighbouring literals of a sequence and expands those that ignore case.
func joinLiterals(items []*node) []*node {
	out := items[:0]
	for _, it := range items {
		if len(out) > 0 {
			if last := out[len(out)-1]; last.kind == nodeLit && it.kind == nodeLit && last.fold == it.fold {
				out[len(out)-1] = &node{kind: nodeLit, lit: last.lit + it.lit, fold: last.fold, src: last.src, end: it.end}
				continue
			}
		}
		out = append(out, it)
	}
	for i, it := range out {
		out[i] = expandFolds(it)
	}
	return out
}

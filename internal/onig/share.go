package onig

import (
	"strings"
	"sync"
)

// Patterns of one library are made of the same parts: the expansion of %{IPORHOST} stands in a hundred of them. What those parts come to is kept between
// patterns, by the text of the group: the tree, what is known of it, and the automata, classes and tables that were made of it.

// Limits of what is kept: when more patterns than that have left something, it is all forgotten. The text of a pattern is held by its groups.
const (
	keepText  = 4 << 20
	keepEdges = 1 << 16
	minShared = 12 // bytes of a group that is worth keeping
)

// scratch is what compiling a pattern needs and the compiled pattern does not.
type scratch struct {
	prog    []inst
	ends    []int32
	builder builder
	linker  linker
	shared  shared
}

// shared is what the next patterns can use again. Compiled patterns share the classes, tables and automata too, which nobody writes to.
type shared struct {
	held    int // bytes of patterns
	groups  map[groupKey]sharedGroup
	sets    map[setKey]*charSet
	placed  map[placeKey]*node
	classes map[string]*class
	bySet   map[*charSet]*class
	follows map[byteSet]*[256]uint8
	chooses map[chooseKey]*[256]uint8
	tabs    map[[256]uint8]*[256]uint8
	choices map[choiceKey]*choice
	tables  map[string]tableResult
	known   map[string]*automaton // by sets, after, entry and follow; nil for what has none
}

// groupKey is a group as it is written, the options in force in front of it and whether plain brackets capture.
type groupKey struct {
	text  string
	flags flags
	drop  bool
}

type sharedGroup struct {
	node   *node
	height int // levels of nesting
}

var scratches = sync.Pool{New: func() any {
	s := new(scratch)
	s.shared.reset()
	return s
}}

func takeScratch() *scratch { return scratches.Get().(*scratch) }

// give returns the scratch space, unless an unusual pattern has blown it up.
func (s *scratch) give(c *compiler) {
	if cap(c.prog) > 1<<15 {
		return
	}
	s.builder.c, s.builder.shared = nil, nil
	s.prog = c.prog[:cap(c.prog)]
	clear(s.prog[:len(c.prog)])
	sh := &s.shared
	if sh.held += len(c.src); sh.held > keepText || len(sh.placed)+len(sh.tables)+len(sh.choices)+len(sh.bySet)+len(sh.chooses)+len(sh.known) > keepEdges {
		sh.reset()
	}
	scratches.Put(s)
}

func (s *shared) reset() {
	*s = shared{
		groups: map[groupKey]sharedGroup{}, sets: map[setKey]*charSet{}, placed: map[placeKey]*node{},
		classes: map[string]*class{}, bySet: map[*charSet]*class{}, follows: map[byteSet]*[256]uint8{},
		chooses: map[chooseKey]*[256]uint8{}, tabs: map[[256]uint8]*[256]uint8{}, tables: map[string]tableResult{}, choices: map[choiceKey]*choice{}, known: map[string]*automaton{},
	}
}

// sharer finds groups of a pattern that were read before.
type sharer struct {
	*shared
	ends []int32 // by opening bracket: where its group ends, if it is written in the usual way
	drop bool    // named groups exist, so that plain brackets do not capture
}

func (s *scratch) sharer(pattern string) *sharer {
	s.ends = groupEnds(s.ends, pattern)
	return &sharer{shared: &s.shared, ends: s.ends, drop: namesGroups(pattern)}
}

// namesGroups reports whether a pattern seems to name a group. It errs on the side of yes.
func namesGroups(pattern string) bool {
	for i := 0; ; {
		j := strings.Index(pattern[i:], "(?")
		if j < 0 {
			return false
		}
		i += j + 2
		rest := pattern[i:]
		if strings.HasPrefix(rest, "'") || strings.HasPrefix(rest, "<") && !strings.HasPrefix(rest, "<=") && !strings.HasPrefix(rest, "<!") {
			return true
		}
	}
}

// groupEnds notes for each opening bracket where its group ends, 0 if it does not. It knows no more than escapes and classes; whoever asks has to check.
func groupEnds(ends []int32, pattern string) []int32 {
	if cap(ends) < len(pattern) {
		ends = make([]int32, len(pattern)+len(pattern)/2)
	}
	ends = ends[:len(pattern)]
	clear(ends)
	var open []int32
	class := 0
	for i := 0; i < len(pattern); i++ {
		switch pattern[i] {
		case '\\':
			i++
		case '[':
			if class++; i+1 < len(pattern) && pattern[i+1] == '^' {
				i++
			}
			if i+1 < len(pattern) && pattern[i+1] == ']' {
				i++
			}
		case ']':
			class = max(0, class-1)
		case '(':
			if class == 0 {
				open = append(open, int32(i))
			}
		case ')':
			if class == 0 && len(open) > 0 {
				ends[open[len(open)-1]] = int32(i + 1)
				open = open[:len(open)-1]
			}
		}
	}
	return ends
}

// groupMark is what the parser had read in front of a group.
type groupMark struct {
	key                   groupKey
	refs, groups, behinds int
	deepest               int
}

// knownGroup returns the group at the position if it was read before, and otherwise what keepGroup has to know. A group that captures is never kept.
func (p *parser) knownGroup() (n *node, m groupMark) {
	if p.share == nil {
		return nil, m
	}
	open := p.pos
	end := int(p.share.ends[open])
	if end-open < minShared {
		return nil, m
	}
	if rest := p.src[open+1:]; strings.HasPrefix(rest, "?<") && rest[2] != '=' && rest[2] != '!' || strings.HasPrefix(rest, "?'") || rest[0] != '?' && !p.share.drop {
		return nil, m
	}
	key := groupKey{p.src[open:end], p.flags, p.share.drop}
	if g := p.share.groups[key]; g.node != nil && p.depth+g.height <= maxNesting {
		p.pos = end
		p.deepest = max(p.deepest, p.depth+g.height)
		return g.node, m
	}
	m = groupMark{key: key, refs: len(p.refs), groups: len(p.groups), behinds: len(p.behinds), deepest: p.deepest}
	p.deepest = p.depth
	return nil, m
}

// keepGroup keeps a group that has been read, if nothing in it depends on the rest of the pattern.
func (p *parser) keepGroup(n *node, open int, m groupMark) {
	if m.key.text == "" {
		return
	}
	height := p.deepest - p.depth
	p.deepest = max(p.deepest, m.deepest)
	if p.pos != open+len(m.key.text) || len(p.refs) != m.refs || p.unsure {
		return
	}
	for _, g := range p.groups[m.groups:] {
		if g.named || !p.share.drop {
			return
		}
	}
	for _, g := range p.groups[m.groups:] {
		g.node.kind = nodeCat
	}
	p.groups = p.groups[:m.groups]
	for _, b := range p.behinds[m.behinds:] {
		p.checkLookBehind(b)
	}
	p.behinds = p.behinds[:m.behinds]
	n.shared = true
	p.share.groups[m.key] = sharedGroup{n, height}
}

// simplifyShared simplifies a group that several patterns have in common, once.
func (c *compiler) simplifyShared(n *node) *node {
	if n.simple == nil {
		n.shared = false
		simple := c.simplify(n)
		n.shared, n.simple = true, simple
		markShared(simple)
	}
	return n.simple
}

func markShared(n *node) {
	if n.shared && n.simple == nil {
		return
	}
	n.shared = true
	for _, k := range n.kids {
		markShared(k)
	}
}

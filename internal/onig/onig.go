// Package onig is a regular expression engine for the syntax and semantics of Oniguruma as Logstash uses it (Ruby syntax, UTF-8): look-around, atomic
// groups, possessive quantifiers, back-references, sub-expression calls, conditionals, class set operations.
//
// A pattern is parsed to a tree, simplified and compiled to a program that a backtracking machine runs over the bytes of the text. The compiler looks at
// what can come next to avoid alternatives that cannot match, so that typical grok patterns hardly ever go back. A match allocates nothing, and ends
// within its time budget whatever the pattern and the text are.
package onig

import (
	"sync"
)

// Option changes how a pattern is read.
type Option uint8

// Options of Compile.
const (
	IgnoreCase Option = 1 << iota // as (?i)
	Extended                      // as (?x): white space and comments are ignored
	MultiLine                     // as Ruby's (?m): the dot matches a newline
)

// Name is the name of one or more groups.
type Name struct {
	Name   string
	Groups []int
}

// Regexp is a pattern that has been read and checked. It is immutable and safe for concurrent use.
type Regexp struct {
	src      string
	caps     int // groups
	names    []Name
	literals []string
	pool     sync.Pool
	program  func() *program // made for the first match: of a long list of patterns, most may never be asked for one
	debug    func() *program // the variant for Furthest
}

// program is what a matcher runs.
type program struct {
	src    string
	code   []code
	blank  []int32 // captures before a match
	entry  int32
	srcs   []int32 // debug: where the instructions stand in the pattern
	regs   int     // registers the program uses
	caps   int     // groups
	ret    int32
	memos  int // size of the memo
	traces int
	search searcher
	filter func() *filter // made when a search has to look at many places
}

// surelySmall is how large the tree of a pattern may be, with its repeats written out, for the program not to come near maxExpansion.
const surelySmall = 1 << 16

// Compile reads a pattern. An error is a *SyntaxError.
func Compile(pattern string, opts ...Option) (*Regexp, error) {
	var fl flags
	for _, o := range opts {
		if o&IgnoreCase != 0 {
			fl |= flagIgnoreCase
		}
		if o&Extended != 0 {
			fl |= flagExtended
		}
		if o&MultiLine != 0 {
			fl |= flagDotAll
		}
	}
	re, small, err := read(pattern, fl)
	if err != nil {
		return nil, err
	}
	if !small {
		p, err := compile(pattern, fl, forSpeed)
		if err != nil {
			return nil, err
		}
		re.program = func() *program { return p }
	}
	return re, nil
}

// read reads a pattern and makes a Regexp of it whose program is made later.
func read(pattern string, fl flags) (re *Regexp, small bool, err error) {
	scratch := takeScratch()
	root, groups, calls, err := parse(pattern, fl, scratch)
	if err != nil {
		return nil, false, err
	}
	c := scratch.newCompiler(pattern, root, groups, calls)
	defer scratch.give(c)
	root = c.simplify(root)
	re = &Regexp{src: pattern, caps: len(groups), names: collectNames(groups), literals: requiredLiterals(root)}
	re.program = sync.OnceValue(func() *program { return mustCompile(pattern, fl, forSpeed) })
	re.debug = sync.OnceValue(func() *program {
		if p, err := compile(pattern, fl, forDebug); err == nil {
			return p
		}
		return mustCompile(pattern, fl, withPlaces) // too large without simplification
	})
	return re, writtenSize(root) <= surelySmall && !calls, nil
}

// purpose is what a pattern is compiled for.
type purpose uint8

const (
	forSpeed   purpose = iota
	withPlaces         // the same program, whose instructions know their places in the pattern
	forDebug           // a program without rewriting, whose failures name the place that failed
)

// mustCompile compiles a pattern that has been read before.
func mustCompile(pattern string, fl flags, use purpose) *program {
	p, err := compile(pattern, fl, use)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return p
}

func compile(pattern string, fl flags, use purpose) (*program, error) {
	scratch := takeScratch()
	known := scratch
	if use != forSpeed {
		known = nil // what other patterns left has its place there
	}
	root, groups, calls, err := parse(pattern, fl, known)
	if err != nil {
		return nil, err
	}
	c := scratch.newCompiler(pattern, root, groups, calls)
	defer scratch.give(c)
	if c.plain = use == forDebug; !c.plain {
		root = c.simplify(root)
		if !calls {
			root, _ = c.place(root, unknownBefore)
		}
		c.root = root
	}
	p := &program{src: pattern, caps: len(groups)}
	entry := c.finish()
	if c.tooBig {
		return nil, &SyntaxError{Pattern: pattern, Msg: "too big pattern"}
	}
	p.regs, p.ret, p.memos, p.traces = int(c.regs), c.ret, c.memos, int(c.traces)
	p.code, p.entry, p.srcs = scratch.linker.link(c.prog, entry, int32(2*len(groups)+2), use)
	p.blank = make([]int32, 2*len(groups)+2)
	for i := range p.blank {
		p.blank[i] = -1
	}
	if !c.plain {
		p.search = c.newSearcher(root)
		if p.search.kind == startSet && p.search.broad {
			p.filter = sync.OnceValue(func() *filter { return newFilter(pattern, fl) })
		}
	}
	return p, nil
}

func (s *scratch) newCompiler(pattern string, root *node, groups []groupInfo, calls bool) *compiler {
	s.builder.shared = &s.shared
	return &compiler{shared: &s.shared, src: pattern, groups: groups, root: root, calls: calls, prog: s.prog[:0], builder: &s.builder,
		subs: map[int]int32{}, regs: int32(2*len(groups) + 2), ret: -1}
}

func collectNames(groups []groupInfo) []Name {
	var out []Name
	at := map[string]int{}
	for i, g := range groups {
		if !g.named {
			continue
		}
		j, ok := at[g.name]
		if !ok {
			j = len(out)
			at[g.name] = j
			out = append(out, Name{Name: g.name})
		}
		out[j].Groups = append(out[j].Groups, i+1)
	}
	return out
}

// MustCompile is Compile for patterns known to be right; it panics on others.
func MustCompile(pattern string) *Regexp {
	re, err := Compile(pattern)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return re
}

// String returns the pattern.
func (re *Regexp) String() string { return re.src }

// NumCaptures returns the number of groups, named ones included, the whole match not.
func (re *Regexp) NumCaptures() int { return re.caps }

// Names returns the names of groups in order of first appearance.
func (re *Regexp) Names() []Name { return re.names }

// RequiredLiteral returns the longest text found that every match contains, "" if none is known.
func (re *Regexp) RequiredLiteral() string { return longestOf(re.literals) }

// RequiredLiterals returns texts that every match contains, in this order and one behind the other; none if none is known.
func (re *Regexp) RequiredLiterals() []string { return re.literals }

// MatchString reports whether the pattern matches anywhere in s, within the default time budget.
func (re *Regexp) MatchString(s string) bool {
	m, _ := re.pool.Get().(*Matcher)
	if m == nil {
		m = re.NewMatcher()
	}
	ok := m.Match(s)
	re.pool.Put(m)
	return ok
}

// finish generates the program, subroutines included, and returns where it starts.
func (c *compiler) finish() int32 {
	match := c.emit(inst{op: opMatch})
	entry := c.gen(c.root, match, certain)
	for len(c.pending) > 0 && !c.tooBig {
		g := c.pending[0]
		c.pending = c.pending[1:]
		if c.ret < 0 {
			c.ret = c.newRegs(1)
		}
		ret := c.emit(inst{op: opReturn})
		body := c.root
		if g > 0 {
			body = c.groups[g-1].node
		}
		c.subs[g] = c.gen(body, ret, anything)
	}
	if c.tooBig {
		return 0
	}
	locals := int32(2*len(c.groups) + 2)
	for i := range c.prog {
		in := &c.prog[i]
		switch in.op {
		case opCall:
			// A call keeps the caller's counters and marks, all registers that are no captures.
			in.reg, in.max = locals, c.regs
			in.alt = c.subs[int(in.alt)]
		case opMark, opNegLook:
			if c.ret >= 0 {
				in.flags |= flagUndo
			}
		}
	}
	c.memos = c.numberMemos()
	return c.skipJumps(entry)
}

// skipJumps lets every instruction name its successor directly.
func (c *compiler) skipJumps(entry int32) int32 {
	final := func(pc int32) int32 {
		for c.prog[pc].op == opJump {
			pc = c.prog[pc].next
		}
		return pc
	}
	for i := range c.prog {
		in := &c.prog[i]
		in.next = final(in.next)
		if in.op != opSaveBoth {
			in.alt = final(in.alt)
		}
		for _, list := range in.lists {
			if in.op != opAlt {
				break
			}
			for j := range list {
				list[j] = final(list[j])
			}
		}
	}
	return final(entry)
}

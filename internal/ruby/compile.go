package ruby

import (
	"path/filepath"
	"strings"

	"millrace/internal/ruby/syntax"
)

// scopeKind is what variables belong to.
type scopeKind uint8

const (
	topScope scopeKind = iota
	methodScope
	blockScope
	lambdaScope
	classScope
)

// scope is the variables of a method or block while it is compiled.
type scope struct {
	kind    scopeKind
	names   map[string]int
	n       int
	up      *scope // of a block
	blocks  bool   // it has blocks
	jumps   bool   // a jump out of it may come as a panic
	breaks  bool
	returns bool // a return in a block of it
	loops   []*whileNode
}

func (s *scope) slot(name string) int {
	if i, ok := s.names[name]; ok {
		return i
	}
	i := s.n
	s.names[name] = i
	s.n++
	return i
}

// hidden returns a slot without a name.
func (s *scope) hidden() int {
	s.n++
	return s.n - 1
}

// compiler makes nodes of a tree.
type compiler struct {
	t     *Interp
	src   *source
	scope *scope
	uses  *uses
}

// fail ends compiling with an error at a place.
func (c *compiler) fail(n syntax.Node, format string, args ...any) {
	panic(syntax.NewError(c.src.text, n.At(), format, args...))
}

func newScope(kind scopeKind, up *scope) *scope {
	return &scope{kind: kind, names: make(map[string]int), up: up}
}

// find returns how many blocks outside a variable stands, and its slot.
func (s *scope) find(name string) (depth, slot int, ok bool) {
	for ; s != nil; s, depth = s.up, depth+1 {
		if i, ok := s.names[name]; ok {
			return depth, i, true
		}
	}
	return 0, 0, false
}

// variable returns the node of a local variable, which it declares if it is new.
func (c *compiler) variable(name string) node {
	depth, slot, ok := c.scope.find(name)
	if !ok {
		slot = c.scope.slot(name)
	}
	if depth == 0 {
		return &lvarNode{slot}
	}
	return &outerNode{depth, slot}
}

// body compiles statements, whose jumps need no panic.
func (c *compiler) body(n syntax.Node) node {
	if n == nil {
		return &valueNode{}
	}
	return c.compile(n, true)
}

// optional compiles a branch that may be missing.
func (c *compiler) optional(n syntax.Node, stmt bool) node {
	if n == nil {
		return nil
	}
	return c.compile(n, stmt)
}

func (c *compiler) expr(n syntax.Node) node { return c.compile(n, false) }

func (c *compiler) exprs(list []syntax.Node) []node {
	out := make([]node, len(list))
	for i, n := range list {
		out[i] = c.expr(n)
	}
	return out
}

// compile makes a node of n; stmt tells that it stands where a statement does.
func (c *compiler) compile(n syntax.Node, stmt bool) node {
	switch n := n.(type) {
	case *syntax.Seq:
		if len(n.List) == 1 {
			return c.compile(n.List[0], stmt)
		}
		s := &seqNode{}
		for _, x := range n.List {
			s.list = append(s.list, c.compile(x, stmt))
		}
		return s
	case *syntax.Call:
		return c.call(n, stmt)
	case *syntax.And:
		return &andNode{c.expr(n.X), c.compile(n.Y, stmt)}
	case *syntax.Or:
		return &orNode{c.expr(n.X), c.compile(n.Y, stmt)}
	case *syntax.If:
		if isMain(n.Cond) {
			return c.body(n.Else) // what only runs when the file is a program of its own is not even looked at
		}
		return &ifNode{c.cond(n.Cond), c.optional(n.Then, stmt), c.optional(n.Else, stmt)}
	case *syntax.Case:
		return c.caseWhen(n, stmt)
	case *syntax.CaseIn:
		return c.caseIn(n, stmt)
	case *syntax.Begin:
		return c.begin(n, stmt)
	case *syntax.While:
		return c.while(n)
	case *syntax.For:
		return c.forLoop(n)
	case *syntax.Break:
		return c.jump(n, ctlBreak, n.Value, stmt)
	case *syntax.Next:
		return c.jump(n, ctlNext, n.Value, stmt)
	case *syntax.Redo:
		return c.jump(n, ctlRedo, nil, stmt)
	case *syntax.Retry:
		if !stmt {
			c.fail(n, "retry inside of an expression is not supported")
		}
		return &jumpNode{kind: ctlRetry}
	case *syntax.Return:
		return c.jump(n, ctlReturn, n.Value, stmt)
	}
	return c.plain(n)
}

// plain compiles what no jump passes through.
func (c *compiler) plain(n syntax.Node) node {
	switch n := n.(type) {
	case *syntax.LVar:
		c.uses.newEvents = c.uses.newEvents || n.Name == "new_event_block"
		return c.variable(n.Name)
	case *syntax.IVar:
		c.uses.state = true
		return &ivarNode{c.t.ivarID(n.Name), n.Name}
	case *syntax.GVar:
		c.globalVar(n)
		return &gvarNode{n.Name}
	case *syntax.CVar:
		c.uses.wideVar()
		return &cvarNode{n.Name}
	case *syntax.Const:
		return c.constant(n)
	case *syntax.Asgn:
		return c.assign(n)
	case *syntax.MAsgn:
		m := c.mlhs(n.Target)
		return &masgnNode{m, c.expr(n.Value)}
	case *syntax.OpAsgn:
		return c.opAssign(n)
	case *syntax.Not:
		return &notNode{c.cond(n.X)}
	case *syntax.Defined:
		return c.defined(n)
	case *syntax.Splat:
		return &splatNode{c.expr(n.Value)}
	case *syntax.Yield:
		return &yieldNode{c.exprs(n.Args), hasSplat(n.Args)}
	case *syntax.Super:
		return c.super(n)
	case *syntax.Lambda:
		return &procNode{c.block(n.Block, lambdaScope)}
	case *syntax.Def, *syntax.Class, *syntax.SClass, *syntax.Module, *syntax.Alias, *syntax.Undef, *syntax.MethodName:
		return c.definition(n)
	}
	return c.literal(n)
}

// literal compiles literals.
func (c *compiler) literal(n syntax.Node) node {
	switch n := n.(type) {
	case *syntax.Nil:
		return &valueNode{}
	case *syntax.True:
		return &valueNode{true}
	case *syntax.False:
		return &valueNode{false}
	case *syntax.Self:
		return &selfNode{}
	case *syntax.Int:
		return &valueNode{bigInteger(n.Val)}
	case *syntax.Float:
		return &valueNode{n.Val}
	case *syntax.Rational:
		return &valueNode{rationalLiteral(n.Text)}
	case *syntax.FileName:
		if n.Dir {
			return &stringNode{s: filepath.Dir(c.src.name)}
		}
		return &stringNode{s: c.src.name}
	case *syntax.Str:
		return &stringNode{s: n.Val}
	case *syntax.DStr:
		return &dstrNode{c.parts(n.Parts)}
	case *syntax.Sym:
		return &valueNode{c.t.sym(n.Name)}
	case *syntax.DSym:
		return &dsymNode{dstrNode{c.parts(n.Parts)}}
	case *syntax.Regex:
		return c.regex(n)
	case *syntax.Array:
		if hasSplat(n.Elems) {
			return &splatArray{c.exprs(n.Elems)}
		}
		return &arrayNode{c.exprs(n.Elems)}
	case *syntax.Hash:
		return c.hash(n)
	case *syntax.Range:
		return c.rangeLiteral(n)
	case *syntax.MLHS:
		c.fail(n, "syntax error: a list of targets without an assignment")
	}
	c.fail(n, "syntax error: this cannot stand here")
	return nil
}

func (c *compiler) parts(list []syntax.Node) []node {
	var out []node
	for _, p := range list {
		if d, ok := p.(*syntax.DStr); ok {
			out = append(out, c.parts(d.Parts)...)
			continue
		}
		out = append(out, c.expr(p))
	}
	return out
}

func (c *compiler) rangeLiteral(n *syntax.Range) node {
	r := &rangeNode{lo: c.optional(n.Lo, false), hi: c.optional(n.Hi, false), excl: n.Excl}
	lo, loFixed := fixedValue(r.lo)
	hi, hiFixed := fixedValue(r.hi)
	if loFixed && hiFixed {
		if _, ok := lo.(int64); ok || lo == nil {
			if _, ok := hi.(int64); ok || hi == nil {
				return &valueNode{&Range{lo, hi, n.Excl}}
			}
		}
	}
	return r
}

func fixedValue(n node) (Value, bool) {
	if n == nil {
		return nil, true
	}
	if v, ok := n.(*valueNode); ok {
		return v.v, true
	}
	return nil, false
}

func (c *compiler) hash(n *syntax.Hash) node {
	h := &hashNode{kw: n.Bare}
	for _, p := range n.Pairs {
		var key node
		if s, ok := p.Key.(*syntax.Str); ok {
			key = &valueNode{&String{s: s.Val, frozen: true}}
		} else if p.Key != nil {
			key = c.expr(p.Key)
		}
		h.keys = append(h.keys, key)
		h.vals = append(h.vals, c.expr(p.Value))
	}
	return h
}

func (c *compiler) regex(n *syntax.Regex) node {
	r := &regexNode{parts: c.parts(n.Parts), flags: n.Flags}
	if len(r.parts) > 1 {
		return r
	}
	pattern := ""
	if len(r.parts) == 1 {
		s, ok := r.parts[0].(*stringNode)
		if !ok {
			return r
		}
		pattern = s.s
	}
	re, err := compileRegexp(pattern, n.Flags)
	if err != nil {
		c.fail(n, "%s", err)
	}
	r.once = re
	return r
}

func hasSplat(list []syntax.Node) bool {
	for _, n := range list {
		if _, ok := n.(*syntax.Splat); ok {
			return true
		}
	}
	return false
}

// cond compiles a condition: a bare regular expression is a mistake there, a range of conditions (a flip-flop) is not supported.
func (c *compiler) cond(n syntax.Node) node {
	if r, ok := n.(*syntax.Range); ok {
		c.fail(r, "a range as a condition (flip-flop) is not supported")
	}
	return c.expr(n)
}

// inner returns the innermost loop of the scope.
func (s *scope) inner() *whileNode {
	if len(s.loops) == 0 {
		return nil
	}
	return s.loops[len(s.loops)-1]
}

// jump compiles break, next, redo and return.
func (c *compiler) jump(n syntax.Node, kind ctl, value syntax.Node, stmt bool) node {
	x := c.optional(value, false)
	s := c.scope
	loop := s.inner()
	if kind == ctlReturn {
		return c.returnNode(x, stmt)
	}
	inBlock := s.kind == blockScope || s.kind == lambdaScope || s.kind == topScope
	if loop == nil && !inBlock {
		c.fail(n, "syntax error: %s outside of a loop or block", kind)
	}
	if kind == ctlBreak && loop == nil {
		s.breaks = true
	}
	if loop == nil && s.kind == lambdaScope && kind == ctlBreak {
		kind = ctlNext
	}
	if stmt {
		return &jumpNode{kind, x}
	}
	if kind == ctlRedo {
		c.fail(n, "redo inside of an expression is not supported")
	}
	if loop != nil {
		loop.jumps = true
		return &panicJump{kind: kind, x: x, loop: loop}
	}
	s.jumps = true
	return &panicJump{kind: kind, x: x}
}

func (c *compiler) returnNode(x node, stmt bool) node {
	s := c.scope
	if stmt && s.kind != blockScope {
		return &jumpNode{ctlReturn, x}
	}
	for s.kind == blockScope && s.up != nil {
		s.returns = true
		s = s.up
	}
	s.jumps = true
	if stmt {
		return &jumpNode{ctlReturn, x}
	}
	return &panicJump{kind: ctlReturn, x: x}
}

// call compiles a call: operators and some names of Kernel to nodes of their own.
func (c *compiler) call(n *syntax.Call, stmt bool) node {
	if special := c.specialCall(n); special != nil {
		return special
	}
	k := &callNode{name: n.Name, pos: n.Place, safe: n.Safe, vcall: n.VCall}
	if n.Recv != nil {
		k.recv = c.expr(n.Recv)
	}
	k.args = c.exprs(n.Args)
	k.splat = hasSplat(n.Args)
	k.kw = isBare(n.Args)
	c.fixArgs(k)
	if n.Block != nil {
		kind := blockScope
		if n.Recv == nil && n.Name == "lambda" || n.Name == "define_method" || n.Name == "define_singleton_method" {
			kind = lambdaScope
		}
		k.block = c.block(n.Block, kind)
	}
	k.pass = c.optional(n.Pass, false)
	c.uses.call(n)
	return k
}

func isBare(args []syntax.Node) bool {
	if len(args) == 0 {
		return false
	}
	h, ok := args[len(args)-1].(*syntax.Hash)
	return ok && h.Bare
}

// fixArgs keeps literal strings for methods that only look at them.
func (c *compiler) fixArgs(k *callNode) {
	for i, a := range k.args {
		if s, ok := a.(*stringNode); ok {
			if k.fixed == nil {
				k.fixed = make([]Value, len(k.args))
			}
			k.fixed[i] = &String{s: s.s, frozen: true}
		}
	}
}

// specialCall compiles calls that are more than calls; nil for the others.
func (c *compiler) specialCall(n *syntax.Call) node {
	if n.Recv != nil && len(n.Args) == 1 && n.Block == nil && n.Pass == nil && !n.Safe && fastOps[n.Name] != opNone && !hasSplat(n.Args) && !isBare(n.Args) {
		c.uses.call(n)
		x, y := c.expr(n.Recv), c.expr(n.Args[0])
		o := &opNode{op: fastOps[n.Name], x: x, y: y, call: callNode{name: n.Name, pos: n.Place, args: []node{y}}}
		c.fixArgs(&o.call)
		return o
	}
	if n.Name == "=~names" {
		return c.matchNames(n)
	}
	if n.Name == "-@" && len(n.Args) == 0 && n.Recv != nil {
		if v, ok := c.expr(n.Recv).(*valueNode); ok {
			switch x := v.v.(type) {
			case int64:
				return &valueNode{integer(-x)}
			case float64:
				return &valueNode{-x}
			}
		}
	}
	if n.Recv != nil {
		return nil
	}
	switch n.Name {
	case "loop":
		if n.Block != nil && len(n.Args) == 0 {
			return &loopNode{c.block(n.Block, blockScope), n.Place}
		}
	case "block_given?":
		return &definedNode{func(f *frame) Value { return f.home.block != nil }}
	case "binding", "local_variables", "set_trace_func", "callcc", "fork", "exec", "system", "spawn", "eval", "instance_eval", "class_eval":
		c.uses.unknown(n.Place, n.Name)
	case "lambda", "proc":
		if n.Block != nil {
			kind := blockScope
			if n.Name == "lambda" {
				kind = lambdaScope
			}
			return c.procLiteral(n, kind)
		}
	case "require", "require_relative", "load":
		c.require(n)
	}
	return nil
}

func (c *compiler) procLiteral(n *syntax.Call, kind scopeKind) node {
	b := c.block(n.Block, kind)
	if kind == lambdaScope {
		return &procNode{b}
	}
	return &callNode{name: "proc", block: b, pos: n.Place}
}

// require notes the library or file that code asks for. Of one whose name is computed nobody knows what it defines.
func (c *compiler) require(n *syntax.Call) {
	if len(n.Args) == 1 {
		if s, ok := n.Args[0].(*syntax.Str); ok {
			c.uses.libraries = append(c.uses.libraries, library{place{n.Args[0].At(), s.Val}, n.Name == "require_relative"})
			c.uses.state = c.uses.state || !knownLibrary(s.Val)
			return
		}
	}
	c.uses.state, c.uses.opaque = true, true
}

// block compiles a block.
func (c *compiler) block(b *syntax.Block, kind scopeKind) *blockCode {
	for s := c.scope; s != nil; s = s.up {
		s.blocks = true
	}
	s := newScope(kind, c.scope)
	c.scope = s
	code := &blockCode{simple: -1, lambda: kind == lambdaScope}
	switch {
	case b.Numbered > 0:
		code.params = &paramCode{rest: -1, kwRest: -1, block: -1}
		for i := 1; i <= b.Numbered; i++ {
			code.params.req = append(code.params.req, paramSlot{slot: s.slot("_" + itoa(i))})
		}
		code.simple = b.Numbered
	case b.Params == nil:
		code.params = &paramCode{rest: -1, kwRest: -1, block: -1}
		code.simple = 0
	default:
		code.params, code.simple = c.params(b.Params)
	}
	code.body = c.body(b.Body)
	code.vars, code.blocks, code.jumps, code.breaks, code.returns = s.n, s.blocks, s.jumps, s.breaks, s.returns
	c.scope = s.up
	return code
}

// params compiles parameters; simple is how many there are if they are plain ones only, -1 otherwise.
func (c *compiler) params(p *syntax.Params) (code *paramCode, simple int) {
	code = &paramCode{rest: -1, kwRest: -1, block: -1, comma: p.Comma && len(p.Req) == 1, noKw: p.NoKw}
	s := c.scope
	for _, r := range p.Req {
		if r.Pattern == nil {
			code.req = append(code.req, paramSlot{slot: s.slot(r.Name)})
		} else {
			code.req = append(code.req, paramSlot{slot: s.hidden()})
		}
	}
	for i, r := range p.Req {
		if r.Pattern != nil {
			code.req[i].pattern = c.mlhsLocal(r.Pattern)
		}
	}
	for _, o := range p.Opt {
		slot := s.slot(o.Name)
		code.opt = append(code.opt, optSlot{slot, c.expr(o.Default)})
	}
	switch p.Rest {
	case "":
	case "*":
		code.rest = -2
	default:
		code.rest = s.slot(p.Rest)
	}
	for _, r := range p.Post {
		if r.Pattern != nil {
			code.post = append(code.post, paramSlot{pattern: c.mlhsLocal(r.Pattern)})
		} else {
			code.post = append(code.post, paramSlot{slot: s.slot(r.Name)})
		}
	}
	c.keywordParams(p, code)
	for _, name := range p.Locals {
		s.slot(name)
	}
	simple = -1
	if code.opt == nil && code.rest == -1 && code.post == nil && code.kw == nil && code.kwRest == -1 && code.block == -1 && !code.comma {
		simple = len(code.req)
		for _, r := range code.req {
			if r.pattern != nil {
				simple = -1
			}
		}
	}
	return code, simple
}

func (c *compiler) keywordParams(p *syntax.Params, code *paramCode) {
	s := c.scope
	for _, k := range p.Kw {
		code.kw = append(code.kw, kwSlot{k.Name, s.slot(k.Name), c.optional(k.Default, false)})
	}
	switch p.KwRest {
	case "":
	case "**":
		code.kwRest = -2
	default:
		code.kwRest = s.slot(p.KwRest)
	}
	if p.Block != "" {
		code.block = s.slot(p.Block)
	}
}

// mlhsLocal is mlhs for the parameters of the innermost scope.
func (c *compiler) mlhsLocal(m *syntax.MLHS) *mlhsNode {
	c.declareAll(m)
	return c.mlhs(m)
}

func (c *compiler) declareAll(n syntax.Node) {
	switch n := n.(type) {
	case *syntax.MLHS:
		for _, i := range n.Items {
			c.declareAll(i)
		}
	case *syntax.Splat:
		if n.Value != nil {
			c.declareAll(n.Value)
		}
	case *syntax.LVar:
		c.scope.slot(n.Name)
	}
}

func (c *compiler) globalVar(n *syntax.GVar) {
	name := n.Name
	special := len(name) == 2 && strings.IndexByte("~&`'+!@0123456789", name[1]) >= 0 || name[1] >= '0' && name[1] <= '9'
	switch name {
	case "$stdout", "$stderr", "$stdin", "$PROGRAM_NAME":
		special = true
	}
	if !special {
		c.uses.wideVar()
	}
}

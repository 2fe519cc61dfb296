package ruby

import "strings"

// paramCode is compiled parameters.
type paramCode struct {
	req    []paramSlot
	opt    []optSlot
	rest   int // slot, -1 if there is none, -2 if it has no name
	post   []paramSlot
	kw     []kwSlot
	kwRest int
	block  int
	comma  bool
	noKw   bool
}

// paramSlot is where a required parameter goes: a slot or a pattern.
type paramSlot struct {
	slot    int
	pattern *mlhsNode
}

type optSlot struct {
	slot int
	def  node
}

type kwSlot struct {
	name string
	slot int
	def  node // nil: required
}

func (p *paramCode) required() int {
	if p == nil {
		return 0
	}
	return len(p.req) + len(p.post)
}

// spreads reports whether a single Array is taken apart for the parameters of a block.
func (p *paramCode) spreads() bool {
	n := len(p.req) + len(p.post) + len(p.opt)
	return n > 1 || n == 1 && (p.rest != -1 || p.comma) || p.rest >= 0 && n > 0
}

// arity returns what Proc#arity and Method#arity do.
func (p *paramCode) arity(lambda bool) int {
	n := p.required()
	needsKw := false
	for _, k := range p.kw {
		needsKw = needsKw || k.def == nil
	}
	if needsKw && n == 0 || needsKw {
		n++
		if len(p.opt) > 0 || p.rest != -1 {
			return -n
		}
		return n
	}
	if p.rest != -1 || lambda && len(p.opt) > 0 {
		return -n - 1
	}
	if len(p.opt) > 0 {
		return -n - 1
	}
	return n
}

// bind sets the parameters of f. Strict is for methods and lambdas, which raise where blocks do with what they get.
func (p *paramCode) bind(f *frame, args []Value, strict bool) {
	if p == nil {
		if strict && len(args) > 0 {
			f.t.arity(len(args), 0, 0)
		}
		return
	}
	t := f.t
	if len(p.req) == len(args) && len(p.opt) == 0 && p.rest == -1 && len(p.post) == 0 && p.kw == nil && p.kwRest == -1 && p.block == -1 && (strict || len(args) != 1 || !p.comma) {
		p.bindRequired(f, p.req, args)
		return
	}
	if !strict && len(args) == 1 && p.spreads() {
		if a, ok := args[0].(*Array); ok {
			args = a.v
		}
	}
	var kw *Hash
	if n := len(args); n > 0 {
		if h, ok := args[n-1].(*Hash); ok && h.kw {
			if p.kw != nil || p.kwRest != -1 {
				kw, args = h, args[:n-1]
			} else if h.live == 0 {
				args = args[:n-1]
			} else {
				h = h.dup()
				args = append(append([]Value(nil), args[:n-1]...), h)
			}
		}
	}
	min, max := p.required(), p.required()+len(p.opt)
	if strict && (len(args) < min || p.rest == -1 && len(args) > max) {
		if p.rest != -1 {
			max = -1
		}
		t.arity(len(args), min, max)
	}
	p.bindPositional(f, args)
	if p.kw != nil || p.kwRest != -1 {
		p.bindKeywords(f, kw, strict)
	}
	if p.block >= 0 {
		if f.block != nil {
			f.vars[p.block] = f.block
		} else {
			f.vars[p.block] = nil
		}
	}
}

func (p *paramCode) bindRequired(f *frame, slots []paramSlot, args []Value) {
	for i := range slots {
		s := &slots[i]
		var v Value
		if i < len(args) {
			v = args[i]
			if h, ok := v.(*Hash); ok && h.kw {
				v = h.dup()
			}
		}
		if s.pattern != nil {
			s.pattern.assign(f, v)
		} else {
			f.vars[s.slot] = v
		}
	}
}

// bindPositional spreads args over the parameters.
func (p *paramCode) bindPositional(f *frame, args []Value) {
	n := min(len(args), len(p.req))
	p.bindRequired(f, p.req, args[:n])
	args = args[n:]
	free := max(0, len(args)-len(p.post)) // for optional ones and the rest
	for i := range p.opt {
		o := &p.opt[i]
		if free > 0 {
			f.vars[o.slot] = args[0]
			args = args[1:]
			free--
		} else {
			f.vars[o.slot] = o.def.eval(f)
		}
	}
	if p.rest >= 0 {
		f.vars[p.rest] = arrayOf(append([]Value(nil), args[:free]...))
	}
	if p.rest != -1 {
		args = args[free:]
	}
	p.bindRequired(f, p.post, args)
}

// bindKeywords sets the named parameters.
func (p *paramCode) bindKeywords(f *frame, kw *Hash, strict bool) {
	t := f.t
	used := 0
	var missing []string
	for i := range p.kw {
		k := &p.kw[i]
		if kw != nil {
			if v, ok := kw.symbol(k.name); ok {
				f.vars[k.slot] = v
				used++
				continue
			}
		}
		if k.def == nil {
			missing = append(missing, ":"+k.name)
			continue
		}
		f.vars[k.slot] = k.def.eval(f)
	}
	if len(missing) > 0 {
		s := ""
		if len(missing) > 1 {
			s = "s"
		}
		t.argError("missing keyword%s: %s", s, strings.Join(missing, ", "))
	}
	if p.kwRest >= 0 {
		f.vars[p.kwRest] = p.otherKeywords(t, kw)
		return
	}
	if kw != nil && used < kw.live && p.kwRest == -1 && strict {
		p.unknownKeywords(t, kw)
	}
}

func (p *paramCode) names(s *Symbol) bool {
	for i := range p.kw {
		if p.kw[i].name == s.name {
			return true
		}
	}
	return false
}

func (p *paramCode) otherKeywords(t *Interp, kw *Hash) *Hash {
	rest := newHash()
	if kw == nil {
		return rest
	}
	for _, e := range kw.entries {
		if s, ok := e.key.(*Symbol); e.gone || ok && p.names(s) {
			continue
		}
		rest.set(t, e.key, e.val)
	}
	return rest
}

func (p *paramCode) unknownKeywords(t *Interp, kw *Hash) {
	var unknown []string
	for _, e := range kw.entries {
		if s, ok := e.key.(*Symbol); e.gone || ok && p.names(s) {
			continue
		}
		unknown = append(unknown, t.inspect(e.key))
	}
	s := ""
	if len(unknown) > 1 {
		s = "s"
	}
	t.argError("unknown keyword%s: %s", s, strings.Join(unknown, ", "))
}

package ruby

import (
	"os"
	"sort"
	"strings"

	"millrace/internal/ruby/syntax"
)

// place is a name and where it stands in the code.
type place struct {
	pos  int
	name string
}

// library is what code requires by a literal.
type library struct {
	place
	relative bool
}

// uses is what code refers to, so that what is not there is known before the first event.
type uses struct {
	state     bool // instance, class or global variables, constants, classes: it keeps something from one event to the next
	calls     []place
	consts    []place
	libraries []library
	unknowns  []place
	defined   map[string]bool
	symbols   map[string]bool
	dynamic   bool // method_missing, define_method with a name that is computed
	opaque    bool // it runs files whose names are computed
	newEvents bool // new_event_block is used
	wide      bool // class or global variables, which all filters of the process see
	quiet     int
}

func newUses() *uses {
	return &uses{defined: make(map[string]bool), symbols: make(map[string]bool)}
}

// wideVar notes a class or global variable.
func (u *uses) wideVar() { u.state, u.wide = true, true }

func (u *uses) name(pos int, name string) { u.calls = append(u.calls, place{pos, name}) }

func (u *uses) unknown(pos int, name string) { u.unknowns = append(u.unknowns, place{pos, name}) }

func (u *uses) defines(name string) { u.defined[name] = true }

// call notes a call, and the names that calls such as attr_accessor define.
func (u *uses) call(n *syntax.Call) {
	if root := javaRoot(n); root != nil {
		if root == n {
			u.unknown(n.Place, n.Name)
		}
		return
	}
	u.name(n.Place, n.Name)
	if k, ok := n.Recv.(*syntax.Const); ok && k.Name == "Thread" && (n.Name == "new" || n.Name == "start" || n.Name == "fork") {
		u.unknown(n.Place, "Thread."+n.Name)
	}
	switch n.Name {
	case "attr_accessor", "attr_reader", "attr_writer", "define_method", "alias_method", "new", "define_singleton_method", "respond_to?", "try":
	case "instance_variable_set", "instance_variable_get", "extend", "include", "const_set", "srand":
		u.state = true
		return
	case "class_variable_set", "class_variable_get", "class_variable_defined?":
		u.wideVar()
		return
	case "method_missing":
		u.dynamic = true
		return
	default:
		return
	}
	for _, a := range n.Args {
		switch a := a.(type) {
		case *syntax.Sym:
			u.defined[a.Name], u.defined[a.Name+"="] = true, true
		case *syntax.Str:
			u.defined[a.Val], u.defined[a.Val+"="] = true, true
		case *syntax.DStr, *syntax.LVar, *syntax.Splat:
			u.dynamic = u.dynamic || n.Name == "define_method"
		}
	}
}

// javaRoot returns the call that begins n as java.util.UUID.randomUUID begins; nil if n names no class of Java.
func javaRoot(n *syntax.Call) *syntax.Call {
	for n.Recv != nil {
		r, ok := n.Recv.(*syntax.Call)
		if !ok {
			return nil
		}
		n = r
	}
	if n.VCall && (n.Name == "java" || n.Name == "javax" || n.Name == "org" || n.Name == "com") || n.Name == "java_import" || n.Name == "java_package" {
		return n
	}
	return nil
}

// constant notes a constant at the top; what stands in another is looked up when it is known.
func (u *uses) constant(n *syntax.Const) {
	if u.quiet > 0 {
		return
	}
	name := n.Name
	for s := n.Scope; s != nil; {
		k, ok := s.(*syntax.Const)
		if !ok {
			return
		}
		name = k.Name + "::" + name
		s = k.Scope
	}
	u.consts = append(u.consts, place{n.At(), name})
	u.dynamic = u.dynamic || name == "OpenStruct"
}

// Shared reports whether the program keeps something from one event to the next, so that all workers must share what runs it.
func (p *Program) Shared() bool { return p.uses.state }

// Wide reports whether the program, or a file that it requires, uses class or global variables, which all filters of a process have in common. A file whose name
// is computed may.
func (p *Program) Wide() bool {
	for _, q := range withFiles([]*Program{p}) {
		if q.uses.wide || q.uses.opaque {
			return true
		}
	}
	return false
}

// Problem is something that code refers to and nothing provides.
type Problem struct {
	*syntax.Error
	Hint string
}

// Check looks for methods, constants and libraries that neither the library nor the programs themselves provide. Programs are those that run in one Interp,
// the one to be checked first.
func Check(p *Program, others ...*Program) []Problem {
	defined := make(map[string]bool)
	dynamic := false
	for _, q := range withFiles(append([]*Program{p}, others...)) {
		for name := range q.uses.defined {
			defined[name] = true
		}
		dynamic = dynamic || q.uses.dynamic
		if q.uses.opaque {
			return nil
		}
	}
	c := &checker{p: p, defined: defined}
	if !dynamic && !defined["method_missing"] {
		c.methods()
	}
	c.constants()
	c.unsupported()
	sort.SliceStable(c.found, func(i, j int) bool { return c.found[i].Offset < c.found[j].Offset })
	return c.found
}

// withFiles returns programs and the files that they require.
func withFiles(programs []*Program) []*Program {
	seen := make(map[string]bool)
	for i := 0; i < len(programs); i++ {
		p := programs[i]
		for _, l := range p.uses.libraries {
			path, ok := sourceFile(l.name, l.relative, p.src.name)
			if !ok || knownLibrary(l.name) || seen[path] {
				continue
			}
			seen[path] = true
			if text, err := os.ReadFile(path); err == nil {
				if q, err := p.t.Compile(path, string(text)); err == nil {
					programs = append(programs, q)
				}
			}
		}
	}
	return programs
}

type checker struct {
	p       *Program
	defined map[string]bool
	found   []Problem
}

func (c *checker) add(pos int, hint, format string, args ...any) {
	c.found = append(c.found, Problem{syntax.NewError(c.p.src.text, pos, format, args...), hint})
}

func (c *checker) methods() {
	names := c.p.t.core.names
	for _, m := range c.p.uses.calls {
		if names[m.name] || c.defined[m.name] {
			continue
		}
		c.add(m.pos, nearest(m.name, names, c.defined), "no class has a method %q", m.name)
	}
}

const noJava = "classes of Java are not supported: there is no JVM"

func (c *checker) unsupported() {
	for _, m := range c.p.uses.unknowns {
		switch {
		case c.defined[m.name]:
		case javaRoot(&syntax.Call{Name: m.name, VCall: true}) != nil:
			c.add(m.pos, "", noJava)
		default:
			c.add(m.pos, "", "%s is not supported", m.name)
		}
	}
}

func (c *checker) constants() {
	t := c.p.t
	for _, k := range c.p.uses.consts {
		if _, known := t.knownConst(k.name, c.defined); !known {
			if strings.HasPrefix(k.name, "Java::") {
				c.add(k.pos, "", noJava)
				continue
			}
			c.add(k.pos, "", "unknown constant %s", k.name)
		}
	}
}

// knownConst reports whether a constant exists, or may exist once the code runs.
func (t *Interp) knownConst(name string, defined map[string]bool) (Value, bool) {
	cur := t.core.object
	var v Value
	for name != "" {
		part := name
		if i := indexOf(name, "::"); i >= 0 {
			part, name = name[:i], name[i+2:]
		} else {
			name = ""
		}
		if defined[part] {
			return nil, true
		}
		var ok bool
		if v, ok = t.constOf(cur, part); !ok {
			return nil, false
		}
		if cur, ok = v.(*Class); !ok {
			return v, name == ""
		}
	}
	return v, true
}

// UnknownLibraries returns an error for each literal require of a library that is not there.
func (p *Program) UnknownLibraries() []*syntax.Error {
	var out []*syntax.Error
	for _, l := range p.uses.libraries {
		if _, ok := sourceFile(l.name, l.relative, p.src.name); !ok && !knownLibrary(l.name) {
			out = append(out, syntax.NewError(p.src.text, l.pos, "no such file to load -- %s: there is no such library", l.name))
		}
	}
	return out
}

// nearest returns the name that is most like one that nothing has, "" if none is.
func nearest(name string, sets ...map[string]bool) string {
	best, bestCost := "", len(name)/3+1
	for _, set := range sets {
		for other := range set {
			if d := distance(name, other, bestCost); d < bestCost || d == bestCost && best != "" && other < best {
				best, bestCost = other, d
			}
		}
	}
	return best
}

// distance returns how many letters two names differ by, at most limit.
func distance(a, b string, limit int) int {
	if d := len(a) - len(b); d > limit || -d > limit {
		return limit + 1
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := diagonal
			if a[i-1] != b[j-1] {
				cost++
			}
			diagonal = row[j]
			row[j] = min(cost, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}

package ruby

// builtin is a method written in Go. It must not keep args.
type builtin func(t *Interp, self Value, args []Value, b *Proc) Value

// Method is a method of a class.
type Method struct {
	name     string
	owner    *Class
	fn       builtin
	min, max int  // arguments; max is -1 without a limit
	enum     bool // without a block it returns an Enumerator
	kw       bool // it looks at named arguments
	user     *methodCode
	proc     *Proc // of define_method
	ivar     int   // of attr_reader and attr_writer
	attr     uint8
	private  bool
}

const (
	attrReader = iota + 1
	attrWriter
)

// Class is a Class or a Module.
type Class struct {
	name     string
	super    *Class
	meta     *Class // holds the methods of the class itself
	module   bool
	core     bool // shared by all Interps: what code adds stands in Interp.ext
	methods  map[string]*Method
	consts   map[string]Value
	includes []*Class
	outer    *Class
	alloc    func(t *Interp, c *Class) Value
	fields   []string // of a Struct
	kwInit   bool
	cvars    map[string]Value
	singular bool // the meta of a class
	of       *Class
	ivars    []Value
}

func (c *Class) isStruct() bool {
	for ; c != nil; c = c.super {
		if c.fields != nil {
			return true
		}
	}
	return false
}

// def adds a method with exactly n arguments.
func (c *Class) def(name string, n int, fn builtin) *Method { return c.defn(name, n, n, fn) }

// defn adds a method with min to max arguments; -1 is no limit.
func (c *Class) defn(name string, min, max int, fn builtin) *Method {
	m := &Method{name: name, owner: c, fn: fn, min: min, max: max}
	c.methods[name] = m
	return m
}

// each adds a method that returns an Enumerator without a block.
func (c *Class) each(name string, min, max int, fn builtin) *Method {
	m := c.defn(name, min, max, fn)
	m.enum = true
	return m
}

// alias gives the method old further names.
func (c *Class) alias(old string, names ...string) {
	for _, n := range names {
		m := *c.methods[old]
		m.name = n
		c.methods[n] = &m
	}
}

// withKw marks methods that look at their named arguments.
func (c *Class) withKw(names ...string) {
	for _, n := range names {
		c.methods[n].kw = true
	}
}

// sdef adds a method of the class itself.
func (c *Class) sdef(name string, min, max int, fn builtin) *Method {
	return c.meta.defn(name, min, max, fn)
}

// overlay is what code added to a core class.
type overlay struct {
	methods  map[string]*Method
	includes []*Class
	consts   map[string]Value
}

// inherits reports whether c is k or below it.
func (t *Interp) inherits(c, k *Class) bool {
	for ; c != nil; c = c.super {
		if c == k {
			return true
		}
		if k.module && t.includesModule(c, k) {
			return true
		}
	}
	return false
}

func (t *Interp) includesModule(c, k *Class) bool {
	for _, m := range c.includes {
		if m == k || t.includesModule(m, k) {
			return true
		}
	}
	if o := t.ext[c]; o != nil {
		for _, m := range o.includes {
			if m == k || t.includesModule(m, k) {
				return true
			}
		}
	}
	return false
}

// findMethod looks a method up in c and what it inherits from.
func (t *Interp) findMethod(c *Class, name string) *Method {
	for ; c != nil; c = c.super {
		if m := t.methodIn(c, name); m != nil {
			if m.fn == nil && m.user == nil && m.proc == nil && m.attr == 0 {
				return nil // undef
			}
			return m
		}
	}
	return nil
}

// methodIn looks in c and its modules.
func (t *Interp) methodIn(c *Class, name string) *Method {
	if t.ext != nil {
		if o := t.ext[c]; o != nil {
			if m := o.methods[name]; m != nil {
				return m
			}
			for i := len(o.includes) - 1; i >= 0; i-- {
				if m := t.methodIn(o.includes[i], name); m != nil {
					return m
				}
			}
		}
	}
	if m := c.methods[name]; m != nil {
		return m
	}
	for i := len(c.includes) - 1; i >= 0; i-- {
		if m := t.methodIn(c.includes[i], name); m != nil {
			return m
		}
	}
	return nil
}

// addMethod defines a method by code.
func (t *Interp) addMethod(c *Class, m *Method) {
	m.owner = c
	t.epoch++
	if !c.core {
		c.methods[m.name] = m
		return
	}
	o := t.overlayOf(c)
	o.methods[m.name] = m
}

func (t *Interp) overlayOf(c *Class) *overlay {
	if t.ext == nil {
		t.ext = make(map[*Class]*overlay)
	}
	o := t.ext[c]
	if o == nil {
		o = &overlay{methods: make(map[string]*Method), consts: make(map[string]Value)}
		t.ext[c] = o
	}
	return o
}

// include adds a module to a class.
func (t *Interp) include(c, m *Class) {
	if t.includesModule(c, m) {
		return
	}
	t.epoch++
	if c.core {
		o := t.overlayOf(c)
		o.includes = append(o.includes, m)
		return
	}
	c.includes = append(c.includes, m)
}

// constIn looks a constant up in c itself.
func (t *Interp) constIn(c *Class, name string) (Value, bool) {
	if t.ext != nil {
		if o := t.ext[c]; o != nil {
			if v, ok := o.consts[name]; ok {
				return v, true
			}
		}
	}
	v, ok := c.consts[name]
	return v, ok
}

// constOf looks a constant up in c and what it inherits from.
func (t *Interp) constOf(c *Class, name string) (Value, bool) {
	for k := c; k != nil; k = k.super {
		if v, ok := t.constIn(k, name); ok {
			return v, true
		}
		for _, m := range k.includes {
			if v, ok := t.constIn(m, name); ok {
				return v, true
			}
		}
	}
	return nil, false
}

func (t *Interp) setConst(c *Class, name string, v Value) {
	if k, ok := v.(*Class); ok && k.name == "" {
		k.name = name
		if c != t.core.object {
			k.name = c.name + "::" + name
		}
	}
	t.epoch++
	if c.core {
		t.overlayOf(c).consts[name] = v
		return
	}
	c.consts[name] = v
}

// newClass makes a class of the code.
func (t *Interp) newClass(name string, super *Class) *Class {
	c := newClass(name, super)
	c.meta = newClass("", nil)
	c.meta.singular, c.meta.of = true, c
	if super != nil {
		c.meta.super = super.meta
		c.alloc, c.fields, c.kwInit = super.alloc, nil, super.kwInit
	}
	return c
}

func newClass(name string, super *Class) *Class {
	return &Class{name: name, super: super, methods: make(map[string]*Method), consts: make(map[string]Value)}
}

func (t *Interp) newModule(name string) *Class {
	c := newClass(name, nil)
	c.module = true
	c.meta = newClass("", t.core.module)
	c.meta.singular, c.meta.of = true, c
	return c
}

// userDefines reports whether code, not the library, defines a method of c.
func (t *Interp) userDefines(c *Class, name string) bool {
	m := t.findMethod(c, name)
	return m != nil && m.fn == nil
}

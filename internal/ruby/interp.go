package ruby

import (
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"time"

	"millrace/internal/ruby/syntax"
	"millrace/pipeline/event"
)

// Interp runs code. It holds what code can change: global and instance variables, constants, methods. One goroutine uses it at a time.
type Interp struct {
	seat
	core    *core
	syms    map[string]*Symbol
	ivarIDs map[string]int
	ivars   []string
	globals map[string]Value
	ext     map[*Class]*overlay
	epoch   int // of methods and constants

	depth                 int
	sp                    int
	stack                 []Value // arguments of the calls that run
	pool                  []*frame
	iterating             int
	match                 *MatchData // of $~
	errinfo               Value      // $!
	catching              []Value    // the tags of the catches that run
	ticks                 uint32
	pos                   int
	src                   *source
	privateIn, moduleFnIn *Class // the class whose next methods are private, or its own too

	out      io.Writer
	bases    map[string]*Class // what keeps the class variables of hosts, by the name of their class
	rand     *rand.Rand
	args     []Value // of the program that runs
	regexps  map[string]*Regexp
	ids      map[Value]int64
	nextID   int64
	busy     map[Value]bool
	required map[string]bool
	paths    map[string]*event.Path
}

// Config is what an Interp is told about its surroundings.
type Config struct {
	Log *slog.Logger
	Out io.Writer // of puts; os.Stdout if nil
	Now func() time.Time
	// Plugin names the class of the object that code at the top is called on: LogStash::Filters::Ruby.
	Plugin string
}

// source is a text that was compiled, for places in backtraces.
type source struct{ name, text string }

// maxDepth bounds calls within calls, so that Go's stack stays small: a level takes about a kilobyte.
const maxDepth = 10_000

// maxText and maxItems bound what one operation may make.
const (
	maxText  = 64 << 20
	maxItems = 1 << 22
)

// New returns an interpreter.
func New(c Config) *Interp {
	t := &Interp{
		seat: newSeat(c), core: coreOf(), syms: make(map[string]*Symbol), ivarIDs: make(map[string]int), globals: make(map[string]Value), stack: make([]Value, 256),
		out: c.Out, rand: rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())), regexps: make(map[string]*Regexp),
		src: &source{name: "(ruby filter code)"}, required: make(map[string]bool), paths: make(map[string]*event.Path),
	}
	if t.out == nil {
		t.out = os.Stdout
	}
	class := t.core.object
	if c.Plugin != "" {
		class = t.newClass(c.Plugin, t.core.object)
	}
	t.top = class
	t.self = t.object(class)
	return t
}

// object makes an object that code at the top is called on.
func (t *Interp) object(class *Class) *Object {
	o := &Object{class: class}
	t.setIvar(o, "@logger", &Object{class: t.core.logger})
	return o
}

// turn is called on every turn of a loop and every call of a method of the code.
func (t *Interp) turn() {
	t.ticks++
	if t.ticks&1023 == 0 && t.stop.Load() {
		panic(stopped{})
	}
}

// sym returns the Symbol of a name.
func (t *Interp) sym(name string) *Symbol {
	s := t.syms[name]
	if s == nil {
		s = &Symbol{name}
		t.syms[name] = s
	}
	return s
}

// ivarID returns the number of an instance variable's name.
func (t *Interp) ivarID(name string) int {
	id, ok := t.ivarIDs[name]
	if !ok {
		id = len(t.ivars)
		t.ivarIDs[name] = id
		t.ivars = append(t.ivars, name)
	}
	return id
}

func (t *Interp) setIvar(o *Object, name string, v Value) { o.setIvar(t.ivarID(name), v) }

func (o *Object) setIvar(id int, v Value) {
	for len(o.ivars) <= id {
		o.ivars = append(o.ivars, undef)
	}
	o.ivars[id] = v
}

func (o *Object) ivar(id int) Value {
	if id < len(o.ivars) && o.ivars[id] != undef {
		return o.ivars[id]
	}
	return nil
}

// frame is where a method, a block or code at the top keeps its variables while it runs.
type frame struct {
	t      *Interp
	vars   []Value
	up     *frame // of a block: what is around it
	home   *frame // of the method
	target *frame // whom a return leaves
	self   Value
	proc   *Proc // of a block: itself
	block  *Proc // of a method: what it was given
	method *Method
	args   []Value // for super without arguments
	cref   *cref
	ret    Value
	ctl    ctl
	space  [8]Value
}

// cref is the classes around a piece of code.
type cref struct {
	class *Class
	up    *cref
}

// ctl tells why the statements of a frame do not go on.
type ctl uint8

const (
	ctlNone ctl = iota
	ctlBreak
	ctlNext
	ctlReturn
	ctlRedo
	ctlRetry
)

func (c ctl) String() string {
	return [...]string{"", "break", "next", "return", "redo", "retry"}[c]
}

// push returns a frame with n variables.
func (t *Interp) push(n int) *frame {
	var f *frame
	if k := len(t.pool); k > 0 {
		f = t.pool[k-1]
		t.pool = t.pool[:k-1]
	} else {
		f = &frame{t: t}
	}
	if n <= len(f.space) {
		f.vars = f.space[:n]
	} else {
		f.vars = make([]Value, n)
	}
	return f
}

// release gives a frame back that nothing refers to.
func (t *Interp) release(f *frame) {
	clear(f.space[:])
	*f = frame{t: t, space: f.space}
	t.pool = append(t.pool, f)
}

// enter counts a level of recursion.
func (t *Interp) enter() {
	t.depth++
	if t.depth > maxDepth {
		t.raise(t.core.systemStackError, "stack level too deep")
	}
}

func (t *Interp) leave() { t.depth-- }

// where tells the place of the last call, for backtraces.
func (t *Interp) where() string {
	if t.src == nil {
		return ""
	}
	line, _ := syntax.Place(t.src.text, t.pos)
	return t.src.name + ":" + itoa(line)
}

// room returns room for n arguments above those of the calls that run.
func (t *Interp) room(n int) []Value {
	if t.sp+n > len(t.stack) {
		grown := make([]Value, max(2*len(t.stack), t.sp+n))
		copy(grown, t.stack[:t.sp])
		t.stack = grown
	}
	a := t.stack[t.sp : t.sp+n : t.sp+n]
	t.sp += n
	return a
}

// free gives the room back.
func (t *Interp) free(a []Value) {
	clear(a)
	t.sp -= len(a)
}

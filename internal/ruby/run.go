package ruby

import (
	"errors"

	"millrace/internal/ruby/syntax"
	"millrace/pipeline/event"
)

// Spawn returns an empty event that goes on behind the filter.
type Spawn func() *event.Event

// RunEvent runs code whose first parameter is the event and whose last, if it has one more, is new_event_block. What new_event_block was called with goes to
// spawn when the code has ended, also if it ended with an error.
func (p *Program) RunEvent(e *event.Event, spawn Spawn, more ...Value) error {
	t := p.t
	v := p.take(e)
	var made []*Event
	args := append(append(t.args[:0], v), more...)
	if len(p.params) > len(args) && p.uses.newEvents {
		args = append(args, t.newEventBlock(&made))
	}
	t.args = args
	_, err := p.Run(args...)
	clear(t.args)
	v.give(t, e)
	for _, m := range made {
		m.pass(t, spawn)
	}
	if !p.uses.state && made == nil {
		v.cancelled = false
		p.spare = v
	}
	return err
}

// take wraps an event for code.
func (p *Program) take(e *event.Event) *Event {
	if v := p.spare; v != nil {
		p.spare = nil
		v.e = e
		return v
	}
	return &Event{e: e}
}

// give ends the time that code has with an event. Code that keeps what it got will find that the event is gone.
func (v *Event) give(t *Interp, e *event.Event) {
	v.settle(t)
	if v.cancelled {
		e.Cancel()
	}
	v.e = nil
	clear(v.lent)
	v.lent = v.lent[:0]
}

// newEventBlock returns what new_event_block is.
func (t *Interp) newEventBlock(made *[]*Event) *Proc {
	return &Proc{arity: 1, lambda: true, fn: func(t *Interp, a []Value, _ *Proc) Value {
		t.want(a, 1, 1)
		v, ok := a[0].(*Event)
		if !ok {
			t.typeError("wrong argument type %s (expected LogStash::Event)", t.className(a[0]))
		}
		v.live(t)
		*made = append(*made, v)
		return nil
	}}
}

// pass copies an event of the code to where it goes on.
func (v *Event) pass(t *Interp, spawn Spawn) {
	if v.e == nil {
		return // the filter's own event, which goes on anyway
	}
	v.settle(t)
	c := spawn()
	v.e.CopyTo(c)
	if v.cancelled {
		c.Cancel()
	}
}

// Script is a file with register(params) and filter(event).
type Script struct {
	t       *Interp
	program *Program
	tests   []*scriptTest
	filter  *Method
}

// scriptTest is a test block of a script.
type scriptTest struct {
	name    string
	params  *Proc
	events  []*Proc
	expects []expectation
}

type expectation struct {
	name  string
	block *Proc
}

// NewScript reads a script and runs what stands outside of its methods. An error is a [*syntax.Error] or an [*Error].
func (t *Interp) NewScript(name, code string) (*Script, error) {
	s := &Script{t: t}
	p, err := t.Compile(name, code)
	if err != nil {
		return nil, err
	}
	s.program = p
	for _, name := range []string{"test", "parameters", "in_event", "in_events", "expect"} {
		p.uses.defines(name)
	}
	s.dsl()
	return s, nil
}

// Program returns the code of the script, for [Check].
func (s *Script) Program() *Program { return s.program }

// Load runs what stands outside of the script's methods, and finds filter.
func (s *Script) Load() error {
	if _, err := s.program.Run(); err != nil {
		return err
	}
	s.filter = s.t.findMethod(s.t.self.class, "filter")
	if s.filter == nil || s.filter.user == nil {
		return errors.New("the script does not define a method filter(event)")
	}
	return nil
}

// dsl defines what test blocks are made of.
func (s *Script) dsl() {
	var cur *scriptTest
	add := func(name string, n int, fn builtin) {
		s.t.addMethod(s.t.self.class, &Method{name: name, min: n, max: n, fn: fn})
	}
	add("test", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		cur = &scriptTest{name: t.toS(a[0])}
		s.tests = append(s.tests, cur)
		return t.callProc(b, nil, nil)
	})
	in := func(f func(a []Value, b *Proc)) builtin {
		return func(t *Interp, self Value, a []Value, b *Proc) Value {
			if cur == nil || b == nil {
				return t.argError("this belongs with a block into a test")
			}
			f(a, b)
			return nil
		}
	}
	add("parameters", 0, in(func(_ []Value, b *Proc) { cur.params = b }))
	add("in_event", 0, in(func(_ []Value, b *Proc) { cur.events = append(cur.events, b) }))
	add("in_events", 0, in(func(_ []Value, b *Proc) { cur.events = append(cur.events, b) }))
	add("expect", 1, in(func(a []Value, b *Proc) { cur.expects = append(cur.expects, expectation{s.t.toS(a[0]), b}) }))
}

// HasTests reports whether the script has test blocks.
func (s *Script) HasTests() bool { return len(s.tests) > 0 }

// Register calls the script's register with its parameters, if it has one.
func (s *Script) Register(params Value) error {
	_, err := s.t.guard(func() Value { return s.register(params) })
	return err
}

func (s *Script) register(params Value) Value {
	if m := s.t.findMethod(s.t.self.class, "register"); m != nil && m.user != nil {
		return s.t.invoke(m, s.t.self, []Value{params}, nil)
	}
	return nil
}

// RunEvent calls the script's filter. The events that it returns beside e go to spawn; e is cancelled if it is not among them.
func (s *Script) RunEvent(e *event.Event, spawn Spawn) error {
	t := s.t
	v := &Event{e: e}
	var made []*Event
	kept := false
	_, err := t.guard(func() Value {
		t.src = s.program.src
		out := t.invoke(s.filter, t.self, []Value{v}, nil)
		kept, made = t.results(out, v)
		return nil
	})
	if err == nil && !kept {
		v.cancelled = true
	}
	v.give(t, e)
	for _, m := range made {
		m.pass(t, spawn)
	}
	return err
}

// noArray is what Logstash says of a script whose filter returns anything else.
const noArray = "Custom script did not return an array from 'filter'. Only arrays may be returned!"

// results checks what filter returned, and tells whether its own event is among it.
func (t *Interp) results(out Value, own *Event) (kept bool, others []*Event) {
	list, ok := out.(*Array)
	if !ok {
		t.raise(t.core.runtimeError, noArray)
	}
	for _, v := range list.v {
		e, ok := v.(*Event)
		if !ok {
			t.raise(t.core.runtimeError, "Custom script returned a non event object '%s'! You must an array of events from this function! To drop an event simply return nil.", t.inspect(v))
		}
		if e == own {
			kept = true
		} else {
			others = append(others, e)
		}
	}
	return kept, others
}

// TestFailure is a test of a script that failed.
type TestFailure struct {
	Test, Expect string
	Err          error // nil: the block returned neither true nor a value that counts as it
}

// Test runs the test blocks and returns what failed.
func (s *Script) Test() (failed []TestFailure) {
	for _, test := range s.tests {
		failed = append(failed, s.run(test)...)
	}
	return failed
}

func (s *Script) run(test *scriptTest) (failed []TestFailure) {
	t := s.t
	results := &Array{}
	_, err := t.guard(func() Value {
		var params Value = newHash()
		if test.params != nil {
			params = t.callProc(test.params, nil, nil)
		}
		s.register(params)
		for _, b := range test.events {
			for _, h := range t.inputs(t.callProc(b, nil, nil)) {
				out, ok := t.invoke(s.filter, t.self, []Value{h}, nil).(*Array)
				if !ok {
					t.raise(t.core.runtimeError, noArray)
				}
				results.v = append(results.v, out.v...)
			}
		}
		return nil
	})
	if err != nil {
		return []TestFailure{{test.name, "", err}}
	}
	for _, x := range test.expects {
		v, err := t.guard(func() Value { return t.callProc(x.block, []Value{results}, nil) })
		if err != nil || !truthy(v) {
			failed = append(failed, TestFailure{test.name, x.name, err})
		}
	}
	return failed
}

// inputs returns the events that in_event describes.
func (t *Interp) inputs(v Value) []Value {
	var out []Value
	list := []Value{v}
	if a, ok := v.(*Array); ok {
		list = a.v
	}
	for _, x := range list {
		if e, ok := x.(*Event); ok {
			out = append(out, e)
			continue
		}
		out = append(out, t.newEvent(t.toHash(x)))
	}
	return out
}

// IsSyntax returns the error of Compile in err.
func IsSyntax(err error) (*syntax.Error, bool) { return syntax.IsError(err) }

// Hash returns a Hash of the pairs that add is called with; Text, Number and List make its values.
func (t *Interp) Hash(fill func(add func(key string, v Value))) Value {
	h := newHash()
	fill(func(key string, v Value) { h.set(t, &String{s: key, frozen: true}, v) })
	return h
}

// Text returns a String.
func Text(s string) Value { return strValue(s) }

// Int returns an Integer.
func Int(i int64) Value { return integer(i) }

// List returns an Array.
func List(v []Value) Value { return arrayOf(v) }

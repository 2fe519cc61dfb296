package ruby

import (
	"errors"
	"fmt"
	"runtime"

	"millrace/internal/ruby/text"
)

// Error is an exception that code did not rescue.
type Error struct {
	Class   string // of the exception
	Message string
	exc     *Object
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// raised is what a panic carries while an exception looks for its rescue.
type raised struct{ exc *Object }

// jump is what a panic carries while break, next, return, retry, redo or throw leave Go's frames between.
type jump struct {
	kind  ctl
	frame *frame // whose next or return it is
	tag   *breakTag
	val   Value
	loop  *whileNode
}

// breakTag marks the call whose block a break leaves.
type breakTag struct{ _ byte }

// thrown is what a panic carries from throw to catch.
type thrown struct{ tag, val Value }

// stopped is what a panic carries when the program ends while code runs.
type stopped struct{}

// exception is what an exception keeps beside its instance variables.
type exception struct {
	msg    Value // nil: the name of the class
	cause  Value
	place  string
	bt     *Array
	result Value // of a StopIteration
	name   string
	recv   Value
	key    Value
}

// newException makes an exception of c.
func (t *Interp) newException(c *Class, msg string) *Object {
	return &Object{class: c, data: &exception{msg: strValue(msg), place: t.where()}}
}

// raise raises an exception.
func (t *Interp) raise(c *Class, format string, args ...any) Value {
	panic(&raised{t.newException(c, fmt.Sprintf(format, args...))})
}

func (t *Interp) argError(format string, args ...any) Value {
	return t.raise(t.core.argumentError, format, args...)
}

func (t *Interp) typeError(format string, args ...any) Value {
	return t.raise(t.core.typeError, format, args...)
}

// check raises what a function of the package text returned.
func (t *Interp) check(err error) {
	if err == nil {
		return
	}
	var te *text.Error
	if errors.As(err, &te) {
		c := t.core.standardError
		if k, ok := t.lookupClass(te.Class); ok {
			c = k
		}
		t.raise(c, "%s", te.Msg)
	}
	t.raise(t.core.runtimeError, "%s", err)
}

// lookupClass finds a class by its name with ::.
func (t *Interp) lookupClass(name string) (*Class, bool) {
	c := t.core.object
	for len(name) > 0 {
		part := name
		if i := indexOf(name, "::"); i >= 0 {
			part, name = name[:i], name[i+2:]
		} else {
			name = ""
		}
		v, ok := t.constOf(c, part)
		if !ok {
			return nil, false
		}
		if c, ok = v.(*Class); !ok {
			return nil, false
		}
	}
	return c, true
}

// panicState is the state that a panic leaves behind and that holds again where it ends.
type panicState struct{ depth, sp, iterating int }

// capture runs f and returns what a panic carried. Whoever does not want it panics again, from where f was called: a panic inside of a deferred function
// would keep the stack, which makes going up through many levels slow.
func (t *Interp) capture(f func() Value) (v Value, r any) {
	m := panicState{t.depth, t.sp, t.iterating}
	defer func() {
		if r = recover(); r != nil {
			t.depth, t.sp, t.iterating = m.depth, m.sp, m.iterating
		}
	}()
	return f(), nil
}

// protect runs f and returns the exception that came out of it.
func (t *Interp) protect(f func() Value) (v Value, exc *Object) {
	v, r := t.capture(f)
	switch r := r.(type) {
	case nil:
		return v, nil
	case *raised:
		return nil, r.exc
	}
	panic(r)
}

// jumpTo runs f, and returns the value of a jump out of it that ours tells to end here.
func (t *Interp) jumpTo(f func() Value, ours func(j *jump) bool) Value {
	v, r := t.capture(f)
	if r == nil {
		return v
	}
	if j, ok := r.(*jump); ok && ours(j) {
		return j.val
	}
	panic(r)
}

// guard calls f at the outside of all code and turns what comes out of it into an error.
func (t *Interp) guard(f func() Value) (v Value, err error) {
	v, r := t.capture(f)
	if r == nil {
		return v, nil
	}
	t.depth, t.sp, t.iterating = 0, 0, 0
	return nil, t.errorOf(r)
}

// errorOf describes what a panic carried.
func (t *Interp) errorOf(r any) error {
	switch r := r.(type) {
	case *raised:
		return t.describe(r.exc)
	case *thrown:
		return &Error{Class: "UncaughtThrowError", Message: "uncaught throw"}
	case *jump:
		return &Error{Class: "LocalJumpError", Message: "unexpected " + r.kind.String()}
	case stopped:
		return &Error{Class: "Interrupt", Message: "the pipeline stops"}
	case runtime.Error:
		return &Error{Class: "fatal", Message: "BUG: " + r.Error()}
	}
	return &Error{Class: "fatal", Message: fmt.Sprint("BUG: ", r)}
}

// describe makes an Error of an exception; its message is code perhaps.
func (t *Interp) describe(exc *Object) (e *Error) {
	e = &Error{Class: exc.class.name, exc: exc}
	defer func() {
		if recover() != nil {
			e.Message = exc.class.name
		}
	}()
	e.Message = t.message(exc)
	return e
}

// message returns what Exception#message does.
func (t *Interp) message(exc *Object) string { return t.toS(t.send(exc, "message")) }

func excData(o *Object) *exception {
	d, ok := o.data.(*exception)
	if !ok {
		d = &exception{}
		o.data = d
	}
	return d
}

// Place tells where the exception was raised: the name of the code and a line.
func (e *Error) Place() string {
	if e.exc == nil {
		return ""
	}
	return excData(e.exc).place
}

package ruby

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"millrace/internal/ruby/text"
)

func itoa(i int) string { return strconv.Itoa(i) }

func appendInt(dst []byte, i int64) []byte { return strconv.AppendInt(dst, i, 10) }

func indexOf(s, sep string) int { return strings.Index(s, sep) }

// classOf returns the class whose methods v has.
func (t *Interp) classOf(v Value) *Class {
	c := t.core
	switch v := v.(type) {
	case nil:
		return c.nilClass
	case bool:
		if v {
			return c.trueClass
		}
		return c.falseClass
	case int64, *big.Int:
		return c.integer
	case float64:
		return c.float
	case *String:
		return c.str
	case *Symbol:
		return c.symbol
	case *Array:
		return c.array
	case *Hash:
		return c.hash
	case *Object:
		return v.class
	case *Event:
		return c.event
	case *Proc:
		return c.proc
	case *Range:
		return c.rangeClass
	case *Regexp:
		return c.regexp
	case *MatchData:
		return c.matchData
	case *Class:
		return v.meta
	case *Time:
		return v.class(c)
	}
	return c.rare(v)
}

// rare is classOf for the types that few values have.
func (c *core) rare(v Value) *Class {
	switch v := v.(type) {
	case *Set:
		return c.set
	case *Enumerator:
		return c.enumerator
	case *MethodObject:
		return c.method
	case *Rational:
		return c.rational
	case *undefined:
		return c.nilClass
	default:
		panic(fmt.Sprintf("BUG: no class for %T", v))
	}
}

// realClass returns what Object#class does.
func (t *Interp) realClass(v Value) *Class {
	if k, ok := v.(*Class); ok {
		if k.module {
			return t.core.module
		}
		return t.core.class
	}
	c := t.classOf(v)
	for c.singular {
		c = c.super
	}
	return c
}

func (t *Interp) className(v Value) string { return t.realClass(v).name }

func isScalar(v Value) bool {
	switch v.(type) {
	case nil, bool, int64, *big.Int, float64, *String, *Symbol, *Range, *Regexp, *Hash, *Array:
		return true
	}
	return false
}

// toS returns what #{v} and puts write.
func (t *Interp) toS(v Value) string {
	switch v := v.(type) {
	case nil:
		return ""
	case *String:
		return v.s
	case *Symbol:
		return v.name
	case bool:
		return strconv.FormatBool(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case *big.Int:
		return v.String()
	case float64:
		return text.FloatToS(v)
	case *Array, *Hash:
		return t.inspect(v)
	}
	if s, ok := t.send(v, "to_s").(*String); ok {
		return s.s
	}
	return t.anyToS(v)
}

// anyToS returns the text of an object that has none of its own.
func (t *Interp) anyToS(v Value) string {
	return "#<" + t.className(v) + ":0x" + fmt.Sprintf("%x", t.objectID(v)) + ">"
}

// objectID returns a number that no other object has.
func (t *Interp) objectID(v Value) int64 {
	switch v := v.(type) {
	case nil:
		return 8
	case bool:
		if v {
			return 20
		}
		return 0
	case int64:
		return 2*v + 1
	}
	if t.ids == nil || len(t.ids) > 1<<16 {
		t.ids = make(map[Value]int64)
	}
	id, ok := t.ids[v]
	if !ok {
		t.nextID += 8
		id = 0x10000 + t.nextID
		t.ids[v] = id
	}
	return id
}

// inspect returns what p writes.
func (t *Interp) inspect(v Value) string {
	switch v := v.(type) {
	case nil:
		return "nil"
	case *String:
		if v.binary() {
			return text.InspectBinary(v.s)
		}
		return text.Inspect(v.s)
	case *Symbol:
		return text.SymbolInspect(v.name)
	case bool, int64, *big.Int, float64:
		return t.toS(v)
	case *Array:
		return t.inspectArray(v)
	case *Hash:
		return t.inspectHash(v)
	}
	if s, ok := t.send(v, "inspect").(*String); ok {
		return s.s
	}
	return t.anyToS(v)
}

func (t *Interp) inspectArray(a *Array) string {
	if t.busy[a] {
		return "[...]"
	}
	defer t.mark(a)()
	var b strings.Builder
	b.WriteByte('[')
	for i, x := range a.v {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(t.inspect(x))
		t.tooLong(b.Len())
	}
	b.WriteByte(']')
	return b.String()
}

func (t *Interp) inspectHash(h *Hash) string {
	if t.busy[h] {
		return "{...}"
	}
	if h.live == 0 {
		return "{}"
	}
	defer t.mark(h)()
	var b strings.Builder
	b.WriteByte('{')
	first := true
	for i := range h.entries {
		e := &h.entries[i]
		if e.gone {
			continue
		}
		if !first {
			b.WriteString(", ")
		}
		first = false
		b.WriteString(t.inspect(e.key))
		b.WriteString("=>")
		b.WriteString(t.inspect(e.val))
		t.tooLong(b.Len())
	}
	b.WriteByte('}')
	return b.String()
}

// mark notes that v is being walked through, for what holds itself; the result ends that.
func (t *Interp) mark(v Value) func() {
	t.enter()
	if t.busy == nil {
		t.busy = make(map[Value]bool)
	}
	t.busy[v] = true
	return func() {
		delete(t.busy, v)
		t.depth--
	}
}

func (t *Interp) tooLong(n int) {
	if n > maxText {
		t.argError("argument too big")
	}
}

// equal is x == y.
func (t *Interp) equal(x, y Value) bool {
	switch a := x.(type) {
	case nil:
		return y == nil
	case bool:
		b, ok := y.(bool)
		return ok && a == b
	case int64:
		switch b := y.(type) {
		case int64:
			return a == b
		case float64:
			return float64(a) == b
		case nil, bool, *String, *Symbol, *big.Int:
			return false
		}
	case float64:
		switch b := y.(type) {
		case float64:
			return a == b
		case int64:
			return a == float64(b)
		}
	case *String:
		b, ok := y.(*String)
		return ok && a.s == b.s
	case *Symbol:
		return x == y
	case *Array:
		b, ok := y.(*Array)
		return ok && t.equalArrays(a, b)
	case *Hash:
		b, ok := y.(*Hash)
		return ok && t.equalHashes(a, b)
	}
	return truthy(t.send(x, "==", y))
}

func (t *Interp) equalArrays(a, b *Array) bool {
	if a == b {
		return true
	}
	if len(a.v) != len(b.v) {
		return false
	}
	t.enter()
	defer t.leave()
	for i := range a.v {
		if i >= len(b.v) || !t.equal(a.v[i], b.v[i]) {
			return false
		}
	}
	return true
}

func (t *Interp) equalHashes(a, b *Hash) bool {
	if a == b {
		return true
	}
	if a.live != b.live {
		return false
	}
	t.enter()
	defer t.leave()
	for i := range a.entries {
		e := &a.entries[i]
		if e.gone {
			continue
		}
		v, ok := b.get(t, e.key)
		if !ok || !t.equal(e.val, v) {
			return false
		}
	}
	return true
}

// eql is x.eql?(y): equal and of one class.
func (t *Interp) eql(x, y Value) bool {
	if t.classOf(x) != t.classOf(y) {
		return false
	}
	switch x.(type) {
	case *Object:
		return t.hashKey(x) == t.hashKey(y)
	}
	return t.equal(x, y)
}

// caseEq is pattern === v.
func (t *Interp) caseEq(pattern, v Value) bool {
	switch p := pattern.(type) {
	case *String:
		s, ok := v.(*String)
		return ok && s.s == p.s
	case int64, nil, bool, *Symbol:
		return t.equal(pattern, v)
	case *Class:
		if p.meta.methods["==="] == nil {
			return t.isA(v, p)
		}
	}
	return truthy(t.send(pattern, "===", v))
}

// isA reports whether v is an instance of c or below it.
func (t *Interp) isA(v Value, c *Class) bool { return t.inherits(t.classOf(v), c) }

// compare is x <=> y; ok is false where that is nil.
func (t *Interp) compare(x, y Value) (n int, ok bool) {
	switch a := x.(type) {
	case int64:
		if b, ok := y.(int64); ok {
			switch {
			case a < b:
				return -1, true
			case a > b:
				return 1, true
			}
			return 0, true
		}
	case *String:
		if b, ok := y.(*String); ok {
			return strings.Compare(a.s, b.s), true
		}
	}
	switch c := t.send(x, "<=>", y).(type) {
	case int64:
		return int(c), true
	case *big.Int:
		return c.Sign(), true
	case float64:
		switch {
		case c < 0:
			return -1, true
		case c > 0:
			return 1, true
		}
		return 0, true
	}
	return 0, false
}

// order is compare that raises.
func (t *Interp) order(x, y Value) int {
	n, ok := t.compare(x, y)
	if !ok {
		t.incomparable(x, y)
	}
	return n
}

func (t *Interp) incomparable(x, y Value) Value {
	what := t.className(y)
	switch y.(type) {
	case nil, bool, int64, float64, *big.Int:
		what = t.inspect(y)
	}
	return t.argError("comparison of %s with %s failed", t.className(x), what)
}

// notFrozen raises if v may not be changed.
func (t *Interp) notFrozen(v Value) {
	if frozen(v) {
		t.raise(t.core.frozenError, "can't modify frozen %s: %s", t.className(v), t.inspect(v))
	}
}

func frozen(v Value) bool {
	switch v := v.(type) {
	case *String:
		return v.frozen
	case *Array:
		return v.frozen
	case *Hash:
		return v.frozen
	case *Object:
		return v.frozen
	case *Set:
		return v.h.frozen
	case *Event, *Class, *Time, *Proc, *Enumerator, *MatchData:
		return false
	}
	return true
}

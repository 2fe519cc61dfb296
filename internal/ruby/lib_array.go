package ruby

import (
	"sort"

	"millrace/internal/ruby/text"
)

// at returns item i, which may count from the end.
func (a *Array) at(i int64) Value {
	if i < 0 {
		i += int64(len(a.v))
	}
	if i < 0 || i >= int64(len(a.v)) {
		return nil
	}
	return a.v[i]
}

// list returns the items of an Array argument.
func (t *Interp) list(v Value) []Value {
	if a, ok := v.(*Array); ok {
		return a.v
	}
	if v != nil && t.respondTo(v, "to_ary") {
		if a, ok := t.send(v, "to_ary").(*Array); ok {
			return a.v
		}
	}
	t.typeError("no implicit conversion of %s into Array", t.describeType(v))
	return nil
}

func (t *Interp) tooMany(n int) {
	if n > maxItems {
		t.argError("array size too big")
	}
}

// arrayMethods fills Array with what does not change it.
func arrayMethods(c *core) {
	c.array = c.define("Array", c.object)
	k := c.array
	k.includes = []*Class{c.enumerable}
	k.alloc = func(t *Interp, k *Class) Value { return &Array{} }
	k.sdef("[]", 0, -1, func(t *Interp, self Value, a []Value, b *Proc) Value { return arrayOf(append([]Value(nil), a...)) })
	k.defn("initialize", 0, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		s := self.(*Array)
		if len(a) == 0 {
			return nil
		}
		if l, ok := a[0].(*Array); ok {
			s.v = append(s.v, l.v...)
			return nil
		}
		n := t.int(a[0])
		if n < 0 {
			return t.argError("negative array size")
		}
		t.tooMany(int(min(n, maxItems+1)))
		s.v = make([]Value, n)
		for i := range s.v {
			if b != nil {
				s.v[i] = t.yield(b, integer(int64(i)))
			} else if len(a) > 1 {
				s.v[i] = a[1]
			}
		}
		return nil
	})
	k.def("to_a", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return self })
	k.alias("to_a", "entries", "to_ary")
	k.def("inspect", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return strValue(t.inspect(self)) })
	k.alias("inspect", "to_s")
	k.def("==", 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.equal(self, a[0]) })
	k.def("length", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return integer(int64(len(self.(*Array).v))) })
	k.alias("length", "size")
	k.def("empty?", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return len(self.(*Array).v) == 0 })
	k.defn("[]", 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.slice(self.(*Array), a) })
	k.alias("[]", "slice")
	k.def("at", 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return self.(*Array).at(t.int(a[0])) })
	k.defn("fetch", 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		s, i := self.(*Array), t.int(a[0])
		n := int64(len(s.v))
		if i >= -n && i < n {
			return s.at(i)
		}
		if b != nil {
			return t.yield(b, a[0])
		}
		if len(a) > 1 {
			return a[1]
		}
		return t.raise(t.core.indexError, "index %d outside of array bounds: %d...%d", i, -n, n)
	})
	k.defn("dig", 1, -1, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.dig(self, a) })
	k.defn("values_at", 0, -1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		out := &Array{}
		for _, i := range a {
			if r, ok := i.(*Range); ok {
				if l, ok := t.slice(self.(*Array), []Value{r}).(*Array); ok {
					out.v = append(out.v, l.v...)
				}
				continue
			}
			out.v = append(out.v, self.(*Array).at(t.int(i)))
		}
		return out
	})
	k.defn("last", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		s := self.(*Array)
		if len(a) == 0 {
			return s.at(-1)
		}
		n := t.count(a[0])
		return arrayOf(append([]Value(nil), s.v[max(0, len(s.v)-n):]...))
	})
	arrayOperators(k)
	k.defn("join", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		sep := ""
		if len(a) > 0 && a[0] != nil {
			sep = t.text(a[0])
		}
		return strValue(string(t.appendJoin(nil, self.(*Array), sep)))
	})
	k.defn("pack", 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		list := make([]text.Arg, len(self.(*Array).v))
		for i, v := range self.(*Array).v {
			list[i] = t.textArg(v)
		}
		s, enc, err := text.Pack(t.text(a[0]), list)
		t.check(err)
		return &String{s: s, enc: encOf(enc)}
	})
	k.def("hash", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return integer(t.hashOf(self)) })
}

// count returns a number of items.
func (t *Interp) count(v Value) int {
	n := t.int(v)
	if n < 0 {
		t.argError("negative array size")
	}
	return int(min(n, maxItems))
}

// slice is Array#[].
func (t *Interp) slice(s *Array, a []Value) Value {
	n := int64(len(s.v))
	var start, count int64
	ok := true
	switch x := a[0].(type) {
	case *Range:
		start, count, ok = t.bounds(x, n)
	default:
		start = t.int(x)
		if len(a) == 1 {
			return s.at(start)
		}
		count = t.int(a[1])
		if start < 0 {
			start += n
		}
		ok = start >= 0 && start <= n && count >= 0
	}
	if !ok {
		return nil
	}
	return arrayOf(append([]Value(nil), s.v[start:start+min(count, n-start)]...))
}

// dig is dig of what can be.
func (t *Interp) dig(v Value, path []Value) Value {
	for _, k := range path {
		switch x := v.(type) {
		case nil:
			return nil
		case *Array:
			v = x.at(t.int(k))
		case *Hash:
			v = x.fetch(t, k)
		default:
			if !t.respondTo(v, "dig") {
				return t.typeError("%s does not have #dig method", t.className(v))
			}
			v = t.send(v, "dig", k)
		}
	}
	return v
}

func (t *Interp) appendJoin(dst []byte, a *Array, sep string) []byte {
	if t.busy[a] {
		t.argError("recursive array join")
	}
	defer t.mark(a)()
	for i, v := range a.v {
		if i > 0 {
			dst = append(dst, sep...)
		}
		if l, ok := v.(*Array); ok {
			dst = t.appendJoin(dst, l, sep)
		} else {
			dst = t.appendText(dst, v)
		}
		t.tooLong(len(dst))
	}
	return dst
}

// setOf returns the values as keys.
func (t *Interp) setOf(v []Value) *Hash {
	h := newHash()
	for _, x := range v {
		h.set(t, x, true)
	}
	return h
}

func arrayOperators(k *Class) {
	k.def("+", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		x, y := self.(*Array).v, t.list(a[0])
		t.tooMany(len(x) + len(y))
		return arrayOf(append(append(make([]Value, 0, len(x)+len(y)), x...), y...))
	})
	k.defn("-", 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.difference(self.(*Array).v, a) })
	k.defn("difference", 0, -1, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.difference(self.(*Array).v, a) })
	k.def("*", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if s, ok := a[0].(*String); ok {
			return strValue(string(t.appendJoin(nil, self.(*Array), s.s)))
		}
		n, x := t.int(a[0]), self.(*Array).v
		if n < 0 {
			return t.argError("negative argument")
		}
		if len(x) > 0 && n > int64(maxItems/len(x)) {
			return t.argError("argument too big")
		}
		out := make([]Value, 0, len(x)*int(n))
		for ; n > 0; n-- {
			out = append(out, x...)
		}
		return arrayOf(out)
	})
	k.defn("&", 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.intersection(self.(*Array).v, a) })
	k.defn("intersection", 0, -1, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.intersection(self.(*Array).v, a) })
	k.def("intersect?", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return len(t.intersection(self.(*Array).v, a).v) > 0
	})
	k.defn("|", 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.union(self.(*Array).v, a) })
	k.defn("union", 0, -1, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.union(self.(*Array).v, a) })
	k.def("<=>", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		y, ok := a[0].(*Array)
		if !ok {
			return nil
		}
		x := self.(*Array)
		t.enter()
		defer t.leave()
		for i := range min(len(x.v), len(y.v)) {
			n, ok := t.compare(x.v[i], y.v[i])
			if !ok {
				return nil
			}
			if n != 0 {
				return integer(int64(n))
			}
		}
		n, _ := t.compare(integer(int64(len(x.v))), integer(int64(len(y.v))))
		return integer(int64(n))
	})
}

func (t *Interp) difference(x []Value, others []Value) *Array {
	gone := newHash()
	for _, o := range others {
		for _, v := range t.list(o) {
			gone.set(t, v, true)
		}
	}
	out := &Array{}
	for _, v := range x {
		if gone.find(t, v) < 0 {
			out.v = append(out.v, v)
		}
	}
	return out
}

func (t *Interp) intersection(x []Value, others []Value) *Array {
	kept := t.uniq(x, nil)
	for _, o := range others {
		there := t.setOf(t.list(o))
		next := kept[:0:0]
		for _, v := range kept {
			if there.find(t, v) >= 0 {
				next = append(next, v)
			}
		}
		kept = next
	}
	return arrayOf(kept)
}

func (t *Interp) union(x []Value, others []Value) *Array {
	all := append([]Value(nil), x...)
	for _, o := range others {
		all = append(all, t.list(o)...)
	}
	return arrayOf(t.uniq(all, nil))
}

// uniq returns the first of equal values, or of those that a block maps to equal values.
func (t *Interp) uniq(v []Value, b *Proc) []Value {
	seen := newHash()
	out := make([]Value, 0, len(v))
	for _, x := range v {
		key := x
		if b != nil {
			key = t.yield(b, x)
		}
		if seen.find(t, key) < 0 {
			seen.set(t, key, true)
			out = append(out, x)
		}
	}
	return out
}

// sortValues sorts by <=> or a block.
func (t *Interp) sortValues(v []Value, b *Proc) []Value {
	out := append([]Value(nil), v...)
	sort.SliceStable(out, func(i, j int) bool {
		if b == nil {
			return t.order(out[j], out[i]) > 0
		}
		return t.blockOrder(b, out[j], out[i]) > 0
	})
	return out
}

// blockOrder is what a block says of the order of two values.
func (t *Interp) blockOrder(b *Proc, x, y Value) int {
	r := t.yield2(b, x, y)
	if r == nil {
		t.incomparable(x, y)
	}
	return t.order(r, integer(0))
}

// sortBy sorts by what a block returns.
func (t *Interp) sortBy(v []Value, b *Proc) []Value {
	keys := make([]Value, len(v))
	order := make([]int, len(v))
	for i, x := range v {
		keys[i], order[i] = t.yield(b, x), i
	}
	sort.SliceStable(order, func(i, j int) bool { return t.order(keys[order[j]], keys[order[i]]) > 0 })
	out := make([]Value, len(v))
	for i, j := range order {
		out[i] = v[j]
	}
	return out
}

// flatten returns the items of v and of the Arrays in it, down to a depth; below 0 is all of them.
func (t *Interp) flatten(dst []Value, a *Array, depth int) []Value {
	if t.busy[a] {
		t.argError("tried to flatten recursive array")
	}
	defer t.mark(a)()
	for _, x := range a.v {
		if l, ok := x.(*Array); ok && depth != 0 {
			dst = t.flatten(dst, l, depth-1)
		} else {
			dst = append(dst, x)
		}
		t.tooMany(len(dst))
	}
	return dst
}

// arrayChangeMethods adds what changes an Array.
func arrayChangeMethods(c *core) {
	k := c.array
	change := func(name string, min, max int, f func(t *Interp, s *Array, a []Value, b *Proc) Value) *Method {
		return k.defn(name, min, max, func(t *Interp, self Value, a []Value, b *Proc) Value {
			t.notFrozen(self)
			return f(t, self.(*Array), a, b)
		})
	}
	change("push", 0, -1, func(t *Interp, s *Array, a []Value, b *Proc) Value {
		t.tooMany(len(s.v) + len(a))
		s.v = append(s.v, a...)
		return s
	})
	k.alias("push", "append")
	change("<<", 1, 1, func(t *Interp, s *Array, a []Value, b *Proc) Value {
		t.tooMany(len(s.v))
		s.v = append(s.v, a[0])
		return s
	})
	change("pop", 0, 1, func(t *Interp, s *Array, a []Value, b *Proc) Value {
		if len(a) > 0 {
			n := max(0, len(s.v)-t.count(a[0]))
			out := append([]Value(nil), s.v[n:]...)
			s.v = s.v[:n]
			return arrayOf(out)
		}
		if len(s.v) == 0 {
			return nil
		}
		v := s.v[len(s.v)-1]
		s.v = s.v[:len(s.v)-1]
		return v
	})
	change("shift", 0, 1, func(t *Interp, s *Array, a []Value, b *Proc) Value {
		if len(a) > 0 {
			n := min(len(s.v), t.count(a[0]))
			out := append([]Value(nil), s.v[:n]...)
			s.v = s.v[n:]
			return arrayOf(out)
		}
		if len(s.v) == 0 {
			return nil
		}
		v := s.v[0]
		s.v = s.v[1:]
		return v
	})
	change("unshift", 0, -1, func(t *Interp, s *Array, a []Value, b *Proc) Value {
		s.v = append(append(make([]Value, 0, len(a)+len(s.v)), a...), s.v...)
		return s
	})
	k.alias("unshift", "prepend")
	change("insert", 1, -1, func(t *Interp, s *Array, a []Value, b *Proc) Value {
		i := t.int(a[0])
		if i < 0 {
			i += int64(len(s.v)) + 1
		}
		if i < 0 {
			return t.raise(t.core.indexError, "index %d too small for array", t.int(a[0]))
		}
		t.tooMany(int(min(i, maxItems+1)) + len(a))
		for int64(len(s.v)) < i {
			s.v = append(s.v, nil)
		}
		s.v = append(append(append([]Value(nil), s.v[:i]...), a[1:]...), s.v[i:]...)
		return s
	})
	change("concat", 0, -1, func(t *Interp, s *Array, a []Value, b *Proc) Value {
		for _, l := range a {
			s.v = append(s.v, t.list(l)...)
			t.tooMany(len(s.v))
		}
		return s
	})
	change("[]=", 2, 3, func(t *Interp, s *Array, a []Value, b *Proc) Value { t.setSlice(s, a); return a[len(a)-1] })
	change("clear", 0, 0, func(t *Interp, s *Array, a []Value, b *Proc) Value { s.v = nil; return s })
	change("replace", 1, 1, func(t *Interp, s *Array, a []Value, b *Proc) Value {
		s.v = append([]Value(nil), t.list(a[0])...)
		return s
	})
	change("fill", 0, 3, func(t *Interp, s *Array, a []Value, b *Proc) Value {
		for i := range s.v {
			if b != nil {
				s.v[i] = t.yield(b, integer(int64(i)))
			} else {
				s.v[i] = a[0]
			}
		}
		return s
	})
	change("delete", 1, 1, func(t *Interp, s *Array, a []Value, b *Proc) Value {
		var found Value
		any := false
		kept := s.v[:0:0]
		for _, v := range s.v {
			if t.equal(v, a[0]) {
				found, any = v, true
			} else {
				kept = append(kept, v)
			}
		}
		s.v = kept
		if !any && b != nil {
			return t.yield(b, a[0])
		}
		return found
	})
	change("delete_at", 1, 1, func(t *Interp, s *Array, a []Value, b *Proc) Value {
		i := t.int(a[0])
		if i < 0 {
			i += int64(len(s.v))
		}
		if i < 0 || i >= int64(len(s.v)) {
			return nil
		}
		v := s.v[i]
		s.v = append(s.v[:i:i], s.v[i+1:]...)
		return v
	})
	change("slice!", 1, 2, func(t *Interp, s *Array, a []Value, b *Proc) Value {
		out := t.slice(s, a)
		l, ok := out.(*Array)
		if _, isRange := a[0].(*Range); !isRange && len(a) == 1 {
			return t.send(s, "delete_at", a[0])
		}
		if ok {
			t.setSlice(s, append(append([]Value(nil), a...), &Array{}))
			return l
		}
		return nil
	})
	arrayFilters(change, k)
}

// setSlice is Array#[]=.
func (t *Interp) setSlice(s *Array, a []Value) {
	v := a[len(a)-1]
	n := int64(len(s.v))
	var start, count int64
	r, isRange := a[0].(*Range)
	switch {
	case isRange:
		if r.lo != nil {
			start = t.int(r.lo)
		}
		end := int64(-1)
		if r.hi != nil {
			end = t.int(r.hi)
		}
		if start < 0 {
			start += n
		}
		if end < 0 {
			end += n
		}
		if !r.excl || r.hi == nil {
			end++
		}
		count = max(0, end-start)
	default:
		start = t.int(a[0])
		if start < 0 {
			start += n
		}
		if len(a) == 3 {
			count = t.int(a[1])
		}
	}
	if start < 0 {
		t.raise(t.core.indexError, "index %d too small for array; minimum: -%d", start-n, n)
	}
	if count < 0 {
		t.raise(t.core.indexError, "negative length (%d)", count)
	}
	t.tooMany(int(min(start, maxItems+1)))
	for int64(len(s.v)) < start {
		s.v = append(s.v, nil)
	}
	if len(a) == 2 && !isRange {
		if start == int64(len(s.v)) {
			s.v = append(s.v, v)
		} else {
			s.v[start] = v
		}
		return
	}
	var items []Value
	if l, ok := v.(*Array); ok {
		items = l.v
	} else {
		items = []Value{v}
	}
	end := min(start+count, int64(len(s.v)))
	s.v = append(append(append([]Value(nil), s.v[:start]...), items...), s.v[end:]...)
}

type changer func(name string, min, max int, f func(t *Interp, s *Array, a []Value, b *Proc) Value) *Method

// arrayFilters adds the methods with a ! that keep, map or order the items in place.
func arrayFilters(change changer, k *Class) {
	filter := func(name string, keep bool, always bool) {
		change(name, 0, 0, func(t *Interp, s *Array, a []Value, b *Proc) Value {
			kept := make([]Value, 0, len(s.v))
			for _, v := range s.v {
				if truthy(t.yield(b, v)) == keep {
					kept = append(kept, v)
				}
			}
			same := len(kept) == len(s.v)
			s.v = kept
			if same && !always {
				return nil
			}
			return s
		}).enum = true
	}
	filter("select!", true, false)
	filter("filter!", true, false)
	filter("keep_if", true, true)
	filter("reject!", false, false)
	filter("delete_if", false, true)
	change("map!", 0, 0, func(t *Interp, s *Array, a []Value, b *Proc) Value {
		for i := range s.v {
			s.v[i] = t.yield(b, s.v[i])
		}
		return s
	}).enum = true
	k.alias("map!", "collect!")
	// inPlace makes the form with a ! of a method; nil if nothing changed where Ruby says so.
	inPlace := func(name string, quiet bool) {
		change(name+"!", 0, -1, func(t *Interp, s *Array, a []Value, b *Proc) Value {
			out := t.sendBlock(s, name, append([]Value(nil), a...), b).(*Array)
			same := len(out.v) == len(s.v)
			if name == "flatten" {
				same = true
				for _, v := range s.v {
					if _, ok := v.(*Array); ok {
						same = false
					}
				}
			}
			s.v = out.v
			if same && quiet {
				return nil
			}
			return s
		})
	}
	inPlace("compact", true)
	inPlace("uniq", true)
	inPlace("flatten", true)
	inPlace("reverse", false)
	inPlace("rotate", false)
	inPlace("shuffle", false)
	inPlace("sort", false)
	inPlace("sort_by", false)
}

// arrayFindMethods adds searching by position.
func arrayFindMethods(c *core) {
	k := c.array
	k.defn("index", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		for i, v := range self.(*Array).v {
			if len(a) > 0 && t.equal(v, a[0]) || len(a) == 0 && truthy(t.yield(b, v)) {
				return integer(int64(i))
			}
		}
		return nil
	})
	k.alias("index", "find_index")
	k.defn("rindex", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		s := self.(*Array)
		for i := len(s.v) - 1; i >= 0 && i < len(s.v); i-- {
			if len(a) > 0 && t.equal(s.v[i], a[0]) || len(a) == 0 && truthy(t.yield(b, s.v[i])) {
				return integer(int64(i))
			}
		}
		return nil
	})
	k.def("assoc", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		for _, v := range self.(*Array).v {
			if l, ok := v.(*Array); ok && len(l.v) > 0 && t.equal(l.v[0], a[0]) {
				return l
			}
		}
		return nil
	})
	k.def("bsearch", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		s := self.(*Array)
		return t.bsearch(s.v, b)
	})
	k.each("each", 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		s := self.(*Array)
		for i := 0; i < len(s.v); i++ {
			t.yield(b, s.v[i])
		}
		return s
	})
	k.each("each_index", 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		s := self.(*Array)
		for i := 0; i < len(s.v); i++ {
			t.yield(b, integer(int64(i)))
		}
		return s
	})
	k.each("reverse_each", 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		s := self.(*Array)
		for i := len(s.v) - 1; i >= 0; i-- {
			if i < len(s.v) {
				t.yield(b, s.v[i])
			}
		}
		return s
	})
}

// bsearch is Array#bsearch: the block tells true from some item on, or which way to go by a number.
func (t *Interp) bsearch(v []Value, b *Proc) (found Value) {
	lo, hi := 0, len(v)
	for lo < hi {
		mid := (lo + hi) / 2
		switch r := t.yield(b, v[mid]).(type) {
		case nil:
			lo = mid + 1
		case bool:
			if r {
				found, hi = v[mid], mid
			} else {
				lo = mid + 1
			}
		default:
			if !t.isNumber(r) {
				return t.typeError("wrong argument type %s (must be numeric, true, false or nil)", t.className(r))
			}
			switch t.sign(r) {
			case 0:
				return v[mid]
			case 1:
				lo = mid + 1
			default:
				hi = mid
			}
		}
	}
	return found
}

// arrayMoreMethods adds what makes other Arrays.
func arrayMoreMethods(c *core) {
	k := c.array
	k.def("reverse", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		s := self.(*Array)
		out := make([]Value, len(s.v))
		for i, v := range s.v {
			out[len(out)-1-i] = v
		}
		return arrayOf(out)
	})
	k.defn("rotate", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		s, n := self.(*Array).v, int64(1)
		if len(a) > 0 {
			n = t.int(a[0])
		}
		if len(s) == 0 {
			return &Array{}
		}
		i := floorMod(n, int64(len(s)))
		return arrayOf(append(append([]Value(nil), s[i:]...), s[:i]...))
	})
	k.def("compact", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		out := &Array{}
		for _, v := range self.(*Array).v {
			if v != nil {
				out.v = append(out.v, v)
			}
		}
		return out
	})
	k.defn("flatten", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		depth := -1
		if len(a) > 0 && a[0] != nil {
			depth = int(t.int(a[0]))
		}
		return arrayOf(t.flatten(nil, self.(*Array), depth))
	})
	k.def("transpose", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		var out []Value
		for i, row := range self.(*Array).v {
			r := t.list(row)
			if i == 0 {
				for range r {
					out = append(out, &Array{})
				}
			}
			if len(r) != len(out) {
				return t.raise(t.core.indexError, "element size differs (%d should be %d)", len(r), len(out))
			}
			for j, v := range r {
				out[j].(*Array).v = append(out[j].(*Array).v, v)
			}
		}
		return arrayOf(out)
	})
	k.defn("product", 0, -1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		rows := [][]Value{nil}
		for _, l := range append([]Value{self}, a...) {
			var next [][]Value
			for _, r := range rows {
				for _, v := range t.list(l) {
					next = append(next, append(append([]Value(nil), r...), v))
					t.tooMany(len(next))
				}
			}
			rows = next
		}
		out := &Array{}
		for _, r := range rows {
			out.v = append(out.v, arrayOf(r))
		}
		return out
	})
	k.each("combination", 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		t.combine(self.(*Array).v, int(t.int(a[0])), nil, func(v []Value) { t.yield(b, arrayOf(append([]Value(nil), v...))) })
		return self
	})
	k.each("permutation", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		n := len(self.(*Array).v)
		if len(a) > 0 {
			n = int(t.int(a[0]))
		}
		t.permute(self.(*Array).v, n, nil, func(v []Value) { t.yield(b, arrayOf(append([]Value(nil), v...))) })
		return self
	})
	k.defn("sample", 0, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		s := self.(*Array).v
		if len(positional(a)) == 0 {
			if len(s) == 0 {
				return nil
			}
			return s[t.rand.IntN(len(s))]
		}
		l := append([]Value(nil), s...)
		t.rand.Shuffle(len(l), func(i, j int) { l[i], l[j] = l[j], l[i] })
		return arrayOf(l[:min(len(l), t.count(a[0]))])
	}).kw = true
	k.defn("shuffle", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		l := append([]Value(nil), self.(*Array).v...)
		t.rand.Shuffle(len(l), func(i, j int) { l[i], l[j] = l[j], l[i] })
		return arrayOf(l)
	})
	k.def("deconstruct", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return self })
}

func (t *Interp) combine(v []Value, n int, chosen []Value, f func([]Value)) {
	if n == 0 {
		t.turn()
		f(chosen)
		return
	}
	t.enter()
	for i := 0; i+n <= len(v); i++ {
		t.combine(v[i+1:], n-1, append(chosen[:len(chosen):len(chosen)], v[i]), f)
	}
	t.leave()
}

func (t *Interp) permute(v []Value, n int, chosen []Value, f func([]Value)) {
	if n == 0 {
		t.turn()
		f(chosen)
		return
	}
	t.enter()
	for i := range v {
		rest := append(append([]Value(nil), v[:i]...), v[i+1:]...)
		t.permute(rest, n-1, append(chosen[:len(chosen):len(chosen)], v[i]), f)
	}
	t.leave()
}

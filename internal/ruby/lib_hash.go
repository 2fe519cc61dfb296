package ruby

import "sort"

// toHash converts an argument to a Hash.
func (t *Interp) toHash(v Value) *Hash {
	if h, ok := v.(*Hash); ok {
		return h
	}
	if v != nil && t.respondTo(v, "to_hash") {
		if h, ok := t.send(v, "to_hash").(*Hash); ok {
			return h
		}
	}
	t.typeError("no implicit conversion of %s into Hash", t.describeType(v))
	return nil
}

// hashSet is Hash#[]=.
func (t *Interp) hashSet(h *Hash, k, v Value) {
	t.notFrozen(h)
	if h.live >= maxItems {
		t.argError("hash size too big")
	}
	h.set(t, k, v)
}

// eachEntry calls f for the entries, also those that f adds, until it returns false.
func (h *Hash) eachEntry(t *Interp, f func(k, v Value) bool) {
	t.iterating++
	for i := 0; i < len(h.entries); i++ {
		if e := &h.entries[i]; !e.gone && !f(e.key, e.val) {
			break
		}
	}
	t.iterating--
}

// hashMethods fills Hash with what does not change it.
func hashMethods(c *core) {
	c.hash = c.define("Hash", c.object)
	k := c.hash
	k.includes = []*Class{c.enumerable}
	k.alloc = func(t *Interp, k *Class) Value { return newHash() }
	k.sdef("[]", 0, -1, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.hashFrom(a) })
	k.defn("initialize", 0, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		h := self.(*Hash)
		if a = positional(a); len(a) > 0 {
			h.def = a[0]
		}
		h.defProc = b
		return nil
	}).kw = true
	k.def("[]", 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return self.(*Hash).fetch(t, a[0]) })
	k.defn("fetch", 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if v, ok := self.(*Hash).get(t, a[0]); ok {
			return v
		}
		return t.fetchMissing(self, a, b)
	})
	k.defn("dig", 1, -1, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.dig(self, a) })
	k.def("key?", 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return self.(*Hash).find(t, a[0]) >= 0 })
	k.alias("key?", "has_key?", "include?", "member?")
	k.def("value?", 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.keyOf(self.(*Hash), a[0]) != undef })
	k.alias("value?", "has_value?")
	k.def("key", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if v := t.keyOf(self.(*Hash), a[0]); v != undef {
			return v
		}
		return nil
	})
	k.def("keys", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		h := self.(*Hash)
		out := make([]Value, 0, h.live)
		h.eachEntry(t, func(k, v Value) bool { out = append(out, k); return true })
		return arrayOf(out)
	})
	k.def("values", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		h := self.(*Hash)
		out := make([]Value, 0, h.live)
		h.eachEntry(t, func(k, v Value) bool { out = append(out, v); return true })
		return arrayOf(out)
	})
	k.defn("values_at", 0, -1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		out := &Array{}
		for _, key := range a {
			out.v = append(out.v, self.(*Hash).fetch(t, key))
		}
		return out
	})
	k.defn("fetch_values", 0, -1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		out := &Array{}
		for _, key := range append([]Value(nil), a...) {
			out.v = append(out.v, t.sendBlock(self, "fetch", []Value{key}, b))
		}
		return out
	})
	k.def("length", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return integer(int64(self.(*Hash).live)) })
	k.alias("length", "size")
	k.def("empty?", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return self.(*Hash).live == 0 })
	k.def("inspect", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return strValue(t.inspect(self)) })
	k.alias("inspect", "to_s")
	k.def("to_hash", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return self })
	k.def("to_a", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return arrayOf(self.(*Hash).pairs()) })
	k.def("==", 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.equal(self, a[0]) })
	k.def("hash", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return integer(t.hashOf(self)) })
	k.def("default", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return self.(*Hash).def }).max = 1
	k.def("default=", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		self.(*Hash).def, self.(*Hash).defProc = a[0], nil
		return a[0]
	})
	k.def("default_proc", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if p := self.(*Hash).defProc; p != nil {
			return p
		}
		return nil
	})
	k.def("default_proc=", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		h := self.(*Hash)
		t.notFrozen(h)
		h.def, h.defProc = nil, nil
		if a[0] != nil {
			h.defProc = t.toProc(a[0])
		}
		return a[0]
	})
	k.def("assoc", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if v, ok := self.(*Hash).get(t, a[0]); ok {
			return array(a[0], v)
		}
		return nil
	})
	k.defn("first", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		pairs := self.(*Hash).pairs()
		if len(a) > 0 {
			return arrayOf(pairs[:min(len(pairs), t.count(a[0]))])
		}
		if len(pairs) == 0 {
			return nil
		}
		return pairs[0]
	})
	hashCompare(k)
}

func hashCompare(k *Class) {
	subset := func(t *Interp, x, y *Hash) bool {
		for _, e := range x.entries {
			if e.gone {
				continue
			}
			if v, ok := y.get(t, e.key); !ok || !t.equal(v, e.val) {
				return false
			}
		}
		return true
	}
	k.def("<=", 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return subset(t, self.(*Hash), t.toHash(a[0])) })
	k.def(">=", 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return subset(t, t.toHash(a[0]), self.(*Hash)) })
	k.def("to_proc", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return &Proc{lambda: true, arity: 1, fn: func(t *Interp, a []Value, _ *Proc) Value { return self.(*Hash).fetch(t, a[0]) }}
	})
	k.def("deconstruct_keys", 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return self })
	k.def("compare_by_identity", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { self.(*Hash).byID = true; return self })
}

// keyOf returns the key of a value, undef if there is none.
func (t *Interp) keyOf(h *Hash, v Value) Value {
	found := undef
	h.eachEntry(t, func(k, x Value) bool {
		if t.equal(x, v) {
			found = k
			return false
		}
		return true
	})
	return found
}

func (t *Interp) keyError(recv, key Value) Value {
	exc := t.newException(t.core.keyError, "key not found: "+t.inspect(key))
	d := excData(exc)
	d.recv, d.key = recv, key
	panic(&raised{exc})
}

// hashFrom is Hash[…].
func (t *Interp) hashFrom(a []Value) Value {
	h := newHash()
	if len(a) == 1 {
		switch x := a[0].(type) {
		case *Hash:
			return &Hash{entries: append([]hashEntry(nil), x.dup().entries...), live: x.live}
		case *Array:
			for _, p := range x.v {
				l := t.list(p)
				if len(l) == 0 || len(l) > 2 {
					t.argError("invalid number of elements (%d for 1..2)", len(l))
				}
				var v Value
				if len(l) > 1 {
					v = l[1]
				}
				h.set(t, l[0], v)
			}
			return h
		}
	}
	if len(a)%2 != 0 {
		t.argError("odd number of arguments for Hash")
	}
	for i := 0; i+1 < len(a); i += 2 {
		h.set(t, a[i], a[i+1])
	}
	return h
}

// hashChangeMethods adds what changes a Hash.
func hashChangeMethods(c *core) {
	k := c.hash
	change := func(name string, min, max int, f func(t *Interp, h *Hash, a []Value, b *Proc) Value) *Method {
		return k.defn(name, min, max, func(t *Interp, self Value, a []Value, b *Proc) Value {
			t.notFrozen(self)
			return f(t, self.(*Hash), a, b)
		})
	}
	change("[]=", 2, 2, func(t *Interp, h *Hash, a []Value, b *Proc) Value { t.hashSet(h, a[0], a[1]); return a[1] })
	k.alias("[]=", "store")
	change("delete", 1, 1, func(t *Interp, h *Hash, a []Value, b *Proc) Value {
		v, ok := h.remove(t, a[0])
		if !ok && b != nil {
			return t.yield(b, a[0])
		}
		return v
	})
	change("clear", 0, 0, func(t *Interp, h *Hash, a []Value, b *Proc) Value { h.clear(); return h })
	change("replace", 1, 1, func(t *Interp, h *Hash, a []Value, b *Proc) Value { h.take(t.toHash(a[0]).dup()); return h })
	change("shift", 0, 0, func(t *Interp, h *Hash, a []Value, b *Proc) Value {
		for i, e := range h.entries {
			if !e.gone {
				h.removeAt(t, i)
				return array(e.key, e.val)
			}
		}
		return nil
	})
	change("merge!", 0, -1, func(t *Interp, h *Hash, a []Value, b *Proc) Value { t.merge(h, a, b); return h })
	k.alias("merge!", "update")
	change("compact!", 0, 0, func(t *Interp, h *Hash, a []Value, b *Proc) Value {
		n := h.live
		t.keep(h, func(k, v Value) bool { return v != nil })
		return unlessSame(h, n)
	})
	change("rehash", 0, 0, func(t *Interp, h *Hash, a []Value, b *Proc) Value { h.compact(); return h })
	change("transform_values!", 0, 0, func(t *Interp, h *Hash, a []Value, b *Proc) Value {
		for i := range h.entries {
			if !h.entries[i].gone {
				v := t.yield(b, h.entries[i].val)
				h.entries[i].val = v
			}
		}
		return h
	}).enum = true
	change("transform_keys!", 0, 1, func(t *Interp, h *Hash, a []Value, b *Proc) Value { h.take(t.transformKeys(h, a, b)); return h })
	filter := func(name string, keep, quiet bool) {
		change(name, 0, 0, func(t *Interp, h *Hash, a []Value, b *Proc) Value {
			n := h.live
			t.keep(h, func(k, v Value) bool { return truthy(t.yieldPair(b, k, v)) == keep })
			if quiet {
				return unlessSame(h, n)
			}
			return h
		}).enum = true
	}
	filter("select!", true, true)
	filter("filter!", true, true)
	filter("keep_if", true, false)
	filter("reject!", false, true)
	filter("delete_if", false, false)
}

// take makes h what other is.
func (h *Hash) take(other *Hash) {
	h.entries, h.texts, h.others, h.live = other.entries, other.texts, other.others, other.live
}

func unlessSame(h *Hash, n int) Value {
	if h.live == n {
		return nil
	}
	return h
}

// keep removes the entries that f does not want.
func (t *Interp) keep(h *Hash, f func(k, v Value) bool) {
	t.iterating++
	for i := 0; i < len(h.entries); i++ {
		if e := h.entries[i]; !e.gone && !f(e.key, e.val) && i < len(h.entries) && !h.entries[i].gone {
			h.removeAt(t, i)
		}
	}
	t.iterating--
}

func (t *Interp) merge(h *Hash, others []Value, b *Proc) {
	for _, o := range others {
		for _, e := range t.toHash(o).dup().entries {
			v := e.val
			if b != nil {
				if old, ok := h.get(t, e.key); ok {
					v = t.callProc(b, []Value{e.key, old, v}, nil)
				}
			}
			t.hashSet(h, e.key, v)
		}
	}
}

func (t *Interp) transformKeys(h *Hash, a []Value, b *Proc) *Hash {
	out := newHash()
	var names *Hash
	if len(a) > 0 {
		names = t.toHash(a[0])
	}
	h.eachEntry(t, func(k, v Value) bool {
		if names != nil {
			if n, ok := names.get(t, k); ok {
				out.set(t, n, v)
				return true
			}
		}
		if b != nil {
			k = t.yield(b, k)
		}
		out.set(t, k, v)
		return true
	})
	return out
}

// hashEnumMethods adds what goes over the entries.
func hashEnumMethods(c *core) {
	k := c.hash
	k.each("each", 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		self.(*Hash).eachEntry(t, func(k, v Value) bool { t.yieldPair(b, k, v); return true })
		return self
	})
	k.alias("each", "each_pair")
	k.each("each_key", 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		self.(*Hash).eachEntry(t, func(k, v Value) bool { t.yield(b, k); return true })
		return self
	})
	k.each("each_value", 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		self.(*Hash).eachEntry(t, func(k, v Value) bool { t.yield(b, v); return true })
		return self
	})
	k.each("map", 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		out := &Array{}
		self.(*Hash).eachEntry(t, func(k, v Value) bool { out.v = append(out.v, t.yieldPair(b, k, v)); return true })
		return out
	})
	k.alias("map", "collect")
	filter := func(name string, keep bool) {
		k.each(name, 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
			out := newHash()
			self.(*Hash).eachEntry(t, func(k, v Value) bool {
				if truthy(t.yieldPair(b, k, v)) == keep {
					out.set(t, k, v)
				}
				return true
			})
			return out
		})
	}
	filter("select", true)
	filter("filter", true)
	filter("reject", false)
	k.defn("any?", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		h := self.(*Hash)
		if b == nil && len(a) == 0 {
			return h.live > 0
		}
		found := false
		h.eachEntry(t, func(k, v Value) bool {
			if b != nil {
				found = truthy(t.yieldPair(b, k, v))
			} else {
				found = t.caseEq(a[0], array(k, v))
			}
			return !found
		})
		return found
	})
	k.def("compact", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		out := self.(*Hash).dup()
		out.def, out.defProc = nil, nil
		t.keep(out, func(k, v Value) bool { return v != nil })
		return out
	})
	k.def("invert", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		out := newHash()
		self.(*Hash).eachEntry(t, func(k, v Value) bool { out.set(t, v, k); return true })
		return out
	})
	k.defn("merge", 0, -1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		out := self.(*Hash).dup()
		t.merge(out, a, b)
		return out
	})
	k.each("transform_values", 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		out := newHash()
		self.(*Hash).eachEntry(t, func(k, v Value) bool { out.set(t, k, t.yield(b, v)); return true })
		return out
	})
	k.defn("transform_keys", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.transformKeys(self.(*Hash), a, b) })
	k.defn("to_h", 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if b == nil {
			return self
		}
		out := newHash()
		self.(*Hash).eachEntry(t, func(k, v Value) bool {
			p, ok := t.yieldPair(b, k, v).(*Array)
			if !ok || len(p.v) != 2 {
				t.typeError("wrong element type (expected array of 2)")
			}
			out.set(t, p.v[0], p.v[1])
			return true
		})
		return out
	})
	k.defn("slice", 0, -1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		out := newHash()
		for _, key := range a {
			if v, ok := self.(*Hash).get(t, key); ok {
				out.set(t, key, v)
			}
		}
		return out
	})
	k.defn("except", 0, -1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		out := self.(*Hash).dup()
		for _, key := range a {
			out.remove(t, key)
		}
		return out
	})
	k.defn("filter_map", 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		out := &Array{}
		self.(*Hash).eachEntry(t, func(k, v Value) bool {
			if r := t.yieldPair(b, k, v); truthy(r) {
				out.v = append(out.v, r)
			}
			return true
		})
		return out
	})
	k.defn("sum", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		var acc Value = integer(0)
		if len(a) > 0 {
			acc = a[0]
		}
		var items []Value
		self.(*Hash).eachEntry(t, func(k, v Value) bool {
			if b == nil {
				items = append(items, array(k, v))
			} else {
				items = append(items, t.yieldPair(b, k, v))
			}
			return true
		})
		return t.sum(acc, items)
	})
	k.defn("count", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		n := int64(0)
		self.(*Hash).eachEntry(t, func(k, v Value) bool {
			if len(a) == 0 && (b == nil || truthy(t.yieldPair(b, k, v))) || len(a) > 0 && t.equal(array(k, v), a[0]) {
				n++
			}
			return true
		})
		return integer(n)
	})
	k.each("find", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) (found Value) {
		self.(*Hash).eachEntry(t, func(k, v Value) bool {
			if truthy(t.yieldPair(b, k, v)) {
				found = array(k, v)
				return false
			}
			return true
		})
		return found
	})
	k.alias("find", "detect")
	hashOrder(k)
}

func hashOrder(k *Class) {
	k.each("sort_by", 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		pairs := self.(*Hash).pairs()
		keys := make([]Value, len(pairs))
		order := make([]int, len(pairs))
		for i, p := range pairs {
			keys[i], order[i] = t.yieldPair(b, p.(*Array).v[0], p.(*Array).v[1]), i
		}
		sort.SliceStable(order, func(i, j int) bool { return t.order(keys[order[i]], keys[order[j]]) < 0 })
		out := make([]Value, len(pairs))
		for i, j := range order {
			out[i] = pairs[j]
		}
		return arrayOf(out)
	})
}

// checkRange raises for ends that cannot be compared.
func (t *Interp) checkRange(r *Range) {
	if r.lo == nil || r.hi == nil {
		return
	}
	_, x := r.lo.(int64)
	_, y := r.hi.(int64)
	if x && y {
		return
	}
	if _, ok := t.compare(r.lo, r.hi); !ok {
		t.argError("bad value for range")
	}
}

// eachInRange calls f for the values of a Range.
func (t *Interp) eachInRange(r *Range, f func(v Value) bool) {
	switch lo := r.lo.(type) {
	case int64:
		t.eachInteger(lo, r, f)
		return
	case *String:
		if r.hi == nil {
			for s := lo.s; f(strValue(s)); {
				s = t.send(str(s), "succ").(*String).s
				t.turn()
			}
			return
		}
		t.eachText(lo.s, t.text(r.hi), r.excl, func(s string) bool { return f(strValue(s)) })
		return
	case nil, float64:
		t.typeError("can't iterate from %s", t.className(r.lo))
	}
	if !t.respondTo(r.lo, "succ") {
		t.typeError("can't iterate from %s", t.className(r.lo))
	}
	for v := r.lo; ; v = t.send(v, "succ") {
		t.turn()
		if r.hi != nil {
			if n := t.order(v, r.hi); n > 0 || n == 0 && r.excl {
				return
			}
		}
		if !f(v) {
			return
		}
	}
}

func (t *Interp) eachInteger(lo int64, r *Range, f func(v Value) bool) {
	hi := int64(1<<63 - 1)
	switch h := r.hi.(type) {
	case int64:
		hi = h
		if r.excl {
			hi--
		}
	case float64:
		if h < 1<<62 {
			hi = t.int(t.send(h, "floor"))
			if r.excl && float64(hi) == h {
				hi--
			}
		}
	}
	for i := lo; i <= hi; i++ {
		t.turn()
		if !f(integer(i)) || i == hi {
			return
		}
	}
}

// covers reports whether v is between the ends.
func (t *Interp) covers(r *Range, v Value) bool {
	if r.lo != nil {
		if n, ok := t.compare(r.lo, v); !ok || n > 0 {
			return false
		}
	}
	if r.hi != nil {
		n, ok := t.compare(v, r.hi)
		return ok && (n < 0 || n == 0 && !r.excl)
	}
	return true
}

// rangeMethods fills Range.
func rangeMethods(c *core) {
	c.rangeClass = c.define("Range", c.object)
	k := c.rangeClass
	k.includes = []*Class{c.enumerable}
	k.alloc = nil
	k.sdef("new", 2, 3, func(t *Interp, self Value, a []Value, b *Proc) Value {
		r := &Range{lo: a[0], hi: a[1], excl: len(a) > 2 && truthy(a[2])}
		t.checkRange(r)
		return r
	})
	k.each("each", 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		t.eachInRange(self.(*Range), func(v Value) bool { t.yield(b, v); return true })
		return self
	})
	k.def("begin", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return self.(*Range).lo })
	k.def("end", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return self.(*Range).hi })
	k.def("exclude_end?", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return self.(*Range).excl })
	k.defn("first", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if len(a) == 0 {
			return self.(*Range).lo
		}
		return t.take(self, t.count(a[0]))
	})
	k.defn("last", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if len(a) == 0 {
			return self.(*Range).hi
		}
		items := t.items(self)
		return arrayOf(items[max(0, len(items)-t.count(a[0])):])
	})
	k.def("===", 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.covers(self.(*Range), a[0]) })
	k.def("cover?", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if r, ok := a[0].(*Range); ok {
			return t.covers(self.(*Range), r.lo) && (t.covers(self.(*Range), r.hi) || r.excl && t.equal(r.hi, self.(*Range).hi))
		}
		return t.covers(self.(*Range), a[0])
	})
	k.def("include?", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		r := self.(*Range)
		if _, ok := r.lo.(*String); ok {
			found := false
			t.eachInRange(r, func(v Value) bool { found = t.equal(v, a[0]); return !found })
			return found
		}
		return t.covers(r, a[0])
	})
	k.alias("include?", "member?")
	k.def("size", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		r := self.(*Range)
		lo, ok := r.lo.(int64)
		if !ok {
			return nil
		}
		if r.hi == nil {
			return 1 / zero
		}
		n := int64(0)
		if h, ok := r.hi.(int64); ok {
			n = h - lo + 1
			if r.excl {
				n--
			}
		} else {
			t.eachInteger(lo, r, func(Value) bool { n++; return true })
		}
		return integer(max(0, n))
	})
	k.alias("size", "count")
	k.methods["count"] = &Method{name: "count", owner: k, max: 1, fn: func(t *Interp, self Value, a []Value, b *Proc) Value {
		if len(a) == 0 && b == nil {
			if n := t.send(self, "size"); n != nil {
				return n
			}
		}
		return t.core.enumerable.methods["count"].fn(t, self, a, b)
	}}
	rangeText(k)
	k.each("step", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.rangeStep(self.(*Range), a, b) })
	k.alias("step", "%")
	extreme := func(name, end string) {
		k.defn(name, 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
			r := self.(*Range)
			if b != nil || len(a) > 0 || r.excl && name == "max" {
				return t.core.enumerable.methods[name].fn(t, self, a, b)
			}
			if r.lo != nil && r.hi != nil && t.order(r.lo, r.hi) > 0 {
				return nil
			}
			return t.send(r, end)
		})
	}
	extreme("min", "begin")
	extreme("max", "end")
	k.defn("sum", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		r := self.(*Range)
		lo, x := r.lo.(int64)
		hi, y := r.hi.(int64)
		if b == nil && len(a) == 0 && x && y && max(lo, -lo, hi, -hi) < 1<<30 {
			if r.excl {
				hi--
			}
			return integer(max(0, hi-lo+1) * (lo + hi) / 2)
		}
		return t.core.enumerable.methods["sum"].fn(t, self, a, b)
	})
}

var zero = 0.0

func rangeText(k *Class) {
	text := func(t *Interp, r *Range, f func(Value) string) Value {
		s, e := "", ""
		if r.lo != nil {
			s = f(r.lo)
		}
		if r.hi != nil {
			e = f(r.hi)
		}
		if r.excl {
			return strValue(s + "..." + e)
		}
		return strValue(s + ".." + e)
	}
	k.def("to_s", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return text(t, self.(*Range), t.toS) })
	k.def("inspect", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return text(t, self.(*Range), t.inspect) })
	k.def("==", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		x, y := self.(*Range), a[0]
		o, ok := y.(*Range)
		return ok && x.excl == o.excl && t.equal(x.lo, o.lo) && t.equal(x.hi, o.hi)
	})
	k.def("hash", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return integer(t.hashOf(self)) })
}

func (t *Interp) rangeStep(r *Range, a []Value, b *Proc) Value {
	var by Value = integer(1)
	if len(a) > 0 {
		by = a[0]
	}
	if t.sign(by) <= 0 {
		return t.argError("step can't be 0")
	}
	if _, ok := r.lo.(float64); ok {
		t.floatSteps(t.float(r.lo), t.float(r.hi), t.float(by), r.excl, func(v Value) { t.yield(b, v) })
		return r
	}
	if _, ok := by.(float64); ok {
		t.floatSteps(t.float(r.lo), t.float(r.hi), t.float(by), r.excl, func(v Value) { t.yield(b, v) })
		return r
	}
	i, n := int64(0), t.int(by)
	t.eachInRange(r, func(v Value) bool {
		if i%n == 0 {
			t.yield(b, v)
		}
		i++
		return true
	})
	return r
}

// fetchMissing is what fetch returns for a key that self does not have: what the block makes of it, the default that was given, or an error.
func (t *Interp) fetchMissing(self Value, a []Value, b *Proc) Value {
	if b != nil {
		return t.yield(b, a[0])
	}
	if len(a) > 1 {
		return a[1]
	}
	return t.keyError(self, a[0])
}

package ruby

// iterate calls f for what each yields, until f returns false.
func (t *Interp) iterate(v Value, f func(v Value) bool) {
	switch v := v.(type) {
	case *Array:
		for i := 0; i < len(v.v); i++ {
			if !f(v.v[i]) {
				return
			}
		}
		return
	case *Hash:
		for _, p := range v.pairs() {
			if !f(p) {
				return
			}
		}
		return
	case *Range:
		t.eachInRange(v, f)
		return
	}
	tag := new(breakTag)
	p := &Proc{arity: -1}
	p.fn = func(t *Interp, a []Value, _ *Proc) Value {
		t.turn()
		var x Value
		switch len(a) {
		case 0:
		case 1:
			x = a[0]
		default:
			x = arrayOf(append([]Value(nil), a...))
		}
		if !f(x) {
			panic(&jump{kind: ctlBreak, tag: tag})
		}
		return nil
	}
	t.breakable(tag, func() Value { return t.sendBlock(v, "each", nil, p) })
}

// items returns what each yields.
func (t *Interp) items(v Value) []Value {
	switch v := v.(type) {
	case *Array:
		return v.v
	case *Hash:
		return v.pairs()
	case *Set:
		return t.setToArray(v).v
	}
	if r, ok := v.(*Range); ok && r.hi == nil {
		t.raise(t.core.rangeError, "cannot convert endless range to an array")
	}
	var out []Value
	t.iterate(v, func(x Value) bool {
		out = append(out, x)
		t.tooMany(len(out))
		return true
	})
	return out
}

// enumerableMethods fills Enumerable; Array and Hash get those that they have no better ones for by including it.
func enumerableMethods(c *core) {
	k := c.enumerable
	k.defn("to_a", 0, -1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return arrayOf(append([]Value(nil), t.items(self)...))
	})
	k.alias("to_a", "entries")
	enumMaps(k)
	enumSelects(k)
	enumTests(k)
	enumFolds(k)
	enumGroups(k)
	enumSlices(k)
	enumOrders(k)
	enumConversions(k)
}

func enumMaps(k *Class) {
	k.each("map", 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		items := t.items(self)
		out := make([]Value, 0, len(items))
		for i := 0; i < len(items); i++ {
			out = append(out, t.yield(b, items[i]))
		}
		return arrayOf(out)
	})
	k.alias("map", "collect")
	k.each("flat_map", 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		out := &Array{}
		for _, v := range t.items(self) {
			r := t.yield(b, v)
			if l, ok := r.(*Array); ok {
				out.v = append(out.v, l.v...)
			} else {
				out.v = append(out.v, r)
			}
			t.tooMany(len(out.v))
		}
		return out
	})
	k.alias("flat_map", "collect_concat")
	k.each("filter_map", 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		out := &Array{}
		for _, v := range t.items(self) {
			if r := t.yield(b, v); truthy(r) {
				out.v = append(out.v, r)
			}
		}
		return out
	})
	k.each("each_entry", 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		t.iterate(self, func(v Value) bool { t.yield(b, v); return true })
		return self
	})
	k.each("each_with_index", 0, -1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		i := int64(0)
		t.iterate(self, func(v Value) bool { t.yield2(b, v, integer(i)); i++; return true })
		return self
	})
	k.each("each_with_object", 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		memo := a[0]
		t.iterate(self, func(v Value) bool { t.yield2(b, v, memo); return true })
		return memo
	})
	k.each("reverse_each", 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		items := t.items(self)
		for i := len(items) - 1; i >= 0; i-- {
			t.yield(b, items[i])
		}
		return self
	})
	k.each("cycle", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		items := append([]Value(nil), t.items(self)...)
		for n := int64(0); len(items) > 0 && (len(a) == 0 || a[0] == nil || n < t.int(a[0])); n++ {
			for _, v := range items {
				t.turn()
				t.yield(b, v)
			}
		}
		return nil
	})
	k.defn("zip", 0, -1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		others := make([][]Value, len(a))
		for i, o := range a {
			others[i] = t.items(o)
		}
		out := &Array{}
		for i, v := range t.items(self) {
			row := []Value{v}
			for _, o := range others {
				var x Value
				if i < len(o) {
					x = o[i]
				}
				row = append(row, x)
			}
			out.v = append(out.v, arrayOf(row))
		}
		if b != nil {
			for _, r := range out.v {
				t.yield(b, r)
			}
			return nil
		}
		return out
	})
}

func enumSelects(k *Class) {
	filter := func(name string, keep bool) {
		k.each(name, 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
			out := &Array{}
			for _, v := range t.items(self) {
				if truthy(t.yield(b, v)) == keep {
					out.v = append(out.v, v)
				}
			}
			return out
		})
	}
	filter("select", true)
	filter("filter", true)
	filter("find_all", true)
	filter("reject", false)
	k.each("partition", 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		yes, no := &Array{}, &Array{}
		for _, v := range t.items(self) {
			if truthy(t.yield(b, v)) {
				yes.v = append(yes.v, v)
			} else {
				no.v = append(no.v, v)
			}
		}
		return array(yes, no)
	})
	grep := func(name string, keep bool) {
		k.defn(name, 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
			out := &Array{}
			pattern := a[0]
			for _, v := range t.items(self) {
				if t.caseEq(pattern, v) == keep {
					if b != nil {
						v = t.yield(b, v)
					}
					out.v = append(out.v, v)
				}
			}
			return out
		})
	}
	grep("grep", true)
	grep("grep_v", false)
	k.each("find", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) (found Value) {
		t.iterate(self, func(v Value) bool {
			if truthy(t.yield(b, v)) {
				found = v
				return false
			}
			return true
		})
		return found
	})
	k.alias("find", "detect")
	k.defn("find_index", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) (at Value) {
		i := int64(0)
		t.iterate(self, func(v Value) bool {
			if len(a) > 0 && t.equal(v, a[0]) || len(a) == 0 && truthy(t.yield(b, v)) {
				at = integer(i)
				return false
			}
			i++
			return true
		})
		return at
	})
	k.defn("first", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if len(a) == 0 {
			var first Value
			t.iterate(self, func(v Value) bool { first = v; return false })
			return first
		}
		return t.take(self, t.count(a[0]))
	})
	k.def("take", 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.take(self, t.count(a[0])) })
	k.def("drop", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		items := t.items(self)
		return arrayOf(append([]Value(nil), items[min(len(items), t.count(a[0])):]...))
	})
	k.each("take_while", 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		out := &Array{}
		t.iterate(self, func(v Value) bool {
			if !truthy(t.yield(b, v)) {
				return false
			}
			out.v = append(out.v, v)
			return true
		})
		return out
	})
	k.each("drop_while", 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		out := &Array{}
		for _, v := range t.items(self) {
			if len(out.v) > 0 || !truthy(t.yield(b, v)) {
				out.v = append(out.v, v)
			}
		}
		return out
	})
}

func (t *Interp) take(self Value, n int) Value {
	out := &Array{}
	if n == 0 {
		return out
	}
	t.iterate(self, func(v Value) bool {
		out.v = append(out.v, v)
		return len(out.v) < n
	})
	return out
}

func enumTests(k *Class) {
	// test makes all?, any?, none? and one?.
	test := func(name string, done func(yes, no int) (bool, bool), end func(yes int) bool) {
		k.defn(name, 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
			yes, no, result := 0, 0, false
			decided := false
			t.iterate(self, func(v Value) bool {
				var r bool
				switch {
				case len(a) > 0:
					r = t.caseEq(a[0], v)
				case b != nil:
					r = truthy(t.yield(b, v))
				default:
					r = truthy(v)
				}
				if r {
					yes++
				} else {
					no++
				}
				result, decided = done(yes, no)
				return !decided
			})
			if decided {
				return result
			}
			return end(yes)
		})
	}
	test("all?", func(yes, no int) (bool, bool) { return false, no > 0 }, func(int) bool { return true })
	test("any?", func(yes, no int) (bool, bool) { return true, yes > 0 }, func(int) bool { return false })
	test("none?", func(yes, no int) (bool, bool) { return false, yes > 0 }, func(int) bool { return true })
	test("one?", func(yes, no int) (bool, bool) { return false, yes > 1 }, func(yes int) bool { return yes == 1 })
	k.def("include?", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		found := false
		t.iterate(self, func(v Value) bool { found = t.equal(v, a[0]); return !found })
		return found
	})
	k.alias("include?", "member?")
	k.defn("count", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		n := int64(0)
		t.iterate(self, func(v Value) bool {
			if len(a) > 0 && t.equal(v, a[0]) || len(a) == 0 && (b == nil || truthy(t.yield(b, v))) {
				n++
			}
			return true
		})
		return integer(n)
	})
}

func enumFolds(k *Class) {
	k.defn("inject", 0, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		var acc Value
		started, op := false, ""
		switch {
		case len(a) == 2:
			acc, started, op = a[0], true, t.name(a[1])
		case len(a) == 1 && b == nil:
			op = t.name(a[0])
		case len(a) == 1:
			acc, started = a[0], true
		}
		t.iterate(self, func(v Value) bool {
			switch {
			case !started:
				acc, started = v, true
			case op != "":
				acc = t.binaryOp(op, acc, v)
			default:
				acc = t.yield2(b, acc, v)
			}
			return true
		})
		return acc
	})
	k.alias("inject", "reduce")
	k.defn("sum", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		var acc Value = integer(0)
		if len(a) > 0 {
			acc = a[0]
		}
		items := t.items(self)
		if b != nil {
			mapped := make([]Value, len(items))
			for i, v := range items {
				mapped[i] = t.yield(b, v)
			}
			items = mapped
		}
		return t.sum(acc, items)
	})
	k.each("each_cons", 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		items, n := t.items(self), t.count(a[0])
		if n == 0 {
			return t.argError("invalid size")
		}
		for i := 0; i+n <= len(items); i++ {
			t.yield(b, arrayOf(append([]Value(nil), items[i:i+n]...)))
		}
		return self
	})
}

// sum adds values up; floats by the Kahan-Babuska method, as Ruby does.
func (t *Interp) sum(acc Value, items []Value) Value {
	for i, v := range items {
		_, isFloat := v.(float64)
		g, accFloat := acc.(float64)
		if (isFloat || accFloat) && t.isNumber(v) && t.isNumber(acc) {
			if !accFloat {
				g = t.float(acc)
			}
			return t.floatSum(g, items[i:])
		}
		acc = t.binaryOp("+", acc, v)
	}
	return acc
}

func (t *Interp) floatSum(sum float64, items []Value) Value {
	c := 0.0
	for i, v := range items {
		if !t.isNumber(v) {
			return t.sum(t.binaryOp("+", sum+c, v), items[i+1:])
		}
		x := t.float(v)
		if s := sum + x; s-s != 0 { // infinite or not a number
			sum, c = s, 0
			continue
		} else if abs(sum) >= abs(x) {
			c += (sum - s) + x
			sum = s
		} else {
			c += (x - s) + sum
			sum = s
		}
	}
	return sum + c
}

func abs(f float64) float64 {
	if f < 0 {
		return -f
	}
	return f
}

func enumGroups(k *Class) {
	k.each("group_by", 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		h := newHash()
		for _, v := range t.items(self) {
			key := t.yield(b, v)
			if l, ok := h.get(t, key); ok {
				l.(*Array).v = append(l.(*Array).v, v)
			} else {
				h.set(t, key, array(v))
			}
		}
		return h
	})
	k.defn("tally", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		h := newHash()
		for _, v := range t.items(self) {
			n, _ := h.get(t, v)
			c, _ := n.(int64)
			h.set(t, v, integer(c+1))
		}
		return h
	})
	k.defn("uniq", 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return arrayOf(t.uniq(t.items(self), b)) })
	k.each("chunk_while", 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.chunks(t.items(self), b, false) })
	k.each("slice_when", 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.chunks(t.items(self), b, true) })
	k.each("chunk", 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		out := &Array{}
		var last Value = undef
		for _, v := range t.items(self) {
			key := t.yield(b, v)
			if last != undef && t.equal(last, key) {
				group := out.v[len(out.v)-1].(*Array).v[1].(*Array)
				group.v = append(group.v, v)
				continue
			}
			last = key
			out.v = append(out.v, array(key, array(v)))
		}
		return out
	})
	k.defn("compact", 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		out := &Array{}
		for _, v := range t.items(self) {
			if v != nil {
				out.v = append(out.v, v)
			}
		}
		return out
	})
}

func (t *Interp) chunks(items []Value, b *Proc, cutIf bool) Value {
	out := &Array{}
	for i, v := range items {
		if i > 0 && truthy(t.yield2(b, items[i-1], v)) != cutIf {
			last := out.v[len(out.v)-1].(*Array)
			last.v = append(last.v, v)
			continue
		}
		out.v = append(out.v, array(v))
	}
	return out
}

func enumSlices(k *Class) {
	k.each("each_slice", 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		n := t.count(a[0])
		if n == 0 {
			return t.argError("invalid slice size")
		}
		items := t.items(self)
		for len(items) > 0 {
			m := min(n, len(items))
			t.yield(b, arrayOf(append([]Value(nil), items[:m]...)))
			items = items[m:]
		}
		return self
	})
}

func enumOrders(k *Class) {
	k.defn("sort", 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return arrayOf(t.sortValues(t.items(self), b)) })
	k.each("sort_by", 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return arrayOf(t.sortBy(t.items(self), b)) })
	extreme := func(name string, sign int) {
		k.defn(name, 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
			items := t.items(self)
			if len(a) > 0 && a[0] != nil {
				sorted := t.sortValues(items, b)
				if sign > 0 {
					reverse(sorted)
				}
				return arrayOf(sorted[:min(len(sorted), t.count(a[0]))])
			}
			var best Value
			for i, v := range items {
				if i == 0 || t.orderBy(b, best, v)*sign < 0 {
					best = v
				}
			}
			return best
		})
		k.each(name+"_by", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
			items := t.items(self)
			if len(a) > 0 && a[0] != nil {
				sorted := t.sortBy(items, b)
				if sign > 0 {
					reverse(sorted)
				}
				return arrayOf(sorted[:min(len(sorted), t.count(a[0]))])
			}
			var best, bestKey Value
			for i, v := range items {
				if key := t.yield(b, v); i == 0 || t.order(bestKey, key)*sign < 0 {
					best, bestKey = v, key
				}
			}
			return best
		})
	}
	extreme("min", -1)
	extreme("max", 1)
	k.defn("minmax", 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return array(t.sendBlock(self, "min", nil, b), t.sendBlock(self, "max", nil, b))
	})
	k.each("minmax_by", 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return array(t.sendBlock(self, "min_by", nil, b), t.sendBlock(self, "max_by", nil, b))
	})
}

func (t *Interp) orderBy(b *Proc, x, y Value) int {
	if b == nil {
		return t.order(x, y)
	}
	return t.blockOrder(b, x, y)
}

func reverse(v []Value) {
	for i, j := 0, len(v)-1; i < j; i, j = i+1, j-1 {
		v[i], v[j] = v[j], v[i]
	}
}

func enumConversions(k *Class) {
	k.defn("to_h", 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		h := newHash()
		for _, v := range t.items(self) {
			if b != nil {
				v = t.yield(b, v)
			}
			p, ok := v.(*Array)
			if !ok {
				return t.typeError("wrong element type %s (expected array)", t.className(v))
			}
			if len(p.v) != 2 {
				return t.argError("element has wrong array length (expected 2, was %d)", len(p.v))
			}
			h.set(t, p.v[0], p.v[1])
		}
		return h
	})
	k.defn("to_set", 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return &Set{t.setOf(t.items(self))} })
	k.def("lazy", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if r, ok := self.(*Range); ok && r.hi == nil {
			return t.raise(t.core.notImplementedError, "lazy of an endless range is not supported")
		}
		return self
	})
	k.def("force", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return arrayOf(append([]Value(nil), t.items(self)...))
	})
}

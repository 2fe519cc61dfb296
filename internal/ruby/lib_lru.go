package ruby

import (
	"container/list"
	"time"
)

// lru is a LruRedux::Cache: it keeps what was used last, and with a limit of time only what is fresh.
type lru struct {
	max   int64
	ttl   time.Duration // 0: no limit
	noNil bool          // nil is not kept
	order *list.List    // of *lruEntry, the last used first
	at    map[any]*list.Element
}

type lruEntry struct {
	key, val Value
	set      time.Time
}

func (t *Interp) lruKey(k Value) any {
	if s, ok := k.(*String); ok {
		return textKey{"\"" + s.s}
	}
	return t.hashKey(k)
}

func (c *lru) get(t *Interp, k Value) (Value, bool) {
	e := c.at[t.lruKey(k)]
	if e == nil {
		return nil, false
	}
	x := e.Value.(*lruEntry)
	if c.ttl > 0 && t.now().Sub(x.set) > c.ttl {
		c.remove(t, e)
		return nil, false
	}
	c.order.MoveToFront(e)
	return x.val, true
}

func (c *lru) set(t *Interp, k, v Value) {
	key := t.lruKey(k)
	if e := c.at[key]; e != nil {
		c.remove(t, e)
	}
	if v == nil && c.noNil {
		return
	}
	if s, ok := k.(*String); ok && !s.frozen {
		k = &String{s: s.s, enc: s.enc, frozen: true}
	}
	c.at[key] = c.order.PushFront(&lruEntry{k, v, t.now()})
	c.shrink(t)
}

func (c *lru) shrink(t *Interp) {
	for int64(c.order.Len()) > c.max {
		c.remove(t, c.order.Back())
	}
}

func (c *lru) remove(t *Interp, e *list.Element) {
	delete(c.at, t.lruKey(c.order.Remove(e).(*lruEntry).key))
}

// expire forgets what is no longer fresh.
func (c *lru) expire(t *Interp) {
	for e := c.order.Back(); e != nil && c.ttl > 0; {
		before := e.Prev()
		if t.now().Sub(e.Value.(*lruEntry).set) > c.ttl {
			c.remove(t, e)
		}
		e = before
	}
}

// lruMethods fills LruRedux, which Logstash brings along, and LruReredux, which took its place.
func lruMethods(c *core) {
	for _, name := range []string{"LruRedux", "LruReredux"} {
		m := c.mod(c.object, name)
		k := c.defineIn(m, "Cache", c.object)
		lruClass(c, k, false)
		c.defineIn(m, "ThreadSafeCache", k)
		ttl := c.mod(m, "TTL")
		k = c.defineIn(ttl, "Cache", c.object)
		lruClass(c, k, true)
		c.defineIn(ttl, "ThreadSafeCache", k)
	}
}

func lruClass(c *core, k *Class, ttl bool) {
	of := func(v Value) *lru { return v.(*Object).data.(*lru) }
	k.includes = []*Class{c.enumerable}
	k.alloc = func(t *Interp, k *Class) Value {
		return &Object{class: k, data: &lru{max: 1000, order: list.New(), at: make(map[any]*list.Element)}}
	}
	size := func(t *Interp, v Value) int64 {
		n := t.int(v)
		if n < 1 {
			t.argError("Invalid max_size: %d", n)
		}
		return n
	}
	life := func(t *Interp, v Value) time.Duration {
		if _, ok := v.(*Symbol); ok || v == nil {
			return 0 // :none
		}
		return time.Duration(t.float(v) * float64(time.Second))
	}
	k.defn("initialize", 0, 3, func(t *Interp, self Value, a []Value, b *Proc) Value {
		l := of(self)
		if len(a) > 0 {
			l.max = size(t, a[0])
			a = a[1:]
		}
		if ttl && len(a) > 0 {
			l.ttl = life(t, a[0])
			a = a[1:]
		}
		l.noNil = len(a) > 0 && truthy(a[0])
		return nil
	})
	k.def("getset", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		key := a[0]
		if v, ok := of(self).get(t, key); ok {
			return v
		}
		v := t.callProc(b, nil, nil)
		of(self).set(t, key, v)
		return v
	})
	k.def("fetch", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if v, ok := of(self).get(t, a[0]); ok || b == nil {
			return v
		}
		return t.callProc(b, nil, nil)
	})
	k.def("[]", 1, func(t *Interp, self Value, a []Value, b *Proc) Value { v, _ := of(self).get(t, a[0]); return v })
	k.def("[]=", 2, func(t *Interp, self Value, a []Value, b *Proc) Value { of(self).set(t, a[0], a[1]); return a[1] })
	k.def("key?", 1, func(t *Interp, self Value, a []Value, b *Proc) Value { _, ok := of(self).get(t, a[0]); return ok })
	k.alias("key?", "has_key?")
	k.def("delete", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		v, ok := of(self).get(t, a[0])
		if ok {
			of(self).remove(t, of(self).order.Front())
		}
		return v
	})
	k.alias("delete", "evict")
	k.def("clear", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		of(self).order.Init()
		clear(of(self).at)
		return nil
	})
	k.def("count", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return integer(int64(of(self).order.Len())) })
	k.alias("count", "length", "size")
	k.def("max_size", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return integer(of(self).max) })
	k.def("max_size=", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		of(self).max = size(t, a[0])
		of(self).shrink(t)
		return a[0]
	})
	if ttl {
		k.def("ttl=", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
			of(self).ttl = life(t, a[0])
			of(self).expire(t)
			return a[0]
		})
		k.def("expire", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { of(self).expire(t); return nil })
	}
	lruEach(k, of)
}

func lruEach(k *Class, of func(v Value) *lru) {
	pairs := func(t *Interp, self Value) *Array {
		of(self).expire(t)
		out := &Array{}
		for e := of(self).order.Front(); e != nil; e = e.Next() {
			x := e.Value.(*lruEntry)
			out.v = append(out.v, array(x.key, x.val))
		}
		return out
	}
	k.def("to_a", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return pairs(t, self) })
	k.each("each", 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		for _, p := range pairs(t, self).v {
			t.yield(b, p)
		}
		return self
	})
	part := func(name string, i int) {
		k.def(name, 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
			l := pairs(t, self)
			for n, p := range l.v {
				l.v[n] = p.(*Array).v[i]
			}
			return l
		})
	}
	part("keys", 0)
	part("values", 1)
}

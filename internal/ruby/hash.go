package ruby

import (
	"math/big"
)

// Hash is a Hash, in the order in which keys were set.
type Hash struct {
	entries []hashEntry
	live    int
	texts   map[string]int32 // where String keys stand, once there are many
	others  map[any]int32
	def     Value
	defProc *Proc
	frozen  bool
	kw      bool // the named arguments of a call
	byID    bool
}

type hashEntry struct {
	key, val Value
	gone     bool
}

const indexFrom = 9

// textKey stands for keys that are equal by their content.
type textKey struct{ text string }

func newHash() *Hash { return &Hash{} }

// hashKey returns something comparable that is equal for equal keys.
func (t *Interp) hashKey(k Value) (key any) {
	switch k := k.(type) {
	case float64:
		if k == 0 {
			return float64(0)
		}
		return k
	case *big.Int:
		return textKey{"i" + k.String()}
	case *Array, *Hash, *Range:
		return textKey{t.deepKey(k)}
	case *Time:
		return textKey{"t" + k.t.UTC().String()}
	case *Object:
		if k.class.isStruct() || t.respondTo(k, "hash") && t.userDefines(k.class, "hash") {
			return textKey{t.deepKey(k)}
		}
	case *Set:
		return textKey{"s" + t.deepKey(t.setToArray(k))}
	}
	return k
}

// deepKey returns a text that is equal for equal values.
func (t *Interp) deepKey(v Value) string {
	t.enter()
	defer t.leave()
	switch v := v.(type) {
	case *String:
		return "\"" + v.s + "\""
	case *Array:
		s := "["
		for _, x := range v.v {
			s += t.deepKey(x) + ","
		}
		return s + "]"
	case *Object:
		if t.userDefines(v.class, "hash") {
			return "o" + t.inspect(t.send(v, "hash"))
		}
		return v.class.name + t.deepKey(array(v.ivars...))
	}
	return t.className(v) + t.inspect(v)
}

// find returns where k stands, -1 if it does not.
func (h *Hash) find(t *Interp, k Value) int {
	if s, ok := k.(*String); ok && !h.byID {
		if len(h.entries) < indexFrom {
			for i := range h.entries {
				e := &h.entries[i]
				if x, ok := e.key.(*String); ok && !e.gone && x.s == s.s {
					return i
				}
			}
			return -1
		}
		if h.texts == nil {
			h.reindex(t)
		}
		if i, ok := h.texts[s.s]; ok {
			return int(i)
		}
		return -1
	}
	key := k
	if !h.byID {
		key = t.hashKey(k)
	}
	if len(h.entries) < indexFrom {
		for i := range h.entries {
			if e := &h.entries[i]; !e.gone && h.sameKey(t, e.key, key) {
				return i
			}
		}
		return -1
	}
	if h.texts == nil {
		h.reindex(t)
	}
	if i, ok := h.others[key]; ok {
		return int(i)
	}
	return -1
}

func (h *Hash) sameKey(t *Interp, stored Value, key any) bool {
	if h.byID {
		return stored == key
	}
	if _, ok := stored.(*String); ok {
		return false
	}
	return t.hashKey(stored) == key
}

// reindex makes the index anew.
func (h *Hash) reindex(t *Interp) {
	h.texts, h.others = make(map[string]int32, len(h.entries)), make(map[any]int32)
	for i := range h.entries {
		if !h.entries[i].gone {
			h.index(t, i)
		}
	}
}

func (h *Hash) index(t *Interp, i int) {
	k := h.entries[i].key
	if s, ok := k.(*String); ok && !h.byID {
		h.texts[s.s] = int32(i)
	} else if h.byID {
		h.others[k] = int32(i)
	} else {
		h.others[t.hashKey(k)] = int32(i)
	}
}

// get returns the value of k without a default.
func (h *Hash) get(t *Interp, k Value) (Value, bool) {
	if i := h.find(t, k); i >= 0 {
		return h.entries[i].val, true
	}
	return nil, false
}

// symbol is get for the Symbol of a name.
func (h *Hash) symbol(name string) (Value, bool) {
	for i := range h.entries {
		if s, ok := h.entries[i].key.(*Symbol); ok && !h.entries[i].gone && s.name == name {
			return h.entries[i].val, true
		}
	}
	return nil, false
}

// set sets k. A String is kept as a frozen copy.
func (h *Hash) set(t *Interp, k, v Value) {
	if i := h.find(t, k); i >= 0 {
		h.entries[i].val = v
		return
	}
	if s, ok := k.(*String); ok && !s.frozen && !h.byID {
		k = &String{s: s.s, enc: s.enc, frozen: true}
	}
	h.entries = append(h.entries, hashEntry{key: k, val: v})
	h.live++
	if h.texts != nil {
		h.index(t, len(h.entries)-1)
	}
}

// remove removes k.
func (h *Hash) remove(t *Interp, k Value) (Value, bool) {
	i := h.find(t, k)
	if i < 0 {
		return nil, false
	}
	v := h.entries[i].val
	h.removeAt(t, i)
	return v, true
}

func (h *Hash) removeAt(t *Interp, i int) {
	e := &h.entries[i]
	if h.texts != nil {
		if s, ok := e.key.(*String); ok && !h.byID {
			delete(h.texts, s.s)
		} else if h.byID {
			delete(h.others, e.key)
		} else {
			delete(h.others, t.hashKey(e.key))
		}
	}
	*e = hashEntry{gone: true}
	h.live--
	if h.live == 0 {
		h.entries = h.entries[:0]
	} else if len(h.entries) > 32 && h.live < len(h.entries)/2 && t.iterating == 0 {
		h.compact()
	}
}

// compact closes the gaps.
func (h *Hash) compact() {
	kept := make([]hashEntry, 0, h.live)
	for _, e := range h.entries {
		if !e.gone {
			kept = append(kept, e)
		}
	}
	h.entries, h.texts, h.others = kept, nil, nil
}

func (h *Hash) clear() { h.entries, h.texts, h.others, h.live = nil, nil, nil, 0 }

// dup returns a Hash with the same entries and default.
func (h *Hash) dup() *Hash {
	c := &Hash{def: h.def, defProc: h.defProc, byID: h.byID, live: h.live, entries: make([]hashEntry, 0, h.live)}
	for _, e := range h.entries {
		if !e.gone {
			c.entries = append(c.entries, e)
		}
	}
	return c
}

// fetch returns the value of k or the default.
func (h *Hash) fetch(t *Interp, k Value) Value {
	if i := h.find(t, k); i >= 0 {
		return h.entries[i].val
	}
	if h.defProc != nil {
		return t.call(h.defProc, h, k)
	}
	return h.def
}

// pairs returns the entries as Arrays of two.
func (h *Hash) pairs() []Value {
	out := make([]Value, 0, h.live)
	for i := range h.entries {
		if e := &h.entries[i]; !e.gone {
			out = append(out, array(e.key, e.val))
		}
	}
	return out
}

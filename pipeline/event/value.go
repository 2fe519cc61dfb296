package event

import (
	"encoding/binary"
	"math"
	"math/bits"
	"strings"
	"sync/atomic"
	"time"
	"unsafe"
)

// Kind tells what a Value holds.
type Kind uint8

// The kinds of values. Null is the zero Value. Their numbers stand in persistent queues: new kinds go to the end.
const (
	Null       Kind = iota
	Bool            // true or false
	Int             // a 64-bit signed integer
	Float           // a 64-bit floating point number; infinities and NaN are possible
	String          // text; valid UTF-8 unless a plugin says otherwise
	Time            // an instant with nanoseconds, UTC
	BigInt          // an integer that does not fit 64 bits, kept as its canonical decimal digits
	KindList        // a *List
	KindObject      // an *Object

	rawJSON // the text of an array, object or float in canonical form; only as a field of a lazy Object, and never given out
	hole    // a field that was deleted, of an Object whose holes are not closed yet; never given out
)

var kindNames = [...]string{"null", "boolean", "integer", "float", "string", "timestamp", "big integer", "array", "hash", "JSON text", "nothing"}

// String returns the name of the kind as Logstash's users know it.
func (k Kind) String() string { return kindNames[k] }

// Value is one value of an event, in 24 bytes and without an allocation of its own: strings, lists and objects are pointers, numbers
// and instants stand in the value itself. Values are copied freely; lists and objects are shared by their copies.
type Value struct {
	ptr  unsafe.Pointer // string bytes, *List or *Object
	num  uint64         // length of a string, bits of a number, Unix seconds of an instant
	nsec uint32         // nanoseconds of an instant
	kind Kind
}

// StringValue returns s as a value.
func StringValue(s string) Value {
	return Value{ptr: unsafe.Pointer(unsafe.StringData(s)), num: uint64(len(s)), kind: String}
}

// IntValue returns i as a value.
func IntValue(i int64) Value { return Value{num: uint64(i), kind: Int} }

// FloatValue returns f as a value.
func FloatValue(f float64) Value { return Value{num: math.Float64bits(f), kind: Float} }

// BoolValue returns b as a value.
func BoolValue(b bool) Value {
	if b {
		return Value{num: 1, kind: Bool}
	}
	return Value{kind: Bool}
}

// TimeValue returns the instant t as a value; its location is forgotten.
func TimeValue(t time.Time) Value {
	return Value{num: uint64(t.Unix()), nsec: uint32(t.Nanosecond()), kind: Time}
}

// BigIntValue returns the integer that digits spells (an optional minus and decimal digits without leading zeros) as a value: an Int
// where it fits.
func BigIntValue(digits string) Value {
	if i, ok := parseInt64(digits); ok {
		return IntValue(i)
	}
	v := StringValue(digits)
	v.kind = BigInt
	return v
}

// ListValue returns l as a value.
func ListValue(l *List) Value { return Value{ptr: unsafe.Pointer(l), kind: KindList} }

// ObjectValue returns o as a value.
func ObjectValue(o *Object) Value { return Value{ptr: unsafe.Pointer(o), kind: KindObject} }

// Kind returns what v holds.
func (v Value) Kind() Kind { return v.kind }

// IsNull reports whether v is null.
func (v Value) IsNull() bool { return v.kind == Null }

// Str returns the text of a String, the digits of a BigInt, and "" of anything else.
func (v Value) Str() string {
	if v.kind != String && v.kind != BigInt {
		return ""
	}
	return v.text()
}

// text returns the bytes that v points to as a string.
func (v Value) text() string { return unsafe.String((*byte)(v.ptr), int(v.num)) }

// Int returns the number of an Int, 0 of anything else.
func (v Value) Int() int64 {
	if v.kind != Int {
		return 0
	}
	return int64(v.num)
}

// Float returns the number of a Float, 0 of anything else.
func (v Value) Float() float64 {
	if v.kind != Float {
		return 0
	}
	return math.Float64frombits(v.num)
}

// Bool reports whether v is the Bool true.
func (v Value) Bool() bool { return v.kind == Bool && v.num != 0 }

// Time returns the instant of a Time in UTC, the zero time of anything else.
func (v Value) Time() time.Time {
	if v.kind != Time {
		return time.Time{}
	}
	return time.Unix(int64(v.num), int64(v.nsec)).UTC()
}

// List returns the list of a KindList, nil of anything else.
func (v Value) List() *List {
	if v.kind != KindList {
		return nil
	}
	return (*List)(v.ptr)
}

// Object returns the object of a KindObject, nil of anything else.
func (v Value) Object() *Object {
	if v.kind != KindObject {
		return nil
	}
	return (*Object)(v.ptr)
}

// Equal reports whether v and w are of one kind and equal, as == compares two fields in a condition: 1 and 1.0 differ.
func (v Value) Equal(w Value) bool {
	if v.kind != w.kind {
		return false
	}
	switch v.kind {
	case Null:
		return true
	case Float:
		return v.Float() == w.Float()
	case String, BigInt:
		return v.Str() == w.Str()
	case KindList:
		a, b := v.List(), w.List()
		if a.Len() != b.Len() {
			return false
		}
		for i := range a.items {
			if !a.items[i].Equal(b.items[i]) {
				return false
			}
		}
		return true
	case KindObject:
		a, b := v.Object(), w.Object()
		if a.Len() != b.Len() {
			return false
		}
		a.settle()
		for i := range a.fields {
			x, ok := b.Get(a.fields[i].Key)
			if !ok || !a.fields[i].Val.Equal(x) {
				return false
			}
		}
		return true
	}
	return v.num == w.num && v.nsec == w.nsec
}

// List is an ordered list of values. It has one owner and no lock.
type List struct{ items []Value }

// Len returns the number of items; a nil list has none.
func (l *List) Len() int {
	if l == nil {
		return 0
	}
	return len(l.items)
}

// At returns item i, counted from 0.
func (l *List) At(i int) Value { return l.items[i] }

// SetAt replaces item i.
func (l *List) SetAt(i int, v Value) { l.items[i] = v }

// Append adds v at the end.
func (l *List) Append(v Value) { l.items = append(l.items, v) }

// Items returns the items; the slice belongs to the list and is valid until its next change.
func (l *List) Items() []Value { return l.items }

// Truncate keeps the first n items.
func (l *List) Truncate(n int) { l.items = l.items[:n] }

// Remove takes item i out and closes the gap.
func (l *List) Remove(i int) { l.items = append(l.items[:i], l.items[i+1:]...) }

// Field is one entry of an Object.
type Field struct {
	Key string
	Val Value
}

// Object is a set of named values that keeps the order in which they were first set. It has one owner and no lock. A linear search
// beats a map at the 10 to 30 fields of a log event, and goes over a byte a field before it looks at any name; beyond indexFrom
// fields an index takes over, so that no document makes it quadratic.
type Object struct {
	fields []Field
	seen   markSet          // has the marks of the fields there are or were: most searches are for new fields, and end here
	marks  [indexFrom]byte  // of the first fields' keys, see markOf
	index  map[string]int32 // of fields, nil while small or out of date
	owner  *Event           // who builds what is lazy; nil if nobody can
	lazy   bool             // some fields hold rawJSON, which whoever looks at them builds
	holes  int              // deleted fields among fields
}

const indexFrom = 96 // a multiple of 8

// markOf returns a byte that is equal for equal keys and rarely for others.
func markOf(key string) byte {
	n := len(key)
	if n == 0 {
		return 0
	}
	h := uint32(key[0]) | uint32(key[n/2])<<8 | uint32(key[n-1])<<16 | uint32(n)<<24
	return byte(h * 0x9E3779B1 >> 24)
}

// markSet is a set of marks.
type markSet [4]uint64

func (m *markSet) has(mark byte) bool { return m[mark>>6]>>(mark&63)&1 != 0 }

func (m *markSet) add(mark byte) { m[mark>>6] |= 1 << (mark & 63) }

// join adds the marks of o.
func (m *markSet) join(o *markSet) {
	m[0] |= o[0]
	m[1] |= o[1]
	m[2] |= o[2]
	m[3] |= o[3]
}

// meets reports whether the sets have a mark in common.
func (m *markSet) meets(o *markSet) bool {
	return m[0]&o[0]|m[1]&o[1]|m[2]&o[2]|m[3]&o[3] != 0
}

// marksOf returns the marks of keys.
func marksOf(keys ...string) (m markSet) {
	for _, k := range keys {
		m.add(markOf(k))
	}
	return m
}

// Len returns the number of fields; a nil object has none.
func (o *Object) Len() int {
	if o == nil {
		return 0
	}
	return len(o.fields) - o.holes
}

// At returns field i in order, counted from 0. Its Val may be changed through the pointer, its Key not; the pointer is valid until
// the object's next change.
func (o *Object) At(i int) *Field {
	o.settle()
	return &o.fields[i]
}

// Fields returns the fields in order, for reading; the slice belongs to the object and is valid until its next change.
func (o *Object) Fields() []Field {
	if o == nil {
		return nil
	}
	o.settle()
	return o.fields
}

// settle closes the holes and makes values of all fields that are still text, for those who look at all fields.
func (o *Object) settle() {
	if o.holes > 0 {
		o.close()
	}
	if !o.lazy {
		return
	}
	for i := range o.fields {
		o.at(i)
	}
	o.lazy = false
}

// at returns the value of field i, which it builds if it is still text.
func (o *Object) at(i int) Value {
	if o.fields[i].Val.kind == rawJSON {
		o.build(i)
	}
	return o.fields[i].Val
}

// build makes the value of field i of its text.
func (o *Object) build(i int) {
	owner := o.owner
	if owner == nil {
		owner = New(nil)
	}
	p := jsonParser{s: o.fields[i].Val.text(), e: owner}
	built, err := p.value(1)
	if err != nil {
		panic("BUG: canonical JSON that cannot be read: " + err.Error())
	}
	o.fields[i].Val = built
}

// find returns where the field with a key and its mark is, -1 if there is none. It looks at the marks of eight fields at a time.
func (o *Object) find(key string, mark byte) int {
	if !o.seen.has(mark) {
		return -1
	}
	n := len(o.fields)
	if n > indexFrom {
		return o.findIndexed(key)
	}
	wanted := uint64(mark) * lows
	for first := 0; first < n; first += 8 {
		x := binary.LittleEndian.Uint64(o.marks[first:]) ^ wanted
		// The lowest zero byte of x has its high bit set here; those above it may have it by a borrow, and are compared for nothing.
		for hits := (x - lows) &^ x & highs; hits != 0; hits &= hits - 1 {
			i := first + bits.TrailingZeros64(hits)>>3
			if i >= n {
				return -1
			}
			if f := &o.fields[i]; f.Key == key && f.Val.kind != hole {
				return i
			}
		}
	}
	return -1
}

func (o *Object) findIndexed(key string) int {
	if o.index == nil {
		o.index = make(map[string]int32, 2*len(o.fields))
		for i := range o.fields {
			if o.fields[i].Val.kind != hole {
				o.index[o.fields[i].Key] = int32(i)
			}
		}
	}
	if i, ok := o.index[key]; ok {
		return int(i)
	}
	return -1
}

// findKey is find for a key of a compiled reference. Events of one kind have a field in one place, where it is looked for first.
func (o *Object) findKey(k *key) int {
	places := atomic.LoadUint32(&k.places)
	if i := int(places & 0xff); i < len(o.fields) && k.names(&o.fields[i]) {
		return i
	}
	return o.findElsewhere(k, places)
}

// names reports whether f has this name. Names of compiled references are one string, so that their bytes are rarely looked at.
func (k *key) names(f *Field) bool {
	return len(f.Key) == len(k.name) && (unsafe.StringData(f.Key) == unsafe.StringData(k.name) || f.Key == k.name) && f.Val.kind != hole
}

// findElsewhere looks in the second place, then everywhere, and remembers where the key was. It does so only so often: where fields
// have no place of their own, workers would else write to the same memory for ever.
func (o *Object) findElsewhere(k *key, places uint32) int {
	if !o.seen.has(k.mark) {
		return -1
	}
	if i := int(places >> 8 & 0xff); i < len(o.fields) && k.names(&o.fields[i]) {
		return i
	}
	const maxLearned = 64
	i := o.find(k.name, k.mark)
	if learned := places >> 16; i >= 0 && i <= 0xff && learned < maxLearned {
		atomic.StoreUint32(&k.places, (learned+1)<<16|places&0xff<<8|uint32(i))
	}
	return i
}

// Get returns the value of key, and whether there is one.
func (o *Object) Get(key string) (Value, bool) { return o.found(o.find(key, markOf(key))) }

func (o *Object) getKey(k *key) (Value, bool) { return o.found(o.findKey(k)) }

// found returns the value of field i, none if it is negative.
func (o *Object) found(i int) (Value, bool) {
	if i < 0 {
		return Value{}, false
	}
	return o.at(i), true
}

// Set sets key to v: in its place if the key exists, at the end if not.
func (o *Object) Set(key string, v Value) { o.set(key, markOf(key), v) }

func (o *Object) set(key string, mark byte, v Value) {
	if i := o.find(key, mark); i >= 0 {
		o.fields[i].Val = v
		return
	}
	o.add(key, mark, v)
}

func (o *Object) setKey(k *key, v Value) {
	if i := o.findKey(k); i >= 0 {
		o.fields[i].Val = v
		return
	}
	o.addKey(k, v)
}

// addKey is add for a key of a compiled reference, which the field then shares its name with.
func (o *Object) addKey(k *key, v Value) { o.add(k.name, k.mark, v) }

// SetNew sets key to v if there is no such field, and returns the value it has otherwise.
func (o *Object) SetNew(key string, v Value) (old Value, done bool) {
	mark := markOf(key)
	if i := o.find(key, mark); i >= 0 {
		return o.at(i), false
	}
	o.add(key, mark, v)
	return Value{}, true
}

// markAt returns the mark of field i.
func (o *Object) markAt(i int) byte {
	if i < len(o.marks) {
		return o.marks[i]
	}
	return markOf(o.fields[i].Key)
}

// add appends a field that is known to be new.
func (o *Object) add(key string, mark byte, v Value) {
	if o.holes > 0 && len(o.fields) == cap(o.fields) {
		o.close()
	}
	n := len(o.fields)
	if n < len(o.marks) {
		o.marks[n] = mark
	} else if o.index != nil {
		o.index[key] = int32(n)
	}
	o.seen.add(mark)
	if n == cap(o.fields) {
		o.fields = append(o.fields, Field{key, v})
		return
	}
	o.fields = o.fields[:n+1]
	f := &o.fields[n]
	f.Key = key // one by one: a Field made first and then copied costs twice the time
	f.Val.ptr, f.Val.num, f.Val.nsec, f.Val.kind = v.ptr, v.num, v.nsec, v.kind
}

// Delete removes key and returns the value it had.
func (o *Object) Delete(key string) (Value, bool) { return o.delete(o.find(key, markOf(key))) }

func (o *Object) deleteKey(k *key) (Value, bool) { return o.delete(o.findKey(k)) }

// delete removes field i, none if it is negative, and returns its value.
func (o *Object) delete(i int) (Value, bool) {
	if i < 0 {
		return Value{}, false
	}
	v := o.at(i)
	o.dig(i)
	return v, true
}

// dig leaves a hole where field i was: filters remove fields from nearly every event, and moving those behind them each time costs more
// than all searches together.
func (o *Object) dig(i int) {
	f := &o.fields[i]
	if o.index != nil {
		delete(o.index, f.Key)
	}
	f.Key, f.Val.ptr, f.Val.kind = "", nil, hole
	if i < len(o.marks) {
		o.marks[i] = 0
	}
	o.holes++
}

// close moves the fields together over the holes.
func (o *Object) close() {
	n := 0
	for i := range o.fields {
		if o.fields[i].Val.kind == hole {
			continue
		}
		if i > n {
			mark := o.markAt(i)
			if n < len(o.marks) {
				o.marks[n] = mark
			}
			o.fields[n] = o.fields[i]
		}
		n++
	}
	clear(o.fields[n:]) // so that they hold nothing
	o.fields, o.holes, o.index = o.fields[:n], 0, nil
}

// copyFrom makes the empty o a copy of old, with values that belong to e.
func (o *Object) copyFrom(old *Object, e *Event) {
	if old.holes > 0 {
		old.close()
	}
	o.lazy, o.seen, o.marks = old.lazy, old.seen, old.marks
	for i := range old.fields {
		o.fields = append(o.fields, Field{old.fields[i].Key, e.Own(old.fields[i].Val)})
	}
}

// Clear removes all fields.
func (o *Object) Clear() {
	o.fields = o.fields[:0]
	o.seen, o.holes, o.lazy = markSet{}, 0, false
	if o.index != nil { // a pointer that is not written needs no barrier
		o.index = nil
	}
}

// shrink drops storage that a huge document made, so that it is not kept for ever. The object must be empty.
func (o *Object) shrink() {
	if cap(o.fields) > keepFields {
		o.fields = nil
	}
}

// parseInt64 reads an optional minus and up to 19 digits.
func parseInt64(s string) (int64, bool) {
	neg := strings.HasPrefix(s, "-")
	if neg {
		s = s[1:]
	}
	if len(s) == 0 || len(s) > 19 {
		return 0, false
	}
	var n uint64
	for i := 0; i < len(s); i++ {
		d := s[i] - '0'
		if d > 9 {
			return 0, false
		}
		n = n*10 + uint64(d)
	}
	switch {
	case neg && n <= 1<<63:
		return -int64(n), true
	case !neg && n < 1<<63:
		return int64(n), true
	}
	return 0, false
}

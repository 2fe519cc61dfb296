package event

import "unsafe"

// Part tells where in a text a field stands whose value is a piece of that text, as its name is.
type Part struct {
	Name, NameLen int
	Text, TextLen int
	Mark          byte // of the name
}

// Mark returns a byte that is equal for equal names and rarely for others. A filter that sets the same fields in every event keeps it.
func Mark(name string) byte { return markOf(name) }

// Marks are the marks of names that an event cannot be given by [Event.AppendParts].
type Marks struct{ set markSet }

// Marks returns the marks of the names that e has at its top level, of some that it had, and of the reserved ones.
func (e *Event) Marks() Marks {
	m := Marks{e.root.seen}
	m.set.join(&reservedMarks)
	return m
}

// AppendParts adds a top-level field for each part of text, up to the first whose mark is among those of others, and returns how many
// there are. The event had no name but those of others and of fields set since; the caller answers for it that the names of the parts are
// plain, differ from one another and from those set since.
func (e *Event) AppendParts(text string, parts []Part, others *Marks) int {
	o := &e.root
	n := len(o.fields)
	if n+len(parts) > min(cap(o.fields), len(o.marks)) {
		return e.appendPartsSlowly(text, parts, others)
	}
	base := unsafe.Pointer(unsafe.StringData(text))
	fields, marks := o.fields[n:n+len(parts)], o.marks[n:n+len(parts)]
	i := 0
	for i < len(parts) {
		p := &parts[i]
		word, bit := p.Mark>>6, uint64(1)<<(p.Mark&63)
		if others.set[word]&bit != 0 {
			break
		}
		o.seen[word] |= bit
		marks[i] = p.Mark
		f := (*pieces)(unsafe.Pointer(&fields[i]))
		f.name, f.val.ptr = unsafe.Add(base, p.Name), unsafe.Add(base, p.Text)
		f.nameLen, f.val.num, f.val.nsec, f.val.kind = p.NameLen, uint64(p.TextLen), 0, String
		i++
	}
	o.fields = o.fields[:n+i]
	return i
}

// pieces is a Field with the string taken apart: to make one of a pointer and a length takes more checks than all the rest.
type pieces struct {
	name    unsafe.Pointer
	nameLen int
	val     Value
}

func (e *Event) appendPartsSlowly(text string, parts []Part, others *Marks) int {
	for i := range parts {
		p := &parts[i]
		if others.set.has(p.Mark) {
			return i
		}
		e.root.add(text[p.Name:p.Name+p.NameLen], p.Mark, StringValue(text[p.Text:p.Text+p.TextLen]))
	}
	return len(parts)
}

package event

import "unsafe"

// Part tells where in a text a field stands whose value is a piece of that text, as its name is.
type Part struct {
	Name, Text, TextLen int
	NameLen, Mark       uint8 // Mark is that of the name
}

// NameIn returns the name of the part of text.
func (p *Part) NameIn(text string) string { return text[p.Name : p.Name+int(p.NameLen)] }

// TextIn returns the value of the part of text.
func (p *Part) TextIn(text string) string { return text[p.Text : p.Text+p.TextLen] }

// Mark returns a byte that is equal for equal names and rarely for others. A filter that sets the same fields in every event keeps it.
func Mark(name string) byte { return markOf(name) }

// Marks are the marks of names that an object cannot be given without a look at those it has.
type Marks struct{ set markSet }

// Marks returns the marks of the names that o has, and of some that it had.
func (o *Object) Marks() Marks { return Marks{o.seen} }

// Marks returns those of Root, and the marks of the reserved names.
func (e *Event) Marks() Marks {
	m := e.root.Marks()
	m.set.join(&reservedMarks)
	return m
}

// AppendParts adds a field for each part of text, up to the first whose name o has, and returns how many it added. others are the marks
// that o had before the first part; the caller answers for it that the names of parts differ from one another and from those set since.
func (o *Object) AppendParts(text string, parts []Part, others *Marks) int {
	for done := 0; ; done++ {
		done += o.appendParts(text, parts[done:], others)
		if done == len(parts) {
			return done
		}
		p := &parts[done]
		name := p.NameIn(text)
		if o.find(name, p.Mark) >= 0 {
			return done
		}
		o.add(name, p.Mark, StringValue(p.TextIn(text)))
	}
}

// AppendParts is that of Root, and stops at a reserved name as well. The names of parts are plain ones.
func (e *Event) AppendParts(text string, parts []Part, others *Marks) int {
	for done := 0; ; done++ {
		done += e.root.appendParts(text, parts[done:], others)
		if done == len(parts) || isReserved(parts[done].NameIn(text)) {
			return done
		}
		if n := e.root.AppendParts(text, parts[done:done+1], others); n == 0 {
			return done
		}
	}
}

// appendParts does the part of AppendParts that takes no search and no memory. It has no calls, which would keep everything out of
// registers.
func (o *Object) appendParts(text string, parts []Part, others *Marks) int {
	n := len(o.fields)
	room := min(cap(o.fields), len(o.marks)) - n
	if room <= 0 {
		return 0
	}
	parts = parts[:min(len(parts), room)]
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
		f.nameLen, f.val.num, f.val.nsec, f.val.kind = int(p.NameLen), uint64(p.TextLen), 0, String
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

func isReserved(name string) bool {
	return name == TimestampField || name == TagsField || name == MetadataField
}

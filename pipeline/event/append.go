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

// AppendParts adds a field for each part of text, up to the first whose name o has, and returns how many it added. others are the marks
// that o had before the first part; the caller answers for it that the names of parts differ from one another and from those set since.
func (o *Object) AppendParts(text string, parts []Part, others *Marks) int {
	for done := 0; ; done++ {
		done += o.appendParts(text, parts[done:], others)
		if done == len(parts) || !o.appendPart(text, &parts[done]) {
			return done
		}
	}
}

// appendPart adds one field, unless o has it.
func (o *Object) appendPart(text string, p *Part) bool {
	name := p.NameIn(text)
	if o.find(name, p.Mark) >= 0 {
		return false
	}
	o.add(name, p.Mark, StringValue(p.TextIn(text)))
	return true
}

// appendParts does the part of AppendParts that takes no search and no memory. Its loops hold what fits into registers.
func (o *Object) appendParts(text string, parts []Part, others *Marks) int {
	n := len(o.fields)
	room := min(cap(o.fields), len(o.marks)) - n
	if room <= 0 {
		return 0
	}
	parts = parts[:min(len(parts), room)]
	marks := o.marks[n : n+len(parts)]
	for i := range parts {
		mark := parts[i].Mark
		word, bit := mark>>6, uint64(1)<<(mark&63)
		if others.set[word]&bit != 0 {
			parts = parts[:i]
			break
		}
		o.seen[word] |= bit
		marks[i] = mark
	}
	o.fields = o.fields[:n+len(parts)]
	fields := o.fields[n:]
	base := unsafe.Pointer(unsafe.StringData(text))
	model := Field{Val: Value{kind: String}}
	kind := (*pieces)(unsafe.Pointer(&model)).kind
	for i := range parts {
		p, f := &parts[i], (*pieces)(unsafe.Pointer(&fields[i]))
		f.name, f.text = unsafe.Add(base, p.Name), unsafe.Add(base, p.Text)
		f.nameLen, f.textLen, f.kind = int(p.NameLen), uint64(p.TextLen), kind
	}
	return len(parts)
}

// pieces is a Field with a text, taken apart: to make a string of a pointer and a length takes more checks than all the rest.
type pieces struct {
	name    unsafe.Pointer
	nameLen int
	text    unsafe.Pointer
	textLen uint64
	kind    uint64 // all behind num
}

var _ [unsafe.Sizeof(Field{})]byte = [unsafe.Sizeof(pieces{})]byte{}

// Reserved reports whether a top-level field of the name is one that only [Event.Set] may set.
func Reserved(name string) bool {
	return name == TimestampField || name == TagsField || name == MetadataField
}

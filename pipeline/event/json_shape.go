package event

import (
	"slices"
	"strings"
	"unsafe"
)

// jsonShape is the sequence of names in a document that was read before. A program writes its log lines with the same fields in the same
// order, so that a name is recognised by one comparison, and a document that follows a shape to its end has no name twice.
type jsonShape struct {
	members []shapeMember
	marks   []byte // of the names
	seen    markSet
}

// shapeMember is one name.
type shapeMember struct {
	text  string   // what stands before the value: {"name": of the first, ,"name": of the others, with the program's spaces
	name  string   // a part of text
	inner []string // if the value was an object of plain names: what stands before each of its values
}

// spacing tells where a program puts a space between names and values.
type spacing struct {
	colon bool // behind the colon
	comma bool // behind the comma
}

// The bounds of what is remembered: shapes of an event, names in one, bytes of all texts in one.
const (
	maxShapes     = 4
	maxShapeNames = 48
	maxShapeBytes = 2 << 10
)

// jsonShapes are the shapes that an event remembers.
type jsonShapes struct {
	all    [maxShapes]*jsonShape
	next   int    // the one to replace
	misses uint64 // documents that followed none
}

// follow reads the members of the object that begins at p's place into the empty o, as far as they follow a shape. It ends behind the
// last member read, where it began if it read none: something unexpected is left to those who read any object.
func (p *jsonParser) follow(o *Object) error {
	shape := p.e.shapes.of(p.s[p.i:])
	if shape == nil {
		return nil
	}
	o.fields = slices.Grow(o.fields, len(shape.members))
	fields := o.fields[:len(shape.members)]
	for i := range fields {
		f, m := &fields[i], &shape.members[i]
		at, err := p.followMember(m, &f.Val)
		if err != nil {
			return err
		}
		if at < 0 {
			fields = fields[:i]
			break
		}
		p.i = at
		f.Key = m.name
		if f.Val.kind == rawJSON {
			o.lazy = true
		}
	}
	o.fields = fields
	copy(o.marks[:len(fields)], shape.marks)
	if len(fields) == len(shape.members) {
		o.seen = shape.seen
	} else {
		for _, mark := range shape.marks[:len(fields)] {
			o.seen.add(mark)
		}
	}
	return nil
}

// followMember reads a name and its value, and returns where that ends; -1 if it is another name, or one that is left to others.
func (p *jsonParser) followMember(m *shapeMember, v *Value) (end int, err error) {
	s, at := p.s, p.i+len(m.text)
	if at >= len(s) || s[p.i:at] != m.text {
		return -1, nil
	}
	switch c := s[at]; {
	case c == '"':
		at++
		end = at + plainPrefix(s[at:])
		if end == len(s) || s[end] != '"' {
			return -1, nil // escapes, or an error
		}
		v.ptr, v.num, v.nsec, v.kind = unsafe.Pointer(unsafe.StringData(s[at:])), uint64(end-at), 0, String
		return end + 1, nil
	case c <= ' ':
		return -1, nil
	case c == '{' && m.inner != nil:
		if end = followCanonical(s, at, m.inner); end >= at+minRaw {
			v.ptr, v.num, v.nsec, v.kind = unsafe.Pointer(unsafe.StringData(s[at:])), uint64(end-at), 0, rawJSON
			return end, nil
		}
	}
	p.i = at
	*v, err = p.member(1)
	return p.i, err
}

// followCanonical returns where the object at i ends if it has these names and is canonical, -1 otherwise.
func followCanonical(s string, i int, names []string) int {
	for _, name := range names {
		if !strings.HasPrefix(s[i:], name) {
			return -1
		}
		if i += len(name); i == len(s) {
			return -1
		}
		if s[i] == '"' {
			i = canonicalString(s, i)
		} else {
			i = canonical(s, i, 2)
		}
		if i < 0 {
			return -1
		}
	}
	if i < len(s) && s[i] == '}' {
		return i + 1
	}
	return -1
}

// of returns the shape that s seems to follow, nil if there is none.
func (j *jsonShapes) of(s string) *jsonShape {
	for _, shape := range &j.all {
		if shape == nil {
			return nil
		}
		if strings.HasPrefix(s, shape.members[0].text) {
			return shape
		}
	}
	return nil
}

// learn remembers the shape of an object that followed none to its end. It does so at the first documents, and then for one of many:
// where each document is another, it would be for nothing.
func (j *jsonShapes) learn(o *Object, spaced spacing) {
	j.misses++
	if j.misses&(j.misses-1) != 0 && j.misses%1024 != 0 {
		return
	}
	shape := shapeOf(o, spaced)
	if shape == nil {
		return
	}
	for i, old := range j.all {
		if old == nil || old.members[0].text == shape.members[0].text {
			j.all[i] = shape
			return
		}
	}
	j.all[j.next] = shape
	j.next = (j.next + 1) % maxShapes
}

// shapeOf returns the shape of an object that has been read, nil if it is none worth remembering.
func shapeOf(o *Object, spaced spacing) *jsonShape {
	if len(o.fields) == 0 || len(o.fields) > maxShapeNames || o.holes > 0 {
		return nil
	}
	shape := &jsonShape{members: make([]shapeMember, len(o.fields))}
	size := 0
	for i := range o.fields {
		f, m := &o.fields[i], &shape.members[i]
		if size += len(f.Key); size > maxShapeBytes || plainPrefix(f.Key) < len(f.Key) {
			return nil
		}
		lead, end := `,"`, `":`
		switch {
		case i == 0:
			lead = `{"`
		case spaced.comma:
			lead = `, "`
		}
		if spaced.colon {
			end = `": `
		}
		m.text = lead + f.Key + end
		m.name = m.text[len(lead) : len(lead)+len(f.Key)]
		mark := o.markAt(i)
		shape.marks = append(shape.marks, mark)
		shape.seen.add(mark)
		if f.Val.kind == rawJSON && f.Val.text()[0] == '{' && f.Val.num <= maxShapeBytes {
			m.inner = namesOf(strings.Clone(f.Val.text()))
		}
	}
	return shape
}

// namesOf returns what stands before each value of a canonical object, nil if there is something in the way.
func namesOf(s string) (names []string) {
	for i := 0; i < len(s)-1; {
		start := i
		i = canonicalString(s, i+1)
		if i < 0 || i == len(s) || len(names) == maxRawKeys {
			return nil
		}
		i++
		names = append(names, s[start:i])
		if i = canonical(s, i, 2); i < 0 {
			return nil
		}
	}
	return names
}

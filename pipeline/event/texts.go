package event

import (
	"slices"
	"unsafe"
)

// TextFields are fields that parts of a text go to, made ready for [Event.SetNewTexts].
type TextFields struct{ fields []textField }

type textField struct {
	name string
	mark byte
	part uint32

	// The row of fields from this one on that can be set together, for they certainly differ; none if the field takes the long way.
	row      int32
	lastPart uint32  // the highest of the row
	marks    markSet // of the row
}

// Add adds the field that p refers to for a part of texts. Only a top-level field without rules of its own is set by SetNewTexts; others stop it, as a part
// below 0 does.
func (t *TextFields) Add(p *Path, part int) {
	if !p.plain || part < 0 {
		t.fields = append(t.fields, textField{})
		return
	}
	k := &p.keys[0]
	t.fields = append(t.fields, textField{name: k.name, mark: k.mark, part: uint32(part)})
	for i := len(t.fields) - 1; i >= 0; i-- { // the rows of those in front become longer, as far as none of them has this mark
		f := &t.fields[i]
		if int(f.row) != len(t.fields)-1-i || f.marks.has(k.mark) {
			break
		}
		f.row++
		f.lastPart = max(f.lastPart, uint32(part))
		f.marks.add(k.mark)
	}
}

// SetNewTexts sets fields of t from field i on to parts of text, one after the other, as long as the event certainly does not have the field and has few
// others. It returns the first field that it has not done. A part lies from the first to the second of its numbers; a field whose part is empty or begins below
// 0 is not set. It is the quick form of SetIfAbsent, to which the caller turns for the field at which it stopped: captures are nearly all new.
func (e *Event) SetNewTexts(t *TextFields, i int, text string, parts [][2]int32) int {
	o := &e.root
	for i < len(t.fields) {
		f := &t.fields[i]
		n := int(f.row)
		switch {
		case n == 0:
			return i
		case int(f.lastPart) < len(parts) && !o.seen.meets(&f.marks):
			o.seen.join(&f.marks)
		case int(f.part) < len(parts) && !o.seen.has(f.mark): // one of those behind is the obstacle
			n = 1
			o.seen.add(f.mark)
		default:
			return i
		}
		if len(o.fields)+n > cap(o.fields) {
			o.fields = slices.Grow(o.fields, n)
		}
		done := o.addTexts(t.fields[i:i+n], text, parts)
		if i += done; done < n {
			return i
		}
	}
	return i
}

// addTexts adds a row of fields, for which there is room, and returns how many it has done. It is as short as it is because all that it works on then stays in
// registers of the processor.
func (o *Object) addTexts(row []textField, text string, parts [][2]int32) int {
	n, limit := uint(len(o.fields)), uint32(len(text))
	first, bytes := unsafe.Pointer(unsafe.SliceData(o.fields)), unsafe.Pointer(unsafe.StringData(text))
	at := unsafe.Pointer(unsafe.SliceData(parts))
	model := Field{Val: Value{kind: String}}
	kind := (*pieces)(unsafe.Pointer(&model)).kind
	i := 0
	for ; i < len(row); i++ {
		t := &row[i]
		part := (*[2]int32)(unsafe.Add(at, 8*uint(t.part)))
		start, end := part[0], part[1]
		if start < 0 || end <= start {
			continue
		}
		if uint32(end) > limit || n >= indexFrom {
			break
		}
		o.marks[n] = t.mark
		f := (*pieces)(unsafe.Add(first, n*uint(unsafe.Sizeof(pieces{}))))
		n++
		f.name, f.text = unsafe.Pointer(unsafe.StringData(t.name)), unsafe.Add(bytes, uint32(start))
		f.nameLen, f.textLen, f.kind = len(t.name), uint64(uint32(end-start)), kind
	}
	o.fields = o.fields[:n]
	return i
}

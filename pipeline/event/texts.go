package event

import "unsafe"

// TextField is a field that a part of a text goes to, made ready for [Event.SetNewTexts].
type TextField struct {
	name string
	mark byte
	part int32 // -1 if the field takes the long way
}

// NewTextField makes a TextField of p for a part of texts. Only a top-level field without rules of its own is set by SetNewTexts; others stop it, as a part
// below 0 does.
func NewTextField(p *Path, part int) TextField {
	if !p.plain || part < 0 {
		return TextField{part: -1}
	}
	k := &p.keys[0]
	return TextField{name: k.name, mark: k.mark, part: int32(part)}
}

// SetNewTexts sets fields to parts of text, one after the other, as long as the event certainly does not have the field and that takes no more room than there
// is. It returns how many of the fields it has done. A part lies from the first to the second of its numbers; a field whose part is empty or begins below 0 is
// not set. It is the quick form of SetIfAbsent, to which the caller
// turns for the field at which it stopped: captures are nearly all new.
func (e *Event) SetNewTexts(fields []TextField, text string, parts [][2]int32) int {
	o := &e.root
	n, room := uint(len(o.fields)), uint(cap(o.fields))
	first := unsafe.Pointer(unsafe.SliceData(o.fields))
	i := 0
	for ; i < len(fields); i++ {
		t := &fields[i]
		if uint(t.part) >= uint(len(parts)) {
			break
		}
		at := (*[2]int32)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(parts)), 8*uintptr(t.part)))
		start, size := uint(at[0]), uint(at[1]-at[0])
		if at[0] < 0 || at[1] <= at[0] {
			continue
		}
		mark := t.mark
		if n >= room || n >= indexFrom || o.seen.has(mark) || start+size > uint(len(text)) {
			break
		}
		o.seen.add(mark)
		o.marks[n] = mark
		f := (*Field)(unsafe.Add(first, n*uint(unsafe.Sizeof(Field{}))))
		n++
		f.Key = t.name // one by one: a Field made first and then copied costs twice the time
		f.Val.ptr = unsafe.Add(unsafe.Pointer(unsafe.StringData(text)), start)
		f.Val.num, f.Val.nsec, f.Val.kind = uint64(size), 0, String
	}
	o.fields = o.fields[:n]
	return i
}

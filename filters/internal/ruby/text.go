package ruby

import (
	"slices"
	"strings"

	"millrace/pipeline/event"
)

// AppendText appends v as to_s of JRuby writes it, the keys of hashes in order: null as nothing, texts as they are, arrays and hashes
// as inspect.
func AppendText(dst []byte, v event.Value) []byte {
	switch v.Kind() {
	case event.Null:
		return dst
	case event.String:
		return append(dst, v.Str()...)
	}
	return appendInspect(dst, v)
}

func appendInspect(dst []byte, v event.Value) []byte {
	switch v.Kind() {
	case event.Float:
		return event.AppendRubyFloat(dst, v.Float())
	case event.KindList:
		dst = append(dst, '[')
		for i, item := range v.List().Items() {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = appendInspect(dst, item)
		}
		return append(dst, ']')
	case event.KindObject:
		dst = append(dst, '{')
		var few [16]event.Field // most hashes have no more, and need no memory then
		for i, f := range Sorted(few[:0], v.Object()) {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = append(event.AppendInspectString(dst, f.Key), "=>"...)
			dst = appendInspect(dst, f.Val)
		}
		return append(dst, '}')
	}
	return v.AppendInspect(dst)
}

// Sorted appends the fields of o to dst in the order of their names.
func Sorted(dst []event.Field, o *event.Object) []event.Field {
	start := len(dst)
	dst = append(dst, o.Fields()...)
	slices.SortFunc(dst[start:], func(a, b event.Field) int { return strings.Compare(a.Key, b.Key) })
	return dst
}

package edn

import (
	"strings"

	"millrace/pipeline/event"
)

// AppendObject appends o as a map; instants are text.
func AppendObject(dst []byte, o *event.Object) []byte {
	dst = append(dst, '{')
	for i, f := range o.Fields() {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = append(appendString(dst, f.Key), ' ')
		dst = AppendValue(dst, f.Val)
	}
	return append(dst, '}')
}

// AppendValue appends v.
func AppendValue(dst []byte, v event.Value) []byte {
	switch v.Kind() {
	case event.Null:
		return append(dst, "nil"...)
	case event.String:
		return appendString(dst, v.Str())
	case event.Time:
		return append(event.AppendTime(append(dst, '"'), v.Time()), '"')
	case event.BigInt:
		return append(append(dst, v.Str()...), 'N')
	case event.Float:
		return event.AppendRubyFloat(dst, v.Float())
	case event.KindObject:
		return AppendObject(dst, v.Object())
	case event.KindList:
		dst = append(dst, '[')
		for i, item := range v.List().Items() {
			if i > 0 {
				dst = append(dst, ' ')
			}
			dst = AppendValue(dst, item)
		}
		return append(dst, ']')
	}
	return v.AppendText(dst)
}

func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for {
		i := strings.IndexAny(s, "\"\\\n\r\t")
		if i < 0 {
			return append(append(dst, s...), '"')
		}
		c := s[i]
		switch c {
		case '\n':
			c = 'n'
		case '\r':
			c = 'r'
		case '\t':
			c = 't'
		}
		dst = append(append(dst, s[:i]...), '\\', c)
		s = s[i+1:]
	}
}

package config

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Type is the type of a Value.
type Type uint8

// The types of values. Invalid stands for one whose mistake was reported already, so that nobody need complain again.
const (
	Invalid Type = iota
	TypeString
	TypeInt
	TypeFloat
	TypeArray
	TypeHash
	TypePlugin
)

var typeNames = [...]string{"nothing", "a string", "a number", "a number", "an array", "a hash", "a plugin"}

// String names the type with its article, as messages do.
func (t Type) String() string { return typeNames[t] }

// Value is the value of an option as a plugin gets it: escapes, repetitions, variables and the order of hashes are settled.
type Value struct {
	Type   Type
	Str    string      // of TypeString
	Int    int64       // of TypeInt
	Float  float64     // of TypeFloat
	Items  []Value     // of TypeArray
	Hash   Hash        // of TypeHash
	Plugin *PluginNode // of TypePlugin
	Place  Place

	lit *String // where Str was written, if it still is that text
}

// Hash is a hash in the order in which Logstash walks it.
type Hash []Entry

// Entry is one key of a hash with its value. Place is that of the key.
type Entry struct {
	Key   string
	Value Value
	Place Place
}

// Get returns the value of a key.
func (h Hash) Get(key string) (Value, bool) {
	for _, e := range h {
		if e.Key == key {
			return e.Value, true
		}
	}
	return Value{}, false
}

// StringValue returns a Value that was not written anywhere.
func StringValue(s string) Value { return Value{Type: TypeString, Str: s} }

// Text returns the value as Ruby's to_s prints it, which is what Logstash makes of any value that it uses as text.
func (v Value) Text() string {
	if v.Type == TypeString {
		return v.Str
	}
	return string(v.appendText(nil))
}

// Inspect returns the value as Ruby's inspect prints it: strings in quotes.
func (v Value) Inspect() string { return string(v.appendText(nil)) }

func (v Value) appendText(b []byte) []byte {
	switch v.Type {
	case TypeString:
		return appendQuoted(b, v.Str)
	case TypeInt:
		return strconv.AppendInt(b, v.Int, 10)
	case TypeFloat:
		return appendRubyFloat(b, v.Float)
	case TypeArray:
		b = append(b, '[')
		for i, item := range v.Items {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = item.appendText(b)
		}
		return append(b, ']')
	case TypeHash:
		b = append(b, '{')
		for i, e := range v.Hash {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = e.Value.appendText(append(appendQuoted(b, e.Key), "=>"...))
		}
		return append(b, '}')
	case TypePlugin:
		return append(append(b, v.Plugin.Name...), " { … }"...)
	}
	return append(b, "nil"...)
}

// appendRubyFloat writes a float as Ruby does: at least one decimal, an exponent of two digits below 1e-4 and from 1e16 on.
func appendRubyFloat(b []byte, f float64) []byte {
	switch abs := math.Abs(f); {
	case math.IsInf(f, 0):
		if f < 0 {
			b = append(b, '-')
		}
		return append(b, "Infinity"...)
	case abs == 0 || abs >= 1e-4 && abs < 1e16:
		s := strconv.FormatFloat(f, 'f', -1, 64)
		if strings.IndexByte(s, '.') < 0 {
			s += ".0"
		}
		return append(b, s...)
	}
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'e', -1, 64), "e")
	if strings.IndexByte(mantissa, '.') < 0 {
		mantissa += ".0"
	}
	return append(append(append(b, mantissa...), 'e'), exponent...)
}

// appendQuoted writes a string as Ruby's inspect does.
func appendQuoted(b []byte, s string) []byte {
	b = append(b, '"')
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '#' && i+1 < len(s) && strings.IndexByte("{$@", s[i+1]) >= 0:
			b = append(b, '\\', '#')
		case r == '\n':
			b = append(b, '\\', 'n')
		case r == '\t':
			b = append(b, '\\', 't')
		case r == '\r':
			b = append(b, '\\', 'r')
		case r == 0x1b:
			b = append(b, '\\', 'e')
		case r < 0x20 || r == 0x7f:
			const digits = "0123456789ABCDEF"
			b = append(b, '\\', 'x', digits[r>>4], digits[r&15])
		default:
			b = append(b, s[i:i+size]...)
		}
		i += size
	}
	return append(b, '"')
}

// equal tells whether two values are the same to Ruby's ==.
func (v Value) equal(w Value) bool {
	if v.Type != w.Type {
		return v.Type == TypeInt && w.Type == TypeFloat && float64(v.Int) == w.Float ||
			v.Type == TypeFloat && w.Type == TypeInt && v.Float == float64(w.Int)
	}
	switch v.Type {
	case TypeString:
		return v.Str == w.Str
	case TypeInt:
		return v.Int == w.Int
	case TypeFloat:
		return v.Float == w.Float
	case TypeArray:
		if len(v.Items) != len(w.Items) {
			return false
		}
		for i := range v.Items {
			if !v.Items[i].equal(w.Items[i]) {
				return false
			}
		}
		return true
	case TypeHash:
		for _, e := range v.Hash {
			if o, ok := w.Hash.Get(e.Key); !ok || !e.Value.equal(o) {
				return false
			}
		}
		return len(v.Hash) == len(w.Hash)
	}
	return v.Plugin == w.Plugin
}

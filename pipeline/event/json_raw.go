package event

import (
	"encoding/binary"
	"math/bits"
	"unsafe"
)

// minRaw is the length from which leaving a nested value as text pays; shorter ones are built as fast as they are checked.
const minRaw = 16

// maxRawKeys bounds the keys of one object that are compared for being equal; an object with more is built.
const maxRawKeys = 32

// raw reads the array or object that begins at the parser's place as text, if it is nested directly in the topmost object and canonical: written
// as AppendJSON writes it, so that copying it through gives what building and encoding it would.
func (p *jsonParser) raw(depth int) (Value, bool) {
	if !p.lazy || depth != 1 || p.i+minRaw > len(p.s) {
		return Value{}, false
	}
	end := canonical(p.s, p.i, depth)
	if end < p.i+minRaw {
		return Value{}, false
	}
	v := StringValue(p.s[p.i:end])
	v.kind = rawJSON
	p.i = end
	return v, true
}

// canonical returns where the value at i ends, -1 if it is not canonical or not JSON at all.
func canonical(s string, i, depth int) int {
	if i >= len(s) {
		return -1
	}
	switch c := s[i]; {
	case c == '"':
		return canonicalString(s, i)
	case c == '{':
		return canonicalObject(s, i, depth+1)
	case c == '[':
		return canonicalList(s, i, depth+1)
	case c == '-' || c-'0' <= 9:
		return canonicalNumber(s, i)
	case len(s)-i >= 4 && (s[i:i+4] == "true" || s[i:i+4] == "null"):
		return i + 4
	case len(s)-i >= 5 && s[i:i+5] == "false":
		return i + 5
	}
	return -1
}

// canonicalString takes only the escapes that AppendJSONString writes, and of those the common ones.
func canonicalString(s string, i int) int {
	for i++; ; i += 2 {
		i += plainPrefix(s[i:])
		if i >= len(s) {
			return -1
		}
		if s[i] == '"' {
			return i + 1
		}
		if s[i] != '\\' || i+1 == len(s) {
			return -1
		}
		switch s[i+1] {
		case '"', '\\', 'n', 't', 'r', 'b', 'f':
		default:
			return -1
		}
	}
}

// canonicalNumber takes integers of up to 18 digits, and floats that Java prints with the same digits.
func canonicalNumber(s string, i int) int {
	start := i
	if s[i] == '-' {
		i++
	}
	digits := i
	for i < len(s) && s[i]-'0' <= 9 {
		i++
	}
	whole := i - digits
	if whole == 0 || whole > 18 || s[digits] == '0' && (whole > 1 || digits > start) {
		return -1 // no number, too long, a leading zero or minus zero
	}
	if i == len(s) || s[i] != '.' {
		return endOfNumber(s, i)
	}
	i++
	fraction := i
	for i < len(s) && s[i]-'0' <= 9 {
		i++
	}
	n := i - fraction
	if n == 0 || whole+n > 15 || whole > 7 || n > 1 && s[i-1] == '0' {
		return -1 // more digits than a double keeps, an exponent in Java's form, or a zero at the end
	}
	if s[digits] == '0' && n > 1 && s[fraction] == '0' && s[fraction+1] == '0' && (n < 3 || s[fraction+2] == '0') {
		return -1 // below a thousandth
	}
	return endOfNumber(s, i)
}

func endOfNumber(s string, i int) int {
	if i < len(s) {
		if c := s[i]; c != ',' && c != '}' && c != ']' {
			return -1
		}
	}
	return i
}

func canonicalList(s string, i, depth int) int {
	if depth > maxJSONDepth {
		return -1
	}
	i++
	if i < len(s) && s[i] == ']' {
		return i + 1
	}
	for {
		if i = canonical(s, i, depth); i < 0 || i == len(s) {
			return -1
		}
		switch s[i] {
		case ',':
			i++
		case ']':
			return i + 1
		default:
			return -1
		}
	}
}

func canonicalObject(s string, i, depth int) int {
	if depth > maxJSONDepth {
		return -1
	}
	i++
	if i < len(s) && s[i] == '}' {
		return i + 1
	}
	var seen keySet
	for {
		if i >= len(s) || s[i] != '"' {
			return -1
		}
		key := i
		if i = canonicalString(s, i); i < 0 || !seen.add(s[key+1:i-1]) || i == len(s) || s[i] != ':' {
			return -1
		}
		if i = canonical(s, i+1, depth); i < 0 || i == len(s) {
			return -1
		}
		switch s[i] {
		case ',':
			i++
		case '}':
			return i + 1
		default:
			return -1
		}
	}
}

// keySet notices keys that may stand twice in an object, of which only the last counts. It compares hashes, so it may see one too many.
type keySet struct {
	n    int
	seen [maxRawKeys]uint32
}

// add reports whether key is certainly new.
func (k *keySet) add(key string) bool {
	h := hashOf(key)
	for _, other := range k.seen[:k.n] {
		if other == h {
			return false
		}
	}
	if k.n == maxRawKeys {
		return false
	}
	k.seen[k.n] = h
	k.n++
	return true
}

// hashOf mixes the length, the first and the last four bytes and those in the middle: equal for equal keys, rarely for others.
func hashOf(key string) uint32 {
	n := len(key)
	if n < 4 {
		h := uint32(n)
		for i := range n {
			h = h<<8 | uint32(key[i])
		}
		return h
	}
	p := unsafe.Slice(unsafe.StringData(key), n)
	h := binary.LittleEndian.Uint32(p) * 0x9E3779B1
	h = bits.RotateLeft32(h, 13) ^ binary.LittleEndian.Uint32(p[n/2-2:])
	h = bits.RotateLeft32(h*0x85EBCA6B, 13) ^ binary.LittleEndian.Uint32(p[n-4:])
	return h*0xC2B2AE35 + uint32(n)
}

package config

import (
	"slices"
	"unicode/utf16"
)

// HashOrder returns the order in which java.util.HashMap, and so Logstash, walks these keys: the indexes of keys, first to last.
// The keys are distinct and given in the order in which they were put in.
func HashOrder(keys []string) []int {
	size := uint32(16)
	for uint32(len(keys)) > size/4*3 {
		size *= 2
	}
	order := make([]int, len(keys))
	buckets := make([]uint32, len(keys))
	for i, k := range keys {
		h := javaHash(k)
		order[i], buckets[i] = i, (h^h>>16)&(size-1)
	}
	slices.SortStableFunc(order, func(a, b int) int { return int(buckets[a]) - int(buckets[b]) })
	return order
}

// javaHash is String.hashCode of Java, which works on UTF-16.
func javaHash(s string) uint32 {
	var h uint32
	for _, r := range s {
		if r > 0xffff {
			hi, lo := utf16.EncodeRune(r)
			h = h*31 + uint32(hi)
			r = lo
		}
		h = h*31 + uint32(r)
	}
	return h
}

// hashOrder puts every hash inside v in Logstash's order.
func hashOrder(v Value) Value {
	switch v.Type {
	case TypeArray:
		for i := range v.Items {
			v.Items[i] = hashOrder(v.Items[i])
		}
	case TypeHash:
		keys := make([]string, len(v.Hash))
		for i, e := range v.Hash {
			keys[i] = e.Key
		}
		ordered := make(Hash, 0, len(keys))
		for _, i := range HashOrder(keys) {
			e := v.Hash[i]
			e.Value = hashOrder(e.Value)
			ordered = append(ordered, e)
		}
		v.Hash = ordered
	}
	return v
}

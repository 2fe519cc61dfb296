package event

import (
	"encoding/binary"
	"math"
)

// AppendBinary appends v in a compact form that keeps every kind: a byte for the kind, then numbers as varints, texts with their length
// before them, lists and objects with their count. The persistent queue stores it, so neither it nor the numbers of the kinds change.
func (v Value) AppendBinary(dst []byte) []byte {
	dst = append(dst, byte(v.kind))
	switch v.kind {
	case Bool:
		return append(dst, byte(v.num))
	case Int:
		return binary.AppendVarint(dst, v.Int())
	case Float:
		return binary.LittleEndian.AppendUint64(dst, math.Float64bits(v.Float()))
	case String, BigInt:
		return AppendBinaryText(dst, v.Str())
	case Time:
		return binary.AppendUvarint(binary.AppendVarint(dst, int64(v.num)), uint64(v.nsec))
	case KindList:
		items := v.List().Items()
		dst = binary.AppendUvarint(dst, uint64(len(items)))
		for i := range items {
			dst = items[i].AppendBinary(dst)
		}
	case KindObject:
		return v.Object().AppendBinary(dst)
	}
	return dst
}

// AppendBinary appends the fields of o, their count first, each as its key and its value.
func (o *Object) AppendBinary(dst []byte) []byte {
	fields := o.Fields()
	dst = binary.AppendUvarint(dst, uint64(len(fields)))
	for i := range fields {
		dst = fields[i].Val.AppendBinary(AppendBinaryText(dst, fields[i].Key))
	}
	return dst
}

// AppendBinaryText appends s with its length in bytes before it.
func AppendBinaryText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

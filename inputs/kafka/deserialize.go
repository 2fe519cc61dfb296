package kafka

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unsafe"
)

const serialization = "org.apache.kafka.common.serialization."

var errLength = errors.New("the data has not the length of its type")

// deserializer makes text of a key or value.
type deserializer func(data []byte) (string, error)

// newDeserializer returns what the Java class of the name does, with its result as text. That of no data at all, by which a topic tells that a key
// is gone, is empty.
func newDeserializer(class string) (deserializer, error) {
	read, err := readerOf(class)
	if err != nil {
		return nil, err
	}
	return func(data []byte) (string, error) {
		if data == nil {
			return "", nil
		}
		return read(data)
	}, nil
}

func readerOf(class string) (deserializer, error) {
	number := func(size int, text func(n uint64) string) deserializer {
		return func(data []byte) (string, error) {
			if len(data) != size {
				return "", errLength
			}
			var n uint64
			for _, b := range data {
				n = n<<8 | uint64(b)
			}
			return text(n), nil
		}
	}
	integer := func(bits uint) func(n uint64) string {
		return func(n uint64) string { return strconv.FormatInt(int64(n<<(64-bits))>>(64-bits), 10) }
	}
	switch strings.TrimPrefix(class, serialization) {
	case "StringDeserializer", "ByteArrayDeserializer", "BytesDeserializer", "ByteBufferDeserializer":
		return func(data []byte) (string, error) { return unsafe.String(unsafe.SliceData(data), len(data)), nil }, nil
	case "ShortDeserializer":
		return number(2, integer(16)), nil
	case "IntegerDeserializer":
		return number(4, integer(32)), nil
	case "LongDeserializer":
		return number(8, integer(64)), nil
	case "FloatDeserializer":
		return number(4, func(n uint64) string { return float(float64(math.Float32frombits(uint32(n))), 32) }), nil
	case "DoubleDeserializer":
		return number(8, func(n uint64) string { return float(math.Float64frombits(n), 64) }), nil
	case "UUIDDeserializer":
		return func(data []byte) (string, error) {
			text := unsafe.String(unsafe.SliceData(data), len(data))
			plain := strings.ReplaceAll(text, "-", "")
			if _, err := hex.DecodeString(plain); err != nil || len(plain) != 32 {
				return "", errLength
			}
			return text, nil
		}, nil
	}
	return nil, fmt.Errorf("there is no %q: only classes of %s for String, ByteArray, Bytes, ByteBuffer, Short, Integer, Long, Float, Double and UUID; codecs decode the rest",
		class, strings.TrimSuffix(serialization, "."))
}

func float(f float64, bits int) string {
	text := strconv.FormatFloat(f, 'f', -1, bits)
	if !strings.ContainsAny(text, ".NI") {
		text += ".0"
	}
	return text
}

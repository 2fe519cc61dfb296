package memcached

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/bradfitz/gomemcache/memcache"

	"millrace/pipeline/event"
)

// The flags that Logstash's client gives values.
const (
	flagMarshal = 1 // Ruby's Marshal format
	flagZlib    = 2
)

// maxValue bounds what a compressed value may become.
const maxValue = 64 << 20

// decode makes a value of an item: what Logstash wrote by Ruby's Marshal is read as such, anything else is a text.
func decode(e *event.Event, item *memcache.Item) (event.Value, error) {
	data := item.Value
	if item.Flags&flagZlib != 0 {
		z, err := zlib.NewReader(bytes.NewReader(data))
		if err != nil {
			return event.Value{}, err
		}
		if data, err = io.ReadAll(io.LimitReader(z, maxValue)); err != nil {
			return event.Value{}, err
		}
	}
	if item.Flags&flagMarshal == 0 {
		return event.StringValue(strings.ToValidUTF8(string(data), "\uFFFD")), nil
	}
	m := marshal{e: e, data: data}
	if len(data) < 2 || data[0] != 4 {
		return event.Value{}, errMarshal
	}
	m.pos = 2
	return m.value(0)
}

var errMarshal = errors.New("the value is not in Ruby's Marshal format")

// marshal reads the part of Ruby's Marshal format that values of events need.
type marshal struct {
	e       *event.Event
	data    []byte
	pos     int
	symbols []string
	objects []event.Value
}

const maxDepth = 100

func (m *marshal) byte() byte {
	if m.pos >= len(m.data) {
		m.pos = len(m.data) + 1
		return 0
	}
	m.pos++
	return m.data[m.pos-1]
}

// int reads an integer of at most four bytes.
func (m *marshal) int() int {
	c := int8(m.byte())
	switch {
	case c == 0:
		return 0
	case c > 4:
		return int(c) - 5
	case c < -4:
		return int(c) + 5
	}
	n := 0
	if c < 0 {
		n = -1
	}
	for i := range max(c, -c) {
		n &^= 0xFF << (8 * i)
		n |= int(m.byte()) << (8 * i)
	}
	return n
}

func (m *marshal) bytes() (string, error) {
	n := m.int()
	if n < 0 || n > len(m.data)-m.pos {
		return "", errMarshal
	}
	m.pos += n
	return string(m.data[m.pos-n : m.pos]), nil
}

func (m *marshal) value(depth int) (event.Value, error) {
	if depth > maxDepth {
		return event.Value{}, errMarshal
	}
	switch kind := m.byte(); kind {
	case '0':
		return event.Value{}, m.check()
	case 'T', 'F':
		return event.BoolValue(kind == 'T'), m.check()
	case 'i':
		return event.IntValue(int64(m.int())), m.check()
	case ':', ';':
		s, err := m.symbol(kind)
		return event.StringValue(s), err
	case '"', 'f', 'l':
		return m.scalar(kind)
	case 'I':
		return m.withVariables(depth)
	case '@':
		if i := m.int() - 1; i >= 0 && i < len(m.objects) {
			return m.objects[i], nil
		}
		return event.Value{}, errMarshal
	case '[', '{':
		return m.container(kind, depth)
	default:
		return event.Value{}, fmt.Errorf("%w that can be read: type %q", errMarshal, kind)
	}
}

func (m *marshal) check() error {
	if m.pos > len(m.data) {
		return errMarshal
	}
	return nil
}

func (m *marshal) symbol(kind byte) (string, error) {
	if kind == ';' {
		if i := m.int(); i >= 0 && i < len(m.symbols) {
			return m.symbols[i], nil
		}
		return "", errMarshal
	}
	s, err := m.bytes()
	m.symbols = append(m.symbols, s)
	return s, err
}

func (m *marshal) scalar(kind byte) (v event.Value, err error) {
	switch kind {
	case 'l':
		v, err = m.big()
	default:
		var s string
		if s, err = m.bytes(); err == nil {
			v = event.StringValue(strings.ToValidUTF8(s, "\uFFFD"))
			if kind == 'f' {
				var f float64
				f, err = strconv.ParseFloat(s, 64)
				v = event.FloatValue(f)
			}
		}
	}
	m.objects = append(m.objects, v)
	return v, err
}

// big reads an integer beyond 30 bits.
func (m *marshal) big() (event.Value, error) {
	sign := m.byte()
	n := 2 * m.int()
	if n < 0 || n > 8 || n > len(m.data)-m.pos {
		return event.Value{}, errMarshal
	}
	var u uint64
	for i := range n {
		u |= uint64(m.byte()) << (8 * i)
	}
	digits := strconv.FormatUint(u, 10)
	if sign == '-' {
		digits = "-" + digits
	}
	return event.BigIntValue(digits), nil
}

// withVariables reads a value with instance variables, the encoding of a string, which is UTF-8 or of no interest.
func (m *marshal) withVariables(depth int) (event.Value, error) {
	v, err := m.value(depth + 1)
	for n := m.int(); n > 0 && err == nil; n-- {
		if _, err = m.value(depth + 1); err == nil {
			_, err = m.value(depth + 1)
		}
		if err == nil {
			err = m.check()
		}
	}
	return v, err
}

func (m *marshal) container(kind byte, depth int) (event.Value, error) {
	n := m.int()
	if n < 0 || n > len(m.data) {
		return event.Value{}, errMarshal
	}
	if kind == '[' {
		l := m.e.NewList()
		m.objects = append(m.objects, event.Value{}) // itself, which nothing sane refers to
		for range n {
			v, err := m.value(depth + 1)
			if err != nil {
				return v, err
			}
			l.Append(v)
		}
		return event.ListValue(l), nil
	}
	o := m.e.NewObject()
	m.objects = append(m.objects, event.Value{})
	for range n {
		k, err := m.value(depth + 1)
		if err != nil {
			return k, err
		}
		v, err := m.value(depth + 1)
		if err != nil {
			return v, err
		}
		o.Set(k.Text(), v)
	}
	return event.ObjectValue(o), nil
}

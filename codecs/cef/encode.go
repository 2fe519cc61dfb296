package cef

import (
	"strconv"
	"strings"

	"millrace/codecs/internal/rubynum"
	"millrace/pipeline/event"
)

type encoder struct {
	o         *Options
	fields    []field
	delimiter string
	text      []byte // scratch for one value
}

// AppendEncode implements plugin.Encoder.
func (c *encoder) AppendEncode(dst []byte, e *event.Event) ([]byte, error) {
	dst = append(dst, "CEF:0|"...)
	for _, part := range [...]struct {
		template  *event.Template
		otherwise string
	}{
		{&c.o.Vendor, defaultVendor}, {&c.o.Product, defaultName}, {&c.o.Version, defaultVersion}, {&c.o.Signature, defaultName}, {&c.o.Name, defaultName},
	} {
		text, err := part.template.Text(e)
		if err != nil {
			return dst, err
		}
		if text == "" {
			text = part.otherwise
		}
		dst = append(appendHeader(dst, text), '|')
	}
	severity, err := c.o.Severity.Text(e)
	if err != nil {
		return dst, err
	}
	dst = append(strconv.AppendInt(dst, severityOf(severity), 10), '|')
	first := true
	for i := range c.fields {
		v, ok := e.Get(&c.fields[i].path)
		if !ok || v.IsNull() {
			continue
		}
		if !first {
			dst = append(dst, ' ')
		}
		first = false
		dst = append(append(dst, c.fields[i].key...), '=')
		dst = c.appendValue(dst, v)
	}
	return append(dst, c.delimiter...), nil
}

// severityOf returns the whole number from 0 to 10 that s is, 6 if it is none.
func severityOf(s string) int64 {
	f, ok := rubynum.Float(s)
	if !ok || f < 0 || f > 10 || f != float64(int64(f)) {
		return 6
	}
	return int64(f)
}

// appendHeader writes a header field, which can hold no line end.
func appendHeader(dst []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '\\', '|':
			dst = append(dst, '\\', c)
		case '\r', '\n':
			if c == '\n' || !strings.HasPrefix(s[i+1:], "\n") {
				dst = append(dst, ' ')
			}
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// appendValue writes the value of an extension: lists and hashes as JSON.
func (c *encoder) appendValue(dst []byte, v event.Value) []byte {
	switch v.Kind() {
	case event.KindList, event.KindObject:
		c.text = v.AppendJSON(c.text[:0])
	default:
		c.text = v.AppendRubyText(c.text[:0])
	}
	for i, b := range c.text {
		switch b {
		case '\\', '=':
			dst = append(dst, '\\', b)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			if i+1 == len(c.text) || c.text[i+1] != '\n' {
				dst = append(dst, '\\', 'n')
			}
		default:
			dst = append(dst, b)
		}
	}
	return dst
}

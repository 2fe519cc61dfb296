package jdbc

import (
	"strconv"
	"strings"
	"time"

	"millrace/pipeline/event"
)

// array returns the converter for arrays of PostgreSQL, which the driver gives as text: {1,2,NULL,"a b",{3}}.
func (db *DB) array(elem string) converter {
	item := db.element(elem)
	delim := byte(',')
	if elem == "BOX" {
		delim = ';'
	}
	return func(v any) event.Value {
		s, _ := text(v)
		body := s
		if i := strings.IndexByte(body, '='); i > 0 && body[0] == '[' { // [0:2]={...}: where it begins
			body = body[i+1:]
		}
		l, rest, ok := readArray(body, delim, item, 0)
		if !ok || rest != "" {
			return event.StringValue(s)
		}
		return event.ListValue(l)
	}
}

// maxDepth bounds arrays in arrays; PostgreSQL has six levels.
const maxDepth = 16

func readArray(s string, delim byte, item func(string) event.Value, depth int) (l *event.List, rest string, ok bool) {
	if s == "" || s[0] != '{' || depth > maxDepth {
		return nil, "", false
	}
	l = new(event.List)
	if s = s[1:]; strings.HasPrefix(s, "}") {
		return l, s[1:], true
	}
	for s != "" {
		switch s[0] {
		case '{':
			inner, rest, ok := readArray(s, delim, item, depth+1)
			if !ok {
				return nil, "", false
			}
			l.Append(event.ListValue(inner))
			s = rest
		case '"':
			text, rest, ok := readQuoted(s)
			if !ok {
				return nil, "", false
			}
			l.Append(item(text))
			s = rest
		default:
			n := strings.IndexAny(s, string(delim)+"}")
			if n < 0 {
				return nil, "", false
			}
			if s[:n] == "NULL" {
				l.Append(event.Value{})
			} else {
				l.Append(item(s[:n]))
			}
			s = s[n:]
		}
		if s == "" || s[0] != delim && s[0] != '}' {
			return nil, "", false
		}
		end := s[0] == '}'
		if s = s[1:]; end {
			return l, s, true
		}
	}
	return nil, "", false
}

func readQuoted(s string) (text, rest string, ok bool) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			if i++; i < len(s) {
				b.WriteByte(s[i])
			}
		case '"':
			return b.String(), s[i+1:], true
		default:
			b.WriteByte(s[i])
		}
	}
	return "", "", false
}

// element returns what makes a value of the text of one element.
func (db *DB) element(elem string) func(string) event.Value {
	conv := db.postgres(elem)
	return func(s string) event.Value {
		switch elem {
		case "INT2", "INT4", "INT8":
			if n, err := strconv.ParseInt(s, 10, 64); err == nil {
				return event.IntValue(n)
			}
		case "FLOAT4", "FLOAT8":
			if f, err := strconv.ParseFloat(s, 64); err == nil {
				return event.FloatValue(f)
			}
		case "BOOL":
			return event.BoolValue(s == "t")
		case "TIMESTAMPTZ":
			for _, layout := range [...]string{"2006-01-02 15:04:05.999999999-07", "2006-01-02 15:04:05.999999999-07:00"} {
				if t, err := time.Parse(layout, s); err == nil {
					return event.TimeValue(t)
				}
			}
		}
		return conv(s)
	}
}

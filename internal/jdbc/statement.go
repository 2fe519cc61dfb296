package jdbc

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"millrace/pipeline/event"
)

// Statement is SQL with parameters.
type Statement struct {
	text    string
	dialect Dialect
	zone    *Zone
	parts   []part
}

// part is SQL, and the parameter behind it.
type part struct {
	sql   string
	param int // -1: none
}

// Named reads a statement whose parameters are :name for each of names. Others, and what stands in quotes, in comments and behind another
// colon, are left alone; but a parameter that is all that stands between single quotes stands for itself: ':name' is :name.
func Named(sql string, d Dialect, names []string) *Statement {
	s := &Statement{text: sql, dialect: d}
	from := 0
	s.each(func(start, end int, name string, _ bool) {
		if i := slices.Index(names, name); i >= 0 {
			s.parts = append(s.parts, part{sql[from:start], i})
			from = end
		}
	})
	s.parts = append(s.parts, part{sql[from:], -1})
	return s
}

// each calls f for everything that looks like a parameter: its place, its name, and whether it stands in quotes of its own.
func (s *Statement) each(f func(start, end int, name string, alone bool)) {
	for i := 0; i < len(s.text); {
		end, k := piece(s.text, i, s.dialect)
		switch {
		case k == quoted && end-i > 3 && s.text[i+1] == ':' && s.text[end-1] == '\'' && name(s.text, i+2) == end-1 && !escapes(s.text, i):
			f(i, end, s.text[i+2:end-1], true)
		case k == code && s.text[i] == ':' && (i == 0 || s.text[i-1] != ':'):
			if n := name(s.text, i+1); n > i+1 {
				f(i, n, s.text[i+1:n], false)
				end = n
			}
		}
		i = end
	}
}

// Unknown returns what looks like a parameter, stands in no quotes, and is none of names: with its place, for a message.
func (s *Statement) Unknown(names []string) (found []string, offsets []int) {
	s.each(func(start, _ int, name string, alone bool) {
		if !alone && (name[0] < '0' || name[0] > '9') && !slices.Contains(names, name) {
			found, offsets = append(found, name), append(offsets, start)
		}
	})
	return found, offsets
}

// Quoted returns those of names that stand in quotes together with other text, where they are not replaced, and the place of each.
func (s *Statement) Quoted(names []string) (found []string, offsets []int) {
	for i := 0; i < len(s.text); {
		end, k := piece(s.text, i, s.dialect)
		if k == quoted && !(name(s.text, min(i+2, end)) == end-1 && s.text[i+1] == ':') {
			for at := i; at < end; at++ {
				if n := name(s.text, at+1); s.text[at] == ':' && slices.Contains(names, s.text[at+1:n]) {
					found, offsets = append(found, s.text[at+1:n]), append(offsets, at)
				}
			}
		}
		i = end
	}
	return found, offsets
}

// Uses reports whether the statement has the parameter of that number.
func (s *Statement) Uses(param int) bool {
	return slices.ContainsFunc(s.parts, func(p part) bool { return p.param == param })
}

// In returns the statement for a time zone: that in which instants are written.
func (s *Statement) In(z *Zone) *Statement {
	c := *s
	c.zone = z
	return &c
}

// Fill returns the statement with values for its parameters, as a query and its arguments. PostgreSQL gets all values as literals, as with
// Logstash: of arguments it would have to guess the types, and it does not take them everywhere. MySQL's driver makes literals of arguments itself.
func (s *Statement) Fill(values []event.Value) (query string, args []any, err error) {
	if len(s.parts) == 1 && s.parts[0].param < 0 {
		return s.parts[0].sql, nil, nil
	}
	var b strings.Builder
	for _, p := range s.parts {
		b.WriteString(p.sql)
		if p.param < 0 {
			continue
		}
		if s.dialect == Postgres {
			err = s.literal(&b, values[p.param])
		} else {
			args, err = s.argument(&b, args, values[p.param])
		}
		if err != nil {
			return "", nil, err
		}
	}
	return b.String(), args, nil
}

// argument writes the place of a value, and appends the value.
func (s *Statement) argument(b *strings.Builder, args []any, v event.Value) ([]any, error) {
	if l := v.List(); l != nil {
		return args, s.list(b, l, func(v event.Value) (err error) {
			args, err = s.argument(b, args, v)
			return err
		})
	}
	a, err := Argument(v, s.dialect, s.zone)
	if err == nil {
		b.WriteByte('?')
		args = append(args, a)
	}
	return args, err
}

// list writes a list as SQL has it behind IN; that of nothing is one null.
func (s *Statement) list(b *strings.Builder, l *event.List, item func(event.Value) error) error {
	if l.Len() == 0 {
		b.WriteString("(NULL)")
		return nil
	}
	for i, v := range l.Items() {
		b.WriteByte("(,"[min(i, 1)])
		if err := item(v); err != nil {
			return err
		}
	}
	b.WriteByte(')')
	return nil
}

var errNUL = errors.New("a text with a NUL byte cannot be a parameter")

// literal writes a value as PostgreSQL reads it.
func (s *Statement) literal(b *strings.Builder, v event.Value) error {
	if l := v.List(); l != nil {
		return s.list(b, l, func(v event.Value) error { return s.literal(b, v) })
	}
	switch v.Kind() {
	case event.Null:
		b.WriteString("NULL")
	case event.Bool:
		b.WriteString(strconv.FormatBool(v.Bool()))
	case event.Int, event.Float, event.BigInt:
		text := v.Text()
		if v.Kind() == event.Float {
			text = strconv.FormatFloat(v.Float(), 'g', -1, 64)
		}
		if text[0] == 'N' || strings.HasSuffix(text, "Inf") {
			return quote(b, text)
		}
		if text[0] == '-' { // -:n is no comment
			text = "(" + text + ")"
		}
		b.WriteString(text)
	case event.String:
		return quote(b, v.Str())
	case event.Time:
		return quote(b, s.zone.format(v.Time(), Postgres))
	default:
		return fmt.Errorf("a %s cannot be a parameter", v.Kind())
	}
	return nil
}

// quote writes a text in quotes, in a form that means the same whatever standard_conforming_strings says.
func quote(b *strings.Builder, text string) error {
	if strings.IndexByte(text, 0) >= 0 {
		return errNUL
	}
	if strings.IndexByte(text, '\\') >= 0 {
		if n := b.Len(); n > 0 { // the E would be part of a name
			b.WriteByte(' ')
		}
		b.WriteByte('E')
		text = strings.ReplaceAll(text, `\`, `\\`)
	}
	b.WriteByte('\'')
	b.WriteString(strings.ReplaceAll(text, "'", "''"))
	b.WriteByte('\'')
	return nil
}

// Argument returns a value as an argument of a prepared statement.
func Argument(v event.Value, d Dialect, z *Zone) (any, error) {
	switch v.Kind() {
	case event.Null:
		return nil, nil
	case event.Bool:
		return v.Bool(), nil
	case event.Int:
		return v.Int(), nil
	case event.Float:
		return v.Float(), nil
	case event.BigInt:
		return v.Str(), nil
	case event.String:
		if d == Postgres && strings.IndexByte(v.Str(), 0) >= 0 {
			return nil, errNUL
		}
		return v.Str(), nil
	case event.Time:
		return z.format(v.Time(), d), nil
	}
	return nil, fmt.Errorf("a %s cannot be a parameter", v.Kind())
}

// WithoutEnd returns a statement without the semicolons at its end, to be put inside another.
func WithoutEnd(sql string) string { return strings.TrimRight(sql, "; \t\r\n") }

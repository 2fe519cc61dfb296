package dissect

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"millrace/pipeline/event"
)

// kind is what happens to a text that was found.
type kind uint8

const (
	skip     kind = iota // nothing
	normal               // it becomes the field
	appended             // it is appended to the field
	indirect             // it becomes the field that another text names
)

// field is one %{…} of a mapping.
type field struct {
	kind  kind
	name  string
	path  event.Path
	err   error // of name as a reference
	order int   // of a "/2"
	join  string
	other int // of an indirect field: the field whose text is the name if the event has none, -1 for none
	next  string
	many  bool // next may stand there several times
}

// pattern is a compiled mapping.
type pattern struct {
	field, text string
	source      event.Path
	sourceErr   error
	first       string // what the text begins with
	fields      []field
	order       []int // of fields as they are set: normal, appended, indirect
}

// compile reads a mapping: delimiters and fields in turn. Text behind the last brace is a delimiter too, with nothing of interest behind it.
func compile(name, text string) (*pattern, error) {
	p := &pattern{field: name, text: text}
	p.source, p.sourceErr = event.ParsePath(name)
	rest, prev, offset := text, "", 0
	var errs []error
	for {
		open := strings.Index(rest, "%{")
		end := -1
		if open >= 0 {
			end = strings.IndexByte(rest[open:], '}')
		}
		if end < 0 {
			break
		}
		end += open
		p.delimiter(rest[:open])
		prev = rest[:open]
		f, err := newField(rest[open+2:end], prev)
		if err != nil {
			errs = append(errs, &mappingError{Offset: offset + open, msg: err.Error()})
		}
		p.fields = append(p.fields, f)
		rest = rest[end+1:]
		offset += end + 1
	}
	if len(p.fields) == 0 {
		return nil, errors.New("the mapping has no field %{...}")
	}
	if len(errs) > 0 {
		return nil, errs[0] // the first: each has its place in the same text
	}
	if rest = rest[strings.LastIndexByte(rest, '}')+1:]; rest != "" {
		p.delimiter(rest)
		p.fields = append(p.fields, field{kind: skip, name: "?"})
	}
	p.arrange()
	return p, nil
}

// mappingError is a mistake at a byte of a mapping.
type mappingError struct {
	Offset int
	msg    string
}

func (e *mappingError) Error() string { return e.msg }

// delimiter notes what stands before the next field.
func (p *pattern) delimiter(d string) {
	if len(p.fields) == 0 {
		p.first = d
		return
	}
	p.fields[len(p.fields)-1].next = d
}

// newField reads what stands between the braces; prev is the delimiter before it.
func newField(text, prev string) (field, error) {
	f := field{kind: normal, join: prev, other: -1}
	if prev == "" {
		f.join = " "
	}
	name := text
	switch {
	case text == "" || text[0] == '?':
		f.kind, name = skip, strings.TrimPrefix(text, "?")
	case strings.HasPrefix(text, "+&") || strings.HasPrefix(text, "&+"):
		return f, fmt.Errorf("the field %%{%s} cannot both append (+) and be named by another (&)", text)
	case text[0] == '+':
		f.kind, name = appended, text[1:]
	case text[0] == '&':
		f.kind, name = indirect, text[1:]
	}
	f.name = f.suffixes(name)
	if f.name == "" {
		if f.kind == appended || f.kind == indirect {
			return f, fmt.Errorf("the field %%{%s} has no name", text)
		}
		f.kind = skip
	}
	if f.kind != skip {
		f.path, f.err = event.ParsePath(f.name)
	}
	return f, nil
}

// suffixes takes -> and an order such as /2 off the name, in either order.
func (f *field) suffixes(name string) string {
	ordered := false
	for {
		if rest, ok := strings.CutSuffix(name, "->"); ok && !f.many {
			f.many = true
			name = rest
			continue
		}
		slash := strings.LastIndexByte(name, '/')
		if slash < 0 || ordered || len(name)-slash > 3 || len(name)-slash < 2 {
			return name
		}
		n := 0
		for _, c := range []byte(name[slash+1:]) {
			if c < '0' || c > '9' {
				return name
			}
			n = 10*n + int(c-'0')
		}
		f.order, name, ordered = n, name[:slash], true
	}
}

// arrange fixes the order in which fields are set, and where indirect ones look for their names.
func (p *pattern) arrange() {
	for i := range p.fields {
		f := &p.fields[i]
		if f.kind != skip {
			p.order = append(p.order, i)
		}
		if f.kind == indirect {
			f.other = slices.IndexFunc(p.fields, func(g field) bool { return g.kind != indirect && g.name == f.name })
		}
	}
	slices.SortStableFunc(p.order, func(a, b int) int {
		x, y := &p.fields[a], &p.fields[b]
		if c := cmp.Compare(x.kind, y.kind); c != 0 || x.kind != appended {
			return c
		}
		return cmp.Compare(x.order, y.order)
	})
}

// dissect finds the fields in s and sets them.
func (p *pattern) dissect(e *event.Event, s string) error {
	if s == "" {
		return errEmpty
	}
	var space [32]string
	found := space[:]
	if len(p.fields) > len(found) {
		found = make([]string, len(p.fields))
	}
	if !p.find(s, found) {
		return errDelimiter
	}
	for _, i := range p.order {
		if err := p.fields[i].set(e, found, found[i]); err != nil {
			return err
		}
	}
	return nil
}

// find cuts s at the delimiters. A delimiter at the very beginning of s, where the first field is to be, is left where it is, as Logstash
// does: the fields before it are empty, and the next begins there again.
func (p *pattern) find(s string, found []string) bool {
	if !strings.HasPrefix(s, p.first) {
		return false
	}
	left := len(p.first)
	last := len(p.fields) - 1
	for i := range last {
		f := &p.fields[i]
		if i > 0 && p.fields[i-1].many {
			left = beyond(s, left, p.fields[i-1].next)
		}
		n := indexOf(s[left:], f.next)
		if n < 0 {
			return false
		}
		found[i] = s[left : left+n]
		if left+n > 0 {
			left += n + len(f.next)
		}
	}
	if last > 0 && p.fields[last-1].many {
		left = beyond(s, left, p.fields[last-1].next)
	}
	found[last] = s[left:]
	return true
}

// indexOf finds a delimiter; an empty one is never found, as in Logstash.
func indexOf(s, delimiter string) int {
	switch len(delimiter) {
	case 0:
		return -1
	case 1:
		return strings.IndexByte(s, delimiter[0])
	}
	return strings.Index(s, delimiter)
}

// beyond returns the end of the delimiters that begin at left.
func beyond(s string, left int, delimiter string) int {
	for strings.HasPrefix(s[left:], delimiter) {
		left += len(delimiter)
	}
	return left
}

// set does with the text what the field asks for.
func (f *field) set(e *event.Event, found []string, text string) error {
	if f.err != nil {
		return f.err
	}
	switch f.kind {
	case appended:
		if old, ok := e.Get(&f.path); ok {
			dst := append(old.AppendText(e.Arena.Free()), f.join...)
			text = e.Arena.Take(append(dst, text...))
		}
	case indirect:
		name := ""
		if v, ok := e.Get(&f.path); ok {
			name = textOf(e, v)
		} else if f.other >= 0 {
			name = found[f.other]
		}
		if name == "" {
			return nil
		}
		return setNamed(e, name, event.StringValue(text))
	}
	return e.Set(&f.path, event.StringValue(text))
}

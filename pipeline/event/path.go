package event

import (
	"errors"
	"fmt"
	"strings"
	"unique"
)

// Names that an event treats specially.
const (
	TimestampField = "@timestamp"
	VersionField   = "@version"
	MetadataField  = "@metadata"
	TagsField      = "tags"
)

// Path is a compiled field reference: `name`, `[name]` or `[a][b][0]`. The zero Path refers to nothing; it is "not given" for an
// option. What a Path refers to never changes; workers share it.
type Path struct {
	text     string
	keys     []key
	meta     bool // below or at @metadata, which keys does not hold
	reserved bool // at or below @timestamp or tags, which take only some values
	plain    bool // a top-level field that is neither
}

type key struct {
	name   string
	mark   byte // of name, see markOf
	isNum  bool
	places uint32 // where the field was last, see Object.findKey: two bytes, and how often they changed; read and written atomically
	index  int    // of a list item; negative counts from the end

	shared unique.Handle[string] // keeps name the one string for all references to it, which are equal at a glance then
}

// errReference is wrapped by every error that a malformed field reference gives.
var errReference = errors.New("invalid FieldReference")

// ParsePath compiles a field reference by the strict rules of Logstash (FieldReference.java, StrictTokenizer): either no brackets
// at all, or only bracketed names; `[[a][b]][c]` is `[a][b][c]`.
func ParsePath(ref string) (Path, error) {
	p := Path{text: ref}
	if strings.IndexByte(ref, '[') < 0 && strings.IndexByte(ref, ']') < 0 {
		p.keys = []key{makeKey(ref)}
	} else if err := p.tokenize(ref); err != nil {
		return Path{}, err
	}
	switch p.keys[0].name {
	case MetadataField:
		p.meta, p.keys = true, p.keys[1:]
	case TimestampField, TagsField:
		p.reserved = true
	default:
		p.plain = len(p.keys) == 1
	}
	return p, nil
}

// pathCache keeps the references that inputs give their records' facts by: few, and the same again and again.
type pathCache map[string]*Path

// maxPathCache bounds it, for the input that makes names of what it reads.
const maxPathCache = 64

func (c *pathCache) of(ref string) (*Path, error) {
	if p := (*c)[ref]; p != nil {
		return p, nil
	}
	p, err := ParsePath(ref)
	if err != nil {
		return nil, err
	}
	if *c == nil || len(*c) == maxPathCache {
		*c = make(pathCache)
	}
	(*c)[ref] = &p
	return &p, nil
}

// MustPath is ParsePath for references that are constants; it panics if ref is malformed.
func MustPath(ref string) *Path {
	p, err := ParsePath(ref)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return &p
}

func (p *Path) tokenize(ref string) error {
	depth, start, prev := 0, 0, byte('[')
	for i := 0; i < len(ref); i++ {
		c := ref[i]
		switch c {
		case '[':
			if start != i {
				return fmt.Errorf("%w: `%s`", errReference, ref)
			}
			depth++
			start = i + 1
		case ']':
			if depth == 0 || start == i && prev != ']' {
				return fmt.Errorf("%w: `%s`", errReference, ref)
			}
			if start < i {
				p.keys = append(p.keys, makeKey(ref[start:i]))
			}
			depth--
			start = i + 1
		default:
			if prev == ']' || i == 0 {
				return fmt.Errorf("%w: `%s`", errReference, ref)
			}
		}
		prev = c
	}
	if depth > 0 || len(p.keys) == 0 {
		return fmt.Errorf("%w: `%s`", errReference, ref)
	}
	return nil
}

func makeKey(name string) key {
	shared := unique.Make(name)
	k := key{name: shared.Value(), mark: markOf(name), shared: shared}
	if n, ok := parseInt64(strings.TrimPrefix(name, "+")); ok && n < 1<<31 && n >= -1<<31 {
		k.index, k.isNum = int(n), true
	}
	return k
}

// UnmarshalText makes Path an option type: the reference is checked where the config has it.
func (p *Path) UnmarshalText(text []byte) (err error) {
	*p, err = ParsePath(string(text))
	return err
}

// String returns the reference as it was written.
func (p *Path) String() string { return p.text }

// IsZero reports whether p refers to nothing (an option that was not given).
func (p *Path) IsZero() bool { return p.keys == nil && !p.meta }

// IsMetadata reports whether p refers to @metadata or something below it.
func (p *Path) IsMetadata() bool { return p.meta }

// Keys returns the names that lead to the field, without @metadata.
func (p *Path) Keys() []string {
	names := make([]string, len(p.keys))
	for i := range p.keys {
		names[i] = p.keys[i].name
	}
	return names
}

// Join returns the path that leads from p to name below it.
func (p *Path) Join(name string) Path {
	q := Path{meta: p.meta, reserved: p.reserved}
	for i := range p.keys {
		q.keys = append(q.keys, makeKey(p.keys[i].name))
	}
	q.keys = append(q.keys, makeKey(name))
	var b strings.Builder
	if q.meta {
		b.WriteString("[" + MetadataField + "]")
	}
	for i := range q.keys {
		b.WriteString("[" + q.keys[i].name + "]")
	}
	q.text = b.String()
	return q
}

// isTop reports whether p is the top-level field name.
func (p *Path) isTop(name string) bool {
	return !p.meta && len(p.keys) == 1 && p.keys[0].name == name
}

// child returns the value below v that k names; false if there is none.
func (k *key) child(v Value) (Value, bool) {
	switch v.kind {
	case KindObject:
		return v.Object().getKey(k)
	case KindList:
		l := v.List()
		if i, ok := k.listIndex(l.Len()); ok {
			return l.items[i], true
		}
	}
	return Value{}, false
}

func (k *key) listIndex(n int) (int, bool) {
	if !k.isNum {
		return 0, false
	}
	i := k.index
	if i < 0 {
		i += n
	}
	return i, i >= 0 && i < n
}

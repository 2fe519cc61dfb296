package patterns

import (
	"fmt"
	"sort"
	"strings"
)

// maxReferences bounds the expansion of one pattern, as in Logstash. The largest of the library has some 900.
const maxReferences = 10000

// Expansion is a pattern in which every %{NAME} was replaced by what NAME stands for.
type Expansion struct {
	// Pattern is the text that was expanded.
	Pattern string

	// Regexp is the regular expression. Its named groups are called NAME:field:cast where a reference captures, and
	// as written where the text has a group of its own; see ParseGroup.
	Regexp string

	spans  []span
	frames []*frame // in the order in which they were completed: what a text refers to comes before it
}

// span says where a piece of Regexp comes from.
type span struct {
	at   int // where it begins in Regexp
	from *frame
	off  int  // where it stands in the text of from
	made bool // it stands for a reference as a whole: "(?:", ")"
}

// frame is a text under expansion: the pattern itself, or a definition that a reference in parent pulled in.
type frame struct {
	parent *frame
	at     int // where the reference stands in the text of parent
	end    int
	def    Definition
}

// Expand replaces the references of a pattern. With namedOnly, which is the default of the filter, only references that
// name a field capture; without, %{WORD} captures into the field WORD. The error is an *Error.
func (s *Set) Expand(pattern string, namedOnly bool) (*Expansion, error) {
	x := expander{set: s, namedOnly: namedOnly, Expansion: Expansion{Pattern: pattern}}
	if err := x.expand(&frame{def: Definition{Text: pattern}}); err != nil {
		return nil, err
	}
	x.Regexp = x.out.String()
	return &x.Expansion, nil
}

type expander struct {
	Expansion
	set        *Set
	local      map[string]Definition // inline definitions met so far
	namedOnly  bool
	references int
	out        strings.Builder
}

func (x *expander) expand(f *frame) error {
	text := f.def.Text
	done := 0
	for i := 0; ; {
		t, at, ok := nextToken(text, i)
		if !ok {
			x.emit(text[done:], f, done, false)
			x.frames = append(x.frames, f)
			return nil
		}
		x.emit(text[done:at], f, done, false)
		if err := x.reference(f, at, t); err != nil {
			return err
		}
		i, done = t.end, t.end
	}
}

// nextToken finds the first reference at or behind s[i:], and where it begins.
func nextToken(s string, i int) (t token, at int, ok bool) {
	for {
		next := strings.Index(s[i:], "%{")
		if next < 0 {
			return token{}, 0, false
		}
		i += next
		if t, ok := scanToken(s, i); ok {
			return t, i, true
		}
		i += 2
	}
}

func (x *expander) emit(text string, f *frame, off int, made bool) {
	if text == "" {
		return
	}
	x.spans = append(x.spans, span{at: x.out.Len(), from: f, off: off, made: made})
	x.out.WriteString(text)
}

func (x *expander) reference(f *frame, at int, t token) error {
	if t.hasInline {
		if x.local == nil {
			x.local = make(map[string]Definition)
		}
		x.local[t.name] = Definition{Name: t.name, Text: t.inline, Origin: "inline definition"}
	}
	def, ok := x.local[t.name]
	if !ok {
		def, ok = x.set.Lookup(t.name)
	}
	if !ok {
		e := x.errorAt(f, at, t.end, fmt.Sprintf("unknown pattern %q", t.name))
		e.Hint = x.set.nearest(t.name)
		return e
	}
	inner := &frame{parent: f, at: at, end: t.end, def: def}
	for up := f; up.parent != nil; up = up.parent {
		if up.def.Name == def.Name && up.def.Text == def.Text {
			return x.errorAt(f, at, t.end, "pattern "+def.Name+" contains itself: "+chainTo(inner, up))
		}
	}
	if x.references++; x.references > maxReferences {
		return x.errorAt(f, at, t.end, fmt.Sprintf("the pattern expands to more than %d references", maxReferences))
	}
	if t.capture || !x.namedOnly {
		x.emit("(?<"+t.group+">", f, at, true)
	} else {
		x.emit("(?:", f, at, true)
	}
	if err := x.expand(inner); err != nil {
		return err
	}
	x.emit(")", f, at, true)
	return nil
}

// chainTo writes the names from the frame top down to the frame leaf.
func chainTo(leaf, top *frame) string {
	names := leaf.def.Name
	for f := leaf.parent; ; f = f.parent {
		names = f.def.Name + " > " + names
		if f == top {
			return names
		}
	}
}

// A Checker compiles a regular expression. If it cannot, it tells the byte at which the mistake was found, and what it is.
type Checker func(regexp string) (offset int, msg string, ok bool)

// Pinpoint makes the error for a Regexp that does not compile. What a compiler says of the whole is often not where the
// mistake is: a parenthesis left open in a definition is closed by the one behind the reference to it. So every text that
// takes part is checked by itself, what is referred to before what refers to it.
func (x *Expansion) Pinpoint(check Checker) *Error {
	for _, f := range x.frames {
		alone, places := f.withoutReferences()
		if offset, msg, ok := check(alone); !ok {
			at := places.original(offset)
			return x.errorAt(f, at, at, msg)
		}
	}
	offset, msg, ok := check(x.Regexp)
	if ok {
		panic("BUG: asked for a mistake in a regular expression that has none")
	}
	return x.ErrorAt(offset, msg)
}

// placeholder stands for a reference where a text is checked by itself. It can be repeated, and names no group.
const placeholder = "(?:.)"

// replaced is a list of references that gave way to placeholders.
type replaced []struct{ at, end int } // in the original text

// original returns the byte of the original text that stands at a byte of the text with placeholders.
func (r replaced) original(offset int) int {
	shift := 0 // how much longer the original is up to here
	for _, ref := range r {
		switch at := ref.at - shift; {
		case offset < at:
			return offset + shift
		case offset < at+len(placeholder):
			return ref.at
		}
		shift += ref.end - ref.at - len(placeholder)
	}
	return offset + shift
}

func (f *frame) withoutReferences() (string, replaced) {
	var b strings.Builder
	var refs replaced
	text := f.def.Text
	for done := 0; ; {
		t, at, ok := nextToken(text, done)
		if !ok {
			b.WriteString(text[done:])
			return b.String(), refs
		}
		b.WriteString(text[done:at])
		b.WriteString(placeholder)
		refs = append(refs, struct{ at, end int }{at, t.end})
		done = t.end
	}
}

// ErrorAt makes the error for a mistake that the compiler of regular expressions found at a byte of Regexp: it stands in
// the pattern, or in a definition that the pattern uses.
func (x *Expansion) ErrorAt(offset int, msg string) *Error {
	i := sort.Search(len(x.spans), func(i int) bool { return x.spans[i].at > offset }) - 1
	if i < 0 {
		return &Error{Pattern: x.Pattern, Msg: msg}
	}
	s := x.spans[i]
	at := s.off
	if !s.made {
		at += offset - s.at
	}
	return x.errorAt(s.from, at, at, msg)
}

// errorAt makes an error at a byte of the text of a frame.
func (x *Expansion) errorAt(f *frame, at, end int, msg string) *Error {
	e := &Error{Pattern: x.Pattern, Msg: msg}
	for ; f.parent != nil; f = f.parent {
		e.Steps = append([]Step{{Name: f.def.Name, Origin: f.def.Origin, Text: f.def.Text, Offset: at}}, e.Steps...)
		at, end = f.at, f.end
	}
	e.Offset = min(at, len(x.Pattern))
	e.End = min(max(end, e.Offset), len(x.Pattern))
	return e
}

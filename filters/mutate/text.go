package mutate

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"

	"millrace/filters/internal/ruby"
	"millrace/pipeline/event"
)

// texts compiles uppercase, capitalize, lowercase and strip.
func (c *compiler) texts(o *Options) {
	for _, name := range o.Uppercase {
		c.add(&changeCase{c.ref("uppercase", name), upper})
	}
	for _, name := range o.Capitalize {
		c.add(&changeCase{c.ref("capitalize", name), capital})
	}
	for _, name := range o.Lowercase {
		c.add(&changeCase{c.ref("lowercase", name), lower})
	}
	for _, name := range o.Strip {
		c.add(&stripper{c.ref("strip", name)})
	}
}

// letterCase is what changeCase changes to.
type letterCase uint8

const (
	upper letterCase = iota
	lower
	capital
)

// changeCase writes a string or the strings of an array in another case.
type changeCase struct {
	field ref
	to    letterCase
}

func (op *changeCase) apply(e *event.Event, s *scratch) error {
	if op.field.err != nil {
		return op.field.err
	}
	v, at := op.field.get(e)
	if l := v.List(); l != nil {
		out := e.NewList()
		for _, item := range l.Items() {
			if item.Kind() == event.String {
				text, err := s.cases.convert(e.Arena, item.Str(), op.to)
				if err != nil {
					return err
				}
				item = event.StringValue(text)
			}
			out.Append(item)
		}
		return op.field.set(e, at, event.ListValue(out))
	}
	if v.Kind() != event.String {
		return nil
	}
	text, err := s.cases.convert(e.Arena, v.Str(), op.to)
	if err != nil {
		return err
	}
	return op.field.set(e, at, event.StringValue(text))
}

// caser changes the case of texts by Unicode's full mappings without context, as JRuby does: ß becomes SS, Σ becomes σ wherever it
// stands. The zero caser is ready; it is one worker's.
type caser struct {
	src, dst            []byte
	ready               bool
	upper, lower, title cases.Caser
}

var errInvalidText = errors.New("the text is not valid UTF-8")

// convert returns text in another case.
func (c *caser) convert(a *event.Arena, text string, to letterCase) (string, error) {
	ascii, same := inspect(text, to)
	if same {
		return text, nil
	}
	if ascii {
		return a.Take(appendASCII(a.Free(), text, to)), nil
	}
	if !utf8.ValidString(text) {
		return "", errInvalidText
	}
	c.prepare(len(text))
	switch to {
	case upper:
		c.append(&c.upper, text)
	case lower:
		c.append(&c.lower, text)
	case capital:
		_, first := utf8.DecodeRuneInString(text)
		c.append(&c.title, text[:first])
		c.append(&c.lower, text[first:])
	}
	if string(c.dst) == text {
		return text, nil
	}
	return a.String(c.dst), nil
}

// prepare makes room for the longest result: no mapping takes more than three times the bytes of its letter.
func (c *caser) prepare(n int) {
	if !c.ready {
		c.upper = cases.Upper(language.Und)
		c.lower = cases.Lower(language.Und, cases.HandleFinalSigma(false))
		c.title = cases.Title(language.Und, cases.NoLower)
		c.ready = true
	}
	if cap(c.dst) < 3*n+utf8.UTFMax {
		c.dst = make([]byte, 0, 4*n+64)
	}
	c.dst = c.dst[:0]
}

func (c *caser) append(m *cases.Caser, text string) {
	c.src = append(c.src[:0], text...)
	m.Reset()
	n, _, err := m.Transform(c.dst[len(c.dst):cap(c.dst)], c.src, true)
	if err != nil {
		panic("BUG: changing the case of a text: " + err.Error())
	}
	c.dst = c.dst[:len(c.dst)+n]
}

// inspect tells whether text is ASCII alone, and then whether it is in that case already.
func inspect(text string, to letterCase) (ascii, same bool) {
	same = true
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c >= utf8.RuneSelf {
			return false, false
		}
		if to == upper || to == capital && i == 0 {
			same = same && c-'a' > 'z'-'a'
		} else {
			same = same && c-'A' > 'Z'-'A'
		}
	}
	return true, same
}

func appendASCII(dst []byte, text string, to letterCase) []byte {
	n := len(dst)
	dst = append(dst, text...)
	b := dst[n:]
	for i, c := range b {
		switch {
		case to == upper || to == capital && i == 0:
			if c-'a' <= 'z'-'a' {
				b[i] = c - 'a' + 'A'
			}
		case c-'A' <= 'Z'-'A':
			b[i] = c - 'A' + 'a'
		}
	}
	return dst
}

// stripper takes white space and NUL from both ends of a string, or of all strings of an array.
type stripper struct{ field ref }

func (op *stripper) apply(e *event.Event, _ *scratch) error {
	if op.field.err != nil {
		return op.field.err
	}
	v, at := op.field.get(e)
	if l := v.List(); l != nil {
		out := e.NewList()
		for _, item := range l.Items() {
			if item.Kind() != event.String {
				return fmt.Errorf("strip: the array %s holds a %s", op.field.path.String(), item.Kind())
			}
			out.Append(event.StringValue(ruby.Strip(item.Str())))
		}
		return op.field.set(e, at, event.ListValue(out))
	}
	if v.Kind() != event.String {
		return nil
	}
	return op.field.set(e, at, event.StringValue(ruby.Strip(v.Str())))
}

package kv

import (
	"errors"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"

	"millrace/internal/onig"
	"millrace/pipeline/event"
)

// edit is what trim_, remove_char_ and transform_ do to keys or to values.
type edit struct {
	trim, remove *chars
	to           string // lowercase, uppercase, capitalize or ""
	cases        caser
}

// chars is a character class: a set where it holds ASCII characters alone, and an expression for what the set cannot do.
type chars struct {
	set *set
	re  *onig.Regexp
	m   *onig.Matcher
}

func newEdit(what string, trim, remove *string, to string) (edit, error) {
	d := edit{to: to}
	var errs []error
	add := func(dst **chars, option, class, pattern string) {
		re, err := compile(option, pattern)
		if err != nil {
			errs = append(errs, err)
			return
		}
		*dst = &chars{re: re}
		(*dst).set, _ = newSet(class)
	}
	if trim != nil {
		add(&d.trim, "trim_"+what, *trim, "^["+*trim+"]+|["+*trim+"]+$")
	}
	if remove != nil {
		add(&d.remove, "remove_char_"+what, *remove, "["+*remove+"]")
	}
	return d, errors.Join(errs...)
}

// edits reports whether apply may change anything.
func (d *edit) edits() bool { return d.trim != nil || d.remove != nil || d.to != "" }

func (d edit) forWorker() edit {
	for _, c := range []**chars{&d.trim, &d.remove} {
		if *c != nil {
			*c = &chars{set: (*c).set, re: (*c).re, m: (*c).re.NewMatcher()}
		}
	}
	return d
}

// apply returns s edited, in a where it had to be made.
func (d *edit) apply(a *event.Arena, s string) (string, error) {
	if d.trim != nil {
		s = d.trim.trim(a, s)
	}
	if d.remove != nil {
		s = d.remove.cut(a, s)
	}
	if d.to == "" {
		return s, nil
	}
	return d.cases.convert(a, s, d.to)
}

// trim takes the characters from both ends of every line.
func (c *chars) trim(a *event.Arena, s string) string {
	if c.set == nil || strings.IndexByte(s, '\n') >= 0 {
		return c.replace(a, s)
	}
	for s != "" && c.set[s[0]] {
		s = s[1:]
	}
	for s != "" && c.set[s[len(s)-1]] {
		s = s[:len(s)-1]
	}
	return s
}

// cut takes the characters out wherever they stand.
func (c *chars) cut(a *event.Arena, s string) string {
	if c.set == nil {
		return c.replace(a, s)
	}
	i := 0
	for i < len(s) && !c.set[s[i]] {
		i++
	}
	if i == len(s) {
		return s
	}
	dst := append(a.Free(), s[:i]...)
	for ; i < len(s); i++ {
		if !c.set[s[i]] {
			dst = append(dst, s[i])
		}
	}
	return a.Take(dst)
}

func (c *chars) replace(a *event.Arena, s string) string {
	return a.Take(c.re.ReplaceAll(a.Free(), c.m, s, func(dst []byte, _ *onig.Matcher) []byte { return dst }))
}

// caser changes the case of texts by Unicode's full mappings without context, as JRuby does. The zero caser is ready; it is one worker's.
type caser struct {
	src, dst            []byte
	ready               bool
	upper, lower, title cases.Caser
}

var errInvalidText = errors.New("the text is not valid UTF-8")

func (c *caser) convert(a *event.Arena, s, to string) (string, error) {
	if isASCII(s) {
		return convertASCII(a, s, to), nil
	}
	if !utf8.ValidString(s) {
		return "", errInvalidText
	}
	if !c.ready {
		c.upper = cases.Upper(language.Und)
		c.lower = cases.Lower(language.Und, cases.HandleFinalSigma(false))
		c.title = cases.Title(language.Und, cases.NoLower)
		c.ready = true
	}
	if need := 3*len(s) + utf8.UTFMax; cap(c.dst) < need { // no mapping takes more than three times the bytes of its letter
		c.dst = make([]byte, 0, 2*need)
	}
	c.dst = c.dst[:0]
	switch to {
	case "uppercase":
		c.append(&c.upper, s)
	case "lowercase":
		c.append(&c.lower, s)
	default:
		_, first := utf8.DecodeRuneInString(s)
		c.append(&c.title, s[:first])
		c.append(&c.lower, s[first:])
	}
	return a.String(c.dst), nil
}

func (c *caser) append(m *cases.Caser, s string) {
	c.src = append(c.src[:0], s...)
	m.Reset()
	n, _, err := m.Transform(c.dst[len(c.dst):cap(c.dst)], c.src, true)
	if err != nil {
		panic("BUG: changing the case of a text: " + err.Error())
	}
	c.dst = c.dst[:len(c.dst)+n]
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func convertASCII(a *event.Arena, s, to string) string {
	up := func(i int) bool { return to == "uppercase" || to == "capitalize" && i == 0 }
	i := 0
	for i < len(s) && convertByte(s[i], up(i)) == s[i] {
		i++
	}
	if i == len(s) {
		return s
	}
	dst := append(a.Free(), s[:i]...)
	for ; i < len(s); i++ {
		dst = append(dst, convertByte(s[i], up(i)))
	}
	return a.Take(dst)
}

func convertByte(c byte, up bool) byte {
	if up && c-'a' <= 'z'-'a' || !up && c-'A' <= 'Z'-'A' {
		return c ^ 0x20
	}
	return c
}

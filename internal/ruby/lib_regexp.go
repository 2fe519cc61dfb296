package ruby

import (
	"strings"
	"unicode/utf8"

	"millrace/internal/onig"
)

// Regexp is a Regexp.
type Regexp struct {
	re      *onig.Regexp
	src     string
	opts    onig.Option
	matcher *onig.Matcher // of the Interp that uses it, since only one does at a time
	shared  bool          // a constant of the core: each Interp has a Regexp of its own for it
}

// MatchData is a MatchData.
type MatchData struct {
	re  *Regexp
	s   *String // frozen
	pos []int   // where the groups are, two bytes each; -1 for one that took no part
}

// compileRegexp reads a pattern with the letters of its options.
func compileRegexp(pattern, flags string) (*Regexp, error) {
	r := &Regexp{src: pattern}
	if strings.Contains(flags, "i") {
		r.opts |= onig.IgnoreCase
	}
	if strings.Contains(flags, "x") {
		r.opts |= onig.Extended
	}
	if strings.Contains(flags, "m") {
		r.opts |= onig.MultiLine
	}
	return r, r.compile()
}

func (r *Regexp) compile() (err error) {
	r.re, err = onig.Compile(r.src, r.opts)
	if err == nil {
		r.matcher = r.re.NewMatcher()
	}
	return err
}

// maxRegexps bounds the patterns that are kept for the texts that code makes them of.
const maxRegexps = 1000

// regexp returns the Regexp for a pattern that code made.
func (t *Interp) regexp(pattern, flags string) *Regexp {
	key := flags + "/" + pattern
	if r := t.regexps[key]; r != nil {
		return r
	}
	r, err := compileRegexp(pattern, flags)
	if err != nil {
		msg := err.Error()
		if se, ok := err.(*onig.SyntaxError); ok {
			msg = se.Msg + ": /" + pattern + "/"
		}
		t.raise(t.core.regexpError, "%s", msg)
	}
	if len(t.regexps) >= maxRegexps {
		clear(t.regexps)
	}
	t.regexps[key] = r
	return r
}

// own returns the Regexp whose matcher t may use.
func (r *Regexp) own(t *Interp) *Regexp {
	if r.shared {
		return t.regexp(r.src, r.flags())
	}
	return r
}

// search finds the first match at or behind a byte; it leaves $~ alone.
func (t *Interp) search(r *Regexp, s *String, at int) *MatchData {
	m := r.own(t).matcher
	if !m.MatchAt(s.s, at) {
		if m.TimedOut() {
			t.raise(t.core.regexpTimeout, "regexp match timeout")
		}
		return nil
	}
	places := m.Places()
	d := &MatchData{re: r, pos: make([]int, 2*(r.re.NumCaptures()+1))}
	for i := range d.pos {
		d.pos[i] = -1
	}
	for i, p := range places {
		if 2*i < len(d.pos) && p[0] >= 0 {
			d.pos[2*i], d.pos[2*i+1] = int(p[0]), int(p[1])
		}
	}
	d.s = &String{s: s.s, enc: s.enc, frozen: true}
	return d
}

// matchAt is search that sets $~.
func (t *Interp) matchAt(r *Regexp, s *String, at int) *MatchData {
	t.match = t.search(r, s, at)
	return t.match
}

// pattern returns v as a Regexp: a String is taken literally.
func (t *Interp) pattern(v Value) *Regexp {
	if r, ok := v.(*Regexp); ok {
		return r
	}
	return t.regexp(quoteRegexp(t.text(v)), "")
}

// group returns the text of a group, nil if it took no part.
func (m *MatchData) group(i int) Value {
	if i < 0 || 2*i >= len(m.pos) || m.pos[2*i] < 0 {
		return nil
	}
	return m.s.with(m.s.s[m.pos[2*i]:m.pos[2*i+1]])
}

// named returns the text of the last group of a name that took part; ok is false if there is no such name.
func (m *MatchData) named(name string) (v Value, ok bool) {
	for _, n := range m.re.re.Names() {
		if n.Name != name {
			continue
		}
		for i := len(n.Groups) - 1; i >= 0; i-- {
			if v := m.group(n.Groups[i]); v != nil {
				return v, true
			}
		}
		return nil, true
	}
	return nil, false
}

// special returns $1, $&, $` and their like.
func (m *MatchData) special(name string) Value {
	if m == nil {
		return nil
	}
	switch name {
	case "&":
		return m.group(0)
	case "`":
		return m.s.with(m.s.s[:m.pos[0]])
	case "'":
		return m.s.with(m.s.s[m.pos[1]:])
	case "+":
		for i := len(m.pos)/2 - 1; i > 0; i-- {
			if v := m.group(i); v != nil {
				return v
			}
		}
		return nil
	}
	n, _ := plainInt(name)
	return m.group(int(n))
}

// groupNumber returns the number of the group that a number or a name means.
func (t *Interp) groupNumber(m *MatchData, v Value) (int, bool) {
	switch v := v.(type) {
	case int64:
		n := len(m.pos) / 2
		if v < 0 {
			v += int64(n)
		}
		return int(v), v >= 0 && v < int64(n)
	case *String, *Symbol:
		name := t.name(v)
		for _, n := range m.re.re.Names() {
			if n.Name != name {
				continue
			}
			for i := len(n.Groups) - 1; i > 0; i-- {
				if m.pos[2*n.Groups[i]] >= 0 {
					return n.Groups[i], true
				}
			}
			return n.Groups[0], true
		}
		t.raise(t.core.indexError, "undefined group name reference: %s", name)
	}
	return int(t.int(v)), false
}

func quoteRegexp(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch c {
		case '\n':
			b.WriteString("\\n")
			continue
		case '\t':
			b.WriteString("\\t")
			continue
		case '\r':
			b.WriteString("\\r")
			continue
		case '\f':
			b.WriteString("\\f")
			continue
		case '\v':
			b.WriteString("\\v")
			continue
		}
		if strings.IndexByte(".*?+^$|\\()[]{}-# ", c) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(c)
	}
	return b.String()
}

// flags returns the letters of the options.
func (r *Regexp) flags() string {
	s := ""
	if r.opts&onig.MultiLine != 0 {
		s += "m"
	}
	if r.opts&onig.IgnoreCase != 0 {
		s += "i"
	}
	if r.opts&onig.Extended != 0 {
		s += "x"
	}
	return s
}

// toS returns the pattern as it stands in another one.
func (r *Regexp) toS() string {
	on := r.flags()
	off := ""
	for _, f := range "mix" {
		if !strings.ContainsRune(on, f) {
			off += string(f)
		}
	}
	if off != "" {
		off = "-" + off
	}
	return "(?" + on + off + ":" + r.src + ")"
}

// regexpMethods fills Regexp and MatchData.
func regexpMethods(c *core) {
	c.regexp = c.define("Regexp", c.object)
	k := c.regexp
	c.regexpTimeout = c.defineIn(k, "TimeoutError", c.regexpError)
	k.consts["IGNORECASE"], k.consts["EXTENDED"], k.consts["MULTILINE"] = int64(1), int64(2), int64(4)
	k.alloc = func(t *Interp, k *Class) Value { return &Regexp{} }
	k.sdef("new", 1, 3, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.newRegexp(a) })
	k.sdef("compile", 1, 3, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.newRegexp(a) })
	k.sdef("escape", 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if s, ok := a[0].(*Symbol); ok {
			return strValue(quoteRegexp(s.name))
		}
		return strValue(quoteRegexp(t.text(a[0])))
	})
	k.meta.alias("escape", "quote")
	k.sdef("union", 0, -1, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.regexpUnion(a) })
	k.sdef("last_match", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if t.match == nil {
			return nil
		}
		if len(a) == 0 {
			return t.match
		}
		return t.send(t.match, "[]", a...)
	})
	k.defn("match", 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.regexpMatch(self.(*Regexp), a, b) })
	k.defn("match?", 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.matches(self.(*Regexp), a) })
	k.def("=~", 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.matchOperator(self.(*Regexp), a[0]) })
	k.def("===", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		switch s := a[0].(type) {
		case *String:
			return t.matchAt(self.(*Regexp), s, 0) != nil
		case *Symbol:
			return t.matchAt(self.(*Regexp), str(s.name), 0) != nil
		}
		t.match = nil
		return false
	})
	k.def("source", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return strValue(self.(*Regexp).src) })
	k.def("to_s", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return strValue(self.(*Regexp).toS()) })
	k.def("inspect", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		r := self.(*Regexp)
		return strValue("/" + escapeSlashes(r.src) + "/" + r.flags())
	})
	k.def("options", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		n := int64(0)
		for i, o := range []onig.Option{onig.IgnoreCase, onig.Extended, onig.MultiLine} {
			if self.(*Regexp).opts&o != 0 {
				n |= 1 << i
			}
		}
		return integer(n)
	})
	k.def("casefold?", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return self.(*Regexp).opts&onig.IgnoreCase != 0 })
	k.def("names", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return stringArray(self.(*Regexp).names()) })
	k.def("named_captures", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		h := newHash()
		for _, n := range self.(*Regexp).re.Names() {
			l := &Array{}
			for _, g := range n.Groups {
				l.v = append(l.v, integer(int64(g)))
			}
			h.set(t, strValue(n.Name), l)
		}
		return h
	})
	k.def("==", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		o, ok := a[0].(*Regexp)
		return ok && o.src == self.(*Regexp).src && o.opts == self.(*Regexp).opts
	})
	k.def("hash", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return integer(t.hashOf(strValue(self.(*Regexp).toS())))
	})
	matchDataMethods(c)
}

func escapeSlashes(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			b.WriteByte(s[i])
			if i++; i < len(s) {
				b.WriteByte(s[i])
			}
			continue
		case '/':
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func (r *Regexp) names() (out []string) {
	for _, n := range r.re.Names() {
		out = append(out, n.Name)
	}
	return out
}

func (t *Interp) newRegexp(a []Value) Value {
	if r, ok := a[0].(*Regexp); ok {
		return r
	}
	flags := ""
	if len(a) > 1 {
		switch o := a[1].(type) {
		case int64:
			for i, f := range []string{"i", "x", "m"} {
				if o>>i&1 != 0 {
					flags += f
				}
			}
		case *String:
			flags = o.s
		default:
			if truthy(o) {
				flags = "i"
			}
		}
	}
	return t.regexp(t.text(a[0]), flags)
}

func (t *Interp) regexpUnion(a []Value) Value {
	if len(a) == 1 {
		if l, ok := a[0].(*Array); ok {
			a = l.v
		}
	}
	if len(a) == 0 {
		return t.regexp("(?!)", "")
	}
	var parts []string
	for _, v := range a {
		if r, ok := v.(*Regexp); ok {
			if len(a) == 1 {
				return r
			}
			parts = append(parts, r.toS())
		} else if s, ok := v.(*Symbol); ok {
			parts = append(parts, quoteRegexp(s.name))
		} else {
			parts = append(parts, quoteRegexp(t.text(v)))
		}
	}
	return t.regexp(strings.Join(parts, "|"), "")
}

// matchArgs returns the text and the place that match and match? search from.
func (t *Interp) matchArgs(a []Value) (s *String, at int, ok bool) {
	switch v := a[0].(type) {
	case nil:
		return nil, 0, false
	case *Symbol:
		s = str(v.name)
	case *String:
		s = v
	default:
		s = str(t.text(v))
	}
	if len(a) > 1 {
		n := t.int(a[1])
		if n < 0 {
			n += int64(s.length())
		}
		if n < 0 || n > int64(s.length()) {
			return nil, 0, false
		}
		at = s.offset(int(n))
	}
	return s, at, true
}

// matchData matches r on what a method was given, and sets $~.
func (t *Interp) matchData(r *Regexp, a []Value) (*String, *MatchData) {
	s, at, ok := t.matchArgs(a)
	if !ok {
		t.match = nil
		return nil, nil
	}
	return s, t.matchAt(r, s, at)
}

func (t *Interp) regexpMatch(r *Regexp, a []Value, b *Proc) Value {
	_, m := t.matchData(r, a)
	if m == nil {
		return nil
	}
	if b != nil {
		return t.yield(b, m)
	}
	return m
}

func (t *Interp) matches(r *Regexp, a []Value) Value {
	s, at, ok := t.matchArgs(a)
	if !ok {
		return false
	}
	if m := r.own(t).matcher; !m.MatchAt(s.s, at) {
		if m.TimedOut() {
			t.raise(t.core.regexpTimeout, "regexp match timeout")
		}
		return false
	}
	return true
}

func (t *Interp) matchOperator(r *Regexp, v Value) Value {
	s, m := t.matchData(r, []Value{v})
	if m == nil {
		return nil
	}
	return integer(int64(s.charIndex(m.pos[0])))
}

func matchDataMethods(c *core) {
	c.matchData = c.define("MatchData", c.object)
	k := c.matchData
	k.alloc = nil
	groups := func(m *MatchData, from int) *Array {
		out := &Array{}
		for i := from; 2*i < len(m.pos); i++ {
			out.v = append(out.v, m.group(i))
		}
		return out
	}
	k.defn("[]", 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		m := self.(*MatchData)
		switch a[0].(type) {
		case int64, *String, *Symbol:
			if len(a) == 1 {
				g, ok := t.groupNumber(m, a[0])
				if !ok {
					return nil
				}
				return m.group(g)
			}
		}
		return t.send(groups(m, 0), "[]", a...)
	})
	k.def("to_a", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return groups(self.(*MatchData), 0) })
	k.alias("to_a", "deconstruct")
	k.def("captures", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return groups(self.(*MatchData), 1) })
	k.defn("named_captures", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		m := self.(*MatchData)
		h := newHash()
		for _, n := range m.re.names() {
			v, _ := m.named(n)
			h.set(t, strValue(n), v)
		}
		return h
	})
	k.def("names", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return stringArray(self.(*MatchData).re.names())
	})
	k.def("pre_match", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return self.(*MatchData).special("`") })
	k.def("post_match", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return self.(*MatchData).special("'") })
	k.def("to_s", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return self.(*MatchData).group(0) })
	k.def("string", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return self.(*MatchData).s })
	k.def("regexp", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return self.(*MatchData).re })
	k.def("size", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return integer(int64(len(self.(*MatchData).pos) / 2))
	})
	k.alias("size", "length")
	k.defn("values_at", 0, -1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return t.send(groups(self.(*MatchData), 0), "values_at", append([]Value(nil), a...)...)
	})
	k.def("inspect", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return strValue(t.inspectMatch(self.(*MatchData)))
	})
	offsets(k)
}

func offsets(k *Class) {
	at := func(t *Interp, m *MatchData, v Value) (lo, hi Value) {
		g, ok := t.groupNumber(m, v)
		if !ok {
			t.raise(t.core.indexError, "index %s out of matches", t.inspect(v))
		}
		if m.pos[2*g] < 0 {
			return nil, nil
		}
		return integer(int64(m.s.charIndex(m.pos[2*g]))), integer(int64(m.s.charIndex(m.pos[2*g+1])))
	}
	k.def("begin", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		lo, _ := at(t, self.(*MatchData), a[0])
		return lo
	})
	k.def("end", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		_, hi := at(t, self.(*MatchData), a[0])
		return hi
	})
	k.def("offset", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		lo, hi := at(t, self.(*MatchData), a[0])
		return array(lo, hi)
	})
}

func (t *Interp) inspectMatch(m *MatchData) string {
	s := "#<MatchData " + t.inspect(m.group(0))
	names := make(map[int]string)
	for _, n := range m.re.re.Names() {
		for _, g := range n.Groups {
			names[g] = n.Name
		}
	}
	for i := 1; 2*i < len(m.pos); i++ {
		name := names[i]
		if name == "" {
			name = itoa(i)
		}
		s += " " + name + ":" + t.inspect(m.group(i))
	}
	return s + ">"
}

// stringMatchMethods adds what works with patterns to String.
func stringMatchMethods(c *core) {
	k := c.str
	k.def("=~", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		switch re := a[0].(type) {
		case *Regexp:
			return t.matchOperator(re, self)
		case *String:
			return t.typeError("type mismatch: String given")
		}
		return t.send(a[0], "=~", self)
	})
	k.defn("match", 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return t.regexpMatch(t.patternText(a[0]), append([]Value{self}, a[1:]...), b)
	})
	k.defn("match?", 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return t.matches(t.patternText(a[0]), append([]Value{self}, a[1:]...))
	})
	k.def("scan", 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.scan(self.(*String), a[0], b) })
	sub := func(name string, all, change bool) {
		m := k.defn(name, 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
			s := self.(*String)
			if change {
				t.notFrozen(s)
			}
			if len(a) == 1 && b == nil {
				return t.enumFor(self, name, a)
			}
			out, changed := t.substitute(s, a, b, all)
			if !change {
				return s.with(out)
			}
			if !changed {
				return nil
			}
			s.set(out)
			return s
		})
		m.kw = false
	}
	sub("sub", false, false)
	sub("gsub", true, false)
	sub("sub!", false, true)
	sub("gsub!", true, true)
}

// patternText returns v as a Regexp: a String is a pattern.
func (t *Interp) patternText(v Value) *Regexp {
	switch v := v.(type) {
	case *Regexp:
		return v
	case *String:
		return t.regexp(v.s, "")
	}
	t.typeError("wrong argument type %s (expected Regexp)", t.className(v))
	return nil
}

// eachMatch calls f for the matches of a pattern in s, one behind the other.
func (t *Interp) eachMatch(s *String, re *Regexp, f func(m *MatchData) bool) {
	for at := 0; at <= len(s.s); {
		m := t.search(re, s, at)
		if m == nil {
			return
		}
		t.turn()
		if !f(m) {
			return
		}
		at = m.pos[1]
		if m.pos[1] == m.pos[0] {
			if at >= len(s.s) {
				return
			}
			at += charSize(s.s[at:])
		}
	}
}

// scan is String#scan.
func (t *Interp) scan(s *String, pattern Value, b *Proc) Value {
	re := t.pattern(pattern)
	out := &Array{}
	var last *MatchData
	t.eachMatch(&String{s: s.s, enc: s.enc}, re, func(m *MatchData) bool {
		last = m
		var v Value
		if len(m.pos) == 2 {
			v = m.group(0)
		} else {
			l := &Array{}
			for i := 1; 2*i < len(m.pos); i++ {
				l.v = append(l.v, m.group(i))
			}
			v = l
		}
		if b != nil {
			t.match = m
			t.yield(b, v)
		} else {
			out.v = append(out.v, v)
		}
		return true
	})
	t.match = last
	if b != nil {
		return s
	}
	return out
}

// substitute is sub and gsub.
func (t *Interp) substitute(s *String, a []Value, b *Proc, all bool) (out string, changed bool) {
	var hash *Hash
	repl := ""
	if len(a) > 1 {
		if h, ok := a[1].(*Hash); ok {
			hash = h
		} else {
			repl = t.text(a[1])
		}
	}
	if p, ok := a[0].(*String); ok && hash == nil && len(a) > 1 && strings.IndexByte(repl, '\\') < 0 {
		n := strings.Count(s.s, p.s)
		if n == 0 {
			t.match = nil
			return s.s, false
		}
		if !all {
			n = 1
		}
		if p.s != "" {
			t.tooLong(len(s.s) + n*(len(repl)-len(p.s)))
			return strings.Replace(s.s, p.s, repl, n), true
		}
	}
	text := s.s
	var dst []byte
	last := 0
	var lastMatch *MatchData
	t.eachMatch(&String{s: text, enc: s.enc}, t.pattern(a[0]), func(m *MatchData) bool {
		lastMatch = m
		dst = append(dst, text[last:m.pos[0]]...)
		last = m.pos[1]
		switch {
		case hash != nil:
			dst = append(dst, t.toS(hash.fetch(t, m.group(0)))...)
		case len(a) > 1:
			dst = expand(dst, repl, m)
		default:
			t.match = m
			dst = t.appendText(dst, t.yield(b, m.group(0)))
		}
		t.tooLong(len(dst))
		return all
	})
	t.match = lastMatch
	if lastMatch == nil {
		return text, false
	}
	return string(append(dst, text[last:]...)), true
}

// expand appends a replacement with its \1, \0, \k<name> and their like.
func expand(dst []byte, repl string, m *MatchData) []byte {
	for i := 0; i < len(repl); i++ {
		c := repl[i]
		if c != '\\' || i+1 == len(repl) {
			dst = append(dst, c)
			continue
		}
		i++
		switch c := repl[i]; {
		case c >= '0' && c <= '9':
			dst = appendGroup(dst, m, int(c-'0'))
		case c == '&':
			dst = appendGroup(dst, m, 0)
		case c == '`':
			dst = append(dst, m.s.s[:m.pos[0]]...)
		case c == '\'':
			dst = append(dst, m.s.s[m.pos[1]:]...)
		case c == '\\':
			dst = append(dst, c)
		case c == 'k' && strings.HasPrefix(repl[i:], "k<") && strings.IndexByte(repl[i:], '>') > 0:
			end := i + strings.IndexByte(repl[i:], '>')
			if v, ok := m.named(repl[i+2 : end]); ok && v != nil {
				dst = append(dst, v.(*String).s...)
			}
			i = end
		default:
			dst = append(dst, '\\', c)
		}
	}
	return dst
}

func appendGroup(dst []byte, m *MatchData, g int) []byte {
	if 2*g < len(m.pos) && m.pos[2*g] >= 0 {
		dst = append(dst, m.s.s[m.pos[2*g]:m.pos[2*g+1]]...)
	}
	return dst
}

// validUTF8 reports whether a text is.
func validUTF8(s string) bool { return utf8.ValidString(s) }

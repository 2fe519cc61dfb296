package ruby

import (
	"net/url"
	"strings"

	"millrace/internal/ruby/text"
)

// uriParts is what a URI is made of; what is not there is nil.
type uriParts struct {
	scheme, userinfo, host, port, path, query, fragment, opaque *string
}

// uriMethods fills URI and CGI.
func uriMethods(c *core) {
	m := c.mod(c.object, "URI")
	c.uri = m
	e := c.defineIn(m, "Error", c.standardError)
	c.uriError = c.defineIn(m, "InvalidURIError", e)
	g := c.defineIn(m, "Generic", c.object)
	c.uriGeneric = g
	c.uriHTTP = c.defineIn(m, "HTTP", g)
	c.uriHTTPS = c.defineIn(m, "HTTPS", c.uriHTTP)
	uriParsing(c, m)
	uriAccess(g)
	form := func(name string, f func(string) string) {
		m.sdef(name, 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value { return strValue(f(t.toS(a[0]))) })
	}
	form("encode_www_form_component", text.EncodeWWWFormComponent)
	form("encode_uri_component", text.URLEncode)
	decode := func(t *Interp, self Value, a []Value, b *Proc) Value {
		s, err := text.DecodeWWWFormComponent(t.text(a[0]))
		t.check(err)
		return strValue(s)
	}
	m.sdef("decode_www_form_component", 1, 2, decode)
	m.sdef("decode_uri_component", 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		s, err := text.DecodeWWWFormComponent(strings.ReplaceAll(t.text(a[0]), "+", "%2B"))
		t.check(err)
		return strValue(s)
	})
	m.sdef("decode_www_form", 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		pairs, err := text.DecodeWWWForm(t.text(a[0]))
		t.check(err)
		out := &Array{}
		for _, p := range pairs {
			out.v = append(out.v, stringArray(p[:]))
		}
		return out
	})
	m.sdef("encode_www_form", 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value { return strValue(t.encodeForm(a[0])) })
	cgiMethods(c)
}

func (t *Interp) encodeForm(v Value) string {
	var pairs []text.FormPair
	for _, p := range t.items(v) {
		l := t.list(p)
		pair := text.FormPair{Name: t.toS(l[0])}
		if len(l) > 1 && l[1] != nil {
			if values, ok := l[1].(*Array); ok {
				pair.List = true
				for _, x := range values.v {
					pair.Values = append(pair.Values, t.toS(x))
				}
			} else {
				pair.Values = []string{t.toS(l[1])}
			}
		}
		pairs = append(pairs, pair)
	}
	return text.EncodeWWWForm(pairs)
}

func uriParsing(c *core, m *Class) {
	parse := func(t *Interp, self Value, a []Value, b *Proc) Value { return t.parseURI(t.text(a[0])) }
	m.sdef("parse", 1, 1, parse)
	c.kernel.defn("URI", 1, 1, parse)
	m.sdef("join", 1, -1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		u, err := url.Parse(t.text(a[0]))
		for _, r := range a[1:] {
			if err == nil {
				u, err = u.Parse(t.text(r))
			}
		}
		if err != nil {
			return t.raise(t.core.uriError, "bad URI(is not URI?): %s", t.inspect(a[0]))
		}
		return t.parseURI(u.String())
	})
	m.sdef("extract", 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return t.scan(a[0].(*String), t.regexp(`\b[a-z][a-z0-9+.-]*://[^\s<>"]+`, "i"), nil)
	})
	m.sdef("regexp", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return t.regexp(`\b[a-z][a-z0-9+.-]*://[^\s<>"]+`, "i")
	})
	escape := func(t *Interp, self Value, a []Value, b *Proc) Value {
		return strValue(strings.NewReplacer("%25", "%", "+", "%20").Replace(url.PathEscape(t.text(a[0]))))
	}
	m.sdef("escape", 1, 2, escape)
	m.sdef("encode", 1, 2, escape)
	unescape := func(t *Interp, self Value, a []Value, b *Proc) Value {
		return strValue(text.CGIUnescape(strings.ReplaceAll(t.text(a[0]), "+", "%2B")))
	}
	m.sdef("unescape", 1, 1, unescape)
	m.sdef("decode", 1, 1, unescape)
}

// splitURI takes a URI apart by RFC 3986.
func splitURI(s string) (p uriParts, ok bool) {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c <= ' ' || c >= 0x7f || strings.IndexByte("<>\"{}|\\^`", c) >= 0 {
			return p, false
		}
	}
	rest := s
	cut := func(sep string) *string {
		i := strings.Index(rest, sep)
		if i < 0 {
			return nil
		}
		tail := rest[i+len(sep):]
		rest = rest[:i]
		return &tail
	}
	p.fragment, p.query = cut("#"), cut("?")
	if i := strings.IndexAny(rest, ":/"); i > 0 && rest[i] == ':' {
		scheme := rest[:i]
		for j := 0; j < i; j++ {
			if c := scheme[j] | 0x20; !(c >= 'a' && c <= 'z' || j > 0 && (scheme[j] >= '0' && scheme[j] <= '9' || strings.IndexByte("+-.", scheme[j]) >= 0)) {
				return p, false
			}
		}
		p.scheme, rest = &scheme, rest[i+1:]
	}
	if strings.HasPrefix(rest, "//") {
		return p, splitAuthority(&p, rest[2:])
	}
	if p.scheme != nil && !strings.HasPrefix(rest, "/") && rest != "" {
		p.opaque = &rest
		return p, true
	}
	p.path = &rest
	return p, true
}

func splitAuthority(p *uriParts, rest string) bool {
	path := ""
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		rest, path = rest[:i], rest[i:]
	}
	p.path = &path
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		user := rest[:i]
		p.userinfo, rest = &user, rest[i+1:]
	}
	if i := strings.LastIndexByte(rest, ':'); i >= 0 && i > strings.LastIndexByte(rest, ']') {
		port := rest[i+1:]
		if _, ok := plainInt(port); !ok && port != "" {
			return false
		}
		if port != "" {
			p.port = &port
		}
		rest = rest[:i]
	}
	if strings.ContainsAny(rest, "[]") && !(strings.HasPrefix(rest, "[") && strings.HasSuffix(rest, "]")) {
		return false
	}
	p.host = &rest
	return true
}

func (t *Interp) parseURI(s string) Value {
	p, ok := splitURI(s)
	if !ok {
		return t.raise(t.core.uriError, "bad URI(is not URI?): %s", t.inspect(strValue(s)))
	}
	class := t.core.uriGeneric
	if p.scheme != nil {
		lower := strings.ToLower(*p.scheme)
		p.scheme = &lower
		switch lower {
		case "http":
			class = t.core.uriHTTP
		case "https":
			class = t.core.uriHTTPS
		}
	}
	return &Object{class: class, data: &p}
}

var defaultPorts = map[string]int64{"http": 80, "https": 443, "ftp": 21, "ldap": 389, "ldaps": 636, "ws": 80, "wss": 443}

func (p *uriParts) text() string {
	var b strings.Builder
	add := func(before string, s *string, after string) {
		if s != nil {
			b.WriteString(before + *s + after)
		}
	}
	add("", p.scheme, ":")
	add("", p.opaque, "")
	if p.host != nil {
		b.WriteString("//")
		add("", p.userinfo, "@")
		add("", p.host, "")
		if n, ok := defaultPorts[deref(p.scheme)]; p.port != nil && !(ok && itoa(int(n)) == *p.port) {
			add(":", p.port, "")
		}
	}
	add("", p.path, "")
	add("?", p.query, "")
	add("#", p.fragment, "")
	return b.String()
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func uriAccess(g *Class) {
	parts := func(v Value) *uriParts { return v.(*Object).data.(*uriParts) }
	field := func(name string, f func(p *uriParts) **string) {
		g.def(name, 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
			if s := *f(parts(self)); s != nil {
				return strValue(*s)
			}
			return nil
		})
		g.def(name+"=", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
			if a[0] == nil {
				*f(parts(self)) = nil
				return nil
			}
			s := t.toS(a[0])
			*f(parts(self)) = &s
			return a[0]
		})
	}
	field("scheme", func(p *uriParts) **string { return &p.scheme })
	field("userinfo", func(p *uriParts) **string { return &p.userinfo })
	field("host", func(p *uriParts) **string { return &p.host })
	field("path", func(p *uriParts) **string { return &p.path })
	field("query", func(p *uriParts) **string { return &p.query })
	field("fragment", func(p *uriParts) **string { return &p.fragment })
	field("opaque", func(p *uriParts) **string { return &p.opaque })
	field("port", func(p *uriParts) **string { return &p.port })
	g.def("port", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		p := parts(self)
		if p.port != nil {
			n, _ := plainInt(*p.port)
			return integer(n)
		}
		if n, ok := defaultPorts[deref(p.scheme)]; ok {
			return integer(n)
		}
		return nil
	})
	g.def("hostname", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if h := parts(self).host; h != nil {
			return strValue(strings.Trim(*h, "[]"))
		}
		return nil
	})
	user := func(name string, i int) {
		g.def(name, 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
			if u := parts(self).userinfo; u != nil {
				if l := strings.SplitN(*u, ":", 2); i < len(l) {
					return strValue(l[i])
				}
			}
			return nil
		})
	}
	user("user", 0)
	user("password", 1)
	g.def("request_uri", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		p := parts(self)
		s := deref(p.path)
		if s == "" {
			s = "/"
		}
		if p.query != nil {
			s += "?" + *p.query
		}
		return strValue(s)
	})
	g.def("to_s", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return strValue(parts(self).text()) })
	g.def("inspect", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return strValue("#<" + t.className(self) + " " + parts(self).text() + ">")
	})
	g.def("absolute?", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return parts(self).scheme != nil })
	g.def("relative?", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return parts(self).scheme == nil })
	g.def("==", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		o, ok := a[0].(*Object)
		if !ok {
			return false
		}
		p, ok := o.data.(*uriParts)
		return ok && p.text() == parts(self).text()
	})
}

func cgiMethods(c *core) {
	k := c.define("CGI", c.object)
	k.alloc = nil
	f := func(name string, g func(string) string) {
		k.sdef(name, 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value { return strValue(g(t.text(a[0]))) })
	}
	f("escape", text.CGIEscape)
	f("unescape", text.CGIUnescape)
	f("escapeHTML", text.EscapeHTML)
	f("unescapeHTML", text.UnescapeHTML)
	k.meta.alias("escapeHTML", "escape_html", "h")
	k.meta.alias("unescapeHTML", "unescape_html")
	k.sdef("parse", 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		h := newHash()
		for _, part := range strings.FieldsFunc(t.text(a[0]), func(r rune) bool { return r == '&' || r == ';' }) {
			name, v, given := strings.Cut(part, "=")
			key := strValue(text.CGIUnescape(name))
			l, ok := h.get(t, key)
			if !ok {
				l = &Array{}
				h.set(t, key, l)
			}
			if given {
				l.(*Array).v = append(l.(*Array).v, strValue(text.CGIUnescape(v)))
			}
		}
		return h
	})
	erb := c.mod(c.define("ERB", c.object), "Util")
	erb.sdef("url_encode", 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return strValue(text.URLEncode(t.toS(a[0]))) })
	erb.sdef("html_escape", 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return strValue(text.EscapeHTML(t.toS(a[0]))) })
}

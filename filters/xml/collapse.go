package xml

import (
	"strings"

	"github.com/antchfx/xmlquery"

	"millrace/pipeline/event"
)

// collapser makes values of elements as Ruby's XmlSimple does.
type collapser struct {
	e   *event.Event
	o   *Options
	doc string // its text
}

// contentKey holds the text of an element that is a hash.
const contentKey = "content"

// collapse returns the value of an element: a hash of its attributes and elements, its text, or null if there is nothing and such elements
// are left out.
func (c *collapser) collapse(n *xmlquery.Node) event.Value {
	o := c.e.NewObject()
	for _, a := range n.Attr {
		o.Set(attrName(&a), event.StringValue(a.Value))
	}
	elements, texts := false, 0
	for child := n.FirstChild; child != nil; child = child.NextSibling {
		switch child.Type {
		case xmlquery.ElementNode:
			elements = true
		case xmlquery.TextNode, xmlquery.CharDataNode:
			texts++
		}
	}
	switch {
	case elements:
		c.children(o, n)
		if texts > 0 {
			c.mixed(o, n, texts)
		}
		if v, ok := anonymous(o); ok {
			return v
		}
	case texts > 0:
		return c.text(o, n)
	}
	if o.Len() == 0 && c.o.SuppressEmpty {
		return event.Value{}
	}
	return event.ObjectValue(o)
}

// anonymous returns the array that stands for its hash: one under the name anon, if there is no other array.
func anonymous(o *event.Object) (event.Value, bool) {
	v, ok := o.Get("anon")
	if !ok || v.List() == nil {
		return event.Value{}, false
	}
	for i := range o.Len() {
		if f := o.At(i); f.Key != "anon" && f.Val.List() != nil {
			return event.Value{}, false
		}
	}
	return v, true
}

// children adds the elements in n. Empty ones are left out where n itself has no attribute.
func (c *collapser) children(o *event.Object, n *xmlquery.Node) {
	for child := n.FirstChild; child != nil; child = child.NextSibling {
		if child.Type != xmlquery.ElementNode {
			continue
		}
		v := c.collapse(child)
		if c.o.SuppressEmpty && len(n.Attr) == 0 && blank(v) {
			continue
		}
		c.merge(o, child.Data, v)
	}
}

// mixed adds the texts between elements, if they are more than white space.
func (c *collapser) mixed(o *event.Object, n *xmlquery.Node, texts int) {
	list := c.e.NewList()
	some := false
	for child := n.FirstChild; child != nil; child = child.NextSibling {
		if child.Type != xmlquery.TextNode && child.Type != xmlquery.CharDataNode {
			continue
		}
		some = some || !isSpace(child.Data)
		s := child.Data
		if child.Type == xmlquery.TextNode {
			s = c.written(s)
		}
		list.Append(event.StringValue(s))
	}
	switch {
	case !some:
	case texts == 1:
		o.Set(contentKey, list.At(0))
	default:
		o.Set(contentKey, event.ListValue(list))
	}
}

// written returns a text as the document has it, which the decoder does not tell: what has to be an entity is one, other characters are if the
// document has their entities at all.
func (c *collapser) written(s string) string {
	if !strings.ContainsAny(s, "&<>\"'") {
		return s
	}
	pairs := []string{"&", "&amp;", "<", "&lt;"}
	for _, pair := range [][2]string{{">", "&gt;"}, {"\"", "&quot;"}, {"'", "&apos;"}} {
		if strings.Contains(c.doc, pair[1]) {
			pairs = append(pairs, pair[:]...)
		}
	}
	return strings.NewReplacer(pairs...).Replace(s)
}

// text is the value of an element without elements in it.
func (c *collapser) text(o *event.Object, n *xmlquery.Node) event.Value {
	var b strings.Builder // a text may be in a million pieces
	for child := n.FirstChild; child != nil; child = child.NextSibling {
		if child.Type == xmlquery.TextNode || child.Type == xmlquery.CharDataNode {
			b.WriteString(child.Data)
		}
	}
	s := b.String()
	switch {
	case len(n.Attr) == 0 && isSpace(s):
		return event.ObjectValue(c.e.NewObject())
	case len(n.Attr) == 0 && !c.o.ForceContent:
		return event.StringValue(s)
	}
	c.merge(o, contentKey, event.StringValue(s))
	return event.ObjectValue(o)
}

// merge adds a value to what a key has already.
func (c *collapser) merge(o *event.Object, key string, v event.Value) {
	old, ok := o.Get(key)
	l := old.List()
	switch {
	case l != nil:
		l.Append(v)
		return
	case !ok && (!c.o.ForceArray || key == contentKey) && v.List() == nil:
		o.Set(key, v)
		return
	}
	l = c.e.NewList()
	if ok {
		l.Append(old)
	}
	l.Append(v)
	o.Set(key, event.ListValue(l))
}

func blank(v event.Value) bool {
	switch v.Kind() {
	case event.Null:
		return true
	case event.KindObject:
		return v.Object().Len() == 0
	case event.String:
		return isSpace(v.Str())
	}
	return false
}

// isSpace reports whether a text is only white space to Ruby.
func isSpace(s string) bool { return strings.Trim(s, " \t\r\n\f\v") == "" }

func attrName(a *xmlquery.Attr) string {
	if a.Name.Space == "" {
		return a.Name.Local
	}
	return a.Name.Space + ":" + a.Name.Local
}

// appendXML writes a node as libxml does.
func appendXML(dst []byte, n *xmlquery.Node) []byte {
	switch n.Type {
	case xmlquery.TextNode:
		return appendEscaped(dst, n.Data, false)
	case xmlquery.CharDataNode:
		return append(append(append(dst, "<![CDATA["...), n.Data...), "]]>"...)
	case xmlquery.CommentNode:
		return append(append(append(dst, "<!--"...), n.Data...), "-->"...)
	case xmlquery.AttributeNode:
		return append(dst, n.InnerText()...)
	case xmlquery.DocumentNode:
		return appendChildren(dst, n)
	case xmlquery.ElementNode:
	default:
		return dst
	}
	name := n.Data
	if n.Prefix != "" {
		name = n.Prefix + ":" + n.Data
	}
	dst = append(append(dst, '<'), name...)
	for i := range n.Attr {
		dst = append(append(append(dst, ' '), attrName(&n.Attr[i])...), `="`...)
		dst = append(appendEscaped(dst, n.Attr[i].Value, true), '"')
	}
	if n.FirstChild == nil {
		return append(dst, "/>"...)
	}
	dst = appendChildren(append(dst, '>'), n)
	return append(append(append(dst, "</"...), name...), '>')
}

func appendChildren(dst []byte, n *xmlquery.Node) []byte {
	for child := n.FirstChild; child != nil; child = child.NextSibling {
		dst = appendXML(dst, child)
	}
	return dst
}

func appendEscaped(dst []byte, s string, attribute bool) []byte {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '&':
			dst = append(dst, "&amp;"...)
		case c == '<':
			dst = append(dst, "&lt;"...)
		case c == '>':
			dst = append(dst, "&gt;"...)
		case c == '"' && attribute:
			dst = append(dst, "&quot;"...)
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

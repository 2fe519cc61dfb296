// Package xml parses fields that hold XML.
package xml

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/antchfx/xmlquery"
	"github.com/antchfx/xpath"

	"millrace/internal/throttle"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the filter.
var Plugin = plugin.DefineFilter("xml", Options{StoreXML: true, ForceArray: true, SuppressEmpty: true}, New)

const failureTag = "_xmlparsefailure"

// Options configures the filter. The comments below are its documentation.
type Options struct {
	// Field that holds the XML, a text or an array with one.
	Source event.Path `opt:"source,required"`

	// Field for the document as a hash: attributes and elements are its members, an element with a text alone is that text.
	Target event.Path `opt:"target"`

	// XPath expressions and the fields for what they find: an array, or the one text that was found if force_array is false.
	XPath config.Map[event.PathTemplate] `opt:"xpath"`

	// Names of libxml2's options, with commas or bars between. All but "recover" make the parser strict: XPath is not tried then on a
	// document that is not well-formed. The others change nothing here.
	ParseOptions string `opt:"parse_options"`

	// Whether the document is put into target.
	StoreXML bool `opt:"store_xml"`

	// Whether an element that stands once is an array, too.
	ForceArray bool `opt:"force_array"`

	// Whether an element with a text alone is a hash as well, with the text as content.
	ForceContent bool `opt:"force_content"`

	// Prefixes that expressions use, and their namespaces. Those that the document's root declares are known anyway.
	Namespaces config.Map[string] `opt:"namespaces"`

	// Whether names lose their prefixes before expressions look at them.
	RemoveNamespaces bool `opt:"remove_namespaces"`

	// Whether elements without attributes and content are left out.
	SuppressEmpty bool `opt:"suppress_empty"`
}

type filter struct {
	o       Options
	queries []*query
	strict  bool
	stats   *plugin.Stats
	log     *throttle.Logger
}

// New compiles the expressions.
func New(o Options, env *plugin.Env) (plugin.Filter, error) {
	f := &filter{o: o, stats: env.Stats, log: throttle.New(env.Log, time.Minute)}
	var errs []error
	if o.StoreXML && o.Target.IsZero() {
		errs = append(errs, errors.New(`option "target" is required unless store_xml is false`))
	}
	var err error
	if f.strict, err = parseOptions(o.ParseOptions); err != nil {
		errs = append(errs, plugin.OptionError("parse_options", err))
	}
	namespaces := make(map[string]string)
	for _, p := range o.Namespaces {
		namespaces[p.Key] = p.Value
	}
	for i := range o.XPath {
		q, err := newQuery(o.XPath[i].Key, o.XPath[i].Value, namespaces)
		if err != nil {
			errs = append(errs, plugin.EntryError("xpath", o.XPath[i].Key, err))
			continue
		}
		if err := q.field.Err(); err != nil {
			env.Warn("xpath", "every event will fail: %v", err)
		}
		f.queries = append(f.queries, q)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return f, nil
}

// knownOptions are the names that Nokogiri has for the options of its parser.
var knownOptions = strings.Fields(`STRICT RECOVER NOENT DTDLOAD DTDATTR DTDVALID NOERROR NOWARNING PEDANTIC NOBLANKS SAX1 XINCLUDE NONET NODICT NSCLEAN
	NOCDATA NOXINCNODE COMPACT OLD10 NOBASEFIX HUGE BIGLINES DEFAULTXML DEFAULTXSLT DEFAULTHTML DEFAULTSCHEMA`)

// parseOptions reads the option of that name, whose words may be written with underscores and in any case.
func parseOptions(text string) (strict bool, err error) {
	strict = strings.TrimSpace(text) != ""
	for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r == '|' }) {
		name := strings.ToUpper(strings.ReplaceAll(strings.TrimSpace(word), "_", ""))
		switch {
		case name == "":
		case !slices.Contains(knownOptions, name):
			return false, fmt.Errorf("unknown parse option %q", word)
		case name == "RECOVER" || strings.HasPrefix(name, "DEFAULT"):
			strict = false
		}
	}
	return strict, nil
}

// query is one entry of xpath.
type query struct {
	text       string
	field      event.PathTemplate
	expr       *xpath.Expr // nil if it uses the prefix xmlns, which stands for a default namespace that only a document tells
	namespaces map[string]string

	mu    sync.Mutex
	byURI map[string]*xpath.Expr
}

func newQuery(text string, field event.PathTemplate, namespaces map[string]string) (*query, error) {
	q := &query{text: text, field: field, namespaces: namespaces, byURI: make(map[string]*xpath.Expr)}
	if strings.Contains(text, "xmlns:") {
		_, err := q.in("urn:any")
		return q, err
	}
	var err error
	q.expr, err = compile(text, namespaces)
	return q, err
}

// compile turns the library's panics about malformed expressions into errors.
func compile(text string, namespaces map[string]string) (expr *xpath.Expr, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the XPath expression cannot be read: %v", r)
		}
	}()
	if len(namespaces) == 0 {
		return xpath.Compile(text)
	}
	return xpath.CompileWithNS(text, namespaces)
}

// maxURIs bounds the expressions that documents with ever new default namespaces can make.
const maxURIs = 256

// in returns the expression for documents with a default namespace.
func (q *query) in(uri string) (*xpath.Expr, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if e := q.byURI[uri]; e != nil {
		return e, nil
	}
	ns := map[string]string{"xmlns": uri}
	for k, v := range q.namespaces {
		ns[k] = v
	}
	e, err := compile(q.text, ns)
	if err == nil && len(q.byURI) < maxURIs {
		q.byURI[uri] = e
	}
	return e, err
}

// Filter parses the source.
func (f *filter) Filter(e *event.Event) bool {
	v, ok := e.Get(&f.o.Source)
	if !ok {
		return false
	}
	if l := v.List(); l != nil {
		if l.Len() != 1 {
			return f.fail(e, errors.New("the source is an array without or with several items"))
		}
		v = l.At(0)
	}
	if v.Kind() != event.String {
		return f.fail(e, errors.New("the source is no string"))
	}
	text := strings.TrimPrefix(v.Str(), "\ufeff")
	if strings.TrimSpace(text) == "" {
		return false
	}
	doc, strictErr := parseDeclared(text)
	if strictErr != nil && f.strict {
		return f.fail(e, strictErr)
	}
	matched := false
	if len(f.queries) > 0 {
		var err error
		if matched, err = f.query(e, text, doc, strictErr); err != nil {
			return f.fail(e, err)
		}
	}
	if !f.o.StoreXML {
		return matched
	}
	if strictErr != nil {
		if doc, strictErr = parseTolerant(text, strictErr); strictErr != nil {
			return f.fail(e, strictErr)
		}
	}
	if err := storable(doc); err != nil {
		return f.fail(e, err)
	}
	c := collapser{e: e, o: &f.o, doc: text}
	if err := e.Set(&f.o.Target, c.collapse(root(doc))); err != nil {
		return f.fail(e, err)
	}
	return true
}

// fail tags and counts; it returns false.
func (f *filter) fail(e *event.Event, err error) bool {
	e.Tag(failureTag)
	f.stats.Failures.Add(1)
	f.log.Warn("a text could not be parsed as XML", slog.String("source", f.o.Source.String()), slog.Any("error", err))
	return false
}

// maxDepth bounds the nesting of elements.
const maxDepth = 512

// parse reads a document. What its declaration says of the encoding was settled when the text came to be UTF-8.
func parse(text string, strict bool) (doc *xmlquery.Node, err error) {
	return parseWith(text, strict, nil)
}

// parseDeclared reads a well-formed document, whose references to entities are to those that it declares itself.
func parseDeclared(text string) (*xmlquery.Node, error) {
	doc, err := parse(text, true)
	if err == nil || !strings.Contains(text, "<!ENTITY") {
		return doc, err
	}
	entities, declErr := entitiesOf(text, false)
	if declErr != nil {
		return nil, declErr
	}
	return parseWith(text, true, entities)
}

// parseWith knows what entities stand for.
func parseWith(text string, strict bool, entities map[string]string) (doc *xmlquery.Node, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the document cannot be read: %v", r)
		}
	}()
	doc, err = xmlquery.ParseWithOptions(strings.NewReader(text), xmlquery.ParserOptions{Decoder: &xmlquery.DecoderOptions{
		Strict: strict, Entity: entities, CharsetReader: func(_ string, r io.Reader) (io.Reader, error) { return r, nil },
	}})
	if err != nil {
		return nil, err
	}
	if root(doc) == nil {
		return nil, errors.New("the document has no element")
	}
	depth := 0
	for n := doc; n != nil; {
		if i := repeated(n.Attr); i >= 0 {
			if strict {
				return nil, fmt.Errorf("the element %s has the attribute %s twice", n.Data, n.Attr[i].Name.Local)
			}
			n.Attr = n.Attr[:i] // what follows a mistake is not read
		}
		if n.FirstChild != nil {
			if n, depth = n.FirstChild, depth+1; depth > maxDepth {
				return nil, fmt.Errorf("elements are nested more than %d deep", maxDepth)
			}
			continue
		}
		for n != nil && n.NextSibling == nil {
			n, depth = n.Parent, depth-1
		}
		if n != nil {
			n = n.NextSibling
		}
	}
	return doc, nil
}

// completed returns what can be read of a text that is not well-formed, with all elements closed.
func completed(text string) string {
	d := xml.NewDecoder(strings.NewReader(text))
	d.Strict = false
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	var open []string
	end := 0
	for {
		t, err := d.Token()
		if err != nil {
			break
		}
		begin := end
		end = int(d.InputOffset())
		switch t.(type) {
		case xml.StartElement:
			name := strings.TrimLeft(text[begin:end], "<")
			open = append(open, name[:strings.IndexAny(name+">", " \t\r\n/>")])
		case xml.EndElement:
			if len(open) > 0 {
				open = open[:len(open)-1]
			}
		}
	}
	var b strings.Builder
	b.WriteString(text[:end])
	for _, name := range slices.Backward(open) {
		b.WriteString("</" + name + ">")
	}
	return b.String()
}

// repeated returns the place of an attribute whose name another one in front of it has, -1 if there is none. The decoder does not look.
func repeated(attrs []xmlquery.Attr) int {
	if len(attrs) > 16 { // comparing all with all takes the square of their number
		seen := make(map[xml.Name]bool, len(attrs))
		for i := range attrs {
			if seen[attrs[i].Name] {
				return i
			}
			seen[attrs[i].Name] = true
		}
		return -1
	}
	for i := range attrs {
		if slices.ContainsFunc(attrs[:i], func(a xmlquery.Attr) bool { return a.Name == attrs[i].Name }) {
			return i
		}
	}
	return -1
}

func root(doc *xmlquery.Node) *xmlquery.Node {
	for n := doc.FirstChild; n != nil; n = n.NextSibling {
		if n.Type == xmlquery.ElementNode {
			return n
		}
	}
	return nil
}

// query puts what the expressions find into the event. A document that is not well-formed is read as far as it goes.
func (f *filter) query(e *event.Event, text string, doc *xmlquery.Node, strictErr error) (matched bool, err error) {
	if strictErr != nil {
		if doc, err = parse(completed(text), false); err != nil {
			return false, err
		}
	}
	if f.o.RemoveNamespaces {
		if strictErr == nil && f.o.StoreXML { // the stored document keeps them
			if doc, err = parse(text, true); err != nil {
				return false, err
			}
		}
		removeNamespaces(doc)
	}
	for _, q := range f.queries {
		found, err := q.run(e, doc)
		if err != nil {
			return matched, err
		}
		if found.Len() == 0 {
			continue
		}
		var scratch event.Path
		p, err := q.field.Resolve(e, &scratch)
		if err != nil {
			return matched, err
		}
		v := event.ListValue(found)
		if found.Len() == 1 && !f.o.ForceArray {
			v = found.At(0)
		}
		if err := e.Set(p, v); err != nil {
			return matched, err
		}
		matched = true
	}
	return matched, nil
}

// run returns what the expression finds as texts: elements as XML.
func (q *query) run(e *event.Event, doc *xmlquery.Node) (found *event.List, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the XPath expression %s failed: %v", q.text, r)
		}
	}()
	expr := q.expr
	if expr == nil {
		if expr, err = q.in(root(doc).NamespaceURI); err != nil {
			return nil, err
		}
	}
	found = e.NewList()
	add := func(b []byte) { found.Append(event.StringValue(e.Arena.Take(b))) }
	switch v := expr.Evaluate(xmlquery.CreateXPathNavigator(doc)).(type) {
	case *xpath.NodeIterator:
		for v.MoveNext() {
			nav := v.Current().(*xmlquery.NodeNavigator)
			if nav.NodeType() == xpath.AttributeNode {
				add(append(e.Arena.Free(), nav.Value()...))
				continue
			}
			add(appendXML(e.Arena.Free(), nav.Current()))
		}
	case string:
		add(append(e.Arena.Free(), v...))
	case float64:
		add(event.AppendRubyFloat(e.Arena.Free(), v))
	case bool:
		if v {
			add(strconv.AppendBool(e.Arena.Free(), v))
		}
	}
	return found, nil
}

// removeNamespaces takes prefixes and declarations from all names.
func removeNamespaces(doc *xmlquery.Node) {
	for n := doc; n != nil; {
		n.Prefix, n.NamespaceURI = "", ""
		kept := n.Attr[:0]
		for _, a := range n.Attr {
			if a.Name.Space == "xmlns" || a.Name.Space == "" && a.Name.Local == "xmlns" {
				continue
			}
			a.Name.Space, a.NamespaceURI = "", ""
			kept = append(kept, a)
		}
		n.Attr = kept
		if n.FirstChild != nil {
			n = n.FirstChild
			continue
		}
		for n != nil && n.NextSibling == nil {
			n = n.Parent
		}
		if n != nil {
			n = n.NextSibling
		}
	}
}

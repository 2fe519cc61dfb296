package mapping

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
	"unsafe"

	"millrace/internal/store/query"
)

// ErrNewFields says that a document has fields that the mapping does not know yet: parse it again with Grow.
var ErrNewFields = errors.New("the document has fields that are not mapped")

// DocError is what a document has wrong, in Elasticsearch's words.
type DocError struct {
	Type, Reason          string
	CauseType, Cause      string
	CauseType2, CauseText string // the cause of the cause
}

func (e *DocError) Error() string { return e.Reason }

// Parser turns documents into fields. One parser serves one request: what it returns is valid until Reset.
type Parser struct {
	a    arena
	m    *Mapping
	json scanner
	id   string
	grow bool

	first int     // the index of the document's first field
	slots []int32 // by Node.slot: the index of the field in a.fields, plus 1
	used  []int
	added []addition
	timed bool // @timestamp has a value
}

type addition struct{ parent, node *Node }

// Reset forgets all documents. It reports whether the parser is worth keeping.
func (p *Parser) Reset() bool {
	if p.a.tooLarge() {
		return false
	}
	p.a.reset()
	p.json.reset()
	clear(p.added[:cap(p.added)])
	p.m, p.id = nil, ""
	return true
}

// Grow says whether Parse may add fields to the mapping, for which nobody else may use it meanwhile.
func (p *Parser) Grow(on bool) { p.grow = on }

// Added reports whether the last document added to the mapping.
func (p *Parser) Added() bool { return len(p.added) > 0 }

// Parse reads a document, whose bytes must not change while its fields are used.
func (p *Parser) Parse(m *Mapping, id string, source []byte) ([]query.Field, error) {
	p.m, p.id, p.timed = m, id, false
	p.json.b, p.json.i = source, 0
	p.first, p.added = len(p.a.fields), p.added[:0]
	if len(p.slots) < m.slots {
		p.slots = append(p.slots, make([]int32, m.slots+64-len(p.slots))...)
	}
	err := p.document()
	for _, s := range p.used {
		p.slots[s] = 0
	}
	p.used = p.used[:0]
	if err != nil {
		for _, a := range slices.Backward(p.added) {
			m.remove(a.parent, a.node)
		}
		p.added = p.added[:0]
		p.a.fields = p.a.fields[:p.first]
		return nil, err
	}
	return p.a.fields[p.first:len(p.a.fields):len(p.a.fields)], nil
}

func (p *Parser) document() error {
	s := &p.json
	if !utf8.Valid(s.b) {
		return p.syntax(&syntaxError{0, "Invalid UTF-8"})
	}
	if s.space() != '{' {
		return &DocError{Type: "document_parsing_exception", Reason: "Malformed content, must start with an object"}
	}
	if err := p.object(p.m.root, 1); err != nil {
		return err
	}
	end := s.i
	if c := s.space(); c != 0 {
		return p.syntax(s.fail("unexpected content after the document"))
	}
	if p.m.Stream && !p.timed {
		const why = "data stream timestamp field [@timestamp] is missing"
		return &DocError{"document_parsing_exception", fmt.Sprintf("[1:%d] failed to parse: %s", end, why), "illegal_argument_exception", why, "", ""}
	}
	return nil
}

func (p *Parser) syntax(err error) error {
	var e *syntaxError
	if !errors.As(err, &e) {
		return err
	}
	reason := fmt.Sprintf("[1:%d] %s", e.at+1, e.msg)
	return &DocError{"document_parsing_exception", fmt.Sprintf("[1:%d] failed to parse: %s", e.at+1, reason), "x_content_parse_exception", reason, "", ""}
}

func (p *Parser) refuse(at int, reason string) error {
	return &DocError{"document_parsing_exception", fmt.Sprintf("[1:%d] failed to parse: %s", at+1, reason), "illegal_argument_exception", reason, "", ""}
}

// object reads the object that the scanner stands at.
func (p *Parser) object(n *Node, depth int) error {
	s := &p.json
	s.i++
	if s.space() == '}' {
		s.i++
		return nil
	}
	mark := s.openObject()
	for {
		at := s.i
		key, err := s.key(&p.a)
		if err == nil {
			err = s.unique(mark, key)
		}
		if err != nil {
			return p.syntax(err)
		}
		if err := p.member(n, key, at, depth); err != nil {
			return err
		}
		switch s.space() {
		case ',':
			s.i++
			s.space()
		case '}':
			s.i++
			s.closeObject(mark)
			return nil
		default:
			return p.syntax(s.fail("expected a comma or the end of the object"))
		}
	}
}

// metadata are fields of Elasticsearch's own.
func metadata(key string) bool {
	switch key {
	case "_id", "_index", "_source", "_routing", "_field_names", "_ignored", "_seq_no", "_version", "_tier", "_nested_path", "_doc_count", "_feature", "_data_stream_timestamp":
		return true
	}
	return false
}

// member reads the value of a key of n.
func (p *Parser) member(n *Node, key string, at, depth int) error {
	s := &p.json
	if n.disabled {
		return p.skip()
	}
	child := n.children[key]
	if child == nil && strings.IndexByte(key, '.') >= 0 {
		var err error
		if n, key, err = p.dotted(n, key, at, &depth); err != nil {
			return err
		}
		if n == nil {
			return p.skip()
		}
		child = n.children[key]
	}
	if child == nil {
		switch {
		case key == "":
			return p.refuse(at, "field name cannot be an empty string")
		case n.Path == "" && metadata(key):
			return p.metadataField(key)
		}
		return p.unmapped(n, key, depth)
	}
	c := s.space()
	if child.children != nil {
		return p.intoObject(child, c, depth)
	}
	return p.leaf(child, c)
}

func (p *Parser) metadataField(key string) error {
	s := &p.json
	at := s.i
	preview, err := p.preview()
	if err != nil {
		return err
	}
	reason := fmt.Sprintf("[1:%d] Field [%s] is a metadata field and cannot be added inside a document. Use the index API request parameters.", at+1, key)
	return &DocError{"document_parsing_exception",
		fmt.Sprintf("[1:%d] failed to parse field [%s] of type [%s] in document with id '%s'. Preview of field's value: '%s'", at+1, key, key, p.id, preview),
		"document_parsing_exception", reason, "", ""}
}

// dotted finds or makes the objects that a key with dots names; n is nil where what follows is not mapped.
func (p *Parser) dotted(n *Node, key string, at int, depth *int) (*Node, string, error) {
	whole := key
	if key = strings.TrimRight(key, "."); key == "" { // dots at the end say nothing
		return nil, "", p.refuse(at, "field name cannot contain only dots")
	}
	for {
		head, rest, more := strings.Cut(key, ".")
		if strings.TrimSpace(head) == "" {
			return nil, "", p.refuse(at, fmt.Sprintf("field name cannot contain only whitespace: ['%s']", whole))
		}
		if !more {
			return n, head, nil
		}
		next := n.children[head]
		if next == nil {
			var err error
			if next, err = p.newObject(n, head, *depth); next == nil || err != nil {
				return nil, "", err
			}
		}
		if next.children == nil {
			return nil, "", &DocError{Type: "document_parsing_exception", Reason: fmt.Sprintf("[1:%d] object mapping for [%s] tried to parse field [%s] as object, but found a concrete value", at+1, next.Path, head)}
		}
		if *depth++; *depth > maxDepth {
			return nil, "", tooDeepDoc(next.Path)
		}
		n, key = next, rest
	}
}

func tooDeepDoc(path string) error {
	return &DocError{Type: "illegal_argument_exception", Reason: fmt.Sprintf("Limit of mapping depth [%d] has been exceeded due to object field [%s]", maxDepth, path)}
}

// skip passes over a value that is kept in the source alone.
func (p *Parser) skip() error {
	p.json.space()
	if err := p.json.skip(0); err != nil {
		return p.syntax(err)
	}
	return nil
}

// intoObject reads the value of a field that is mapped as an object.
func (p *Parser) intoObject(n *Node, c byte, depth int) error {
	s := &p.json
	switch c {
	case '{':
		if n.disabled {
			return p.skip()
		}
		if depth >= maxDepth {
			return tooDeepDoc(n.Path)
		}
		return p.object(n, depth+1)
	case '[':
		return p.array(func(c byte) error { return p.intoObject(n, c, depth) })
	case 'n':
		return p.skip()
	}
	if n.disabled {
		return p.skip()
	}
	at := s.i
	if err := p.skip(); err != nil {
		return err
	}
	return &DocError{Type: "document_parsing_exception", Reason: fmt.Sprintf("[1:%d] object mapping for [%s] tried to parse field [%s] as object, but found a concrete value", at+1, n.Path, n.Name)}
}

// array calls f at each element.
func (p *Parser) array(f func(c byte) error) error {
	s := &p.json
	if err := s.enter(); err != nil {
		return p.syntax(err)
	}
	defer s.leave()
	s.i++
	if s.space() == ']' {
		s.i++
		return nil
	}
	for {
		if err := f(s.space()); err != nil {
			return err
		}
		switch s.space() {
		case ',':
			s.i++
		case ']':
			s.i++
			return nil
		default:
			return p.syntax(s.fail("expected a comma or the end of the array"))
		}
	}
}

// dynamicOf returns what n does with fields that it does not know.
func (p *Parser) dynamicOf(n *Node) dynamic {
	for {
		if n.dynamic != inherit {
			return n.dynamic
		}
		if n.Path == "" {
			return dynTrue
		}
		i := strings.LastIndexByte(n.Path, '.')
		parent := p.m.root
		if i >= 0 {
			for part := range strings.SplitSeq(n.Path[:i], ".") {
				parent = parent.children[part]
			}
		}
		n = parent
	}
}

// newObject makes an object for a dotted name; nil if it is not to be mapped.
func (p *Parser) newObject(parent *Node, name string, depth int) (*Node, error) {
	switch p.dynamicOf(parent) {
	case dynFalse:
		return nil, nil
	case dynStrict:
		return nil, p.strict(parent, name)
	}
	if !p.grow {
		return nil, ErrNewFields
	}
	if depth >= maxDepth {
		return nil, tooDeepDoc(join(parent, name))
	}
	if full, err := p.atLimit(1); full || err != nil {
		return nil, err
	}
	n := p.m.addObject(parent, strings.Clone(name))
	p.added = append(p.added, addition{parent, n})
	return n, nil
}

func (p *Parser) strict(parent *Node, name string) error {
	in := parent.Path
	if in == "" {
		in = "_doc"
	}
	p.json.space()
	return &DocError{Type: "strict_dynamic_mapping_exception", Reason: fmt.Sprintf("[1:%d] mapping set to strict, dynamic introduction of [%s] within [%s] is not allowed", p.json.i+1, name, in)}
}

// atLimit reports whether n more fields are too many, as an error where the index does not ignore them.
func (p *Parser) atLimit(n int) (bool, error) {
	if p.m.count+n <= p.m.Limit {
		return false, nil
	}
	if p.m.IgnoreBeyond {
		return true, nil
	}
	reason := fmt.Sprintf("Limit of total fields [%d] has been exceeded while adding new fields [%d]", p.m.Limit, n)
	return true, &DocError{"document_parsing_exception", fmt.Sprintf("[1:%d] failed to parse: %s", p.json.i+1, reason), "illegal_argument_exception", reason, "", ""}
}

// unmapped reads the value of a field that the mapping does not know.
func (p *Parser) unmapped(n *Node, key string, depth int) error {
	s := &p.json
	switch p.dynamicOf(n) {
	case dynFalse:
		return p.skip()
	case dynStrict:
		return p.strict(n, key)
	}
	c := s.space()
	if c == '[' {
		// The first value that is not null decides; an array without one maps nothing.
		return p.array(func(c byte) error {
			switch {
			case c == 'n':
				return p.skip()
			case n.children[key] != nil:
				child := n.children[key]
				if child.children != nil {
					return p.intoObject(child, c, depth)
				}
				return p.leaf(child, c)
			}
			return p.unmapped(n, key, depth)
		})
	}
	if c == 'n' {
		return p.skip()
	}
	if !p.grow {
		return ErrNewFields
	}
	child, err := p.newField(n, strings.Clone(key), c, depth)
	if err != nil {
		return err
	}
	switch {
	case child == nil:
		return p.skip()
	case child.children != nil:
		return p.intoObject(child, c, depth)
	}
	return p.leaf(child, c)
}

// newField maps a field by its first value; nil if there is no room for it.
func (p *Parser) newField(parent *Node, name string, c byte, depth int) (*Node, error) {
	s := &p.json
	jsonType := ""
	var dateFormat *DateFormat
	switch c {
	case '{':
		jsonType = "object"
		if depth >= maxDepth {
			return nil, tooDeepDoc(join(parent, name))
		}
	case '"':
		jsonType = "string"
		if !p.m.noDates {
			mark := s.i
			v, err := s.str(&p.a)
			if err != nil {
				return nil, p.syntax(err)
			}
			s.i = mark
			if dateFormat = p.detectDate(v); dateFormat != nil {
				jsonType = "date"
			}
		}
	case 't', 'f':
		jsonType = "boolean"
	default:
		mark := s.i
		_, whole, err := s.number()
		if err != nil {
			return nil, p.syntax(err)
		}
		s.i = mark
		if jsonType = "double"; whole {
			jsonType = "long"
		}
	}
	def := p.m.dynamicMapping(name, join(parent, name), jsonType)
	if dateFormat != nil && def["type"] == "date" && def["format"] == nil && dateFormat.Text != "strict_date_optional_time" {
		def = M{"type": "date", "format": dateFormat.Text + "||epoch_millis", "locale": ""}
	}
	if jsonType == "object" && (def == nil || def["type"] == nil || def["type"] == "object") {
		if full, err := p.atLimit(1); full || err != nil {
			return nil, err
		}
		n := p.m.addObject(parent, name)
		p.added = append(p.added, addition{parent, n})
		return n, p.asDocError(p.m.objectParams(n, def))
	}
	typ, _ := def["type"].(string)
	n, err := newField(parent, name, Type(typ), def)
	if err != nil {
		return nil, p.asDocError(err)
	}
	if full, err := p.atLimit(1 + len(n.Fields)); full || err != nil {
		return nil, err
	}
	p.m.add(parent, n)
	p.added = append(p.added, addition{parent, n})
	return n, nil
}

func (p *Parser) asDocError(err error) error {
	var e *Error
	if errors.As(err, &e) {
		return &DocError{Type: e.Type, Reason: e.Reason}
	}
	return err
}

// detectDate returns the format by which a text is a date, nil if there is none. A year alone is none.
func (p *Parser) detectDate(s string) *DateFormat {
	for _, f := range p.m.dates {
		if f == defaultDates[0] && (len(s) < 7 || s[4] != '-') || f == defaultDates[1] && (len(s) < 10 || s[4] != '/') {
			continue
		}
		if _, ok := f.Parse(s, nil, false); ok {
			return f
		}
	}
	return nil
}

// field returns the document's field of n.
func (p *Parser) field(n *Node, kind query.Kind) *query.Field {
	if n.slot >= len(p.slots) {
		p.slots = append(p.slots, make([]int32, n.slot+64-len(p.slots))...)
	}
	if i := p.slots[n.slot]; i > 0 {
		return &p.a.fields[i-1]
	}
	p.a.fields = append(p.a.fields, query.Field{Name: n.Path, Kind: kind, NoNorms: kind == query.Text && !n.Norms})
	p.slots[n.slot] = int32(len(p.a.fields))
	p.used = append(p.used, n.slot)
	return &p.a.fields[len(p.a.fields)-1]
}

// leaf reads the value of a field, and gives it to the field's multi-fields too.
func (p *Parser) leaf(n *Node, c byte) error {
	s := &p.json
	if n.Type.Kind() == 0 {
		if n.Type == Alias {
			return &DocError{Type: "document_parsing_exception", Reason: fmt.Sprintf("[1:%d] failed to parse field [%s] of type [alias] in document with id '%s'", s.i+1, n.Path, p.id),
				CauseType: "illegal_argument_exception", Cause: fmt.Sprintf("Cannot write to a field alias [%s].", n.Path)}
		}
		return p.skip()
	}
	if c == '[' {
		return p.array(func(c byte) error { return p.leaf(n, c) })
	}
	v := value{at: s.i}
	var err error
	switch c {
	case '"':
		v.kind = isString
		v.text, err = s.str(&p.a)
	case 't', 'f':
		v.kind, v.text = isBool, "true"
		if c == 'f' {
			v.text = "false"
		}
		err = s.word(v.text)
	case 'n':
		if err = s.word("null"); err == nil {
			if n.null == nil {
				return nil
			}
			v.kind, v.text = isString, strings.Trim(n.nullText(), `"`)
			if n.Type.Kind() == query.Int || n.Type.Kind() == query.Float {
				v.kind = isNumber
			}
			if n.Type == Boolean {
				v.kind = isBool
			}
		}
	case '{':
		v.kind = isObject
		v.text, err = p.objectPreview()
		v.at = s.i - 1
	default:
		v.kind = isNumber
		v.text, _, err = s.number()
	}
	if err != nil {
		return p.syntax(err)
	}
	return p.store(n, &v)
}

func (p *Parser) store(n *Node, v *value) error {
	if n.Index || n.DocValues || n.Type == Date || n.Type == DateNanos {
		if err := p.put(n, v); err != nil {
			return err
		}
	}
	for _, f := range n.Fields {
		if f.Type.Kind() != 0 {
			if err := p.put(f, v); err != nil {
				return err
			}
		}
	}
	return nil
}

// put adds a value to the document's field of n.
func (p *Parser) put(n *Node, v *value) error {
	var why *cause
	kind := n.Type.Kind()
	switch {
	case kind == query.Text:
		why = p.putText(n, v)
	case kind == query.Keyword:
		why = p.putKeyword(n, v)
	case kind == query.Date:
		why = p.putDate(n, v)
	case n.Type == Boolean:
		why = p.putBool(n, v)
	case kind == query.Int:
		why = p.putInt(n, v)
	default:
		why = p.putFloat(n, v)
	}
	if why == nil {
		return nil
	}
	if p.ignores(n) && kind != query.Text && (n.Type == IP || kind != query.Keyword) && !n.isTimestamp {
		return nil
	}
	reason := fmt.Sprintf("[1:%d] failed to parse field [%s] of type [%s] in document with id '%s'. Preview of field's value: '%s'", v.at+1, n.Path, n.Type, p.id, v.text)
	return &DocError{"document_parsing_exception", reason, why.typ, why.reason, why.typ2, why.reason2}
}

func (p *Parser) ignores(n *Node) bool {
	if _, given := n.params["ignore_malformed"]; given {
		return n.malformed
	}
	return p.m.IgnoreMalformed
}

func (p *Parser) putText(n *Node, v *value) *cause {
	if v.kind == isObject {
		return v.notText()
	}
	from := len(p.a.terms)
	p.a.tokens(v.text)
	to := len(p.a.terms)
	f := p.field(n, query.Text)
	if f.Terms == nil {
		f.Terms = p.a.terms[from:to:to]
		if f.Terms == nil {
			f.Terms = []string{}
		}
		return nil
	}
	if to > from && len(f.Terms) > 0 {
		f.Gaps = extend(&p.a.gaps, f.Gaps, len(f.Terms))
	}
	f.Terms = append(f.Terms, p.a.terms[from:to]...)
	p.a.terms = p.a.terms[:from]
	return nil
}

// maxTerm is the longest keyword that Lucene takes, in bytes.
const maxTerm = 32766

func (p *Parser) putKeyword(n *Node, v *value) *cause {
	if v.kind == isObject {
		return v.notText()
	}
	t := v.text
	switch {
	case n.Type == IP:
		k, ok := IPTerm(t)
		if !ok {
			return &cause{typ: "illegal_argument_exception", reason: fmt.Sprintf("'%s' is not an IP string literal.", t)}
		}
		t = k
	case n.Type == ConstantKeyword:
		want, given := n.params["value"]
		if given && fmt.Sprint(want) != t {
			return &cause{typ: "illegal_argument_exception", reason: fmt.Sprintf("[constant_keyword] field [%s] only accepts values that are equal to the value defined in the mappings [%v], but got [%s]", n.Path, want, t)}
		}
	case n.ignoreAbove > 0 && len(t) > n.ignoreAbove && utf16Len(t) > n.ignoreAbove:
		return nil
	case len(t) > maxTerm && n.Type != Wildcard:
		return &cause{typ: "illegal_argument_exception", reason: fmt.Sprintf("Document contains at least one immense term in field=\"%s\" (whose UTF8 encoding is longer than the max length %d), all of which were skipped.", n.Path, maxTerm)}
	}
	f := p.field(n, query.Keyword)
	f.Terms = extend(&p.a.terms, f.Terms, t)
	return nil
}

func utf16Len(s string) int {
	n := 0
	for _, r := range s {
		if n++; r >= 0x10000 {
			n++
		}
	}
	return n
}

func (p *Parser) putDate(n *Node, v *value) *cause {
	if v.kind == isObject {
		return v.notText()
	}
	if n.isTimestamp && p.timed && p.m.Stream {
		return &cause{typ: "illegal_argument_exception", reason: "data stream timestamp field [@timestamp] encountered multiple values"}
	}
	if v.text == "" {
		return &cause{typ: "illegal_argument_exception", reason: "cannot parse empty datetime"}
	}
	ms, ok := n.Format.Parse(v.text, nil, false)
	if !ok {
		return &cause{
			"illegal_argument_exception", fmt.Sprintf("failed to parse date field [%s] with format [%s]", v.text, n.Format.Text),
			"date_time_parse_exception", "Failed to parse with all enclosed parsers",
		}
	}
	p.timed = p.timed || n.isTimestamp
	f := p.field(n, query.Date)
	f.Ints = extend(&p.a.ints, f.Ints, ms)
	return nil
}

func (p *Parser) putBool(n *Node, v *value) *cause {
	var b int64
	switch {
	case v.kind == isNumber || v.kind == isObject:
		token := "VALUE_NUMBER_INT"
		if v.kind == isObject {
			token = "START_OBJECT"
		} else if strings.ContainsAny(v.text, ".eE") {
			token = "VALUE_NUMBER_FLOAT"
		}
		return &cause{typ: "x_content_parse_exception", reason: fmt.Sprintf("[1:%d] Current token (%s) not of boolean type", v.at+2, token)}
	case v.text == "true":
		b = 1
	case v.text == "false" || v.text == "":
	default:
		return &cause{typ: "illegal_argument_exception", reason: fmt.Sprintf("Failed to parse value [%s] as only [true] or [false] are allowed.", v.text)}
	}
	f := p.field(n, query.Int)
	f.Ints = extend(&p.a.ints, f.Ints, b)
	return nil
}

func (p *Parser) putInt(n *Node, v *value) *cause {
	i, ok, why := v.whole(n)
	if !ok {
		return why
	}
	f := p.field(n, query.Int)
	f.Ints = extend(&p.a.ints, f.Ints, i)
	return nil
}

func (p *Parser) putFloat(n *Node, v *value) *cause {
	x, ok, why := v.float(n)
	if !ok {
		return why
	}
	f := p.field(n, query.Float)
	f.Floats = extend(&p.a.floats, f.Floats, x)
	return nil
}

// preview returns the value that the scanner stands before, as Java would print it.
func (p *Parser) preview() (string, error) {
	s := &p.json
	c := s.space()
	from := s.i
	if err := s.skip(0); err != nil {
		return "", p.syntax(err)
	}
	raw := string(s.b[from:s.i])
	if c == '"' {
		raw = raw[1 : len(raw)-1]
	}
	return raw, nil
}

// objectPreview passes over an object and returns it in Java's form {a=1, b=x}.
func (p *Parser) objectPreview() (string, error) {
	s := &p.json
	from := s.i
	if err := s.skip(0); err != nil {
		return "", err
	}
	raw := s.b[from:s.i]
	if len(raw) > 256 {
		raw = raw[:256]
		for len(raw) > 0 && !utf8.Valid(raw) {
			raw = raw[:len(raw)-1]
		}
	}
	return javaForm(raw), nil
}

func javaForm(raw []byte) string {
	var b strings.Builder
	quoted := false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case c == '"':
			quoted = !quoted
		case quoted:
			b.WriteByte(c)
		case c == ':':
			b.WriteByte('=')
		case c == ',':
			b.WriteString(", ")
		case c == ' ' || c == '\n' || c == '\t' || c == '\r':
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func str(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// Unquote reads a string of valid JSON, quotes and escapes included.
func Unquote(raw []byte) string {
	s := scanner{b: raw}
	var a arena
	v, err := s.str(&a)
	if err != nil {
		return string(raw)
	}
	return v
}

package mapping

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"millrace/internal/store/query"
)

// M is an object of JSON as requests bring it; numbers are json.Number.
type M = map[string]any

// Error is a mistake in a mapping, with the type that Elasticsearch gives it.
type Error struct{ Type, Reason string }

func (e *Error) Error() string { return e.Reason }

func mistake(format string, args ...any) error {
	return &Error{Type: "mapper_parsing_exception", Reason: fmt.Sprintf(format, args...)}
}

// dynamic says what becomes of fields that the mapping does not know.
type dynamic uint8

const (
	inherit dynamic = iota
	dynTrue
	dynFalse
	dynStrict
)

// Node is an object or a field of a mapping.
type Node struct {
	Name, Path string
	Type       Type
	Fields     []*Node // multi-fields
	Format     *DateFormat
	Scale      float64
	Index      bool
	DocValues  bool
	Norms      bool
	// Refused says why the field cannot be searched though its type is known.
	Refused string

	children    map[string]*Node
	params      M // as given, without properties and fields
	dynamic     dynamic
	disabled    bool
	ignoreAbove int
	malformed   bool // ignore_malformed
	strict      bool // coerce: false
	null        any
	target      string // of an alias
	slot        int
	isTimestamp bool
}

// Mapping is the mapping of one index. Reading it needs no lock as long as nothing adds to it.
type Mapping struct {
	root      *Node
	fields    map[string]*Node // leaves by path, multi-fields and aliases included
	templates []dynamicTemplate
	noDates   bool // date_detection: false
	dates     []*DateFormat
	meta      any
	dataFlags M // _data_stream_timestamp and the like, echoed
	timestamp *Node
	slots     int
	count     int // objects and fields, which the limit counts

	// Limit is the most fields; IgnoreBeyond keeps further ones in the source alone in place of an error.
	Limit        int
	IgnoreBeyond bool
	// IgnoreMalformed is what fields do whose mapping does not say it.
	IgnoreMalformed bool
	// Stream says that the index belongs to a data stream: each document has one @timestamp.
	Stream bool
}

// DefaultLimit is Elasticsearch's index.mapping.total_fields.limit.
const DefaultLimit = 1000

// maxDepth is Elasticsearch's index.mapping.depth.limit.
const maxDepth = 20

// New returns a mapping without fields.
func New() *Mapping {
	return &Mapping{
		root: &Node{Type: Object, children: map[string]*Node{}, Index: true}, fields: map[string]*Node{}, Limit: DefaultLimit,
		dates: defaultDates,
	}
}

var defaultDates = func() []*DateFormat {
	var all []*DateFormat
	for _, t := range []string{"strict_date_optional_time", "yyyy/MM/dd HH:mm:ss||yyyy/MM/dd"} {
		f, err := NewDateFormat(t)
		if err != nil {
			panic("BUG: " + err.Error())
		}
		all = append(all, f)
	}
	return all
}()

var defaultDate = func() *DateFormat {
	f, err := NewDateFormat(DefaultDateFormat)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return f
}()

// Merge adds what a mapping says to m; m is changed even where an error is returned.
func (m *Mapping) Merge(def M) error {
	for _, k := range slices.Sorted(maps.Keys(def)) {
		v := def[k]
		var err error
		switch k {
		case "properties", "dynamic", "enabled", "subobjects":
		case "dynamic_templates":
			err = m.mergeTemplates(v)
		case "date_detection":
			on, ok := truth(v)
			if !ok {
				err = mistake("Failed to parse value [%v] as only [true] or [false] are allowed.", v)
			}
			m.noDates = !on
		case "numeric_detection":
			if on, ok := truth(v); !ok || on {
				err = mistake("[numeric_detection] is not supported by this store")
			}
		case "dynamic_date_formats":
			err = m.setDates(v)
		case "_meta":
			m.meta = v
		case "_data_stream_timestamp", "_source", "_routing", "_size", "_field_names":
			err = m.setMetadata(k, v)
		case "runtime":
			if r, ok := v.(M); !ok || len(r) > 0 {
				err = mistake("[runtime] fields are not supported by this store")
			}
		default:
			err = mistake("Root mapping definition has unsupported parameters:  [%s : %v]", k, v)
		}
		if err != nil {
			return err
		}
	}
	if err := m.objectParams(m.root, def); err != nil {
		return err
	}
	if err := m.mergeProperties(m.root, def["properties"], 1); err != nil {
		return err
	}
	if m.count > m.Limit {
		return &Error{"illegal_argument_exception", fmt.Sprintf("Limit of total fields [%d] has been exceeded", m.Limit)}
	}
	return m.checkAliases()
}

func (m *Mapping) checkAliases() error {
	for _, n := range m.fields {
		if n.Type == Alias {
			if t := m.fields[n.target]; t == nil || t.Type == Alias {
				return &Error{"mapper_parsing_exception", fmt.Sprintf("Invalid [path] value [%s] for field alias [%s]: an alias must refer to an existing field in the mappings.", n.target, n.Path)}
			}
		}
	}
	return nil
}

// setMetadata takes what a mapping says of metadata fields. What would change the sources of documents is refused.
func (m *Mapping) setMetadata(k string, v any) error {
	def, ok := v.(M)
	if !ok {
		return mistake("[%s] config must be an object", k)
	}
	on, isBool := truth(def["enabled"])
	switch {
	case k == "_source" && (len(def) > 1 || len(def) == 1 && (!isBool || !on)):
		return mistake("[_source] %v is not supported by this store: sources are kept as they are", v)
	case k == "_size" && isBool && on, k == "_routing" && len(def) > 0:
		return mistake("[%s] %v is not supported by this store", k, v)
	}
	if m.dataFlags == nil {
		m.dataFlags = M{}
	}
	m.dataFlags[k] = v
	return nil
}

func (m *Mapping) setDates(v any) error {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	m.dates = nil
	for _, t := range list {
		s, _ := t.(string)
		f, err := NewDateFormat(s)
		if err != nil {
			return mistake("%v", err)
		}
		m.dates = append(m.dates, f)
	}
	return nil
}

func truth(v any) (on, ok bool) {
	switch v := v.(type) {
	case bool:
		return v, true
	case string:
		return v == "true", v == "true" || v == "false"
	}
	return false, false
}

// objectParams reads the parameters of an object.
func (m *Mapping) objectParams(n *Node, def M) error {
	if v, ok := def["dynamic"]; ok {
		switch s := fmt.Sprint(v); s {
		case "true":
			n.dynamic = dynTrue
		case "false":
			n.dynamic = dynFalse
		case "strict":
			n.dynamic = dynStrict
		default:
			return mistake("[dynamic: %s] of [%s] is not supported by this store", s, n.Path)
		}
		n.setParam("dynamic", v)
	}
	if v, ok := def["enabled"]; ok {
		on, valid := truth(v)
		if !valid {
			return mistake("Failed to parse value [%v] as only [true] or [false] are allowed.", v)
		}
		n.disabled = !on
		n.setParam("enabled", on)
	}
	if v, ok := def["subobjects"]; ok {
		if on, valid := truth(v); !valid || !on {
			return mistake("[subobjects: %v] of [%s] is not supported by this store", v, n.Path)
		}
	}
	return nil
}

func (n *Node) setParam(k string, v any) {
	if n.params == nil {
		n.params = M{}
	}
	n.params[k] = v
}

func (m *Mapping) mergeProperties(parent *Node, v any, depth int) error {
	if v == nil {
		return nil
	}
	props, ok := v.(M)
	if !ok {
		return mistake("Expected map for property [properties] on field [%s] but got a class %T", parent.Path, v)
	}
	for _, name := range slices.Sorted(maps.Keys(props)) {
		def, ok := props[name].(M)
		if !ok {
			return mistake("Expected map for property [fields] on field [%s] but got a class %T", name, props[name])
		}
		at, last, err := m.descend(parent, name, depth)
		if err == nil {
			err = m.mergeNode(at, last, def, depth+strings.Count(name, "."))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// descend makes the objects that a dotted name stands for.
func (m *Mapping) descend(parent *Node, name string, depth int) (at *Node, last string, err error) {
	for {
		head, rest, dotted := strings.Cut(name, ".")
		if head == "" || strings.TrimSpace(head) == "" {
			return nil, "", mistake("field name cannot be an empty string")
		}
		if !dotted {
			return parent, head, nil
		}
		next := parent.children[head]
		if next == nil {
			next = m.addObject(parent, head)
		}
		if next.children == nil {
			return nil, "", mistake("can't merge a non object mapping [%s] with an object mapping", next.Path)
		}
		if parent, name, depth = next, rest, depth+1; depth > maxDepth {
			return nil, "", tooDeep(next.Path)
		}
	}
}

func tooDeep(path string) error {
	return &Error{"illegal_argument_exception", fmt.Sprintf("Limit of mapping depth [%d] has been exceeded due to object field [%s]", maxDepth, path)}
}

func join(parent *Node, name string) string {
	if parent.Path == "" {
		return name
	}
	return parent.Path + "." + name
}

func (m *Mapping) addObject(parent *Node, name string) *Node {
	n := &Node{Name: name, Path: join(parent, name), Type: Object, children: map[string]*Node{}, Index: true}
	parent.children[name] = n
	m.count++
	return n
}

func (m *Mapping) mergeNode(parent *Node, name string, def M, depth int) error {
	typ, _ := def["type"].(string)
	if typ == "" {
		if _, ok := def["type"]; ok {
			return mistake("The mapper type of [%s] must be a string", join(parent, name))
		}
		typ = string(Object)
		if old := parent.children[name]; old != nil && old.children == nil && def["properties"] == nil {
			typ = string(old.Type)
		}
	}
	old := parent.children[name]
	if Type(typ) != Object {
		return m.mergeField(parent, name, Type(typ), def, old)
	}
	if depth >= maxDepth {
		return tooDeep(join(parent, name))
	}
	for k := range def {
		if !slices.Contains([]string{"type", "properties", "dynamic", "enabled", "subobjects"}, k) {
			if def["type"] == nil && def["properties"] == nil {
				return mistake("No type specified for field [%s]", name)
			}
			return mistake("unknown parameter [%s] on mapper [%s] of type [object]", k, name)
		}
	}
	switch {
	case old == nil:
		old = m.addObject(parent, name)
	case old.children == nil:
		return &Error{"illegal_argument_exception", fmt.Sprintf("can't merge a non object mapping [%s] with an object mapping", old.Path)}
	}
	if err := m.objectParams(old, def); err != nil {
		return err
	}
	return m.mergeProperties(old, def["properties"], depth+1)
}

// mergeField adds a field, or changes what may be changed of one that there is.
func (m *Mapping) mergeField(parent *Node, name string, typ Type, def M, old *Node) error {
	n, err := newField(parent, name, typ, def)
	if err != nil {
		return err
	}
	if old != nil {
		if old.children != nil {
			return &Error{"illegal_argument_exception", fmt.Sprintf("can't merge a non object mapping [%s] with an object mapping", n.Path)}
		}
		if old.Type != n.Type {
			return &Error{"illegal_argument_exception", fmt.Sprintf("mapper [%s] cannot be changed from type [%s] to [%s]", n.Path, old.Type, n.Type)}
		}
		return m.update(old, n)
	}
	m.add(parent, n)
	return nil
}

// update gives a field the multi-fields and the parameters that a mapping adds. Others may not change.
func (m *Mapping) update(old, n *Node) error {
	for _, k := range []string{"index", "doc_values", "norms", "format", "analyzer", "scaling_factor", "path", "value"} {
		if a, b := old.params[k], n.params[k]; fmt.Sprint(a) != fmt.Sprint(b) && (b != nil || k == "format") {
			if k == "norms" && b == false || k == "value" && a == nil {
				continue
			}
			return &Error{"illegal_argument_exception", fmt.Sprintf("Mapper for [%s] conflicts with existing mapper:\n\tCannot update parameter [%s] from [%v] to [%v]", n.Path, k, a, b)}
		}
	}
	maps.Copy(n.params, maps.Clone(old.paramsWithout(n.params)))
	old.params, old.ignoreAbove, old.malformed, old.null, old.strict = n.params, n.ignoreAbove, n.malformed, n.null, n.strict
	for _, f := range n.Fields {
		i := slices.IndexFunc(old.Fields, func(o *Node) bool { return o.Name == f.Name })
		if i >= 0 {
			if old.Fields[i].Type != f.Type {
				return &Error{"illegal_argument_exception", fmt.Sprintf("mapper [%s] cannot be changed from type [%s] to [%s]", f.Path, old.Fields[i].Type, f.Type)}
			}
			continue
		}
		old.Fields = append(slices.Clip(old.Fields), f)
		m.register(f)
	}
	return nil
}

func (n *Node) paramsWithout(given M) M {
	kept := M{}
	for k, v := range n.params {
		if _, ok := given[k]; !ok && (k == "meta" || k == "norms" || k == "value") {
			kept[k] = v
		}
	}
	return kept
}

// add puts a new field into the mapping.
func (m *Mapping) add(parent, n *Node) {
	parent.children[n.Name] = n
	if parent == m.root && n.Name == "@timestamp" && n.Type.Kind() == query.Date {
		n.isTimestamp, m.timestamp = true, n
	}
	m.register(n)
	for _, f := range n.Fields {
		m.register(f)
	}
}

func (m *Mapping) register(n *Node) {
	n.slot = m.slots
	m.slots++
	m.count++
	m.fields[n.Path] = n
}

// remove takes back what add did, for a document that was refused after all.
func (m *Mapping) remove(parent, n *Node) {
	delete(parent.children, n.Name)
	m.count--
	delete(m.fields, n.Path)
	for _, f := range n.Fields {
		m.count--
		delete(m.fields, f.Path)
	}
	if m.timestamp == n {
		m.timestamp = nil
	}
}

// Field returns the field of a path, an alias resolved; nil if there is none.
func (m *Mapping) Field(path string) *Node {
	n := m.fields[path]
	if n != nil && n.Type == Alias {
		n = m.fields[n.target]
	}
	return n
}

// IsObject reports whether a path names an object.
func (m *Mapping) IsObject(path string) bool {
	n := m.root
	for head, rest, more := strings.Cut(path, "."); ; head, rest, more = strings.Cut(rest, ".") {
		if n = n.children[head]; n == nil || n.children == nil {
			return false
		}
		if !more {
			return true
		}
	}
}

// Paths returns the paths of all fields that a pattern with * matches, sorted.
func (m *Mapping) Paths(pattern string) []string {
	var all []string
	for p := range m.fields {
		if Simple(pattern, p) {
			all = append(all, p)
		}
	}
	slices.Sort(all)
	return all
}

// Simple reports whether text matches a pattern in which * stands for any characters.
func Simple(pattern, text string) bool {
	head, rest, starred := strings.Cut(pattern, "*")
	if !starred {
		return pattern == text
	}
	if !strings.HasPrefix(text, head) {
		return false
	}
	text = text[len(head):]
	for {
		part, more, starred := strings.Cut(rest, "*")
		if !starred {
			return strings.HasSuffix(text, part)
		}
		i := strings.Index(text, part)
		if i < 0 {
			return false
		}
		text, rest = text[i+len(part):], more
	}
}

// Definition returns the mapping as GET _mapping shows it.
func (m *Mapping) Definition() M {
	def := m.root.definition()
	maps.Copy(def, m.dataFlags)
	if m.noDates {
		def["date_detection"] = false
	}
	if m.meta != nil {
		def["_meta"] = m.meta
	}
	if len(m.templates) > 0 {
		var list []any
		for _, t := range m.templates {
			list = append(list, M{t.name: t.def})
		}
		def["dynamic_templates"] = list
	}
	if !slices.Equal(m.dates, defaultDates) {
		var list []any
		for _, f := range m.dates {
			list = append(list, f.Text)
		}
		def["dynamic_date_formats"] = list
	}
	return def
}

func (n *Node) definition() M {
	def := maps.Clone(n.params)
	if def == nil {
		def = M{}
	}
	if n.children != nil {
		if len(n.children) > 0 {
			props := M{}
			for k, c := range n.children {
				props[k] = c.definition()
			}
			def["properties"] = props
		} else if n.Path != "" {
			def["type"] = "object"
		}
		return def
	}
	def["type"] = string(n.Type)
	if len(n.Fields) > 0 {
		fields := M{}
		for _, f := range n.Fields {
			fields[f.Name] = f.definition()
		}
		def["fields"] = fields
	}
	return def
}

// Leaves calls f for each field in the order of paths.
func (m *Mapping) Leaves(f func(*Node)) {
	for _, p := range slices.Sorted(maps.Keys(m.fields)) {
		f(m.fields[p])
	}
}

// IsMulti reports whether a path is that of a multi-field, which no source holds under its own name.
func (m *Mapping) IsMulti(path string) bool {
	i := strings.LastIndexByte(path, '.')
	return i > 0 && m.fields[path[:i]] != nil
}

// dynamicTemplate maps fields that it matches.
type dynamicTemplate struct {
	name string
	def  M

	match, unmatch, pathMatch, pathUnmatch []string
	types, notTypes                        []string
	regex                                  bool
	res                                    map[string]*regexp.Regexp
	mapping                                M
}

func (m *Mapping) mergeTemplates(v any) error {
	list, ok := v.([]any)
	if !ok {
		return mistake("Dynamic template syntax error. An array of named objects is expected.")
	}
	for _, e := range list {
		entry, ok := e.(M)
		if !ok || len(entry) != 1 {
			return mistake("A dynamic template must be defined with a name")
		}
		for name, d := range entry {
			def, ok := d.(M)
			if !ok {
				return mistake("A dynamic template must be defined with a name")
			}
			t, err := newTemplate(name, def)
			if err != nil {
				return err
			}
			if i := slices.IndexFunc(m.templates, func(o dynamicTemplate) bool { return o.name == name }); i >= 0 {
				m.templates[i] = t
			} else {
				m.templates = append(m.templates, t)
			}
		}
	}
	return nil
}

func newTemplate(name string, def M) (dynamicTemplate, error) {
	t := dynamicTemplate{name: name, def: def}
	for _, k := range slices.Sorted(maps.Keys(def)) {
		v := def[k]
		switch k {
		case "match":
			t.match = texts(v)
		case "unmatch":
			t.unmatch = texts(v)
		case "path_match":
			t.pathMatch = texts(v)
		case "path_unmatch":
			t.pathUnmatch = texts(v)
		case "match_mapping_type":
			t.types = texts(v)
		case "unmatch_mapping_type":
			t.notTypes = texts(v)
		case "match_pattern":
			t.regex = v == "regex"
		case "mapping":
			t.mapping, _ = v.(M)
		case "runtime":
			return t, mistake("dynamic template [%s]: [runtime] fields are not supported by this store", name)
		default:
			return t, mistake("Illegal dynamic template parameter: [%s]", k)
		}
	}
	if t.mapping == nil {
		return t, mistake("template [%s] must have either mapping or runtime set", name)
	}
	if typ, ok := t.mapping["type"].(string); ok && !strings.Contains(typ, "{") && !known(Type(typ)) {
		return t, mistake("dynamic template [%s] has invalid content: No handler for type [%s] declared on field", name, typ)
	}
	if !t.regex {
		return t, nil
	}
	t.res = map[string]*regexp.Regexp{}
	for _, p := range slices.Concat(t.match, t.unmatch, t.pathMatch, t.pathUnmatch) {
		re, err := regexp.Compile("^(?:" + p + ")$")
		if err != nil {
			return t, mistake("Pattern [%s] of type [regex] is invalid. Cannot create dynamic template [%s].", p, name)
		}
		t.res[p] = re
	}
	return t, nil
}

func texts(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		var all []string
		for _, e := range v {
			all = append(all, fmt.Sprint(e))
		}
		return all
	}
	return nil
}

func (t *dynamicTemplate) any(patterns []string, text string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		if t.regex {
			return t.res[p].MatchString(text)
		}
		return Simple(p, text)
	})
}

// matches reports whether the template is for a field with a value of one of JSON's types: string, long, double, boolean, date, object.
func (t *dynamicTemplate) matches(name, path, jsonType string) bool {
	if t.match == nil && t.pathMatch == nil && t.types == nil && t.notTypes == nil && t.unmatch == nil && t.pathUnmatch == nil {
		return false
	}
	has := func(list []string) bool { return slices.Contains(list, jsonType) || slices.Contains(list, "*") }
	return (t.match == nil || t.any(t.match, name)) && !t.any(t.unmatch, name) && (t.pathMatch == nil || t.any(t.pathMatch, path)) &&
		!t.any(t.pathUnmatch, path) && (t.types == nil && jsonType != "object" || has(t.types) || t.types == nil && t.mapsObject()) && !has(t.notTypes)
}

// mapsObject reports whether the template's mapping is one that an object's value may have.
func (t *dynamicTemplate) mapsObject() bool {
	typ, _ := t.mapping["type"].(string)
	return typ != "" && slices.Contains(opaque, Type(typ)) || typ == "object"
}

// dynamicDefault are the mappings of values that no template matches.
var dynamicDefault = map[string]M{
	"string":  {"type": "text", "fields": M{"keyword": M{"type": "keyword", "ignore_above": json.Number("256")}}},
	"long":    {"type": "long"},
	"double":  {"type": "float"},
	"boolean": {"type": "boolean"},
	"date":    {"type": "date"},
}

// dynamicMapping returns the mapping of a new field, nil for a plain object.
func (m *Mapping) dynamicMapping(name, path, jsonType string) M {
	for i := range m.templates {
		t := &m.templates[i]
		if !t.matches(name, path, jsonType) {
			continue
		}
		def := substitute(t.mapping, name, jsonType).(M)
		if def["type"] == nil && jsonType != "object" {
			if d := dynamicDefault[jsonType]; jsonType == "string" && len(def) > 0 {
				def["type"] = "text"
			} else {
				def["type"] = d["type"]
			}
		}
		return def
	}
	return dynamicDefault[jsonType]
}

// substitute copies a template's mapping with {name} and {dynamic_type} replaced.
func substitute(v any, name, jsonType string) any {
	switch v := v.(type) {
	case M:
		c := make(M, len(v))
		for k, e := range v {
			c[strings.ReplaceAll(k, "{name}", name)] = substitute(e, name, jsonType)
		}
		return c
	case []any:
		c := make([]any, len(v))
		for i, e := range v {
			c[i] = substitute(e, name, jsonType)
		}
		return c
	case string:
		typ := jsonType
		if d := dynamicDefault[jsonType]; d != nil {
			typ, _ = d["type"].(string)
		}
		return strings.ReplaceAll(strings.ReplaceAll(v, "{name}", name), "{dynamic_type}", typ)
	}
	return v
}

// sortNodes puts multi-fields into the order of their names.
func sortNodes(list []*Node) {
	slices.SortFunc(list, func(a, b *Node) int { return cmp.Compare(a.Name, b.Name) })
}

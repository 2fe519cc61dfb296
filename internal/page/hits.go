package page

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// The limits of what is shown of a hit.
const (
	maxShown     = 8 << 10  // bytes of one value
	maxDocument  = 64 << 10 // bytes of all values of one hit
	maxFields    = 300
	maxSummary   = 700
	maxPart      = 300 // of one value in the summary
	maxDepth     = 12
	maxFieldList = 200
)

// hit is one document as it is shown.
type hit struct {
	ID, Index string
	Time      time.Time // zero if it has none that can be read
	Summary   []field   // if there are no columns
	Cells     []string  // of the columns
	Fields    []field
	More      string // what is not shown
}

// field is one value of a document, its name being a path with dots.
type field struct {
	Name  string
	Value string // visible text
	Kind  string // text, number, bool, null or list
	Cut   bool
	Long  bool
}

// unmarshal reads JSON and keeps numbers as they are written.
func unmarshal(text []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return d.Decode(v)
}

// newHit takes a document apart. A document that cannot be read is shown as the text that it is.
func newHit(raw rawHit, columns []string) hit {
	h := hit{ID: raw.ID, Index: raw.Index}
	var doc map[string]any
	if err := unmarshal(raw.Source, &doc); err != nil {
		text, _ := cut(string(raw.Source), maxShown)
		h.Fields = []field{{Name: "_source", Value: visible(text), Kind: "text"}}
	}
	flat := flatten(nil, "", doc, 0)
	slices.SortStableFunc(flat, func(a, b field) int { return cmp.Compare(a.Name, b.Name) })
	for i := range flat {
		if flat[i].Name == "@timestamp" {
			h.Time, _ = time.Parse(time.RFC3339Nano, flat[i].Value) // zero for what is no time
		}
	}
	h.shown(flat)
	if len(columns) == 0 {
		h.Summary = summary(h.Fields)
		return h
	}
	for _, c := range columns {
		cell := ""
		if i := slices.IndexFunc(h.Fields, func(f field) bool { return f.Name == c }); i >= 0 {
			cell = short(h.Fields[i].Value, maxSummary)
		}
		h.Cells = append(h.Cells, cell)
	}
	return h
}

// shown keeps what one document may fill of a page.
func (h *hit) shown(flat []field) {
	room := maxDocument
	for i, f := range flat {
		if i == maxFields || room <= 0 {
			h.More = plural(int64(len(flat)-i), "more field")
			return
		}
		n := len(f.Value)
		f.Value, f.Cut = cut(f.Value, min(maxShown, room))
		f.Value = visible(f.Value)
		f.Name = visible(short(f.Name, 256))
		if f.Cut {
			f.Value += "… (" + size(n) + " in all)"
		}
		f.Long = len(f.Value) > 120 || strings.Contains(f.Value, "\n")
		room -= len(f.Value)
		h.Fields = append(h.Fields, f)
	}
}

// summary is what stands in one line: the message first, the rest as it fits.
func summary(fields []field) []field {
	var out []field
	room := maxSummary
	take := func(f field) {
		if room > 0 {
			f.Value, f.Cut = cut(f.Value, min(maxPart, room))
			f.Value = strings.Map(func(r rune) rune {
				if r == '\n' || r == '\t' {
					return ' '
				}
				return r
			}, f.Value)
			room -= len(f.Value) + len(f.Name)
			out = append(out, f)
		}
	}
	first := func(f field) bool { return f.Name == "message" }
	for _, f := range fields {
		if first(f) {
			take(f)
		}
	}
	for _, f := range fields {
		if !first(f) && !dull(f.Name) {
			take(f)
		}
	}
	return out
}

// dull reports whether a field says the same in every document, or what is shown already.
func dull(name string) bool {
	return name == "@timestamp" || name == "@version" || name == "event.original" || strings.HasPrefix(name, "data_stream.")
}

// flatten lists the values of a document by their paths.
func flatten(out []field, prefix string, v any, depth int) []field {
	switch v := v.(type) {
	case map[string]any:
		if depth == maxDepth || depth > 0 && len(v) == 0 {
			return append(out, field{Name: prefix, Value: encode(v), Kind: "object"})
		}
		for k, x := range v {
			name := k
			if prefix != "" {
				name = prefix + "." + k
			}
			out = flatten(out, name, x, depth+1)
		}
		return out
	case []any:
		parts := make([]string, 0, len(v))
		for _, x := range v {
			parts = append(parts, text(x))
		}
		return append(out, field{Name: prefix, Value: strings.Join(parts, ", "), Kind: "list"})
	case json.Number:
		return append(out, field{Name: prefix, Value: v.String(), Kind: "number"})
	case bool:
		return append(out, field{Name: prefix, Value: text(v), Kind: "bool"})
	case nil:
		if prefix == "" {
			return out
		}
		return append(out, field{Name: prefix, Value: "null", Kind: "null"})
	}
	return append(out, field{Name: prefix, Value: text(v), Kind: "text"})
}

func text(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return encode(v)
}

func encode(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic("BUG: what was decoded cannot be encoded: " + err.Error())
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// fieldInfo is one line of the list of fields.
type fieldInfo struct {
	Name   string
	Kind   string
	Column bool   // it is one
	URL    string // adds it to the columns or takes it away
	In     int    // hits of this page that have it
	Top    []topValue
}

type topValue struct {
	Value string
	Share float64
	Width float64 // of its bar, of 100
	URL   string  // searches for it
}

const topValues = 5

// fieldList counts the fields of the hits of one page.
func fieldList(o request, hits []hit) []fieldInfo {
	type counted struct {
		kind   string
		in     int
		values map[string]int
		order  []string
	}
	all := make(map[string]*counted)
	for _, h := range hits {
		for _, f := range h.Fields {
			c := all[f.Name]
			if c == nil {
				c = &counted{kind: f.Kind, values: make(map[string]int)}
				all[f.Name] = c
			}
			c.in++
			if f.Kind == "list" || f.Kind == "object" || f.Cut || len(f.Value) > 100 {
				continue
			}
			if c.values[f.Value]++; c.values[f.Value] == 1 {
				c.order = append(c.order, f.Value)
			}
		}
	}
	var out []fieldInfo
	for name, c := range all {
		f := fieldInfo{Name: name, Kind: c.kind, In: c.in, Column: slices.Contains(o.Columns, name)}
		f.URL = o.url(func(n *request) {
			if f.Column {
				n.Columns = slices.DeleteFunc(n.Columns, func(c string) bool { return c == name })
			} else {
				n.Columns = append(n.Columns, name)
			}
		})
		slices.SortStableFunc(c.order, func(a, b string) int { return cmp.Compare(c.values[b], c.values[a]) })
		if name == "@timestamp" || len(c.values) == c.in && c.in > topValues {
			c.order = nil // each value once tells nothing
		}
		for _, v := range c.order[:min(topValues, len(c.order))] {
			share := float64(c.values[v]) / float64(c.in)
			f.Top = append(f.Top, topValue{Value: v, Share: share, Width: round(share * 100), URL: o.url(func(n *request) {
				n.Query, n.After = and(n.Query, term(name, v, c.kind)), ""
			})})
		}
		out = append(out, f)
	}
	slices.SortFunc(out, func(a, b fieldInfo) int { return cmp.Compare(a.Name, b.Name) })
	return out[:min(len(out), maxFieldList)]
}

// and narrows a query.
func and(query, more string) string {
	switch {
	case query == "":
		return more
	case strings.Contains(query, " OR ") || strings.Contains(query, "||") || strings.Contains(query, " ") && !strings.Contains(query, " AND "):
		return "(" + query + ") AND " + more
	}
	return query + " AND " + more
}

// term is the query for one value of a field.
func term(name, value, kind string) string {
	name = escaped(name)
	if kind == "number" || kind == "bool" {
		return name + ":" + escaped(value)
	}
	return name + `:"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value) + `"`
}

// escaped writes a word of a query so that nothing in it is an operator.
func escaped(s string) string {
	var b strings.Builder
	for _, r := range s {
		if strings.ContainsRune(`+-=&|!(){}[]^"~*?:\/ `, r) {
			b.WriteByte('\\')
		}
		if r != '<' && r != '>' { // these cannot be escaped
			b.WriteRune(r)
		}
	}
	return b.String()
}

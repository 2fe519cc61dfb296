package store

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"

	"millrace/internal/store/dsl"
	"millrace/internal/store/mapping"
	"millrace/internal/store/query"
)

// sortKey is one key of the order of hits.
type sortKey struct {
	field    string
	desc     bool
	first    bool // documents without the field come first
	mode     string
	unmapped string // the type to take where no index maps the field
	format   *mapping.DateFormat
	node     *mapping.Node
}

func newSortKey(field string) *sortKey { return &sortKey{field: field, desc: field == "_score"} }

func (k *sortKey) setOrder(order string) error {
	switch order {
	case "asc":
		k.desc = false
	case "desc":
		k.desc = true
	default:
		return badRequest("Unknown SortOrder [%s]", order)
	}
	return nil
}

// parseSort reads "f", {"f":"desc"}, {"f":{…}} or a list of them.
func parseSort(v any) ([]*sortKey, error) {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	var keys []*sortKey
	for _, e := range list {
		switch e := e.(type) {
		case string:
			keys = append(keys, newSortKey(e))
		case object:
			for field, def := range e {
				k, err := parseSortKey(field, def)
				if err != nil {
					return nil, err
				}
				keys = append(keys, k)
			}
			if len(e) > 1 {
				return nil, badRequest("several fields in one object of [sort] have no order among them: write a list")
			}
		default:
			return nil, badRequest("malformed sort format, within the sort array, an object, or an actual string are allowed")
		}
	}
	return keys, nil
}

func parseSortKey(field string, def any) (*sortKey, error) {
	k := newSortKey(field)
	if s, ok := def.(string); ok {
		return k, k.setOrder(s)
	}
	params, ok := def.(object)
	if !ok {
		return nil, badRequest("malformed sort format of [%s]", field)
	}
	for p, v := range params {
		text, _ := dsl.Text(v)
		var err error
		switch p {
		case "order":
			err = k.setOrder(text)
		case "missing":
			if k.first = text == "_first"; !k.first && text != "_last" {
				err = unsupported("[missing: %s] of a sort", text)
			}
		case "mode":
			if k.mode = text; text != "min" && text != "max" {
				err = unsupported("[mode: %s] of a sort", text)
			}
		case "unmapped_type":
			k.unmapped = text
		case "format":
			if k.format, err = mapping.NewDateFormat(text); err != nil {
				err = badRequest("%s", err)
			}
		default:
			err = unsupported("[%s] of a sort", p)
		}
		if err != nil {
			return nil, err
		}
	}
	return k, nil
}

// bind looks the field up in the mapping of an index. The caller holds ix.mu.
func (k *sortKey) bind(ix *index) error {
	switch k.field {
	case "_score", "_doc":
		return nil
	case "_id", "_index", "_shard_doc", "_seq_no", "_version":
		return unsupported("sorting by [%s]", k.field)
	}
	n := ix.mapping.Field(k.field)
	if n == nil {
		if k.unmapped != "" {
			return nil
		}
		e := failure(http.StatusBadRequest, "query_shard_exception", "No mapping found for [%s] in order to sort on", k.field)
		e.index = ix
		return e
	}
	if err := aggregatable(n, ix, "sorted by"); err != nil {
		return err
	}
	if k.node == nil {
		k.node = n
	}
	if k.node.Type.Kind() != n.Type.Kind() || (k.node.Type == mapping.IP) != (n.Type == mapping.IP) {
		return badRequest("Can't sort on field [%s]; the field has incompatible sort types: [%s] and [%s] across shards", k.field, k.node.Type, n.Type)
	}
	return nil
}

// aggregatable refuses fields whose values are not at hand for sorting and aggregating.
func aggregatable(n *mapping.Node, ix *index, use string) error {
	var e *apiError
	switch {
	case n.Type.Kind() == query.Text:
		e = badRequest("Fielddata is disabled on [%s] in [%s]. Text fields are not optimised for operations that require per-document field data like aggregations and sorting, so these operations are disabled by default. Please use a keyword field instead. Alternatively, set fielddata=true on [%s] in order to load field data by uninverting the inverted index. Note that this can use significant memory.", n.Path, ix.name, n.Path)
	case n.Refused != "":
		e = badRequest("field [%s] cannot be %s: %s", n.Path, use, n.Refused)
	case !n.DocValues:
		e = badRequest("Can't load fielddata on [%s] because fielddata is unsupported on fields of type [%s]. Use doc values instead.", n.Path, n.Type)
	default:
		return nil
	}
	e.index = ix
	return e
}

func (k *sortKey) sort() query.Sort {
	s := query.Sort{Field: k.field, Descending: k.desc, MissingFirst: k.first, UseMax: k.desc}
	if k.mode != "" {
		s.UseMax = k.mode == "max"
	}
	if k.node != nil {
		s.Field, s.Kind = k.node.Path, k.node.Type.Kind()
	} else if k.unmapped != "" {
		if s.Kind = mapping.Type(k.unmapped).Kind(); s.Kind == 0 || s.Kind == query.Text {
			s.Kind = query.Keyword
		}
	}
	return s
}

// missing is the sort value of a document without the field, as JSON: the largest or smallest of the field's numbers, as in Elasticsearch.
func (k *sortKey) missing() string {
	least := k.first != k.desc
	choose := func(lo, hi string) string {
		if least {
			return lo
		}
		return hi
	}
	typ := mapping.Type(k.unmapped)
	if k.node != nil {
		typ = k.node.Type
	}
	switch {
	case typ == mapping.Integer || typ == mapping.Short || typ == mapping.Byte:
		return choose("-2147483648", "2147483647")
	case typ.Kind() == query.Int || typ.Kind() == query.Date:
		return choose("-9223372036854775808", "9223372036854775807")
	case typ.Kind() == query.Float:
		return choose(`"-Infinity"`, `"Infinity"`)
	}
	return "null"
}

// after turns a value of search_after into one of the engine's.
func (k *sortKey) after(v any) (any, error) {
	text, ok := dsl.Text(v)
	if v == nil || ok && text == strings.Trim(k.missing(), `"`) && text != "null" {
		return nil, nil
	}
	bad := func() (any, error) {
		return nil, badRequest("Failed to parse search_after value for field [%s].", k.field)
	}
	if !ok {
		return bad()
	}
	switch {
	case k.field == "_score":
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return bad()
		}
		return f, nil
	case k.field == "_doc":
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return bad()
		}
		return n, nil
	}
	switch k.sort().Kind {
	case query.Int:
		if k.node != nil && k.node.Type == mapping.Boolean && (text == "true" || text == "false") {
			return int64(len("false") - len(text)), nil
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return bad()
		}
		return n, nil
	case query.Date:
		if _, number := v.(json.Number); number {
			if n, err := strconv.ParseInt(text, 10, 64); err == nil {
				return n, nil
			}
		}
		f := k.format
		if f == nil && k.node != nil {
			f = k.node.Format
		}
		if f == nil {
			return bad()
		}
		n, ok := f.Parse(text, nil, false)
		if !ok {
			return bad()
		}
		return n, nil
	case query.Float:
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return bad()
		}
		return f, nil
	}
	if k.node != nil && k.node.Type == mapping.IP {
		t, ok := mapping.IPTerm(text)
		if !ok {
			return bad()
		}
		return t, nil
	}
	return text, nil
}

// appendValue writes a sort value of a hit.
func (k *sortKey) appendValue(b []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, k.missing()...)
	case int64:
		if k.format != nil {
			return appendString(b, string(k.format.Append(nil, v, nil)))
		}
		return appendInt(b, v)
	case float64:
		return k.appendFloat(b, v)
	case float32:
		return appendScore(b, v)
	case string:
		if k.node != nil && k.node.Type == mapping.IP {
			v = mapping.IPText(v)
		}
		return appendString(b, v)
	}
	panic(fmt.Sprintf("BUG: a sort value of type %T", v))
}

func (k *sortKey) appendFloat(b []byte, v float64) []byte {
	bits := 64
	if k.field == "_score" || k.node != nil && (k.node.Type == mapping.Float || k.node.Type == mapping.HalfFloat) {
		bits = 32
	}
	return appendDouble(b, v, bits)
}

// appendDouble writes a number with a point or an exponent, as Java does.
func appendDouble(b []byte, v float64, bits int) []byte {
	if math.IsInf(v, 0) || math.IsNaN(v) {
		return appendString(b, strconv.FormatFloat(v, 'g', -1, 64))
	}
	if a := math.Abs(v); a != 0 && (a < 1e-3 || a >= 1e7) {
		return strconv.AppendFloat(b, v, 'E', -1, bits)
	}
	b = strconv.AppendFloat(b, v, 'f', -1, bits)
	if v == math.Trunc(v) {
		b = append(b, ".0"...)
	}
	return b
}

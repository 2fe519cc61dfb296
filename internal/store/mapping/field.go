package mapping

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// newField reads the definition of a field.
func newField(parent *Node, name string, typ Type, def M) (*Node, error) {
	n := &Node{Name: name, Path: join(parent, name), Type: typ, Index: true, DocValues: true, Norms: true, params: M{}}
	if typ == "" || !known(typ) {
		return nil, mistake("Failed to parse mapping: The mapper type [%s] declared on field [%s] does not exist. It might have been created within a future version or requires a plugin to be installed. Check the documentation.", typ, name)
	}
	if typ == Text || typ == MatchOnlyText {
		n.DocValues = false
	}
	if slices.Contains(opaque, typ) {
		n.Refused = fmt.Sprintf("fields of type [%s] are kept and not indexed by this store", typ)
		maps.Copy(n.params, def)
		delete(n.params, "type")
		return n, nil
	}
	for _, k := range slices.Sorted(maps.Keys(def)) {
		if k == "type" {
			continue
		}
		if err := n.setFieldParam(k, def[k]); err != nil {
			return nil, err
		}
		if k != "fields" {
			n.params[k] = def[k]
		}
	}
	switch {
	case typ == Alias && n.target == "":
		return nil, mistake("The [path] property must be specified for field [%s].", name)
	case typ == ScaledFloat && n.Scale == 0:
		return nil, mistake("Failed to parse mapping: Field [scaling_factor] is required")
	case (typ == Date || typ == DateNanos) && n.Format == nil:
		n.Format = defaultDate
	}
	if !n.Index && !n.DocValues && n.Refused == "" {
		n.Refused = "it is neither indexed nor has doc values"
	}
	return n, nil
}

// setFieldParam reads one parameter of a field. What changes only how much disk Elasticsearch takes is accepted.
func (n *Node) setFieldParam(k string, v any) error {
	on, isBool := truth(v)
	flag := func(to *bool, value bool) error {
		if !isBool {
			return mistake("Failed to parse value [%v] as only [true] or [false] are allowed.", v)
		}
		*to = value
		return nil
	}
	switch k {
	case "index":
		return flag(&n.Index, on)
	case "doc_values":
		return flag(&n.DocValues, on)
	case "norms":
		return flag(&n.Norms, on)
	case "ignore_malformed":
		return flag(&n.malformed, on)
	case "coerce":
		return flag(&n.strict, !on)
	case "ignore_above":
		i, err := strconv.Atoi(fmt.Sprint(v))
		if err != nil || i < 1 {
			return mistake("Failed to parse mapping: [ignore_above] must be positive, got [%v]", v)
		}
		n.ignoreAbove = i
	case "null_value":
		n.null = v
	case "format":
		s, _ := v.(string)
		f, err := NewDateFormat(s)
		if err != nil {
			return mistake("Failed to parse mapping: %v", err)
		}
		n.Format = f
	case "scaling_factor":
		f, err := strconv.ParseFloat(fmt.Sprint(v), 64)
		if err != nil || f <= 0 {
			return mistake("Failed to parse mapping: [scaling_factor] must be a positive number, got [%v]", v)
		}
		n.Scale = f
	case "path":
		n.target, _ = v.(string)
	case "fields":
		return n.setMultiFields(v)
	case "analyzer", "search_analyzer", "search_quote_analyzer":
		if v != "standard" && v != "default" {
			n.Refused = fmt.Sprintf("its %s [%v] is not known to this store", k, v)
		}
	case "normalizer", "copy_to", "script", "time_series_dimension", "position_increment_gap":
		n.Refused = fmt.Sprintf("its parameter [%s] is not known to this store", k)
	case "similarity":
		if v != "BM25" {
			n.Refused = fmt.Sprintf("its similarity [%v] is not known to this store", v)
		}
	case "properties", "dynamic", "enabled":
		return mistake("unknown parameter [%s] on mapper [%s] of type [%s]", k, n.Name, n.Type)
	case "store", "value", "meta", "index_options", "eager_global_ordinals", "fielddata", "locale", "boost", "term_vector", "index_prefixes",
		"index_phrases", "split_queries_on_whitespace", "time_series_metric", "on_script_error", "fielddata_frequency_filter", "synthetic_source_keep":
		if (k == "fielddata" || k == "split_queries_on_whitespace") && on {
			n.Refused = fmt.Sprintf("its parameter [%s] is not known to this store", k)
		}
	default:
		return mistake("unknown parameter [%s] on mapper [%s] of type [%s]", k, n.Name, n.Type)
	}
	return nil
}

func (n *Node) setMultiFields(v any) error {
	fields, ok := v.(M)
	if !ok {
		return mistake("[fields] of field [%s] must be an object", n.Name)
	}
	for name, d := range fields {
		def, ok := d.(M)
		if !ok {
			return mistake("illegal field [%s], only fields can be specified inside fields", name)
		}
		typ, _ := def["type"].(string)
		if Type(typ) == Object || Type(typ) == Alias || typ == "" || strings.Contains(name, ".") {
			return mistake("Type [%s] cannot be used in multi field", typ)
		}
		f, err := newField(n, name, Type(typ), def)
		if err != nil {
			return err
		}
		n.Fields = append(n.Fields, f)
	}
	sortNodes(n.Fields)
	return nil
}

// nullText returns null_value as a value of JSON; "" if there is none.
func (n *Node) nullText() string {
	if n.null == nil {
		return ""
	}
	b, err := json.Marshal(n.null)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return string(b)
}

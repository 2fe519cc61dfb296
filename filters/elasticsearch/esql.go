package elasticsearch

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"millrace/internal/onig"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// param is a named parameter of an ES|QL query.
type param struct {
	name  string
	path  *event.Path // nil: value
	value event.Value
}

// limited finds a LIMIT command.
var limited = onig.MustCompile(`(?i)\|\s*LIMIT\s`)

// esqlQuery settles a query in ES|QL, which is limited to as many rows as result_size says unless it limits itself.
func (f *filter) esqlQuery() error {
	o := &f.o
	switch {
	case o.QueryTemplate != "":
		return plugin.OptionError("query_template", errors.New("it does not go with query_type => esql"))
	case o.Index.String() != "":
		return plugin.OptionError("index", errors.New("it does not go with query_type => esql: name the index in the query"))
	}
	text := o.Query.String()
	if err := f.checkESQL(text); err != nil {
		return err
	}
	if !limited.MatchString(text) {
		text += " | LIMIT 1"
	}
	t := event.ParseTemplate(text)
	f.esql = &t
	for _, p := range o.QueryParams {
		v := param{name: p.Key}
		switch {
		case p.Value.Type == config.TypeString && strings.HasPrefix(p.Value.Str, "["):
			path, err := event.ParsePath(p.Value.Str)
			if err != nil {
				return plugin.EntryError("query_params", p.Key, err)
			}
			v.path = &path
		case p.Value.Type == config.TypeInt:
			v.value = event.IntValue(p.Value.Int)
		case p.Value.Type == config.TypeFloat:
			v.value = event.FloatValue(p.Value.Float)
		default:
			v.value = event.StringValue(p.Value.Text())
		}
		f.params = append(f.params, v)
	}
	return nil
}

// placeholder finds the named parameters of a query.
var placeholder = onig.MustCompile(`(?i)(?<=[?])[a-z_][a-z0-9_]*`)

// checkESQL refuses options that have no meaning for ES|QL, names that no parameter can have, and parameters without a value.
func (f *filter) checkESQL(text string) error {
	o := &f.o
	for _, c := range []struct {
		option string
		given  bool
	}{
		{"docinfo_fields", len(o.DocinfoFields) > 0}, {"aggregation_fields", len(o.AggregationFields) > 0},
		{"sort", o.Sort != defaultSort}, {"enable_sort", !o.EnableSort},
	} {
		if c.given {
			return plugin.OptionError(c.option, errors.New("it does not go with query_type => esql"))
		}
	}
	known := make(map[string]bool)
	for _, p := range o.QueryParams {
		if known[p.Key] = true; !validName(p.Key) {
			return plugin.EntryError("query_params", p.Key, errors.New("the name of a parameter has letters, digits and underscores, and no digit in front"))
		}
	}
	m := placeholder.NewMatcher()
	for at := 0; m.MatchAt(text, at); {
		begin, end := m.Group(0)
		if name := text[begin:end]; !known[name] {
			return plugin.OptionError("query", fmt.Errorf("the parameter ?%s has no value in query_params", name))
		}
		at = end
	}
	return nil
}

func validName(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c == '_', c|0x20 >= 'a' && c|0x20 <= 'z', i > 0 && c >= '0' && c <= '9':
		default:
			return false
		}
	}
	return s != ""
}

// table asks by ES|QL. Columns take the place of fields.
func (f *filter) table(e *event.Event) (matched bool, err error) {
	query, err := f.esql.Text(e)
	if err != nil {
		return false, err
	}
	body := append(event.AppendJSONString([]byte(`{"query":`), query), `,"params":[`...)
	for i := range f.params {
		p := &f.params[i]
		v := p.value
		if p.path != nil {
			v, _ = e.Get(p.path)
		}
		if i > 0 {
			body = append(body, ',')
		}
		body = append(event.AppendJSONString(append(body, '{'), p.name), ':')
		body = append(v.AppendJSON(body), '}')
	}
	answer, err := f.client.Ask(f.ctx, http.MethodPost, "/_query?format=json&drop_null_columns=false", string(append(body, "]}"...)))
	if err != nil {
		return false, err
	}
	result, err := object(e, answer)
	if err != nil {
		return false, err
	}
	columns, rows := get(result, "columns").List(), get(result, "values").List()
	if err := e.Set(f.totalRow, event.IntValue(int64(rows.Len()))); err != nil || rows.Len() == 0 {
		return false, err
	}
	for i := range f.fields {
		c := &f.fields[i]
		at := column(columns, strings.Join(c.from, "."))
		if at < 0 {
			continue
		}
		v := item(rows.At(0), at)
		if rows.Len() > 1 {
			l := e.NewList()
			for _, row := range rows.Items() {
				l.Append(item(row, at))
			}
			v = event.ListValue(l)
		}
		if v.IsNull() {
			continue
		}
		if err := e.Set(&c.to, v); err != nil {
			return false, err
		}
	}
	return true, nil
}

func column(columns *event.List, name string) int {
	for i := range columns.Len() {
		if get(columns.At(i).Object(), "name").Str() == name {
			return i
		}
	}
	return -1
}

func item(row event.Value, at int) event.Value {
	if l := row.List(); at < l.Len() {
		return l.At(at)
	}
	return event.Value{}
}

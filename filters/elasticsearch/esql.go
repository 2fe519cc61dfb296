package elasticsearch

import (
	"errors"
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
	answer, err := f.client.ask("/_query?format=json&drop_null_columns=false", string(append(body, "]}"...)))
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

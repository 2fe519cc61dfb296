package jdbcstatic

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"millrace/internal/jdbc"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Options configures the filter. The comments below are its documentation.
type Options struct {
	jdbc.Options

	// What is loaded: hashes with query, the statement for the database, and local_table, the table for its rows, whose columns are in the
	// order of local_db_objects; with max_rows, a million if not given, beyond which nothing is loaded, id, and the options
	// jdbc_connection_string, jdbc_driver_class, jdbc_driver_library, jdbc_user and jdbc_password where they differ from those of the filter.
	Loaders hashes `opt:"loaders"`

	// Tables in memory: hashes with name, columns, an array of names and types such as [["ip", "varchar(64)"], ["id", "integer"]], and
	// index_columns. The columns that look-ups compare by = are indexed in any case.
	Objects hashes `opt:"local_db_objects"`

	// What is looked up for an event: hashes with query, target, a field for the rows, and parameters, names with the fields or templates for
	// their values, or prepared_parameters, an array of these for question marks; with default_hash, which stands for a row where none is found,
	// id, tag_on_failure and tag_on_default_use. A query is SELECT columns FROM table WHERE conditions, with AND, OR, NOT, comparisons, LIKE, IN,
	// BETWEEN, IS NULL, UPPER and LOWER, and ORDER BY and FETCH FIRST behind it. Without target the rows go to a field of the name id.
	Lookups hashes `opt:"local_lookups,required"`

	// When to load again, as a cron line; once, at the start, if not given.
	Schedule string `opt:"loader_schedule"`

	// Tags of events for which a look-up failed, or that lack a parameter.
	TagOnFailure []string `opt:"tag_on_failure"`

	// Tags of events for which a look-up found no row and that got a default_hash.
	TagOnDefaultUse []string `opt:"tag_on_default_use"`

	// Accepted for Logstash's sake: rows are loaded into memory without files.
	StagingDirectory string `opt:"staging_directory"`
}

// hashes is an option that is an array of hashes.
type hashes []config.Value

// UnmarshalOption reads the array, or the one hash of it.
func (h *hashes) UnmarshalOption(v config.Value) error {
	items := v.Items
	if v.Type == config.TypeHash {
		items = []config.Value{v}
	}
	for _, item := range items {
		if item.Type != config.TypeHash {
			return fmt.Errorf("it must be an array of hashes, got %s in it", item.Inspect())
		}
	}
	if v.Type != config.TypeHash && v.Type != config.TypeArray {
		return fmt.Errorf("it must be an array of hashes, got %s", v.Inspect())
	}
	*h = items
	return nil
}

// OptionType names the type for descriptions.
func (hashes) OptionType() string { return "array" }

// reader reads one of these hashes and collects what is wrong.
type reader struct {
	option string
	v      config.Value
	errs   *[]error
	env    *plugin.Env
}

// placed is an error with its place inside the option.
type placed struct {
	err   error
	place config.Place
}

func (p *placed) Error() string                { return p.err.Error() }
func (p *placed) Unwrap() error                { return p.err }
func (p *placed) ErrorPlace() config.Place     { return p.place }
func (r *reader) fail(format string, a ...any) { r.failAt(r.v, fmt.Errorf(format, a...)) }

// failAt reports an error that somebody found in v.
func (r *reader) failAt(v config.Value, err error) {
	e := plugin.OptionError(r.option, &placed{err, v.ErrorPlace(err)})
	hint := jdbc.Hint(err)
	var se *sqlError
	if errors.As(err, &se) {
		hint = se.hint
	}
	if hint != "" {
		e = plugin.Hinted(e, "%s", hint)
	}
	*r.errs = append(*r.errs, e)
}

// known warns of entries that have no name of these: Logstash ignores them.
func (r *reader) known(names ...string) {
	for _, e := range r.v.Hash {
		if !slices.Contains(names, e.Key) {
			hint := config.DidYouMean(e.Key, names)
			if hint != "" {
				hint = "; " + hint
			}
			r.env.Warn(r.option, "%q has no effect%s", e.Key, hint)
		}
	}
}

// text returns a text; "" if there is none.
func (r *reader) text(key string, required bool) string {
	v, ok := r.v.Hash.Get(key)
	switch {
	case !ok && required:
		r.fail("it has to tell %s", key)
	case ok && (v.Type == config.TypeArray || v.Type == config.TypeHash):
		r.failAt(v, fmt.Errorf("%s must be a string, got %s", key, v.Inspect()))
	case ok:
		return v.Text()
	}
	return ""
}

// texts returns an array of texts; nil if there is none.
func (r *reader) texts(key string) (list []string) {
	v, ok := r.v.Hash.Get(key)
	if !ok {
		return nil
	}
	items := v.Items
	if v.Type != config.TypeArray {
		items = []config.Value{v}
	}
	list = []string{}
	for _, item := range items {
		list = append(list, item.Text())
	}
	return list
}

// object reads one of local_db_objects.
func (r *reader) object() *table {
	r.known("name", "columns", "index_columns", "preserve_existing")
	t := &table{name: r.text("name", true)}
	columns, _ := r.v.Hash.Get("columns")
	if columns.Type != config.TypeArray || len(columns.Items) == 0 {
		r.fail("it has to tell columns, an array of names and types")
	}
	for _, c := range columns.Items {
		if c.Type != config.TypeArray || len(c.Items) != 2 {
			r.failAt(c, fmt.Errorf("a column is an array of its name and its type, got %s", c.Inspect()))
			continue
		}
		kind, ok := kindNamed(c.Items[1].Text())
		if !ok {
			r.failAt(c.Items[1], fmt.Errorf("%q is no type of a column, such as varchar(64), integer, decimal(10,2), boolean or timestamp", c.Items[1].Text()))
		}
		name := strings.ToLower(c.Items[0].Text())
		if t.column(name) >= 0 {
			r.failAt(c, fmt.Errorf("there are two columns %q", name))
		}
		t.columns = append(t.columns, tableColumn{name, kind})
	}
	t.indexed = make([]bool, len(t.columns))
	for _, name := range r.texts("index_columns") {
		if i := t.column(name); i >= 0 {
			t.indexed[i] = true
		} else {
			r.fail("the column %q of index_columns is none of columns", name)
		}
	}
	if v, _ := r.v.Hash.Get("preserve_existing"); v.Text() == "true" {
		r.env.Warn(r.option, "preserve_existing has no effect: tables are in memory, and end with the program")
	}
	return t
}

// maxRows is the default of max_rows.
const maxRows = 1_000_000

// loader reads one of loaders.
func (r *reader) loader(o *Options, shared *jdbc.Target, tables map[string]*table) *loader {
	r.known("id", "local_table", "query", "max_rows", "jdbc_connection_string", "jdbc_driver_class", "jdbc_driver_library", "jdbc_user", "jdbc_password",
		"staging_directory")
	l := &loader{id: r.text("id", false), query: r.text("query", true), most: maxRows}
	name := r.text("local_table", true)
	if l.id == "" {
		l.id = name
	}
	if l.table = tables[strings.ToUpper(name)]; l.table == nil && name != "" {
		r.fail("there is no table %q among local_db_objects", name)
	}
	if v, ok := r.v.Hash.Get("max_rows"); ok {
		if v.Type != config.TypeInt || v.Int < 1 {
			r.failAt(v, fmt.Errorf("max_rows must be a positive whole number, got %s", v.Inspect()))
		}
		l.most = int(v.Int)
	}
	l.target = r.database(o, shared)
	return l
}

// database returns the database of a loader: the filter's, which is nil if that is wrong, unless the loader has options of its own.
func (r *reader) database(o *Options, shared *jdbc.Target) *jdbc.Target {
	own := o.Options
	place, differs := r.v, false
	for _, e := range []struct {
		key string
		to  *string
	}{{"jdbc_connection_string", &own.ConnectionString}, {"jdbc_driver_class", &own.DriverClass}, {"jdbc_user", &own.User}, {"jdbc_password", (*string)(&own.Password)}} {
		text := r.text(e.key, false)
		if text == "" {
			continue
		}
		if *e.to, differs = text, true; e.key == "jdbc_connection_string" {
			place, _ = r.v.Hash.Get(e.key)
		}
	}
	if !differs {
		return shared
	}
	target, err := own.Database(r.env)
	if err != nil {
		r.failAt(place, err)
	}
	return target
}

// lookup reads one of local_lookups.
func (r *reader) lookup(n int, o *Options, tables map[string]*table) *lookup {
	r.known("id", "query", "parameters", "prepared_parameters", "target", "default_hash", "tag_on_failure", "tag_on_default_use")
	l := &lookup{id: r.text("id", false), tagOnFailure: o.TagOnFailure, tagOnDefaultUse: o.TagOnDefaultUse}
	if l.id == "" {
		l.id = fmt.Sprintf("lookup-%d", n+1)
	}
	target := r.text("target", false)
	l.named = target != ""
	if target == "" {
		target = l.id
		if r.env.ECS.Enabled() {
			r.env.Log.Info("a look-up has no target: its rows may conflict with the fields of the Elastic Common Schema", "lookup", l.id)
		}
	}
	var err error
	if l.target, err = event.ParsePath(target); err != nil {
		r.fail("the target: %w", err)
	}
	names, positional := r.parameters(l)
	if text := r.text("query", true); text != "" {
		q, _ := r.v.Hash.Get("query")
		if l.query, err = parse(text, tables, names, positional); err != nil {
			r.failAt(q, err)
		}
	}
	if d, ok := r.v.Hash.Get("default_hash"); ok && len(d.Hash) > 0 {
		list := new(event.List)
		list.Append(jdbc.Constant(d))
		l.defaults = event.ListValue(list)
	}
	if tags := r.texts("tag_on_failure"); tags != nil {
		l.tagOnFailure = tags
	}
	if tags := r.texts("tag_on_default_use"); tags != nil {
		l.tagOnDefaultUse = tags
	}
	return l
}

// parameters reads the parameters of a look-up and returns their names.
func (r *reader) parameters(l *lookup) (names []string, positional bool) {
	named, ok := r.v.Hash.Get("parameters")
	prepared, positional := r.v.Hash.Get("prepared_parameters")
	add := func(name string, v config.Value) {
		p, err := jdbc.FieldParam(v)
		if err != nil {
			r.failAt(v, err)
		}
		l.params, names = append(l.params, p), append(names, name)
	}
	switch {
	case ok && positional:
		r.fail("there may be one of parameters and prepared_parameters")
	case ok && named.Type != config.TypeHash && !(named.Type == config.TypeArray && len(named.Items) == 0):
		r.failAt(named, fmt.Errorf("parameters must be a hash, got %s", named.Inspect()))
	case ok:
		for _, e := range named.Hash {
			add(e.Key, e.Value)
		}
	case positional && prepared.Type != config.TypeArray:
		r.failAt(prepared, fmt.Errorf("prepared_parameters must be an array, got %s", prepared.Inspect()))
	case positional:
		for i, v := range prepared.Items {
			add(fmt.Sprint(i), v)
		}
	}
	return names, positional
}

// Package jdbcstreaming asks a database about events, and puts the rows that it finds into them.
package jdbcstreaming

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"millrace/internal/jdbc"
	"millrace/internal/throttle"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the filter.
var Plugin = plugin.DefineFilter("jdbc_streaming", Options{
	TagOnFailure: []string{"_jdbcstreamingfailure"}, TagOnDefaultUse: []string{"_jdbcstreamingdefaultsused"}, UseCache: true,
	CacheExpiration: 5 * time.Second, CacheSize: 500, WarnConstants: true, ValidationTimeout: 3600,
}, New)

// Options configures the filter. The comments below are its documentation.
type Options struct {
	jdbc.Options

	// What to ask. Parameters are written :name.
	Statement string `opt:"statement,required"`

	// Parameters of the statement, and the fields that hold their values, or templates such as "%{[a]}-%{b}".
	Parameters jdbc.Parameters `opt:"parameters"`

	// Field for the rows that are found: an array of hashes.
	Target event.Path `opt:"target,required"`

	// What stands for a row where none is found.
	DefaultHash jdbc.Parameters `opt:"default_hash"`

	// Tags of events for which the database could not be asked.
	TagOnFailure []string `opt:"tag_on_failure"`

	// Tags of events for which no row was found.
	TagOnDefaultUse []string `opt:"tag_on_default_use"`

	// Whether answers are remembered, those without a row and failures too.
	UseCache bool `opt:"use_cache"`

	// For how long, in seconds.
	CacheExpiration time.Duration `opt:"cache_expiration,unit=s"`

	// How many answers are remembered. Those that nobody asked for the longest time make room for others.
	CacheSize int `opt:"cache_size"`

	// Ask by a statement that the database prepares once for a connection. Its parameters are question marks.
	UsePrepared bool `opt:"use_prepared_statements"`

	// Name of the prepared statement. It has to be there, and is otherwise the driver's business.
	PreparedName string `opt:"prepared_statement_name"`

	// Values of the question marks: fields as [a][b], templates, or any value.
	BindValues jdbc.Values `opt:"prepared_statement_bind_values"`

	// Warn of values of question marks that are texts of their own, and may have been meant as fields.
	WarnConstants bool `opt:"prepared_statement_warn_on_constant_usage"`

	// Options for Sequel, the library that Logstash asks databases by. Of these max_connections is honoured: how many connections there may
	// be, one a worker if it is not given.
	SequelOpts jdbc.Parameters `opt:"sequel_opts"`

	// Look whether the database answers before it is asked after jdbc_validation_timeout without a question.
	Validate bool `opt:"jdbc_validate_connection"`

	// Seconds for jdbc_validate_connection.
	ValidationTimeout int `opt:"jdbc_validation_timeout"`
}

// downTime is how long a database that could not be reached is not asked again, so that the attempt costs its time once and not with every
// event.
const downTime = time.Second

type filter struct {
	o         Options
	target    *jdbc.Target
	conns     int
	params    []jdbc.Param
	statement *jdbc.Statement
	prepared  *jdbc.Prepared // in place of statement if not nil
	defaults  event.Value    // belongs to nobody
	answers   *cache         // nil: none
	stats     *plugin.Stats
	log       *throttle.Logger
	ctx       context.Context // of the questions
	hits      *atomic.Int64
	down      atomic.Int64 // until when the database is not asked, in Unix nanoseconds

	once sync.Once
	open *jdbc.DB // made by once
}

// New checks the options. It connects with the first event.
func New(o Options, env *plugin.Env) (plugin.Filter, error) {
	f := &filter{
		o: o, conns: max(env.Workers, 1), stats: env.Stats, log: throttle.New(env.Log, time.Minute), ctx: context.Background(),
		hits: env.Counter("cache_hits", "Answers that were remembered."),
	}
	var err error
	if f.target, err = o.Database(env); err != nil {
		return nil, err
	}
	errs := []error{f.sequel(env)}
	if o.UsePrepared {
		errs = append(errs, f.bind(env))
	} else {
		errs = append(errs, f.name(env))
	}
	if o.UseCache && o.CacheSize < 1 {
		errs = append(errs, plugin.OptionError("cache_size", fmt.Errorf("%d is less than 1; use_cache => false remembers nothing", o.CacheSize)))
	}
	if o.UseCache && o.CacheExpiration > 0 {
		f.answers = newCache(o.CacheSize, o.CacheExpiration)
	}
	row := new(event.Object)
	for _, e := range o.DefaultHash {
		row.Set(e.Key, jdbc.Constant(e.Value))
	}
	list := new(event.List)
	list.Append(event.ObjectValue(row))
	f.defaults = event.ListValue(list)
	return f, errors.Join(errs...)
}

// sequel reads sequel_opts.
func (f *filter) sequel(env *plugin.Env) error {
	for _, e := range f.o.SequelOpts {
		if e.Key != "max_connections" {
			env.Warn("sequel_opts", "%s has no effect: there is no Sequel here", e.Key)
			continue
		}
		if e.Value.Type != config.TypeInt || e.Value.Int < 1 {
			return plugin.EntryError("sequel_opts", e.Key, fmt.Errorf("%s is no number of connections", e.Value.Inspect()))
		}
		f.conns = int(e.Value.Int)
	}
	return nil
}

// name settles named parameters.
func (f *filter) name(env *plugin.Env) error {
	names := f.o.Parameters.Names()
	f.statement = jdbc.Named(f.o.Statement, f.target.URL.Dialect, names).In(f.target.Zone(nil))
	f.statement.CheckNames(names, func(format string, args ...any) { env.Warn("statement", format, args...) })
	for _, e := range f.o.Parameters {
		p, err := jdbc.FieldParam(e.Value)
		if err != nil {
			return plugin.EntryError("parameters", e.Key, err)
		}
		f.params = append(f.params, p)
	}
	return nil
}

// bind settles question marks.
func (f *filter) bind(env *plugin.Env) error {
	f.prepared = jdbc.NewPrepared(f.o.Statement, f.target.URL.Dialect)
	if f.o.PreparedName == "" {
		return plugin.OptionError("use_prepared_statements", errors.New("the statement needs a name, prepared_statement_name"))
	}
	if n := f.prepared.Params(); n != len(f.o.BindValues) {
		return plugin.OptionError("prepared_statement_bind_values", fmt.Errorf("there are %d values for the %d question marks of the statement", len(f.o.BindValues), n))
	}
	var constants []string
	for _, v := range f.o.BindValues {
		p, err := jdbc.BindParam(v)
		if err != nil {
			return plugin.OptionError("prepared_statement_bind_values", err)
		}
		if p.Constant() && v.Type == config.TypeString {
			constants = append(constants, p.String())
		}
		f.params = append(f.params, p)
	}
	if len(constants) > 0 && f.o.WarnConstants {
		env.Warn("prepared_statement_bind_values", "%s: texts as they are; a field is written with brackets, [field]", strings.Join(constants, ", "))
	}
	return nil
}

// db returns the database, opened by whoever asks first.
func (f *filter) db() *jdbc.DB {
	f.once.Do(func() { f.open = f.target.Open(nil, f.conns, "") })
	return f.open
}

// ForWorker returns the filter with room of its own for the values of an event.
func (f *filter) ForWorker() plugin.Filter { return &worker{filter: f} }

// Filter is for workers.
func (f *filter) Filter(e *event.Event) bool { return f.ForWorker().Filter(e) }

type worker struct {
	*filter
	values []event.Value
	key    []byte
}

// Filter asks and puts the rows into the event.
func (w *worker) Filter(e *event.Event) bool {
	a := w.ask(e)
	if a.err != nil {
		w.fail(e, "a database could not be asked", a.err)
	}
	rows := a.rows
	if rows.List().Len() == 0 {
		for _, tag := range w.o.TagOnDefaultUse {
			e.Tag(tag)
		}
		rows = w.defaults
	}
	if err := e.Set(&w.o.Target, e.Own(rows)); err != nil {
		w.fail(e, "rows could not be put into the event", err)
		return false
	}
	return true
}

func (w *worker) fail(e *event.Event, msg string, err error) {
	w.stats.Failures.Add(1)
	for _, tag := range w.o.TagOnFailure {
		e.Tag(tag)
	}
	w.log.Warn(msg, slog.Any("error", err))
}

// ask returns the answer for an event.
func (w *worker) ask(e *event.Event) answer {
	w.values, w.key = w.values[:0], w.key[:0]
	for i := range w.params {
		v, _, err := w.params[i].Value(e)
		if err != nil {
			return answer{err: fmt.Errorf("the parameter %s: %w", w.params[i].String(), err)}
		}
		w.values = append(w.values, v)
		w.key = v.AppendBinary(w.key)
	}
	if w.answers == nil {
		return w.query(w.values)
	}
	a, remembered := w.answers.get(w.key, func() answer { return w.query(w.values) })
	if remembered {
		w.hits.Add(1)
	}
	return a
}

var errDown = errors.New("it could not be reached a moment ago")

// query asks the database.
func (f *filter) query(values []event.Value) (a answer) {
	if time.Now().UnixNano() < f.down.Load() {
		return answer{err: errDown}
	}
	a.rows, a.err = f.rows(values)
	if a.err != nil && jdbc.Unreachable(a.err) && f.ctx.Err() == nil {
		f.down.Store(time.Now().Add(downTime).UnixNano())
	}
	return a
}

func (f *filter) rows(values []event.Value) (event.Value, error) {
	db := f.db()
	if f.o.Validate {
		if err := db.Validate(f.ctx, time.Duration(f.o.ValidationTimeout)*time.Second); err != nil {
			return event.Value{}, err
		}
	}
	var found *sql.Rows
	var err error
	if f.prepared != nil {
		found, err = f.prepared.Query(f.ctx, db, values, f.target.Zone(nil))
	} else {
		var query string
		var args []any
		if query, args, err = f.statement.Fill(values); err == nil {
			found, err = db.QueryContext(f.ctx, query, args...)
		}
	}
	if err != nil {
		return event.Value{}, err
	}
	return db.List(found, 0)
}

// Start has questions end with ctx.
func (f *filter) Start(ctx context.Context) error {
	f.ctx = ctx
	return nil
}

// Close ends the connections.
func (f *filter) Close() error {
	var err error
	if f.prepared != nil {
		err = f.prepared.Close()
	}
	return errors.Join(err, f.db().Close())
}

var (
	_ plugin.PerWorker = (*filter)(nil)
	_ plugin.Starter   = (*filter)(nil)
	_ plugin.Closer    = (*filter)(nil)
)

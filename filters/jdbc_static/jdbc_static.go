// Package jdbcstatic looks events up in tables that it loads from databases into memory.
package jdbcstatic

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"millrace/internal/jdbc"
	"millrace/internal/schedule"
	"millrace/internal/throttle"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the filter.
var Plugin = plugin.DefineFilter("jdbc_static", Options{
	TagOnFailure: []string{"_jdbcstaticfailure"}, TagOnDefaultUse: []string{"_jdbcstaticdefaultsused"},
}, New)

// loader fills a table.
type loader struct {
	id     string
	query  string
	table  *table
	most   int
	target *jdbc.Target
}

// lookup is one of local_lookups.
type lookup struct {
	id              string
	query           *query
	params          []jdbc.Param
	target          event.Path
	named           bool        // the config names the target
	defaults        event.Value // belongs to nobody; null: none
	tagOnFailure    []string
	tagOnDefaultUse []string
}

type filter struct {
	loaders  []*loader
	lookups  []*lookup
	schedule *schedule.Schedule // nil: once
	stats    *plugin.Stats
	slog     *slog.Logger
	log      *throttle.Logger
	cancel   context.CancelFunc // ends the loading by schedule
	running  sync.WaitGroup
}

// New checks the options. The tables are loaded at the start.
func New(o Options, env *plugin.Env) (plugin.Filter, error) {
	f := &filter{stats: env.Stats, slog: env.Log, log: throttle.New(env.Log, time.Minute), cancel: func() {}}
	var errs []error
	shared, err := o.Database(env)
	if err != nil {
		errs = append(errs, err)
	}
	tables := make(map[string]*table)
	for _, v := range o.Objects {
		r := &reader{"local_db_objects", v, &errs, env}
		t := r.object()
		if tables[strings.ToUpper(t.name)] != nil {
			r.fail("there are two tables %q", t.name)
		}
		tables[strings.ToUpper(t.name)] = t
	}
	loaded := make(map[*table]bool)
	for _, v := range o.Loaders {
		r := &reader{"loaders", v, &errs, env}
		l := r.loader(&o, shared, tables)
		if loaded[l.table] && l.table != nil {
			r.fail("there are two loaders for the table %q, and one would replace what the other loads", l.table.name)
		}
		loaded[l.table] = true
		f.loaders = append(f.loaders, l)
	}
	ids, targets := make(map[string]bool), make(map[string]bool)
	for i, v := range o.Lookups {
		r := &reader{"local_lookups", v, &errs, env}
		l := r.lookup(i, &o, tables)
		if ids[l.id] {
			r.fail("there are two look-ups with the id %q", l.id)
		}
		if l.named && targets[l.target.String()] {
			r.fail("there are two look-ups with the target %q", l.target.String())
		}
		ids[l.id], targets[l.target.String()] = true, true
		f.lookups = append(f.lookups, l)
	}
	if o.Schedule != "" {
		s, err := schedule.Cron(o.Schedule)
		if err != nil {
			errs = append(errs, plugin.OptionError("loader_schedule", err))
		}
		f.schedule = &s
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	for _, t := range tables {
		if !loaded[t] {
			env.Warn("local_db_objects", "no loader fills the table %s: nothing will be found in it", t.name)
		}
	}
	return f, nil
}

// Filter looks everything up.
func (f *filter) Filter(e *event.Event) bool {
	all := true
	for _, l := range f.lookups {
		if err := l.enhance(e); err != nil {
			all = false
			f.stats.Failures.Add(1)
			for _, tag := range l.tagOnFailure {
				e.Tag(tag)
			}
			f.log.Warn("a look-up failed", slog.String("lookup", l.id), slog.Any("error", err))
		}
	}
	return all
}

// enhance looks up once.
func (l *lookup) enhance(e *event.Event) error {
	var room [8]event.Value
	params := room[:0]
	for i := range l.params {
		v, found, err := l.params[i].Value(e)
		if err != nil {
			return err
		}
		if !found || v.List() != nil || v.Object() != nil {
			return fmt.Errorf("the event has no value for the parameter %s", l.params[i].String())
		}
		params = append(params, v)
	}
	rows, err := l.query.find(params)
	if err != nil {
		return err
	}
	result := l.query.list(e, rows, params)
	if len(rows) == 0 && !l.defaults.IsNull() {
		for _, tag := range l.tagOnDefaultUse {
			e.Tag(tag)
		}
		result = e.Own(l.defaults)
	}
	return e.Set(&l.target, result)
}

// Start loads the tables. As in Logstash a pipeline does not start without them.
func (f *filter) Start(ctx context.Context) error {
	for _, l := range f.loaders {
		if err := l.load(ctx, f.slog); err != nil {
			return fmt.Errorf("the loader %s: %w", l.id, err)
		}
	}
	if f.schedule == nil {
		return nil
	}
	ctx, f.cancel = context.WithCancel(ctx)
	f.running.Go(func() {
		f.schedule.Run(ctx, func() {
			for _, l := range f.loaders {
				if err := l.load(ctx, f.slog); err != nil && ctx.Err() == nil {
					f.stats.Failures.Add(1)
					f.slog.Error("a table could not be loaded again; its rows stay as they are", slog.String("loader", l.id), slog.Any("error", err))
				}
			}
		})
	})
	return nil
}

// load fills the table anew. What is found is kept if there is nothing, or more than max_rows, as in Logstash.
func (l *loader) load(ctx context.Context, log *slog.Logger) error {
	db := l.target.Open(nil, 1, "")
	defer db.Close()
	start := time.Now()
	found, err := db.QueryContext(ctx, l.query)
	if err != nil {
		return err
	}
	rows, err := db.Read(found)
	if err != nil {
		return errors.Join(err, found.Close())
	}
	if n := len(rows.Names()); n != len(l.table.columns) {
		return errors.Join(fmt.Errorf("the query has %d columns, and the table %s %d", n, l.table.name, len(l.table.columns)), rows.Close())
	}
	b := l.table.build()
	for rows.Next() {
		if len(b.data.rows) == l.most {
			log.Warn("the query of a loader finds more than max_rows; nothing was loaded", slog.String("loader", l.id), slog.Int("max_rows", l.most))
			return rows.Close()
		}
		cells := make([]event.Value, len(l.table.columns))
		for i := range cells {
			cells[i] = rows.Value(i)
		}
		if err := b.add(cells); err != nil {
			return errors.Join(err, rows.Close())
		}
	}
	if err := rows.Close(); err != nil {
		return err
	}
	if len(b.data.rows) == 0 {
		log.Warn("the query of a loader finds nothing", slog.String("loader", l.id))
		return nil
	}
	b.done()
	log.Info("a table was loaded", slog.String("loader", l.id), slog.Int("rows", len(b.data.rows)), slog.Duration("took", time.Since(start)))
	return nil
}

// Close ends the loading by schedule.
func (f *filter) Close() error {
	f.cancel()
	f.running.Wait()
	return nil
}

var (
	_ plugin.Starter = (*filter)(nil)
	_ plugin.Closer  = (*filter)(nil)
)

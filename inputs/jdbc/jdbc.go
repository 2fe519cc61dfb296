// Package jdbc reads rows from databases, once or by a schedule.
package jdbc

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"millrace/internal/jdbc"
	"millrace/internal/netout"
	"millrace/internal/schedule"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin is the jdbc input.
var Plugin = plugin.DefineInput("jdbc", defaults, New)

// lastValue is the parameter for the value of the last run.
const lastValue = ":sql_last_value"

type input struct {
	o         Options
	env       *plugin.Env
	target    *jdbc.Target
	schedule  *schedule.Schedule // nil: once
	sql       string
	statement *jdbc.Statement
	prepared  *jdbc.Prepared // in place of statement if not nil
	last      *tracker
	failures  *atomic.Int64
}

// Run asks once, or by the schedule until ctx ends.
func (in *input) Run(ctx context.Context, out plugin.Sink) error {
	db := in.target.Open(in.o.DefaultTimezone, 1, "")
	defer db.Close()
	if in.prepared != nil {
		defer in.prepared.Close()
	}
	unread, err := in.last.load()
	if err != nil {
		return err
	}
	if unread != "" {
		in.env.Log.Warn("the file of the last run holds no value of the type that is tracked: it begins anew", slog.String("file", in.last.path),
			slog.String("content", unread))
	}
	s := &session{in: in, db: db, out: out}
	if in.schedule == nil {
		err := s.run(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if jdbc.Hopeless(err) {
			err = fmt.Errorf("%w: %w", plugin.ErrFatal, err)
		}
		return err
	}
	return in.schedule.RunUntil(ctx, func(ctx context.Context) error {
		err := s.run(ctx)
		switch {
		case err == nil || ctx.Err() != nil:
		case plugin.SinkError(err) != nil:
			return plugin.SinkError(err)
		default:
			in.env.Log.Error("a run failed; the next is that of the schedule", slog.Any("error", err))
		}
		return nil
	})
}

// session is the connection of a Run.
type session struct {
	in   *input
	db   *jdbc.DB
	out  plugin.Sink
	used time.Time // when the connection was last used
}

// run asks once, with the tries that the options allow, and keeps the value for the next run when all rows are delivered, so that a crash
// repeats rows and leaves out none.
func (s *session) run(ctx context.Context) error {
	for try := 1; ; try++ {
		r := &reading{session: s, source: s.in.env.NewSource(), next: event.TimeValue(time.Now())}
		if s.in.o.UseColumnValue {
			r.next = s.in.last.value
		}
		err := r.read(ctx)
		if err == nil {
			return r.settle(ctx)
		}
		if ctx.Err() != nil || plugin.SinkError(err) != nil {
			return err
		}
		s.in.failures.Add(1)
		if try >= s.in.o.StatementAttempts {
			return err
		}
		s.in.env.Log.Error("a statement failed; trying again", slog.Int("try", try), slog.Any("error", err))
		if err := netout.Pause(ctx, s.in.o.StatementWait); err != nil {
			return err
		}
	}
}

// connect returns the connection, made anew if there is none.
func (s *session) connect(ctx context.Context) (c *sql.Conn, err error) {
	for try := 1; ; try++ {
		c, err = s.db.Conn(ctx)
		if err == nil && s.in.o.Validate && time.Since(s.used) > time.Duration(s.in.o.ValidationTimeout)*time.Second {
			if err = c.PingContext(ctx); err != nil {
				err = errors.Join(err, c.Close())
			}
		}
		if err == nil || try >= s.in.o.ConnectionAttempts || ctx.Err() != nil {
			break
		}
		s.in.env.Log.Error("the database cannot be connected to; trying again", slog.Int("try", try), slog.Any("error", err))
		if err := netout.Pause(ctx, s.in.o.ConnectionWait); err != nil {
			return nil, err
		}
	}
	if err != nil {
		return nil, fmt.Errorf("connecting to the database: %w", err)
	}
	s.used = time.Now()
	return c, nil
}

// reading is one run with all its pages.
type reading struct {
	*session
	source *event.Source
	next   event.Value // what :sql_last_value will be
	warned bool        // of the tracking column
	sent   sync.WaitGroup

	buf  []byte // the rows of the next batch
	ends []int  // where each ends
}

// read asks and pushes all rows.
func (r *reading) read(ctx context.Context) error {
	c, err := r.connect(ctx)
	if err != nil {
		return err
	}
	defer func() { r.used = time.Now() }()
	if r.in.prepared != nil { // a prepared statement takes the one connection itself
		_ = c.Close() // it goes back to be used again
	} else {
		defer c.Close()
	}
	o := &r.in.o
	if !o.Paging {
		if _, err := r.ask(ctx, c, 0); err != nil {
			return err
		}
		return r.flush(ctx)
	}
	for offset := 0; ; offset += o.PageSize {
		n, err := r.ask(ctx, c, offset)
		if err != nil {
			return err
		}
		if n < o.PageSize || o.PagingMode == "explicit" && n != o.PageSize {
			return r.flush(ctx)
		}
	}
}

// ask pushes the rows of one query and returns how many there were.
func (r *reading) ask(ctx context.Context, c *sql.Conn, offset int) (n int, err error) {
	start := time.Now()
	found, err := r.query(ctx, c, offset)
	if err != nil {
		return 0, fmt.Errorf("asking the database: %w", err)
	}
	rows, err := r.db.Read(found)
	if err != nil {
		return 0, errors.Join(err, found.Close())
	}
	cols := r.in.columns(rows.Names())
	if r.in.o.UseColumnValue && cols.tracked < 0 && !r.warned {
		r.warned = true
		r.in.env.Log.Warn("tracking_column is none of the columns", slog.String("tracking_column", r.in.o.TrackingColumn), slog.Any("columns", cols.names))
	}
	for rows.Next() {
		n++
		if err := r.row(ctx, rows, cols); err != nil {
			return n, errors.Join(err, rows.Close())
		}
	}
	if err := rows.Close(); err != nil {
		return n, fmt.Errorf("reading rows: %w", err)
	}
	r.in.env.Log.Log(ctx, r.in.level(), "a statement was run", slog.String("statement", r.in.sql), slog.String("sql_last_value", r.in.last.value.Text()),
		slog.Int("offset", offset), slog.Int("rows", n), slog.Duration("took", time.Since(start)))
	return n, nil
}

// query runs the statement for a page.
func (r *reading) query(ctx context.Context, c *sql.Conn, offset int) (*sql.Rows, error) {
	in := r.in
	if in.prepared != nil {
		values := make([]event.Value, len(in.o.BindValues))
		for i, v := range in.o.BindValues {
			if values[i] = jdbc.Constant(v); values[i].Str() == lastValue {
				values[i] = in.last.value
			}
		}
		return in.prepared.Query(ctx, r.db, values, in.last.zone)
	}
	values := []event.Value{in.last.value}
	for _, e := range in.o.Parameters {
		values = append(values, jdbc.Constant(e.Value))
	}
	values = append(values, event.IntValue(int64(offset)), event.IntValue(int64(in.o.PageSize)))
	query, args, err := in.statement.In(in.last.zone).Fill(values)
	if err != nil {
		return nil, err
	}
	if in.o.Paging && in.o.PagingMode == "auto" {
		query += fmt.Sprintf(" LIMIT %d OFFSET %d", in.o.PageSize, offset)
	}
	return c.QueryContext(ctx, query, args...)
}

// settle keeps the value for the next run when everything is delivered.
func (r *reading) settle(ctx context.Context) error {
	settled := make(chan struct{})
	go func() {
		r.sent.Wait()
		close(settled)
	}()
	select {
	case <-settled:
	case <-ctx.Done():
		return ctx.Err()
	}
	r.in.last.value = r.next
	if err := r.in.last.save(); err != nil {
		return fmt.Errorf("keeping the value of the run: %w", err)
	}
	return nil
}

// level is that at which statements are logged.
func (in *input) level() slog.Level {
	switch in.o.SQLLogLevel {
	case "debug":
		return slog.LevelDebug
	case "warn":
		return slog.LevelWarn
	case "error", "fatal":
		return slog.LevelError
	}
	return slog.LevelInfo
}

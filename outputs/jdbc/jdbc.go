package jdbc

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"millrace/internal/jdbc"
	"millrace/internal/netout"
	"millrace/internal/throttle"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

type output struct {
	o         Options
	env       *plugin.Env
	target    *jdbc.Target
	query     string
	template  *event.Template // in place of query if not nil
	params    []jdbc.Param
	retryable map[string]bool // SQLSTATEs of the options
	log       *throttle.Logger

	mu sync.Mutex // guards db
	db *jdbc.DB
}

// database returns the database, opened by whoever asks first.
func (out *output) database() *jdbc.DB {
	out.mu.Lock()
	defer out.mu.Unlock()
	if out.db == nil {
		first := out.o.ConnectionTestQuery
		if out.target.URL.Dialect == jdbc.Postgres {
			// Times are written in UTC and tell no zone.
			first = strings.TrimSuffix("set time zone 'UTC'; "+first, "; ")
		}
		out.db = out.target.Open(nil, out.o.MaxPoolSize, first)
	}
	return out.db
}

// Start looks whether the database answers.
func (out *output) Start(ctx context.Context) error {
	if !out.o.ConnectionTest {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, out.o.ConnectionTimeout)
	defer cancel()
	if err := out.database().PingContext(ctx); err != nil {
		out.env.Log.Warn("the database does not answer yet; events wait for it", slog.Any("error", err))
	}
	return nil
}

// NewWriter implements plugin.Output.
func (out *output) NewWriter() plugin.Writer { return &writer{out: out} }

// Close implements plugin.Output.
func (out *output) Close(context.Context) error {
	out.mu.Lock()
	defer out.mu.Unlock()
	if out.db == nil {
		return nil
	}
	return out.db.Close()
}

// pending is an event of the turn.
type pending struct {
	query      string // "": the output's
	start, end int    // of its arguments
	document   []byte // for the dead letter queue; nil without one
	replayed   bool
}

type writer struct {
	out    *output
	events []pending
	args   []any
}

// Append takes what the statement needs of the event.
func (w *writer) Append(e *event.Event) error {
	out := w.out
	p := pending{start: len(w.args), replayed: plugin.Replayed(e)}
	for i := range out.params {
		a, err := argument(&out.params[i], e, out.target.URL.Dialect)
		if err != nil {
			return w.drop(p.start, err)
		}
		w.args = append(w.args, a)
	}
	p.end = len(w.args)
	if out.template != nil {
		text, err := out.template.Text(e)
		if err != nil {
			return w.drop(p.start, err)
		}
		n := 0
		if p.query, n = jdbc.Placeholders(text, out.target.URL.Dialect); n != len(out.params) {
			return w.drop(p.start, fmt.Errorf("there are %d values for the %d question marks of the statement", len(out.params), n))
		}
	}
	if out.env.DeadLetters != nil {
		p.document = e.AppendJSON(nil)
	}
	w.events = append(w.events, p)
	return nil
}

func (w *writer) drop(args int, err error) error {
	w.args = w.args[:args]
	w.out.env.Stats.Dropped.Add(1)
	return err
}

// timeLayout is how times are written, in UTC: every database reads it.
const timeLayout = "2006-01-02 15:04:05.000"

// argument returns the value of a question mark.
func argument(p *jdbc.Param, e *event.Event, d jdbc.Dialect) (any, error) {
	v, _, err := p.Value(e)
	if err != nil {
		return nil, err
	}
	switch v.Kind() {
	case event.Time:
		return v.Time().Format(timeLayout), nil
	case event.KindList, event.KindObject:
		return string(v.AppendJSON(nil)), nil
	}
	return jdbc.Argument(v, d, nil)
}

// Flush writes the turn. What the database does not take is tried again, as the options say.
func (w *writer) Flush(ctx context.Context, b *event.Batch) error {
	for left := w.events; len(left) > 0; {
		n := min(len(left), w.out.o.FlushSize)
		if err := w.deliver(ctx, left[:n]); err != nil {
			return err
		}
		left = left[n:]
	}
	clear(w.args)
	clear(w.events)
	w.args, w.events = w.args[:0], w.events[:0]
	b.Settle()
	return nil
}

// deliver writes events, or gives them up. Its error is that of ctx.
func (w *writer) deliver(ctx context.Context, events []pending) error {
	out := w.out
	pause, tries := out.o.RetryInitialInterval, 0
	for {
		left, err := w.submit(ctx, events)
		if len(left) == 0 {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		// That there is no connection, whatever the reason, is no fault of the events.
		if !errors.As(err, new(*connectError)) && jdbc.State(err) != "" && !jdbc.Unreachable(err) {
			if tries++; out.o.MaxFlushExceptions >= 1 && tries >= out.o.MaxFlushExceptions {
				for i := range left {
					out.bury(err, &left[i])
				}
				return nil
			}
		}
		out.env.Stats.Retried.Add(int64(len(left)))
		out.log.Error("the database did not take events; trying again", slog.Any("error", err))
		if err := netout.Pause(ctx, max(pause, leastPause)); err != nil {
			return err
		}
		pause = min(2*pause, out.o.RetryMaxInterval)
		events = left
	}
}

// leastPause is how long the output waits before it tries again where the interval for that is nothing.
const leastPause = 10 * time.Millisecond

// submit tries once: all events in one transaction, and one by one if one of them is refused. It returns those to try again, and why.
func (w *writer) submit(ctx context.Context, events []pending) (left []pending, err error) {
	c, err := w.connect(ctx)
	if err != nil {
		return events, err
	}
	defer c.Close()
	if len(events) > 1 {
		err := w.together(ctx, c, events)
		if err == nil {
			w.out.env.Stats.Delivered.Add(int64(len(events)))
			return nil, nil
		}
		if w.out.passing(err) {
			return events, err
		}
	}
	for i := range events {
		e := w.alone(ctx, c, &events[i])
		switch {
		case e == nil:
			w.out.env.Stats.Delivered.Add(1)
		case ctx.Err() != nil, jdbc.Unreachable(e):
			return append(left, events[i:]...), e
		case w.out.passing(e):
			left, err = append(left, events[i]), e
		default:
			w.out.bury(e, &events[i])
		}
	}
	return left, err
}

// connectError is why there is no connection.
type connectError struct{ error }

func (e *connectError) Unwrap() error { return e.error }

// connect returns a connection.
func (w *writer) connect(ctx context.Context) (*sql.Conn, error) {
	waiting, cancel := context.WithTimeout(ctx, w.out.o.ConnectionTimeout)
	defer cancel()
	c, err := w.out.database().Conn(waiting)
	if err != nil {
		return nil, &connectError{fmt.Errorf("connecting to the database: %w", err)}
	}
	return c, nil
}

// together writes events in one transaction.
func (w *writer) together(ctx context.Context, c *sql.Conn, events []pending) error {
	tx, err := c.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := w.execAll(ctx, tx, events); err != nil {
		_ = tx.Rollback() // what failed is the error
		return err
	}
	return tx.Commit()
}

// execAll runs the statement, prepared once if it is the same, for all events.
func (w *writer) execAll(ctx context.Context, tx *sql.Tx, events []pending) error {
	if w.out.template != nil {
		for i := range events {
			if _, err := tx.ExecContext(ctx, events[i].query, w.values(&events[i])...); err != nil {
				return err
			}
		}
		return nil
	}
	stmt, err := tx.PrepareContext(ctx, w.out.query)
	if err != nil {
		return err
	}
	defer stmt.Close()
	for i := range events {
		if _, err := stmt.ExecContext(ctx, w.values(&events[i])...); err != nil {
			return err
		}
	}
	return nil
}

// alone writes one event.
func (w *writer) alone(ctx context.Context, c *sql.Conn, p *pending) error {
	query := p.query
	if query == "" {
		query = w.out.query
	}
	_, err := c.ExecContext(ctx, query, w.values(p)...)
	return err
}

// values returns those of the question marks for an event.
func (w *writer) values(p *pending) []any { return w.args[p.start:p.end] }

// passingClasses are the classes of SQLSTATEs of errors that may pass.
const passingClasses = "08 24 25 40 53 54 55 57 58"

// passing reports whether an error may pass, so that the same events may be taken later.
func (out *output) passing(err error) bool {
	s := jdbc.State(err)
	return s == "" && !refusedHere(err) || out.retryable[s] || len(s) == 5 && strings.Contains(passingClasses, s[:2]) || jdbc.LockTimeout(err)
}

// refusedHere reports whether an error is one of the driver that concerns the values, and not the connection.
func refusedHere(err error) bool {
	return !jdbc.Unreachable(err) && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, sql.ErrConnDone) &&
		!errors.Is(err, sql.ErrTxDone)
}

// bury writes a dead letter, or counts the event as dropped.
func (out *output) bury(reason error, p *pending) {
	if !out.env.Bury(reason.Error(), p.document, p.replayed) {
		out.log.Error("the database refused events, which are dropped", slog.Any("error", reason))
	}
}

var _ plugin.Starter = (*output)(nil)

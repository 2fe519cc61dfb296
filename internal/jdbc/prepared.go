package jdbc

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"strings"
	"sync"

	"millrace/pipeline/event"
)

// Prepared is a statement that the database prepares once for a connection. Its parameters are question marks.
type Prepared struct {
	text    string
	dialect Dialect
	params  int

	mu    sync.Mutex
	stmts map[string]*sql.Stmt // by the kinds of their values
}

// NewPrepared reads a statement.
func NewPrepared(text string, d Dialect) *Prepared {
	_, n := positional(text, d, nil)
	return &Prepared{text: text, dialect: d, params: n, stmts: make(map[string]*sql.Stmt)}
}

// Params returns the number of parameters.
func (p *Prepared) Params() int { return p.params }

// casts are the types that PostgreSQL is told for values, as JDBC does it: it may have to choose among operators by them.
var casts = map[event.Kind]string{event.Int: "::bigint", event.Float: "::float8", event.Bool: "::boolean"}

// maxVariants bounds the kinds of values for which a statement is kept prepared.
const maxVariants = 32

// Statement returns the statement for values of these kinds, prepared by db, which is always the same.
func (p *Prepared) Statement(ctx context.Context, db *DB, values []event.Value) (*sql.Stmt, error) {
	kinds := make([]byte, len(values))
	for i, v := range values {
		if p.dialect == Postgres && casts[v.Kind()] != "" {
			kinds[i] = byte(v.Kind())
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.stmts[string(kinds)]; s != nil {
		return s, nil
	}
	query, _ := positional(p.text, p.dialect, func(i int) string { return casts[values[i].Kind()] })
	s, err := db.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	if len(p.stmts) >= maxVariants {
		p.close()
	}
	p.stmts[string(kinds)] = s
	return s, nil
}

// Query runs the statement.
func (p *Prepared) Query(ctx context.Context, db *DB, values []event.Value, z *Zone) (*sql.Rows, error) {
	args := make([]any, len(values))
	for i, v := range values {
		var err error
		if args[i], err = Argument(v, p.dialect, z); err != nil {
			return nil, err
		}
	}
	s, err := p.Statement(ctx, db, values)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args...)
}

// Close frees what is prepared. The statement may be used again, with another database.
func (p *Prepared) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.close()
}

func (p *Prepared) close() (err error) {
	for kinds, s := range p.stmts {
		err = errors.Join(err, s.Close())
		delete(p.stmts, kinds)
	}
	return err
}

// Placeholders returns a statement whose parameters are question marks in the form that the database has for a prepared one, and how many
// there are. The database finds their types out.
func Placeholders(sql string, d Dialect) (query string, params int) { return positional(sql, d, nil) }

// positional is Placeholders; cast, if not nil, tells what stands behind each parameter. As in JDBC two question marks are one that is no parameter, an operator of
// PostgreSQL.
func positional(sql string, d Dialect, cast func(param int) string) (query string, params int) {
	var b strings.Builder
	for i := 0; i < len(sql); {
		end, k := piece(sql, i, d)
		switch {
		case k != code || sql[i] != '?':
			b.WriteString(sql[i:end])
		case d == Postgres && strings.HasPrefix(sql[i:], "??"):
			b.WriteByte('?')
			end++
		default:
			params++
			if d == MySQL {
				b.WriteByte('?')
				break
			}
			b.WriteByte('$')
			b.WriteString(strconv.Itoa(params))
			if cast != nil {
				b.WriteString(cast(params - 1))
			}
		}
		i = end
	}
	return b.String(), params
}

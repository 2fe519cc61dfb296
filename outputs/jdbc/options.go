// Package jdbc writes events into databases by statements of SQL.
package jdbc

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"millrace/internal/jdbc"
	"millrace/internal/throttle"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin is the jdbc output.
var Plugin = plugin.DefineOutput("jdbc", Options{
	AutoCommit: true, MaxPoolSize: 24, ConnectionTimeout: 10 * time.Second, FlushSize: 1000, RetryInitialInterval: 2 * time.Second,
	RetryMaxInterval: 128 * time.Second, ConnectionTest: true, MaxFlushExceptions: 10,
}, New)

// Options configures the output.
type Options struct {
	// Where the database is: jdbc:postgresql://host:port/database, jdbc:mysql://host:port/database or jdbc:mariadb://host:port/database. User and
	// password may stand behind a question mark.
	ConnectionString string `opt:"connection_string,required"`

	// Class of the JDBC driver. If given it has to fit the connection string, which alone says which database is spoken to.
	DriverClass string `opt:"driver_class"`

	// Accepted for Logstash's sake: the drivers for PostgreSQL, MySQL and MariaDB are built in.
	DriverJar string `opt:"driver_jar_path"`

	// Accepted for Logstash's sake: events are written in transactions of flush_size, and by themselves where one of them is refused.
	AutoCommit bool `opt:"driver_auto_commit"`

	// Name of the user.
	Username string `opt:"username"`

	// Password of the user.
	Password config.Password `opt:"password"`

	// The statement, and what its question marks stand for: fields ("message", "[a][b]"), templates ("%{a}-%{b}"), or numbers.
	Statement jdbc.Values `opt:"statement,required"`

	// Whether references to fields in the statement itself are replaced. Whoever writes the events may then write SQL.
	Unsafe bool `opt:"unsafe_statement"`

	// How many connections there may be.
	MaxPoolSize int `opt:"max_pool_size"`

	// How long to wait for a connection, in milliseconds.
	ConnectionTimeout time.Duration `opt:"connection_timeout,unit=ms"`

	// How many events go in one transaction.
	FlushSize int `opt:"flush_size"`

	// Seconds before a failed transaction is tried again. They double with every attempt,
	RetryInitialInterval time.Duration `opt:"retry_initial_interval,unit=s"`

	// up to these.
	RetryMaxInterval time.Duration `opt:"retry_max_interval,unit=s"`

	// Further SQLSTATEs of errors that may pass. Those of the classes 08, 24, 25, 40, 53, 54, 55, 57 and 58 are known to.
	RetryStates []string `opt:"retry_sql_states"`

	// Whether to look at the start that the database answers. If it does not, that is logged; events wait for it.
	ConnectionTest bool `opt:"connection_test"`

	// Statement that every connection begins with.
	ConnectionTestQuery string `opt:"connection_test_query"`

	// How often a transaction is tried before its events are given up; less than 1 is for ever. While the database cannot be reached nothing
	// is given up.
	MaxFlushExceptions int `opt:"max_flush_exceptions"`

	MaxRepeatExceptions     int     `opt:"max_repeat_exceptions,obsolete=write max_flush_exceptions"`
	MaxRepeatExceptionsTime int     `opt:"max_repeat_exceptions_time,obsolete=it has no effect"`
	IdleFlushTime           float64 `opt:"idle_flush_time,obsolete=it has no effect: what a worker has is written at the end of each of its turns"`
}

// New checks the options; nothing is connected.
func New(o Options, env *plugin.Env) (plugin.Output, error) {
	target, err := jdbc.NewTarget(env, jdbc.Names{URL: "connection_string", Class: "driver_class"}, o.ConnectionString, o.DriverClass, o.Username, o.Password)
	errs := []error{err}
	for _, n := range []struct {
		option string
		value  int
	}{{"max_pool_size", o.MaxPoolSize}, {"flush_size", o.FlushSize}} {
		if n.value < 1 {
			errs = append(errs, plugin.OptionError(n.option, fmt.Errorf("%d is less than 1", n.value)))
		}
	}
	if o.ConnectionTimeout <= 0 || o.RetryInitialInterval < 0 || o.RetryMaxInterval < 0 {
		errs = append(errs, plugin.OptionError("connection_timeout", errors.New("a time is longer than nothing")))
	}
	if !o.AutoCommit {
		env.Warn("driver_auto_commit", "it has no effect: transactions are committed")
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	out := &output{o: o, env: env, target: target, log: throttle.New(env.Log, time.Minute), retryable: make(map[string]bool)}
	for _, s := range o.RetryStates {
		out.retryable[s] = true
	}
	return out, out.read(env)
}

// read compiles the statement.
func (out *output) read(env *plugin.Env) error {
	bad := func(format string, args ...any) error {
		return plugin.OptionError("statement", fmt.Errorf(format, args...))
	}
	s := out.o.Statement
	if len(s) == 0 || s[0].Type != config.TypeString || strings.TrimSpace(s[0].Str) == "" {
		return bad("its first item has to be a statement of SQL")
	}
	for _, v := range s[1:] {
		p, err := jdbc.FieldParam(v)
		if err != nil {
			return plugin.OptionError("statement", err)
		}
		out.params = append(out.params, p)
	}
	var n int
	out.query, n = jdbc.Placeholders(s[0].Str, out.target.URL.Dialect)
	t := event.ParseTemplate(s[0].Str)
	switch {
	case out.o.Unsafe && !t.Static():
		if t.Err() != nil {
			return plugin.OptionError("statement", t.Err())
		}
		out.template = &t
		return nil
	case n != len(out.params):
		return bad("there are %d values for the %d question marks of the statement", len(out.params), n)
	case !t.Static():
		env.Warn("statement", "references to fields in the statement itself stay as they are without unsafe_statement => true; write question marks, and the fields behind the statement")
	}
	if n == 0 {
		env.Warn("statement", "it has no question marks: nothing of the events is written")
	}
	return nil
}

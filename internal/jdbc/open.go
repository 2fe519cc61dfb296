package jdbc

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/lib/pq"

	"millrace/pipeline/config"
	"millrace/pipeline/plugin"
)

// Options are those that the plugins for databases have in common.
type Options struct {
	// Accepted for Logstash's sake: the drivers for PostgreSQL, MySQL and MariaDB are built in, and no library is loaded.
	DriverLibrary string `opt:"jdbc_driver_library"`

	// Class of the JDBC driver. It has to fit the connection string, which alone says which database is spoken to: org.postgresql.Driver,
	// com.mysql.cj.jdbc.Driver, com.mysql.jdbc.Driver or org.mariadb.jdbc.Driver.
	DriverClass string `opt:"jdbc_driver_class,required"`

	// Where the database is: jdbc:postgresql://host:port/database, jdbc:mysql://host:port/database or jdbc:mariadb://host:port/database. Several hosts
	// with commas between are tried in turn. Properties stand behind a question mark; those that have no effect are warned about.
	ConnectionString string `opt:"jdbc_connection_string,required"`

	// Name of the user, which may stand in the connection string too.
	User string `opt:"jdbc_user"`

	// Password of the user.
	Password config.Password `opt:"jdbc_password"`
}

// Target is a database that could be connected to.
type Target struct {
	URL       *URL
	connector driver.Connector
}

// Database reads the connection string; nothing is connected. Its errors are those of the options.
func (o *Options) Database(env *plugin.Env) (*Target, error) {
	return NewTarget(env, Names{"jdbc_connection_string", "jdbc_driver_class"}, o.ConnectionString, o.DriverClass, o.User, o.Password)
}

// Names are what a plugin calls the options that NewTarget reads.
type Names struct{ URL, Class string }

// NewTarget reads a connection string. The class may be "". User and password of the options come before those of the string.
func NewTarget(env *plugin.Env, names Names, text, class, user string, password config.Password) (*Target, error) {
	u, err := ParseURL(text)
	if err != nil {
		return nil, hinted(names.URL, err)
	}
	if class != "" {
		if err := u.CheckClass(class); err != nil {
			return nil, hinted(names.Class, err)
		}
	}
	if user == "" {
		user = u.take("user")
	}
	if user == "" {
		return nil, plugin.OptionError(names.URL, errors.New("no user is named, neither by the option for it nor in the connection string"))
	}
	secret := password.Reveal()
	if secret == "" {
		secret = u.take("password")
	}
	t := &Target{URL: u}
	if u.Dialect == Postgres {
		t.connector, err = u.postgresConnector(user, secret)
	} else {
		t.connector, err = u.mysqlConnector(user, secret)
	}
	if err != nil {
		return nil, plugin.OptionError(names.URL, err)
	}
	for _, name := range u.Ignored {
		env.Warn(names.URL, "the property %s of the connection string has no effect", name)
	}
	return t, nil
}

func hinted(option string, err error) error {
	e := plugin.OptionError(option, err)
	if hint := Hint(err); hint != "" {
		e = plugin.Hinted(e, "%s", hint)
	}
	return e
}

// DB is a database with its connections.
type DB struct {
	*sql.DB
	url  *URL
	zone *Zone        // of times that tell none
	used atomic.Int64 // when a connection was last asked something, in Unix nanoseconds
}

// Validate looks whether the database answers, if it was not asked anything for a time.
func (db *DB) Validate(ctx context.Context, after time.Duration) error {
	now := time.Now()
	if last := db.used.Swap(now.UnixNano()); now.Sub(time.Unix(0, last)) <= after {
		return nil
	}
	return db.PingContext(ctx)
}

// idleTime is how long a connection that nobody uses stays open.
const idleTime = 5 * time.Minute

// Open returns the database, which connects when it is asked for something. Times without a zone are those of zone, or, with nil, of what
// the connection string says, or of this machine. Every connection begins with the statement first, if that is not "".
func (t *Target) Open(zone *Zone, conns int, first string) *DB {
	c := t.connector
	if first != "" {
		c = beginning{c, first}
	}
	db := &DB{DB: sql.OpenDB(c), url: t.URL, zone: t.Zone(zone)}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	db.SetConnMaxIdleTime(idleTime)
	return db
}

// Zone returns the zone of times that tell none: that given, or, with nil, what the connection string says, or that of this machine.
func (t *Target) Zone(given *Zone) *Zone {
	switch {
	case given != nil && given.loc != nil:
		return given
	case t.URL.Zone != nil:
		return t.URL.Zone
	}
	return In(time.Local)
}

// beginning is a connector whose connections begin with a statement.
type beginning struct {
	driver.Connector
	statement string
}

func (b beginning) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := b.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := c.(driver.QueryerContext).QueryContext(ctx, b.statement, nil) // both drivers have it
	if err == nil {
		err = rows.Close()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the first statement of a connection: %w", err), c.Close())
	}
	return c, nil
}

// State returns the SQLSTATE of an error that the server reported, "" of others: the server could not be reached, or has gone.
func State(err error) string {
	var p *pq.Error
	var m *mysql.MySQLError
	switch {
	case errors.As(err, &p):
		return string(p.Code)
	case errors.As(err, &m) && m.SQLState[0] == 0:
		return "HY000" // an error without a state
	case errors.As(err, &m):
		return string(m.SQLState[:])
	}
	return ""
}

// lockTimeout is the number of MySQL's error for somebody else's lock that lasts too long, which has no state of its own.
const lockTimeout = 1205

// LockTimeout reports whether an error is that of a lock which MySQL gave up waiting for.
func LockTimeout(err error) bool {
	var m *mysql.MySQLError
	return errors.As(err, &m) && m.Number == lockTimeout
}

// Unreachable reports whether an error is that of a connection, or of a server that takes none (08, 53, 57P03).
func Unreachable(err error) bool {
	var network net.Error
	switch s := State(err); {
	case s == "":
		return errors.As(err, &network) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, mysql.ErrInvalidConn) || errors.Is(err, io.EOF) ||
			errors.Is(err, io.ErrUnexpectedEOF)
	default:
		return s[:2] == "08" || s[:2] == "53" || s == "57P03"
	}
}

// Hopeless reports whether an error is one that another attempt with the same statement does not mend: the server refused the user (28), the
// database (3D) or the statement (42).
func Hopeless(err error) bool {
	s := State(err)
	return len(s) == 5 && (s[:2] == "28" || s[:2] == "3D" || s[:2] == "42")
}

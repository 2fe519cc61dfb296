// Package jdbc is what the plugins for databases share: JDBC URLs read into connections of Go's drivers, statements with named parameters,
// and rows whose values are those of events.
package jdbc

// Dialect is the kind of a database.
type Dialect uint8

// The databases that there are drivers for.
const (
	Postgres Dialect = iota + 1
	MySQL            // and MariaDB
)

// String returns the name of the database.
func (d Dialect) String() string {
	if d == Postgres {
		return "PostgreSQL"
	}
	return "MySQL or MariaDB"
}

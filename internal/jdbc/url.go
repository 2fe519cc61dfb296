package jdbc

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"millrace/pipeline/config"
)

// URL is a JDBC URL.
type URL struct {
	Dialect  Dialect
	Hosts    []Host
	Database string
	// Zone is that of times without one, where the URL tells it; nil else.
	Zone *Zone
	// Ignored are the names of properties that have no effect here and might be missed.
	Ignored []string

	props        []property
	wideTinyInt  bool // tinyint(1) is a number
	yearIsNumber bool
	pg           map[string]string // parameters of the connection
	my           mysqlSettings
}

// Host is a server; hosts are tried in turn.
type Host struct {
	Name string
	Port int
}

// property is one of those behind the question mark.
type property struct{ name, value string }

// urlError is what is wrong with a URL, with the byte where it is.
type urlError struct {
	Offset int
	msg    string
	hint   string
}

func (e *urlError) Error() string { return e.msg }

// Hint returns what an error of ParseURL or CheckClass proposes, "" if that is nothing.
func Hint(err error) string {
	var ue *urlError
	if errors.As(err, &ue) {
		return ue.hint
	}
	return ""
}

const speaks = "Millrace speaks to PostgreSQL, MySQL and MariaDB (jdbc:postgresql:, jdbc:mysql:, jdbc:mariadb:); "

// products are the databases and ways to them that JDBC URLs name and Millrace has not.
var products = map[string]string{
	"oracle": "Oracle", "db2": "DB2", "derby": "Derby", "sqlserver": "SQL Server", "jtds": "SQL Server", "sqlite": "SQLite", "h2": "H2", "hsqldb": "HSQLDB",
	"sybase": "Sybase", "sap": "SAP HANA", "informix-sqli": "Informix", "redshift": "Redshift", "clickhouse": "ClickHouse", "ch": "ClickHouse",
	"snowflake": "Snowflake", "teradata": "Teradata", "vertica": "Vertica", "hive2": "Hive", "impala": "Impala", "presto": "Presto", "trino": "Trino",
	"phoenix": "Phoenix", "firebirdsql": "Firebird", "as400": "DB2 for i", "cassandra": "Cassandra", "es": "Elasticsearch SQL", "odbc": "ODBC",
}

// schemes are the names of the databases that there are drivers for.
var schemes = map[string]Dialect{"postgresql": Postgres, "pgsql": Postgres, "mysql": MySQL, "mariadb": MySQL}

// ParseURL reads a JDBC URL. Its errors tell the place, and never the text, which may hold a password.
func ParseURL(text string) (*URL, error) {
	rest, ok := strings.CutPrefix(text, "jdbc:")
	if !ok {
		return nil, &urlError{0, "it is no JDBC URL, such as jdbc:postgresql://host:5432/database", speaks + "the URL begins with one of these"}
	}
	scheme, rest, ok := strings.Cut(rest, ":")
	d := schemes[strings.ToLower(scheme)]
	if !ok || d == 0 {
		return nil, unknown(scheme)
	}
	u := &URL{Dialect: d}
	at := len("jdbc:") + len(scheme) + 1
	if err := u.parse(rest, at); err != nil {
		return nil, err
	}
	for i := range u.props {
		if err := u.property(&u.props[i]); err != nil {
			return nil, &urlError{Offset: at + strings.Index(rest, "?") + 1, msg: fmt.Sprintf("the property %s: %v", u.props[i].name, err)}
		}
	}
	return u, nil
}

func unknown(scheme string) error {
	e := &urlError{Offset: len("jdbc:"), msg: fmt.Sprintf("there is no driver for jdbc:%s", scheme)}
	if product := products[strings.ToLower(scheme)]; product != "" {
		e.msg = "there is no driver for " + product
		e.hint = speaks + "rows of " + product + " come by its own client and the pipe or exec input, look-ups by the translate filter and a dictionary"
		return e
	}
	if near := config.Nearest(strings.ToLower(scheme), []string{"postgresql", "mysql", "mariadb"}); near != "" {
		e.hint = "did you mean jdbc:" + near + "?"
		return e
	}
	e.hint = strings.TrimSuffix(speaks, "; ")
	return e
}

// parse reads what is behind the name of the database: //hosts/database?properties, or a database on this machine.
func (u *URL) parse(text string, at int) (err error) {
	rest, query, _ := strings.Cut(text, "?")
	if authority, ok := strings.CutPrefix(rest, "//"); ok {
		hosts, database, _ := strings.Cut(authority, "/")
		if i := strings.LastIndexByte(hosts, '@'); i >= 0 {
			user, password, given := strings.Cut(hosts[:i], ":")
			u.props = append(u.props, property{"user", unescape(user)})
			if given {
				u.props = append(u.props, property{"password", unescape(password)})
			}
			hosts, at = hosts[i+1:], at+i+1
		}
		at += len("//")
		for host := range strings.SplitSeq(hosts, ",") {
			h, err := u.host(host)
			if err != nil {
				return &urlError{Offset: at, msg: err.Error()}
			}
			u.Hosts = append(u.Hosts, h)
			at += len(host) + 1
		}
		rest = database
	} else if i := strings.IndexByte(rest, ':'); i >= 0 {
		return &urlError{at, fmt.Sprintf("%q is no way to a database that there is a driver for", rest[:i]),
			"write hosts with commas between, //host1:port,host2:port/database: they are tried in turn"}
	}
	if u.Hosts == nil {
		h, _ := u.host("")
		u.Hosts = []Host{h}
	}
	u.Database = unescape(rest)
	for p := range strings.SplitSeq(query, "&") {
		if name, value, _ := strings.Cut(p, "="); name != "" {
			u.props = append(u.props, property{unescape(name), unescape(value)})
		}
	}
	return nil
}

// unescape is url.PathUnescape where that is possible: a plus is a plus, and a stray per cent sign too.
func unescape(s string) string {
	if t, err := url.PathUnescape(s); err == nil {
		return t
	}
	return s
}

// host reads host:port, host, [::1]:port, or nothing, which is this machine.
func (u *URL) host(s string) (Host, error) {
	h := Host{"localhost", 5432}
	if u.Dialect == MySQL {
		h.Port = 3306
	}
	name, port := s, ""
	if i := strings.LastIndexByte(s, ':'); i >= 0 && !strings.HasSuffix(s, "]") {
		name, port = s[:i], s[i+1:]
	}
	name = strings.TrimSuffix(strings.TrimPrefix(name, "["), "]")
	if strings.ContainsAny(name, "()=[] ") || strings.Contains(name, ":") && !strings.HasPrefix(s, "[") {
		return h, errors.New("a host is written host:port")
	}
	if name != "" {
		h.Name = name
	}
	if port != "" {
		n, err := strconv.Atoi(port)
		if err != nil || n < 1 || n > 65535 {
			return h, fmt.Errorf("%q is no port", port)
		}
		h.Port = n
	}
	return h, nil
}

// take returns the value of a property, "" if it is not given.
func (u *URL) take(name string) string {
	for _, p := range u.props {
		if strings.EqualFold(p.name, name) {
			return p.value
		}
	}
	return ""
}

// listed reports whether name is one of the words of list.
func listed(list, name string) bool {
	for word := range strings.FieldsSeq(list) {
		if word == name {
			return true
		}
	}
	return false
}

// property settles one property.
func (u *URL) property(p *property) error {
	if u.Dialect == Postgres {
		return u.postgresProperty(p)
	}
	return u.mysqlProperty(p)
}

// classes are the drivers of JDBC for each kind of database.
var classes = map[Dialect][]string{
	Postgres: {"org.postgresql.Driver", "com.impossibl.postgres.jdbc.PGDriver"},
	MySQL:    {"com.mysql.cj.jdbc.Driver", "com.mysql.jdbc.Driver", "org.mariadb.jdbc.Driver", "org.gjt.mm.mysql.Driver"},
}

// CheckClass tells whether the class of a JDBC driver fits the URL, which alone says what to do.
func (u *URL) CheckClass(class string) error {
	class = strings.TrimPrefix(strings.TrimSpace(class), "Java::")
	for _, c := range classes[u.Dialect] {
		if strings.EqualFold(c, class) || strings.EqualFold(strings.ReplaceAll(c, ".", ""), strings.ReplaceAll(class, "::", "")) {
			return nil
		}
	}
	e := &urlError{msg: fmt.Sprintf("the driver %s does not fit the URL, which is one of %s", class, u.Dialect), hint: "that of the URL is " + classes[u.Dialect][0]}
	all := slices.Concat(classes[Postgres], classes[MySQL])
	if near := config.Nearest(class, all); near != "" && slices.Contains(classes[u.Dialect], near) {
		e.hint = fmt.Sprintf("did you mean %q?", near)
	}
	return e
}

package jdbc

import (
	"context"
	"database/sql/driver"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lib/pq"
)

// pgModes are the values of sslmode.
var pgModes = []string{"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}

// pgSame are the properties of pgjdbc that the driver has under a name of its own.
var pgSame = map[string]string{
	"currentschema": "search_path", "applicationname": "application_name", "options": "options", "sslcert": "sslcert", "sslkey": "sslkey",
	"sslrootcert": "sslrootcert", "connecttimeout": "connect_timeout", "logintimeout": "connect_timeout", "kerberosservername": "krbsrvname",
}

// pgSessions are the values of targetServerType.
var pgSessions = map[string]string{
	"any": "any", "primary": "primary", "master": "primary", "secondary": "standby", "slave": "standby", "prefersecondary": "prefer-standby", "preferslave": "prefer-standby",
}

// pgIdle are properties that concern the Java driver's own ways and change nothing here.
const pgIdle = `tcpkeepalive preparethreshold preparedstatementcachequeries preparedstatementcachesizemib defaultrowfetchsize binarytransfer rewritebatchedinserts
	stringtype assumeminserverversion logunclosedconnections loggerlevel loggerfile autosave preferquerymode charset characterencoding useunicode
	allowencodingchanges disablecolumnsanitiser compatible protocolversion gssencmode receivebuffersize sendbuffersize adaptivefetch
	cleanupsavepoints unknownlength logservererrordetail cancelsignaltimeout hideunprivilegedobjects maxresultbuffer user password ssl sslfactory tcpnodelay
	autoreconnect`

func (u *URL) postgresProperty(p *property) error {
	if u.pg == nil {
		u.pg = make(map[string]string)
	}
	name := strings.ToLower(p.name)
	switch own := pgSame[name]; {
	case own == "connect_timeout":
		if _, err := strconv.ParseUint(p.value, 10, 31); err != nil {
			return fmt.Errorf("%q is no number of seconds", p.value)
		}
		u.pg[own] = p.value
	case own != "":
		u.pg[own] = p.value
	case name == "sslmode":
		if !slices.Contains(pgModes, p.value) {
			return fmt.Errorf("%q is none of %s", p.value, strings.Join(pgModes, ", "))
		}
		u.pg["sslmode"] = p.value
	case name == "sockettimeout":
		n, err := strconv.ParseUint(p.value, 10, 31)
		if err != nil {
			return fmt.Errorf("%q is no number of seconds", p.value)
		}
		u.my.read = time.Duration(n) * time.Second
	case name == "targetservertype":
		if u.pg["target_session_attrs"] = pgSessions[strings.ToLower(p.value)]; u.pg["target_session_attrs"] == "" {
			return fmt.Errorf("%q is none of any, primary, secondary, preferSecondary", p.value)
		}
	case name == "loadbalancehosts":
		if strings.EqualFold(p.value, "true") {
			u.pg["load_balance_hosts"] = "random"
		}
	case name == "readonly":
		if strings.EqualFold(p.value, "true") {
			u.pg["default_transaction_read_only"] = "on"
		}
	case !listed(pgIdle, name):
		u.Ignored = append(u.Ignored, p.name)
	}
	return nil
}

// connectTimeout is how long making a connection may take where the URL tells nothing, as with pgjdbc.
const connectTimeout = 10 * time.Second

// postgresConnector returns what connects to PostgreSQL.
func (u *URL) postgresConnector(user, password string) (driver.Connector, error) {
	var dsn strings.Builder
	set := func(name, value string) {
		fmt.Fprintf(&dsn, "%s='%s' ", name, strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value))
	}
	var hosts, ports []string
	for _, h := range u.Hosts {
		hosts, ports = append(hosts, h.Name), append(ports, strconv.Itoa(h.Port))
	}
	set("host", strings.Join(hosts, ","))
	set("port", strings.Join(ports, ","))
	set("user", user)
	if password != "" {
		set("password", password)
	}
	database := u.Database
	if database == "" {
		database = user
	}
	set("dbname", database)
	if u.pg["sslmode"] == "" {
		set("sslmode", u.pgDefaultMode())
	}
	if u.pg["connect_timeout"] == "" {
		set("connect_timeout", strconv.Itoa(int(connectTimeout/time.Second)))
	}
	if u.pg["application_name"] == "" {
		set("application_name", "millrace")
	}
	for name, value := range u.pg {
		set(name, value)
	}
	c, err := pq.NewConnector(dsn.String())
	if err != nil {
		return nil, err
	}
	if u.my.read > 0 {
		c.Dialer(&impatient{u.my.read})
	}
	return abandoning{c}, nil
}

// abandoning is a connector that does not wait for a server which takes a connection and says nothing, once nobody wants it any more: the
// driver waits until its time for connecting is over.
type abandoning struct{ driver.Connector }

func (a abandoning) Connect(ctx context.Context) (driver.Conn, error) {
	type result struct {
		conn driver.Conn
		err  error
	}
	made := make(chan result, 1)
	go func() {
		c, err := a.Connector.Connect(ctx)
		made <- result{c, err}
	}()
	select {
	case r := <-made:
		return r.conn, r.err
	case <-ctx.Done():
		go func() {
			if r := <-made; r.err == nil {
				_ = r.conn.Close()
			}
		}()
		return nil, ctx.Err()
	}
}

// pgDefaultMode is sslmode where only older properties are given.
func (u *URL) pgDefaultMode() string {
	ssl, given := u.take("ssl"), false
	for _, p := range u.props {
		given = given || strings.EqualFold(p.name, "ssl")
	}
	switch {
	case !given || strings.EqualFold(ssl, "false"):
		return "prefer"
	case strings.HasSuffix(u.take("sslfactory"), "NonValidatingFactory"):
		return "require"
	}
	return "verify-full"
}

// impatient makes connections that give up when nothing comes for a time.
type impatient struct{ timeout time.Duration }

func (d *impatient) Dial(network, address string) (net.Conn, error) {
	return d.DialTimeout(network, address, connectTimeout)
}

func (d *impatient) DialTimeout(network, address string, timeout time.Duration) (net.Conn, error) {
	c, err := net.DialTimeout(network, address, timeout)
	return &impatientConn{c, d.timeout}, err
}

func (d *impatient) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, network, address)
	return &impatientConn{c, d.timeout}, err
}

type impatientConn struct {
	net.Conn
	timeout time.Duration
}

func (c *impatientConn) Read(p []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(c.timeout)); err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}

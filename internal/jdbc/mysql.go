package jdbc

import (
	"context"
	"crypto/tls"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"millrace/internal/tlsconf"
	"millrace/pipeline/config"
)

// mysqlSettings is what properties say of a connection.
type mysqlSettings struct {
	connect, read time.Duration
	tls           string // disabled, preferred, required, verify_ca, verify_identity
	useSSL        string
	verify        bool
	multi         bool
	variables     map[string]string
	files         tlsconf.Options
}

// myIdle are properties that concern the Java drivers' own ways and change nothing here.
const myIdle = `characterencoding useunicode autoreconnect autoreconnectforpools usecursorfetch useserverprepstmts cacheprepstmts prepstmtcachesize prepstmtcachesqllimit
	rewritebatchedstatements allowpublickeyretrieval uselegacydatetimecode noaccesstoprocedurebodies failoverreadonly maxreconnects usecompression
	allowloadlocalinfile defaultfetchsize donttrackopenresources usejdbccomplianttimezoneshift useinformationschema nullcatalogmeanscurrent permitmysqlscheme
	tcpkeepalive tcpnodelay cacheserverconfiguration uselocalsessionstate elidesetautocommits maintaintimestats cacheresultsetmetadata user password
	characterset characterresultsets forceconnectiontimezonetosession cachecallablestmts retriesalldown
	initialtimeout secondsbeforeretrymaster queriesbeforeretrymaster usegmtmillisforadatetimes paranoid logger usebulkstmts log usemysqlmetadata pool
	databaseterm allowmasterdownconnections createdatabaseifnotexist nettimeoutforstreamingresults includethreaddumpindeadlockexceptions usereadaheadinput
	defaultauthenticationplugin usefractionalseconds sendfractionalseconds treatutildateastimestamp enablequerytimeouts transformedbitisboolean`

func (u *URL) mysqlProperty(p *property) (err error) {
	m := &u.my
	yes := strings.EqualFold(p.value, "true") || p.value == "1"
	switch name := strings.ToLower(p.name); name {
	case "connecttimeout":
		m.connect, err = millis(p.value)
	case "sockettimeout":
		m.read, err = millis(p.value)
	case "servertimezone", "connectiontimezone", "timezone":
		if z := new(Zone); !strings.EqualFold(p.value, "local") && !strings.EqualFold(p.value, "server") && p.value != "auto" {
			if err = z.UnmarshalText([]byte(p.value)); err == nil {
				u.Zone = z
			}
		}
	case "tinyint1isbit":
		u.wideTinyInt = !yes
	case "yearisdatetype":
		u.yearIsNumber = !yes
	case "usessl", "requiressl":
		if m.useSSL = "false"; yes {
			m.useSSL = name
		}
	case "verifyservercertificate":
		m.verify = yes
	case "sslmode":
		return m.mode(p.value)
	case "allowmultiqueries":
		m.multi = yes
	case "sessionvariables":
		return m.sessionVariables(p.value)
	case "zerodatetimebehavior":
		if strings.EqualFold(p.value, "round") {
			u.Ignored = append(u.Ignored, p.name)
		}
	case "serversslcert":
		m.files.Authorities = []string{strings.TrimPrefix(p.value, "file:")}
	default:
		if !m.store(name, p.value) && !listed(myIdle, name) {
			u.Ignored = append(u.Ignored, p.name)
		}
	}
	return err
}

// store takes a property about the stores of certificates; false if it is none.
func (m *mysqlSettings) store(name, value string) bool {
	switch name {
	case "trustcertificatekeystoreurl", "truststore":
		m.files.Truststore = path(value)
	case "trustcertificatekeystorepassword", "truststorepassword":
		m.files.TruststorePassword = config.Password(value)
	case "trustcertificatekeystoretype", "truststoretype":
		m.files.TruststoreType = strings.ToLower(value)
	case "clientcertificatekeystoreurl", "keystore":
		m.files.Keystore = path(value)
	case "clientcertificatekeystorepassword", "keystorepassword":
		m.files.KeystorePassword = config.Password(value)
	case "clientcertificatekeystoretype", "keystoretype":
		m.files.KeystoreType = strings.ToLower(value)
	default:
		return false
	}
	return true
}

// path returns the file that file:///a/b, file:a/b or a/b names.
func path(s string) string {
	if u, err := url.Parse(s); err == nil && u.Scheme == "file" {
		return u.Path + u.Opaque
	}
	return s
}

func millis(s string) (time.Duration, error) {
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil {
		return 0, fmt.Errorf("%q is no number of milliseconds", s)
	}
	return time.Duration(n) * time.Millisecond, nil
}

// mode reads sslMode, of MySQL's driver or MariaDB's.
func (m *mysqlSettings) mode(s string) error {
	switch s = strings.ReplaceAll(strings.ToLower(s), "-", "_"); s {
	case "disabled", "preferred", "required", "verify_ca", "verify_identity":
		m.tls = s
	case "disable":
		m.tls = "disabled"
	case "trust":
		m.tls = "required"
	case "verify_full":
		m.tls = "verify_identity"
	default:
		return fmt.Errorf("%q is none of DISABLED, PREFERRED, REQUIRED, VERIFY_CA, VERIFY_IDENTITY", s)
	}
	return nil
}

// sessionVariables reads a=1,b='x,y'.
func (m *mysqlSettings) sessionVariables(s string) error {
	m.variables = make(map[string]string)
	for s != "" {
		end := 0
		for end < len(s) && s[end] != ',' && s[end] != ';' {
			end, _ = piece(s, end, MySQL)
		}
		name, value, ok := strings.Cut(s[:end], "=")
		if name = strings.TrimSpace(name); !ok || name == "" {
			return errors.New("variables are written name=value")
		}
		m.variables[name] = strings.TrimSpace(value)
		s = s[min(end+1, len(s)):]
	}
	return nil
}

// mysqlConnector returns what connects to MySQL.
func (u *URL) mysqlConnector(user, password string) (driver.Connector, error) {
	c := mysql.NewConfig()
	c.User, c.Passwd, c.DBName = user, password, u.Database
	c.Net, c.Addr = "tcp", net.JoinHostPort(u.Hosts[0].Name, strconv.Itoa(u.Hosts[0].Port))
	c.InterpolateParams, c.MultiStatements = true, u.my.multi
	c.Timeout, c.ReadTimeout = u.my.connect, u.my.read
	if c.Timeout == 0 {
		c.Timeout = connectTimeout
	}
	c.Params, c.Logger = u.my.variables, &mysql.NopLogger{}
	if err := u.mysqlTLS(c); err != nil {
		return nil, err
	}
	if len(u.Hosts) > 1 {
		dialer := &net.Dialer{Timeout: c.Timeout}
		c.DialFunc = func(ctx context.Context, network, _ string) (conn net.Conn, err error) {
			for _, h := range u.Hosts {
				if conn, err = dialer.DialContext(ctx, network, net.JoinHostPort(h.Name, strconv.Itoa(h.Port))); err == nil {
					return conn, nil
				}
			}
			return nil, err
		}
	}
	return mysql.NewConnector(c)
}

// mysqlTLS settles encryption, which is used where the server offers it unless the URL says otherwise.
func (u *URL) mysqlTLS(c *mysql.Config) error {
	m := &u.my
	mode := m.tls
	if mode == "" {
		switch {
		case m.useSSL == "false":
			mode = "disabled"
		case m.useSSL != "" && m.verify:
			mode = "verify_ca"
		case m.useSSL != "":
			mode = "required"
		default:
			mode = "preferred"
		}
	}
	files := m.files
	switch mode {
	case "disabled":
		c.TLSConfig = "false"
		return nil
	case "preferred", "required":
		files.VerificationMode = "none"
		c.AllowFallbackToPlaintext = mode == "preferred"
	case "verify_ca":
		files.VerificationMode = "certificate"
	default:
		files.VerificationMode = "full"
	}
	var err error
	if c.TLS, err = files.Client(); err != nil {
		return err
	}
	if c.TLS == nil {
		c.TLS = new(tls.Config)
	}
	c.TLS.ServerName = u.Hosts[0].Name
	return nil
}

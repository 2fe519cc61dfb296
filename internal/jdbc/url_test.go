package jdbc

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/pipeline/config"
	"millrace/pipeline/plugin"
)

func TestParseURL(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		u, err := ParseURL(text)
		require.NoError(t, err)
		require.Equal(t, want, fmt.Sprintf("%s %v %s %s/%s %v", u.Dialect, u.Hosts, u.Database, u.take("user"), u.take("password"), u.Ignored))
	}
	f("jdbc:postgresql://db:5433/shop", "PostgreSQL [{db 5433}] shop / []")
	f("jdbc:postgresql://db/shop?user=u&password=p%26%3Dq&ssl=true", "PostgreSQL [{db 5432}] shop u/p&=q []")
	f("jdbc:postgresql://a,b:1,[::1]:2/x", "PostgreSQL [{a 5432} {b 1} {::1 2}] x / []")
	f("jdbc:postgresql:///x", "PostgreSQL [{localhost 5432}] x / []")
	f("jdbc:postgresql:x", "PostgreSQL [{localhost 5432}] x / []")
	f("jdbc:postgresql:?prepareThreshold=0&reWriteBatchedInserts=true", "PostgreSQL [{localhost 5432}]  / []")
	f("jdbc:postgresql://db/a%20b?what=1", "PostgreSQL [{db 5432}] a b / [what]")
	f("jdbc:mysql://db/shop?useSSL=false&serverTimezone=UTC&characterEncoding=utf8", "MySQL or MariaDB [{db 3306}] shop / []")
	f("jdbc:mysql://u:p@ss@db:3307/shop?profileSQL=true", "MySQL or MariaDB [{db 3307}] shop u/p@ss [profileSQL]")
	f("jdbc:mariadb://[fe80::1]/shop?sslMode=verify-full&netTimeoutForStreamingResults=0", "MySQL or MariaDB [{fe80::1 3306}] shop / []")
}

func TestParseURLErrors(t *testing.T) {
	f := func(text string, offset int, want, hint string) {
		t.Helper()
		_, err := ParseURL(text)
		var ue *urlError
		require.ErrorAs(t, err, &ue)
		require.Contains(t, err.Error(), want)
		require.Contains(t, Hint(err), hint)
		require.Equal(t, offset, ue.Offset)
	}
	f("postgresql://db/x", 0, "no JDBC URL", "jdbc:postgresql:")
	f("jdbc:oracle:thin:@db:1521/x", 5, "no driver for Oracle", "PostgreSQL, MySQL and MariaDB")
	f("jdbc:db2://db/x", 5, "DB2", "exec input")
	f("jdbc:derby:memory:x", 5, "Derby", "")
	f("jdbc:sqlserver://db;databaseName=x", 5, "SQL Server", "translate")
	f("jdbc:postgres://db/x", 5, "jdbc:postgres", "did you mean jdbc:postgresql?")
	f("jdbc:what:x", 5, "jdbc:what", "PostgreSQL")
	f("jdbc:postgresql://db:x/y", 18, `"x" is no port`, "")
	f("jdbc:postgresql://a,db:99999/y", 20, "no port", "")
	f("jdbc:mysql://(host=a,port=1)/x", 13, "host:port", "")
	f("jdbc:mysql:loadbalance://a,b/x", 11, `"loadbalance"`, "commas")
	f("jdbc:postgresql://db/x?sslmode=what", 23, "sslmode", "")
	f("jdbc:postgresql://db/x?connectTimeout=1s", 23, "seconds", "")
	f("jdbc:postgresql://db/x?socketTimeout=-1", 23, "seconds", "")
	f("jdbc:postgresql://db/x?targetServerType=what", 23, "primary", "")
	f("jdbc:mysql://db/x?connectTimeout=x", 18, "milliseconds", "")
	f("jdbc:mysql://db/x?serverTimezone=Mars", 18, "time zone", "")
	f("jdbc:mysql://db/x?sslMode=what", 18, "PREFERRED", "")
	f("jdbc:mysql://db/x?sessionVariables=what", 18, "name=value", "")
}

func TestCheckClass(t *testing.T) {
	f := func(text, class, want string) {
		t.Helper()
		u, err := ParseURL(text)
		require.NoError(t, err)
		if err := u.CheckClass(class); want == "" {
			require.NoError(t, err)
		} else {
			require.Error(t, err)
			require.Contains(t, Hint(err), want)
		}
	}
	f("jdbc:postgresql:x", "org.postgresql.Driver", "")
	f("jdbc:postgresql:x", "Java::org.postgresql.Driver", "")
	f("jdbc:postgresql:x", "Java::OrgPostgresql::Driver", "")
	f("jdbc:mysql:x", "com.mysql.jdbc.Driver", "")
	f("jdbc:mysql:x", "com.mysql.cj.jdbc.Driver", "")
	f("jdbc:mysql:x", "org.mariadb.jdbc.Driver", "")
	f("jdbc:mariadb:x", "com.mysql.cj.jdbc.Driver", "")
	f("jdbc:mysql:x", "org.postgresql.Driver", "com.mysql.cj.jdbc.Driver")
	f("jdbc:postgresql:x", "org.postgresq.Driver", `did you mean "org.postgresql.Driver"?`)
	f("jdbc:postgresql:x", "oracle.jdbc.OracleDriver", "org.postgresql.Driver")
}

// TestTargets: properties become settings of the drivers; nothing is connected.
func TestTargets(t *testing.T) {
	f := func(text string) *Target {
		t.Helper()
		target, err := NewTarget(&plugin.Env{}, Names{"u", "c"}, text, "", "me", config.Password(`p'\w`))
		require.NoError(t, err)
		return target
	}
	f("jdbc:postgresql://a,b/x?currentSchema=s&targetServerType=primary&loadBalanceHosts=true&readOnly=true&socketTimeout=3&sslmode=disable")
	u := f("jdbc:mysql://a,b/x?tinyInt1isBit=false&yearIsDateType=false&connectTimeout=5&socketTimeout=6&sessionVariables=sql_mode='A,B',x=1&useSSL=true&verifyServerCertificate=true&connectionTimeZone=Europe/Paris").URL
	require.True(t, u.wideTinyInt)
	require.True(t, u.yearIsNumber)
	require.Equal(t, map[string]string{"sql_mode": "'A,B'", "x": "1"}, u.my.variables)
	require.Equal(t, "Europe/Paris", u.Zone.Location().String())
	_, err := NewTarget(&plugin.Env{}, Names{"u", "c"}, "jdbc:mysql://a/x?trustCertificateKeyStoreUrl=file:///none.jks&sslMode=VERIFY_CA", "", "me", "")
	require.ErrorContains(t, err, "none.jks")
}

func FuzzParseURL(f *testing.F) {
	for _, s := range []string{"jdbc:postgresql://a,b:1,[::1]:2/x?user=u&ssl=true", "jdbc:mysql://u:p@db:3307/x?sessionVariables=a='b,c'&serverTimezone=UTC", "jdbc:mariadb:x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		u, err := ParseURL(text)
		if err == nil && (len(u.Hosts) == 0 || u.Dialect == 0) {
			t.Fatalf("%q has no host or no database", text)
		}
		var ue *urlError
		if errors.As(err, &ue) && (ue.Offset < 0 || ue.Offset > len(text)) {
			t.Fatalf("%q: the place %d is outside", text, ue.Offset)
		}
	})
}

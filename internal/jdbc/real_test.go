package jdbc

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/internal/testenv"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

var (
	postgres = testenv.SharedPostgres()
	mariadb  = testenv.SharedMariaDB()
)

func TestMain(m *testing.M) { os.Exit(testenv.RunWith(m, postgres, mariadb)) }

func open(t *testing.T, d *testenv.Database, props, zone string) *DB {
	t.Helper()
	target, err := NewTarget(&plugin.Env{}, Names{"u", "c"}, d.URL+props, "", d.User, config.Password(d.Password))
	require.NoError(t, err)
	var z *Zone
	if zone != "" {
		z = new(Zone)
		require.NoError(t, z.UnmarshalText([]byte(zone)))
	}
	db := target.Open(z, 4, "")
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// ask returns the one row of a query as JSON.
func ask(t *testing.T, db *DB, query string, args ...any) string {
	t.Helper()
	found, err := db.QueryContext(t.Context(), query, args...)
	require.NoError(t, err)
	r, err := db.Read(found)
	require.NoError(t, err)
	o := event.New(nil).NewObject()
	for r.Next() {
		for i, name := range r.Names() {
			o.Set(name, r.Value(i))
		}
	}
	require.NoError(t, r.Close())
	return string(o.AppendJSON(nil))
}

func TestPostgresTypes(t *testing.T) {
	db := open(t, postgres.Get(t), "", "Europe/Paris")
	f := func(expr, want string) {
		t.Helper()
		require.Equal(t, `{"v":`+want+`}`, ask(t, db, "select "+expr+" as v"))
		require.Equal(t, `{"v":`+want+`}`, ask(t, db, "select "+expr+" as v where $1 = 1", 1), "prepared")
	}
	f("1::smallint", "1")
	f("9223372036854775807::bigint", "9223372036854775807")
	f("1.25::numeric", "1.25")
	f("2::numeric", "2.0")
	f("1.1::real", "1.1")
	f("1.1::float8", "1.1")
	f("true", "true")
	f("null::text", "null")
	f("'é'::text", `"é"`)
	f("'a'::varchar(3)", `"a"`)
	f("'\\x616263'::bytea", `"abc"`)
	f("'\\xff61'::bytea", "\"\uFFFDa\"")
	f("timestamp '2024-07-01 12:00:00.123456'", `"2024-07-01T10:00:00.123456Z"`)
	f("timestamptz '2024-07-01 12:00:00+00'", `"2024-07-01T12:00:00.000Z"`)
	f("timestamp 'infinity'", `"infinity"`)
	f(`'{"a": 1}'::json`, `"{\"a\": 1}"`)
	f(`'{"a":1}'::jsonb`, `"{\"a\": 1}"`)
	f("array[1,2]", "[1,2]")
	f("array['a','b c']", `["a","b c"]`)
	f("'8c4e0a52-7f38-4e6b-9b36-000000000001'::uuid", `"8c4e0a52-7f38-4e6b-9b36-000000000001"`)
	f("'192.0.2.1'::inet", `"192.0.2.1"`)
	f("interval '1 day'", `"1 day"`)
	day := time.Date(2024, 7, 1, 0, 0, 0, 0, time.Local).UTC().Format("2006-01-02T15:04:05.000Z")
	f("date '2024-07-01'", `"`+day+`"`)
	f("time '12:34:56'", `"`+clockToday(12, 34, 56)+`"`)
}

func clockToday(h, m, s int) string {
	y, mo, d := time.Now().Date()
	return time.Date(y, mo, d, h, m, s, 0, time.Local).UTC().Format("2006-01-02T15:04:05.000Z")
}

func TestMariaDBTypes(t *testing.T) {
	d := mariadb.Get(t)
	db := open(t, d, "?sessionVariables=sql_mode=''", "Europe/Paris")
	_, err := db.ExecContext(t.Context(), `create table types (tiny tinyint, yes tinyint(1), no boolean, small smallint, big bigint unsigned, de decimal(10,2), fl float, db double,
		s varchar(10), e enum('x','y'), bl blob, j json, dt datetime(6), ts timestamp, d date, zero date, ti time, long_ti time, y year, b1 bit(1), bin binary(2), n int)`)
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), `insert into types values (5, 1, 0, -2, 18446744073709551615, 1.50, 1.1, 1.1, 'é', 'y', 'ab', '{"a":1}', '2024-07-01 12:00:00.5',
		'2024-07-01 12:00:00', '2024-07-01', '0000-00-00', '12:34:56', '-30:00:00', 2024, b'1', x'ff61', null)`)
	require.NoError(t, err)
	day := func(m time.Month) string {
		return time.Date(2024, m, 1, 0, 0, 0, 0, time.Local).UTC().Format("2006-01-02T15:04:05.000Z")
	}
	want := `{"tiny":5,"yes":true,"no":false,"small":-2,"big":18446744073709551615,"de":1.5,"fl":1.1,"db":1.1,"s":"é","e":"y","bl":"ab","j":"{\"a\":1}",` +
		`"dt":"2024-07-01T10:00:00.500Z","ts":"2024-07-01T10:00:00.000Z","d":"` + day(7) + `","zero":null,"ti":"` + clockToday(12, 34, 56) +
		`","long_ti":"-30:00:00","y":"` + day(1) + `","b1":true,"bin":"` + "\uFFFDa" + `","n":null}`
	require.Equal(t, want, ask(t, db, "select * from types"))
	require.Equal(t, want, ask(t, db, "select * from types where 1 = ?", 1), "interpolated")
	require.Equal(t, want, ask(t, db, "select * from types where 1 = ? and '?' <> ''", 1), "prepared")
	plain := open(t, d, "?tinyInt1isBit=false&yearIsDateType=false", "")
	require.Equal(t, `{"yes":1,"y":2024}`, ask(t, plain, "select yes, y from types"))
}

// TestStatementsOnServers: values come back as they went in, whatever is in them.
func TestStatementsOnServers(t *testing.T) {
	values := []event.Value{
		event.StringValue(`it's \ "x" ` + "`$1 ? :v -- \n/*"), event.StringValue(`\`), event.StringValue(`'`), event.StringValue(""), event.IntValue(-7),
		event.StringValue("日本"),
	}
	f := func(db *DB, d Dialect) {
		t.Helper()
		for _, v := range values {
			s := Named("select :v as v /* :v */", d, []string{"v"})
			query, args, err := s.Fill([]event.Value{v})
			require.NoError(t, err)
			require.Equal(t, `{"v":`+string(v.AppendJSON(nil))+`}`, ask(t, db, query, args...))
		}
	}
	pg := open(t, postgres.Get(t), "", "")
	f(pg, Postgres)
	pg.SetMaxOpenConns(1)
	_, err := pg.ExecContext(t.Context(), "set standard_conforming_strings = off; set backslash_quote = on; set escape_string_warning = off")
	require.NoError(t, err)
	f(pg, Postgres)
	my := open(t, mariadb.Get(t), "", "")
	f(my, MySQL)
	f(open(t, mariadb.Get(t), "?sessionVariables=sql_mode='NO_BACKSLASH_ESCAPES'", ""), MySQL)
}

func TestErrorsOfServers(t *testing.T) {
	f := func(db *DB, query, state string, hopeless bool) {
		t.Helper()
		_, err := db.ExecContext(t.Context(), query)
		require.Error(t, err)
		require.Equal(t, state, State(err))
		require.Equal(t, hopeless, Hopeless(err))
	}
	pg, my := open(t, postgres.Get(t), "", ""), open(t, mariadb.Get(t), "", "")
	f(pg, "select * from none", "42P01", true)
	f(pg, "select 1/0", "22012", false)
	f(my, "select * from none", "42S02", true)
	f(my, "signal sqlstate '45000'", "45000", false)
	f(open(t, postgres.Get(t), "?user=nobody", ""), "selec", "42601", true)
	gone := open(t, &testenv.Database{URL: "jdbc:postgresql://127.0.0.1:1/x", User: "u"}, "?sslmode=disable", "")
	f(gone, "select 1", "", false)
	first, err := NewTarget(&plugin.Env{}, Names{"u", "c"}, postgres.Get(t).URL, "", postgres.Get(t).User, config.Password(postgres.Get(t).Password))
	require.NoError(t, err)
	begun := first.Open(nil, 1, "set application_name = 'begun'")
	defer begun.Close()
	require.Equal(t, `{"v":"begun"}`, ask(t, begun, "select current_setting('application_name') as v"))
	broken := first.Open(nil, 1, "what")
	defer broken.Close()
	require.ErrorContains(t, broken.PingContext(context.Background()), "first statement")
}

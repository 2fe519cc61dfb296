package jdbcstatic

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/filters/internal/filtertest"
	"millrace/internal/jdbc"
	"millrace/internal/testenv"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

var postgres = testenv.SharedPostgres()

func TestMain(m *testing.M) { os.Exit(testenv.RunWith(m, postgres)) }

// servers returns a table to look up in.
func servers(t testing.TB) map[string]*table {
	tab := &table{name: "servers", columns: []tableColumn{{"ip", varchar}, {"descr", varchar}, {"id", integer}, {"load", number}, {"up", boolean}, {"since", timestamp}},
		indexed: make([]bool, 6)}
	tables := map[string]*table{"SERVERS": tab}
	tab.indexed[0], tab.indexed[2], tab.indexed[3] = true, true, true
	b := tab.build()
	when := func(s string) event.Value {
		at, err := time.Parse(time.DateOnly, s)
		require.NoError(t, err)
		return event.TimeValue(at)
	}
	s, n, f := event.StringValue, event.IntValue, event.FloatValue
	for _, cells := range [][]event.Value{
		{s("10.0.0.1"), s("web"), n(1), f(0.5), event.BoolValue(true), when("2024-01-01")},
		{s("10.0.0.2"), s("db 100%"), n(2), f(2), event.BoolValue(false), when("2024-02-01")},
		{s("10.0.0.3"), s("web   "), s("3"), n(1), s("true"), {}},
		{s("10.1.0.1"), {}, f(4), {}, n(0), s("2024-03-01")},
	} {
		require.NoError(t, b.add(cells))
	}
	b.done()
	return tables
}

func TestQueries(t *testing.T) {
	tables := servers(t)
	f := func(sql, want string, params ...event.Value) {
		t.Helper()
		names := []string{"a", "b"}[:len(params)]
		q, err := parse(sql, tables, names, false)
		require.NoError(t, err)
		rows, err := q.find(params)
		if want == "error" {
			require.Error(t, err)
			return
		}
		require.NoError(t, err)
		require.Equal(t, want, string(q.list(event.New(nil), rows, params).AppendJSON(nil)))
	}
	s, n := event.StringValue, event.IntValue
	f("select ip from servers", `[{"ip":"10.0.0.1"},{"ip":"10.0.0.2"},{"ip":"10.0.0.3"},{"ip":"10.1.0.1"}]`)
	f("SELECT IP AS Address, s.id num FROM Servers AS s WHERE s.ip = :a;", `[{"address":"10.0.0.2","num":2}]`, s("10.0.0.2"))
	f(`select "IP" from servers where :a = ip`, `[{"ip":"10.0.0.1"}]`, s("10.0.0.1 "))
	f("select * from servers where id = :a", `[{"ip":"10.0.0.1","descr":"web","id":1,"load":0.5,"up":true,"since":"2024-01-01T00:00:00.000Z"}]`, n(1))
	f("select id from servers where id = :a", `[{"id":3}]`, s("3"))
	f("select id from servers where id = :a", `[]`, event.FloatValue(3.5))
	f("select id from servers where id = :a", "error", s("x"))
	f("select id from servers where load = :a", `[{"id":2}]`, n(2))
	f("select id from servers where ip = :a", `[]`, n(10))
	f("select id from servers where ip = :a and id = :b", `[]`, s("10.0.0.1"), n(2))
	f("select id from servers where descr = 'web' and id > 1", `[{"id":3}]`)
	f("select id from servers where descr <> 'web'", `[{"id":2}]`)
	f("select id from servers where not descr = 'web'", `[{"id":2}]`)
	f("select id from servers where descr is null or up = true and load < 1", `[{"id":1},{"id":4}]`)
	f("select id from servers where (descr is null or up = true) and load <= .5", `[{"id":1}]`)
	f("select id from servers where descr is not null and ip like :a", `[{"id":1},{"id":2},{"id":3}]`, s("10.0.%"))
	f("select id from servers where ip not like '10._._._'", `[]`)
	f(`select id from servers where descr like '%!%' escape '!'`, `[{"id":2}]`)
	f("select id from servers where id in (1, :a, '4') order by id desc", `[{"id":4},{"id":3},{"id":1}]`, n(3))
	f("select id from servers where id not in (1, 2)", `[{"id":3},{"id":4}]`)
	f("select id from servers where id between 2 and 3", `[{"id":2},{"id":3}]`)
	f("select id from servers where since > '2024-01-15' order by since", `[{"id":2},{"id":4}]`)
	f("select id from servers order by descr, id desc fetch first 2 rows only", `[{"id":2},{"id":3}]`)
	f("select id from servers order by load desc -- all\n offset 1 rows fetch next row only", `[{"id":2}]`)
	f("select id from servers limit 1", `[{"id":1}]`)
	f("select upper(descr) as d, 5 five, 'x''y' as t from servers where lower(ip) = '10.0.0.1'", `[{"d":"WEB","five":5,"t":"x'y"}]`)
	f("select id from servers where id = null", `[]`)
	f("select id from servers where id = -1 or load >= 2.0e0", `[{"id":2}]`)
	f("select id from servers where up = 1 and id != 1", `[{"id":3}]`)
}

func TestQueryErrors(t *testing.T) {
	tables := servers(t)
	f := func(sql string, offset int, want, hint string) {
		t.Helper()
		_, err := parse(sql, tables, []string{"code"}, false)
		var se *sqlError
		require.ErrorAs(t, err, &se)
		require.Contains(t, se.msg, want)
		require.Contains(t, se.hint, hint)
		require.Equal(t, offset, se.Offset, se.msg)
	}
	f("", 0, "expected SELECT", "loader")
	f("select ip", 9, "expected FROM", "")
	f("select ip from server", 15, `no table "server"`, "servers")
	f("select i from servers", 7, `no column "i"`, "")
	f("select ip from servers where idd = 1", 29, `no column "idd"`, `did you mean "id"?`)
	f("select ip from servers where id = :cod", 34, `no parameter ":cod"`, `did you mean "code"?`)
	f("select ip from servers where id = ?", 34, "prepared_parameters", "")
	f("select count(*) from servers", 7, "COUNT is not evaluated", "loader")
	f("select ip from servers a join b on a.x = b.x", 25, "JOIN", "[target][0][column]")
	f("select ip from servers, other", 22, "not joined", "look up twice")
	f("select ip from servers where id = (select 1)", 34, "expected", "")
	f("select ip from (select 1) x", 15, "inside another", "")
	f("select ip from servers group by ip", 23, "GROUP is not evaluated", "loader")
	f("select ip from servers where abs(id) = 1", 29, "function abs", "UPPER")
	f("select ip from servers where x.id = 1", 29, `"x" is not the table`, "")
	f("select ip from servers where ip = 'a", 34, "not closed", "")
	f("select ip from servers where ip", 31, "a comparison", "")
	f("select ip from servers where ip = 1 2", 36, "expected the end", "")
	f("select distinct ip from servers", 7, "DISTINCT", "")
	f("delete from servers", 0, "DELETE", "")
	f("select ip from servers fetch first x", 35, "expected ROWS", "")
	_, err := parse("select ip from servers where ip = ?", tables, []string{"0", "1"}, true)
	require.ErrorContains(t, err, "2 values for the 1 question marks")
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"select ip from servers where ip = :a and (id in (1,2) or descr like '%')", "select * from servers order by id desc fetch first 2 rows only",
		"select upper(ip) x from servers s where s.id between ? and 2"} {
		f.Add(s)
	}
	tables := servers(f)
	f.Fuzz(func(t *testing.T, sql string) {
		q, err := parse(sql, tables, []string{"a"}, false)
		if err == nil {
			params := []event.Value{event.StringValue("10.0.0.1")}
			rows, err := q.find(params)
			if err == nil {
				q.list(event.New(nil), rows, params)
			}
		}
	})
}

const offline = `jdbc_driver_class => "org.postgresql.Driver" jdbc_connection_string => "jdbc:postgresql://127.0.0.1:1/x?sslmode=disable" jdbc_user => "u" `

const objects = ` local_db_objects => [{ "name" => "users" "index_columns" => ["id"] "columns" => [["id", "int"], ["name", "varchar(20)"]] }] `

func TestDiagnostics(t *testing.T) {
	f := func(conf, want string) {
		t.Helper()
		require.Contains(t, filtertest.Diagnose(Plugin, offline+conf), want)
	}
	const lookups = ` local_lookups => [{ "query" => "select name from users where id = :id" "parameters" => { "id" => "[id]" } }] `
	const loaders = ` loaders => [{ "query" => "select 1, 'a'" "local_table" => "users" }] `
	require.Empty(t, filtertest.Diagnose(Plugin, offline+objects+loaders+lookups+`staging_directory => "x"`))
	f(objects+lookups, "no loader fills the table users")
	f(objects+loaders, `"local_lookups" is required`)
	f(loaders+lookups, `no table "users"`)
	f(objects+loaders+`local_lookups => ["x"]`, "array of hashes")
	f(objects+loaders+lookups+`loader_schedule => "x"`, "cron line")
	f(objects+loaders+`local_lookups => [{ "query" => "select nam from users" }]`, `did you mean "name"?`)
	f(objects+loaders+`local_lookups => [{ "query" => "select name from users where id = :i" "parameters" => { "id" => "[id" } }]`, "id")
	f(objects+loaders+`local_lookups => [{ "query" => "select name from users" "prepared_parameters" => ["a"] }]`, "1 values for the 0")
	f(objects+loaders+`local_lookups => [{ "query" => "select name from users" "prepared_parameters" => ["a"] "parameters" => {} }]`, "one of parameters and")
	f(objects+loaders+`local_lookups => [{ "query" => "select name from users" "id" => "a" }, { "query" => "select name from users" "id" => "a" }]`, "the id")
	f(objects+loaders+`local_lookups => [{ "query" => "select name from users" "target" => "a" }, { "query" => "select name from users" "target" => "a" }]`, "the target")
	f(objects+loaders+`local_lookups => [{ "quer" => "select name from users" }]`, "it has to tell query")
	f(objects+loaders+`local_lookups => [{ "query" => "select name from users" "defaulthash" => {} }]`, `did you mean "default_hash"?`)
	f(objects+lookups+`loaders => [{ "query" => "a" "local_table" => "users" "max_rows" => 0 }]`, "max_rows must be")
	f(objects+lookups+`loaders => [{ "query" => "a" "local_table" => "users" }, { "query" => "a" "local_table" => "users" }]`, "two loaders")
	f(objects+lookups+`loaders => [{ "query" => "a" "local_table" => "users" "jdbc_connection_string" => "jdbc:oracle:x" "jdbc_driver_class" => "x" }]`, "no driver for Oracle")
	f(lookups+`local_db_objects => [{ "name" => "users" "columns" => [["id", "what"], ["id", "int"], "x"] "index_columns" => ["y"] "preserve_existing" => true }]`, `"what" is no type`)
	f(lookups+`local_db_objects => [{ "name" => "users" }]`, "tell columns")
	got := filtertest.Diagnose(Plugin, offline+objects+loaders+`local_lookups => [{ "query" => "select name from users u join b on 1=1" }]`)
	require.Contains(t, got, "join b on")
	require.Contains(t, got, "second lookup")
}

// loaded returns a filter whose tables are loaded from a real server.
func loaded(t *testing.T, load, options string) (r *filtertest.Runner, db *jdbc.DB) {
	t.Helper()
	d := postgres.Get(t)
	target, err := jdbc.NewTarget(&plugin.Env{}, jdbc.Names{}, d.URL, "", d.User, config.Password(d.Password))
	require.NoError(t, err)
	db = target.Open(nil, 1, "")
	t.Cleanup(func() { _ = db.Close() })
	for _, q := range []string{"create table if not exists people (id int, name text)", "delete from people", "insert into people values (1, 'Ada'), (2, 'Bob')"} {
		_, err := db.Exec(q)
		require.NoError(t, err)
	}
	conf := fmt.Sprintf(`jdbc_driver_class => "org.postgresql.Driver" jdbc_connection_string => "%s" jdbc_user => "%s" jdbc_password => "%s" loaders => [{ "query" => "%s"
		"local_table" => "users" "max_rows" => 3 }] `, d.URL, d.User, d.Password, load)
	r = filtertest.New(t, Plugin, conf+objects+options)
	t.Cleanup(func() { require.NoError(t, r.Filter.(plugin.Closer).Close()) })
	return r, db
}

func TestLookUps(t *testing.T) {
	f := func(options, in, want string) {
		t.Helper()
		r, _ := loaded(t, "select id, name from people", options)
		require.NoError(t, r.Filter.(plugin.Starter).Start(t.Context()))
		require.Equal(t, want, r.Run(in))
	}
	const byID = `local_lookups => [{ "query" => "select name as Who from users where id = :id" "parameters" => { "id" => "[u]" } "target" => "user" `
	f(byID+`}]`, `{"u":1}`, `{"u":1,"user":[{"who":"Ada"}]} +`)
	f(byID+`}]`, `{"u":"2","user":5}`, `{"u":"2","user":[{"who":"Bob"}]} +`)
	f(byID+`}]`, `{"u":3}`, `{"u":3,"user":[]} +`)
	f(byID+`"default_hash" => { "who" => "nobody" } }]`, `{"u":3}`, `{"u":3,"tags":["_jdbcstaticdefaultsused"],"user":[{"who":"nobody"}]} +`)
	f(byID+`"default_hash" => { "who" => "nobody" } "tag_on_default_use" => ["d"] }]`, `{"u":3}`, `{"u":3,"tags":["d"],"user":[{"who":"nobody"}]} +`)
	f(byID+`}]`, `{}`, `{"tags":["_jdbcstaticfailure"]}`)
	f(byID+`}]`, `{"u":[1]}`, `{"u":[1],"tags":["_jdbcstaticfailure"]}`)
	f(byID+`"tag_on_failure" => ["f"] }]`, `{"u":"x"}`, `{"u":"x","tags":["f"]}`)
	f(`local_lookups => [{ "id" => "one" "query" => "select id from users where name = ? or name = ? order by id" "prepared_parameters" => ["[n]", "%{a}b"] },
		{ "query" => "select name from users where id = :id" "parameters" => { "id" => "[one][0][id]" } }]`, `{"n":"Ada","a":"Bo"}`,
		`{"n":"Ada","a":"Bo","one":[{"id":1},{"id":2}],"lookup-2":[{"name":"Ada"}]} +`)
	f(`local_lookups => [{ "query" => "select id from users where name like :n" "parameters" => { "n" => "%{n}%" } "target" => "t" }]`, `{}`, `{"tags":["_jdbcstaticfailure"]}`)
}

func TestLoading(t *testing.T) {
	const all = `local_lookups => [{ "query" => "select name from users" "target" => "t" }]`
	start := func(r *filtertest.Runner) error { return r.Filter.(plugin.Starter).Start(t.Context()) }
	r, _ := loaded(t, "select id, name from people where 1=0", all)
	require.NoError(t, start(r))
	require.Equal(t, `{"t":[]} +`, r.Run(`{}`))
	r, _ = loaded(t, "select n, 'a' from generate_series(1,4) n", all)
	require.NoError(t, start(r))
	require.Equal(t, `{"t":[]} +`, r.Run(`{}`), "more than max_rows")
	r, _ = loaded(t, "select id from people", all)
	require.ErrorContains(t, start(r), "1 columns")
	r, _ = loaded(t, "select name, id from people", all)
	require.ErrorContains(t, start(r), "column id of row 1")
	r, _ = loaded(t, "selec", all)
	require.ErrorContains(t, start(r), "syntax error")
	gone := filtertest.New(t, Plugin, offline+objects+`loaders => [{ "query" => "a" "local_table" => "users" }] `+all)
	require.Error(t, start(gone))
}

// TestSchedule: tables follow the database, and stay as they are while it cannot be asked.
func TestSchedule(t *testing.T) {
	r, db := loaded(t, "select id, name from people", `loader_schedule => "* * * * * *" local_lookups => [{ "query" => "select name from users where id = 1" "target" => "t" }]`)
	require.NoError(t, r.Filter.(plugin.Starter).Start(t.Context()))
	require.Equal(t, `{"t":[{"name":"Ada"}]} +`, r.Run(`{}`))
	_, err := db.Exec("update people set name = 'Eve' where id = 1")
	require.NoError(t, err)
	require.Eventually(t, func() bool { return strings.Contains(r.Run(`{}`), "Eve") }, 30*time.Second, 20*time.Millisecond)
	_, err = db.Exec("alter table people rename to peeple")
	require.NoError(t, err)
	defer db.Exec("alter table peeple rename to people")
	require.Eventually(t, func() bool { return r.Filter.(*filter).stats.Failures.Load() > 0 }, 30*time.Second, 20*time.Millisecond)
	require.Equal(t, `{"t":[{"name":"Eve"}]} +`, r.Run(`{}`))
}

// BenchmarkLookUp finds one row of a hundred thousand by an indexed column.
func BenchmarkLookUp(b *testing.B) {
	r := filtertest.New(b, Plugin, offline+objects+` local_lookups => [{ "query" => "select name from users where id = :id" "parameters" => { "id" => "[u]" } "target" => "t" }]`)
	f := r.Filter.(*filter)
	rows := f.lookups[0].query.table.build()
	for i := range 100_000 {
		if err := rows.add([]event.Value{event.IntValue(int64(i)), event.StringValue("somebody")}); err != nil {
			b.Fatal(err)
		}
	}
	rows.done()
	e := event.New(nil)
	u := event.MustPath("u")
	b.ReportAllocs()
	for b.Loop() {
		e.Reset()
		_ = e.Set(u, event.IntValue(77_777))
		if !f.Filter(e) {
			b.Fatal("not found")
		}
	}
}

package jdbcstreaming

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/filters/internal/filtertest"
	"millrace/internal/jdbc"
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

const offline = `jdbc_driver_class => "org.postgresql.Driver" jdbc_connection_string => "jdbc:postgresql://127.0.0.1:1/x?sslmode=disable" jdbc_user => "u" target => "t" `

func TestDiagnostics(t *testing.T) {
	f := func(conf, want string) {
		t.Helper()
		got := filtertest.Diagnose(Plugin, conf)
		if want == "" {
			require.Empty(t, got)
		}
		require.Contains(t, got, want)
	}
	f(offline+`statement => "a"`, "")
	f(offline, `"statement" is required`)
	f(strings.Replace(offline, "jdbc:postgresql", "jdbc:derby", 1)+`statement => "a"`, "no driver for Derby")
	f(offline+`statement => "a" cache_size => 0`, "less than 1")
	f(offline+`statement => "a = ?" use_prepared_statements => true prepared_statement_name => "p"`, "0 values for the 1")
	f(offline+`statement => "a = ?" use_prepared_statements => true prepared_statement_bind_values => [1]`, "needs a name")
	f(offline+`statement => "a = ?" use_prepared_statements => true prepared_statement_name => "p" prepared_statement_bind_values => ["field"]`, "written with brackets")
	f(offline+`statement => "a = ?" use_prepared_statements => true prepared_statement_name => "p" prepared_statement_bind_values => ["field"] prepared_statement_warn_on_constant_usage => false`, "")
	f(offline+`statement => "a = :aa" parameters => { "aa" => "[a" }`, `option "parameters"`)
	f(offline+`statement => "a = :aaa" parameters => { "aab" => "[a]" }`, "did you mean :aab?")
	f(offline+`statement => "a" sequel_opts => { "max_connections" => "x" }`, "no number of connections")
	f(offline+`statement => "a" sequel_opts => { "what" => 1 }`, "what has no effect")
}

// conf is a config of the filter for a server with a table of codes.
func conf(t *testing.T, d *testenv.Database, class string) string {
	t.Helper()
	target, err := jdbc.NewTarget(&plugin.Env{}, jdbc.Names{}, d.URL, class, d.User, config.Password(d.Password))
	require.NoError(t, err)
	db := target.Open(nil, 1, "")
	defer db.Close()
	for _, q := range []string{`create table if not exists codes (code varchar(10), n int, name varchar(20))`, `delete from codes`,
		`insert into codes values ('de', 1, 'Deutschland'), ('fr', 2, 'France'), ('x', 3, 'a'), ('x', 4, 'b')`} {
		_, err := db.Exec(q)
		require.NoError(t, err)
	}
	return fmt.Sprintf(`jdbc_driver_class => %q jdbc_connection_string => %q jdbc_user => %q jdbc_password => "%s" target => "t" `, class, d.URL, d.User, d.Password)
}

func TestLookUps(t *testing.T) {
	servers := map[string]string{}
	both := func(t *testing.T, f func(t *testing.T, conf string)) {
		for name, get := range map[string]func() string{
			"postgres": func() string { return conf(t, postgres.Get(t), "org.postgresql.Driver") },
			"mariadb":  func() string { return conf(t, mariadb.Get(t), "com.mysql.cj.jdbc.Driver") },
		} {
			if servers[name] == "" {
				servers[name] = get()
			}
			t.Run(name, func(t *testing.T) { f(t, servers[name]) })
		}
	}
	both(t, func(t *testing.T, conf string) {
		f := func(options, in, want string) {
			t.Helper()
			r := filtertest.New(t, Plugin, conf+options)
			require.Equal(t, want, r.Run(in))
			require.Equal(t, want, r.Run(in), "remembered")
		}
		const byCode = `statement => "select name as Name, n from codes where code = :code order by n" parameters => { "code" => "[c]" } `
		name := "Name"
		if strings.Contains(conf, "postgres") {
			name = "name" // which folds names
		}
		f(byCode, `{"c":"de"}`, `{"c":"de","t":[{"`+name+`":"Deutschland","n":1}]} +`)
		f(byCode, `{"c":"x","t":1}`, `{"c":"x","t":[{"`+name+`":"a","n":3},{"`+name+`":"b","n":4}]} +`)
		f(byCode, `{"c":"?"}`, `{"c":"?","tags":["_jdbcstreamingdefaultsused"],"t":[{}]} +`)
		f(byCode, `{}`, `{"tags":["_jdbcstreamingdefaultsused"],"t":[{}]} +`)
		f(byCode+`default_hash => { "name" => "none" "n" => 0 } tag_on_default_use => []`, `{"c":"' or 1=1 -- "}`, `{"c":"' or 1=1 -- ","t":[{"name":"none","n":0}]} +`)
		f(byCode, `{"c":{"a":1}}`, `{"c":{"a":1},"tags":["_jdbcstreamingfailure","_jdbcstreamingdefaultsused"],"t":[{}]} +`)
		f(`statement => "select n from codes where code in :list and n > 1 order by n" parameters => { "list" => "c" } use_cache => false`, `{"c":["de","fr","x"]}`,
			`{"c":["de","fr","x"],"t":[{"n":2},{"n":3},{"n":4}]} +`)
		f(`statement => "select n from codes where name = :full" parameters => { "full" => "%{a}%{b}" }`, `{"a":"Fran","b":"ce"}`, `{"a":"Fran","b":"ce","t":[{"n":2}]} +`)
		f(`statement => "select n from codes where code = ? and n < ? + ?" use_prepared_statements => true prepared_statement_name => "p"
			prepared_statement_bind_values => ["[c]", 3, "[n]"] jdbc_validate_connection => true jdbc_validation_timeout => 0 use_cache => false`,
			`{"c":"x","n":1}`, `{"c":"x","n":1,"t":[{"n":3}]} +`)
		f(`statement => "selec" tag_on_failure => ["a","b"]`, `{}`, `{"tags":["a","b","_jdbcstreamingdefaultsused"],"t":[{}]} +`)
	})
}

// TestWorkers: workers share connections and answers.
func TestWorkers(t *testing.T) {
	built := filtertest.New(t, Plugin, conf(t, postgres.Get(t), "org.postgresql.Driver")+`cache_size => 2 sequel_opts => { "max_connections" => 2 }
		statement => "select n from codes where code = ? order by n" use_prepared_statements => true prepared_statement_name => "p" prepared_statement_bind_values => ["[c]"]`)
	f := built.Filter.(*worker).filter
	var wg sync.WaitGroup
	for range 4 {
		w := f.ForWorker()
		wg.Go(func() {
			for i := range 200 {
				e := event.New(nil)
				code := []string{"de", "fr", "x"}[i%3]
				_ = e.Set(event.MustPath("c"), event.StringValue(code))
				if !w.Filter(e) || e.HasTag("_jdbcstreamingfailure") {
					t.Error("not found: " + code)
					return
				}
				if v, _ := e.Get(event.MustPath("[t][0][n]")); v.Int() != int64(i%3+1) {
					t.Errorf("%s: %s", code, v.Text())
				}
			}
		})
	}
	wg.Wait()
	require.NoError(t, f.Close())
}

// TestUnreachable: a database that cannot be reached is not tried with every event.
func TestUnreachable(t *testing.T) {
	r := filtertest.New(t, Plugin, offline+`statement => "select 1" use_cache => false`)
	want := `{"tags":["_jdbcstreamingfailure","_jdbcstreamingdefaultsused"],"t":[{}]} +`
	require.Equal(t, want, r.Run(`{}`))
	f := r.Filter.(*worker)
	require.Positive(t, f.down.Load())
	require.ErrorIs(t, f.query(nil).err, errDown)
	require.NoError(t, f.Close())
}

func TestEndsWithContext(t *testing.T) {
	filtertest.EndsWithContext(t, Plugin, func(address string) string {
		return strings.Replace(offline, "127.0.0.1:1", address, 1) + `statement => "select 1"`
	}, `{"tags":["_jdbcstreamingfailure","_jdbcstreamingdefaultsused"],"t":[{}]} +`)
	filtertest.EndsWithContext(t, Plugin, func(address string) string {
		return `jdbc_driver_class => "com.mysql.jdbc.Driver" jdbc_connection_string => "jdbc:mysql://` + address + `/x" jdbc_user => "u" target => "t" statement => "select 1"`
	}, `{"tags":["_jdbcstreamingfailure","_jdbcstreamingdefaultsused"],"t":[{}]} +`)
}

func TestCache(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCache(2, time.Second)
		var asked atomic.Int32
		f := func(key string, remembered bool) {
			t.Helper()
			a, ok := c.get([]byte(key), func() answer { asked.Add(1); return answer{rows: event.StringValue(key)} })
			require.Equal(t, remembered, ok)
			require.Equal(t, key, a.rows.Str())
		}
		f("a", false)
		f("a", true)
		f("b", false)
		f("a", true)
		f("c", false) // b was not asked for the longest time
		f("a", true)
		f("b", false)
		time.Sleep(time.Second)
		f("b", false)
		require.EqualValues(t, 5, asked.Load())
		require.Len(t, c.entries, c.order.Len())

		release := make(chan struct{})
		var wg sync.WaitGroup
		var shared atomic.Int32
		for range 10 {
			wg.Go(func() {
				if _, ok := c.get([]byte("slow"), func() answer { <-release; return answer{} }); ok {
					shared.Add(1)
				}
			})
		}
		synctest.Wait()
		close(release)
		wg.Wait()
		require.EqualValues(t, 9, shared.Load())
	})
}

// BenchmarkRemembered: an answer that is remembered.
func BenchmarkRemembered(b *testing.B) {
	o := Options{
		Options:   jdbc.Options{DriverClass: "org.postgresql.Driver", ConnectionString: "jdbc:postgresql://127.0.0.1:1/x", User: "u"},
		Statement: "select :code", UseCache: true, CacheExpiration: time.Hour, CacheSize: 10, Target: *event.MustPath("t"),
		Parameters: jdbc.Parameters{{Key: "code", Value: config.StringValue("c")}},
	}
	made, err := New(o, &plugin.Env{Stats: new(plugin.Stats)})
	if err != nil {
		b.Fatal(err)
	}
	w := made.(*filter).ForWorker().(*worker)
	row, list := new(event.Object), new(event.List)
	row.Set("name", event.StringValue("Deutschland"))
	list.Append(event.ObjectValue(row))
	e := event.New(nil)
	w.answers.get(event.StringValue("de").AppendBinary(nil), func() answer { return answer{rows: event.ListValue(list)} })
	b.ReportAllocs()
	for b.Loop() {
		e.Reset()
		_ = e.Set(event.MustPath("c"), event.StringValue("de"))
		if !w.Filter(e) || e.HasTag("_jdbcstreamingfailure") {
			b.Fatal("not remembered")
		}
	}
}

package jdbc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/internal/inputtest"
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

const offline = `jdbc_driver_class => "org.postgresql.Driver" jdbc_connection_string => "jdbc:postgresql://db/x" jdbc_user => "u" `

func TestRefused(t *testing.T) {
	f := func(conf, want string) {
		t.Helper()
		inputtest.Refused(t, Plugin, conf, want)
	}
	f(offline, "one of statement and statement_filepath")
	f(offline+`statement => "a" use_column_value => true`, "it needs tracking_column")
	f(offline+`statement => "a" jdbc_page_size => 0`, "less than 1")
	f(offline+`statement => "a" statement_retry_attempts => 0`, "less than 1")
	f(offline+`statement => "a" schedule => "what"`, "cron line")
	f(offline+`statement => "a" period => "soon"`, `"soon" is no time`)
	f(offline+`statement => "a" interval => "0s"`, "longer than nothing")
	f(offline+`statement => "a" schedule => "* * * * *" interval => "1m"`, "only one of schedule, period and interval")
	f(offline+`statement => "a" period => "1m" interval => "1m"`, "only one of schedule, period and interval")
	f(offline+`statement => "a" jdbc_default_timezone => "Mars"`, "no time zone")
	f(offline+`statement => "a" last_run_metadata_path => "/"`, "is a directory")
	f(offline+`statement => "a" parameters => { aa => { bb => 1 } }`, "a hash cannot be a parameter")
	f(offline+`statement => "a" jdbc_paging_enabled => true jdbc_paging_mode => explicit`, ":offset and :size")
	f(offline+`statement => "a = ?" use_prepared_statements => true prepared_statement_name => "n"`, "0 values for the 1 question marks")
	f(offline+`statement => "a" use_prepared_statements => true`, "prepared_statement_name")
	f(offline+`statement => "a" use_prepared_statements => true prepared_statement_name => "n" jdbc_paging_enabled => true`, "in pages")
	f(`jdbc_driver_class => "oracle.jdbc.OracleDriver" jdbc_connection_string => "jdbc:oracle:thin:@x" jdbc_user => "u" statement => "a"`, "no driver for Oracle")
	f(`jdbc_driver_class => "com.mysql.jdbc.Driver" jdbc_connection_string => "jdbc:postgresql:x" jdbc_user => "u" statement => "a"`, "does not fit the URL")
	f(`jdbc_driver_class => "com.mysql.jdbc.Driver" jdbc_connection_string => "jdbc:mysql:x" statement => "a"`, "no user")
	file := filepath.Join(t.TempDir(), "pw")
	require.NoError(t, os.WriteFile(file, []byte("x\n"), 0o600))
	f(offline+`statement => "a" jdbc_password => "p" jdbc_password_filepath => "`+file+`"`, "one of jdbc_password and")
	inputtest.Refused(t, Plugin, `jdbc_driver_class => "oracle.jdbc.OracleDriver" jdbc_connection_string => "jdbc:oracle:thin:@x" statement => "a"`, "Millrace speaks to PostgreSQL")
}

func TestWarned(t *testing.T) {
	f := func(conf, want string) {
		t.Helper()
		built, diags := inputtest.Build(t, Plugin, offline+conf, plugin.Builder{})
		require.NotNil(t, built, diags.String())
		require.Contains(t, diags.String(), want)
	}
	f(`statement => "select :sql_last_valu"`, "did you mean :sql_last_value?")
	f(`statement => "select '%:aa'" parameters => { aa => 1 }`, "a part of a text in quotes")
	f(`statement => "a" sequel_opts => { aa => 1 }`, "no Sequel")
	f(`statement => "a" tracking_column => "ID"`, "lower case")
	built, diags := inputtest.Build(t, Plugin, strings.Replace(offline, "/x", "/x?what=1", 1)+`statement => "a"`, plugin.Builder{})
	require.NotNil(t, built)
	require.Contains(t, diags.String(), "property what")
}

// TestSharedFile: two inputs of a pipeline with one file would miss each other's rows.
func TestSharedFile(t *testing.T) {
	shared := new(plugin.Shared)
	f := func(id, conf string, warned bool) string {
		t.Helper()
		built, diags := inputtest.Build(t, Plugin, offline+`id => "`+id+`" statement => "select :sql_last_value" `+conf, plugin.Builder{Shared: shared, DataDir: "d", Pipeline: "main"})
		require.NotNil(t, built, diags.String())
		require.Equal(t, warned, strings.Contains(diags.String(), "rows will be missed"), diags.String())
		return built.Input.(*input).last.path
	}
	require.Equal(t, "d/plugins/inputs/jdbc/logstash_jdbc_last_run", f("a", "", false))
	require.Equal(t, "x", f("b", "last_run_metadata_path => \"x\"", false))
	f("c", "record_last_run => false", false)
	f("d", "", true)
	tr := newTracker(&Options{RecordLastRun: true}, &plugin.Env{Pipeline: "other", DataDir: "d"}, jdbc.In(time.UTC))
	require.Equal(t, "d/plugins/inputs/jdbc/other/logstash_jdbc_last_run", tr.path)
	require.Equal(t, "d/plugins/inputs/jdbc/logstash_jdbc_last_run", tr.fallback)
}

func TestTracker(t *testing.T) {
	f := func(content string, numeric bool, want string) {
		t.Helper()
		tr := &tracker{path: filepath.Join(t.TempDir(), "f"), numeric: numeric}
		tr.reset()
		require.NoError(t, os.WriteFile(tr.path, []byte(content), 0o600))
		unread, err := tr.load()
		require.NoError(t, err)
		if want == "" {
			require.NotEmpty(t, unread)
			return
		}
		require.Empty(t, unread)
		require.Equal(t, want, tr.yaml())
	}
	f("--- 42\n", true, "--- 42\n")
	f("--- 42\n...\n", true, "--- 42\n")
	f("--- -1.5\n", true, "--- -1.5\n")
	f("--- 18446744073709551616", true, "--- 18446744073709551616\n")
	f("--- !ruby/object:BigDecimal 18:0.1235e3\n", true, "--- 123.5\n")
	f("--- !ruby/object:BigDecimal '27:0.42e2'\n", true, "--- 42.0\n")
	f("--- 2024-01-02 03:04:05.678000000 Z\n", false, "--- 2024-01-02 03:04:05.678000000 Z\n")
	f("--- 2024-01-02 03:04:05.678 +02:00\n", false, "--- 2024-01-02 01:04:05.678000000 Z\n")
	f("--- !ruby/object:DateTime '2024-01-02 03:04:05.000000000 Z'\n", false, "--- 2024-01-02 03:04:05.000000000 Z\n")
	f("--- 2024-01-02\n", false, "--- 2024-01-02 00:00:00.000000000 Z\n")
	f("--- 42\n", false, "")
	f("--- 2024-01-02 03:04:05 Z\n", true, "")
	f("--- what\n", false, "")
	f("---\n", true, "")
	dt := &tracker{dateTime: true, value: event.TimeValue(time.Date(2024, 1, 2, 3, 4, 5, 6, time.UTC))}
	require.Equal(t, "--- !ruby/object:DateTime '2024-01-02 03:04:05.000000006 Z'\n", dt.yaml())
}

// TestZones: the time of a run is written in the zone that the options say, and a tracked time in the one in which it was read.
func TestZones(t *testing.T) {
	paris := new(jdbc.Zone)
	require.NoError(t, paris.UnmarshalText([]byte("Europe/Paris")))
	f := func(o Options, want *time.Location) {
		t.Helper()
		target, err := jdbc.NewTarget(&plugin.Env{}, jdbc.Names{}, "jdbc:mysql://db/x?user=u&serverTimezone=Asia/Tokyo", "", "", "")
		require.NoError(t, err)
		require.Equal(t, want.String(), newTracker(&o, &plugin.Env{}, target.Zone(o.DefaultTimezone)).zone.Location().String())
	}
	tokyo, err := time.LoadLocation("Asia/Tokyo")
	require.NoError(t, err)
	f(Options{PluginTimezone: "utc"}, time.UTC)
	f(Options{PluginTimezone: "local"}, time.Local)
	f(Options{PluginTimezone: "utc", DefaultTimezone: paris}, paris.Location())
	f(Options{PluginTimezone: "utc", UseColumnValue: true, TrackingColumnType: "timestamp"}, tokyo)
	f(Options{PluginTimezone: "utc", UseColumnValue: true, TrackingColumnType: "timestamp", DefaultTimezone: paris}, paris.Location())
}

// server is a database with a way to run statements in it.
type server struct {
	t    *testing.T
	conf string // of the input, to reach it
	db   *jdbc.DB
}

func at(t *testing.T, d *testenv.Database, props string) *server {
	t.Helper()
	class := "org.postgresql.Driver"
	if strings.Contains(d.URL, "mariadb") {
		class = "org.mariadb.jdbc.Driver"
	}
	pw := filepath.Join(t.TempDir(), "password")
	require.NoError(t, os.WriteFile(pw, []byte(d.Password+"\n"), 0o600))
	target, err := jdbc.NewTarget(&plugin.Env{}, jdbc.Names{}, d.URL, class, d.User, config.Password(d.Password))
	require.NoError(t, err)
	db := target.Open(nil, 2, "")
	t.Cleanup(func() { _ = db.Close() })
	return &server{t, fmt.Sprintf(`jdbc_driver_library => "/none.jar" jdbc_driver_class => %q jdbc_connection_string => "%s%s" jdbc_user => %q jdbc_password_filepath => %q `,
		class, d.URL, props, d.User, pw), db}
}

func (s *server) exec(statements ...string) {
	s.t.Helper()
	for _, q := range statements {
		_, err := s.db.ExecContext(s.t.Context(), q)
		require.NoError(s.t, err, q)
	}
}

// once runs an input without a schedule and returns its events.
func (s *server) once(dir, conf string) []string {
	s.t.Helper()
	built, diags := inputtest.Build(s.t, Plugin, s.conf+conf, plugin.Builder{DataDir: dir, ECS: plugin.ECSDisabled})
	require.NotNil(s.t, built, diags.String())
	out := inputtest.NewSink(built)
	require.NoError(s.t, built.Input.Run(s.t.Context(), out))
	return out.Wait(0)
}

func both(t *testing.T, f func(t *testing.T, s *server)) {
	t.Run("postgres", func(t *testing.T) { f(t, at(t, postgres.Get(t), "")) })
	t.Run("mariadb", func(t *testing.T) { f(t, at(t, mariadb.Get(t), "?serverTimezone=UTC")) })
}

func TestRows(t *testing.T) {
	both(t, func(t *testing.T, s *server) {
		s.exec(`create table songs (id int, artist varchar(20), Price decimal(6,2), at timestamp null)`,
			`insert into songs values (1, 'Beethoven', 1.5, '2024-01-01 10:00:00'), (2, 'it''s', null, null), (3, 'Beethoven', 2, null)`)
		require.Equal(t, []string{`{"id":1,"price":1.5,"at":"2024-01-01T10:00:00.000Z"}`, `{"id":3,"price":2.0,"at":null}`},
			s.once("", `jdbc_default_timezone => "UTC" statement => "select id, Price, at from songs where artist = :who order by id -- :who" parameters => { who => "Beethoven" }`))
		require.Equal(t, []string{`{"row":{"id":2},"tags":["a"]}`},
			s.once("", `target => "row" tags => "a" statement => "select id from songs where artist = ':who'" parameters => { who => "it's" }`))
		require.Equal(t, []string{`{"id":1}`, `{"id":2}`}, s.once("", `statement => "select id from songs where id in :ids order by id;" parameters => { ids => [1, 2] }`))
		require.Equal(t, []string{`{"id":3}`}, s.once("", `statement => "select id from songs where id > ? and id < ? + ?" use_prepared_statements => true
			prepared_statement_name => "p" prepared_statement_bind_values => [2, ":sql_last_value", 9] use_column_value => true tracking_column => "id"`))
		require.Equal(t, []string{`{"Price":1.5}`}, s.once("", "lowercase_column_names => false statement => 'select Price as "+quoteName(s, "Price")+" from songs where id = 1'"))
	})
}

// quoteName writes a name that keeps its case.
func quoteName(s *server, name string) string {
	if strings.Contains(s.conf, "mariadb") {
		return "`" + name + "`"
	}
	return `"` + name + `"`
}

func TestPages(t *testing.T) {
	both(t, func(t *testing.T, s *server) {
		s.exec("create table pages (n int)", "insert into pages values (1), (2), (3), (4)")
		want := []string{`{"n":1}`, `{"n":2}`, `{"n":3}`, `{"n":4}`}
		for _, size := range []string{"1", "2", "3", "4", "5"} {
			paging := ` jdbc_paging_enabled => true jdbc_page_size => ` + size
			require.Equal(t, want, s.once("", paging+` statement => "select n from pages order by n -- all;"`))
			require.Equal(t, want, s.once("", paging+` jdbc_paging_mode => explicit statement => "select n from pages order by n limit :size offset :offset"`))
		}
	})
}

func TestCharsets(t *testing.T) {
	s := at(t, postgres.Get(t), "")
	require.Equal(t, []string{`{"a":"é","b":"é","n":1}`},
		s.once("", `charset => "UTF-8" columns_charset => { "a" => "ISO-8859-1" } statement => "select '\xe9'::bytea as a, 'é'::text as b, 1 as n"`))
}

// TestTracking: what is kept is the value of the last row, once all rows are delivered, also over a restart.
func TestTracking(t *testing.T) {
	both(t, func(t *testing.T, s *server) {
		s.exec(`create table tracked (id bigint, at timestamp(6) null)`, `insert into tracked values (1, '2024-03-31 01:30:00.123456'), (2, '2024-03-31 12:00:00')`)
		dir := t.TempDir()
		file := filepath.Join(dir, "plugins/inputs/jdbc/logstash_jdbc_last_run")
		f := func(conf, kept string, want ...string) {
			t.Helper()
			require.ElementsMatch(t, want, s.once(dir, conf))
			data, err := os.ReadFile(file)
			require.NoError(t, err)
			require.Equal(t, kept, string(data))
		}
		numeric := ` statement => "select id from tracked where id > :sql_last_value order by id" use_column_value => true tracking_column => "id" `
		f(numeric, "--- 2\n", `{"id":1}`, `{"id":2}`)
		f(numeric, "--- 2\n")
		s.exec("insert into tracked values (3, '2024-03-31 12:00:00.5')")
		f(numeric, "--- 3\n", `{"id":3}`)
		f(numeric+"clean_run => true", "--- 3\n", `{"id":1}`, `{"id":2}`, `{"id":3}`)
		f(numeric+"record_last_run => false", "--- 3\n", `{"id":1}`, `{"id":2}`, `{"id":3}`)
		require.NoError(t, os.Remove(file))
		when := ` statement => "select id, at from tracked where at > :sql_last_value order by at" use_column_value => true tracking_column => "at"
			tracking_column_type => timestamp jdbc_default_timezone => "Europe/Paris" remove_nothing `
		when = strings.Replace(when, "remove_nothing", "", 1)
		f(when, "--- !ruby/object:DateTime '2024-03-31 10:00:00.500000000 Z'\n", `{"id":1,"at":"2024-03-31T00:30:00.123456Z"}`, `{"id":2,"at":"2024-03-31T10:00:00.000Z"}`, `{"id":3,"at":"2024-03-31T10:00:00.500Z"}`)
		f(when, "--- !ruby/object:DateTime '2024-03-31 10:00:00.500000000 Z'\n")
	})
}

// TestTimeOfRun: without a column it is the time at which the last run began.
func TestTimeOfRun(t *testing.T) {
	both(t, func(t *testing.T, s *server) {
		dir := t.TempDir()
		before := time.Now()
		conf := `statement => "select :sql_last_value as v"`
		require.Contains(t, s.once(dir, conf)[0], "1970-01-01 00:00:00")
		got := s.once(dir, conf)[0]
		require.NotContains(t, got, "1970")
		data, err := os.ReadFile(filepath.Join(dir, "plugins/inputs/jdbc/logstash_jdbc_last_run"))
		require.NoError(t, err)
		kept, ok := parseTime(strings.TrimSpace(strings.TrimPrefix(string(data), "---")))
		require.True(t, ok)
		require.False(t, kept.Before(before))
	})
}

// TestKeptWhenDelivered: the value moves on when the last row has arrived, and not before.
func TestKeptWhenDelivered(t *testing.T) {
	s := at(t, postgres.Get(t), "")
	dir := t.TempDir()
	built, diags := inputtest.Build(t, Plugin, s.conf+`statement => "select generate_series(1, 2500) as id" use_column_value => true tracking_column => "id"`, plugin.Builder{DataDir: dir})
	require.NotNil(t, built, diags.String())
	out := inputtest.NewSink(built)
	out.Hold = true
	end := make(chan error, 1)
	go func() { end <- built.Input.Run(t.Context(), out) }()
	out.Wait(2500)
	_, err := os.Stat(filepath.Join(dir, "plugins/inputs/jdbc/logstash_jdbc_last_run"))
	require.ErrorIs(t, err, os.ErrNotExist)
	select {
	case err := <-end:
		t.Fatalf("the run ended before its rows were delivered: %v", err)
	default:
	}
	out.Release()
	require.NoError(t, <-end)
	data, err := os.ReadFile(filepath.Join(dir, "plugins/inputs/jdbc/logstash_jdbc_last_run"))
	require.NoError(t, err)
	require.Equal(t, "--- 2500\n", string(data))
}

func TestSchedule(t *testing.T) {
	both(t, func(t *testing.T, s *server) {
		s.exec("create table scheduled (id int)", "insert into scheduled values (1)")
		built, diags := inputtest.Build(t, Plugin, s.conf+`schedule => "* * * * * *" jdbc_validate_connection => true jdbc_validation_timeout => 0
			statement => "select id from scheduled where id > ? order by id" use_prepared_statements => true prepared_statement_name => "p"
			prepared_statement_bind_values => [":sql_last_value"] use_column_value => true tracking_column => "id"`, plugin.Builder{ECS: plugin.ECSDisabled})
		require.NotNil(t, built, diags.String())
		out := inputtest.NewSink(built)
		stop := inputtest.Run(t, built.Input, out)
		out.Wait(1)
		s.exec("insert into scheduled values (2), (3)")
		require.Equal(t, []string{`{"id":1}`, `{"id":2}`, `{"id":3}`}, out.Wait(3))
		stop()
	})
}

// TestStop: a query that takes long and a queue that takes nothing do not hold up the end.
func TestStop(t *testing.T) {
	both(t, func(t *testing.T, s *server) {
		sleep := "pg_sleep(100)"
		if strings.Contains(s.conf, "mariadb") {
			sleep = "sleep(100)"
		}
		f := func(statement string, blocked bool) {
			t.Helper()
			built, diags := inputtest.Build(t, Plugin, s.conf+`statement => "`+statement+`"`, plugin.Builder{})
			require.NotNil(t, built, diags.String())
			out := inputtest.NewSink(built)
			out.Entered = make(chan struct{}, 1)
			if blocked {
				out.Blocked = make(chan struct{})
			}
			ctx, cancel := context.WithCancel(t.Context())
			end := make(chan error, 1)
			go func() { end <- built.Input.Run(ctx, out) }()
			if blocked {
				<-out.Entered
			} else {
				require.Eventually(t, func() bool {
					var n int
					where := "from pg_stat_activity where query like '%pg_sleep%' and query not like '%activity%'"
					if strings.Contains(s.conf, "mariadb") {
						where = "from information_schema.processlist where info like '%sleep%' and info not like '%process%'"
					}
					return s.db.QueryRow("select count(*) "+where).Scan(&n) == nil && n > 0
				}, 20*time.Second, 5*time.Millisecond)
			}
			cancel()
			select {
			case err := <-end:
				require.NoError(t, err)
			case <-time.After(20 * time.Second):
				t.Fatal("the input goes on")
			}
		}
		f("select "+sleep+" as x", false)
		f("select 1 as x", true)
	})
}

type brokenSink struct{}

func (brokenSink) Push(context.Context, *event.Batch) error { return io.ErrClosedPipe }

func TestFailures(t *testing.T) {
	s := at(t, postgres.Get(t), "")
	f := func(conf, statement string, sink plugin.Sink, fatal bool, want string, failures int64) {
		t.Helper()
		built, diags := inputtest.Build(t, Plugin, conf+` statement_retry_attempts => 3 statement_retry_attempts_wait_time => 0.001 connection_retry_attempts => 2
			connection_retry_attempts_wait_time => 0.001 statement => "`+statement+`"`, plugin.Builder{})
		require.NotNil(t, built, diags.String())
		if sink == nil {
			sink = inputtest.NewSink(built)
		}
		err := built.Input.Run(t.Context(), sink)
		require.ErrorContains(t, err, want)
		require.Equal(t, fatal, errors.Is(err, plugin.ErrFatal))
		require.Equal(t, failures, built.Input.(*input).failures.Load())
	}
	f(s.conf, "selec 1", nil, true, "syntax error", 3)
	f(s.conf, "select 1/0 as x", nil, false, "division by zero", 3)
	f(s.conf, "select 1/(3-n) as x from generate_series(1,3) n", nil, false, "division by zero", 3)
	f(s.conf, "select 1 as x", brokenSink{}, false, "closed pipe", 0)
	f(strings.Replace(offline, "//db/", "//127.0.0.1:1/", 1), "select 1", nil, false, "connecting to the database", 3)
	f(strings.Replace(s.conf, "password_filepath", "password_filepath => '/dev/null' codec => plain #", 1)+"\n", "select 1", nil, true, "password", 3)
}

// TestSurvivesRestart: an input with a schedule finds its database again.
func TestSurvivesRestart(t *testing.T) {
	d := postgres.Get(t)
	s := at(t, d, "")
	built, diags := inputtest.Build(t, Plugin, s.conf+`schedule => "* * * * * *" statement => "select 1 as x"`, plugin.Builder{})
	require.NotNil(t, built, diags.String())
	out := inputtest.NewSink(built)
	inputtest.Run(t, built.Input, out)
	out.Wait(1)
	d.Kill()
	n := out.Len()
	d.Start()
	out.Wait(n + 1)
}

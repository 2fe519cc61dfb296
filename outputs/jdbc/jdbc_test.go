package jdbc

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/internal/jdbc"
	"millrace/internal/outputtest"
	"millrace/internal/testenv"
	"millrace/pipeline/config"
	"millrace/pipeline/plugin"
)

var (
	postgres = testenv.SharedPostgres()
	mariadb  = testenv.SharedMariaDB()
)

func TestMain(m *testing.M) { os.Exit(testenv.RunWith(m, postgres, mariadb)) }

const offline = `connection_string => "jdbc:postgresql://127.0.0.1:1/x?user=u&sslmode=disable" `

func TestOptions(t *testing.T) {
	refused := func(conf, want string) { t.Helper(); outputtest.Refused(t, Plugin, conf, want) }
	warned := func(conf, want string) { t.Helper(); outputtest.Warned(t, Plugin, offline+conf, want) }
	refused(offline, `"statement" is required`)
	refused(offline+`statement => []`, "has to be a statement")
	refused(offline+`statement => ["insert into t values (?, ?)", "a"]`, "1 values for the 2 question marks")
	refused(offline+`statement => ["insert into t values (?)", "[a"]`, `option "statement"`)
	refused(offline+`statement => ["insert into t values (?)", "a"] flush_size => 0`, "less than 1")
	refused(offline+`statement => ["insert into t values (?)", "a"] connection_timeout => 0`, "longer than nothing")
	refused(offline+`statement => ["insert into t values (?)", "a"] driver_class => "oracle.jdbc.OracleDriver"`, "does not fit")
	refused(`connection_string => "jdbc:oracle:thin:@x" statement => ["insert into t values (?)", "a"]`, "no driver for Oracle")
	warned(`statement => ["insert into t values ('%{a}')"]`, "stay as they are without unsafe_statement")
	warned(`statement => ["insert into t values (1)"]`, "nothing of the events")
	warned(`statement => ["insert into t values (?)", "a"] driver_auto_commit => false`, "no effect")
	warned(`statement => ["insert into t values (?)", "a"] idle_flush_time => 1`, "no effect")
}

// server is a real database with a table of its own.
type server struct {
	t     *testing.T
	d     *testenv.Database
	db    *jdbc.DB
	table string
}

func at(t *testing.T, s *testenv.SharedDatabase, table string) *server {
	t.Helper()
	d := s.Get(t)
	target, err := jdbc.NewTarget(&plugin.Env{}, jdbc.Names{}, d.URL, "", d.User, config.Password(d.Password))
	require.NoError(t, err)
	db := target.Open(nil, 2, "")
	t.Cleanup(func() { _ = db.Close() })
	_, err = db.Exec("create table " + table + " (id int primary key, msg varchar(20), at timestamp null, n double precision, ok boolean, doc text)")
	require.NoError(t, err)
	return &server{t, d, db, table}
}

func (s *server) conf(more string) string {
	return fmt.Sprintf(`connection_string => "%s" username => "%s" password => "%s" retry_initial_interval => 0 `, s.d.URL, s.d.User, s.d.Password) + more
}

// rows returns a text for each row of the table.
func (s *server) rows() (rows []string) {
	s.t.Helper()
	found, err := s.db.Query("select id, msg, at, n, ok, doc from " + s.table + " order by id")
	require.NoError(s.t, err)
	r, err := s.db.Read(found)
	require.NoError(s.t, err)
	for r.Next() {
		var cells []string
		for i := range r.Names() {
			cells = append(cells, string(r.Value(i).AppendJSON(nil)))
		}
		rows = append(rows, strings.Join(cells, " "))
	}
	require.NoError(s.t, r.Close())
	return rows
}

func both(t *testing.T, f func(t *testing.T, get func(table string) *server)) {
	for name, s := range map[string]*testenv.SharedDatabase{"postgres": postgres, "mariadb": mariadb} {
		t.Run(name, func(t *testing.T) { f(t, func(table string) *server { return at(t, s, table) }) })
	}
}

func TestWrites(t *testing.T) {
	local := time.Date(2024, 1, 2, 3, 4, 5, 0, time.Local).UTC().Format("2006-01-02T15:04:05.000Z")
	both(t, func(t *testing.T, get func(string) *server) {
		s := get("written")
		out := outputtest.New(t, Plugin, s.conf(`max_pool_size => 1 connection_test_query => "select 1"
			statement => ["insert into written (id, msg, at, n, ok, doc) values (?, ?, ?, ?, ?, ?)", "id", "%{a}-%{b}", "@timestamp", "[n][x]", "ok", "n"]`))
		require.NoError(t, out.Output.(plugin.Starter).Start(t.Context()))
		out.Write(t, `{"id":1,"a":"it's","b":"\\?","@timestamp":"2024-01-02T03:04:05Z","n":{"x":1.5},"ok":true}`, `{"id":2,"@timestamp":"2024-01-02T03:04:05Z"}`)
		out.Write(t, `{"id":3,"a":"x","b":"y","@timestamp":"2024-01-02T03:04:05Z","ok":false,"n":[1]}`)
		require.Equal(t, []string{
			`1 "it's-\\?" "` + local + `" 1.5 true "{\"x\":1.5}"`, `2 "%{a}-%{b}" "` + local + `" null null null`, `3 "x-y" "` + local + `" null false "[1]"`,
		}, s.rows())
		require.EqualValues(t, 3, out.Env.Stats.Delivered.Load())
	})
}

func TestUnsafe(t *testing.T) {
	both(t, func(t *testing.T, get func(string) *server) {
		s := get("chosen")
		out := outputtest.New(t, Plugin, s.conf(`unsafe_statement => true statement => ["insert into %{table} (id, msg) values (?, '%{msg}')", "id"]`))
		out.Write(t, `{"id":1,"table":"chosen","msg":"a"}`, `{"id":2,"table":"none","msg":"b"}`, `{"id":3,"table":"chosen","msg":"c"}`)
		require.Len(t, out.Append(t, `{"id":4,"table":"chosen","msg":"' || ? || '"}`), 1)
		require.Equal(t, []string{`1 "a" null null null null`, `3 "c" null null null null`}, s.rows())
		require.EqualValues(t, 2, out.Env.Stats.Delivered.Load())
		require.EqualValues(t, 2, out.Env.Stats.Dropped.Load())
	})
}

// letters keeps dead letters.
type letters struct{ kept []string }

func (l *letters) Write(d plugin.DeadLetter) error {
	l.kept = append(l.kept, string(d.Document)+" "+d.Reason)
	return nil
}

// TestRefused: an event that the database refuses goes to the dead letters, or is counted; the others of its turn arrive.
func TestRefused(t *testing.T) {
	both(t, func(t *testing.T, get func(string) *server) {
		s := get("picky")
		conf := s.conf(`flush_size => 3 statement => ["insert into picky (id, msg) values (?, ?)", "id", "msg"]`)
		out := outputtest.New(t, Plugin, conf)
		dead := new(letters)
		out.Env.DeadLetters = dead
		out.Write(t, `{"id":1}`, `{"id":1,"msg":"again"}`, `{"id":2}`, `{"id":3}`, `{"msg":"no id"}`, `{"id":4}`, `{"id":5,"msg":"much longer than twenty characters"}`)
		out.Env.DeadLetters = nil
		out.Write(t, `{"id":5}`, `{"id":5}`)
		require.Len(t, s.rows(), 5)
		require.Len(t, dead.kept, 3)
		require.Contains(t, dead.kept[0], `{"id":1,"msg":"again"}`)
		require.EqualValues(t, 5, out.Env.Stats.Delivered.Load())
		require.EqualValues(t, 3, out.Env.Stats.DeadLettered.Load())
		require.EqualValues(t, 1, out.Env.Stats.Dropped.Load())
	})
}

// TestLocks: what a lock holds up is written when it is gone.
func TestLocks(t *testing.T) {
	both(t, func(t *testing.T, get func(string) *server) {
		s := get("locked")
		// The lock is given up for the sake of the test: an error that may pass.
		first := "set innodb_lock_wait_timeout = 1"
		if strings.Contains(s.d.URL, "postgresql") {
			first = "set lock_timeout = '20ms'"
		}
		out := outputtest.New(t, Plugin, s.conf(`max_flush_exceptions => 0 connection_test_query => "`+first+`" statement => ["insert into locked (id) values (?)", "id"]`))
		tx, err := s.db.Begin()
		require.NoError(t, err)
		_, err = tx.Exec("insert into locked (id) values (1)")
		require.NoError(t, err)
		settled := out.WriteAsync(t, `{"id":1}`, `{"id":2}`)
		require.Eventually(t, func() bool { return out.Env.Stats.Retried.Load() > 0 }, 30*time.Second, 5*time.Millisecond)
		require.NoError(t, tx.Rollback())
		<-settled
		require.Len(t, s.rows(), 2)
		require.EqualValues(t, 2, out.Env.Stats.Delivered.Load())
		require.Zero(t, out.Env.Stats.Dropped.Load())
	})
}

// TestGivesUp: errors that may pass and do not end after max_flush_exceptions, those of the options too.
func TestGivesUp(t *testing.T) {
	s := at(t, postgres, "hopeless")
	out := outputtest.New(t, Plugin, s.conf(`max_flush_exceptions => 3 retry_sql_states => ["22012"] statement => ["insert into hopeless (id) values (1/(?::int - 7))", "id"]`))
	out.Write(t, `{"id":7}`, `{"id":8}`)
	require.EqualValues(t, 4, out.Env.Stats.Retried.Load())
	require.EqualValues(t, 2, out.Env.Stats.Dropped.Load())
	require.Empty(t, s.rows())
}

// TestServerGone: events wait for a database that went away, and for one that is not there yet.
func TestServerGone(t *testing.T) {
	both(t, func(t *testing.T, get func(string) *server) {
		s := get("patient")
		out := outputtest.New(t, Plugin, s.conf(`max_flush_exceptions => 1 statement => ["insert into patient (id) values (?)", "id"]`))
		out.Write(t, `{"id":1}`)
		s.d.Kill()
		settled := out.WriteAsync(t, `{"id":2}`, `{"id":3}`)
		require.Eventually(t, func() bool { return out.Env.Stats.Retried.Load() > 2 }, 30*time.Second, time.Millisecond)
		s.d.Start()
		<-settled
		require.Eventually(t, func() bool { return s.db.Ping() == nil }, 30*time.Second, time.Millisecond)
		require.Len(t, s.rows(), 3)
		require.EqualValues(t, 3, out.Env.Stats.Delivered.Load())
		require.Zero(t, out.Env.Stats.Dropped.Load())
	})
}

// TestRefusedUser: events wait until the database lets their writer in.
func TestRefusedUser(t *testing.T) {
	both(t, func(t *testing.T, get func(string) *server) {
		s := get("closed")
		create, alter, drop := `create user writer password 'old'; grant all on closed to writer`, `alter user writer password 'new'`, `drop owned by writer; drop user writer`
		if !strings.Contains(s.d.URL, "postgresql") {
			create, alter, drop = `create user writer identified by 'old'`, `alter user writer identified by 'new'`, `drop user writer`
		}
		exec := func(query string) {
			t.Helper()
			_, err := s.db.Exec(query)
			require.NoError(t, err)
		}
		exec(create)
		defer exec(drop)
		if !strings.Contains(s.d.URL, "postgresql") {
			exec("grant all on test.* to writer")
		}
		out := outputtest.New(t, Plugin, fmt.Sprintf(`connection_string => "%s" username => "writer" password => "new" retry_initial_interval => 0 max_flush_exceptions => 2
			statement => ["insert into closed (id) values (?)", "id"]`, s.d.URL))
		settled := out.WriteAsync(t, `{"id":1}`)
		require.Eventually(t, func() bool { return out.Env.Stats.Retried.Load() > 5 }, 30*time.Second, time.Millisecond)
		exec(alter)
		<-settled
		require.Len(t, s.rows(), 1)
		require.EqualValues(t, 1, out.Env.Stats.Delivered.Load())
		require.Zero(t, out.Env.Stats.Dropped.Load())
		require.NoError(t, out.Close(t.Context()))
	})
}

// TestEndsWithContext: a turn that cannot be written stays unsettled when the time is over.
func TestEndsWithContext(t *testing.T) {
	out := outputtest.New(t, Plugin, offline+`statement => ["insert into t values (?)", "id"]`)
	require.NoError(t, out.Output.(plugin.Starter).Start(t.Context()))
	require.Empty(t, out.Append(t, `{"id":1}`))
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error)
	go func() {
		_, err := out.Flush(ctx)
		failed <- err
	}()
	require.Eventually(t, func() bool { return out.Env.Stats.Retried.Load() > 0 }, 30*time.Second, time.Millisecond)
	cancel()
	require.ErrorIs(t, <-failed, context.Canceled)
	require.Zero(t, out.Env.Stats.Delivered.Load())
}

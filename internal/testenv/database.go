package testenv

import (
	"fmt"
	"os"
	"sync"
	"testing"
)

// Database is a real server with an empty database of the name test.
type Database struct {
	Handle
	// URL is its JDBC URL, without user and password.
	URL string
	// User and Password are those of somebody who may do everything.
	User, Password string
}

// The one user of the databases.
const (
	databaseUser     = "tester"
	databasePassword = "se'cr\\et 1"
)

// SharedDatabase is one server for all tests of a package; it starts when the first test asks for it. Use it from TestMain:
//
//	var postgres = testenv.SharedPostgres()
//
//	func TestMain(m *testing.M) { os.Exit(testenv.RunWith(m, postgres)) }
type SharedDatabase struct {
	name   string
	scheme string
	// find returns the programs that the server needs, or what is missing.
	find func() (dirs string, missing string)
	new  func(programs, dir string) *server

	mu      sync.Mutex // guards what follows
	s       *server
	dir     string
	release func()
}

// RunWith runs the tests of a package, ends the servers that were started, and returns the exit status.
func RunWith(m interface{ Run() int }, servers ...*SharedDatabase) int {
	defer func() {
		for _, s := range servers {
			s.close()
		}
	}()
	return m.Run()
}

func (s *SharedDatabase) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.s != nil {
		p, _ := s.s.current()
		p.Kill()
		s.release()
	}
	if s.dir != "" {
		if err := os.RemoveAll(s.dir); err != nil {
			fmt.Fprintln(os.Stderr, "testenv:", err)
		}
	}
}

// Get returns the server for one test, started if it does not run. The test should use names of its own for tables.
func (s *SharedDatabase) Get(t testing.TB) *Database {
	t.Helper()
	programs, missing := s.find()
	if missing != "" {
		msg := fmt.Sprintf("%s for tests needs %s", s.name, missing)
		if os.Getenv(RequireServers) == "1" {
			t.Fatalf("%s, and %s=1 forbids to skip", msg, RequireServers)
		}
		t.Skipf("%s (set %s=1 to fail instead)", msg, RequireServers)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.s == nil {
		if err := s.prepare(programs); err != nil {
			t.Fatal(err)
		}
	}
	if p, _ := s.s.current(); !p.Running() {
		if err := s.s.start(); err != nil {
			t.Fatal(err)
		}
	}
	h := Handle{t: t, s: s.s}
	return &Database{Handle: h, URL: fmt.Sprintf("jdbc:%s://%s/test", s.scheme, h.Addr()), User: databaseUser, Password: databasePassword}
}

func (s *SharedDatabase) prepare(programs string) (err error) {
	if s.dir, err = os.MkdirTemp("", "testenv-sql-"); err != nil {
		return fmt.Errorf("making a data directory: %w", err)
	}
	srv := s.new(programs, s.dir)
	if srv.port, s.release, err = takePort(); err != nil {
		return err
	}
	s.s = srv
	return nil
}

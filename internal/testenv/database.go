package testenv

import (
	"fmt"
	"os"
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

	sharedServer
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
	h := s.get(t, "", func(dir string) (*server, error) { return s.new(programs, dir), nil })
	return &Database{Handle: h, URL: fmt.Sprintf("jdbc:%s://%s/test", s.scheme, h.Addr()), User: databaseUser, Password: databasePassword}
}

package testenv

import "testing"

// MongoServer is a real server of MongoDB's protocol without a database.
type MongoServer struct {
	Handle
	// URI is its connection string.
	URI string
}

// SharedMongo is one server of MongoDB's protocol for all tests of a package; it starts when the first test asks for it. Use it from TestMain:
//
//	var mongo testenv.SharedMongo
//
//	func TestMain(m *testing.M) { os.Exit(mongo.Run(m)) }
type SharedMongo struct{ sharedServer }

// Run runs the package's tests, ends the server if one was started, and returns the exit status.
func (s *SharedMongo) Run(m interface{ Run() int }) int {
	defer s.close()
	return m.Run()
}

// Get returns the server for one test, started if it does not run. The test should use databases of its own.
func (s *SharedMongo) Get(t testing.TB) *MongoServer {
	t.Helper()
	requireTools(t, "MongoDB", "bash", "go")
	h := s.get(t, "", func(dir string) (*server, error) {
		return scripted{"MongoDB", []string{"mongodb", "run-mongodb.sh"}}.new(newOptions(nil), dir)
	})
	return &MongoServer{Handle: h, URI: "mongodb://" + h.Addr() + "/"}
}

package testenv

import "testing"

// S3Server is a real object store without a bucket.
type S3Server struct {
	Handle
	// URL is its address, AccessKey and SecretKey are those of somebody who may do everything.
	URL, AccessKey, SecretKey string
}

// The keys of the one user.
const (
	s3AccessKey = "TESTACCESSKEY"
	s3SecretKey = "test/secret+key"
)

// SharedS3 is one object store for all tests of a package; it starts when the first test asks for it. Use it from TestMain:
//
//	var store testenv.SharedS3
//
//	func TestMain(m *testing.M) { os.Exit(store.Run(m)) }
type SharedS3 struct{ sharedServer }

// Run runs the package's tests, ends the store if one was started, and returns the exit status.
func (s *SharedS3) Run(m interface{ Run() int }) int {
	defer s.close()
	return m.Run()
}

// Get returns the store for one test, started if it does not run. The test should use buckets of its own.
func (s *SharedS3) Get(t testing.TB) *S3Server {
	t.Helper()
	requireTools(t, "S3", "bash", "go")
	h := s.get(t, "", func(dir string) (*server, error) {
		o := newOptions([]Option{WithEnv("S3_ACCESS_KEY", s3AccessKey), WithEnv("S3_SECRET_KEY", s3SecretKey)})
		return scripted{"S3", []string{"s3", "run-s3.sh"}}.new(o, dir)
	})
	return &S3Server{Handle: h, URL: "http://" + h.Addr(), AccessKey: s3AccessKey, SecretKey: s3SecretKey}
}

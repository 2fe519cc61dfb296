package testenv

import (
	"fmt"
	"os"
	"sync"
	"testing"
)

// sharedServer is one server for all tests of a package, which starts when the first of them asks for it.
type sharedServer struct {
	mu      sync.Mutex // guards what follows: tests may run in parallel
	s       *server
	dir     string // of its data, if it is a temporary one
	release func() // gives its port back
}

// get returns the server for one test, started if it does not run. The first time it is made by open with dir, or a temporary folder if that is "".
func (s *sharedServer) get(t testing.TB, dir string, open func(dir string) (*server, error)) Handle {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.s == nil {
		if err := s.prepare(dir, open); err != nil {
			t.Fatal(err)
		}
	}
	if p, _ := s.s.current(); !p.Running() {
		if err := s.s.start(); err != nil {
			t.Fatal(err)
		}
	}
	return Handle{t: t, s: s.s}
}

func (s *sharedServer) prepare(dir string, open func(dir string) (*server, error)) (err error) {
	if dir == "" {
		if dir, err = os.MkdirTemp("", "testenv-"); err != nil {
			return fmt.Errorf("making a data directory: %w", err)
		}
		s.dir = dir
	}
	srv, err := open(dir)
	if err != nil {
		return err
	}
	if srv.port, s.release, err = takePort(); err != nil {
		return err
	}
	s.s = srv
	return nil
}

func (s *sharedServer) close() {
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

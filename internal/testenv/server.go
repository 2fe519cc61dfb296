package testenv

import (
	"fmt"
	"net"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"millrace/internal/childproc"
)

// server is a process that can be started again on the port it had first.
type server struct {
	name string
	// command builds argv for a port.
	command func(port int) []string
	env     []string
	// address reads the host:port out of the line that says the server is ready, or returns "".
	address func(line string, port int) string

	mu   sync.Mutex // guards proc and port: a test's goroutines may ask for either while it restarts the server
	proc *childproc.Process
	port int
}

func (s *server) start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc.Running() {
		return fmt.Errorf("starting %s: it runs already", s.name)
	}
	var addr string
	p, err := childproc.Launch(s.name, s.command(s.port), s.env, startTimeout, func(line string) bool {
		addr = s.address(line, s.port)
		return addr != ""
	})
	if err != nil {
		return err
	}
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		p.Kill()
		return fmt.Errorf("reading the port of %s: %w", s.name, err)
	}
	if s.port, err = strconv.Atoi(port); err != nil {
		p.Kill()
		return fmt.Errorf("reading the port of %s: %w", s.name, err)
	}
	s.proc = p
	return nil
}

func (s *server) current() (p *childproc.Process, port int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.proc, s.port
}

// Handle controls a server's process on behalf of one test, which fails where a step cannot be done.
type Handle struct {
	t testing.TB
	s *server
}

// Addr is the host:port that the server listens on; it survives a restart.
func (h Handle) Addr() string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(h.Port()))
}

// Port is the TCP port that the server listens on; it survives a restart.
func (h Handle) Port() int {
	_, port := h.s.current()
	return port
}

// PID is the server's process id.
func (h Handle) PID() int {
	p, _ := h.s.current()
	return p.PID()
}

// Running says whether the server's process is alive, paused or not.
func (h Handle) Running() bool {
	p, _ := h.s.current()
	return p.Running()
}

// Output is the last lines that the server printed.
func (h Handle) Output() string {
	p, _ := h.s.current()
	return p.Output()
}

// Kill ends the server by SIGKILL and returns when it is gone.
func (h Handle) Kill() {
	p, _ := h.s.current()
	p.Kill()
}

// Stop ends the server by SIGTERM and returns when it is gone.
func (h Handle) Stop() {
	h.t.Helper()
	p, _ := h.s.current()
	if err := p.Stop(); err != nil {
		h.t.Fatal(err)
	}
}

// Start starts a server that was killed or stopped, on the same port and data, and returns when it is ready.
func (h Handle) Start() {
	h.t.Helper()
	if err := h.s.start(); err != nil {
		h.t.Fatal(err)
	}
}

// Restart stops the server if it runs and starts it on the same port and data.
func (h Handle) Restart() {
	h.t.Helper()
	h.Stop()
	h.Start()
}

// Pause freezes the server by SIGSTOP: connections stay open, are even accepted by the kernel, and nothing answers.
func (h Handle) Pause() {
	h.t.Helper()
	h.signal(syscall.SIGSTOP)
	p, _ := h.s.current()
	for !childproc.Stopped(p.PID()) {
		time.Sleep(time.Millisecond)
	}
}

// Continue ends a Pause.
func (h Handle) Continue() { h.t.Helper(); h.signal(syscall.SIGCONT) }

func (h Handle) signal(sig syscall.Signal) {
	h.t.Helper()
	p, _ := h.s.current()
	if err := p.Signal(sig); err != nil {
		h.t.Fatal(err)
	}
}

// run starts the server for a test and ends it with the test.
func run(t testing.TB, s *server) Handle {
	t.Helper()
	if s.port == 0 {
		s.port = FreePort(t) // it stays the server's while that is down
	}
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p, _ := s.current()
		p.Kill()
	})
	return Handle{t: t, s: s}
}

//go:build linux

package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"millrace/bench/internal/load"
	"millrace/bench/internal/sink"
)

// roleVariable makes this binary one of the other processes of a measurement, so that what they cost is not counted.
const roleVariable = "MILLRACE_BENCH_ROLE"

// TestMain runs the tests, or the role that the environment asks for until its standard input ends.
func TestMain(m *testing.M) {
	role := os.Getenv(roleVariable)
	if role == "" {
		os.Exit(m.Run())
	}
	serve := map[string]func(*bufio.Scanner) error{"sink": serveSink, "load": serveLoad, "shipper": serveShipper}[role]
	if serve == nil {
		fmt.Fprintf(os.Stderr, "%s: there is no role %q\n", roleVariable, role)
		os.Exit(2)
	}
	if err := serve(bufio.NewScanner(os.Stdin)); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", role, err)
		os.Exit(1)
	}
}

// serveSink is a counting Elasticsearch: it prints its address; any line resets it, or asks what came.
func serveSink(in *bufio.Scanner) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s := sink.New(sink.Options{})
	failed := make(chan error, 1)
	go func() { failed <- s.Serve(l) }()
	fmt.Println(l.Addr())
	for in.Scan() {
		if in.Text() == "reset" {
			s.Reset()
		}
		fmt.Println(s.Stats().Documents)
	}
	return in.Err()
}

// serveLoad sends lines: each line that it reads is address, workload, number of events, connections and events a second.
func serveLoad(in *bufio.Scanner) error {
	fmt.Println("ready")
	for in.Scan() {
		var o load.Options
		if _, err := fmt.Sscan(in.Text(), &o.Address, &o.Workload, &o.Events, &o.Conns, &o.Rate); err != nil {
			return err
		}
		res, err := load.Run(context.Background(), o)
		if err != nil {
			return err
		}
		fmt.Println(res.Events)
	}
	return in.Err()
}

// role is another process: each line written to it has a line in return.
type role struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

// startRole starts a role, which ends with the benchmark, and returns the line that it prints when it is ready.
func startRole(b *testing.B, name string, env ...string) (r *role, ready string) {
	b.Helper()
	r = &role{cmd: exec.Command(os.Args[0])}
	r.cmd.Env = append(append(os.Environ(), roleVariable+"="+name), env...)
	r.cmd.Stderr = os.Stderr
	var err error
	if r.in, err = r.cmd.StdinPipe(); err != nil {
		b.Fatal(err)
	}
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := r.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := errors.Join(r.in.Close(), r.cmd.Wait()); err != nil {
			b.Errorf("%s: %v", name, err)
		}
	})
	r.out = bufio.NewScanner(out)
	return r, r.line(b)
}

func (r *role) line(b *testing.B) string {
	b.Helper()
	if !r.out.Scan() {
		b.Fatalf("a process of the measurement ended: %v", r.out.Err())
	}
	return r.out.Text()
}

// tell writes a line.
func (r *role) tell(b *testing.B, format string, args ...any) {
	b.Helper()
	if _, err := fmt.Fprintf(r.in, format+"\n", args...); err != nil {
		b.Fatal(err)
	}
}

// ask writes a line and returns the answer.
func (r *role) ask(b *testing.B, format string, args ...any) string {
	b.Helper()
	r.tell(b, format, args...)
	return r.line(b)
}

// freeAddress returns an address that nobody listens on at the moment.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// startLimit is how long a listener may take, and the last events after the last line was sent.
const startLimit = 20 * time.Second

// poll is how often a wait looks: often enough for a short run, rarely enough to cost a thousandth of a core.
const poll = 2 * time.Millisecond

// await returns when done is true.
func await(what string, done func() bool) error {
	for start := time.Now(); !done(); <-time.After(poll) {
		if time.Since(start) > startLimit {
			return fmt.Errorf("%s: not within %v", what, startLimit)
		}
	}
	return nil
}

// awaitListener returns when address takes connections.
func awaitListener(address string) error {
	return await("listening on "+address, func() bool {
		c, err := net.Dial("tcp", address)
		if err != nil {
			return false
		}
		c.Close()
		return true
	})
}

// lookupOf gives a pipeline of bench/configs its addresses.
func lookupOf(listen, elasticsearch string) func(string) (string, bool) {
	_, port, _ := strings.Cut(listen, ":")
	values := map[string]string{"BENCH_PORT": port, "BENCH_ELASTICSEARCH": "http://" + elasticsearch}
	return func(name string) (string, bool) {
		v, ok := values[name]
		return v, ok
	}
}

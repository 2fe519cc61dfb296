package testenv

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"runtime"
	"strconv"
	"testing"
)

// The ports that FreePort chooses from. Systems take those of clients, and those of listeners that ask for any, from 32768 or 49152 up: a
// port of that range, free when it is chosen, may be the local port of a connection when the program under test listens. Below 20000 are
// the ports that servers are known by.
const (
	lowestPort  = 20_000
	highestPort = 32_000
)

// FreePort returns a TCP port for a program that cannot be told to take any: one that nobody listens on, on any address. No other call
// returns it before the test has ended, in this process or, on Linux, in another one.
func FreePort(t testing.TB) int {
	t.Helper()
	port, release, err := takePort()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	return port
}

// takePort chooses a port that belongs to the caller until release.
func takePort() (port int, release func(), err error) {
	for range 1000 {
		port = lowestPort + rand.IntN(highestPort-lowestPort)
		if release = claim(port); release == nil {
			continue
		}
		l, err := net.Listen("tcp", ":"+strconv.Itoa(port))
		if err == nil && l.Close() == nil {
			return port, release, nil
		}
		release()
	}
	return 0, nil, errors.New("no TCP port is free")
}

// claim makes a port the caller's until release; nil if another process has it. The claim is a socket without a file, which ends with its
// process. Systems other than Linux have none.
func claim(port int) (release func()) {
	if runtime.GOOS != "linux" {
		return func() {}
	}
	l, err := net.Listen("unix", fmt.Sprintf("@millrace-test-port-%d", port))
	if err != nil {
		return nil
	}
	return func() { _ = l.Close() }
}

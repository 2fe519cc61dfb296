// Package childproc runs servers as child processes: each in a process group of its own, watched until it says that it is
// ready, and ended with its parent however that ends.
package childproc

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Process is a server that runs in a process group of its own.
type Process struct {
	name string
	cmd  *exec.Cmd
	out  *tail
	done chan struct{} // closed when the process has been waited for; err is set before
	err  error
}

// tail keeps the last lines that a server printed, for the message of a failing test.
type tail struct {
	mu    sync.Mutex
	lines []string
}

const tailLines = 60

// stopTimeout is how long a process may take over SIGTERM before it is killed.
const stopTimeout = 30 * time.Second

func (l *tail) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.lines) == tailLines {
		l.lines = append(l.lines[:0], l.lines[1:]...)
	}
	l.lines = append(l.lines, line)
}

func (l *tail) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}

// Start starts argv with env added to the environment.
func Start(name string, argv, env []string) (*Process, error) {
	p, _, err := start(name, argv, env, func(string) bool { return false })
	return p, err
}

// Launch is Start for a process that says when it is ready: it returns when ready has answered true to one of the lines
// that the process prints.
func Launch(name string, argv, env []string, timeout time.Duration, ready func(line string) bool) (*Process, error) {
	p, isReady, err := start(name, argv, env, ready)
	if err != nil {
		return nil, err
	}
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-isReady:
		return p, nil
	case <-p.done:
		// It may have been ready and ended since.
		select {
		case <-isReady:
			return p, nil
		default:
		}
		return nil, fmt.Errorf("starting %s: it ended before it was ready (%v); its last output:\n%s", name, p.err, p.out)
	case <-timer.C:
		p.Kill()
		return nil, fmt.Errorf("starting %s: not ready after %v; its last output:\n%s", name, timeout, p.out)
	}
}

func start(name string, argv, env []string, ready func(string) bool) (*Process, <-chan struct{}, error) {
	p := &Process{name: name, cmd: exec.Command(argv[0], argv[1:]...), out: &tail{}, done: make(chan struct{})}
	p.cmd.Env = append(p.cmd.Environ(), env...)
	p.cmd.SysProcAttr = sysProcAttr()
	pr, pw := io.Pipe()
	p.cmd.Stdout, p.cmd.Stderr = pw, pw
	isReady, drained := make(chan struct{}), make(chan struct{})
	go p.readLines(pr, ready, isReady, drained)
	// A descendant that outlives a killed server must not hold Wait on the pipe.
	p.cmd.WaitDelay = 5 * time.Second

	started := make(chan error, 1)
	go func() {
		// The parent death signal is sent when the thread that forked ends, not the process. So one thread stays with the
		// child for its whole life.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			p.err = p.cmd.Wait()
		}
		pw.Close()
		<-drained
		close(p.done)
	}()
	if err := <-started; err != nil {
		return nil, nil, fmt.Errorf("starting %s: %w", name, err)
	}
	return p, isReady, nil
}

// readLines drains the output to its end, so that the server never blocks on a full pipe.
func (p *Process) readLines(r io.Reader, ready func(string) bool, isReady, drained chan<- struct{}) {
	defer close(drained)
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 0, 64<<10), 1<<20)
	open := true
	for s.Scan() {
		p.out.add(s.Text())
		if open && ready(s.Text()) {
			open = false
			close(isReady)
		}
	}
	// A line over the limit ends the scanner; what follows it is not worth more than draining.
	_, err := io.Copy(io.Discard, r)
	if err != nil {
		p.out.add(err.Error())
	}
}

// PID is the process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Output is the last lines that the process printed.
func (p *Process) Output() string { return p.out.String() }

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// State says how a process ended and what it cost; nil before Done.
func (p *Process) State() *os.ProcessState {
	if p.Running() {
		return nil
	}
	return p.cmd.ProcessState
}

// Running says whether the process has not ended yet; false for nil.
func (p *Process) Running() bool {
	if p == nil {
		return false
	}
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

var errNotRunning = errors.New("it does not run")

// Signal sends sig to the whole process group.
func (p *Process) Signal(sig syscall.Signal) error {
	if !p.Running() {
		return fmt.Errorf("signalling %s: %w", p.name, errNotRunning)
	}
	if err := syscall.Kill(-p.cmd.Process.Pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("signalling %s: %w", p.name, err)
	}
	return nil
}

// Kill ends the group by SIGKILL, which works on a paused one too, and waits for it.
func (p *Process) Kill() {
	if !p.Running() {
		return
	}
	if err := p.Signal(syscall.SIGKILL); err != nil {
		p.out.add(err.Error())
	}
	<-p.done
}

// Stop ends the process by SIGTERM; one that does not obey in time is killed and reported.
func (p *Process) Stop() error {
	if !p.Running() {
		return nil
	}
	// A paused process takes no SIGTERM before it goes on; one that was not paused may have ended by then.
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGCONT} {
		if err := p.Signal(sig); err != nil && !errors.Is(err, errNotRunning) {
			return err
		}
	}
	timer := time.NewTimer(stopTimeout)
	defer timer.Stop()
	select {
	case <-p.done:
		return nil
	case <-timer.C:
		p.Kill()
		return fmt.Errorf("stopping %s: still there %v after SIGTERM, killed; its last output:\n%s", p.name, stopTimeout, p.out)
	}
}

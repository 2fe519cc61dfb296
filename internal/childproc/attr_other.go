//go:build unix && !linux

package childproc

import "syscall"

// sysProcAttr gives the child a group of its own. A parent death signal exists on Linux only, so elsewhere a panic of
// the test leaves the server running.
func sysProcAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}

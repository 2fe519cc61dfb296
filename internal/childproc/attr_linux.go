package childproc

import "syscall"

// sysProcAttr gives the child a group of its own and ends it with the test, however the test ends.
func sysProcAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

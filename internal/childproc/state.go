package childproc

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Gone reports whether a process has ended. A zombie has: who inherits it may never reap it, as the first process of many containers does
// not.
func Gone(pid int) bool {
	return strings.Contains("Z", state(filepath.Join("/proc", strconv.Itoa(pid), "stat")))
}

// Stopped reports whether all threads of a process stand still, or have ended: SIGSTOP returns before they do.
func Stopped(pid int) bool {
	threads, err := filepath.Glob(filepath.Join("/proc", strconv.Itoa(pid), "task/*/stat"))
	for _, path := range threads {
		if !strings.Contains("TZ", state(path)) {
			return false
		}
	}
	return err == nil
}

// state returns the letter that the kernel has for the state of a process or thread, "" if it is no more, and "?" if that cannot be told.
func state(path string) string {
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH):
		return ""
	case err != nil:
		return "?"
	}
	_, rest, _ := strings.Cut(string(data), ") ")
	return rest[:min(1, len(rest))]
}

package engine

import (
	"errors"
	"syscall"
)

// The numbers of ERROR_HANDLE_DISK_FULL and ERROR_DISK_FULL, which package syscall does not name.
const (
	errHandleDiskFull = syscall.Errno(39)
	errDiskFull       = syscall.Errno(112)
)

// noSpace tells whether an error says that there is no room on the disk.
func noSpace(err error) bool { return errors.Is(err, errHandleDiskFull) || errors.Is(err, errDiskFull) }

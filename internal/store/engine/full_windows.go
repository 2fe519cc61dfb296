package engine

import (
	"errors"
	"strings"
	"syscall"
)

// The numbers of ERROR_HANDLE_DISK_FULL and ERROR_DISK_FULL, which package syscall does not name.
const (
	errHandleDiskFull = syscall.Errno(39)
	errDiskFull       = syscall.Errno(112)
)

// noSpace tells whether an error says that there is no room on the disk. bbolt hands some on as text alone.
func noSpace(err error) bool {
	for _, no := range [...]syscall.Errno{errHandleDiskFull, errDiskFull} {
		if errors.Is(err, no) || strings.Contains(err.Error(), no.Error()) {
			return true
		}
	}
	return false
}

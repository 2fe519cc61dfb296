//go:build unix

package engine

import (
	"errors"
	"syscall"
)

// noSpace tells whether an error says that there is no room: of the file system, of a quota, or of a limit of this process.
func noSpace(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}

//go:build unix

package engine

import (
	"errors"
	"os"
	"strings"
	"syscall"
)

// fullErrors say that there is no room: of the file system, of a quota, or of a limit of this process.
var fullErrors = [...]syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG}

// noSpace tells whether an error says that there is no room. bbolt hands some on as text alone.
func noSpace(err error) bool {
	for _, no := range fullErrors {
		if errors.Is(err, no) || strings.Contains(err.Error(), no.Error()) {
			return true
		}
	}
	return false
}

// syncDir makes the name of a new file as durable as its contents.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	return errors.Join(err, d.Close())
}

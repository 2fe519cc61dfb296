//go:build !linux

package vfs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// Lock makes a file that must not exist and deletes it when it is closed. After a crash the file has to be deleted by
// hand: systems without flock are for development only.
func (OS) Lock(name string) (io.Closer, error) {
	f, err := os.OpenFile(name+".held", os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		return heldFile{f}, nil
	}
	if errors.Is(err, fs.ErrExist) {
		err = ErrLocked
	}
	return nil, fmt.Errorf("locking %q: %w", name, err)
}

type heldFile struct{ *os.File }

func (f heldFile) Close() error {
	return firstError(f.File.Close(), os.Remove(f.Name()))
}

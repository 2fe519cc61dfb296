// Package statefile keeps what a plugin has to know after a restart in a small file.
package statefile

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
)

// Keeps reports whether what is saved under a name can be read again: what is no regular file, such as /dev/null, keeps nothing.
func Keeps(name string) bool {
	info, err := os.Stat(name)
	return err != nil || info.Mode().IsRegular()
}

// Save replaces a file as a whole, so that it is never half written. Where nothing can be kept it does nothing.
func Save(name string, data []byte) error {
	if !Keeps(name) {
		return nil
	}
	if old, err := os.ReadFile(name); err == nil && bytes.Equal(old, data) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	if err := replace(name, data); err != nil {
		return os.WriteFile(name, data, 0o644) // the folder takes no new file, or the file is a mount of its own
	}
	return nil
}

func replace(name string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone already if all went well
	_, err = f.Write(data)
	if err := errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

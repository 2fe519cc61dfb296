package s3

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// keep copies what was read to a folder, under the last part of the object's name.
func (r *reading) keep(dir string) error {
	name := filepath.Join(dir, path.Base(r.o.info.Key))
	for n := 1; ; n++ {
		err := copyNew(name, r.file)
		if !errors.Is(err, fs.ErrExist) {
			return err
		}
		if same, err := equal(name, r.file); same || err != nil {
			return err
		}
		name = fmt.Sprintf("%s.%d", filepath.Join(dir, path.Base(r.o.info.Key)), n) // another object with that name
	}
}

// copyNew copies a file to one that does not exist yet.
func copyNew(name string, from *os.File) error {
	if _, err := from.Seek(0, io.SeekStart); err != nil {
		return err
	}
	to, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, from)
	if err := errors.Join(err, to.Sync(), to.Close()); err != nil {
		return errors.Join(err, os.Remove(name))
	}
	return nil
}

// equal reports whether a file holds what another does.
func equal(name string, other *os.File) (bool, error) {
	f, err := os.Open(name)
	if err != nil {
		return false, err
	}
	defer func() { _ = f.Close() }() // it was open for reading only
	if _, err := other.Seek(0, io.SeekStart); err != nil {
		return false, err
	}
	a, b := make([]byte, 64<<10), make([]byte, 64<<10)
	for {
		n, err1 := io.ReadFull(f, a)
		m, err2 := io.ReadFull(other, b)
		if !bytes.Equal(a[:n], b[:m]) {
			return false, nil
		}
		if err1 != nil || err2 != nil {
			return isEnd(err1) && isEnd(err2), errors.Join(unlessEnd(err1), unlessEnd(err2))
		}
	}
}

func isEnd(err error) bool { return err == io.EOF || err == io.ErrUnexpectedEOF }

func unlessEnd(err error) error {
	if isEnd(err) {
		return nil
	}
	return err
}

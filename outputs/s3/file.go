package s3

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/klauspost/compress/gzip"
)

// file is a file of the temporary directory. Whoever has it guards it: the output's lock while events are written to it, then the one who uploads it.
type file struct {
	key     string // of the object
	path    string
	root    string // the folder of the temporary directory that it is in
	events  int64
	created time.Time
	used    time.Time
	written int64 // bytes on disk
	gzip    bool

	f     *os.File // nil: closed, as others needed the descriptor
	torn  bool     // a write failed: beyond written there may be something
	ended bool     // no more events: what is pending goes to disk, and the file to the store

	zip     *gzip.Writer // nil: nothing of its data is unfinished
	pending bytes.Buffer // what is not on disk
}

// add takes events, which are on disk when flush has returned without an error.
func (f *file) add(data []byte, events int64, zips *[]*gzip.Writer) {
	f.events += events
	if !f.gzip {
		f.pending.Write(data)
		return
	}
	if f.zip == nil {
		f.zip = takeZip(zips, &f.pending)
	}
	// Neither can fail, as a buffer takes all. Without Flush a crash would lose what was taken for safe.
	_, _ = f.zip.Write(data)
	_ = f.zip.Flush()
}

// takeZip returns a compressor, one that was used before if there is one.
func takeZip(zips *[]*gzip.Writer, out *bytes.Buffer) *gzip.Writer {
	n := len(*zips)
	if n == 0 {
		return gzip.NewWriter(out)
	}
	z := (*zips)[n-1]
	*zips = (*zips)[:n-1]
	z.Reset(out)
	return z
}

// finish ends the compressed data; more of them may follow. Their compressor is free again.
func (f *file) finish(zips *[]*gzip.Writer) {
	if f.zip != nil {
		_ = f.zip.Close() // to a buffer
		*zips = append(*zips, f.zip)
		f.zip = nil
	}
}

// open opens the file, which it makes with its folders.
func (f *file) open() error {
	if f.f != nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(f.path), 0o755); err != nil {
		return err
	}
	opened, err := os.OpenFile(f.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	f.f = opened
	return nil
}

// flush writes what is pending. If it fails, it can be called again.
func (f *file) flush() error {
	if f.pending.Len() == 0 && !f.torn {
		return nil
	}
	if err := f.open(); err != nil {
		return err
	}
	if f.torn {
		if err := f.f.Truncate(f.written); err != nil {
			return err
		}
		f.torn = false
	}
	n, err := f.f.Write(f.pending.Bytes())
	if err != nil {
		if f.torn = n > 0; f.torn {
			f.torn = f.f.Truncate(f.written) != nil
		}
		return err
	}
	f.written += int64(n)
	if f.pending.Reset(); f.pending.Cap() > maxKept {
		f.pending = bytes.Buffer{}
	}
	return nil
}

// end writes what is pending, makes it safe and closes the file.
func (f *file) end(zips *[]*gzip.Writer) error {
	f.ended = true
	f.finish(zips)
	err := f.flush()
	if err == nil {
		err = f.open()
	}
	if err == nil {
		err = f.f.Sync()
	}
	if err != nil {
		return err
	}
	return f.close()
}

func (f *file) close() error {
	if f.f == nil {
		return nil
	}
	err := f.f.Close()
	f.f = nil
	return err
}

// remove deletes the file and the folders that this leaves empty, up to its root.
func (f *file) remove() error {
	if err := os.Remove(f.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for dir := filepath.Dir(f.path); dir != f.root && len(dir) > len(f.root); dir = filepath.Dir(dir) {
		if os.Remove(dir) != nil { // something else is in it
			break
		}
	}
	return nil
}

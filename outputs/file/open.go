package file

import (
	"compress/gzip"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"millrace/internal/throttle"
	"millrace/pipeline/plugin"
)

// output is shared by all workers; mu guards files and keeps what a turn writes together.
type output struct {
	o          Options
	env        *plugin.Env
	newEncoder func() plugin.Encoder
	root       string // the folder in which all files lie
	failure    string
	log        *throttle.Logger

	mu    sync.Mutex
	files map[string]*file
	swept time.Time
}

// file is an open file.
type file struct {
	path string
	f    *os.File
	used time.Time

	gz     *gzip.Writer
	sum    uint32 // checksum and length of what gz has in the file, which the end of compressed data tells
	length int64
	broken bool // a write failed: gz is of no use any more, and what it wrote needs its end
}

func errorAttr(err error) slog.Attr { return slog.Any("error", err) }

// write writes a part. If it fails, the file is as it was before, as far as the system lets it.
func (o *output) write(p *part) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sweep()
	f, err := o.open(p.path)
	if err != nil {
		return err
	}
	f.used = time.Now()
	data := p.buf
	if o.o.WriteBehavior == "overwrite" {
		if err := f.rewind(); err != nil {
			return err
		}
		data = p.buf[p.last:]
	}
	before, err := f.f.Seek(0, io.SeekEnd)
	if errors.Is(err, syscall.ESPIPE) { // a pipe, or the terminal, has no place to go back to
		before, err = -1, nil
	}
	if err == nil {
		err = f.write(data)
	}
	if err != nil {
		o.fail(f, before)
	}
	return err
}

// fail takes back what a failed write left behind a place.
func (o *output) fail(f *file, before int64) {
	if before >= 0 {
		_ = f.f.Truncate(before) // what was written in part would stand there twice
	}
	if f.length > 0 && before >= 0 {
		f.broken = true
		return
	}
	_ = f.f.Close()
	delete(o.files, f.path)
}

// open returns the file of a path, which it makes with its folders.
func (o *output) open(path string) (*file, error) {
	_, err := os.Stat(path)
	if err != nil && !o.o.CreateIfDeleted && path != o.failure {
		path = o.failure
		_, err = os.Stat(path)
	}
	if f := o.files[path]; f != nil {
		if err == nil && !f.broken {
			return f, nil
		}
		if err == nil {
			if err := f.end(); err != nil {
				return nil, err
			}
		}
		_ = f.close() // if it was deleted, nothing more can be lost
		delete(o.files, path)
	}
	if err := os.MkdirAll(filepath.Dir(path), mode(o.o.DirMode, 0o777)); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, mode(o.o.FileMode, 0o666))
	if err != nil {
		return nil, err
	}
	opened := &file{path: path, f: f}
	if o.o.Gzip {
		opened.gz = gzip.NewWriter(f)
	}
	o.files[path] = opened
	return opened, nil
}

// sweep closes files that nothing was written to for a while.
func (o *output) sweep() {
	now := time.Now()
	if o.o.StaleCleanup <= 0 || now.Sub(o.swept) < o.o.StaleCleanup {
		return
	}
	o.swept = now
	for path, f := range o.files {
		if now.Sub(f.used) < o.o.StaleCleanup {
			continue
		}
		if f.broken && f.end() != nil {
			continue // with the next sweep, or write
		}
		if err := f.close(); err != nil {
			o.log.Error("closing a file", errorAttr(err))
		}
		delete(o.files, path)
	}
}

func (f *file) rewind() error {
	if f.gz != nil {
		f.gz.Reset(f.f)
		f.sum, f.length = 0, 0
	}
	return f.f.Truncate(0)
}

func (f *file) write(data []byte) error {
	if f.gz == nil {
		_, err := f.f.Write(data)
		return err
	}
	if _, err := f.gz.Write(data); err != nil {
		return err
	}
	if err := f.gz.Flush(); err != nil {
		return err
	}
	f.sum = crc32.Update(f.sum, crc32.IEEETable, data)
	f.length += int64(len(data))
	return nil
}

// end ends the compressed data before a write that failed, without which nothing that follows could be read: a last block that is empty,
// checksum and length (RFC 1952, section 2.3.1).
func (f *file) end() error {
	before, err := f.f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	end := binary.LittleEndian.AppendUint32([]byte{1, 0, 0, 0xff, 0xff}, f.sum)
	if _, err = f.f.Write(binary.LittleEndian.AppendUint32(end, uint32(f.length))); err != nil {
		_ = f.f.Truncate(before)
		return err
	}
	f.broken, f.gz = false, nil
	return nil
}

func (f *file) close() error {
	var err error
	switch {
	case f.broken:
		err = f.end()
	case f.gz != nil:
		err = f.gz.Close()
	}
	return errors.Join(err, f.f.Close())
}

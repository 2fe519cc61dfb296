package file

import (
	"compress/gzip"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
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
	f    *os.File
	gz   *gzip.Writer
	used time.Time
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
	if err == nil {
		err = f.write(data)
	}
	if err != nil {
		_ = f.f.Truncate(before) // what was written in part would stand there twice
		_ = f.close()
		delete(o.files, p.path)
	}
	return err
}

// open returns the file of a path, which it makes with its folders.
func (o *output) open(path string) (*file, error) {
	_, err := os.Stat(path)
	if f := o.files[path]; f != nil {
		if err == nil {
			return f, nil
		}
		_ = f.close() // it was deleted; nothing more can be lost
		delete(o.files, path)
		if !o.o.CreateIfDeleted && path != o.failure {
			return o.open(o.failure)
		}
	}
	if err := os.MkdirAll(filepath.Dir(path), mode(o.o.DirMode, 0o777)); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, mode(o.o.FileMode, 0o666))
	if err != nil {
		return nil, err
	}
	opened := &file{f: f}
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
		if err := f.close(); err != nil {
			o.log.Error("closing a file", errorAttr(err))
		}
		delete(o.files, path)
	}
}

func (f *file) rewind() error { return f.f.Truncate(0) }

func (f *file) write(data []byte) error {
	if f.gz == nil {
		_, err := f.f.Write(data)
		return err
	}
	if _, err := f.gz.Write(data); err != nil {
		return err
	}
	return f.gz.Flush()
}

func (f *file) close() error {
	if f.gz != nil {
		if err := f.gz.Close(); err != nil {
			_ = f.f.Close() // the first error is the one to tell
			return err
		}
	}
	return f.f.Close()
}

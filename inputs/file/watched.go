package file

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"log/slog"
	"math"
	"os"
	"strings"
	"time"

	"millrace/internal/lines"
	"millrace/internal/stream"
	"millrace/pipeline/event"
)

// watched is a file that is read.
type watched struct {
	w        *watcher
	path     string
	id       identity
	source   *event.Source
	progress *progress
	modified time.Time
	offset   int64     // up to where it was read
	active   time.Time // when something was read last
	skipped  bool      // its content is too old to be read (mode read)

	f      *os.File
	reader *stream.Reader // nil while nothing is pending
	framer *counting
}

// openFile opens the file at the place that was reached; false if it has to wait.
func (f *watched) openFile() bool {
	if f.f != nil {
		return true
	}
	if f.w.open >= f.w.in.o.MaxOpenFiles {
		return false
	}
	file, err := os.Open(f.path)
	if err != nil {
		f.w.in.warn("a file cannot be opened", f.path, err)
		return false
	}
	info, err := file.Stat()
	if err == nil && identityOf(info) == f.id {
		_, err = file.Seek(f.offset, io.SeekStart)
	} else if err == nil {
		err = errors.New("another file has taken its name")
	}
	if err != nil {
		_ = file.Close()
		f.w.in.warn("a file cannot be opened", f.path, err)
		return false
	}
	f.f = file
	f.w.open++
	f.w.in.opened.Add(1)
	return true
}

func (f *watched) close() {
	if f.f == nil {
		return
	}
	_ = f.f.Close() // it was open for reading only
	f.f = nil
	f.w.open--
}

// start makes what cuts r into records.
func (f *watched) start(r io.Reader) {
	env := f.w.in.env
	f.framer = &counting{Framer: lines.New(f.w.in.o.Delimiter, math.MaxInt, "")}
	if env.CutsStreams() {
		f.framer.Framer = env.NewFramer()
	}
	f.reader = stream.NewReader(r, f.framer, stream.Limits{}).WithPool(&f.w.in.pool)
}

// growing reads a file whose end is not for ever.
type growing struct{ f *watched }

// Read reads what is there. At the end it says that time is up, so that what is pending stays so.
func (g growing) Read(p []byte) (int, error) {
	n, err := g.f.f.Read(p[:min(len(p), g.f.w.in.o.FileChunkSize)])
	g.f.offset += int64(n)
	if err == io.EOF {
		err = os.ErrDeadlineExceeded
	}
	return n, err
}

// read reads up to file_chunk_count chunks; more tells that the end was not reached.
func (f *watched) read(ctx context.Context) (more bool, err error) {
	if !f.openFile() {
		return false, nil
	}
	if f.reader == nil {
		f.start(growing{f})
	}
	for range f.w.in.o.FileChunkCount {
		b, err := f.reader.Next()
		if b != nil {
			if err := f.push(ctx, b); err != nil {
				return false, err
			}
		}
		if err == nil {
			f.active = time.Now()
			continue
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			f.w.in.warn("a file cannot be read", f.path, err)
			f.close()
		}
		f.rest()
		return false, nil
	}
	return true, nil
}

// rest gives the memory for reading back where nothing is pending: thousands of quiet files cost little.
func (f *watched) rest() {
	if f.reader != nil && !f.reader.Pending() {
		f.reader = nil
	}
}

// push hands b on, whose end is what was read without what is pending.
func (f *watched) push(ctx context.Context, b *event.Batch) error {
	b.Source = f.source
	f.w.t.push(f.progress, f.offset-int64(f.framer.rest), b)
	err := f.w.out.Push(ctx, b)
	if err != nil {
		f.w.t.refused(f.progress)
	}
	return err
}

// quiet is called when the file has not grown: a message that waits for more lines ends, and the file is closed after a while.
func (f *watched) quiet(ctx context.Context) error {
	if f.reader != nil {
		if after := f.reader.IdleAfter(); after > 0 && time.Since(f.active) >= after {
			if err := f.flush(ctx); err != nil {
				return err
			}
		}
	}
	if f.f != nil && time.Since(f.active) > time.Duration(f.w.in.o.CloseOlder) {
		f.close()
	}
	return nil
}

// flush makes records of what is pending.
func (f *watched) flush(ctx context.Context) error {
	if f.reader == nil {
		return nil
	}
	b := f.reader.Flush()
	f.rest()
	if b == nil {
		return nil
	}
	return f.push(ctx, b)
}

// truncated begins anew. What was pending is a record of its own: the file has nothing more of it.
func (f *watched) truncated(ctx context.Context) error {
	f.w.in.env.Log.Info("a file was truncated; reading it from the beginning", "path", f.path)
	if err := f.flush(ctx); err != nil {
		return err
	}
	f.offset, f.reader = 0, nil
	f.progress = f.w.t.reset(f.progress)
	if f.f != nil {
		if _, err := f.f.Seek(0, io.SeekStart); err != nil {
			f.close()
		}
	}
	return nil
}

// readRest reads a file that has lost its name to its end. If it is not open it is out of reach.
func (f *watched) readRest(ctx context.Context) error {
	for f.f != nil {
		more, err := f.read(ctx)
		if err != nil {
			return err
		}
		if !more {
			break
		}
	}
	return f.flush(ctx)
}

// visitOnce reads a file of mode read; more tells that there is more.
func (w *watcher) visitOnce(ctx context.Context, f *watched) (more bool, err error) {
	if f.skipped {
		w.done(f)
		return false, nil
	}
	if strings.HasSuffix(f.path, ".gz") || strings.HasSuffix(f.path, ".gzip") {
		return false, w.unpack(ctx, f)
	}
	if !f.openFile() {
		if _, err := os.Stat(f.path); err != nil {
			w.remove(f)
			return false, nil
		}
		if w.open >= w.in.o.MaxOpenFiles {
			return true, nil
		}
		if w.in.o.ExitAfterRead {
			w.done(f) // nobody waits for it to become readable
		}
		return false, nil
	}
	known, _ := w.t.position(f.id)
	if more, err := f.read(ctx); more || err != nil {
		return more, err
	}
	if f.f == nil {
		return false, nil // a read failed; the next visit tries again
	}
	if err := f.flush(ctx); err != nil {
		return false, err
	}
	w.completed(f, f.offset, known.offset == f.offset && f.offset > 0)
	return false, nil
}

// completed ends with a file that was read to its end. One that was delivered by an earlier run is not noted again.
func (w *watcher) completed(f *watched, size int64, before bool) {
	f.close()
	if before {
		if w.in.o.FileCompletedAction != "log" {
			w.in.removeCompleted(w.t, f.progress, f.path)
		}
	} else {
		w.t.complete(f.progress, size)
	}
	w.done(f)
}

// done forgets a file of mode read without finding it again.
func (w *watcher) done(f *watched) {
	w.remove(f)
	if info, err := os.Stat(f.path); err == nil && identityOf(info) == f.id {
		w.finished[f.path] = info
	}
}

// unpack reads a gzip file. Its position is its beginning until all of it is delivered.
func (w *watcher) unpack(ctx context.Context, f *watched) error {
	info, err := os.Stat(f.path)
	if err != nil {
		w.remove(f)
		return nil
	}
	if f.offset == info.Size() {
		w.completed(f, f.offset, true)
		return nil
	}
	f.offset = 0
	if w.in.o.CheckArchiveValidity {
		if err := checkArchive(f.path); err != nil {
			w.in.env.Log.Error("a damaged gzip file is left out", slog.String("path", f.path), slog.Any("error", err))
			w.done(f)
			return nil
		}
	}
	if !f.openFile() {
		return nil
	}
	z, err := gzip.NewReader(f.f)
	if err == nil {
		f.start(z)
		var perr error
		if err, perr = f.inflate(ctx); perr != nil {
			return perr
		}
	}
	if err == io.EOF {
		w.completed(f, info.Size(), false)
		return nil
	}
	w.in.env.Log.Error("a gzip file is damaged; what could be read of it goes on, and the file stays", slog.String("path", f.path), slog.Any("error", err))
	w.done(f)
	return nil
}

// inflate reads to the end, where failed is io.EOF. The error is that of the pipeline.
func (f *watched) inflate(ctx context.Context) (failed, _ error) {
	for {
		b, err := f.reader.Next()
		if b != nil {
			b.Source = f.source
			f.w.t.push(f.progress, 0, b)
			if perr := f.w.out.Push(ctx, b); perr != nil {
				f.w.t.refused(f.progress)
				return nil, perr
			}
		}
		if err != nil {
			return err, nil
		}
	}
}

func checkArchive(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, z)
	return err
}

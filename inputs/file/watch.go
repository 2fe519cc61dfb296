package file

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"millrace/internal/fileglob"
	"millrace/pipeline/plugin"
)

// watcher is one run of the input: it looks at its files in turn, in one goroutine. While the pipeline takes nothing it waits, and so
// reads nothing.
type watcher struct {
	in    *input
	out   plugin.Sink
	t     *tracker
	files []*watched
	byID  map[identity]*watched
	path  map[string]*watched

	// What was read to its end in mode read, by path, as it was then.
	finished map[string]fs.FileInfo

	open       int  // files that are open
	discovered bool // files that are found from now on are new
	saved      time.Time
}

// Run reads until ctx ends, or, with exit_after_read, until all is read and delivered.
func (in *input) Run(ctx context.Context, out plugin.Sink) error {
	t, err := newTracker(in)
	if err != nil {
		return err
	}
	w := &watcher{in: in, out: out, t: t, byID: make(map[identity]*watched), path: make(map[string]*watched),
		finished: make(map[string]fs.FileInfo), saved: time.Now()}
	defer t.stop()
	defer w.closeAll()
	tick := time.NewTicker(time.Duration(in.o.StatInterval))
	defer tick.Stop()
	for n := 0; ; n++ {
		if n%in.o.DiscoverInterval == 0 && (n == 0 || !in.o.ExitAfterRead) {
			w.discover()
		}
		if err := w.readAll(ctx); err != nil {
			if ctx.Err() != nil {
				return nil // what was not pushed is not remembered as read
			}
			return err
		}
		if in.o.ExitAfterRead && len(w.files) == 0 {
			t.wait(ctx)
			return nil
		}
		if time.Since(w.saved) >= time.Duration(in.o.SincedbWriteInterval) {
			w.saved = time.Now()
			t.save()
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// discover looks for files that are not watched.
func (w *watcher) discover() {
	before := len(w.files)
	still := make(map[string]fs.FileInfo)
	for i := range w.in.globs {
		w.in.globs[i].Walk(func(path string, info fs.FileInfo) {
			switch {
			case w.isFinished(path, info):
				still[path] = w.finished[path]
			case w.path[path] == nil && !w.excluded(path):
				w.found(path, info)
			}
		})
	}
	w.finished = still
	w.discovered = true
	if len(w.files) > before || w.in.o.FileSortBy == "last_modified" {
		w.sort()
	}
}

// isFinished reports whether a file was read to its end and is as it was.
func (w *watcher) isFinished(path string, info fs.FileInfo) bool {
	was := w.finished[path]
	if was == nil {
		return false
	}
	return identityOf(was) == identityOf(info) && was.Size() == info.Size() && was.ModTime().Equal(info.ModTime())
}

func (w *watcher) excluded(path string) bool {
	name := filepath.Base(path)
	return slices.ContainsFunc(w.in.o.Exclude, func(pattern string) bool { return fileglob.Match(pattern, name) })
}

func (w *watcher) sort() {
	slices.SortStableFunc(w.files, func(a, b *watched) int {
		c := cmp.Compare(a.path, b.path)
		if w.in.o.FileSortBy == "last_modified" {
			c = a.modified.Compare(b.modified)
		}
		if w.in.o.FileSortDirection == "desc" {
			c = -c
		}
		return c
	})
}

// found begins to watch a file, unless it is watched by another name.
func (w *watcher) found(path string, info fs.FileInfo) {
	id := identityOf(info)
	if other := w.byID[id]; other != nil {
		if there, err := os.Stat(other.path); err == nil && identityOf(there) == id {
			return // a link
		}
		w.renamed(other, path)
		return
	}
	f := &watched{w: w, path: path, id: id, modified: info.ModTime(), active: time.Now(), source: w.in.source(path)}
	if p, at := w.t.resume(id, path); p != nil && at <= info.Size() && !p.complete {
		f.progress, f.offset = p, at
	} else {
		f.progress = &progress{id: id, path: path}
		f.offset = w.start(f, info)
	}
	w.add(f)
}

// start returns where to begin in a file.
func (w *watcher) start(f *watched, info fs.FileInfo) int64 {
	known, ok := w.t.position(f.id)
	older := w.in.o.IgnoreOlder
	switch {
	case ok && known.offset <= info.Size():
		return known.offset
	case ok: // it was truncated in between
		return 0
	case older != nil && time.Since(info.ModTime()) > time.Duration(*older):
		f.skipped = w.in.o.Mode == "read"
		return info.Size()
	case !w.discovered && w.in.o.StartPosition == "end":
		w.t.set(f.id, f.path, info.Size())
		return info.Size()
	}
	return 0
}

func (w *watcher) add(f *watched) {
	w.files = append(w.files, f)
	w.path[f.path] = f
	w.byID[f.id] = f
	w.in.matched.Add(1)
}

// renamed goes on with a file under its new name.
func (w *watcher) renamed(f *watched, path string) {
	delete(w.path, f.path)
	f.path, f.source = path, w.in.source(path)
	w.path[path] = f
	w.t.rename(f.progress, path)
}

// remove stops watching a file.
func (w *watcher) remove(f *watched) {
	f.close()
	if w.path[f.path] == f {
		delete(w.path, f.path)
	}
	if w.byID[f.id] == f {
		delete(w.byID, f.id)
	}
	w.files = slices.DeleteFunc(w.files, func(o *watched) bool { return o == f })
}

func (w *watcher) closeAll() {
	for _, f := range w.files {
		f.close()
	}
}

// readAll reads every file that has something new, each by file_chunk_count chunks in turn, until none has.
func (w *watcher) readAll(ctx context.Context) error {
	for {
		more := false
		for _, f := range slices.Clone(w.files) {
			again, err := w.visit(ctx, f)
			if err != nil {
				return err
			}
			more = more || again
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
		if !more {
			return nil
		}
	}
}

// visit reads what is new in a file; more tells that there is more.
func (w *watcher) visit(ctx context.Context, f *watched) (more bool, err error) {
	if w.in.o.Mode == "read" {
		return w.visitOnce(ctx, f)
	}
	info, err := os.Stat(f.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, w.gone(ctx, f)
	case err != nil:
		w.in.warn("a file cannot be looked at", f.path, err)
		return false, nil
	case identityOf(info) != f.id:
		return true, w.replaced(ctx, f, info)
	}
	f.modified = info.ModTime()
	if info.Size() < f.offset {
		if err := f.truncated(ctx); err != nil {
			return false, err
		}
	}
	if info.Size() > f.offset {
		return f.read(ctx)
	}
	return false, f.quiet(ctx)
}

// gone ends with a file that has lost its name: what it holds is read first.
func (w *watcher) gone(ctx context.Context, f *watched) error {
	if err := f.readRest(ctx); err != nil {
		return err
	}
	w.remove(f)
	return nil
}

// replaced ends with a file whose name another has now, and begins with that one.
func (w *watcher) replaced(ctx context.Context, f *watched, info fs.FileInfo) error {
	if err := w.gone(ctx, f); err != nil {
		return err
	}
	if known, ok := w.t.position(identityOf(info)); ok && known.path == f.path {
		// The file system has used the number of a file that is gone again; what is known concerns that one.
		w.t.set(identityOf(info), f.path, 0)
	}
	w.found(f.path, info)
	return nil
}

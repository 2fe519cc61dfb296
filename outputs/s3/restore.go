package s3

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/klauspost/compress/gzip"

	"millrace/internal/netout"
	"millrace/internal/uuid4"
)

// folder is a folder of the temporary directory that one output has for itself: it is locked, so that others do not take its files for those of a run that is over.
// Its name is a UUID, and the paths in it are the names of the objects, as in Logstash.
type folder struct {
	path string
	lock *os.File
}

// errTaken says that somebody uses a folder.
var errTaken = errors.New("another output uses the folder")

// newFolder makes a folder.
func newFolder(parent string) (*folder, error) {
	for {
		path := filepath.Join(parent, uuid4.New())
		if err := os.MkdirAll(path, 0o755); err != nil {
			return nil, err
		}
		f, err := takeFolder(path)
		if !errors.Is(err, errTaken) && !gone(err) {
			return f, err
		}
	}
}

// takeFolder locks a folder that is there.
func takeFolder(path string) (*folder, error) {
	lock, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = lock.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errTaken
		}
		return nil, fmt.Errorf("locking %q: %w", path, err)
	}
	held, err := lock.Stat()
	if err == nil {
		var now fs.FileInfo
		if now, err = os.Stat(path); err == nil && !os.SameFile(held, now) {
			err = fs.ErrNotExist // who had it before removed it
		}
	}
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return &folder{path: path, lock: lock}, nil
}

// close removes the folder if it is empty, and gives it up.
func (f *folder) close() error {
	_ = os.Remove(f.path)
	return f.lock.Close()
}

// leftFolders takes the folders that nobody uses.
func leftFolders(parent string) (found []*folder, err error) {
	entries, err := os.ReadDir(parent)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if !e.IsDir() || len(e.Name()) != len("00000000-0000-0000-0000-000000000000") {
			continue
		}
		f, err := takeFolder(filepath.Join(parent, e.Name()))
		if errors.Is(err, errTaken) || gone(err) {
			continue
		}
		if err != nil {
			for _, f := range found {
				_ = f.lock.Close()
			}
			return nil, err
		}
		found = append(found, f)
	}
	return found, nil
}

// restore uploads the files of folders that earlier runs left.
func (o *output) restore(found []*folder) {
	for _, d := range found {
		for _, path := range d.files() {
			if o.ctx.Err() == nil {
				o.restoreFile(d, path)
			}
		}
		_ = d.close() // what is left is there for the next run
	}
}

// files returns the files of a folder that an s3 output made, and removes folders without any.
func (f *folder) files() (paths []string) {
	var dirs []string
	_ = filepath.WalkDir(f.path, func(path string, d fs.DirEntry, err error) error { // what cannot be read is left
		switch {
		case err != nil:
		case d.IsDir() && path != f.path:
			dirs = append(dirs, path)
		case d.Type().IsRegular() && strings.HasPrefix(d.Name(), "ls.s3."):
			paths = append(paths, path)
		}
		return nil
	})
	for _, dir := range slices.Backward(dirs) {
		_ = os.Remove(dir) // if it is empty
	}
	return paths
}

// restoreFile uploads one file, for as long as it takes.
func (o *output) restoreFile(d *folder, path string) {
	info, err := os.Stat(path)
	if err == nil && info.Size() == 0 || strings.HasSuffix(path, halfRecovered) {
		_ = os.Remove(path)
		return
	}
	if err == nil && strings.HasSuffix(path, ".gz") {
		path, err = recovered(path)
	}
	var key string
	if err == nil {
		key, err = filepath.Rel(d.path, path)
	}
	if err != nil {
		o.env.Log.Error("a file of an earlier run cannot be read; it stays", slog.String("file", path), errorAttr(err))
		return
	}
	f := &file{key: filepath.ToSlash(key), path: path, root: d.path, gzip: strings.HasSuffix(path, ".gz")}
	for {
		err := o.send(o.ctx, f)
		if err == nil {
			o.restored.Add(1)
			o.env.Log.Info("a file of an earlier run was uploaded", slog.String("key", f.key))
			return
		}
		if o.ctx.Err() != nil || gone(err) {
			return
		}
		o.failed.Add(1)
		o.log.Warn("the upload of a file of an earlier run failed; trying again", slog.String("key", f.key), errorAttr(err))
		if netout.Pause(o.ctx, o.o.RetryDelay) != nil {
			return
		}
	}
}

// halfRecovered ends the name of a file while it is written from what could be read of another.
const halfRecovered = ".recovering"

// recovered returns the path of a compressed file whose data have an end: a crash left them without. What can be read of such a file is packed again, and gets the
// name that Logstash gives it.
func recovered(path string) (string, error) {
	in, err := os.Open(path)
	if err != nil {
		return path, err
	}
	defer func() { _ = in.Close() }() // it was open for reading only
	if z, err := gzip.NewReader(in); err == nil {
		if _, err := io.Copy(io.Discard, z); err == nil {
			return path, nil
		}
	}
	if _, err := in.Seek(0, io.SeekStart); err != nil {
		return path, err
	}
	if err := repack(in, path+halfRecovered); err != nil {
		_ = os.Remove(path + halfRecovered) // if it was made
		return path, err
	}
	// First in the place of the broken one, so that there is never both.
	if err := os.Rename(path+halfRecovered, path); err != nil {
		return path, err
	}
	better := strings.TrimSuffix(path, ".txt.gz") + "-recovered.txt.gz"
	return better, os.Rename(path, better)
}

// repack compresses what can be read of in anew.
func repack(in io.Reader, path string) error {
	z, err := gzip.NewReader(in)
	if err != nil {
		return err
	}
	out, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	w := gzip.NewWriter(out)
	n, err := copyReadable(w, z)
	if err == nil && n == 0 {
		err = errors.New("nothing can be read of the compressed data")
	}
	return errors.Join(err, w.Close(), out.Sync(), out.Close())
}

// copyReadable copies up to the place from which nothing can be read. Its error is that of writing.
func copyReadable(w io.Writer, r io.Reader) (copied int, _ error) {
	buf := make([]byte, 64<<10)
	for {
		n, err := r.Read(buf)
		if _, werr := w.Write(buf[:n]); werr != nil {
			return copied, werr
		}
		if copied += n; err != nil {
			return copied, nil
		}
	}
}

// Package file writes events to files whose names may depend on the event: by a codec, or some of their fields as rows of CSV.
package file

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"millrace/internal/throttle"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin is the file output.
var Plugin = plugin.DefineOutput("file", defaults, New, plugin.WithCodec("json_lines"), plugin.Borrowing())

var defaults = Options{
	FlushInterval: 2, FilenameFailure: "_filepath_failures", CreateIfDeleted: true, DirMode: -1, FileMode: -1,
	WriteBehavior: "append", StaleCleanup: 10 * time.Second,
}

// Options configures the output.
type Options struct {
	// Path of the file; references to fields and dates make it the event's own.
	Path event.Template `opt:"path,required"`

	// Accepted for Logstash's sake: what a worker has of a file is written at the end of each of its turns.
	FlushInterval int `opt:"flush_interval"`

	// Compress what is written.
	Gzip bool `opt:"gzip"`

	// File, beside the fixed part of path, for events whose path leads outside of that part.
	FilenameFailure string `opt:"filename_failure"`

	// Make a file that is not there, or was deleted; else its events go to filename_failure.
	CreateIfDeleted bool `opt:"create_if_deleted"`

	// Mode of folders that are made, as in 0750; -1 leaves it to the umask.
	DirMode int `opt:"dir_mode"`

	// Mode of files that are made, as in 0640; -1 leaves it to the umask.
	FileMode int `opt:"file_mode"`

	// Whether to append to a file, or to leave only the last event in it (overwrite).
	WriteBehavior string `opt:"write_behavior,enum=append|overwrite"`

	// How long a file that nothing is written to stays open.
	StaleCleanup time.Duration `opt:"stale_cleanup_interval,unit=s"`

	MessageFormat string `opt:"message_format,obsolete=use codec => line { format => \"...\" }"`
	MaxSize       string `opt:"max_size,obsolete=it has no effect; rotate by a date in path"`
}

// New checks the options; nothing is opened.
func New(o Options, env *plugin.Env) (plugin.Output, error) {
	out, err := newOutput(o, env, env.NewEncoder)
	if err != nil {
		return nil, err
	}
	return out, nil
}

func newOutput(o Options, env *plugin.Env, newEncoder func() plugin.Encoder) (*output, error) {
	if err := o.Path.Err(); err != nil {
		return nil, plugin.OptionError("path", err)
	}
	root, err := fixedPart(o.Path.String())
	if err != nil {
		return nil, plugin.OptionError("path", err)
	}
	return &output{o: o, env: env, newEncoder: newEncoder, root: root, failure: filepath.Join(root, o.FilenameFailure), files: make(map[string]*file),
		log: throttle.New(env.Log, time.Minute)}, nil
}

// fixedPart returns the folder in which all files of a path lie: what stands before the first reference (outputs/file.rb,
// extract_file_root). A path that is a reference alone would let events write anywhere.
func fixedPart(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	if i := strings.Index(abs, "%{"); i >= 0 {
		root := filepath.Dir(abs[:i])
		if root == "/" {
			return "", errors.New("the path must begin with a folder that is the same for every event")
		}
		return root, nil
	}
	return filepath.Dir(abs), nil
}

// place returns the file that path, made for an event, stands for.
func (o *output) place(path string) string {
	abs, err := filepath.Abs(path)
	if err != nil || strings.IndexByte(abs, 0) >= 0 {
		return o.failure
	}
	if rel, err := filepath.Rel(o.root, abs); err != nil || rel == ".." || strings.HasPrefix(rel, "../") {
		return o.failure
	}
	return abs
}

// NewWriter implements plugin.Output.
func (o *output) NewWriter() plugin.Writer {
	return &writer{o: o, enc: o.newEncoder(), parts: make(map[string]*part)}
}

// Close implements plugin.Output.
func (o *output) Close(context.Context) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	var errs []error
	for path, f := range o.files {
		errs = append(errs, f.close())
		delete(o.files, path)
	}
	return errors.Join(errs...)
}

// part is what a turn has for one file.
type part struct {
	path string
	buf  []byte
	last int // where the last event begins
	n    int64
}

type writer struct {
	o     *output
	enc   plugin.Encoder
	parts map[string]*part
	order []*part
}

// Append encodes e for its file.
func (w *writer) Append(e *event.Event) error {
	path, err := w.o.o.Path.Text(e)
	if err != nil {
		w.o.env.Stats.Dropped.Add(1)
		return err
	}
	p := w.parts[path]
	if p == nil {
		path = strings.Clone(path)
		p = &part{path: w.o.place(path)}
		w.parts[path] = p
	}
	if p.n == 0 {
		w.order = append(w.order, p)
	}
	buf, err := w.enc.AppendEncode(p.buf, e)
	if err != nil {
		w.o.env.Stats.Dropped.Add(1)
		return err
	}
	p.last, p.buf = len(p.buf), buf
	p.n++
	return nil
}

// maxParts bounds the paths that a writer remembers, maxKept the buffer of each.
const (
	maxParts = 256
	maxKept  = 256 << 10
)

// retryPause is how long the output waits before it tries again to write to a file that refused.
const retryPause = time.Second

// Flush writes the turn. While a file cannot be written (the disk is full), it tries again until ctx ends.
func (w *writer) Flush(ctx context.Context, b *event.Batch) error {
	for _, p := range w.order {
		if p.n == 0 {
			continue
		}
		for {
			err := w.o.write(p)
			if err == nil {
				break
			}
			w.o.env.Stats.Retried.Add(p.n)
			w.o.log.Error("a file cannot be written; trying again", errorAttr(err))
			select {
			case <-time.After(retryPause):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		w.o.env.Stats.Delivered.Add(p.n)
		if p.n, p.buf, p.last = 0, p.buf[:0], 0; cap(p.buf) > maxKept {
			p.buf = nil
		}
	}
	w.order = w.order[:0]
	if len(w.parts) > maxParts {
		clear(w.parts)
	}
	b.Settle()
	return nil
}

// mode returns the mode of an option, or def.
func mode(option int, def os.FileMode) os.FileMode {
	if option < 0 {
		return def
	}
	return os.FileMode(option)
}

package s3

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/gzip"

	"millrace/internal/netout"
	"millrace/internal/s3client"
	"millrace/internal/throttle"
	"millrace/internal/uuid4"
	"millrace/pipeline/plugin"
)

// output is shared by all workers.
type output struct {
	o       Options
	env     *plugin.Env
	client  *s3client.Client
	put     s3client.Put
	tag     string // what tags add to names
	workers int
	log     *throttle.Logger

	uploaded, failed, restored *atomic.Int64

	mu     sync.Mutex // guards files and keeps what a turn writes together
	own    *folder    // in which this output's files are; nil before the first
	places map[string]*place
	opened map[*file]struct{} // those with an open descriptor
	zips   []*gzip.Writer     // that nobody uses

	backlog   *netout.Gate // files that are complete and not uploaded
	queueLock sync.Mutex   // guards queue and closing
	queue     []*file
	closing   bool
	pending   sync.Cond // of queueLock: there is something in queue, or closing

	begin    sync.Once
	ctx      context.Context // of uploads
	cancel   context.CancelFunc
	uploads  sync.WaitGroup // what ends when all is uploaded, or with ctx
	watching sync.WaitGroup // what ends with ctx
}

// place is what is known of a prefix.
type place struct {
	prefix  string
	part    int   // number of the next file
	current *file // nil: none since the last was complete
	used    time.Time
}

const (
	// checkEvery is how often files are looked at that may be old enough, as in Logstash.
	checkEvery = 15 * time.Second

	// forgetAfter is how long a prefix without a file is remembered, whose files are counted on.
	forgetAfter = 15 * time.Minute

	// maxOpen bounds open files. A compressor takes about a megabyte, so there are fewer where files are compressed; a file whose compressor another one
	// needed has its data in several parts, which are read as one.
	maxOpen, maxOpenZipped = 256, 48
)

// Start implements plugin.Starter: it looks whether files can be written and uploaded, and uploads what an earlier run left.
func (o *output) Start(ctx context.Context) error {
	if err := os.MkdirAll(o.o.TemporaryDirectory, 0o755); err != nil {
		return fmt.Errorf("the temporary directory: %w", err)
	}
	o.mu.Lock()
	err := o.ownFolder()
	o.mu.Unlock()
	if err != nil {
		return fmt.Errorf("the temporary directory has to be writable: %w", err)
	}
	if o.o.ValidateCredentials {
		if err := o.validate(ctx); err != nil {
			return errors.Join(err, o.leaveFolder())
		}
	}
	o.run()
	if o.o.Restore {
		found, err := leftFolders(o.o.TemporaryDirectory)
		if err != nil {
			return fmt.Errorf("looking for what an earlier run left: %w", err)
		}
		o.uploads.Go(func() { o.restore(found) })
	}
	return nil
}

// validate uploads an object and deletes it. A store that is not there now may be later: files wait for it.
func (o *output) validate(ctx context.Context) error {
	const patience = 20 * time.Second
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	key := "logstash-programmatic-access-test-object-" + time.Now().UTC().Format("2006-01-02T15-04-05.000000000")
	text := "permission check of Millrace on " + o.env.Hostname
	err := o.client.PutReader(ctx, o.o.Bucket, key, strings.NewReader(text), int64(len(text)), &o.put)
	switch status := s3client.Status(err); {
	case err == nil:
	case status >= 300 && status < 500:
		return fmt.Errorf("the store lets nothing be written at the top of the bucket (validate_credentials_on_root_bucket => false leaves this check out): %w", err)
	default:
		o.env.Log.Warn("the store could not be asked whether it lets events be written; files wait for it", errorAttr(err))
		return nil
	}
	if err := o.client.Delete(ctx, o.o.Bucket, key); err != nil {
		o.env.Log.Info("the object of the permission check stays, as only writing may be allowed", slog.String("key", key), errorAttr(err))
	}
	return nil
}

// run starts what uploads and what looks at the age of files, once.
func (o *output) run() {
	o.begin.Do(func() {
		o.ctx, o.cancel = context.WithCancel(context.Background())
		for range o.workers {
			o.uploads.Go(o.upload)
		}
		o.watching.Go(o.watch)
	})
}

// watch completes files that are old enough.
func (o *output) watch() {
	t := time.NewTicker(checkEvery)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			o.sweep()
		case <-o.ctx.Done():
			return
		}
	}
}

// sweep completes the files that are due, and forgets prefixes that nothing was written to for a while.
func (o *output) sweep() {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := time.Now()
	for prefix, p := range o.places {
		if p.current != nil && o.due(p.current, now) {
			if err := o.complete(p); err != nil {
				o.log.Error("a file cannot be completed; trying again", errorAttr(err))
			}
		}
		if p.current == nil && now.Sub(p.used) > forgetAfter {
			delete(o.places, prefix)
		}
	}
}

// due reports whether a file is to be uploaded.
func (o *output) due(f *file, now time.Time) bool {
	if f.events == 0 {
		return false
	}
	large := f.written+int64(f.pending.Len()) >= o.o.SizeFile
	old := now.Sub(f.created) >= time.Duration(o.o.TimeFile*float64(time.Minute))
	return f.ended || o.o.Rotation != "time" && large || o.o.Rotation != "size" && old
}

// write writes a part of a turn. If it fails it can be called again.
func (o *output) write(p *part) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.run()
	now := time.Now()
	if p.file == nil {
		f, err := o.current(p.prefix, now)
		if err != nil {
			return err
		}
		f.add(p.buf, p.n, &o.zips)
		f.used, p.file = now, f
	}
	if p.file.pending.Len() > 0 || p.file.torn {
		o.makeRoom(p.file)
		err := p.file.flush()
		if p.file.f != nil {
			o.opened[p.file] = struct{}{}
		}
		if err != nil {
			return err
		}
	}
	if pl := o.places[p.prefix]; pl != nil && pl.current == p.file && o.due(p.file, now) {
		if err := o.complete(pl); err != nil { // the events are on disk; the next turn or sweep tries again
			o.log.Error("a file cannot be completed; trying again", errorAttr(err))
		}
	}
	return nil
}

// current returns the file for events with a prefix.
func (o *output) current(prefix string, now time.Time) (*file, error) {
	pl := o.places[prefix]
	if pl == nil {
		pl = &place{prefix: prefix}
		o.places[prefix] = pl
	}
	pl.used = now
	if pl.current != nil && pl.current.ended {
		if err := o.complete(pl); err != nil {
			return nil, err
		}
	}
	if pl.current == nil {
		if err := o.ownFolder(); err != nil {
			return nil, err
		}
		key := o.key(prefix, pl.part, now)
		pl.current = &file{
			key: key, root: o.own.path, path: filepath.Join(o.own.path, filepath.FromSlash(key)), created: now, gzip: o.o.Encoding == "gzip",
		}
		pl.part++
	}
	return pl.current, nil
}

// key returns the name of an object: prefix, ls.s3., a UUID, the time, tags, the number of the part.
func (o *output) key(prefix string, part int, now time.Time) string {
	name := fmt.Sprintf("ls.s3.%s.%s%s.part%d.txt", uuid4.New(), now.Format("2006-01-02T15.04"), o.tag, part)
	if o.o.Encoding == "gzip" {
		name += ".gz"
	}
	if prefix == "" {
		return name
	}
	return strings.TrimPrefix(strings.TrimRight(prefix, "/")+"/"+name, "/")
}

// complete ends the current file of a prefix and queues it for its upload. mu is held.
func (o *output) complete(pl *place) error {
	f := pl.current
	if err := f.end(&o.zips); err != nil {
		return err
	}
	delete(o.opened, f)
	pl.current = nil
	o.backlog.Force(1)
	o.queueLock.Lock()
	o.queue = append(o.queue, f)
	o.queueLock.Unlock()
	o.pending.Signal()
	return nil
}

// makeRoom closes the file that was used least recently if f would be one too many. mu is held.
func (o *output) makeRoom(f *file) {
	limit := maxOpen
	if f.gzip {
		limit = maxOpenZipped
	}
	if _, ok := o.opened[f]; ok || len(o.opened) < limit {
		return
	}
	var oldest *file
	for other := range o.opened {
		if oldest == nil || other.used.Before(oldest.used) {
			oldest = other
		}
	}
	oldest.finish(&o.zips)
	err := oldest.flush()
	if err == nil {
		err = oldest.close()
	}
	if err != nil {
		o.log.Error("a file cannot be closed for another one", errorAttr(err))
		return
	}
	delete(o.opened, oldest)
}

// ownFolder makes the folder of this output's files if there is none. mu is held.
func (o *output) ownFolder() (err error) {
	if o.own == nil {
		o.own, err = newFolder(o.o.TemporaryDirectory)
	}
	return err
}

// Close implements plugin.Output: it uploads all files until ctx ends. What is left stays in the temporary directory, for a later run with restore.
func (o *output) Close(ctx context.Context) error {
	o.run()
	if o.ctx.Err() != nil { // it was closed
		return nil
	}
	err := o.completeAll(ctx)
	left := o.backlog.Drain(ctx)
	stop := context.AfterFunc(ctx, o.cancel)
	defer stop()
	o.queueLock.Lock()
	o.closing = true
	o.queueLock.Unlock()
	o.pending.Broadcast()
	o.uploads.Wait()
	o.cancel()
	o.watching.Wait()
	o.client.Close()
	if left > 0 {
		o.env.Log.Error("files could not be uploaded in time; they stay, and are uploaded by a later run with restore => true", slog.Int64("files", left),
			slog.String("temporary_directory", o.o.TemporaryDirectory))
	}
	return errors.Join(err, o.leaveFolder())
}

// leaveFolder gives up this output's folder.
func (o *output) leaveFolder() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.own == nil {
		return nil
	}
	err := o.own.close()
	o.own = nil
	return err
}

// completeAll completes all files.
func (o *output) completeAll(ctx context.Context) error {
	for {
		var errs []error
		o.mu.Lock()
		for _, pl := range o.places {
			if pl.current != nil && pl.current.events > 0 {
				errs = append(errs, o.complete(pl))
			}
		}
		o.mu.Unlock()
		err := errors.Join(errs...)
		if err == nil {
			return nil
		}
		o.log.Error("a file cannot be completed; trying again", errorAttr(err))
		if netout.Pause(ctx, retryPause) != nil {
			return err
		}
	}
}

func errorAttr(err error) slog.Attr { return slog.Any("error", err) }

// gone reports whether err says that a file is not there.
func gone(err error) bool { return errors.Is(err, fs.ErrNotExist) }

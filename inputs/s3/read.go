package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/gzip"

	"millrace/internal/lines"
	"millrace/internal/s3client"
	"millrace/internal/stream"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// reading is the way of one object through the pipeline.
type reading struct {
	*session
	o       *object
	info    s3client.Object // as the store told with the content
	file    *os.File        // without a name
	damaged bool            // the compressed data cannot be read to their end
	source  *event.Source

	version, fields string       // what a log of CloudFront says of itself
	left            atomic.Int64 // batches that are not settled, and one for the reading itself
}

// maxRecord bounds a line: that of CloudTrail holds all its events.
const maxRecord = 64 << 20

// download fetches the object into a file, from which it is read as slowly as the pipeline takes it.
func (r *reading) download(ctx context.Context) (err error) {
	if r.file, err = os.CreateTemp(r.input.o.TemporaryDirectory, "s3-*"); err != nil {
		return err
	}
	if err = os.Remove(r.file.Name()); err == nil {
		r.info, err = r.client.Get(ctx, r.input.o.Bucket, r.o.info.Key, r.o.info.ETag, r.file)
	}
	if err == nil {
		_, err = r.file.Seek(0, io.SeekStart)
	}
	if err != nil {
		_ = r.file.Close()
	}
	return err
}

// compressed reports whether the object is to be unpacked. As in Logstash the expression is matched with the path of a temporary file.
func (r *reading) compressed() bool {
	return !r.whole && r.gzip.MatchString(filepath.Join(r.input.o.TemporaryDirectory, path.Base(r.o.info.Key)))
}

// push hands all records on. Its error is that of the pipeline.
func (r *reading) push(ctx context.Context) error {
	r.left.Store(1)
	r.source = r.newSource()
	var in io.Reader = r.file
	packed := r.compressed()
	if packed {
		z, err := gzip.NewReader(r.file)
		if err != nil {
			r.damage(err)
			return nil
		}
		in = z
	}
	var framer plugin.Framer = newLines(packed)
	if r.env.CutsStreams() {
		framer = r.env.NewFramer()
	}
	reader := stream.NewReader(in, framer, stream.Limits{MaxRecord: maxRecord})
	for {
		b, readErr := reader.Next()
		if b != nil {
			if err := r.batch(ctx, b); err != nil {
				return err
			}
		}
		if readErr == io.EOF {
			return nil
		}
		if readErr != nil {
			r.damage(readErr)
			return nil
		}
	}
}

// newLines returns what cuts a text, for codecs that do not. Lines keep their ends, but for those of compressed objects: so does Logstash, which reads the ones by
// Ruby and the others by Java.
func newLines(packed bool) *lines.Ends {
	if !packed {
		return &lines.Ends{}
	}
	return &lines.Ends{Cut: func(line string) string { return strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r") }}
}

// damage notes that the object cannot be read to its end.
func (r *reading) damage(err error) {
	r.damaged = true
	r.input.failed.Add(1)
	r.env.Log.Error("an object is damaged; what could be read of it goes on, and the object stays", slog.String("key", r.o.info.Key), slog.Any("error", err))
}

// batch hands records on, but for those by which a log of CloudFront tells of itself.
func (r *reading) batch(ctx context.Context, b *event.Batch) error {
	if !r.heads {
		return r.send(ctx, b)
	}
	start := 0
	for i := range b.Len() {
		if !r.head(b.Record(i).Data) {
			continue
		}
		if err := r.send(ctx, part(b, start, i)); err != nil {
			return err
		}
		r.source = r.newSource()
		start = i + 1
	}
	if start > 0 {
		b = part(b, start, b.Len())
	}
	return r.send(ctx, b)
}

// part returns the records of b from start up to end.
func part(b *event.Batch, start, end int) *event.Batch {
	p := &event.Batch{Time: b.Time}
	for i := start; i < end; i++ {
		p.Records = append(p.Records, b.Record(i))
		p.Bytes += len(p.Records[i-start].Data)
	}
	return p
}

// send hands a batch on.
func (r *reading) send(ctx context.Context, b *event.Batch) error {
	if b.Len() == 0 {
		return nil
	}
	b.Source = r.source
	b.Done = func(*event.Batch) { r.settle() }
	r.left.Add(1)
	if err := r.out.Push(ctx, b); err != nil {
		r.left.Add(-1)
		return err
	}
	return nil
}

// settle notes that a batch is settled, or that all were pushed. After the last of both the object is delivered.
func (r *reading) settle() {
	if r.left.Add(-1) > 0 {
		return
	}
	r.mu.Lock()
	stopped := r.stopped
	if !stopped {
		r.finishing.Add(1)
	}
	r.mu.Unlock()
	if stopped { // nobody waits for a goroutine any more
		r.finish()
		return
	}
	go func() {
		defer r.finishing.Done()
		r.finish()
	}()
}

// abandon gives an object up that was not read to its end. What was pushed of it comes again.
func (r *reading) abandon() {
	_ = r.file.Close()
	r.t.release(r.o)
	r.gate.Leave(1)
}

// finishLimit bounds what is done with an object that is delivered.
const finishLimit = 30 * time.Second

// finish does what the options want with an object that is delivered.
func (r *reading) finish() {
	ctx, cancel := context.WithTimeout(context.Background(), finishLimit)
	defer cancel()
	err := r.after(ctx)
	switch {
	case errors.Is(err, errReplaced) || s3client.Status(err) == 404:
		r.env.Log.Info("an object was replaced or deleted while it was read; it is neither copied nor deleted", slog.String("key", r.o.info.Key))
	case err != nil:
		r.input.failed.Add(1)
		r.env.Log.Error("an object that is delivered cannot be copied or deleted; it stays and is not read again", slog.String("key", r.o.info.Key), slog.Any("error", err))
	}
	_ = r.file.Close()
	r.input.read.Add(1)
	r.done(r.o)
}

// after copies and deletes the object, if it is whole and the one that was read.
func (r *reading) after(ctx context.Context) error {
	o := &r.input.o
	if r.damaged || o.BackupToDir == "" && o.BackupToBucket == "" && !o.Delete {
		return nil
	}
	if o.BackupToDir != "" {
		if err := r.keep(o.BackupToDir); err != nil {
			return fmt.Errorf("copying the object to %q: %w", o.BackupToDir, err)
		}
	}
	if o.BackupToBucket == "" && !o.Delete {
		return nil
	}
	now, err := r.client.Stat(ctx, o.Bucket, r.o.info.Key)
	if err == nil && now.ETag != r.info.ETag {
		err = errReplaced
	}
	if err == nil && o.BackupToBucket != "" {
		err = r.client.Copy(ctx, o.Bucket, now, o.BackupToBucket, o.BackupAddPrefix+r.o.info.Key)
	}
	if err == nil && o.Delete {
		err = r.client.Delete(ctx, o.Bucket, r.o.info.Key)
	}
	return err
}

package queue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"millrace/pipeline/queue/vfs"
)

// Position is a place in a dead letter queue: the beginning of a record, or of the next one to be written. The zero
// value is the beginning of the queue.
type Position struct {
	Segment uint64
	Offset  int64
}

// String returns the position as sincedb files hold it.
func (p Position) String() string { return fmt.Sprintf("%d %d", p.Segment, p.Offset) }

// LoadPosition reads the position that SavePosition wrote. Without a file it is the beginning.
func LoadPosition(fsys vfs.FS, name string) (p Position, err error) {
	b, err := readFile(fsys, name)
	if isNotExist(err) {
		return Position{}, nil
	}
	if err == nil {
		_, err = fmt.Sscanf(string(b), "%d %d\n", &p.Segment, &p.Offset)
	}
	if err != nil {
		return Position{}, fmt.Errorf("reading position in dead letter queue from %q: %w", name, err)
	}
	return p, nil
}

// SavePosition writes a position to a file, in place of an older one in one step.
func SavePosition(fsys vfs.FS, name string, p Position) error {
	err := replaceFile(fsys, name+".tmp", func(f vfs.File) error {
		_, err := f.WriteAt([]byte(p.String()+"\n"), 0)
		return err
	})
	if err == nil {
		err = fsys.Rename(name+".tmp", name)
	}
	if err != nil {
		return fmt.Errorf("saving position in dead letter queue: %w", err)
	}
	return nil
}

// DeadLetterReader reads a dead letter queue from its beginning or from some position on, and may follow what is still
// being written, by this process or another. It must not be used concurrently.
type DeadLetterReader struct {
	fs    vfs.FS
	dir   string
	since int64
	at    Position
	file  vfs.File
	scan  *scanner
	// DamagedBytes counts what was skipped so far because it holds no intact record.
	DamagedBytes int64
}

// OpenDeadLetterReader returns a reader that begins at a position, and leaves out what is older than since. The folder
// need not exist yet.
func OpenDeadLetterReader(dir string, from Position, since time.Time, fsys vfs.FS) *DeadLetterReader {
	r := &DeadLetterReader{fs: fsys, dir: dir, at: from}
	if !since.IsZero() {
		r.since = since.UnixNano()
	}
	return r
}

// Position returns where the next record begins: what to save when all records returned so far are settled.
func (r *DeadLetterReader) Position() Position { return r.at }

// Close closes the file that is being read.
func (r *DeadLetterReader) Close() error {
	if r.file == nil {
		return nil
	}
	err := r.file.Close()
	r.file, r.scan = nil, nil
	return err
}

// Next returns the next record and the position behind it. While there is none it looks again every poll, until ctx is
// done.
func (r *DeadLetterReader) Next(ctx context.Context, poll time.Duration) (DeadLetter, Position, error) {
	var timer *time.Timer
	for {
		l, ok, err := r.TryNext()
		if ok || err != nil {
			return l, r.at, err
		}
		if timer == nil {
			timer = time.NewTimer(poll)
			defer timer.Stop()
		} else {
			timer.Reset(poll)
		}
		select {
		case <-ctx.Done():
			return DeadLetter{}, r.at, ctx.Err()
		case <-timer.C:
		}
	}
}

// TryNext returns the next record; ok is false if there is none at the moment.
func (r *DeadLetterReader) TryNext() (l DeadLetter, ok bool, err error) {
	for {
		if r.scan != nil {
			if l, ok, err := r.nextInSegment(); ok || err != nil {
				return l, ok, err
			}
		}
		more, err := r.advance()
		if !more || err != nil {
			return l, false, err
		}
	}
}

// nextInSegment returns the next record of the open segment.
func (r *DeadLetterReader) nextInSegment() (l DeadLetter, ok bool, err error) {
	for {
		f, ok, err := r.scan.next()
		for _, d := range r.scan.damage {
			r.DamagedBytes += d.Length
		}
		r.scan.damage = nil
		r.at.Offset = r.scan.off
		if err != nil || !ok {
			if err != nil {
				err = fmt.Errorf("reading dead letter queue: %w", err)
			}
			return l, false, err
		}
		if f.flags&flagPurged != 0 || int64(f.id) < r.since {
			continue
		}
		if l, err = parseLetter(&f); err != nil {
			r.DamagedBytes += f.end() - f.start
			continue
		}
		return l, true, nil
	}
}

// advance looks for more to read: new bytes in the segment, or the segment after it. It reports whether there may be any.
func (r *DeadLetterReader) advance() (bool, error) {
	// The list comes first: if it holds a later segment, this one is finished, and its size from now on final.
	segments, err := listSegments(r.fs, r.dir)
	if isNotExist(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading dead letter queue: %w", err)
	}
	var next *segment
	for _, s := range segments {
		if s.number > r.at.Segment || r.scan == nil && s.number == r.at.Segment {
			next = s
			break
		}
	}
	if r.scan != nil {
		size, err := r.file.Size()
		if err != nil {
			return false, fmt.Errorf("reading dead letter queue: %w", err)
		}
		grown, finishes := size > r.scan.end, next != nil && r.scan.live
		r.scan.end, r.scan.live = max(size, r.scan.end), next == nil
		if grown || finishes {
			return true, nil
		}
	}
	if next == nil {
		return false, nil
	}
	return true, r.open(next, next == segments[len(segments)-1])
}

func (r *DeadLetterReader) open(s *segment, live bool) error {
	if err := r.Close(); err != nil {
		return err
	}
	off := int64(0)
	if s.number == r.at.Segment {
		off = r.at.Offset
	}
	f, err := r.fs.Open(s.path)
	if err != nil {
		if isNotExist(err) { // deleted in this moment
			r.at = Position{s.number + 1, 0}
			return nil
		}
		return fmt.Errorf("reading dead letter queue: %w", err)
	}
	size, err := f.Size()
	if err != nil {
		return errors.Join(fmt.Errorf("reading dead letter queue: %w", err), f.Close())
	}
	r.file, r.at = f, Position{s.number, off}
	r.scan = newScanner(f, s.salt, min(off, size), size)
	r.scan.keep, r.scan.live = true, live
	return nil
}

package queue

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"millrace/pipeline/queue/vfs"
)

// DeadLetter is an event that could not be delivered, and why.
type DeadLetter struct {
	EntryTime  time.Time
	PluginType string
	PluginID   string
	Reason     string
	Pipeline   string
	Event      []byte // a JSON document
}

// StoragePolicy is the value of dead_letter_queue.storage_policy.
type StoragePolicy string

// DropNewer refuses records while the queue is full, DropOlder makes room by deleting the oldest segment.
const (
	DropNewer StoragePolicy = "drop_newer"
	DropOlder StoragePolicy = "drop_older"
)

// DeadLetterOptions are the settings of a dead letter queue.
type DeadLetterOptions struct {
	// MaxBytes is dead_letter_queue.max_bytes.
	MaxBytes int64

	// Policy is dead_letter_queue.storage_policy.
	Policy StoragePolicy

	// RetainAge is dead_letter_queue.retain.age: segments whose newest record is older are deleted; 0 keeps them.
	RetainAge time.Duration

	// FlushInterval is dead_letter_queue.flush_interval: how long written records stay without a sync. Readers see
	// them at once, and they survive the end of the process in any case. 0 syncs every Write.
	FlushInterval time.Duration

	// Logger hears of damage and of failing disks; nil is slog.Default.
	Logger *slog.Logger
}

// DefaultDeadLetterOptions returns Logstash's defaults, except for 64 MiB instead of 1024, because the queue is on by
// default.
func DefaultDeadLetterOptions() DeadLetterOptions {
	return DeadLetterOptions{MaxBytes: 64 << 20, Policy: DropNewer, FlushInterval: 5 * time.Second}
}

// DeadLetters is the writing end of a dead letter queue: a folder of numbered segments. All methods may be called
// concurrently.
type DeadLetters struct {
	fs   vfs.FS
	dir  string
	o    DeadLetterOptions
	log  *slog.Logger
	lock io.Closer

	mu       sync.Mutex
	closed   bool
	segments []*segment // oldest first
	file     vfs.File   // of the last segment, if it is open for appending
	dirty    bool       // file has unsynced records
	number   uint64     // of the next segment
	bytes    int64
	buf      []byte
	stats    DeadLetterStats

	stop context.CancelFunc
	done chan struct{}
}

// DeadLetterStats are the figures of a dead letter queue, counted since it was opened.
type DeadLetterStats struct {
	Bytes     int64
	MaxBytes  int64
	Policy    StoragePolicy
	Written   uint64
	Dropped   uint64 // by either policy
	Expired   uint64
	LastError string
}

type segmentName struct {
	number uint64
	salt   uint32
}

// segment is one file of a dead letter queue.
type segment struct {
	segmentName
	path   string
	size   int64
	newest int64 // entry time in Unix nanoseconds of the newest record; 0: unknown
}

const segmentSuffix = ".dlq"

func (n segmentName) String() string {
	return fmt.Sprintf("%010d-%08x%s", n.number, n.salt, segmentSuffix)
}

func parseSegmentName(s string) (n segmentName, ok bool) {
	body, found := strings.CutSuffix(s, segmentSuffix)
	number, salt, cut := strings.Cut(body, "-")
	a, err1 := strconv.ParseUint(number, 10, 64)
	b, err2 := strconv.ParseUint(salt, 16, 32)
	n = segmentName{a, uint32(b)}
	return n, found && cut && err1 == nil && err2 == nil && n.String() == s
}

// listSegments returns the segments in dir, oldest first. Logstash's own segments (N.log) are another format and are left
// alone.
func listSegments(fsys vfs.FS, dir string) ([]*segment, error) {
	names, err := fsys.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var list []*segment
	for _, s := range names { // sorted, and the number has leading zeros
		if n, ok := parseSegmentName(s); ok {
			list = append(list, &segment{segmentName: n, path: filepath.Join(dir, s)})
		}
	}
	return list, nil
}

// OpenDeadLetters opens the dead letter queue in the folder dir, which it makes, for writing. Only one process at a time
// may do that; any number may read.
func OpenDeadLetters(dir string, o DeadLetterOptions, fsys vfs.FS) (*DeadLetters, error) {
	switch {
	case o.MaxBytes <= 0:
		return nil, fmt.Errorf("dead_letter_queue.max_bytes must be positive, not %d", o.MaxBytes)
	case o.Policy != DropNewer && o.Policy != DropOlder:
		return nil, fmt.Errorf("dead_letter_queue.storage_policy %q is neither drop_newer nor drop_older", string(o.Policy))
	case o.RetainAge < 0 || o.FlushInterval < 0:
		return nil, errors.New("dead letter queue settings must not be negative")
	}
	d := &DeadLetters{fs: fsys, dir: dir, o: o, log: o.Logger}
	if d.log == nil {
		d.log = slog.Default()
	}
	if err := fsys.MkdirAll(dir); err != nil {
		return nil, fmt.Errorf("making folder of dead letter queue: %w", err)
	}
	var err error
	if d.lock, err = fsys.Lock(filepath.Join(dir, ".lock")); err != nil {
		return nil, fmt.Errorf("opening dead letter queue: %w", err)
	}
	if d.segments, err = listSegments(fsys, dir); err != nil {
		d.lock.Close()
		return nil, fmt.Errorf("opening dead letter queue: %w", err)
	}
	// Readers remember a segment by its number, so that of one that was deleted must not come again. The time is greater: nothing in the
	// folder tells of it, and the folder itself may have been deleted.
	d.number = uint64(max(0, time.Now().Unix()))
	for _, s := range d.segments {
		d.number = max(d.number, s.number+1)
	}
	d.measure()
	d.expire()
	ctx, cancel := context.WithCancel(context.Background())
	d.stop, d.done = cancel, make(chan struct{})
	go d.housekeep(ctx)
	return d, nil
}

// Stats returns the figures of the queue.
func (d *DeadLetters) Stats() DeadLetterStats {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.stats
	s.Bytes, s.MaxBytes, s.Policy = d.bytes, d.o.MaxBytes, d.o.Policy
	return s
}

// Write appends the records with one write call as far as there is room, and returns how many were stored; the others
// were dropped as the policy says, and counted. After an error none is stored, and Write may be called again.
func (d *DeadLetters) Write(records ...DeadLetter) (stored int, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return 0, ErrClosed
	}
	for len(records) > 0 && err == nil {
		var n, wrote int
		n, wrote, err = d.writeSome(records)
		stored += wrote
		records = records[n:]
	}
	if err != nil {
		d.stats.LastError = err.Error()
	}
	return stored, err
}

// segmentBytes is the size at which a segment is full: an eighth of the queue, so that drop_older drops at most that at
// a time, and 10 MiB at most, as in Logstash.
func (d *DeadLetters) segmentBytes() int64 { return min(10<<20, d.o.MaxBytes/8) }

// writeSome deals with the first n records: with as many as the segment takes, or with one that is dropped. mu is held.
func (d *DeadLetters) writeSome(records []DeadLetter) (n, stored int, err error) {
	d.buf = appendLetter(d.buf[:0], &records[0])
	first := int64(len(d.buf))
	if first-frameHead > maxPayload || !d.makeRoom(first) {
		d.stats.Dropped++
		return 1, 0, nil
	}
	s, err := d.last(first)
	if err != nil {
		return 0, 0, err
	}
	newest := max(s.newest, records[0].EntryTime.UnixNano())
	stamp(d.buf, uint64(records[0].EntryTime.UnixNano()), s.salt)
	for n = 1; n < len(records); n++ {
		begin := len(d.buf)
		d.buf = appendLetter(d.buf, &records[n])
		size := int64(len(d.buf))
		if s.size+size > d.segmentBytes() || d.bytes+size > d.o.MaxBytes {
			d.buf = d.buf[:begin]
			break
		}
		stamp(d.buf[begin:], uint64(records[n].EntryTime.UnixNano()), s.salt)
		newest = max(newest, records[n].EntryTime.UnixNano())
	}
	if err := d.store(s); err != nil {
		return 0, 0, err
	}
	s.newest = newest
	d.stats.Written += uint64(n)
	if cap(d.buf) > maxSpare {
		d.buf = nil
	}
	return n, n, nil
}

// store writes buf to the end of the segment. After an error the segment is as it was.
func (d *DeadLetters) store(s *segment) error {
	_, err := d.file.WriteAt(d.buf, s.size)
	if err == nil {
		d.dirty = true
		if d.o.FlushInterval == 0 {
			err = d.sync()
		}
	}
	if err != nil {
		if terr := d.file.Truncate(s.size); terr != nil {
			d.log.Warn("taking back a failed write to the dead letter queue", "segment", s.path, "error", terr)
			d.seal()
		}
		return &WriteError{s.path, err}
	}
	s.size += int64(len(d.buf))
	d.bytes += int64(len(d.buf))
	return nil
}

// makeRoom reports whether there is room for size bytes, after deleting what the policy allows. mu is held.
func (d *DeadLetters) makeRoom(size int64) bool {
	if size > d.o.MaxBytes {
		return false
	}
	if d.bytes+size <= d.o.MaxBytes {
		return true
	}
	d.measure() // a reader may have deleted what it consumed
	d.expire()
	for d.bytes+size > d.o.MaxBytes && d.o.Policy == DropOlder && len(d.segments) > 0 {
		d.stats.Dropped += d.remove(0)
	}
	return d.bytes+size <= d.o.MaxBytes
}

// last returns the segment to which a record of the given size goes. mu is held.
func (d *DeadLetters) last(size int64) (*segment, error) {
	if d.file != nil {
		s := d.segments[len(d.segments)-1]
		if s.size == 0 || s.size+size <= d.segmentBytes() {
			return s, nil
		}
		d.seal()
	}
	name := segmentName{d.number, rand.Uint32()}
	d.number++
	s := &segment{segmentName: name, path: filepath.Join(d.dir, name.String())}
	f, err := d.fs.Create(s.path)
	if err != nil {
		return nil, &WriteError{s.path, err}
	}
	if err := d.fs.SyncDir(d.dir); err != nil {
		f.Close()
		_ = d.fs.Remove(s.path) // an empty segment does no harm either
		return nil, &WriteError{s.path, err}
	}
	d.file, d.segments = f, append(d.segments, s)
	return s, nil
}

func (d *DeadLetters) sync() error {
	if !d.dirty {
		return nil
	}
	err := d.file.Sync()
	if err == nil {
		d.dirty = false
	}
	return err
}

// seal ends the last segment. mu is held.
func (d *DeadLetters) seal() {
	if d.file == nil {
		return
	}
	err := d.sync()
	if err = errors.Join(err, d.file.Close()); err != nil {
		d.stats.LastError = err.Error()
		d.log.Warn("syncing a segment of the dead letter queue", "dir", d.dir, "error", err)
	}
	d.file, d.dirty = nil, false
}

// measure looks how large the segments are: those that a reader deleted are forgotten. mu is held.
func (d *DeadLetters) measure() {
	d.bytes = 0
	d.segments = slices.DeleteFunc(d.segments, func(s *segment) bool {
		f, err := d.fs.Open(s.path)
		if err != nil {
			// The one being written is not deleted by readers, and must stay the last.
			return isNotExist(err) && !(d.file != nil && s == d.segments[len(d.segments)-1])
		}
		defer f.Close()
		if size, err := f.Size(); err == nil && (d.file == nil || s.number+1 < d.number) {
			s.size = size
		}
		d.bytes += s.size
		return false
	})
}

// expire deletes what is older than RetainAge. mu is held.
func (d *DeadLetters) expire() {
	if d.o.RetainAge == 0 {
		return
	}
	oldest := time.Now().Add(-d.o.RetainAge).UnixNano()
	for i := 0; i < len(d.segments); {
		s := d.segments[i]
		if s.newest == 0 {
			_, s.newest = countLetters(d.fs, s)
		}
		if s.newest > 0 && s.newest < oldest && s.size > 0 {
			d.stats.Expired += d.remove(i)
		} else {
			i++
		}
	}
}

// remove deletes a segment and returns how many records went with it. mu is held.
func (d *DeadLetters) remove(i int) uint64 {
	s := d.segments[i]
	if i == len(d.segments)-1 {
		d.seal()
	}
	n, _ := countLetters(d.fs, s)
	if err := d.fs.Remove(s.path); err != nil && !isNotExist(err) {
		d.log.Warn("deleting a segment of the dead letter queue", "segment", s.path, "error", err)
		d.stats.LastError = err.Error()
	}
	d.bytes -= s.size
	d.segments = slices.Delete(d.segments, i, i+1)
	return n
}

// countLetters counts the records of a segment that were not purged, and returns the newest entry time; 0 if the file cannot be opened at
// the moment.
func countLetters(fsys vfs.FS, s *segment) (n uint64, newest int64) {
	f, err := fsys.Open(s.path)
	if err != nil {
		return 0, 0
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return 0, 0
	}
	newest = 1 // so that an unreadable segment is asked once, and expires
	scan := newScanner(f, s.salt, 0, size)
	for {
		fr, ok, err := scan.next()
		if !ok || err != nil {
			return n, newest
		}
		newest = max(newest, int64(fr.id))
		if fr.flags&flagPurged == 0 {
			n++
		}
	}
}

func (d *DeadLetters) housekeep(ctx context.Context) {
	defer close(d.done)
	interval := d.o.FlushInterval
	if interval == 0 {
		if d.o.RetainAge == 0 {
			return
		}
		interval = 5 * time.Second
	}
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		d.mu.Lock()
		if err := d.sync(); err != nil {
			d.stats.LastError = err.Error()
			d.log.Warn("syncing the dead letter queue", "dir", d.dir, "error", err)
			d.seal()
		}
		d.expire()
		d.mu.Unlock()
	}
}

// Sync makes everything written so far survive a loss of power.
func (d *DeadLetters) Sync() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.sync()
}

// Close syncs the queue and gives the folder up.
func (d *DeadLetters) Close() error {
	d.mu.Lock()
	if d.closed {
		d.mu.Unlock()
		return nil
	}
	d.closed = true
	err := d.sync()
	d.seal()
	d.mu.Unlock()
	d.stop()
	<-d.done
	if err = errors.Join(err, d.lock.Close()); err != nil {
		return fmt.Errorf("closing dead letter queue in %q: %w", d.dir, err)
	}
	return nil
}

// appendLetter appends the frame of a record, to be stamped. Its id is the entry time, so that readers find a start
// time without decoding.
func appendLetter(b []byte, l *DeadLetter) []byte {
	begin := len(b)
	b = append(b, make([]byte, frameHead)...)
	for _, s := range []string{l.PluginType, l.PluginID, l.Reason, l.Pipeline} {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	header := len(b) - begin - frameHead
	b = binary.LittleEndian.AppendUint32(b, uint32(len(l.Event)))
	b = append(b, l.Event...)
	size := len(b) - begin - frameHead
	appendHead(b[begin:begin], size, size, header, 1, 0)
	return b
}

func parseLetter(f *frame) (l DeadLetter, err error) {
	header, records, err := f.decode()
	if err != nil {
		return l, err
	}
	if len(records) != 1 {
		return l, errPayload
	}
	for _, s := range []*string{&l.PluginType, &l.PluginID, &l.Reason, &l.Pipeline} {
		n, size := binary.Uvarint(header)
		if size <= 0 || n > uint64(len(header)-size) {
			return l, errPayload
		}
		*s, header = string(header[size:size+int(n)]), header[size+int(n):]
	}
	l.EntryTime = time.Unix(0, int64(f.id)).UTC()
	l.Event = records[0]
	return l, nil
}

package queue

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io/fs"
	"path/filepath"
	"slices"

	"millrace/pipeline/queue/vfs"
)

// checkpoint says what has been acknowledged. It is written to two files in turn, so that a torn write leaves the one
// before it, and without a sync unless the queue is closed: a checkpoint that a loss of power takes away repeats entries
// and loses none, because an old one never calls an entry acknowledged that a newer one does not.
//
// That holds across restarts because ids are never used twice: next is carried on, even when the entries below it
// did not reach the disk.
type checkpoint struct {
	generation uint64
	next       uint64 // id of the next entry to be appended
	nextPage   uint64
	// Entries below read are acknowledged, except for those in unacked (sorted).
	read    uint64
	unacked []uint64
	// sealed lists full pages that need no scan at the next start.
	sealed []pageCount
}

// pageCount is what a scan of a page would find out, at the moment of the checkpoint.
type pageCount struct {
	number        uint64
	size          int64
	entries       uint64 // all, acknowledged or not
	unacked       uint64
	unackedEvents uint64
}

const checkpointMagic = "MRCHECK1"

func checkpointName(dir string, generation uint64) string {
	return filepath.Join(dir, [...]string{"checkpoint.0", "checkpoint.1"}[generation%2])
}

// accounted reports whether the checkpoint says that the entry was acknowledged.
func (c *checkpoint) accounted(id uint64) bool {
	if id >= c.read {
		return false
	}
	_, found := slices.BinarySearch(c.unacked, id)
	return !found
}

func (c *checkpoint) append(b []byte) []byte {
	begin := len(b)
	b = append(b, checkpointMagic...)
	b = append(b, make([]byte, 8)...) // length and checksum
	for _, v := range []uint64{c.generation, c.next, c.nextPage, c.read, uint64(len(c.unacked))} {
		b = binary.AppendUvarint(b, v)
	}
	last := uint64(0)
	for _, id := range c.unacked {
		b = binary.AppendUvarint(b, id-last)
		last = id
	}
	b = binary.AppendUvarint(b, uint64(len(c.sealed)))
	for _, p := range c.sealed {
		for _, v := range []uint64{p.number, uint64(p.size), p.entries, p.unacked, p.unackedEvents} {
			b = binary.AppendUvarint(b, v)
		}
	}
	binary.LittleEndian.PutUint32(b[begin+8:], uint32(len(b)-begin-16))
	binary.LittleEndian.PutUint32(b[begin+12:], crc32.Checksum(b[begin+16:], castagnoli))
	return b
}

var errCheckpoint = errors.New("checkpoint is damaged")

func parseCheckpoint(b []byte) (*checkpoint, error) {
	if len(b) < 16 || string(b[:8]) != checkpointMagic {
		return nil, errCheckpoint
	}
	n := binary.LittleEndian.Uint32(b[8:])
	if uint64(n) > uint64(len(b)-16) {
		return nil, errCheckpoint
	}
	body := b[16 : 16+n]
	if crc32.Checksum(body, castagnoli) != binary.LittleEndian.Uint32(b[12:]) {
		return nil, errCheckpoint
	}
	d := uvarints{b: body}
	c := &checkpoint{generation: d.next(), next: d.next(), nextPage: d.next(), read: d.next()}
	last := uint64(0)
	for range d.count(1) {
		last += d.next()
		c.unacked = append(c.unacked, last)
	}
	for range d.count(5) {
		c.sealed = append(c.sealed, pageCount{d.next(), int64(d.next()), d.next(), d.next(), d.next()})
	}
	if d.bad || len(d.b) != 0 || !slices.IsSorted(c.unacked) {
		return nil, errCheckpoint
	}
	return c, nil
}

// uvarints reads numbers until they end; bad says that they ended too early.
type uvarints struct {
	b   []byte
	bad bool
}

func (d *uvarints) next() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.bad, d.b = true, nil
		return 0
	}
	d.b = d.b[n:]
	return v
}

// count reads the length of a list whose items take at least the given number of bytes each.
func (d *uvarints) count(bytesEach int) uint64 {
	n := d.next()
	if n > uint64(len(d.b)/bytesEach) {
		d.bad = true
		return 0
	}
	return n
}

// loadCheckpoint returns the newest intact checkpoint, or an empty one. Damaged says that a file was there that was not
// intact, which is no error: without a checkpoint everything is delivered again. A file that cannot be opened is one: if it could be
// opened later, it would call entries acknowledged that were given the same ids in between.
func loadCheckpoint(fsys vfs.FS, dir string) (best *checkpoint, damaged int, err error) {
	best = &checkpoint{}
	for i := range uint64(2) {
		b, err := readFile(fsys, checkpointName(dir, i))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if open := (*openError)(nil); errors.As(err, &open) {
			return nil, 0, err
		}
		c, perr := parseCheckpoint(b)
		if err != nil || perr != nil {
			damaged++
			continue
		}
		if c.generation > best.generation {
			best = c
		}
	}
	return best, damaged, nil
}

func readFile(fsys vfs.FS, name string) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil && !isNotExist(err) {
		err = &openError{err}
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	b := make([]byte, min(size, maxPayload))
	n, err := f.ReadAt(b, 0)
	if n == len(b) {
		err = nil
	}
	return b[:n], err
}

func isNotExist(err error) bool { return errors.Is(err, fs.ErrNotExist) }

// openOrCreate opens a file for writing in place.
func openOrCreate(fsys vfs.FS, name string) (vfs.File, error) {
	f, err := fsys.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return fsys.Create(name)
	}
	return f, err
}

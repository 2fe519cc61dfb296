package queue

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"

	"millrace/pipeline/queue/vfs"
)

// Report is what Inspect, Check and Repair found in the folder of a persistent queue.
type Report struct {
	Dir      string
	Pages    []PageReport
	Entries  uint64 // intact and not acknowledged
	Events   uint64
	Bytes    int64
	InUse    bool   // a process has the queue open, so the figures may be those of a moment
	NextID   uint64 // of the checkpoint
	Problems []Problem
}

// PageReport describes a page.
type PageReport struct {
	Name         string
	FirstID      uint64
	LastID       uint64 // 0 if the page holds no intact entry
	Bytes        int64
	Entries      uint64 // intact ones
	Events       uint64
	Unacked      uint64 // entries of those
	Compressed   uint64
	DamagedBytes int64
}

// Problem is something that is not as it should be.
type Problem struct {
	File   string
	Offset int64
	Bytes  int64
	What   string
}

func (p Problem) String() string {
	return fmt.Sprintf("%s: %d bytes at offset %d: %s", p.File, p.Bytes, p.Offset, p.What)
}

// Inspect reads a queue's folder and says what is in it, without changing anything. It may run beside a process that has
// the queue open.
func Inspect(dir string, fsys vfs.FS) (*Report, error) {
	r := &Report{Dir: dir}
	lock, err := fsys.Lock(filepath.Join(dir, ".lock"))
	if err == nil {
		defer lock.Close()
	}
	r.InUse = errors.Is(err, ErrLocked)
	if _, err := inspect(dir, fsys, r); err != nil {
		return nil, fmt.Errorf("inspecting queue: %w", err)
	}
	return r, nil
}

// Check is Inspect for a queue that nobody has open: everything that is not intact is then a problem, and not an append
// that is under way.
func Check(dir string, fsys vfs.FS) (*Report, error) {
	r, err := Inspect(dir, fsys)
	if err == nil && r.InUse {
		return nil, fmt.Errorf("checking queue in %q: %w", dir, ErrLocked)
	}
	return r, err
}

// found is a page and what a scan of it said.
type found struct {
	*page
	scanned
	limit uint64
}

func inspect(dir string, fsys vfs.FS, r *Report) ([]found, error) {
	past, damaged, err := loadCheckpoint(fsys, dir)
	if err != nil {
		return nil, err
	}
	r.NextID = past.next
	if damaged > 0 {
		r.Problems = append(r.Problems, Problem{File: "checkpoint", What: "a checkpoint is damaged; entries may be delivered again"})
	}
	pages, err := listPages(fsys, dir)
	if err != nil {
		return nil, err
	}
	var all []found
	for i, p := range pages {
		f := found{page: p, limit: math.MaxUint64}
		if i+1 < len(pages) {
			f.limit = pages[i+1].name.first
		}
		f.scanned = scanPage(fsys, p, f.limit, func(id uint64) bool { return !past.accounted(id) })
		all = append(all, f)
		r.add(f)
	}
	return all, nil
}

func (r *Report) add(f found) {
	name := filepath.Base(f.path)
	p := PageReport{
		Name: name, FirstID: f.name.first, Bytes: f.scanned.size,
		Entries: f.scanned.entries, Events: f.allEvents, Unacked: f.scanned.unacked, Compressed: f.compressed,
	}
	if f.scanned.entries > 0 {
		p.LastID = f.scanned.last
	}
	if f.err != nil {
		r.Problems = append(r.Problems, Problem{name, f.end, f.scanned.size - f.end, f.err.Error()})
	}
	for _, d := range f.damage {
		what := "no intact entry"
		if d.Offset == f.end {
			what = "unfinished entry at the end"
		}
		r.Problems = append(r.Problems, Problem{name, d.Offset, d.Length, what})
		p.DamagedBytes += d.Length
	}
	if f.stale > 0 {
		r.Problems = append(r.Problems, Problem{name, f.end, f.scanned.size - f.end, "entries whose append had failed"})
	}
	r.Pages = append(r.Pages, p)
	r.Entries += f.scanned.unacked
	r.Events += f.scanned.events
	r.Bytes += p.Bytes
}

// Repair rewrites every page that has damage, without it. The damaged bytes are kept beside the page as .damaged, for
// whoever wants to look at what was lost. Nobody may have the queue open. The report is that of the queue before.
func Repair(dir string, fsys vfs.FS) (*Report, error) {
	lock, err := fsys.Lock(filepath.Join(dir, ".lock"))
	if err != nil {
		return nil, fmt.Errorf("repairing queue: %w", err)
	}
	defer lock.Close()
	r := &Report{Dir: dir}
	pages, err := inspect(dir, fsys, r)
	if err != nil {
		return nil, fmt.Errorf("repairing queue: %w", err)
	}
	for _, f := range pages {
		if len(f.damage) == 0 && f.stale == 0 && f.err == nil {
			continue
		}
		if err := rewrite(fsys, f); err != nil {
			return r, fmt.Errorf("repairing %q: %w", f.path, err)
		}
	}
	return r, fsys.SyncDir(dir)
}

// rewrite replaces a page by a copy of its intact frames, in one step: a crash leaves the one or the other.
func rewrite(fsys vfs.FS, f found) error {
	n := 0
	err := replaceFile(fsys, f.path+".tmp", func(to vfs.File) (err error) {
		n, err = copyFrames(fsys, to, f)
		return err
	})
	if err != nil {
		return err
	}
	if len(f.damage) > 0 {
		err := replaceFile(fsys, f.path+".damaged", func(to vfs.File) error { return copyDamage(fsys, to, f) })
		if err != nil {
			return err
		}
	}
	if n == 0 {
		return errors.Join(fsys.Remove(f.path), fsys.Remove(f.path+".tmp"))
	}
	return fsys.Rename(f.path+".tmp", f.path)
}

// replaceFile makes a file anew, and syncs it.
func replaceFile(fsys vfs.FS, name string, write func(vfs.File) error) error {
	if err := fsys.Remove(name); err != nil && !isNotExist(err) {
		return err
	}
	f, err := fsys.Create(name)
	if err != nil {
		return err
	}
	if err = write(f); err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

func copyDamage(fsys vfs.FS, to vfs.File, f found) error {
	from, err := fsys.Open(f.path)
	if err != nil {
		return err
	}
	defer from.Close()
	var off int64
	b := make([]byte, scanChunk)
	for _, d := range f.damage {
		for d.Length > 0 {
			n, err := from.ReadAt(b[:min(d.Length, scanChunk)], d.Offset)
			if n == 0 {
				return err
			}
			if _, err := to.WriteAt(b[:n], off); err != nil {
				return err
			}
			off, d.Offset, d.Length = off+int64(n), d.Offset+int64(n), d.Length-int64(n)
		}
	}
	return nil
}

func copyFrames(fsys vfs.FS, to vfs.File, f found) (n int, err error) {
	from, err := fsys.Open(f.path)
	if err != nil {
		return 0, err
	}
	defer from.Close()
	s := newScanner(from, f.name.salt, 0, f.scanned.size)
	var off int64
	var b []byte
	for last := f.name.first - 1; ; {
		fr, ok, err := s.next()
		if err != nil && n > 0 {
			return n, nil // the file cannot be read any further: what came before is what there is
		}
		if !ok || err != nil {
			return n, err
		}
		if fr.id <= last || fr.id >= f.limit {
			continue
		}
		last = fr.id
		b = appendHead(b[:0], len(fr.payload), fr.rawLen, fr.headerLen, fr.records, fr.flags)
		b = append(b, fr.payload...)
		stamp(b, fr.id, f.name.salt)
		if _, err := to.WriteAt(b, off); err != nil {
			return n, err
		}
		off += int64(len(b))
		n++
	}
}

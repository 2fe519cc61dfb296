package vfs

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
)

// sector is the unit in which a disk writes or does not write.
const sector = 512

// Sim is a file system in memory that can lose power, run full, and fail. It is for tests: of the queues, and of what
// is built on them.
type Sim struct {
	mu      sync.Mutex
	names   map[string]*inode // what a process sees
	durable map[string]*inode // what SyncDir wrote down
	locks   map[string]bool
	space   int64 // bytes left; negative: unlimited
	faults  map[string]fault
	syncs   int
	writes  int
	onSync  func()
	dead    bool
}

type fault struct {
	times int
	err   error
}

// inode is a file without its name. Data is what a process reads, synced what a loss of power leaves for certain.
type inode struct {
	data, synced []byte
}

var _ FS = (*Sim)(nil)

// NewSim returns an empty file system without a limit.
func NewSim() *Sim {
	return &Sim{
		names: map[string]*inode{}, durable: map[string]*inode{}, locks: map[string]bool{},
		space: -1, faults: map[string]fault{},
	}
}

// SetSpace limits the bytes that can still be written to n; a negative n lifts the limit.
func (s *Sim) SetSpace(n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.space = n
}

// Fail makes the operation (read, write, sync, truncate, create, remove, rename, syncdir, size) fail the next times times.
func (s *Sim) Fail(op string, times int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[op] = fault{times, err}
}

// OnSync has f called at the beginning of every File.Sync, outside of all locks.
func (s *Sim) OnSync(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onSync = f
}

// Counts returns how often files were written and synced.
func (s *Sim) Counts() (writes, syncs int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writes, s.syncs
}

// Kill returns the file system as the next process finds it after this one was killed: all that was written is there,
// the locks are free. Whatever the old process still does goes to nowhere.
func (s *Sim) Kill() *Sim {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dead = true
	next := NewSim()
	next.space = s.space
	for name, n := range s.names {
		next.names[name] = &inode{bytes.Clone(n.data), bytes.Clone(n.synced)}
		if s.durable[name] == n {
			next.durable[name] = next.names[name]
		}
	}
	return next
}

// Crash returns the file system as it comes back after a loss of power. What was synced is there. Of the rest any
// part may be: sectors, sizes and names are drawn from random.
func (s *Sim) Crash(random *rand.Rand) *Sim {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dead = true
	next := NewSim()
	next.space = s.space
	all := map[string]bool{}
	for name := range s.names {
		all[name] = true
	}
	for name := range s.durable {
		all[name] = true
	}
	sorted := make([]string, 0, len(all)) // so that one seed gives one result
	for name := range all {
		sorted = append(sorted, name)
	}
	slices.Sort(sorted)
	for _, name := range sorted {
		n := s.names[name]
		if old := s.durable[name]; n != old && random.IntN(2) == 0 {
			n = old
		}
		if n == nil {
			continue
		}
		data := n.torn(random)
		next.names[name] = &inode{data, bytes.Clone(data)}
		next.durable[name] = next.names[name]
	}
	return next
}

// torn returns what a disk may hold of the file.
func (n *inode) torn(random *rand.Rand) []byte {
	if bytes.Equal(n.data, n.synced) {
		return bytes.Clone(n.data)
	}
	low, high := min(len(n.data), len(n.synced)), max(len(n.data), len(n.synced))
	out := make([]byte, low+random.IntN(high-low+1))
	for at := 0; at < len(out); at += sector {
		from := n.synced
		if random.IntN(2) == 0 {
			from = n.data
		}
		if at < len(from) {
			copy(out[at:min(at+sector, len(out))], from[at:])
		}
	}
	return out
}

// enter locks the file system for one operation, unless a fault is due.
func (s *Sim) enter(op, name string) error {
	s.mu.Lock()
	err := s.due(op)
	if err != nil {
		s.mu.Unlock()
		return &fs.PathError{Op: op, Path: name, Err: err}
	}
	return nil
}

func (s *Sim) due(op string) error {
	if s.dead {
		return fs.ErrClosed
	}
	f := s.faults[op]
	if f.times == 0 {
		return nil
	}
	f.times--
	s.faults[op] = f
	return f.err
}

// MkdirAll does nothing: folders come with their files.
func (s *Sim) MkdirAll(string) error { return nil }

// ReadDir returns the names of the files in dir, sorted.
func (s *Sim) ReadDir(dir string) ([]string, error) {
	if err := s.enter("readdir", dir); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	var names []string
	for name := range s.names {
		if filepath.Dir(name) == filepath.Clean(dir) {
			names = append(names, filepath.Base(name))
		}
	}
	slices.Sort(names)
	return names, nil
}

// Create makes a file that must not exist.
func (s *Sim) Create(name string) (File, error) {
	if err := s.enter("create", name); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	name = filepath.Clean(name)
	if s.names[name] != nil {
		return nil, &fs.PathError{Op: "create", Path: name, Err: fs.ErrExist}
	}
	if s.space == 0 {
		return nil, &fs.PathError{Op: "create", Path: name, Err: syscall.ENOSPC}
	}
	n := &inode{}
	s.names[name] = n
	return &simFile{s, n, name}, nil
}

// Open opens an existing file.
func (s *Sim) Open(name string) (File, error) {
	if err := s.enter("open", name); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	name = filepath.Clean(name)
	n := s.names[name]
	if n == nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return &simFile{s, n, name}, nil
}

// Remove deletes a file and gives its space back.
func (s *Sim) Remove(name string) error {
	if err := s.enter("remove", name); err != nil {
		return err
	}
	defer s.mu.Unlock()
	name = filepath.Clean(name)
	n := s.names[name]
	if n == nil {
		return &fs.PathError{Op: "remove", Path: name, Err: fs.ErrNotExist}
	}
	if s.space >= 0 {
		s.space += int64(len(n.data))
	}
	delete(s.names, name)
	return nil
}

// Rename moves a file.
func (s *Sim) Rename(from, to string) error {
	if err := s.enter("rename", from); err != nil {
		return err
	}
	defer s.mu.Unlock()
	from, to = filepath.Clean(from), filepath.Clean(to)
	n := s.names[from]
	if n == nil {
		return &fs.PathError{Op: "rename", Path: from, Err: fs.ErrNotExist}
	}
	delete(s.names, from)
	s.names[to] = n
	return nil
}

// SyncDir makes the names in dir survive Crash.
func (s *Sim) SyncDir(dir string) error {
	if err := s.enter("syncdir", dir); err != nil {
		return err
	}
	defer s.mu.Unlock()
	dir = filepath.Clean(dir)
	for name := range s.durable {
		if filepath.Dir(name) == dir && s.names[name] == nil {
			delete(s.durable, name)
		}
	}
	for name, n := range s.names {
		if filepath.Dir(name) == dir {
			s.durable[name] = n
		}
	}
	return nil
}

// Lock takes a lock that lives as long as this file system does.
func (s *Sim) Lock(name string) (io.Closer, error) {
	if err := s.enter("lock", name); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	if s.locks[name] {
		return nil, fmt.Errorf("locking %q: %w", name, ErrLocked)
	}
	s.locks[name] = true
	return simLock{s, name}, nil
}

type simLock struct {
	s    *Sim
	name string
}

func (l simLock) Close() error {
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	delete(l.s.locks, l.name)
	return nil
}

type simFile struct {
	s    *Sim
	n    *inode
	name string
}

func (f *simFile) ReadAt(p []byte, off int64) (int, error) {
	if err := f.s.enter("read", f.name); err != nil {
		return 0, err
	}
	defer f.s.mu.Unlock()
	if len(p) > 0 && off >= int64(len(f.n.data)) {
		return 0, io.EOF
	}
	n := copy(p, f.n.data[min(off, int64(len(f.n.data))):])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// WriteAt writes as much as there is space for. An injected fault writes half of p first, as a real disk might.
func (f *simFile) WriteAt(p []byte, off int64) (int, error) {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	f.s.writes++
	n, err := len(p), f.s.due("write")
	if f.s.dead {
		return 0, err
	}
	if err != nil {
		n /= 2
	}
	if grow := off + int64(n) - int64(len(f.n.data)); f.s.space >= 0 && grow > 0 {
		if grow > f.s.space {
			n = int(max(0, int64(n)-(grow-f.s.space)))
			err = syscall.ENOSPC
		}
		f.s.space -= max(0, off+int64(n)-int64(len(f.n.data)))
	}
	if n > 0 {
		if short := off + int64(n) - int64(len(f.n.data)); short > 0 {
			f.n.data = append(f.n.data, make([]byte, short)...)
		}
		copy(f.n.data[off:], p[:n])
	}
	if err != nil {
		return n, &fs.PathError{Op: "write", Path: f.name, Err: err}
	}
	return n, nil
}

func (f *simFile) Sync() error {
	f.s.mu.Lock()
	hook := f.s.onSync
	f.s.mu.Unlock()
	if hook != nil {
		hook()
	}
	if err := f.s.enter("sync", f.name); err != nil {
		return err
	}
	defer f.s.mu.Unlock()
	f.s.syncs++
	f.n.synced = bytes.Clone(f.n.data)
	return nil
}

func (f *simFile) Truncate(size int64) error {
	if err := f.s.enter("truncate", f.name); err != nil {
		return err
	}
	defer f.s.mu.Unlock()
	if grow := size - int64(len(f.n.data)); grow > 0 {
		f.n.data = append(f.n.data, make([]byte, grow)...)
	} else if f.s.space >= 0 {
		f.s.space -= grow
	}
	f.n.data = f.n.data[:size:size]
	return nil
}

func (f *simFile) Size() (int64, error) {
	if err := f.s.enter("size", f.name); err != nil {
		return 0, err
	}
	defer f.s.mu.Unlock()
	return int64(len(f.n.data)), nil
}

func (f *simFile) Close() error { return nil }

package queue

import (
	"context"
	"errors"
	"io/fs"
	"math"

	"millrace/pipeline/queue/vfs"
)

// Entry is what one Append brought.
type Entry struct {
	ID      uint64
	Header  []byte
	Records [][]byte
	// Ref is what was given to AppendRef, or nil if the entry was read back from disk.
	Ref any
}

// memoryEntry is an entry that Next will return without reading.
type memoryEntry struct {
	Entry
	at   cursor
	end  int64 // offset behind the entry in its page
	size int64
}

// memory holds the oldest unread entries, without a gap: either all of them, or those before the place on disk from
// which the others are read back.
type memory struct {
	list   []memoryEntry // the first head entries are gone
	head   int
	bytes  int64
	reader reader // used by whoever set Queue.reading
}

// reader is the open file that entries are read back from.
type reader struct {
	file vfs.File
	page *page
	scan *scanner
}

func (r *reader) close() error {
	if r.file == nil {
		return nil
	}
	err := r.file.Close()
	*r = reader{}
	return err
}

func (m *memory) len() int { return len(m.list) - m.head }

func (m *memory) push(e memoryEntry) {
	if m.head > 0 && len(m.list) == cap(m.list) {
		n := copy(m.list, m.list[m.head:])
		clear(m.list[n:])
		m.list, m.head = m.list[:n], 0
	}
	m.list = append(m.list, e)
	m.bytes += e.size
}

func (m *memory) pop() memoryEntry {
	e := m.list[m.head]
	m.list[m.head] = memoryEntry{}
	m.head++
	m.bytes -= e.size
	if m.head == len(m.list) {
		m.list, m.head = m.list[:0], 0
	}
	return e
}

// remember keeps an entry that was just appended, if all unread ones before it are in memory, too. mu is held.
func (q *Queue) remember(e memoryEntry) {
	if uint64(q.memory.len()) == q.waiting && q.memory.bytes+e.size <= q.o.MemoryBytes {
		q.memory.push(e)
	}
}

// Next returns the oldest entry that was not returned yet, and waits for one while there is none. The entry must be
// acknowledged by Ack when it is settled. Its bytes must not be modified, and may be kept.
//
// An error that is neither ctx's nor ErrClosed means that a file could not be opened; Next may be called again.
func (q *Queue) Next(ctx context.Context) (Entry, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		if q.closed {
			return Entry{}, ErrClosed
		}
		if q.memory.len() > 0 {
			return q.deliver(q.memory.pop()), nil
		}
		if !q.reading && q.waiting > 0 {
			if err := q.readBack(); err != nil {
				q.readers.wakeOne()
				return Entry{}, err
			}
			continue
		}
		if err := q.readers.wait(ctx, &q.mu); err != nil {
			return Entry{}, err
		}
	}
}

// deliver hands an entry out. mu is held.
func (q *Queue) deliver(m memoryEntry) Entry {
	p, events := m.at.page, uint64(len(m.Records))
	p.unread--
	q.waiting--
	p.unreadEvents -= events
	q.unread -= events
	q.inflight[m.ID] = flight{p, events}
	q.read = m.ID + 1
	q.stats.ReadEntries++
	q.cursor = cursor{p, m.end}
	if q.readers.any() && (q.memory.len() > 0 || q.waiting > 0) {
		q.readers.wakeOne()
	}
	return m.Entry
}

// readBack reads the next entries from disk into memory, which is empty. mu is held, and given up while it reads.
func (q *Queue) readBack() error {
	p, limit := q.place()
	if p == nil {
		return nil
	}
	q.reading = true
	at, end, read := q.cursor.off, p.size, q.read
	q.mu.Unlock()
	r := &q.memory.reader
	err := r.seek(q.fs, p, at, end)
	var found []memoryEntry
	var damage []Damage
	if err == nil {
		found, err = q.collect(r.scan, p, read, limit)
		damage, r.scan.damage = r.scan.damage, nil
		if err != nil {
			r.scan = nil
		}
	}
	q.mu.Lock()
	q.reading = false
	if q.closed {
		q.settleIdle()
	}
	for _, d := range damage {
		if d.Offset >= p.damageSeen {
			q.damaged(p, []Damage{d})
			p.damageSeen = d.Offset + d.Length
		}
	}
	for _, e := range found {
		q.memory.push(e)
		q.stats.DiskReads++
	}
	if open := (*openError)(nil); errors.As(err, &open) {
		return err
	}
	if err != nil {
		q.unreadable(p, err)
	}
	if len(found) == 0 { // the rest of the page holds nothing, or cannot be read
		q.cursor = cursor{p, end}
	}
	q.readers.wakeAll()
	return nil
}

// place moves the cursor to a page that has something to read, and returns it with the first id of the page after it.
// What it leaves behind unread was lost to damage. mu is held.
func (q *Queue) place() (*page, uint64) {
	for i, p := range q.pages {
		if q.cursor.page == nil || q.cursor.page.name.number < p.name.number {
			q.cursor = cursor{page: p}
		}
		if q.cursor.page != p {
			continue
		}
		if q.cursor.off < p.size {
			limit := uint64(math.MaxUint64)
			if i+1 < len(q.pages) {
				limit = q.pages[i+1].name.first
			}
			return p, limit
		}
		q.giveUp(p)
	}
	doomed := q.removeAcked()
	if len(doomed) > 0 {
		q.space.wakeAll()
		q.mu.Unlock()
		q.discard(doomed)
		q.mu.Lock()
	}
	q.settleIdle()
	return nil, 0
}

// giveUp writes off the entries of a page that was read to its end without finding them. mu is held.
func (q *Queue) giveUp(p *page) {
	if p.unread == 0 {
		return
	}
	q.log.Error("entries of a queue page are lost to damage", "page", p.path, "entries", p.unread, "events", p.unreadEvents)
	q.stats.LostEntries += p.unread
	q.waiting -= p.unread
	q.stats.LostEvents += p.unreadEvents
	p.entries -= p.unread
	p.unacked -= p.unread
	p.events -= p.unreadEvents
	q.entries -= p.unread
	q.events -= p.unreadEvents
	q.unread -= p.unreadEvents
	p.unread, p.unreadEvents = 0, 0
}

// openError is a file that could not be opened although it is there: too many open files, permissions.
type openError struct{ err error }

func (e *openError) Error() string { return e.err.Error() }
func (e *openError) Unwrap() error { return e.err }

// seek makes the reader stand at an offset of a page.
func (r *reader) seek(fsys vfs.FS, p *page, off, end int64) error {
	if r.page != p {
		r.close() //nolint:errcheck // it was open for reading only
		f, err := fsys.Open(p.path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return &openError{err}
		}
		if err != nil {
			return err
		}
		r.file, r.page = f, p
	}
	if r.scan == nil || r.scan.off != off {
		r.scan = newScanner(r.file, p.name.salt, off, end)
		r.scan.keep = true
	}
	r.scan.end = end
	return nil
}

// collect reads entries until there is about a chunk of them, or the page ends.
func (q *Queue) collect(s *scanner, p *page, read, limit uint64) (found []memoryEntry, err error) {
	for size := int64(0); size < scanChunk; {
		f, ok, err := s.next()
		if err != nil || !ok {
			return found, err
		}
		if f.id < read || f.id >= limit || q.past.accounted(f.id) {
			continue
		}
		header, records, err := f.decode()
		if err != nil {
			s.note(f.start, f.end()-f.start) // its checksum is right, so this was written by somebody else
			continue
		}
		read = f.id + 1
		size += int64(f.rawLen)
		found = append(found, memoryEntry{
			Entry: Entry{ID: f.id, Header: header, Records: records},
			at:    cursor{p, f.start}, end: f.end(), size: int64(f.rawLen),
		})
	}
	return found, nil
}

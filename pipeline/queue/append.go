package queue

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"time"
)

// gather collects the frames of concurrent appends. The first to come leads: it takes what has been collected and writes
// it, while the next round collects. When it is done it makes the first of that round the leader.
type gather struct {
	mu      sync.Mutex
	leading bool
	round   *round // being collected
	spare   *round
	free    []*request
}

// round is what one write takes. Frames lie in buf in the order of requests, complete but for id and checksums.
type round struct {
	buf      []byte
	requests []*request
}

// request is one append in a round. Its owner puts it there, the leader of the round fills in the result, and done
// gives it back to its owner.
type request struct {
	Entry
	size int64 // of the frame
	err  error
	done chan verdict // one place, so that the leader never waits
}

type verdict bool

const (
	settled verdict = false // the request is dealt with
	lead    verdict = true  // the round that holds the request is yours to write
)

// maxSpare bounds the buffer kept between rounds.
const maxSpare = 8 << 20

// Append appends an entry of a header and any number of records, and returns when it is as safe as the options ask; the
// package comment says what that means. Append waits while the queue is full, until ctx is done: the error is then
// ctx's, and the entry is not in the queue. Once the entry is on its way to the disk, ctx is not looked at any more.
//
// The queue may hand header and records themselves to Next: the caller must not modify them afterwards.
func (q *Queue) Append(ctx context.Context, header []byte, records [][]byte) error {
	return q.AppendRef(ctx, header, records, nil)
}

// AppendRef is Append with a value that Next returns along with the entry if the entry has not left memory in between.
// It is how a pipeline gets its own batch back without decoding it again.
func (q *Queue) AppendRef(ctx context.Context, header []byte, records [][]byte, ref any) error {
	raw := rawSize(header, records)
	if raw > maxPayload || raw+frameHead > q.o.MaxBytes {
		return fmt.Errorf("appending %d bytes: %w", raw, ErrTooLarge)
	}
	var packed *[]byte
	size := raw + frameHead
	if q.encoder != nil && raw >= 64 {
		packed = q.packs.Get().(*[]byte)
		defer q.packs.Put(packed)
		if n := q.pack(packed, header, records); n < raw {
			size = n + frameHead
		} else {
			packed = nil // random data: stored as it is
		}
	}
	if err := q.reserve(ctx, size, len(records)); err != nil {
		return err
	}
	g := &q.gather
	g.mu.Lock()
	r := g.join(Entry{Header: header, Records: records, Ref: ref}, size)
	b := g.round.buf
	if packed != nil {
		b = appendHead(b, len(*packed), int(raw), len(header), len(records), flagZstd)
		b = append(b, *packed...)
	} else {
		b = appendHead(b, int(raw), int(raw), len(header), len(records), 0)
		b = appendPayload(b, header, records)
	}
	g.round.buf = b
	follows := g.leading
	g.leading = true
	g.mu.Unlock()
	if !follows || <-r.done == lead {
		q.lead()
	}
	return g.leave(r)
}

// lead writes the round that is being collected.
func (q *Queue) lead() {
	g := &q.gather
	// The lock comes first: while another round, the housekeeper or a sync holds it, more appends join this one.
	q.ioMu.Lock()
	g.mu.Lock()
	round := g.round
	g.round, g.spare = g.spare, nil
	g.mu.Unlock()
	q.commit(round)
	q.ioMu.Unlock()

	g.mu.Lock()
	defer g.mu.Unlock()
	own := true // the leader is the first of its round
	for _, r := range round.requests {
		if !own {
			r.done <- settled
		}
		own = false
	}
	if cap(round.buf) > maxSpare {
		round.buf = nil
	}
	clear(round.requests)
	round.buf, round.requests = round.buf[:0], round.requests[:0]
	g.spare = round
	if g.round != nil && len(g.round.requests) > 0 {
		g.round.requests[0].done <- lead
	} else {
		g.leading = false
	}
}

// join adds a request to the round. g.mu is held.
func (g *gather) join(e Entry, size int64) *request {
	if g.round == nil {
		g.round, g.spare = g.spare, nil
	}
	if g.round == nil {
		g.round = &round{}
	}
	var r *request
	if n := len(g.free); n > 0 {
		r, g.free = g.free[n-1], g.free[:n-1]
	} else {
		r = &request{done: make(chan verdict, 1)}
	}
	r.Entry, r.size, r.err = e, size, nil
	g.round.requests = append(g.round.requests, r)
	return r
}

func (g *gather) leave(r *request) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	err := r.err
	r.Entry = Entry{}
	g.free = append(g.free, r)
	return err
}

// reserve waits until there is room for size bytes and takes it.
func (q *Queue) reserve(ctx context.Context, size int64, events int) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	for !q.closed && !q.hasRoom(size, events) {
		if q.lastIsAcked() {
			// The page at the end is full of acknowledged entries; only its deletion makes room.
			q.mu.Unlock()
			q.dropLast()
			q.mu.Lock()
			if q.hasRoom(size, events) {
				continue
			}
		}
		begin := time.Now()
		err := q.space.wait(ctx, &q.mu)
		q.stats.Blocked += time.Since(begin)
		if err != nil {
			return err
		}
	}
	if q.closed {
		return ErrClosed
	}
	q.reserved += size
	return nil
}

func (q *Queue) hasRoom(size int64, events int) bool {
	if q.bytes+q.reserved+size > q.o.MaxBytes {
		return false
	}
	return q.o.MaxEvents == 0 || q.events == 0 || q.events+uint64(events) <= uint64(q.o.MaxEvents)
}

// lastIsAcked reports whether the page at the end could go, because all that is in it is acknowledged.
func (q *Queue) lastIsAcked() bool {
	if len(q.pages) == 0 || q.reserved > 0 {
		return false
	}
	p := q.pages[len(q.pages)-1]
	return !p.sealed && p.unacked == 0 && p.size > 0
}

// dropLast deletes the page at the end if it may still go. To sync it first would be a waste.
func (q *Queue) dropLast() {
	q.ioMu.Lock()
	defer q.ioMu.Unlock()
	q.mu.Lock()
	if !q.lastIsAcked() {
		q.mu.Unlock()
		return
	}
	q.mu.Unlock()
	q.abandon()
}

// commit writes a round and settles its requests. ioMu is held.
func (q *Queue) commit(r *round) {
	requests, buf := r.requests, r.buf
	for len(requests) > 0 {
		p, err := q.pageFor(requests[0].size)
		if err != nil {
			q.refuse(requests, err)
			return
		}
		// As many as the page takes, at least one.
		n, size, events := 0, int64(0), 0
		for n < len(requests) && (n == 0 || p.size+size+requests[n].size <= q.o.PageCapacity) {
			size += requests[n].size
			events += len(requests[n].Records)
			n++
		}
		if err := q.write(p, requests[:n], buf[:size], events, n < len(requests)); err != nil {
			q.refuse(requests, err)
			return
		}
		q.publish(p, requests[:n], size)
		requests, buf = requests[n:], buf[size:]
	}
}

// pageFor returns the page to which an entry of the given size goes. The page's size is stable while ioMu is held.
func (q *Queue) pageFor(size int64) (*page, error) {
	q.mu.Lock()
	var p *page
	if n := len(q.pages); n > 0 && !q.pages[n-1].sealed {
		p = q.pages[n-1]
	}
	q.mu.Unlock()
	if p != nil && (p.size == 0 || p.size+size <= q.o.PageCapacity) {
		return p, nil
	}
	if err := q.seal(); err != nil {
		// Its entries were accepted before, and are no less safe than CheckpointWrites promised.
		q.log.Error("syncing a full queue page", "dir", q.dir, "error", err)
	}
	q.mu.Lock()
	name := pageName{number: q.nextPage, first: q.next, salt: rand.Uint32()}
	q.nextPage++ // also if this fails: of two pages with one number none could be told to be the later one
	q.mu.Unlock()
	p = &page{name: name, path: filepath.Join(q.dir, name.String()), last: name.first - 1}
	f, err := q.fs.Create(p.path)
	if err != nil {
		return nil, &WriteError{p.path, err}
	}
	if err := q.fs.SyncDir(q.dir); err != nil {
		f.Close()
		_ = q.fs.Remove(p.path) // an empty page does no harm either
		return nil, &WriteError{p.path, err}
	}
	q.file, q.unsynced = f, 0
	q.mu.Lock()
	q.pages = append(q.pages, p)
	q.mu.Unlock()
	return p, nil
}

// write writes the frames of the requests, which buf holds, to the end of the page, and syncs them if that is due. After
// an error the page is as it was.
func (q *Queue) write(p *page, requests []*request, buf []byte, events int, full bool) error {
	q.mu.Lock()
	id := q.next
	q.mu.Unlock()
	rest := buf
	for _, r := range requests {
		stamp(rest[:r.size], id, p.name.salt)
		rest = rest[r.size:]
		id++
	}
	_, err := q.file.WriteAt(buf, p.size)
	written := err == nil
	if written {
		q.unsynced += events
		if full || q.o.CheckpointWrites > 0 && q.unsynced >= q.o.CheckpointWrites {
			err = q.sync()
		}
	}
	if err == nil {
		return nil
	}
	q.rollBack(p, written)
	return &WriteError{p.path, err}
}

// rollBack takes a failed write back. After a failed sync the page is not written to again: the kernel may have dropped
// what it could not write, and would report the next sync as a success.
func (q *Queue) rollBack(p *page, syncFailed bool) {
	err := q.file.Truncate(p.size)
	if err == nil && !syncFailed {
		return
	}
	if err != nil {
		// The next page begins with the id that the failed entry had, by which a later scan knows it as stale.
		q.log.Warn("taking back a failed append", "page", p.path, "error", err)
	}
	q.abandon()
}

// abandon ends the page at the end without another sync. ioMu is held.
func (q *Queue) abandon() {
	q.file.Close()
	q.mu.Lock()
	p := q.pages[len(q.pages)-1]
	p.sealed, p.unsure = true, q.unsynced > 0
	q.file, q.unsynced = nil, 0
	doomed := q.removeAcked()
	if len(doomed) > 0 {
		q.space.wakeAll()
	}
	q.mu.Unlock()
	q.discard(doomed)
}

// publish makes entries that are on disk visible to Next.
func (q *Queue) publish(p *page, requests []*request, size int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.failed = false
	for _, r := range requests {
		events := uint64(len(r.Records))
		end := p.size + r.size
		e := r.Entry
		e.ID = q.next
		q.remember(memoryEntry{Entry: e, at: cursor{p, p.size}, end: end, size: rawSize(e.Header, e.Records)})
		q.next++
		p.size, p.last = end, e.ID
		p.entries, p.unacked, p.events = p.entries+1, p.unacked+1, p.events+events
		p.unread, p.unreadEvents = p.unread+1, p.unreadEvents+events
		q.waiting++
		q.entries, q.events, q.unread = q.entries+1, q.events+events, q.unread+events
		q.stats.AppendedEntries++
		q.stats.AppendedEvents += events
		q.readers.wakeOne()
	}
	q.bytes += size
	q.reserved -= size
	q.stats.AppendedBytes += uint64(size)
	q.stats.Writes++
	q.settleIdle()
}

// refuse settles requests with an error. The first error of a series is logged: the callers see all.
func (q *Queue) refuse(requests []*request, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, r := range requests {
		r.err = err
		q.reserved -= r.size
	}
	q.stats.WriteErrors++
	if !q.failed {
		q.failed = true
		q.log.Error("appending to the persistent queue", "dir", q.dir, "error", err)
	}
	q.space.wakeAll()
	q.settleIdle()
}

// sync syncs the page at the end, if there is anything to sync. ioMu is held.
func (q *Queue) sync() error {
	if q.file == nil || q.unsynced == 0 {
		return nil
	}
	begin := time.Now()
	err := q.file.Sync()
	took := time.Since(begin)
	q.mu.Lock()
	q.stats.Syncs++
	q.stats.SyncTime += took
	if err != nil {
		q.stats.SyncErrors++
	}
	q.mu.Unlock()
	if err == nil {
		q.unsynced = 0
	}
	return err
}

// seal ends the page at the end. ioMu is held.
func (q *Queue) seal() error {
	if q.file == nil {
		return nil
	}
	err := q.sync()
	q.abandon()
	return err
}

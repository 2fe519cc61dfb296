package queue

import (
	"errors"
	"math"
)

// recover finds out what is in the folder. It never appends to a page of an earlier process: what follows a torn tail
// would be hard to tell from it.
func (q *Queue) recover() error {
	past, damagedCheckpoints, err := loadCheckpoint(q.fs, q.dir)
	if err != nil {
		return err
	}
	q.past, q.generation = *past, past.generation
	q.next, q.nextPage, q.read = max(1, past.next), past.nextPage, 1
	q.stats.DamagedCheckpoints = uint64(damagedCheckpoints)
	pages, err := listPages(q.fs, q.dir)
	if err != nil {
		return err
	}
	known := map[uint64]pageCount{}
	for _, c := range past.sealed {
		known[c.number] = c
	}
	scans := 0
	for i, p := range pages {
		limit := uint64(math.MaxUint64)
		if i+1 < len(pages) {
			limit = pages[i+1].name.first
		}
		if !q.countFromCheckpoint(p, known) {
			if err := q.countByScan(p, limit, i == len(pages)-1); err != nil {
				return err
			}
			scans++
		}
		p.unread, p.unreadEvents = p.unacked, p.events
		q.next = max(q.next, p.last+1, p.name.first)
		q.nextPage = max(q.nextPage, p.name.number+1)
		q.bytes += p.size
		q.entries += p.unacked
		q.events += p.events
	}
	if scans > 0 {
		if err := q.fs.SyncDir(q.dir); err != nil {
			q.log.Warn("syncing the folder of the persistent queue", "dir", q.dir, "error", err)
		}
	}
	q.unread, q.waiting = q.events, q.entries
	q.pages = pages
	q.discard(q.removeAcked())
	if len(q.pages) > 0 {
		q.read = q.pages[0].name.first
		q.cursor = cursor{page: q.pages[0]}
	} else {
		q.read = q.next
	}
	return nil
}

// countFromCheckpoint spares the scan of a page that was sealed before the last checkpoint. Its checksums are looked
// at when it is read.
func (q *Queue) countFromCheckpoint(p *page, known map[uint64]pageCount) bool {
	c, ok := known[p.name.number]
	if !ok || c.entries == 0 {
		return false
	}
	f, err := q.fs.Open(p.path)
	if err != nil {
		return false
	}
	defer f.Close()
	if size, err := f.Size(); err != nil || size != c.size {
		return false
	}
	p.size, p.entries, p.unacked, p.events = c.size, c.entries, c.unacked, c.unackedEvents
	p.last = p.name.first + c.entries - 1
	return true
}

// countByScan reads a page. Its error is that the page cannot be opened at the moment, which says nothing of what is in it.
func (q *Queue) countByScan(p *page, limit uint64, last bool) error {
	r := scanPage(q.fs, p, limit, func(id uint64) bool { return !q.past.accounted(id) })
	if open := (*openError)(nil); errors.As(r.err, &open) {
		return r.err
	}
	p.size, p.entries, p.unacked, p.events, p.last = r.size, r.entries, r.unacked, r.events, r.last
	if r.err != nil {
		q.unreadable(p, r.err)
	}
	q.damaged(p, r.damage)
	p.damageSeen = math.MaxInt64
	if r.err != nil {
		return nil
	}
	if err := q.settleFile(p, r, last); err != nil {
		p.unsure = true
		q.log.Warn("syncing a queue page of an earlier process", "page", p.path, "error", err)
	}
	return nil
}

// settleFile syncs what an earlier process may have left unsynced, so that what may be lost with the power does not
// add up over restarts. A torn end is cut off, so that the next start does not count it again.
func (q *Queue) settleFile(p *page, r scanned, last bool) error {
	f, err := q.fs.Open(p.path)
	if err != nil {
		return err
	}
	defer f.Close()
	if last && r.end < r.size {
		if err := f.Truncate(r.end); err != nil {
			return err
		}
		p.size = r.end
	}
	return f.Sync()
}

func (q *Queue) damaged(p *page, damage []Damage) {
	for _, d := range damage {
		q.stats.DamagedRanges++
		q.stats.DamagedBytes += uint64(d.Length)
		q.log.Warn("skipping a damaged part of a queue page", "page", p.path, "offset", d.Offset, "bytes", d.Length)
	}
}

func (q *Queue) unreadable(p *page, err error) {
	if p.broken {
		return
	}
	p.broken = true
	q.stats.UnreadableFiles++
	q.log.Error("reading a queue page; it is kept as .damaged when the rest of it is delivered", "page", p.path, "error", err)
}

// removeAcked takes the pages that nobody needs off the list, and returns them for discard. mu is held, or nobody else
// knows the queue yet.
func (q *Queue) removeAcked() (doomed []*page) {
	kept := q.pages[:0]
	for _, p := range q.pages {
		if p.unacked > 0 || !p.sealed {
			kept = append(kept, p)
			continue
		}
		p.removed = true
		q.bytes -= p.size
		doomed = append(doomed, p)
	}
	clear(q.pages[len(kept):])
	q.pages = kept
	return doomed
}

// discard deletes files. It is called without mu: deleting a large file takes milliseconds.
func (q *Queue) discard(doomed []*page) {
	for _, p := range doomed {
		var err error
		if p.broken {
			err = q.fs.Rename(p.path, p.path+".damaged")
		} else {
			err = q.fs.Remove(p.path)
		}
		if err != nil {
			q.log.Warn("deleting a queue page; the next start tries again", "page", p.path, "error", err)
		}
	}
}

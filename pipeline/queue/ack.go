package queue

import (
	"path/filepath"
	"slices"
)

// Ack says that an entry which Next returned is settled, and need not come out again. Entries may be acknowledged in any
// order, each once.
func (q *Queue) Ack(id uint64) {
	q.mu.Lock()
	f, ok := q.inflight[id]
	if !ok {
		q.mu.Unlock()
		panic("BUG: acknowledged a queue entry that is not in flight")
	}
	delete(q.inflight, id)
	p := f.page
	p.unacked--
	p.events -= f.events
	q.entries--
	q.events -= f.events
	q.acked += int(f.events)
	q.stats.AckedEvents += f.events
	var doomed []*page
	if p.unacked == 0 && p.sealed && !p.removed && !q.closed { // a closed queue's folder may be somebody else's
		doomed = q.removeAcked()
	}
	if p.unacked == 0 || q.o.MaxEvents > 0 {
		q.space.wakeAll()
	}
	q.settleIdle()
	due := !q.closed && q.o.CheckpointAcks > 0 && q.acked >= q.o.CheckpointAcks
	q.mu.Unlock()
	q.discard(doomed)
	if due && q.ckMu.TryLock() { // if somebody is at it, the next Ack or the housekeeper follows
		err := q.checkpointLocked(false)
		q.ckMu.Unlock()
		if err != nil {
			q.log.Warn("writing the checkpoint of the persistent queue", "dir", q.dir, "error", err)
		}
	}
}

// settleIdle wakes Drain and Close if their condition may hold. mu is held.
func (q *Queue) settleIdle() {
	if q.idle.any() && q.reserved == 0 {
		q.idle.wakeAll()
	}
}

func (q *Queue) writeCheckpoint(final bool) error {
	q.ckMu.Lock()
	defer q.ckMu.Unlock()
	return q.checkpointLocked(final)
}

// checkpointLocked writes a checkpoint, and syncs it if it is the final one. ckMu is held.
func (q *Queue) checkpointLocked(final bool) error {
	q.mu.Lock()
	c := q.snapshot()
	acked := q.acked
	q.acked = 0
	q.stats.Checkpoints++
	q.mu.Unlock()
	q.ckBuf = c.append(q.ckBuf[:0])
	err := q.storeCheckpoint(c.generation, final)
	if err != nil {
		q.mu.Lock()
		q.acked += acked // so that the next Ack tries again
		q.mu.Unlock()
	}
	return err
}

func (q *Queue) storeCheckpoint(generation uint64, final bool) error {
	i := generation % 2
	if q.ckFiles[i] == nil {
		f, err := openOrCreate(q.fs, checkpointName(q.dir, generation))
		if err != nil {
			return &WriteError{filepath.Join(q.dir, "checkpoint"), err}
		}
		q.ckFiles[i] = f
	}
	f := q.ckFiles[i]
	if _, err := f.WriteAt(q.ckBuf, 0); err != nil {
		return &WriteError{checkpointName(q.dir, generation), err}
	}
	if !final {
		return nil
	}
	err := f.Sync()
	for i, f := range q.ckFiles {
		if f != nil {
			f.Close()
			q.ckFiles[i] = nil
		}
	}
	return err
}

// snapshot returns the next checkpoint. mu is held.
func (q *Queue) snapshot() *checkpoint {
	q.generation++
	c := &checkpoint{
		generation: q.generation, next: q.next, nextPage: q.nextPage,
		read: max(q.read, q.past.read),
	}
	for id := range q.inflight {
		c.unacked = append(c.unacked, id)
	}
	// Of what earlier processes left unacknowledged, that which this one has not returned yet.
	i, _ := slices.BinarySearch(q.past.unacked, q.read)
	c.unacked = append(c.unacked, q.past.unacked[i:]...)
	slices.Sort(c.unacked)
	for _, p := range q.pages {
		if p.sealed && p.whole() && !p.broken && !p.unsure {
			c.sealed = append(c.sealed, pageCount{p.name.number, p.size, p.entries, p.unacked, p.events})
		}
	}
	return c
}

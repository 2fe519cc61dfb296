package deadletterqueue

import (
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"millrace/pipeline/event"
	"millrace/pipeline/queue"
)

// commitInterval is how often a position is saved at most while letters flow.
const commitInterval = time.Second

// committer saves how far the queue was read. Batches settle in any order; what is saved is the position before which all are settled.
type committer struct {
	in *input

	mu      sync.Mutex
	pending []*step // in the order in which they were pushed
	settled queue.Position
	dirty   bool // settled is not saved
	stopped bool
	saved   time.Time
	timer   *time.Timer
	saving  sync.Mutex // held over saves, so that an older one never overtakes
}

// step is a batch on its way.
type step struct {
	end  queue.Position
	done bool
}

func newCommitter(in *input) *committer { return &committer{in: in} }

// push notes that a batch which ends at a position is on its way, and returns what to call when it is settled.
func (c *committer) push(end queue.Position) func(*event.Batch) {
	if !c.in.o.CommitOffsets {
		return nil
	}
	s := &step{end: end}
	c.mu.Lock()
	c.pending = append(c.pending, s)
	c.mu.Unlock()
	return func(*event.Batch) { c.settle(s) }
}

func (c *committer) settle(s *step) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s.done = true
	for len(c.pending) > 0 && c.pending[0].done {
		c.settled, c.dirty = c.pending[0].end, true
		c.pending = c.pending[1:]
	}
	switch {
	case !c.dirty:
	case c.stopped && len(c.pending) == 0: // nothing comes after this that could save it
		c.stopTimer()
		c.save()
	case c.timer == nil:
		c.timer = time.AfterFunc(max(0, commitInterval-time.Since(c.saved)), func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.timer = nil
			c.save()
		})
	}
}

// stop saves what is settled. Batches that settle later, while the pipeline drains, are saved when they do.
func (c *committer) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped = true
	c.stopTimer()
	c.save()
}

// stopTimer forgets the timer; if it has fired already it finds nothing to save. mu is held.
func (c *committer) stopTimer() {
	if c.timer != nil {
		c.timer.Stop()
		c.timer = nil
	}
}

// save writes the position. mu is held, and given up while the disk works.
func (c *committer) save() {
	if !c.dirty {
		return
	}
	c.dirty = false
	c.mu.Unlock()
	c.saving.Lock()
	c.mu.Lock()
	p := c.settled
	c.saved = time.Now()
	c.mu.Unlock()
	err := c.write(p)
	c.saving.Unlock()
	c.mu.Lock()
	if err != nil {
		c.dirty = true // the next batch tries again
		c.in.log.Error("the position in the dead letter queue cannot be saved: letters may come again", slog.Any("error", err))
	}
}

func (c *committer) write(p queue.Position) error {
	if err := c.in.fs.MkdirAll(filepath.Dir(c.in.sincedb)); err != nil {
		return err
	}
	if err := queue.SavePosition(c.in.fs, c.in.sincedb, p); err != nil {
		return err
	}
	if !c.in.o.CleanConsumed {
		return nil
	}
	n, err := queue.RemoveConsumed(c.in.dir, c.in.fs, p)
	c.in.cleaned.Add(int64(n))
	return err
}

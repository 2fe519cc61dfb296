package file

import (
	"context"
	"os"
	"sync"
	"time"

	"millrace/internal/statefile"
	"millrace/pipeline/event"
)

// tracker knows how far every file is delivered, and keeps that in the sincedb. Batches settle in any order; a file's position is the
// place before which all are settled.
type tracker struct {
	in   *input
	name string

	mu        sync.Mutex
	known     map[identity]position
	live      map[identity]*progress // files with batches on their way
	unsettled int                    // batches of all files
	dirty     bool
	stopped   bool
	idle      chan struct{} // closed when nothing is unsettled; nil if nobody waits

	saving sync.Mutex // held over saves, so that an older one never overtakes
}

// progress is the way of one file through the pipeline. A file that was truncated gets a new one. Guarded by tracker.mu.
type progress struct {
	id       identity
	path     string
	pending  []*step // in the order in which they were pushed
	complete bool    // all was pushed (mode read)
	size     int64   // of a complete file
	finished bool    // the action for complete files was taken
	dead     bool    // the file was truncated or replaced: what settles now says nothing about it
}

// step is a batch on its way.
type step struct {
	end  int64
	done bool
}

func newTracker(in *input) (*tracker, error) {
	known, err := loadSincedb(in.sincedb)
	return &tracker{in: in, name: in.sincedb, known: known, live: make(map[identity]*progress)}, err
}

// position returns what is known of a file.
func (t *tracker) position(id identity) (position, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p, ok := t.known[id]
	return p, ok
}

// resume returns the progress of a file with batches on their way, and up to where it was read; nil if there are none.
func (t *tracker) resume(id identity, path string) (*progress, int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.live[id]
	if p == nil || p.dead {
		return nil, 0
	}
	p.path = path
	return p, p.pending[len(p.pending)-1].end
}

// rename gives a file another name.
func (t *tracker) rename(p *progress, path string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p.path = path
}

// set makes an offset the position of a file without waiting for a batch.
func (t *tracker) set(id identity, path string, offset int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.known[id] = position{offset: offset, changed: time.Now(), path: path}
	t.dirty = true
}

// forget removes a file that is gone.
func (t *tracker) forget(p *progress) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p.dead = true
	delete(t.known, p.id)
	t.dirty = true
}

// reset begins a file that was truncated anew.
func (t *tracker) reset(old *progress) *progress {
	t.set(old.id, old.path, 0)
	t.mu.Lock()
	defer t.mu.Unlock()
	old.dead = true
	return &progress{id: old.id, path: old.path}
}

// push notes that a batch which ends at an offset goes on its way. The batch tells by Done when it is settled.
func (t *tracker) push(p *progress, end int64, b *event.Batch) {
	s := &step{end: end}
	done := b.Done
	b.Done = func(b *event.Batch) {
		t.settle(p, s)
		if done != nil {
			done(b)
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	p.pending = append(p.pending, s)
	t.live[p.id] = p
	t.unsettled++
}

// refused takes back the last push: the pipeline did not take the batch.
func (t *tracker) refused(p *progress) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p.pending = p.pending[:len(p.pending)-1]
	t.rest(p)
	t.unsettled--
	t.wake()
}

// rest forgets that a file has batches on their way if it has none. mu is held.
func (t *tracker) rest(p *progress) {
	if len(p.pending) == 0 && t.live[p.id] == p {
		delete(t.live, p.id)
	}
}

// complete notes that all of a file was pushed.
func (t *tracker) complete(p *progress, size int64) {
	t.mu.Lock()
	p.complete, p.size = true, size
	act := t.takeAction(p)
	t.mu.Unlock()
	if act {
		t.in.finish(t, p)
	}
}

// takeAction reports whether the file is complete and delivered, and nobody acted on that yet. mu is held.
func (t *tracker) takeAction(p *progress) bool {
	if !p.complete || len(p.pending) > 0 || p.finished || p.dead {
		return false
	}
	p.finished = true
	t.known[p.id] = position{offset: p.size, changed: time.Now(), path: p.path}
	t.dirty = true
	return true
}

func (t *tracker) settle(p *progress, s *step) {
	t.mu.Lock()
	s.done = true
	end := int64(-1)
	for len(p.pending) > 0 && p.pending[0].done {
		end = p.pending[0].end
		p.pending = p.pending[1:]
	}
	if end >= 0 && !p.dead {
		t.known[p.id] = position{offset: end, changed: time.Now(), path: p.path}
		t.dirty = true
	}
	t.rest(p)
	act := t.takeAction(p)
	t.mu.Unlock()
	if act {
		t.in.finish(t, p)
	}
	t.mu.Lock()
	t.unsettled--
	t.wake()
	last := t.stopped && t.unsettled == 0
	t.mu.Unlock()
	if last { // nothing comes after this that could save it
		t.save()
	}
}

// wake tells who waits that nothing is unsettled. mu is held.
func (t *tracker) wake() {
	if t.unsettled == 0 && t.idle != nil {
		close(t.idle)
		t.idle = nil
	}
}

// wait returns when everything is settled or ctx ends.
func (t *tracker) wait(ctx context.Context) {
	t.mu.Lock()
	if t.unsettled == 0 {
		t.mu.Unlock()
		return
	}
	if t.idle == nil {
		t.idle = make(chan struct{})
	}
	idle := t.idle
	t.mu.Unlock()
	select {
	case <-idle:
	case <-ctx.Done():
	}
}

// stop saves what is settled. Batches that settle later, while the pipeline drains, are saved when the last of them is.
func (t *tracker) stop() {
	t.mu.Lock()
	t.stopped = true
	t.mu.Unlock()
	t.save()
}

// save writes the sincedb if there is something new.
func (t *tracker) save() {
	t.saving.Lock()
	defer t.saving.Unlock()
	t.mu.Lock()
	if !t.dirty {
		t.mu.Unlock()
		return
	}
	t.dirty = false
	oldest := time.Now().Add(-time.Duration(t.in.o.SincedbCleanAfter))
	var data []byte
	for id, p := range t.known {
		if p.changed.Before(oldest) {
			delete(t.known, id)
			continue
		}
		data = appendSincedb(data, id, p)
	}
	t.mu.Unlock()
	if err := statefile.Save(t.name, data); err != nil {
		t.in.warn("the sincedb cannot be written: files may be read again", t.name, err)
		t.mu.Lock()
		t.dirty = true
		t.mu.Unlock()
	}
}

// finish does what is asked for with a file that is delivered as a whole.
func (in *input) finish(t *tracker, p *progress) {
	in.completed.Add(1)
	t.mu.Lock()
	path := p.path
	t.mu.Unlock()
	if in.o.FileCompletedAction != "delete" {
		if err := in.logCompleted(path); err != nil {
			in.warn("a completed file could not be noted", path, err)
		}
	}
	if in.o.FileCompletedAction != "log" {
		in.removeCompleted(t, p, path)
	}
}

func (in *input) logCompleted(path string) error {
	f, err := os.OpenFile(in.o.FileCompletedLogPath, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteString(path + "\n")
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

// removeCompleted deletes a file, unless another has taken its name.
func (in *input) removeCompleted(t *tracker, p *progress, path string) {
	info, err := os.Stat(path)
	if err != nil || identityOf(info) != p.id {
		return
	}
	if err := os.Remove(path); err != nil {
		in.warn("a completed file could not be deleted", path, err)
		return
	}
	t.forget(p)
}

package pipeline

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
	"millrace/pipeline/queue"
	"millrace/pipeline/queue/vfs"
)

// spill keeps on disk what an output does not take: the folder <path.data>/spill/<pipeline>/<id of the output>, a queue of its own.
//
// While it is active all that the workers have for the output goes to disk, behind what is there; one goroutine writes and syncs it, and
// settles its batches then, and another hands the oldest to the output. When the output has taken everything it is active no more.
// Whoever sent the events is thus told that they are safe as soon as they survive a loss of power.
//
// An entry holds the events of some turns. A record is an event behind eight bytes: when its batch was read ([event.Event.Read]).
type spill struct {
	o        *isolated
	dir      string
	fs       vfs.FS
	options  queue.Options
	limit    int // of bytes
	log      *slog.Logger
	spilled  *atomic.Int64
	replayed *atomic.Int64
	restored atomic.Int64 // events of an earlier run

	active atomic.Bool // set by begin, add and start, cleared by caughtUp; all but start with mu held

	q      atomic.Pointer[queue.Queue] // set by start; stays after close, for its figures
	cancel context.CancelFunc          // ends the goroutines
	wg     sync.WaitGroup

	mu      sync.Mutex
	turns   []*spillTurn // to be written
	bytes   int          // of turns, and of those being written
	writing bool
	taken   uint64 // entries that the output has taken
	closing bool
	wake    chan struct{} // one place: there is something to write, or closing
	changed chan struct{} // closed and replaced when bytes shrank or the spill caught up
}

// The sizes of a spill.
const (
	spillPageBytes = 16 << 20
	// maxUnwritten bounds what waits for the disk in memory, together with a quarter of spill_max_bytes; then the pipeline waits for
	// the disk.
	maxUnwritten = 4 << 20
)

// spillTurn is what one worker had for the output in one turn.
type spillTurn struct {
	data []byte
	ends []int
	of   *event.Batch
}

func (t *spillTurn) append(e *event.Event) {
	t.data = e.AppendBinary(binary.LittleEndian.AppendUint64(t.data, uint64(e.Read())))
	t.ends = append(t.ends, len(t.data))
}

// newSpill returns the spill of an output. Nothing is opened.
func newSpill(p *Pipeline, o *isolated, built *plugin.Built) *spill {
	s := &spill{
		o: o, dir: filepath.Join(p.settings.DataDir, "spill", folderName(p.settings.ID), folderName(built.ID)), fs: vfs.OS{},
		options: queue.Options{
			PageCapacity: min(spillPageBytes, built.SpillMaxBytes/4), MaxBytes: built.SpillMaxBytes,
			CheckpointWrites: 1, CheckpointAcks: 1024, CheckpointInterval: time.Second, Compression: queue.CompressNone,
		},
		spilled:  built.Env.Counter("events_spilled", "Events put aside on disk because the output took no more: on_full => spill."),
		replayed: built.Env.Counter("events_replayed", "Events that were put aside on disk and handed to the output later."),
		wake:     make(chan struct{}, 1), changed: make(chan struct{}), limit: int(min(maxUnwritten, built.SpillMaxBytes/4)),
	}
	s.log = p.log.With("pipeline_id", p.settings.ID, "plugin", built.ID, "folder", s.dir)
	s.options.Logger = s.log
	return s
}

// folderName makes a name of an id that is one folder on every system, and of different ids different ones.
func folderName(id string) string {
	name := url.PathEscape(id)
	if strings.Trim(name, ".") == "" {
		name = strings.ReplaceAll(name, ".", "%2E")
	}
	return name
}

// start opens the folder and begins to hand over what is there.
func (s *spill) start(ctx context.Context) error {
	q, err := queue.Open(s.dir, s.options, s.fs)
	if errors.Is(err, queue.ErrLocked) {
		return fmt.Errorf("the folder of spilled events %q is in use by another process: give each process a path.data of its own", s.dir)
	}
	if err != nil {
		return fmt.Errorf("opening the folder of spilled events: %w", err)
	}
	s.q.Store(q)
	if st := q.Stats(); st.Events > 0 {
		s.restored.Store(int64(st.Events))
		s.active.Store(true)
		s.log.Info("events that an earlier run put aside on disk are delivered now", "events", st.Events, "bytes", st.Bytes)
	}
	ctx, s.cancel = context.WithCancel(ctx)
	s.wg.Go(func() { s.write(ctx, q) })
	s.wg.Go(func() { s.replay(ctx, q) })
	return nil
}

// begin makes the spill active.
func (s *spill) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.active.Swap(true) {
		s.o.log.Warn("an output takes no more events; they are put aside on disk until it does: on_full => spill", slog.String("folder", s.dir))
	}
}

// add takes a turn, which is settled when it is safe on disk. It waits while the disk is behind.
func (s *spill) add(ctx context.Context, t *spillTurn, b *event.Batch) error {
	t.of = b
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.bytes > 0 && s.bytes+len(t.data) > s.limit {
		if err := s.await(ctx); err != nil {
			return err
		}
	}
	s.active.Store(true)
	s.turns = append(s.turns, t)
	s.bytes += len(t.data)
	s.poke()
	return nil
}

// await waits for a change. mu is held before and after.
func (s *spill) await(ctx context.Context) error {
	c := s.changed
	s.mu.Unlock()
	defer s.mu.Lock()
	select {
	case <-c:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *spill) announce() {
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *spill) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// next returns the turns to write, nil if there are no more to come.
func (s *spill) next(ctx context.Context) []*spillTurn {
	for {
		s.mu.Lock()
		if turns := s.turns; len(turns) > 0 {
			s.turns, s.writing = nil, true
			s.mu.Unlock()
			return turns
		}
		closing := s.closing
		s.mu.Unlock()
		if closing {
			return nil
		}
		select {
		case <-s.wake:
		case <-ctx.Done():
			return nil
		}
	}
}

// write brings turns to disk until the spill ends. Together they are one entry, and cost one sync.
func (s *spill) write(ctx context.Context, q *queue.Queue) {
	var records [][]byte
	for {
		turns := s.next(ctx)
		if turns == nil {
			return
		}
		records = records[:0]
		n, bytes := 0, 0
		for _, t := range turns {
			start := 0
			for _, end := range t.ends {
				records = append(records, t.data[start:end:end])
				start = end
			}
			n += len(t.ends)
			bytes += len(t.data)
		}
		err := s.store(ctx, q, records)
		if errors.Is(err, queue.ErrTooLarge) {
			err = s.storeEach(ctx, q, turns)
		}
		if err != nil {
			return // ctx ended: the turns stay unsettled
		}
		s.spilled.Add(int64(n))
		for _, t := range turns {
			t.of.Settle()
		}
		s.mu.Lock()
		s.bytes -= bytes
		s.writing = false
		s.announce()
		s.caughtUp(q) // the output may have taken these already, while they counted as being written
		s.mu.Unlock()
	}
}

// store appends one entry, and tries again while the disk refuses it.
func (s *spill) store(ctx context.Context, q *queue.Queue, records [][]byte) error {
	for pause := minWritePause; ; pause = min(2*pause, maxWritePause) {
		if st := q.Stats(); st.Bytes+int64(s.limit) > st.MaxBytes && st.Events > 0 {
			s.o.log.Warn("as many events are put aside on disk as may be; the pipeline waits for the output when that is reached: spill_max_bytes",
				slog.Int64("bytes", st.Bytes))
		}
		err := q.Append(ctx, nil, records)
		var refused *queue.WriteError
		if !errors.As(err, &refused) {
			return err
		}
		s.o.log.Error("events cannot be put aside on disk; trying again", slog.Any("error", err))
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// storeEach stores events one by one that are together larger than the spill may be. One that is too large for itself is dropped. As
// they are handed over apart from each other, equal ones must not have equal times: the ids of idempotent => true would be the same.
func (s *spill) storeEach(ctx context.Context, q *queue.Queue, turns []*spillTurn) error {
	for _, t := range turns {
		start := 0
		for i, end := range t.ends {
			record := t.data[start:end:end]
			binary.LittleEndian.PutUint64(record, binary.LittleEndian.Uint64(record)+uint64(i))
			err := s.store(ctx, q, [][]byte{record})
			if errors.Is(err, queue.ErrTooLarge) {
				s.o.lose(err)
			} else if err != nil {
				return err
			}
			start = end
		}
	}
	return nil
}

// replay hands what is on disk to the output, the oldest first, until ctx ends.
func (s *spill) replay(ctx context.Context, q *queue.Queue) {
	w := s.o.output.NewWriter()
	e := event.New(nil)
	for {
		entry, err := q.Next(ctx)
		switch {
		case ctx.Err() != nil || errors.Is(err, queue.ErrClosed):
			return // an entry that came all the same is not acknowledged, and comes again
		case err != nil:
			s.o.log.Error("events that were put aside on disk cannot be read; trying again", slog.Any("error", err))
			select {
			case <-time.After(maxWritePause):
				continue
			case <-ctx.Done():
				return
			}
		}
		if s.o.awaitFlushes(ctx) != nil || s.handOver(ctx, q, w, e, &entry) != nil {
			return
		}
		s.mu.Lock()
		s.taken++
		s.caughtUp(q)
		s.mu.Unlock()
	}
}

// handOver hands one entry to the output, in pieces.
func (s *spill) handOver(ctx context.Context, q *queue.Queue, w plugin.Writer, e *event.Event, entry *queue.Entry) error {
	id := entry.ID
	records := make([]string, len(entry.Records))
	for i, r := range entry.Records {
		records[i] = stringOf(r)
	}
	var left atomic.Int64
	left.Store(1) // until all pieces are handed over
	done := func(*event.Batch) {
		if left.Add(-1) == 0 {
			q.Ack(id)
		}
	}
	start := 0
	for _, end := range cutRecords(records) {
		left.Add(1)
		b := &event.Batch{Time: time.Unix(0, readOf(records[start])), Done: done}
		b.Expect(1)
		for _, r := range records[start:end] {
			s.o.appendRecovered(w, e, r)
		}
		if err := w.Flush(ctx, b); err != nil {
			return err
		}
		s.replayed.Add(int64(end - start))
		start = end
	}
	done(nil)
	return nil
}

// readOf returns the time before an event.
func readOf(record string) int64 {
	if len(record) < 8 {
		return 0
	}
	return int64(binary.LittleEndian.Uint64(bytesOf(record[:8])))
}

// handOverBytes is the size of the pieces in which spilled events go to their output, so that its own bound on what it holds is kept.
const handOverBytes = 256 << 10

// cutRecords returns where pieces end. What was one batch is not divided, as it would not have been without the detour: equal events of
// one batch are told apart by their count in what is flushed.
func cutRecords(records []string) (cuts []int) {
	size := 0
	for i, r := range records {
		if size > handOverBytes && readOf(r) != readOf(records[i-1]) {
			cuts = append(cuts, i)
			size = 0
		}
		size += len(r)
	}
	if len(records) > 0 {
		cuts = append(cuts, len(records))
	}
	return cuts
}

// lookForSpills warns of folders whose outputs the config does not have any more.
func (p *Pipeline) lookForSpills() {
	known := make(map[string]bool)
	for _, o := range p.outputs {
		if o.isolated != nil && o.isolated.spill != nil {
			known[o.isolated.spill.dir] = true
		}
	}
	pages, _ := filepath.Glob(filepath.Join(p.settings.DataDir, "spill", folderName(p.settings.ID), "*", "*.page"))
	for _, page := range pages {
		if dir := filepath.Dir(page); !known[dir] {
			known[dir] = true
			p.log.Warn("a folder holds events that were put aside for an output which the configuration does not have any more; they stay there until it does",
				"folder", dir)
		}
	}
}

// caughtUp makes the spill inactive if the output has taken everything. mu is held.
func (s *spill) caughtUp(q *queue.Queue) {
	if len(s.turns) > 0 || s.writing || !s.active.Load() {
		return
	}
	if st := q.Stats(); st.Unread > 0 || st.ReadEntries > s.taken {
		return
	}
	s.active.Store(false)
	s.announce()
	s.log.Info("the output has taken all events that were put aside on disk")
}

// finish writes what is to be written, and waits until the output has taken everything unless the pipeline was told to stop.
func (s *spill) finish(ctx, stopping context.Context) {
	s.mu.Lock()
	s.closing = true
	s.poke()
	for (len(s.turns) > 0 || s.writing) && s.await(ctx) == nil {
	}
	wait, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(stopping, cancel)()
	for s.active.Load() && s.await(wait) == nil {
	}
	s.mu.Unlock()
	s.cancel()
	s.wg.Wait()
}

// abort gives the folder up, if it was opened, because another part of the pipeline could not start.
func (s *spill) abort() {
	q := s.q.Load()
	if q == nil {
		return
	}
	s.cancel()
	s.wg.Wait()
	if err := q.Close(); err != nil {
		s.log.Error("the folder of spilled events could not be closed", "error", err)
	}
}

// close gives the folder up, after the output has settled what it could.
func (s *spill) close() error {
	q := s.q.Load()
	err := q.Close()
	if left := q.Stats().Events; left > 0 {
		s.log.Info("events stay aside on disk until the next start", "events", left)
	}
	return err
}

// SpillStats are the figures of an output with on_full => "spill".
type SpillStats struct {
	Active   bool  // new events go to disk
	Events   int64 // on disk and not delivered
	Bytes    int64 // of the files
	MaxBytes int64
	Spilled  int64 // events put aside since the start
	Replayed int64 // events handed over since the start
	Restored int64 // events of an earlier run that were there at the start
}

// Spills returns the figures of the outputs that put events aside on disk, by id.
func (p *Pipeline) Spills() map[string]SpillStats {
	all := make(map[string]SpillStats)
	for _, o := range p.outputs {
		if o.isolated != nil && o.isolated.spill != nil {
			all[o.stats.ID] = o.isolated.spill.figures()
		}
	}
	return all
}

func (s *spill) figures() SpillStats {
	f := SpillStats{
		Active: s.active.Load(), MaxBytes: s.options.MaxBytes, Spilled: s.spilled.Load(), Replayed: s.replayed.Load(), Restored: s.restored.Load(),
	}
	if q := s.q.Load(); q != nil {
		st := q.Stats()
		f.Events, f.Bytes = int64(st.Events), st.Bytes
	}
	return f
}

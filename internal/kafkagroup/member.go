package kafkagroup

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// The times of a member.
const (
	// drainLimit is for batches that are on their way when the input ends: what is not settled by then is read again by whoever gets the
	// partition.
	drainLimit = 3 * time.Second
	// revokeLimit is the same for partitions that go to another member, which waits as long.
	revokeLimit = 10 * time.Second
	// leaveLimit is for the last commit and the farewell to the group.
	leaveLimit = 3 * time.Second
)

type topicPartition struct {
	topic string
	id    int32
}

// partition is what is under way of a partition while it is this member's. All of it is guarded by the member's lock.
type partition struct {
	topicPartition
	source *event.Source

	open   []entry // batches in the order of their offsets, from the first that is not settled
	first  int     // number of open[0]
	flying int     // batches that were pushed and are not settled
	left   bool    // it is to be given away: nothing of it is pushed any more
	gone   bool    // it was given away: nothing of it is committed any more
}

// entry is a batch under way.
type entry struct {
	next    kgo.EpochOffset // behind its last record
	settled bool
}

// member is one member of the group.
//
// Records are entered into their partition before the client may rebalance, and pushed afterwards, so that a pipeline that takes nothing
// holds up no rebalance. A partition's offset is committed up to its first batch that is not settled.
type member struct {
	r   *Reader
	out plugin.Sink
	cl  *kgo.Client

	commit chan struct{} // asks for a commit, with CommitAtOnce

	mu    sync.Mutex
	parts map[topicPartition]*partition
	moved chan struct{} // closed and replaced whenever a batch is settled
	ended bool          // no rebalance waits for batches any more
}

// run reads until ctx ends, lets what it read be settled, and leaves the group.
func (m *member) run(ctx context.Context) error {
	var wg sync.WaitGroup
	committing, stop := context.WithCancel(context.Background())
	if m.r.CommitAtOnce {
		wg.Go(func() { m.commitSettled(committing) })
	}
	err := m.poll(ctx)
	m.wait(context.Background(), drainLimit, func(*partition) bool { return true })
	m.mu.Lock()
	m.ended = true
	m.mu.Unlock()
	stop()
	wg.Wait()
	leaving, cancel := context.WithTimeout(context.Background(), leaveLimit)
	defer cancel()
	if err := m.cl.CommitMarkedOffsets(leaving); err != nil {
		m.r.Log.Warn("the last offsets could not be committed; their records will be read again", slog.Any("error", err))
	}
	m.cl.AllowRebalance()
	_ = m.cl.LeaveGroupContext(leaving) // the group will notice by itself
	m.cl.Close()
	return err
}

// poll reads until ctx ends or the pipeline takes no more.
func (m *member) poll(ctx context.Context) error {
	for ctx.Err() == nil {
		fetches := m.cl.PollRecords(ctx, m.r.MaxPoll)
		m.report(fetches)
		turn := m.take(fetches)
		m.cl.AllowRebalance()
		for _, t := range turn {
			if err := m.push(ctx, t); err != nil {
				if ctx.Err() != nil {
					return nil
				}
				return err
			}
		}
	}
	return nil
}

// report logs what went wrong; the client goes on by itself.
func (m *member) report(fetches kgo.Fetches) {
	fetches.EachError(func(topic string, id int32, err error) {
		if errors.Is(err, context.Canceled) || errors.Is(err, kgo.ErrClientClosed) {
			return
		}
		m.r.Errors.Add(1)
		m.r.Log.Error("reading a topic failed; it is tried again where that can help", slog.String("topic", topic), slog.Int("partition", int(id)), slog.Any("error", err))
	})
}

// parcel is a batch to be pushed.
type parcel struct {
	part  *partition
	entry int
	batch *event.Batch
}

// take makes batches of what was fetched and enters them. It has to be called before the client may rebalance.
func (m *member) take(fetches kgo.Fetches) (turn []parcel) {
	now := time.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	fetches.EachPartition(func(f kgo.FetchTopicPartition) {
		if len(f.Records) == 0 {
			return
		}
		m.r.Records.Add(int64(len(f.Records)))
		p := m.partition(topicPartition{f.Topic, f.Partition})
		for rest := f.Records; len(rest) > 0; {
			b, n := m.r.Batch(p.source, rest)
			b.Time = now
			last := rest[n-1]
			number := p.first + len(p.open)
			p.open = append(p.open, entry{next: kgo.EpochOffset{Epoch: last.LeaderEpoch, Offset: last.Offset + 1}})
			b.Done = func(*event.Batch) { m.settle(p, number) }
			turn = append(turn, parcel{p, number, b})
			rest = rest[n:]
		}
	})
	return turn
}

// partition returns what is known of a partition of this member's.
func (m *member) partition(id topicPartition) *partition {
	p := m.parts[id]
	if p == nil {
		p = &partition{topicPartition: id, source: m.r.Source(id.topic, id.id)}
		m.parts[id] = p
	}
	return p
}

// push hands a batch on, unless its partition is to be given away: whoever gets it reads it again.
func (m *member) push(ctx context.Context, t parcel) error {
	m.mu.Lock()
	left := t.part.left
	if !left {
		t.part.flying++
	}
	m.mu.Unlock()
	if left {
		return nil
	}
	err := m.out.Push(ctx, t.batch)
	if err != nil {
		m.mu.Lock()
		t.part.flying--
		t.part.left = true // nothing behind a batch that was not taken can be committed
		m.mu.Unlock()
	}
	return err
}

// settle is told that a batch is delivered.
func (m *member) settle(p *partition, number int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p.flying--
	p.open[number-p.first].settled = true
	n := 0
	for n < len(p.open) && p.open[n].settled {
		n++
	}
	if n > 0 {
		next := p.open[n-1].next
		p.open, p.first = p.open[n:], p.first+n
		if !p.gone {
			m.cl.MarkCommitOffsets(map[string]map[int32]kgo.EpochOffset{p.topic: {p.id: next}})
			select {
			case m.commit <- struct{}{}:
			default:
			}
		}
	}
	close(m.moved)
	m.moved = make(chan struct{})
}

// commitSettled commits what is settled as it comes.
func (m *member) commitSettled(ctx context.Context) {
	for {
		select {
		case <-m.commit:
			if err := m.cl.CommitMarkedOffsets(ctx); err != nil && ctx.Err() == nil {
				m.r.Log.Warn("offsets could not be committed; they are committed with the next ones", slog.Any("error", err))
			}
		case <-ctx.Done():
			return
		}
	}
}

// wait waits until nothing of some partitions is under way, for a limited time.
func (m *member) wait(ctx context.Context, limit time.Duration, which func(*partition) bool) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		m.mu.Lock()
		flying := 0
		for _, p := range m.parts {
			if which(p) {
				flying += p.flying
			}
		}
		moved, ended := m.moved, m.ended
		m.mu.Unlock()
		if flying == 0 || ended {
			return
		}
		select {
		case <-moved:
		case <-timer.C:
			m.r.Log.Warn("batches are not delivered in time to commit their offsets; their records will be read again", slog.Int("batches", flying))
			return
		case <-ctx.Done():
			return
		}
	}
}

// revoked lets what is under way of partitions be settled, commits it, and gives them away.
func (m *member) revoked(ctx context.Context, cl *kgo.Client, parts map[string][]int32) {
	if len(parts) == 0 {
		return
	}
	m.r.Rebalances.Add(1)
	m.mark(parts, func(p *partition) { p.left = true })
	m.wait(ctx, min(revokeLimit, m.r.RevokeLimit), func(p *partition) bool { return p.left })
	m.forget(parts)
	committing, cancel := context.WithTimeout(ctx, leaveLimit)
	defer cancel()
	if err := cl.CommitMarkedOffsets(committing); err != nil {
		m.r.Log.Warn("offsets of partitions that are given away could not be committed; their records will be read again", slog.Any("error", err))
	}
}

// lost forgets partitions that the group gave to others without asking: nothing of them can be committed.
func (m *member) lost(_ context.Context, _ *kgo.Client, parts map[string][]int32) {
	if len(parts) == 0 {
		return
	}
	m.r.Rebalances.Add(1)
	m.r.Log.Warn("partitions were given to other members of the group; records that are under way may be delivered twice")
	m.forget(parts)
}

func (m *member) forget(parts map[string][]int32) {
	m.mark(parts, func(p *partition) {
		p.left, p.gone = true, true
		delete(m.parts, p.topicPartition)
	})
}

// mark calls f for those of the partitions that are known.
func (m *member) mark(parts map[string][]int32, f func(*partition)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for topic, ids := range parts {
		for _, id := range ids {
			if p := m.parts[topicPartition{topic, id}]; p != nil {
				f(p)
			}
		}
	}
}

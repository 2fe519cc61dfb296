package queue

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/pipeline/queue/vfs"
)

// TestSimulation runs random work on a file system that fails, runs full, is killed and loses power, and checks
// conservation after each restart:
//   - what Append accepted and nobody acknowledged comes out, unless it was lost within the sync policy with the power;
//   - nothing comes out that was not given to Append, and nothing twice within one run;
//   - order is kept.
func TestSimulation(t *testing.T) {
	seeds := 150
	if n, err := strconv.Atoi(os.Getenv("MILLRACE_SOAK")); err == nil {
		seeds *= n
	}
	for seed := range seeds {
		if t.Failed() {
			break
		}
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) { simulate(t, uint64(seed)) })
	}
}

type simulation struct {
	*testing.T
	random *rand.Rand
	o      Options
	sim    *vfs.Sim
	q      *Queue

	given    int            // numbers given to Append so far
	accepted []int          // in order, not yet known to be settled
	loose    map[int]bool   // may come out or not: refused, or lost with the power within the sync policy
	settled  map[int]bool   // acknowledged
	out      map[int]uint64 // returned by Next in this run, not acknowledged: its id
	last     int            // last number returned in this run
	tail     []int          // accepted since the last moment at which the policy promises a sync
	faulty   bool           // a fault was injected, which may have hit a checkpoint
}

func simulate(t *testing.T, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 1))
	o := small()
	o.PageCapacity = 256 << random.IntN(5)
	o.MaxBytes = o.PageCapacity * (1 + random.Int64N(8)) * 2
	o.CheckpointWrites = []int{0, 1, 1, 1, 5}[random.IntN(5)]
	o.CheckpointAcks = []int{0, 1, 10}[random.IntN(3)]
	o.MemoryBytes = []int64{0, 200, 1 << 20}[random.IntN(3)]
	o.Compression = []Compression{CompressNone, CompressNone, CompressSpeed}[random.IntN(3)]
	s := &simulation{T: t, random: random, o: o, sim: vfs.NewSim(), loose: map[int]bool{}, settled: map[int]bool{}}
	s.start()
	for range 400 {
		switch n := random.IntN(100); {
		case n < 50:
			s.append()
		case n < 75:
			s.next()
		case n < 92:
			s.ack()
		case n < 94:
			op := []string{"write", "sync", "truncate", "create", "syncdir", "remove"}[random.IntN(6)]
			s.sim.Fail(op, 1+random.IntN(2), syscall.EIO)
			s.faulty = true
		case n < 96:
			s.sim.SetSpace(random.Int64N(2000))
			s.faulty = true
			s.append()
			s.append()
			s.sim.SetSpace(-1)
		case n < 97:
			s.heal()
			require.NoError(t, s.q.Close())
			s.tail = nil
			s.start()
		case n < 99:
			s.sim = s.sim.Kill()
			s.tail = nil // the next process syncs what it finds
			s.start()
		default:
			s.sim = s.sim.Crash(random)
			s.losePower()
			s.start()
		}
	}
	s.drain()
}

func (s *simulation) heal() {
	for _, op := range []string{"write", "sync", "truncate", "create", "syncdir", "remove"} {
		s.sim.Fail(op, 0, nil)
	}
}

func (s *simulation) start() {
	s.heal()
	s.out, s.last = map[int]uint64{}, -1
	s.q = open(s.T, s.o, s.sim)
}

func (s *simulation) append() {
	n := s.given
	s.given++
	b := binary.LittleEndian.AppendUint64(nil, uint64(n))
	filler := make([]byte, s.random.IntN(120))
	stats := s.q.Stats()
	// Nobody would free space while this goroutine waits for it.
	if stats.Bytes+frameHead+int64(len(b)+len(filler))+16 > s.o.MaxBytes {
		return
	}
	err := s.q.Append(s.Context(), nil, [][]byte{b, filler})
	if err != nil {
		var w *WriteError
		if !errors.As(err, &w) {
			s.Fatal(err)
		}
		s.loose[n] = true // its bytes may have reached the disk all the same
		s.tailIsLoose()   // a failed sync says nothing of what was written before
		return
	}
	if s.q.Stats().SyncErrors > stats.SyncErrors {
		s.tailIsLoose()
	}
	s.accepted = append(s.accepted, n)
	s.tail = append(s.tail, n)
	if s.o.CheckpointWrites == 5 && len(s.tail) > 2 {
		s.tail = s.tail[1:] // two entries are four events: the third brought a sync
	}
}

func (s *simulation) tailIsLoose() {
	if s.o.CheckpointWrites != 1 {
		for _, n := range s.tail {
			s.loose[n] = true
		}
	}
	s.tail = nil
}

// losePower forgets what the policy allows to be lost.
func (s *simulation) losePower() {
	s.tailIsLoose()
	// Acknowledgements may be forgotten.
	for n := range s.settled {
		s.loose[n] = true
	}
	s.settled = map[int]bool{}
}

func (s *simulation) next() bool {
	if s.q.Stats().Unread == 0 {
		return false
	}
	e, err := s.q.Next(s.Context())
	require.NoError(s, err)
	n := int(binary.LittleEndian.Uint64(e.Records[0]))
	require.Less(s, n, s.given, "came out of nowhere")
	require.Greater(s, n, s.last, "twice, or out of order")
	if s.o.CheckpointAcks == 1 && !s.faulty {
		require.False(s, s.settled[n], "acknowledged, and came out again")
	}
	s.last = n
	s.out[n] = e.ID
	return true
}

func (s *simulation) ack() {
	for n, id := range s.out {
		s.q.Ack(id)
		delete(s.out, n)
		s.settled[n] = true
		return
	}
}

func (s *simulation) drain() {
	s.heal()
	require.NoError(s, s.q.Close())
	s.start()
	for s.next() {
	}
	for _, n := range s.accepted {
		if _, ok := s.out[n]; !ok && !s.settled[n] && !s.loose[n] {
			s.Fatalf("%d was accepted and never delivered (options %+v)", n, s.o)
		}
	}
	for n, id := range s.out {
		s.q.Ack(id)
		delete(s.out, n)
	}
	require.NoError(s, s.q.Drain(s.Context()))
	stats := s.q.Stats()
	require.Zero(s, stats.LostEntries)
	require.LessOrEqual(s, stats.Pages, 1)
	require.NoError(s, s.q.Close())
}

// TestClockOfBlocked keeps the figure of Stats.Blocked honest: an append that does not wait adds nothing.
func TestClockOfBlocked(t *testing.T) {
	q := open(t, small(), vfs.NewSim())
	add(t, q, "x")
	require.Equal(t, time.Duration(0), q.Stats().Blocked)
	require.NoError(t, q.Close())
}

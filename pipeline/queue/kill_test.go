package queue

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/pipeline/queue/vfs"
)

// TestKill kills a real process under load with signal 9, again and again on the same folder, and then looks whether
// everything that it had been told is accepted comes out. It runs 5 rounds, or as many as MILLRACE_SOAK says.
//
// The child is this test binary. It writes "a N" after Append accepted record N, and "d N" after Next returned it and
// before it is acknowledged; the parent decides by the number of lines it read when to kill.
func TestKill(t *testing.T) {
	if folder := os.Getenv("MILLRACE_QUEUE_CHILD"); folder != "" {
		killedChild(folder)
		return
	}
	rounds, seed := 5, uint64(1)
	if n, err := strconv.Atoi(os.Getenv("MILLRACE_SOAK")); err == nil {
		rounds, seed = n, rand.Uint64()
	} else if testing.Short() {
		t.Skip("starts processes")
	}
	folder := filepath.Join(t.TempDir(), "queue")
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	accepted, delivered := map[uint64]bool{}, map[uint64]bool{}
	for round := range rounds {
		runAndKill(t, folder, uint64(round+1)<<32, 50+random.IntN(4000), accepted, delivered)
	}
	require.NotEmpty(t, accepted)
	q, err := Open(folder, killOptions(), vfs.OS{})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { defer cancel(); _ = q.Drain(ctx) }()
	for {
		e, err := q.Next(ctx)
		if err != nil {
			break
		}
		n := checkedNumber(e)
		require.NotZero(t, n, "record %d is not what was appended", e.ID)
		delivered[n] = true
		q.Ack(e.ID)
	}
	s := q.Stats()
	require.NoError(t, q.Close())
	require.Zero(t, s.Entries)
	require.Zero(t, s.LostEntries)
	for n := range accepted {
		require.True(t, delivered[n], "record %x was accepted and never delivered", n)
	}
	t.Logf("%d rounds, %d accepted, %d delivered", rounds, len(accepted), len(delivered))
}

func runAndKill(t *testing.T, folder string, first uint64, lines int, accepted, delivered map[uint64]bool) {
	t.Helper()
	c := exec.Command(os.Args[0], "-test.run=^TestKill$", "-test.timeout=60s")
	c.Env = append(os.Environ(), "MILLRACE_QUEUE_CHILD="+folder, fmt.Sprintf("MILLRACE_QUEUE_FIRST=%d", first))
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	r := bufio.NewReader(out)
	killed := false
	for n := 0; ; n++ {
		line, err := r.ReadString('\n')
		if err != nil { // what the pipe held is read to its end: it was said, so it counts
			break
		}
		var what string
		var number uint64
		_, err = fmt.Sscan(line, &what, &number)
		require.NoError(t, err, line)
		if what == "a" {
			accepted[number] = true
		} else {
			delivered[number] = true
		}
		if n == lines {
			require.NoError(t, c.Process.Kill())
			killed = true
		}
	}
	require.True(t, killed, "the child ended by itself")
	_ = c.Wait() // killed
}

func killOptions() Options {
	o := DefaultOptions()
	o.PageCapacity, o.MaxBytes, o.MemoryBytes = 64<<10, 512<<10, 32<<10
	o.CheckpointWrites, o.CheckpointAcks, o.CheckpointInterval = 50, 20, 20*time.Millisecond
	o.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	return o
}

// killedChild appends and acknowledges until it is killed.
func killedChild(folder string) {
	q, err := Open(folder, killOptions(), vfs.OS{})
	if err != nil {
		panic(err)
	}
	var mu sync.Mutex
	say := func(what string, n uint64) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(os.Stdout, "%s %d\n", what, n) // one write: a line is whole or absent
	}
	first, _ := strconv.ParseUint(os.Getenv("MILLRACE_QUEUE_FIRST"), 10, 64)
	for w := range uint64(3) {
		go func() {
			for n := first + w<<28 + 1; ; n++ {
				if err := q.Append(context.Background(), []byte("head"), numbered(n)); err != nil {
					panic(err)
				}
				say("a", n)
			}
		}()
	}
	// Acknowledged out of order, and a few never.
	var held []uint64
	for i := 0; ; i++ {
		e, err := q.Next(context.Background())
		if err != nil {
			panic(err)
		}
		n := checkedNumber(e)
		if n == 0 {
			panic("record is not what was appended")
		}
		say("d", n)
		held = append(held, e.ID)
		if len(held) > 10 {
			j := i * 7 % len(held)
			q.Ack(held[j])
			held[j] = held[len(held)-1]
			held = held[:len(held)-1]
		}
	}
}

// numbered returns records that say which they are.
func numbered(n uint64) [][]byte {
	b := binary.LittleEndian.AppendUint64(nil, n)
	filler := make([]byte, n*37%400)
	for i := range filler {
		filler[i] = byte(n)
	}
	return [][]byte{b, filler}
}

// checkedNumber returns the number of an entry, or 0 if it is not what numbered made.
func checkedNumber(e Entry) uint64 {
	if string(e.Header) != "head" || len(e.Records) != 2 || len(e.Records[0]) != 8 {
		return 0
	}
	n := binary.LittleEndian.Uint64(e.Records[0])
	if string(e.Records[1]) != string(numbered(n)[1]) {
		return 0
	}
	return n
}

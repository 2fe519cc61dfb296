package engine

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/internal/store/query"
)

// The child of TestCrash writes bulks for ever and prints the number of each when it is acknowledged.
const crashChild = "MILLRACE_ENGINE_CRASH_CHILD"

// crashBulk is bulk k: fifty new documents, a counter that becomes k, and the removal of a document of three bulks before.
func crashBulk(k int) []query.Op {
	var ops []query.Op
	doc := func(id string, n int) query.Doc {
		return query.Doc{Index: "logs", ID: id, Source: fmt.Appendf(nil, `{"n":%d}`, n), Time: int64(k), Fields: []query.Field{
			{Name: "n", Kind: query.Int, Ints: []int64{int64(n)}}, {Name: "msg", Kind: query.Text, Terms: []string{"bulk", strconv.Itoa(k), "doc", strconv.Itoa(n)}},
		}}
	}
	for i := range 50 {
		ops = append(ops, query.Op{Kind: query.Create, Doc: doc(fmt.Sprintf("%d-%d", k, i), i), IfSeqNo: -1})
	}
	ops = append(ops, query.Op{Kind: query.Put, Doc: doc("counter", k), IfSeqNo: -1})
	if k > 3 {
		ops = append(ops, query.Op{Kind: query.Delete, Doc: query.Doc{Index: "logs", ID: fmt.Sprintf("%d-0", k-3)}, IfSeqNo: -1})
	}
	return ops
}

// crashOptions make flushes and merges as frequent as bulks.
func crashOptions(dir string) Options {
	return Options{Dir: dir, MaxAge: -1, FlushBytes: 20 << 10}
}

func TestCrashChild(t *testing.T) {
	dir, from, ok := strings.Cut(os.Getenv(crashChild), " ")
	if !ok {
		t.Skip("the child of TestCrash")
	}
	k, err := strconv.Atoi(from)
	require.NoError(t, err)
	e, err := Open(crashOptions(dir))
	require.NoError(t, err)
	require.NoError(t, e.CreateIndex("logs", []byte("meta")))
	for ; ; k++ {
		if _, err := e.Apply(context.Background(), crashBulk(k)); err != nil {
			fmt.Println("failed:", err)
			return
		}
		fmt.Println("acknowledged", k)
	}
}

// TestCrash kills a writing process again and again and looks for what it had acknowledged.
func TestCrash(t *testing.T) {
	rounds := 6
	if testing.Short() {
		rounds = 3
	}
	dir, next := t.TempDir(), 1
	r := rand.New(rand.NewPCG(3, 4))
	for range rounds {
		acknowledged := runAndKill(t, dir, next, 5+r.IntN(25))
		next = checkAfterCrash(t, dir, acknowledged) + 1
	}
}

// runAndKill runs the child from a bulk on, kills it after some acknowledgements, and returns the last one that was read.
func runAndKill(t *testing.T, dir string, from, acks int) int {
	cmd := exec.Command(os.Args[0], "-test.run", "^TestCrashChild$", "-test.v")
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %d", crashChild, dir, from))
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	last := from - 1
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		require.NotContains(t, lines.Text(), "failed")
		if n, ok := strings.CutPrefix(lines.Text(), "acknowledged "); ok {
			last, err = strconv.Atoi(n)
			require.NoError(t, err)
			if acks--; acks == 0 {
				require.NoError(t, cmd.Process.Kill())
			}
		}
	}
	require.Error(t, cmd.Wait(), "it is killed, and does not end by itself")
	return last
}

// checkAfterCrash opens the store and returns the last bulk that is there: at least the last acknowledged, and whole.
func checkAfterCrash(t *testing.T, dir string, acknowledged int) int {
	e, err := Open(crashOptions(dir))
	require.NoError(t, err)
	defer func() { require.NoError(t, e.Close()) }()
	hit, ok, err := e.Get("logs", "counter")
	require.NoError(t, err)
	require.True(t, ok)
	var last int
	_, err = fmt.Sscanf(string(hit.Source), `{"n":%d}`, &last)
	require.NoError(t, err)
	require.GreaterOrEqual(t, last, acknowledged)
	require.Equal(t, []byte("meta"), e.Indices()[0].Meta)
	for k := 1; k <= last; k++ {
		var ids []string
		for i := range 50 {
			ids = append(ids, fmt.Sprintf("%d-%d", k, i))
		}
		want := 50
		if k <= last-3 {
			want = 49
		}
		res, err := e.Search(context.Background(), &query.Search{Targets: []query.Target{{Index: "logs", Query: query.IDs{Values: ids}}}, TrackTotal: -1})
		require.NoError(t, err)
		require.Equal(t, int64(want), res.Total, "documents of bulk %d, of %d", k, last)
	}
	_, ok, err = e.Get("logs", fmt.Sprintf("%d-1", last+1))
	require.NoError(t, err)
	require.False(t, ok)
	res, err := e.Search(context.Background(), &query.Search{Targets: []query.Target{{Index: "logs", Query: query.All{}}}, TrackTotal: -1})
	require.NoError(t, err)
	require.Equal(t, int64(50*last+1-max(0, last-3)), res.Total)
	return last
}

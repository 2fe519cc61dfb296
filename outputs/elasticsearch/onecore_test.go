package elasticsearch

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/pipeline/event"
)

// TestBenchSink is the other process of BenchmarkOneCore: a server that reads bulk requests and forgets them.
func TestBenchSink(t *testing.T) {
	if os.Getenv("MILLRACE_BENCH_SINK") == "" {
		t.Skip("started by BenchmarkOneCore")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	fmt.Println("sink at", l.Addr())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0) // whoever started this is gone
	}()
	_ = http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Elastic-Product", "Elasticsearch")
		if r.Method == http.MethodGet {
			_, _ = io.WriteString(w, `{"version":{"number":"8.19.0"}}`)
			return
		}
		_, _ = io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{r.Body}, make([]byte, 256<<10))
		_, _ = io.WriteString(w, `{"errors":false}`)
	}))
}

// startSink starts the other process and returns its address.
func startSink(b *testing.B) string {
	b.Helper()
	c := exec.Command(os.Args[0], "-test.run=^TestBenchSink$", "-test.v")
	c.Env = append(os.Environ(), "MILLRACE_BENCH_SINK=1")
	in, err := c.StdinPipe()
	require.NoError(b, err)
	out, err := c.StdoutPipe()
	require.NoError(b, err)
	require.NoError(b, c.Start())
	b.Cleanup(func() {
		_ = in.Close()
		_ = c.Wait()
	})
	for sc := bufio.NewScanner(out); sc.Scan(); {
		if addr, ok := strings.CutPrefix(sc.Text(), "sink at "); ok {
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return addr
		}
	}
	b.Fatal("the sink does not start")
	return ""
}

// cpuTime is what the process has used of all cores.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkOneCore ships parsed events with GOMAXPROCS=1 to a sink in another process. events/cpu-s is what one core ships that
// nobody else uses: events by the CPU time of this process, the kernel's part of it included.
func BenchmarkOneCore(b *testing.B) {
	addr := startSink(b)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	f := func(name, conf, doc string) {
		b.Run(name, func(b *testing.B) {
			r := open(b, `hosts => ["http://`+addr+`"] index => "app" manage_template => false `+conf)
			w := r.NewWriter()
			e := makeEvent(b, doc)
			ctx := context.Background()
			b.ReportAllocs()
			b.SetBytes(int64(len(e.AppendJSON(nil))))
			cpu, start, n := cpuTime(b), time.Now(), 0
			for b.Loop() {
				if err := w.Append(e); err != nil {
					b.Fatal(err)
				}
				if n++; n%125 == 0 {
					t := &event.Batch{}
					t.Expect(1)
					if err := w.Flush(ctx, t); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(n)/(cpuTime(b)-cpu).Seconds(), "events/cpu-s")
			b.ReportMetric(float64(n)/time.Since(start).Seconds(), "events/s")
		})
	}
	f("apache", `compression_level => 0`, apacheDoc)
	f("apache-gzip", `compression_level => 1`, apacheDoc)
	f("small", `compression_level => 0`, `{"message":"GET /index.html","status":200}`)
}

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/codecs"
	"millrace/filters"
	"millrace/inputs"
	"millrace/internal/childproc"
	"millrace/internal/stream"
	"millrace/outputs"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// childVariable makes the test binary the program itself, with the plugins of this file in addition.
const childVariable = "MILLRACE_TEST_CHILD"

// patience is how long a test waits for what has to come: it ends a test that hangs, and says nothing about speed.
const patience = time.Minute

// childRegistry holds all plugins, and those that let a test see what was accepted and delivered.
func childRegistry() *plugin.Registry {
	return plugin.NewRegistry(inputs.All(), codecs.All(), filters.All(), outputs.All(), []*plugin.Definition{
		plugin.DefineInput("acked", portOptions{}, newAcked, plugin.WithCodec("line"), plugin.Streaming()),
		plugin.DefineOutput("delivered", urlOptions{}, newSink),
		plugin.DefineOutput("refuse", struct{}{}, newRefuse),
	})
}

// child is a running program.
type child struct {
	*childproc.Process
	t *testing.T
}

// startChild starts the program and waits until its pipelines run.
func startChild(t *testing.T, args ...string) *child {
	t.Helper()
	env := []string{childVariable + "=1", "HOME=" + t.TempDir(), "LS_SETTINGS_DIR=" + t.TempDir()}
	p, err := childproc.Launch("millrace", append([]string{os.Args[0], "--api.enabled=false"}, args...), env, patience,
		func(line string) bool { return strings.Contains(line, "Pipelines running") })
	require.NoError(t, err)
	t.Cleanup(p.Kill)
	return &child{p, t}
}

// end stops the program and returns what it printed.
func (c *child) end() string {
	c.t.Helper()
	require.NoError(c.t, c.Signal(syscall.SIGTERM))
	return c.wait()
}

func (c *child) wait() string {
	c.t.Helper()
	select {
	case <-c.Done():
	case <-time.After(patience):
		c.t.Fatal("the program does not end:\n" + c.Output())
	}
	require.Equal(c.t, 0, c.State().ExitCode(), c.Output())
	return c.Output()
}

type portOptions struct {
	Port int `opt:"port,required"`
}

// acked is an input that tells its sender how many lines it pushed.
type acked struct {
	o   portOptions
	env *plugin.Env
}

func newAcked(o portOptions, env *plugin.Env) (plugin.Input, error) { return &acked{o, env}, nil }

func (a *acked) Run(ctx context.Context, out plugin.Sink) error {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(a.o.Port)))
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { _ = l.Close() })()
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		c, err := l.Accept()
		if err != nil {
			return nil // the end
		}
		wg.Go(func() { a.serve(ctx, c, out) })
	}
}

func (a *acked) serve(ctx context.Context, c net.Conn, out plugin.Sink) {
	defer func() { _ = c.Close() }()
	defer context.AfterFunc(ctx, func() { _ = c.SetReadDeadline(time.Unix(1, 0)) })()
	r := stream.NewReader(c, a.env.NewFramer(), stream.Limits{})
	source := a.env.NewSource(event.SourceField{Path: event.MustPath("from"), Value: event.StringValue("acked")})
	for {
		b, err := r.Next()
		if b != nil {
			n := b.Len()
			b.Source = source
			if out.Push(ctx, b) != nil {
				return
			}
			if _, err := fmt.Fprintf(c, "%d\n", n); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

type urlOptions struct {
	URL string `opt:"url,required"`
}

// sink is an output that posts messages, one a line, and tries until they are taken.
type sink struct {
	o   urlOptions
	env *plugin.Env
}

func newSink(o urlOptions, env *plugin.Env) (plugin.Output, error) { return &sink{o, env}, nil }

func (s *sink) NewWriter() plugin.Writer    { return &sinkWriter{s: s} }
func (s *sink) Close(context.Context) error { return nil }

type sinkWriter struct {
	s   *sink
	buf []byte
	n   int64
}

func (w *sinkWriter) Append(e *event.Event) error {
	v, _ := e.Get(event.MustPath("message"))
	w.buf = append(v.AppendText(w.buf), '\n')
	w.n++
	return nil
}

func (w *sinkWriter) Flush(ctx context.Context, b *event.Batch) error {
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.s.o.URL, bytes.NewReader(w.buf))
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			_ = resp.Body.Close()
		}
		if err == nil && resp.StatusCode == http.StatusOK {
			break
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	w.s.env.Stats.Delivered.Add(w.n)
	w.buf, w.n = w.buf[:0], 0
	b.Settle()
	return nil
}

// refuse is an output that dead-letters all it gets.
type refuse struct{ env *plugin.Env }

func newRefuse(_ struct{}, env *plugin.Env) (plugin.Output, error) { return &refuse{env}, nil }

func (r *refuse) NewWriter() plugin.Writer    { return r }
func (r *refuse) Close(context.Context) error { return nil }

func (r *refuse) Append(e *event.Event) error {
	if r.env.DeadLetters == nil {
		r.env.Stats.Dropped.Add(1)
		return errors.New("refused")
	}
	err := r.env.DeadLetters.Write(plugin.DeadLetter{
		Time: time.Now(), PluginType: r.env.Name, PluginID: r.env.ID, Reason: "still refused", Document: e.AppendJSON(nil),
		Replayed: plugin.Replayed(e),
	})
	if err != nil {
		r.env.Stats.Dropped.Add(1)
		return err
	}
	r.env.Stats.DeadLettered.Add(1)
	return nil
}

func (r *refuse) Flush(_ context.Context, b *event.Batch) error {
	b.Settle()
	return nil
}

// collector is the server behind the output sink.
type collector struct {
	mu     sync.Mutex
	lines  map[string]int
	answer func() bool // whether to take a request; called without the lock
}

func newCollector() *collector {
	return &collector{lines: map[string]int{}, answer: func() bool { return true }}
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	c.mu.Lock()
	answer := c.answer
	c.mu.Unlock()
	if !answer() {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, l := range strings.Split(strings.TrimSuffix(string(body), "\n"), "\n") {
		c.lines[l]++
	}
}

func (c *collector) setAnswer(f func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answer = f
}

func (c *collector) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.lines)
}

// writeFile writes a file of the test's own and returns its path.
func writeFile(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

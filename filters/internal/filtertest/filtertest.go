// Package filtertest runs one filter on events given as JSON, for the tests of filters.
package filtertest

import (
	"context"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Now is the @timestamp of events whose JSON has none. Run does not print it.
var Now = time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)

// Runner is a filter as a worker has it.
type Runner struct {
	Filter plugin.Filter
	ECS    plugin.ECS
	t      testing.TB
}

// New builds the filter from the text between its braces; ecs_compatibility is disabled unless the text says otherwise.
func New(t testing.TB, d *plugin.Definition, options string) *Runner {
	t.Helper()
	return NewIn(t, nil, d, options)
}

// NewIn builds the filter as one of several of a process.
func NewIn(t testing.TB, process *plugin.Shared, d *plugin.Definition, options string) *Runner {
	t.Helper()
	built, diags := build(process, d, options)
	if built == nil {
		t.Fatalf("the options %s are refused: %s", options, diags)
	}
	f := built.Filter
	if p, ok := f.(plugin.PerWorker); ok {
		f = p.ForWorker()
	}
	return &Runner{Filter: f, ECS: built.Env.ECS, t: t}
}

// Diagnose returns what building the filter from the text between its braces reports, rendered.
func Diagnose(d *plugin.Definition, options string) string {
	_, diags := build(nil, d, options)
	return diags.String()
}

// EndsWithContext asserts that a filter which waits for a server gives up when the context of its Start ends: options are those for the server at
// an address, want is what then becomes of the event {}.
func EndsWithContext(t *testing.T, d *plugin.Definition, options func(address string) string, want string) {
	t.Helper()
	silent, err := net.Listen("tcp", "127.0.0.1:0") // the system takes connections, and nobody answers
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	r := New(t, d, options(silent.Addr().String()))
	ctx, cancel := context.WithCancel(t.Context())
	if err := r.Filter.(plugin.Starter).Start(ctx); err != nil {
		t.Fatal(err)
	}
	got := make(chan string, 1)
	go func() { got <- r.Run("{}") }()
	c, err := silent.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	cancel()
	select {
	case doc := <-got:
		if doc != want {
			t.Fatalf("got %s, want %s", doc, want)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("the filter still waits for the server")
	}
}

func build(process *plugin.Shared, d *plugin.Definition, options string) (*plugin.Built, config.Diagnostics) {
	f, diags := config.Parse("test.conf", []byte("filter { "+d.Name+" { "+options+" } }"), config.ParseOptions{})
	if diags.HasErrors() {
		return nil, diags
	}
	return plugin.NewRegistry([]*plugin.Definition{d}).Build(f.Sections[0].Body[0].(*config.PluginNode), plugin.Builder{
		Pipeline: "main", ECS: plugin.ECSDisabled, Workers: 1, Log: slog.New(slog.DiscardHandler), AutoID: "test", Process: process,
		Lookup: func(string) (string, bool) { return "", false },
	})
}

// Event makes an event of a JSON object.
func Event(t testing.TB, doc string) *event.Event {
	t.Helper()
	e := event.New(nil)
	Fill(t, e, doc)
	return e
}

// Fill makes e, after a Reset, the event of a JSON object.
func Fill(t testing.TB, e *event.Event, doc string) {
	t.Helper()
	e.Reset()
	v, _, ok, err := e.ParseJSON(doc)
	if err != nil || !ok || v.Object() == nil {
		t.Fatalf("not a JSON object: %s: %v", doc, err)
	}
	e.SetRoot(v.Object())
	e.Create(Now)
}

// Run takes the event of a JSON object through the filter and returns what comes out: one line an event, without @timestamp (if it is
// Now) and @version, with " +" behind events to which the common options would be applied, and "dropped" for those that were.
func (r *Runner) Run(doc string) string {
	r.t.Helper()
	e := Event(r.t, doc)
	out := &spawner{succeeded: make(map[*event.Event]bool)}
	if m, ok := r.Filter.(plugin.Multiplier); ok {
		out.succeeded[e] = m.Multiply(e, out)
	} else {
		out.succeeded[e] = r.Filter.Filter(e)
	}
	var lines []string
	for _, e := range append([]*event.Event{e}, out.made...) {
		lines = append(lines, render(e, out.succeeded[e]))
	}
	return strings.Join(lines, "\n")
}

func render(e *event.Event, succeeded bool) string {
	if e.Cancelled() {
		return "dropped"
	}
	if ts, ok := e.Timestamp(); ok && ts.Equal(Now) {
		e.Root().Delete(event.TimestampField)
	}
	if v, _ := e.Root().Get(event.VersionField); v.Str() == "1" {
		e.Root().Delete(event.VersionField)
	}
	line := string(e.AppendJSON(nil))
	if meta := e.Metadata(); meta.Len() > 0 {
		line += " @metadata=" + string(meta.AppendJSON(nil))
	}
	if succeeded {
		line += " +"
	}
	return line
}

// spawner collects what a filter makes.
type spawner struct {
	made      []*event.Event
	succeeded map[*event.Event]bool
}

func (s *spawner) New() *event.Event {
	e := event.New(nil)
	s.made = append(s.made, e)
	return e
}

func (s *spawner) Succeed(e *event.Event) { s.succeeded[e] = true }

// Bench measures a filter that does not multiply. The events are made outside the clock's view, some hundred at a time.
func Bench(b *testing.B, d *plugin.Definition, options, doc string) {
	r := New(b, d, options)
	arena := new(event.Arena)
	events := make([]*event.Event, 256)
	for i := range events { // objects, lists and buffers reach their size
		events[i] = event.New(arena)
		Fill(b, events[i], doc)
		r.Filter.Filter(events[i])
	}
	b.ReportAllocs()
	for i := len(events); b.Loop(); i++ {
		if i == len(events) {
			i = 0
			b.StopTimer()
			for _, e := range events {
				Fill(b, e, doc)
			}
			b.StartTimer()
		}
		r.Filter.Filter(events[i])
	}
}

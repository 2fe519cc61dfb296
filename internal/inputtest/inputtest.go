// Package inputtest runs an input in a test as a pipeline would: built from the text of a config, its batches decoded and decorated.
package inputtest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"

	"millrace/codecs"
	"millrace/internal/logging"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Hostname is the name of the machine that inputs are told.
const Hostname = "host1"

// Build makes the input that the text between the braces of an input section asks for. The input is nil if the diagnostics have errors.
func Build(t testing.TB, def *plugin.Definition, conf string, b plugin.Builder) (*plugin.Built, config.Diagnostics) {
	t.Helper()
	f, diags := config.Parse("test", []byte("input { "+def.Name+" { "+conf+" } }"), config.ParseOptions{})
	require.Empty(t, diags)
	if b.Log == nil {
		b.Log = logging.Discard()
	}
	if b.ECS == "" {
		b.ECS = plugin.ECSv8
	}
	if b.DataDir == "" {
		b.DataDir = t.TempDir()
	}
	b.Hostname = Hostname
	reg := plugin.NewRegistry([]*plugin.Definition{def}, codecs.All())
	built, diags := reg.Build(f.Sections[0].Body[0].(*config.PluginNode), b)
	if built == nil {
		return nil, diags
	}
	if own, ok := built.Input.(interface{ Codec() *plugin.Codec }); ok {
		built.Codec = own.Codec()
	}
	return built, diags
}

// Refused asserts that a config is refused with a text.
func Refused(t testing.TB, def *plugin.Definition, conf, want string) {
	t.Helper()
	built, diags := Build(t, def, conf, plugin.Builder{})
	require.Nil(t, built)
	require.Contains(t, diags.String(), want)
}

// Sink takes batches and makes events of them.
type Sink struct {
	// Hold keeps batches unsettled until Release.
	Hold bool
	// Blocked, if not nil, makes Push wait until it is closed.
	Blocked chan struct{}
	// Entered, if not nil, is told of each Push before it waits.
	Entered chan struct{}

	codec   *plugin.Codec
	mu      sync.Mutex
	cond    *sync.Cond
	events  []string
	records int
	pushes  int
	held    []*event.Batch
}

// NewSink returns a sink for what an input pushes.
func NewSink(built *plugin.Built) *Sink {
	s := &Sink{codec: built.Codec}
	s.cond = sync.NewCond(&s.mu)
	return s
}

// Push implements plugin.Sink.
func (s *Sink) Push(ctx context.Context, b *event.Batch) error {
	if s.Entered != nil {
		select {
		case s.Entered <- struct{}{}:
		default:
		}
	}
	if s.Blocked != nil {
		select {
		case <-s.Blocked:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	s.mu.Lock()
	if b.Time.IsZero() {
		b.Time = time.Now()
	}
	d := s.codec.NewDecoder()
	for i := range b.Len() {
		s.events = append(s.events, Documents(d, b, i)...)
	}
	s.records += b.Len()
	s.pushes++
	if s.codec.Borrows {
		recycle(b)
	}
	hold := s.Hold
	if hold {
		s.held = append(s.held, b)
	}
	s.cond.Broadcast()
	s.mu.Unlock()
	if !hold {
		b.Expect(0)
	}
	return nil
}

// Documents returns the events of one record as JSON, @metadata included, @timestamp and @version not.
func Documents(d plugin.Decoder, b *event.Batch, i int) []string {
	var made []*event.Event
	r := b.Record(i)
	d.Decode(&r, func() *event.Event {
		e := event.New(nil)
		made = append(made, e)
		return e
	})
	docs := make([]string, len(made))
	for j, e := range made {
		e.Create(b.Time)
		_ = b.Source.Decorate(e, &r)
		if t, _ := e.Timestamp(); t.Equal(b.Time) {
			e.Root().Delete(event.TimestampField)
		}
		e.Root().Delete(event.VersionField)
		if e.Metadata().Len() > 0 {
			e.Root().Set(event.MetadataField, event.ObjectValue(e.Metadata()))
		}
		docs[j] = string(e.AppendJSON(nil))
	}
	return docs
}

// recycle spoils the lines of b and gives its memory back, as a pipeline does of which no plugin keeps texts: who reads them again shows garbage.
func recycle(b *event.Batch) {
	if b.Chunk != nil {
		text := unsafe.Slice(unsafe.StringData(b.Text), len(b.Text))
		for _, s := range b.Spans {
			for i := s.Start; i < s.End; i++ {
				text[i] = 0xff
			}
		}
	}
	b.Recycle()
}

// patience is how long Wait waits: longer than the slowest machine needs, and short enough to tell which test lacks what.
const patience = 5 * time.Minute

// Wait returns all events once there are n, and panics when they do not come: a lost event must not hang the tests without a word.
func (s *Sink) Wait(n int) []string {
	late := time.AfterFunc(patience, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		panic(fmt.Sprintf("%d events in place of %d after %v: %q", len(s.events), n, patience, s.events[max(0, len(s.events)-10):]))
	})
	defer late.Stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.events) < n {
		s.cond.Wait()
	}
	return append([]string(nil), s.events...)
}

// Len returns how many events came so far.
func (s *Sink) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.events)
}

// Release settles what is held and what comes from now on.
func (s *Sink) Release() {
	s.mu.Lock()
	held := s.held
	s.held, s.Hold = nil, false
	s.mu.Unlock()
	for _, b := range held {
		b.Expect(0)
	}
}

// Run runs an input until stop is called or the test ends; stop waits for it.
func Run(t testing.TB, in plugin.Input, out plugin.Sink) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	end := make(chan error, 1)
	go func() { end <- in.Run(ctx, out) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-end; err != nil {
				t.Errorf("the input ended with %v", err)
			}
		})
	}
	t.Cleanup(stop)
	return stop
}

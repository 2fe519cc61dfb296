package deadletterqueue

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/internal/logging"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
	"millrace/pipeline/queue"
	"millrace/pipeline/queue/vfs"
)

// build makes the input of a config, in which DIR stands for a folder of the test's own.
func build(t *testing.T, dir, conf string) (*plugin.Built, config.Diagnostics) {
	t.Helper()
	f, diags := config.Parse("test", []byte("input { dead_letter_queue { "+strings.ReplaceAll(conf, "DIR", dir)+" } }"), config.ParseOptions{})
	require.Empty(t, diags)
	plain := plugin.DefineCodec("plain", struct{}{}, func(struct{}, *plugin.Env) (*plugin.Codec, error) { return Codec(), nil })
	reg := plugin.NewRegistry([]*plugin.Definition{Plugin, plain})
	return reg.Build(f.Sections[0].Body[0].(*config.PluginNode), plugin.Builder{Log: logging.Discard(), DataDir: dir, Pipeline: "reader"})
}

// letters writes letters to the queue of a pipeline, one a minute from minute first of 2024 on.
func letters(t *testing.T, dir string, first, n int, maxBytes int64) {
	t.Helper()
	o := queue.DefaultDeadLetterOptions()
	o.MaxBytes = maxBytes
	d, err := queue.OpenDeadLetters(filepath.Join(dir, "main"), o, vfs.OS{})
	require.NoError(t, err)
	for i := first; i < first+n; i++ {
		stored, err := d.Write(queue.DeadLetter{
			EntryTime: minute(i), PluginType: "elasticsearch", PluginID: "es", Reason: fmt.Sprint("reason ", i), Pipeline: "main",
			Event: fmt.Appendf(nil, `{"@timestamp":"2020-02-02T02:02:02Z","n":%d,"tags":["a"]}`, i),
		})
		require.NoError(t, err)
		require.Equal(t, 1, stored)
	}
	require.NoError(t, d.Close())
}

func minute(i int) time.Time { return time.Date(2024, 1, 1, 0, i, 0, 0, time.UTC) }

// sink takes batches and settles none.
type sink struct{ batches []*event.Batch }

func (s *sink) Push(_ context.Context, b *event.Batch) error {
	s.batches = append(s.batches, b)
	return nil
}

func (s *sink) settle(which ...int) {
	for _, i := range which {
		s.batches[i].Expect(0)
	}
}

// numbers returns the n of the events of all batches.
func (s *sink) numbers(t *testing.T) (ns []int64) {
	for _, b := range s.batches {
		for i := range b.Records {
			e := decode(t, b, i)
			v, _ := e.Get(event.MustPath("n"))
			ns = append(ns, v.Int())
		}
	}
	return ns
}

func decode(t *testing.T, b *event.Batch, i int) *event.Event {
	t.Helper()
	e := event.New(nil)
	Codec().NewDecoder().Decode(&b.Records[i], func() *event.Event { return e })
	e.Create(b.Time)
	require.NoError(t, b.Source.Decorate(e, &b.Records[i]))
	return e
}

// run runs the input of a config until it waits for more, and then ends it; late is called before the end is over.
func run(t *testing.T, dir, conf string, during, late func(*sink)) *sink {
	t.Helper()
	s := new(sink)
	synctest.Test(t, func(t *testing.T) {
		built, diags := build(t, dir, conf)
		require.NotNil(t, built, diags.String())
		ctx, cancel := context.WithCancel(t.Context())
		end := make(chan error)
		go func() { end <- built.Input.Run(ctx, s) }()
		time.Sleep(time.Second)
		synctest.Wait()
		during(s)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		cancel()
		require.NoError(t, <-end)
		late(s)
		synctest.Wait()
	})
	return s
}

func nothing(*sink) {}

func sequence(from, to int) (ns []int64) {
	for i := from; i < to; i++ {
		ns = append(ns, int64(i))
	}
	return ns
}

func TestFields(t *testing.T) {
	dir := t.TempDir()
	letters(t, dir, 0, 1, 1<<20)
	s := run(t, dir, `path => "DIR" type => "x" add_field => { "more" => "%{n}" } codec => plain`, nothing, nothing)
	e := decode(t, s.batches[0], 0)
	require.JSONEq(t, `{"@timestamp":"2020-02-02T02:02:02.000Z","@version":"1","n":0,"tags":["a"],"type":"x","more":"0"}`, string(e.AppendJSON(nil)))
	f := func(field string, want event.Value) {
		t.Helper()
		v, ok := e.Get(event.MustPath("[@metadata][dead_letter_queue][" + field + "]"))
		require.True(t, ok)
		require.True(t, want.Equal(v), "%s: %s", field, v.Text())
	}
	f("plugin_type", event.StringValue("elasticsearch"))
	f("plugin_id", event.StringValue("es"))
	f("reason", event.StringValue("reason 0"))
	f("entry_time", event.TimeValue(minute(0)))
}

func TestOffsets(t *testing.T) {
	dir := t.TempDir()
	letters(t, dir, 0, 300, 1<<20)
	const conf = `path => "DIR"`
	s := run(t, dir, conf, func(s *sink) { s.settle(0, 2) }, nothing)
	require.Equal(t, sequence(0, 300), s.numbers(t))
	require.Len(t, s.batches, 3)
	s = run(t, dir, conf, nothing, func(s *sink) { s.settle(1, 0) })
	require.Equal(t, sequence(batchRecords, 300), s.numbers(t), "the second batch was not delivered, so it and what follows comes again")
	s = run(t, dir, conf, nothing, nothing)
	require.Empty(t, s.batches, "what settled while the pipeline drained is remembered")
	letters(t, dir, 300, 2, 1<<20)
	s = run(t, dir, conf, nothing, nothing)
	require.Equal(t, sequence(300, 302), s.numbers(t))
	require.FileExists(t, filepath.Join(dir, "plugins/inputs/dead_letter_queue/main", fmt.Sprintf(".sincedb_%s", sum(dir))))
}

func sum(dir string) string {
	names, _ := filepath.Glob(filepath.Join(dir, "plugins/inputs/dead_letter_queue/main/.sincedb_*"))
	_, after, _ := strings.Cut(filepath.Base(names[0]), ".sincedb_")
	return after
}

func TestWithoutOffsets(t *testing.T) {
	dir := t.TempDir()
	letters(t, dir, 0, 5, 1<<20)
	for range 2 {
		s := run(t, dir, `path => "DIR" commit_offsets => false sincedb_path => "DIR/since"`, func(s *sink) { s.settle(0) }, nothing)
		require.Equal(t, sequence(0, 5), s.numbers(t))
	}
	require.NoFileExists(t, filepath.Join(dir, "since"))
}

func TestStartTimestamp(t *testing.T) {
	dir := t.TempDir()
	letters(t, dir, 0, 60, 1<<20)
	const conf = `path => "DIR" start_timestamp => "2024-01-01T00:50:00Z" sincedb_path => "DIR/since"`
	s := run(t, dir, conf, func(s *sink) { s.settle(0) }, nothing)
	require.Equal(t, sequence(50, 60), s.numbers(t))
	letters(t, dir, 10, 1, 1<<20)
	s = run(t, dir, conf, nothing, nothing)
	require.Equal(t, []int64{10}, s.numbers(t), "what is remembered comes before start_timestamp")
}

func TestCleanConsumed(t *testing.T) {
	dir := t.TempDir()
	letters(t, dir, 0, 100, 40<<10) // segments of 5 KiB
	segments := func() int {
		names, err := filepath.Glob(filepath.Join(dir, "main", "*.dlq"))
		require.NoError(t, err)
		return len(names)
	}
	before := segments()
	require.Greater(t, before, 2)
	run(t, dir, `path => "DIR" clean_consumed => true`, nothing, nothing)
	require.Equal(t, before, segments(), "nothing was delivered")
	run(t, dir, `path => "DIR" clean_consumed => true`, func(s *sink) { s.settle(0) }, nothing)
	require.Equal(t, 1, segments())
}

func TestFolderThatComesLater(t *testing.T) {
	dir := t.TempDir()
	_, diags := build(t, dir, `path => "DIR/later"`)
	require.Equal(t, 1, diags.Count(config.Warning), diags.String())
	s := run(t, dir, `path => "DIR/later"`, func(s *sink) {
		require.Empty(t, s.batches)
		letters(t, filepath.Join(dir, "later"), 0, 3, 1<<20)
	}, nothing)
	require.Equal(t, sequence(0, 3), s.numbers(t))
}

func TestDocumentThatIsNone(t *testing.T) {
	e := event.New(nil)
	Codec().NewDecoder().Decode(&event.Record{Data: "[1]"}, func() *event.Event { return e })
	require.JSONEq(t, `{"message":"[1]","tags":["_jsonparsefailure"]}`, string(e.AppendJSON(nil)))
}

func TestMistakes(t *testing.T) {
	dir := t.TempDir()
	f := func(conf string, want ...string) {
		t.Helper()
		built, diags := build(t, dir, conf)
		require.Nil(t, built)
		for _, w := range want {
			require.Contains(t, diags.String(), w)
		}
	}
	f(`pipeline_id => "x"`, `option "path" is required`)
	f(`path => "DIR" start_timestamp => "yesterday" pipeline_id => "../x" clean_consumed => true commit_offsets => false`,
		"is not a time", "is not the id of a pipeline", "needs commit_offsets")
	f(`path => "DIR" sincedb_path => "DIR"`, "is a folder")
	_, diags := build(t, dir, `path => "DIR/dead_letter_queue" pipeline_id => "reader"`)
	require.Contains(t, diags.String(), "fails again is logged and dropped")
}

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os/signal"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	deadletterqueue "millrace/inputs/dead_letter_queue"
	"millrace/internal/logging"
	"millrace/internal/settings"
	"millrace/pipeline"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
	"millrace/pipeline/queue"
	"millrace/pipeline/queue/vfs"
)

// replayOptions are the flags of dlq replay.
type replayOptions struct {
	dlqOptions
	dry, keep, outputsOnly bool
	limit                  int
}

func (p *program) dlqReplay() *cobra.Command {
	var o replayOptions
	cmd := &cobra.Command{
		Use: "replay [PIPELINE or FOLDER]", Short: "Send dead letters through a pipeline again",
		Long: `Send dead letters through the filters and outputs of a pipeline again, without its inputs: of the pipeline that they come from, or
of another configuration given by -f or -e. In its conditions [@metadata][dead_letter_queue][reason] and the like are there.

With --dry-run nothing is sent: what each output would get is printed.

A letter that is delivered is deleted from the queue. One that fails again is written back with its new reason. While a running process
has the queue open, that cannot be: such a letter then stays as it is, and letters go one at a time.`,
		Example: "  millrace dlq replay main --reason date_time --dry-run -f fixed.conf\n  millrace dlq replay main --reason date_time -f fixed.conf",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			l, err := o.open(cmd)
			if err != nil {
				return err
			}
			dir, err := letterFolder(l, args)
			if err != nil {
				return err
			}
			ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
			defer stop()
			return p.replay(ctx, l, dir, &o)
		},
	}
	f := cmd.Flags()
	o.run.flags(f)
	o.filter.flags(f)
	f.StringVar(&o.format, "format", "text", "text or json")
	f.BoolVar(&o.dry, "dry-run", false, "print what would be sent, and send nothing")
	f.BoolVar(&o.keep, "keep", false, "leave delivered letters in the queue")
	f.BoolVar(&o.outputsOnly, "outputs-only", false, "leave the filters out: the events went through them before they failed")
	f.IntVar(&o.limit, "limit", 0, "how many letters to send; 0 is all")
	return cmd
}

// replayChunk is how many letters are on their way at once.
const replayChunk = 250

// replay sends the letters in dir.
func (p *program) replay(ctx context.Context, l *loaded, dir string, o *replayOptions) error {
	s, err := replaySettings(l, filepath.Base(dir))
	if err != nil {
		return err
	}
	r := &replay{dir: dir, filter: &o.filter, limit: o.limit, chunk: replayChunk, began: time.Now(), sent: map[queue.Position]bool{}}
	if err := r.open(o, p.err); err != nil {
		return err
	}
	pl, err := p.compileReplay(l, s, r, o.outputsOnly)
	if err != nil {
		return errors.Join(err, r.close())
	}
	var dry *dryRun
	if o.dry {
		dry = &dryRun{w: bufio.NewWriter(p.out), json: o.format == "json"}
		pl.SubstituteOutputs(dry.output)
	}
	err = errors.Join(pl.Run(ctx), r.failed, r.close())
	if dry != nil {
		return errors.Join(err, dry.w.Flush(), p.dryResult(r, o.format))
	}
	deleted := 0
	if !o.keep && len(r.sent) > 0 {
		var perr error
		deleted, perr = queue.PurgeDeadLetters(dir, vfs.OS{}, func(pos queue.Position, _ queue.DeadLetter) bool { return r.sent[pos] })
		err = errors.Join(err, perr)
	}
	if err != nil {
		return err
	}
	return p.replayResult(r, pl, deleted, o.format)
}

// replaySettings returns the settings of the pipeline that letters go through.
func replaySettings(l *loaded, id string) (*settings.Settings, error) {
	first := l.pipelines[0]
	switch {
	case l.byDefault:
		return nil, errors.New("there is no configuration to send dead letters through: name one by -f, or the folder of the settings by --path.settings")
	case len(l.pipelines) == 1:
		return first, nil
	}
	for _, s := range l.pipelines {
		if folderOf(s.Get("pipeline.id")) == id {
			return s, nil
		}
	}
	return nil, fmt.Errorf("there is no pipeline %q in the settings: name a configuration by -f", id)
}

// compileReplay compiles the pipeline of s with the letters in the place of its inputs.
func (p *program) compileReplay(l *loaded, s *settings.Settings, r *replay, outputsOnly bool) (*pipeline.Pipeline, error) {
	files, diags, err := parse(s)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		f.Sections = slices.DeleteFunc(f.Sections, func(sec *config.Section) bool {
			return sec.Kind == config.KindInput || outputsOnly && sec.Kind == config.KindFilter
		})
	}
	in, d := config.Parse("replay", []byte("input { dead_letter_replay { } }"), config.ParseOptions{})
	reg := plugin.NewRegistry(p.reg.All(), []*plugin.Definition{
		plugin.DefineInput("dead_letter_replay", struct{}{}, func(_ struct{}, env *plugin.Env) (plugin.Input, error) {
			r.source = env.NewSource()
			return r, nil
		}),
	})
	level := max(logging.ParseLevel(s.Get("log.level")), slog.LevelWarn)
	log := slog.New(logging.NewHandler(p.err, level, s.Get("log.format") == "json"))
	pl, d2 := pipeline.Compile(append(files, in), reg, pipelineSettings(s), plugin.Builder{Log: log, Lookup: l.lookup, DeadLetters: r})
	diags = append(append(diags, d...), d2...)
	diags.Sort()
	if _, err := io.WriteString(p.err, diags.String()); err != nil {
		return nil, err
	}
	if pl == nil || diags.HasErrors() {
		return nil, exitError(1)
	}
	pl.BlockWhenFull()
	return pl, nil
}

// replay is the input that gives dead letters, and the dead letter queue of those that fail again.
type replay struct {
	dir    string
	filter *letterFilter
	limit  int
	chunk  int
	began  time.Time
	source *event.Source

	back *queue.DeadLetters // takes what fails again; nil if the letters stay where they are
	keep bool               // all letters stay, so that what fails again need not be written

	mu       sync.Mutex
	again    int // failed again, of all letters
	unstored int // of those in the chunk, what could not be written back

	found  int
	kept   int // letters of chunks in which something could not be written back
	sent   map[queue.Position]bool
	failed error // reading the queue
}

// open gets the queue ready for what fails again.
func (r *replay) open(o *replayOptions, notes io.Writer) error {
	if r.keep = o.keep || o.dry; r.keep {
		return nil
	}
	options := queue.DefaultDeadLetterOptions()
	options.MaxBytes = 1 << 50 // the letters that are sent are deleted afterwards
	options.Logger = logging.Discard()
	back, err := queue.OpenDeadLetters(r.dir, options, vfs.OS{})
	if errors.Is(err, queue.ErrLocked) {
		r.chunk = 1
		_, err := fmt.Fprintln(notes, "a running process has the queue open: letters that fail again stay as they are, and letters go one at a time")
		return err
	}
	r.back = back
	return err
}

func (r *replay) close() error {
	if r.back == nil {
		return nil
	}
	return r.back.Close()
}

// Codec gives the letters their decoder.
func (r *replay) Codec() *plugin.Codec { return deadletterqueue.Codec() }

// Write implements plugin.DeadLetters. It never refuses: a letter that cannot be written back keeps its place in the queue.
func (r *replay) Write(l plugin.DeadLetter) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.again++
	if r.keep {
		return nil
	}
	stored := 0
	if r.back != nil {
		stored, _ = r.back.Write(queue.DeadLetter{
			EntryTime: time.Now(), PluginType: l.PluginType, PluginID: l.PluginID, Reason: l.Reason, Pipeline: filepath.Base(r.dir), Event: l.Document,
		}) // an error is a letter that stays
	}
	if stored == 0 {
		r.unstored++
	}
	return nil
}

// chunk is letters that are on their way together.
type chunk struct {
	batch  *event.Batch
	places []queue.Position
}

// Run implements plugin.Input.
func (r *replay) Run(ctx context.Context, out plugin.Sink) error {
	c := new(chunk)
	var stopped error
	err := queue.EachDeadLetter(r.dir, vfs.OS{}, func(pos queue.Position, l queue.DeadLetter) bool {
		if !l.EntryTime.Before(r.began) || !r.filter.match(&l) {
			return true // what failed again just now among others
		}
		r.found++
		if c.batch == nil {
			c.batch = &event.Batch{Source: r.source, Time: time.Now()}
		}
		c.batch.Records = append(c.batch.Records, deadletterqueue.Record(&l))
		c.places = append(c.places, pos)
		if len(c.places) >= r.chunk {
			stopped = r.send(ctx, out, c)
			c = new(chunk)
		}
		return stopped == nil && (r.limit == 0 || r.found < r.limit)
	})
	if err == nil && stopped == nil && c.batch != nil {
		stopped = r.send(ctx, out, c)
	}
	r.failed = errors.Join(err, stopped)
	return nil
}

// send sends a chunk and waits until all of it is delivered or dead-lettered.
func (r *replay) send(ctx context.Context, out plugin.Sink, c *chunk) error {
	r.mu.Lock()
	r.unstored = 0
	r.mu.Unlock()
	done := make(chan struct{})
	c.batch.Done = func(*event.Batch) { close(done) }
	if err := out.Push(ctx, c.batch); err != nil {
		return err
	}
	select {
	case <-done:
	case <-ctx.Done():
		return errors.New("interrupted: what was not delivered by then stays in the queue")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.unstored > 0 {
		r.kept += len(c.places)
		return nil
	}
	for _, pos := range c.places {
		r.sent[pos] = true
	}
	return nil
}

// replayResult tells what became of the letters.
func (p *program) replayResult(r *replay, pl *pipeline.Pipeline, deleted int, format string) error {
	acc := pl.Account()
	var delivered, dropped int64
	for _, o := range acc.Outputs {
		delivered += o.Delivered
		dropped += o.Dropped
	}
	if format == "json" {
		return printJSON(p.out, map[string]any{
			"folder": r.dir, "letters": r.found, "delivered_to_outputs": delivered, "failed_again": r.again, "dropped_by_outputs": dropped,
			"dropped_by_filters": acc.Dropped, "sent_nowhere": acc.Unrouted, "deleted": deleted, "kept": r.found - deleted,
		})
	}
	_, err := fmt.Fprintf(p.out, "%d dead letters of %s sent: %d events delivered to outputs, %d failed again, %d dropped by outputs, %d by filters, %d sent nowhere\n%d letters deleted from the queue, %d kept\n",
		r.found, r.dir, delivered, r.again, dropped, acc.Dropped, acc.Unrouted, deleted, r.found-deleted)
	if err == nil && r.kept > 0 {
		_, err = fmt.Fprintf(p.out, "%d letters are kept because some of them failed again and could not be written back; another replay sends them all\n", r.kept)
	}
	return err
}

func (p *program) dryResult(r *replay, format string) error {
	if format == "json" {
		return nil // every line is an event
	}
	_, err := fmt.Fprintf(p.out, "%d dead letters of %s would be sent\n", r.found, r.dir)
	return err
}

// dryRun prints what outputs would get.
type dryRun struct {
	json bool

	mu sync.Mutex
	w  *bufio.Writer
}

func (d *dryRun) output(s *pipeline.PluginStats) plugin.Output { return &dryOutput{d: d, stats: s} }

type dryOutput struct {
	d     *dryRun
	stats *pipeline.PluginStats
}

func (o *dryOutput) NewWriter() plugin.Writer    { return &dryWriter{o: o} }
func (o *dryOutput) Close(context.Context) error { return nil }

type dryWriter struct {
	o   *dryOutput
	buf []byte
}

func (w *dryWriter) Append(e *event.Event) error {
	if w.o.d.json {
		w.buf = fmt.Appendf(w.buf, `{"output":%q,"event":`, w.o.stats.ID)
		w.buf = append(e.AppendJSON(w.buf), "}\n"...)
		return nil
	}
	w.buf = fmt.Appendf(w.buf, "%s: ", w.o.stats.ID)
	w.buf = append(e.AppendJSON(w.buf), '\n')
	return nil
}

func (w *dryWriter) Flush(_ context.Context, b *event.Batch) error {
	w.o.d.mu.Lock()
	_, err := w.o.d.w.Write(w.buf)
	w.o.d.mu.Unlock()
	w.buf = w.buf[:0]
	b.Settle()
	return err
}

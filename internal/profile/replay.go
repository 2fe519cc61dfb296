package profile

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"millrace/pipeline"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// The limits of a sample: 100,000 records are some seconds of a slow pipeline.
const (
	MaxSampleBytes   = 64 << 20
	maxSampleRecords = 100_000
)

// The measuring: rounds of at least a twentieth of the time, until the two halves of them agree or three times the time is over.
const (
	roundsAtLeast = 20
	agreement     = 0.02
	mostTimes     = 3
)

// Options say what is replayed.
type Options struct {
	Files    []*config.File // without errors
	Registry *plugin.Registry
	Settings pipeline.Settings // of the pipeline; it gets one worker
	Lookup   config.Lookup
	Log      *slog.Logger

	Name   string // of the sample
	Sample string // its text
	Cut    bool   // it is the beginning of a longer one
	Input  string // id or name of the input whose place it takes; "" is the first

	Duration time.Duration        // of the measuring
	Clock    func() int64         // nanoseconds; nil is the real clock
	CPU      func() time.Duration // CPU time of the process so far; nil: not known
}

// replay is one pipeline that works on a sample.
type replay struct {
	o       Options
	p       *pipeline.Pipeline
	ready   chan *replayInput
	done    chan struct{}
	ended   chan error
	in      *replayInput
	records []event.Record
	pushed  int64 // records, since the profile began
}

// Replay measures a config on a sample. The report is nil if the diagnostics have errors.
func Replay(ctx context.Context, o Options) (*Report, config.Diagnostics, error) {
	rp := &replay{o: o, ready: make(chan *replayInput), done: make(chan struct{}), ended: make(chan error, 1)}
	if o.Clock == nil {
		began := time.Now()
		rp.o.Clock = func() int64 { return int64(time.Since(began)) }
	}
	if diags := rp.compile(); rp.p == nil {
		return nil, diags, nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := rp.start(ctx); err != nil {
		return nil, nil, err
	}
	report, err := rp.measure(ctx)
	if err != nil {
		if ctx.Err() != nil { // what failed is what the pipeline's end brought
			err = context.Cause(ctx)
		}
		cancel()
	}
	close(rp.done)
	return report, nil, errors.Join(err, <-rp.ended)
}

func (rp *replay) compile() config.Diagnostics {
	var r reducer
	var files []*config.File
	for _, f := range rp.o.Files {
		files = append(files, r.file(f))
	}
	if len(r.inputs) == 0 {
		f, diags := config.Parse("the input of the profile", []byte("input { "+ownInput+" { codec => line } }"), config.ParseOptions{})
		if diags.HasErrors() {
			panic("BUG: " + diags.String())
		}
		files = append([]*config.File{r.file(f)}, files...)
	}
	s := rp.o.Settings
	s.Workers = 1
	p, diags := pipeline.Compile(files, r.registry(rp.o.Registry, rp), s, plugin.Builder{Log: rp.o.Log, Lookup: rp.o.Lookup})
	rp.p = p
	return diags
}

// start runs the pipeline and cuts the sample as the input would.
func (rp *replay) start(ctx context.Context) error {
	go func() { rp.ended <- rp.p.Run(ctx) }()
	byID := make(map[string]*replayInput)
	for range rp.p.Inputs() {
		select {
		case in := <-rp.ready:
			byID[in.env.ID] = in
		case err := <-rp.ended:
			return fmt.Errorf("starting the pipeline: %w", err)
		}
	}
	id, err := rp.choose()
	if err != nil {
		close(rp.done)
		return errors.Join(err, <-rp.ended)
	}
	rp.in = byID[id]
	rp.records = rp.in.frame(rp.o.Sample)
	if len(rp.records) > maxSampleRecords {
		rp.records, rp.o.Cut = rp.records[:maxSampleRecords], true
	}
	if len(rp.records) == 0 {
		close(rp.done)
		return errors.Join(errors.New("there are no lines in the sample"), <-rp.ended)
	}
	return nil
}

// choose returns the id of the input whose place the sample takes.
func (rp *replay) choose() (string, error) {
	inputs := rp.p.Inputs()
	if rp.o.Input == "" {
		return inputs[0].ID, nil
	}
	var ids, named []string
	for _, in := range inputs {
		if in.ID == rp.o.Input {
			return in.ID, nil
		}
		if in.Name == rp.o.Input {
			named = append(named, in.ID)
		}
		ids = append(ids, in.ID)
	}
	switch len(named) {
	case 1:
		return named[0], nil
	case 0:
		return "", fmt.Errorf("the configuration has no input with the id or name %q; it has %s", rp.o.Input, strings.Join(ids, ", "))
	}
	return "", fmt.Errorf("the configuration has several inputs %s: name one by its id: %s", rp.o.Input, strings.Join(named, ", "))
}

// replayInput stands in the place of an input of the config.
type replayInput struct {
	r    *replay
	env  *plugin.Env
	sink plugin.Sink
}

// Run hands the way into the pipeline over and waits for the end.
func (in *replayInput) Run(ctx context.Context, out plugin.Sink) error {
	in.sink = out
	select {
	case in.r.ready <- in:
	case <-ctx.Done():
		return nil
	}
	select {
	case <-in.r.done:
	case <-ctx.Done():
	}
	return nil
}

// frame cuts a sample into records: as the codec cuts a stream, or else into lines.
func (in *replayInput) frame(sample string) (records []event.Record) {
	if in.env.CutsStreams() {
		f := in.env.NewFramer()
		records, rest := f.Frame(sample, nil)
		return f.Flush(rest, records)
	}
	for line := range strings.Lines(sample) {
		if line = strings.TrimRight(line, "\r\n"); line != "" {
			records = append(records, event.Record{Data: line})
		}
	}
	return records
}

// measure counts what the sample does in one pass, then times passes.
func (rp *replay) measure(ctx context.Context) (*Report, error) {
	patience := max(rp.o.Duration, time.Second)
	first, err := rp.p.Profile(pipeline.ProfileOptions{TryAll: patience, Clock: rp.o.Clock})
	if err != nil {
		return nil, err
	}
	began := rp.o.Clock()
	if err := rp.pass(ctx, first); err != nil {
		return nil, err
	}
	all := rp.o.Clock()-began < int64(patience)
	first.Stop()
	rp.pushed = 0
	pr, err := rp.p.Profile(pipeline.ProfileOptions{Clock: rp.o.Clock})
	if err != nil {
		return nil, err
	}
	defer pr.Stop()
	passes, err := rp.warmUp(ctx, pr)
	if err != nil {
		return nil, err
	}
	r := &Report{
		Pipeline: rp.o.Settings.ID, Mode: Replayed, Sample: rp.o.Name, Input: rp.in.env.ID, Cut: rp.o.Cut, AllTried: all,
	}
	cpu := rp.cpu()
	began = rp.o.Clock()
	rounds, err := rp.rounds(ctx, pr, passes)
	if err != nil {
		return nil, err
	}
	r.Seconds = time.Duration(rp.o.Clock() - began).Seconds()
	if took := took(rounds); took > 0 {
		r.CPU = min(1, float64(rp.cpu()-cpu)/float64(took))
	}
	r.fill(first.Snapshot(), rounds)
	r.conclude()
	return r, nil
}

func (rp *replay) cpu() time.Duration {
	if rp.o.CPU == nil {
		return 0
	}
	return rp.o.CPU()
}

func took(rounds []pipeline.ProfileSnapshot) (d time.Duration) {
	for i := range rounds {
		d += rounds[i].Took
	}
	return d
}

// warmUp makes passes for a tenth of the time, and returns how many make a round.
func (rp *replay) warmUp(ctx context.Context, pr *pipeline.Profile) (passes int, err error) {
	began := rp.o.Clock()
	for n := int64(1); ; n++ {
		if err := rp.pass(ctx, pr); err != nil {
			return 0, err
		}
		took := rp.o.Clock() - began
		if took >= int64(rp.o.Duration)/10 || n >= maxPasses {
			each := max(1, took/n)
			return int(min(maxPasses, max(1, int64(rp.o.Duration)/roundsAtLeast/each))), nil
		}
	}
}

// maxPasses bounds passes that take no time by the clock.
const maxPasses = 10_000

// rounds times rounds of passes until there is enough of them.
func (rp *replay) rounds(ctx context.Context, pr *pipeline.Profile, passes int) ([]pipeline.ProfileSnapshot, error) {
	var rounds []pipeline.ProfileSnapshot
	began, last := rp.o.Clock(), pr.Snapshot()
	for {
		for range passes {
			if err := rp.pass(ctx, pr); err != nil {
				return nil, err
			}
		}
		s := pr.Snapshot()
		rounds = append(rounds, difference(last, s))
		last = s
		spent := time.Duration(rp.o.Clock() - began)
		enough := spent >= rp.o.Duration && agree(rounds) || spent >= mostTimes*rp.o.Duration || len(rounds) >= maxPasses
		if enough && len(rounds) > 2 {
			return rounds, nil
		}
	}
}

// agree reports whether the halves of the rounds tell the same.
func agree(rounds []pipeline.ProfileSnapshot) bool {
	half := len(rounds) / 2
	if half == 0 {
		return false
	}
	a, b := quantile(each(rounds[:half], working), 0.5), quantile(each(rounds[half:], working), 0.5)
	return max(a, b)-min(a, b) <= agreement*max(a, b)
}

// pass sends the sample through the pipeline and waits until it was timed.
func (rp *replay) pass(ctx context.Context, pr *pipeline.Profile) error {
	size := rp.o.Settings.BatchSize
	for records := rp.records; len(records) > 0; {
		n := min(size, len(records))
		b := &event.Batch{Source: rp.in.env.NewSource(), Records: records[:n:n]}
		if err := rp.in.sink.Push(ctx, b); err != nil {
			return err
		}
		records = records[n:]
	}
	rp.pushed += int64(len(rp.records))
	return pr.Await(ctx, rp.pushed)
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"millrace/internal/logging"
	"millrace/internal/page"
	"millrace/internal/pipebus"
	"millrace/internal/settings"
	"millrace/pipeline"
	"millrace/pipeline/config"
	"millrace/pipeline/monitor"
	"millrace/pipeline/plugin"
)

// run is the root command: it checks everything, runs the pipelines, and ends when they do or a signal says so.
func (p *program) run(ctx context.Context, o *runOptions, flags *pflag.FlagSet) error {
	if o.version {
		return p.printVersion()
	}
	l, err := load(flags, o)
	if err != nil {
		return err
	}
	api, err := newAPIAccess(l.settings)
	if err != nil {
		return err
	}
	log, closeLog, err := p.logger(l.settings)
	if err != nil {
		return err
	}
	defer closeLog()
	for _, w := range append(l.warnings, api.warnings...) {
		log.Warn(w)
	}
	if l.settings.Bool("config.test_and_exit") {
		return p.testAndExit(l, log)
	}
	a := &agent{p: p, log: log.With(logging.LoggerKey, "millrace.agent"), loaded: l, api: api, began: time.Now()}
	return a.run(ctx)
}

// logger returns the program's logger: the standard output, or a file in path.logs.
func (p *program) logger(s *settings.Settings) (*slog.Logger, func(), error) {
	var w io.Writer = p.out
	done := func() {}
	if dir := s.Get("path.logs"); dir != "" {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, nil, fmt.Errorf("path.logs: %w", err)
		}
		f, err := os.OpenFile(filepath.Join(dir, "logstash-"+s.Get("log.format")+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		if err != nil {
			return nil, nil, fmt.Errorf("path.logs: %w", err)
		}
		w, done = io.MultiWriter(p.out, f), func() { _ = f.Close() } // every line was written by then
	}
	levels := monitor.NewLevels(logging.ParseLevel(s.Get("log.level")))
	return slog.New(levels.Handler(logging.NewHandler(w, logging.LevelTrace, s.Get("log.format") == "json"))), done, nil
}

// compileAll compiles every pipeline and returns all that is to be said about them.
func (p *program) compileAll(l *loaded, b plugin.Builder) ([]*pipeline.Pipeline, config.Diagnostics, error) {
	var all []*pipeline.Pipeline
	var diags config.Diagnostics
	var errs []error
	if b.Bus == nil {
		b.Bus = pipebus.New()
	}
	for _, s := range l.pipelines {
		files, d, err := parse(s)
		if err != nil {
			errs = append(errs, fmt.Errorf("pipeline %s: %w", s.Get("pipeline.id"), err))
			continue
		}
		b.DeadLetters = p.deadLetters(s, b.Log)
		pl, d2 := pipeline.Compile(files, p.reg, pipelineSettings(s), b)
		diags = append(append(diags, d...), d2...)
		if pl != nil {
			persist(pl, s)
			all = append(all, pl)
		}
	}
	diags.Sort()
	return all, diags, errors.Join(errs...)
}

func (p *program) testAndExit(l *loaded, log *slog.Logger) error {
	_, diags, err := p.compileAll(l, plugin.Builder{Log: logging.Discard(), Lookup: l.lookup})
	if err != nil {
		return err
	}
	_, _ = io.WriteString(p.err, diags.String())
	if diags.HasErrors() {
		log.Log(context.Background(), logging.LevelFatal, "The given configuration is invalid", "errors", diags.Count(config.Error))
		return exitError(1)
	}
	_, err = io.WriteString(p.out, "Configuration OK\n")
	log.Info("Using config.test_and_exit mode. Config Validation Result: OK. Exiting")
	return err
}

// agent runs the pipelines of one process.
type agent struct {
	p      *program
	log    *slog.Logger
	loaded *loaded
	api    *apiAccess
	began  time.Time
	store  string // the address of the embedded store; "" if it does not run

	counters   monitor.Counters // of the plugins
	process    plugin.Shared    // what they have in common, over all generations
	generation generation       // of the configuration, for the page
	upcoming   []page.Config    // of the configuration that runs when the old one has ended
	seen       [32]byte         // fingerprint of the configuration compiled last
}

func (a *agent) run(ctx context.Context) error {
	stopStore, err := a.startStore()
	if err != nil {
		a.log.Error("the embedded store cannot be started", "error", err)
		return exitError(1)
	}
	defer stopStore()
	a.seen = a.fingerprint()
	pipelines, diags, err := a.compile()
	if err != nil {
		a.log.Error("No configuration found in the configured sources", "error", err)
		return exitError(1)
	}
	_, _ = io.WriteString(a.p.err, diags.String())
	if diags.HasErrors() {
		a.log.Log(ctx, logging.LevelFatal, "The given configuration is invalid", "errors", diags.Count(config.Error))
		return exitError(1)
	}
	unlock, err := a.lockData(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	a.checkDeadLetters(pipelines)
	a.generation.taken(a.generation.next(pipelines, a.files, diags))
	ctx, stop := a.handleSignals(ctx)
	defer stop()
	return a.runReloading(ctx, pipelines)
}

// handleSignals ends the returned context at the first TERM or INT; a second INT ends the process at once with code 1.
func (a *agent) handleSignals(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		first := true
		for s := range signals {
			if !first && s == syscall.SIGINT {
				a.log.Log(ctx, logging.LevelFatal, "SIGINT received again. Terminating immediately..")
				os.Exit(1)
			}
			if first {
				a.log.Warn("received a signal; stopping inputs and draining", "signal", s.String())
			}
			first = false
			cancel()
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(signals)
		cancel()
	}
}

func (a *agent) runPipelines(ctx context.Context, pipelines []*pipeline.Pipeline) error {
	var wg sync.WaitGroup
	var mu sync.Mutex
	var failed error
	defer a.serveAPI(ctx, pipelines)()
	for _, pl := range pipelines {
		s := pl.Settings()
		a.log.Info("Starting pipeline", "pipeline_id", s.ID, "pipeline.workers", s.Workers, "pipeline.batch.size", s.BatchSize,
			"pipeline.ecs_compatibility", string(s.ECS))
		wg.Go(func() {
			err := pl.Run(ctx)
			if err != nil {
				a.log.Error("Pipeline error", "pipeline.id", pl.ID(), "error", err)
				mu.Lock()
				failed = err
				mu.Unlock()
			}
			a.report(pl)
			a.log.Info("Pipeline terminated", "pipeline.id", pl.ID())
		})
	}
	ended, end := context.WithCancel(ctx)
	defer end()
	announced := make(chan struct{})
	go func() {
		defer close(announced)
		a.announce(ended, pipelines)
	}()
	wg.Wait()
	end()
	<-announced // nothing is logged behind the caller's back
	if failed != nil {
		return exitError(1)
	}
	return nil
}

// announce logs the lines that scripts wait for, until a pipeline ends that never ran.
func (a *agent) announce(ctx context.Context, pipelines []*pipeline.Pipeline) {
	for _, pl := range pipelines {
		select {
		case <-pl.Running():
		case <-ctx.Done():
		}
		select { // one that ran and ended at once has its line
		case <-pl.Running():
			a.log.Info("Pipeline started", "pipeline.id", pl.ID())
		default:
			return
		}
	}
	a.log.Info("Pipelines running", "count", len(pipelines), "started_in", time.Since(a.began).Round(100*time.Microsecond))
	tuneCollector()
	if err := forgetStart(); err != nil {
		a.log.Debug("memory that only the start needed is kept", "error", err)
	}
}

// report logs the balance of a pipeline's events: what came in is what went out, was dropped, or is left.
func (a *agent) report(pl *pipeline.Pipeline) {
	acc := pl.Account()
	a.log.Info("events", "pipeline.id", pl.ID(), "received", acc.Received, "made_by_filters", acc.Made, "dropped_by_filters", acc.Dropped,
		"sent_nowhere", acc.Unrouted, "sent_to_outputs", acc.Routed)
	for _, o := range acc.Outputs {
		level := slog.LevelInfo
		if o.InFlight > o.OnDisk {
			level = slog.LevelWarn
		}
		a.log.Log(context.Background(), level, "output", "plugin", o.ID, "taken", o.Taken, "delivered", o.Delivered,
			"dead_lettered", o.DeadLettered, "dropped", o.Dropped, "left_undelivered", o.InFlight-o.OnDisk, "left_on_disk", o.OnDisk)
	}
	a.reportStorage(pl)
}

package main

import (
	"context"
	"crypto/sha256"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"millrace/internal/settings"
	"millrace/pipeline"
)

// runReloading runs the pipelines, and again with a new configuration whenever that has changed and is sound: looked at every
// config.reload.interval if config.reload.automatic is on, and at every HUP. The new configuration is compiled before the old
// pipelines are touched; a mistake in it is reported and the old ones run on. The inputs' sockets are closed for the moment between.
func (a *agent) runReloading(ctx context.Context, pipelines []*pipeline.Pipeline) error {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	for {
		running, stop := context.WithCancel(ctx)
		var next []*pipeline.Pipeline
		watched := make(chan struct{})
		go func() {
			defer close(watched)
			next = a.awaitChange(running, hangup)
			stop()
		}()
		err := a.runPipelines(running, pipelines)
		stop()
		<-watched
		if next == nil || ctx.Err() != nil {
			a.log.Info("Millrace shut down.")
			return err
		}
		pipelines = next
		a.generation.taken(a.upcoming)
		a.began = time.Now()
		a.log.Info("The configuration was reloaded", "pipelines", len(pipelines))
	}
}

// awaitChange returns the pipelines of a changed and sound configuration, nil if ctx ends before there is one.
func (a *agent) awaitChange(ctx context.Context, hangup <-chan os.Signal) []*pipeline.Pipeline {
	s := a.loaded.settings
	var tick <-chan time.Time
	if s.Bool("config.reload.automatic") {
		t := time.NewTicker(max(100*time.Millisecond, s.Duration("config.reload.interval")))
		defer t.Stop()
		tick = t.C
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick:
		case <-hangup:
		}
		now := a.fingerprint()
		if now != a.seen {
			now = a.settled(ctx, now)
		}
		if now == a.seen || ctx.Err() != nil {
			continue
		}
		a.seen = now // before it is read to be compiled: what changes meanwhile is another change
		if pipelines := a.recompile(); pipelines != nil {
			return pipelines
		}
	}
}

// writePause is how long a changed configuration has to stay as it is before it counts: editors and scripts empty a file before they write
// it, and an empty configuration, or the first half of one, may be sound. Its pipeline would end at once, and the program with it.
const writePause = 100 * time.Millisecond

// settled waits until the configuration stays as it is, and returns its fingerprint.
func (a *agent) settled(ctx context.Context, now [sha256.Size]byte) [sha256.Size]byte {
	for {
		select {
		case <-time.After(writePause):
		case <-ctx.Done():
			return now
		}
		before := now
		if now = a.fingerprint(); now == before {
			return now
		}
	}
}

// recompile compiles the changed configuration; nil if it has mistakes, which are printed.
func (a *agent) recompile() []*pipeline.Pipeline {
	pipelines, diags, err := a.compile()
	_, _ = io.WriteString(a.p.err, diags.String())
	if err != nil || diags.HasErrors() {
		a.log.Error("The changed configuration is invalid; the old one runs on", "error", err, "errors", len(diags))
		a.generation.refused(err, diags)
		return nil
	}
	a.upcoming = a.generation.next(pipelines, a.files, diags)
	return pipelines
}

// fingerprint is a hash of the texts of all configurations. One that cannot be read at the moment counts as empty.
func (a *agent) fingerprint() [sha256.Size]byte {
	h := sha256.New()
	for _, s := range a.loaded.pipelines {
		hashSources(h, s)
	}
	return [sha256.Size]byte(h.Sum(nil))
}

func hashSources(w io.Writer, s *settings.Settings) {
	names, texts, err := sources(s)
	if err != nil {
		return
	}
	for i, name := range names {
		_, _ = io.WriteString(w, name) // a hash takes everything
		_, _ = w.Write(append([]byte{0}, texts[i]...))
	}
}

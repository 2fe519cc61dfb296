package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"millrace/internal/pipebus"
	"millrace/internal/settings"
	"millrace/internal/uuid4"
	"millrace/pipeline"
	"millrace/pipeline/config"
	"millrace/pipeline/monitor"
	"millrace/pipeline/plugin"
)

// compile compiles the pipelines one by one, so that the counters of plugins with the same id in different pipelines are told apart.
func (a *agent) compile() ([]*pipeline.Pipeline, config.Diagnostics, error) {
	var all []*pipeline.Pipeline
	var diags config.Diagnostics
	var errs []error
	bus := pipebus.New() // of this generation of pipelines
	for _, s := range a.loaded.pipelines {
		one := *a.loaded
		one.pipelines = []*settings.Settings{s}
		pipelines, d, err := a.p.compileAll(&one, plugin.Builder{Log: a.log, Lookup: a.lookup, Bus: bus, Process: &a.process, Counter: a.counters.Of(s.Get("pipeline.id"))})
		all, diags, errs = append(all, pipelines...), append(diags, d...), append(errs, err)
	}
	diags.Sort()
	return all, diags, errors.Join(errs...)
}

// serveAPI serves the monitoring API until stop is called: during the drain too, when it is needed most. Without a free port the
// pipelines run all the same.
func (a *agent) serveAPI(ctx context.Context, pipelines []*pipeline.Pipeline) (stop func()) {
	s := a.loaded.settings
	if !s.Bool("api.enabled") {
		return func() {}
	}
	server := monitor.New(a.monitorOptions(pipelines))
	a.mountPage(server, pipelines)
	if err := server.Listen(); err != nil {
		a.log.Error("the monitoring API cannot be served", "error", err)
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := server.Serve(ctx); err != nil {
			a.log.Error("the monitoring API ended", "error", err)
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

func (a *agent) monitorOptions(pipelines []*pipeline.Pipeline) monitor.Options {
	s := a.loaded.settings
	hostname, _ := os.Hostname() // an unnamed host has the name ""
	o := monitor.Options{
		Host: a.api.host, Credentials: a.api.credentials, TLS: a.api.tls, Events: monitor.Access(s.Get("api.events")),
		Port: s.Get("api.http.port"), Environment: s.Get("api.environment"), NodeName: s.Get("node.name"),
		Hostname: hostname, Version: logstashVersion, Build: version, Began: a.began,
		ReloadAutomatic: s.Bool("config.reload.automatic"), ReloadInterval: s.Duration("config.reload.interval"),
		Registry: a.p.reg, Counters: &a.counters, Levels: monitor.LevelsOf(a.log), Log: a.log,
	}
	id, err := nodeID(dataDir(s))
	if err != nil {
		a.log.Debug("the node's id will be another one after a restart", "error", err)
	}
	o.NodeID = id
	for _, pl := range pipelines {
		o.Pipelines = append(o.Pipelines, monitor.Pipeline{Pipeline: pl, Files: a.files(pl.ID()), Plugin: pl.Plugin})
	}
	return o
}

// files reads the config of a pipeline again, for its graph. It is that of the pipeline unless somebody changed it in this moment,
// which the monitor sees if it matters.
func (a *agent) files(id string) []*config.File {
	for _, s := range a.loaded.pipelines {
		if s.Get("pipeline.id") == id {
			files, _, err := parse(s)
			if err != nil {
				return nil
			}
			return files
		}
	}
	return nil
}

var uuidForm = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// nodeID returns the id of this node, which lasts as long as path.data: it stands in the file uuid there, as Logstash's does. With an
// error it is an id for this run.
func nodeID(dir string) (string, error) {
	path := filepath.Join(dir, "uuid")
	text, err := os.ReadFile(path)
	if id := strings.TrimSpace(string(text)); err == nil && uuidForm.MatchString(id) {
		return id, nil
	}
	id := uuid4.New()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return id, err
	}
	return id, os.WriteFile(path, []byte(id+"\n"), 0o644)
}

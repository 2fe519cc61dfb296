package main

import (
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	"millrace/internal/page"
	"millrace/pipeline"
	"millrace/pipeline/config"
	"millrace/pipeline/monitor"
)

// generation is what the page shows of the configuration: that which runs, what the last reload changed, and what was refused.
type generation struct {
	mu      sync.Mutex
	configs []page.Config // guarded by mu
}

func (g *generation) list() []page.Config {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.configs)
}

// next makes what is shown of a configuration that is going to run.
func (g *generation) next(pipelines []*pipeline.Pipeline, files func(id string) []*config.File, diags config.Diagnostics) []page.Config {
	old := make(map[string]page.Config)
	for _, c := range g.list() {
		old[c.Pipeline] = c
	}
	var configs []page.Config
	for _, p := range pipelines {
		c := page.Config{Pipeline: p.ID(), Settings: pageSettings(p.Settings()), Files: files(p.ID()), Diagnostics: diags, Loaded: time.Now()}
		if before, ok := old[p.ID()]; ok {
			c.Previous = before.Files
		}
		configs = append(configs, c)
	}
	return configs
}

// taken notes that a configuration runs.
func (g *generation) taken(configs []page.Config) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.configs = configs
}

// refused notes a configuration that has mistakes.
func (g *generation) refused(err error, diags config.Diagnostics) {
	g.mu.Lock()
	defer g.mu.Unlock()
	r := &page.Refused{At: time.Now(), Err: err, Diagnostics: diags}
	for i := range g.configs {
		g.configs[i].Refused = r
	}
}

// pageSettings are the settings of a pipeline that people ask for.
func pageSettings(s pipeline.Settings) []page.Setting {
	return []page.Setting{
		{Name: "pipeline.workers", Value: strconv.Itoa(s.Workers)},
		{Name: "pipeline.batch.size", Value: strconv.Itoa(s.BatchSize)},
		{Name: "pipeline.ordered", Value: s.Ordered},
		{Name: "pipeline.ecs_compatibility", Value: string(s.ECS)},
		{Name: "queue.max_inflight_bytes", Value: strconv.FormatInt(int64(s.MaxInflight), 10)},
		{Name: "shutdown.timeout", Value: s.ShutdownLimit.String()},
		{Name: "path.data", Value: s.DataDir},
	}
}

// searchable is an output whose events can be searched where it sends them.
type searchable interface {
	page.Searcher
	SearchIndex() string
}

// mountPage serves the page beside the API.
func (a *agent) mountPage(server *monitor.Server, pipelines []*pipeline.Pipeline) {
	s := a.loaded.settings
	node := s.Get("node.name")
	if node == "" {
		node, _ = os.Hostname() // an unnamed host has the name ""
	}
	server.Mount(page.Prefix, page.New(page.Options{
		Node: node, Version: version, Began: a.began, Pipelines: server.Snapshots, Configs: a.generation.list,
		Targets: func() []page.Target { return searchTargets(pipelines) }, TapPath: "/_millrace/tap",
		MaySee:   server.MaySeeEvents,
		Registry: a.p.reg, Lookup: a.lookup, Log: a.log,
	}))
}

// searchTargets lists where the outputs write to, each place once.
func searchTargets(pipelines []*pipeline.Pipeline) []page.Target {
	var out []page.Target
	for _, p := range pipelines {
		for _, o := range p.Outputs() {
			if s, ok := p.Plugin(o.ID).(searchable); ok {
				out = append(out, page.Target{Pipeline: p.ID(), Output: o.ID, Index: s.SearchIndex(), Searcher: s})
			}
		}
	}
	return out
}

package pipetest

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"regexp"
	"slices"
	"time"

	"millrace/pipeline/config"
	"millrace/pipeline/plugin"
)

// Options say how suites are run.
type Options struct {
	Registry       *plugin.Registry
	Configs        []string // files, folders or globs for suites that name no configuration
	PipelineBase   string   // folder at which paths of a pipelines.yml begin; "": that of the file
	SupportEscapes bool
	ECS            plugin.ECS
	Lookup         config.Lookup // variables that the suite does not set
	Now            time.Time     // the time of suites that set none; zero is the real one
	Mocks          []Mock
	Only           *regexp.Regexp // which cases, by name; nil is all
	Limit          time.Duration  // for one case; 0 is 30 seconds
	Coverage       *Coverage      // nil: none is taken
	Version        string
	DataDir        string
	Log            *slog.Logger
}

// CaseResult is what became of one case.
type CaseResult struct {
	Suite    *Suite
	Case     *Case
	Problem  string // what kept the case from being run or compared
	Events   []EventDiff
	Actual   []any // what came out, without the ignored fields
	Duration time.Duration

	raw []byte
}

// Failed reports whether the case failed.
func (r *CaseResult) Failed() bool { return r.Problem != "" || len(r.Events) > 0 }

// Runner runs suites. Suites with the same configuration share a pipeline unless their filters keep state that they give back later.
type Runner struct {
	o       Options
	engines map[string]*engine
}

// NewRunner returns a runner.
func NewRunner(o Options) *Runner {
	if o.Limit == 0 {
		o.Limit = 30 * time.Second
	}
	return &Runner{o: o, engines: make(map[string]*engine)}
}

// Close ends the pipelines and adds what they covered.
func (r *Runner) Close() error {
	var errs []error
	for _, key := range slices.Sorted(maps.Keys(r.engines)) {
		_, err := r.retire(r.engines[key])
		errs = append(errs, err)
	}
	clear(r.engines)
	return errors.Join(errs...)
}

// retire ends a pipeline and returns what its filters gave at the end.
func (r *Runner) retire(e *engine) (*run, error) {
	last, err := e.finish()
	if r.o.Coverage != nil {
		for _, st := range e.stages {
			r.o.Coverage.add(st.cov)
		}
	}
	return last, err
}

// Run runs the cases of a suite in their order. Its error says that none could be run.
func (r *Runner) Run(ctx context.Context, s *Suite) ([]*CaseResult, error) {
	x := execution{r: r, s: s}
	defer x.clean()
	if err := x.prepare(); err != nil {
		return nil, err
	}
	if s.wantErr {
		return x.refused(), nil
	}
	var results []*CaseResult
	for _, c := range s.Cases {
		if r.o.Only != nil && !r.o.Only.MatchString(c.Name) {
			continue
		}
		res := &CaseResult{Suite: s, Case: c}
		results = append(results, res)
		began := time.Now()
		if err := x.run(ctx, res); err != nil {
			return nil, err
		}
		res.Duration = time.Since(began)
	}
	if x.e != nil && !x.shared {
		x.end(results[len(results)-1])
	}
	x.judge(results)
	return results, nil
}

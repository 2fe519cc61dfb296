package pipetest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"millrace/pipeline/config"
)

// execution is one suite on its way.
type execution struct {
	r      *Runner
	s      *Suite
	plan   plan
	lookup config.Lookup
	key    string // of the engine, among all that a runner has
	dir    string // where the files of an archive are laid
	e      *engine
	shared bool // e serves further suites
}

func (x *execution) clean() {
	if x.dir != "" {
		_ = os.RemoveAll(x.dir) // a folder of ours below the temporary one; the system clears it, too
	}
}

// prepare reads the configuration and finds out what the engine must be like.
func (x *execution) prepare() error {
	s := x.s
	if err := x.layFiles(); err != nil {
		return err
	}
	sources, err := x.sources()
	if err != nil {
		return err
	}
	var diags config.Diagnostics
	for _, src := range sources {
		p := pipe{id: src.id, ecs: src.ecs}
		for i, name := range src.names {
			f, d := config.Parse(name, src.texts[i], config.ParseOptions{SupportEscapes: src.escapes})
			p.files = append(p.files, f)
			diags = append(diags, d...)
		}
		x.plan.pipes = append(x.plan.pipes, p)
	}
	inDir := func(text string) string { return strings.ReplaceAll(text, "${CASE_DIR}", x.dir) }
	x.plan.codec, x.plan.outCodec, x.plan.settings = inDir(s.codec), inDir(s.outCodec), s.settings
	x.plan.mocks = s.mocks
	x.plan.metadata = s.exportMetadata
	x.plan.plain = s.form == verifier2
	switch {
	case s.form == verifier2:
		x.plan.codec = "" // obsolete there
	case s.codec == "" && (s.form == verifier1 || s.form == archive || !x.plan.hasInput()):
		x.plan.codec = "line"
	}
	if codec := x.plan.codec; codec != "" {
		if _, d := config.Parse("codec", []byte("input { x { codec => "+codec+"\n} }"), config.ParseOptions{}); d.HasErrors() {
			return fmt.Errorf("%s: the codec %q is none: %w", s.Path, codec, d.Err())
		}
	}
	x.lookup = x.variable
	x.key = fmt.Sprint(keys(sources)) + mustJSON([]any{x.dir, x.plan.codec, x.plan.outCodec, s.settings, s.env, x.plan.mocks, x.plan.plain, x.plan.metadata})
	if s.wantErr {
		return nil
	}
	if err := diags.Err(); err != nil {
		return fmt.Errorf("the configuration has mistakes:\n%w", err)
	}
	return nil
}

func (pl *plan) hasInput() bool {
	for _, p := range pl.pipes {
		for _, f := range p.files {
			for _, sec := range f.Sections {
				if sec.Kind == config.KindInput && len(sec.Body) > 0 {
					return true
				}
			}
		}
	}
	return false
}

func (x *execution) variable(name string) (string, bool) {
	if v, ok := x.s.env[name]; ok {
		return v, true
	}
	if x.r.o.Lookup == nil {
		return "", false
	}
	return x.r.o.Lookup(name)
}

// layFiles puts the files of an archive into a folder of their own, which the configuration calls ${CASE_DIR}.
func (x *execution) layFiles() error {
	if len(x.s.files) == 0 {
		return nil
	}
	var err error
	if x.dir, err = os.MkdirTemp("", "millrace-test-"); err != nil {
		return err
	}
	for name, body := range x.s.files {
		if !filepath.IsLocal(name) {
			return fmt.Errorf("%s: the section %s would leave its folder", x.s.Path, name)
		}
		path := filepath.Join(x.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(body), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// refused is the result of a case whose configuration must have mistakes.
func (x *execution) refused() []*CaseResult {
	res := &CaseResult{Suite: x.s, Case: x.s.Cases[0]}
	var diags config.Diagnostics
	for _, f := range x.plan.pipes[0].files { // an archive has one
		_, d := config.Parse(f.Name, []byte(f.Text), config.ParseOptions{SupportEscapes: x.s.settings["config.support_escapes"] == "true"})
		diags = append(diags, d...)
	}
	if !diags.HasErrors() {
		_, diags = newEngine(&x.r.o, &x.plan, x.lookup)
	}
	if !diags.HasErrors() {
		res.Problem = "the configuration was accepted, and the section err says that it has mistakes"
	}
	return []*CaseResult{res}
}

// run runs one case. Its error says that no further case can be run.
func (x *execution) run(ctx context.Context, res *CaseResult) error {
	if x.e == nil {
		if err := x.open(ctx); err != nil {
			return err
		}
	}
	c, r := res.Case, &run{now: x.now(), fields: x.fields(res.Case)}
	in, err := x.input()
	if err == nil {
		err = x.e.do(ctx, r, in, c.input, x.r.o.Limit)
	}
	if err == nil {
		err = r.problem
	}
	if err != nil {
		res.Problem = err.Error()
	}
	x.add(res, r)
	switch {
	case errors.Is(err, errCaseTime): // the pipeline may hang for ever
		x.e.stop()
		delete(x.r.engines, x.key)
		x.e = nil
	case x.alone():
		x.end(res)
	}
	return ctx.Err()
}

// open finds or makes the pipeline of the suite.
func (x *execution) open(ctx context.Context) error {
	isolated := x.s.isolate != nil && *x.s.isolate
	if e := x.r.engines[x.key]; e != nil && !isolated {
		x.e, x.shared = e, true
		return nil
	}
	e, diags := newEngine(&x.r.o, &x.plan, x.lookup)
	if e == nil {
		return fmt.Errorf("the configuration has mistakes:\n%w", diags.Err())
	}
	if err := e.start(ctx, x.now()); err != nil {
		return err
	}
	x.e = e
	if x.shared = !isolated && !e.flushes() && x.dir == ""; x.shared {
		x.r.engines[x.key] = e
	}
	return nil
}

// alone reports whether each case has a pipeline to itself: if the suite says so, and where filters give events at the end, which
// could not be told apart. In the files of logstash-filter-verifier cases share what filters remember.
func (x *execution) alone() bool {
	if x.s.isolate != nil {
		return *x.s.isolate
	}
	return x.s.form == own && x.e.flushes()
}

func (x *execution) now() time.Time {
	if x.s.now.IsZero() {
		return x.r.o.Now
	}
	return x.s.now
}

// fields are those of the case and those of the suite that it does not replace.
func (x *execution) fields(c *Case) []field {
	var out []field
	for _, f := range x.s.fields {
		if !slices.ContainsFunc(c.fields, func(g field) bool { return g.name == f.name }) {
			out = append(out, f)
		}
	}
	return append(out, c.fields...)
}

// input is the one that the events of the suite come by, nil for one that adds nothing.
func (x *execution) input() (*testInput, error) {
	e := x.e
	switch {
	case x.s.input != "":
		in, err := e.input(x.s.input)
		if err != nil {
			return nil, fmt.Errorf("input_plugin: %w", err)
		}
		return in, nil
	case x.s.form == own:
		if inputs := e.inputs(); len(inputs) > 0 {
			return inputs[0], nil
		}
	}
	return nil, nil
}

// end ends the pipeline and adds what its filters gave then to the last case.
func (x *execution) end(res *CaseResult) {
	last, err := x.r.retire(x.e)
	x.e = nil
	if err != nil && res.Problem == "" {
		res.Problem = err.Error()
	}
	x.add(res, last)
}

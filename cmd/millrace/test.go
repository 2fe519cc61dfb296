package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"regexp"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"millrace/internal/joda"
	"millrace/internal/pipetest"
	"millrace/pipeline/plugin"
)

// testOptions are the flags of millrace test.
type testOptions struct {
	configs  []string
	escapes  bool
	ecs      string
	now      string
	timezone string
	mocks    string
	base     string
	only     string
	limit    time.Duration
	junit    string
	update   bool
	coverage bool
	verbose  bool
}

// testCommand runs test cases of pipelines.
func (p *program) testCommand() *cobra.Command {
	var o testOptions
	cmd := &cobra.Command{
		Use:   "test [PATH…]",
		Short: "Run test cases of pipelines",
		Long: `Run test cases of pipelines.

A file access.test.yml beside access.conf holds inputs and the events that are expected of them, in the format of
logstash-filter-verifier with some additions; a .txtar file holds one case with its configuration. Each PATH is such a file, or a folder
that is searched for them (default: the current one). With -f the configuration is given apart from the tests, and all *.yml, *.yaml and
*.json files of a folder are test files, as logstash-filter-verifier takes them.

Where the configuration is a pipelines.yml, its pipelines run connected by their inputs and outputs "pipeline".

Inputs of the configuration are replaced by the lines of the cases, with the inputs' codec, type, tags and add_field; outputs are
replaced by a collector. Nothing is opened or connected to. The exit code is 1 if a case failed.`,
		Example: "  millrace test\n  millrace test --coverage --junit report.xml pipelines/\n  millrace test -f pipeline/ tests/",
		Args:    cobra.ArbitraryArgs,
		RunE:    func(cmd *cobra.Command, paths []string) error { return p.test(cmd.Context(), cmd.Flags(), &o, paths) },
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringArrayVarP(&o.configs, "path.config", "f", nil, "file, folder or glob of the configuration, or a pipelines.yml, for tests that name none; may be given several times")
	f.StringVar(&o.only, "run", "", "only cases whose name matches this regular expression")
	f.BoolVarP(&o.verbose, "all", "a", false, "print the cases that passed, and what the pipeline logs")
	f.BoolVar(&o.update, "update", false, "write what came out into the test files as what is expected")
	f.BoolVar(&o.coverage, "coverage", false, "print which branches, filters and grok patterns no case reached")
	f.StringVar(&o.junit, "junit", "", "write the results to a file in the XML format of JUnit")
	f.StringVar(&o.now, "now", "", "the present of events and filters, such as 2024-01-02T03:04:05Z, for tests that set none (default: the real one)")
	f.StringVar(&o.timezone, "timezone", "UTC", "time zone of the process, that of dates without one")
	f.StringVar(&o.base, "pipeline-base", "", "folder at which relative paths of a pipelines.yml begin (default: its own)")
	f.StringVar(&o.mocks, "plugin-mock", "", "file with plugins to replace, in the format of logstash-filter-verifier")
	f.DurationVar(&o.limit, "timeout", 30*time.Second, "how long a case may take")
	f.StringVar(&o.ecs, "pipeline.ecs_compatibility", "v8", "names of fields: disabled, v1, v8; tests may set their own")
	f.String("path.settings", "", "folder of logstash.yml, beside which logstash.keystore has variables that tests do not set")
	f.BoolVar(&o.escapes, "config.support_escapes", false, `read \n, \t and the like in strings; tests may set their own`)
	return cmd
}

// runnerOptions checks the flags.
func (p *program) runnerOptions(o *testOptions) (pipetest.Options, error) {
	ro := pipetest.Options{
		Registry: p.reg, Configs: o.configs, PipelineBase: o.base, SupportEscapes: o.escapes, ECS: plugin.ECS(o.ecs), Limit: o.limit,
		Version: logstashVersion,
	}
	var errs []error
	if _, err := ecsFlag(o.ecs); err != nil {
		errs = append(errs, fmt.Errorf("invalid --pipeline.ecs_compatibility %q: it is disabled, v1 or v8", o.ecs))
	}
	if o.now != "" {
		var ok bool
		if ro.Now, ok = joda.ParseTimestamp(o.now); !ok {
			errs = append(errs, fmt.Errorf("invalid --now %q: it is a time such as 2024-01-02T03:04:05Z", o.now))
		}
	}
	if o.limit <= 0 {
		errs = append(errs, fmt.Errorf("invalid --timeout %s: it must be above 0", o.limit))
	}
	var err error
	if o.only != "" {
		ro.Only, err = regexp.Compile(o.only)
		errs = append(errs, err)
	}
	if o.mocks != "" {
		ro.Mocks, err = pipetest.LoadMocks(o.mocks)
		errs = append(errs, err)
	}
	zone, err := time.LoadLocation(o.timezone)
	if err != nil {
		errs = append(errs, fmt.Errorf("invalid --timezone: %w", err))
	} else {
		time.Local = zone // the zone is the process's, which does nothing but this command
	}
	if o.coverage {
		ro.Coverage = pipetest.NewCoverage()
	}
	if o.verbose {
		ro.Log = slog.New(slog.NewTextHandler(p.err, nil))
	}
	return ro, errors.Join(errs...)
}

func (p *program) test(ctx context.Context, flags *pflag.FlagSet, o *testOptions, paths []string) (err error) {
	ro, err := p.runnerOptions(o)
	if err != nil {
		return err
	}
	if ro.Lookup, err = variables(flags, o.configs); err != nil {
		return err
	}
	if len(paths) == 0 {
		paths = []string{"."}
	}
	files, err := pipetest.Find(paths, len(o.configs) > 0)
	if err != nil {
		return err
	}
	if ro.DataDir, err = os.MkdirTemp("", "millrace-test-data-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(ro.DataDir)) }()
	if ctx == nil {
		ctx = context.Background()
	}
	t := tester{
		o: o, runner: pipetest.NewRunner(ro), out: p.out,
		report: &pipetest.Report{W: p.out, Color: isTerminal(p.out), Verbose: o.verbose},
	}
	began := time.Now()
	for _, path := range files {
		if err := t.file(ctx, path); err != nil {
			return err
		}
	}
	if err := t.runner.Close(); err != nil {
		return err
	}
	return t.end(time.Since(began), ro.Coverage)
}

// tester is one run of the command.
type tester struct {
	o      *testOptions
	runner *pipetest.Runner
	report *pipetest.Report
	junit  pipetest.JUnit
	out    io.Writer
	fresh  int // files that were updated; they are neither passed nor failed
}

// file runs one test file. Its error is not one of the file but ends the command.
func (t *tester) file(ctx context.Context, path string) error {
	s, err := pipetest.Load(path)
	if err != nil {
		t.report.Broken(err)
		t.junit.Broken(path, err)
		return nil
	}
	results, err := t.runner.Run(ctx, s)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if t.o.update && err == nil {
		changed, err := s.Update(results)
		if err != nil {
			return err
		}
		if changed > 0 {
			t.fresh++
			_, err = fmt.Fprintf(t.out, "updated %s: %s\n", path, cases(changed))
			return err
		}
	}
	t.report.Suite(s, results, err)
	t.junit.Suite(s, results, err)
	return nil
}

func cases(n int) string {
	if n == 1 {
		return "1 case"
	}
	return fmt.Sprintf("%d cases", n)
}

func (t *tester) end(took time.Duration, cov *pipetest.Coverage) error {
	if t.fresh == 0 || t.report.Files() > 0 {
		if err := t.report.End(took); err != nil {
			return err
		}
	}
	if cov != nil {
		if err := cov.Write(t.out); err != nil {
			return err
		}
	}
	if t.o.junit != "" {
		if err := t.writeJUnit(); err != nil {
			return fmt.Errorf("writing %s: %w", t.o.junit, err)
		}
	}
	if t.report.Failed() {
		return exitError(1)
	}
	return nil
}

func (t *tester) writeJUnit() error {
	f, err := os.Create(t.o.junit)
	if err != nil {
		return err
	}
	return errors.Join(t.junit.Write(f), f.Close())
}

// isTerminal reports whether w is one that shows colours.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

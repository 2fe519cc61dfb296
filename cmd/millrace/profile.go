package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	jsoniter "github.com/json-iterator/go"
	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"millrace/internal/logging"
	"millrace/internal/pipetest"
	"millrace/internal/profile"
	"millrace/pipeline"
	"millrace/pipeline/config"
	"millrace/pipeline/plugin"
)

// profileOptions are the flags of millrace profile.
type profileOptions struct {
	api      apiFlags
	pipeline string
	duration time.Duration
	top      int
	format   string
	input    string
	as       string
	ecs      string
	escapes  bool
}

// The time of measuring, if none is given.
const (
	replayTime  = 2 * time.Second
	runningTime = 5 * time.Second
)

func (p *program) profileCommand() *cobra.Command {
	var o profileOptions
	cmd := &cobra.Command{
		Use:   "profile",
		Short: "Tell what each line of a configuration costs, by a sample of lines or in a running pipeline",
		Long: `Tell what each line of a configuration costs: filters, conditions, grok patterns, decoding, encoding.

With -f and --input the lines of a sample take the place of an input, with its codec, type, tags and add_field; they are worked on again
and again by one worker until the figures are steady. Outputs are replaced by one that encodes events and sends nothing; nothing is
opened or connected to but what filters use. Without them a running Millrace is asked over its API: its workers are timed for some
seconds, at most a quarter of their time each.

Times are those of a worker without the cost of the clock: CPU time, unless a filter waits for something.`,
		Example: `  millrace profile -f pipeline.conf --input sample.log        the whole configuration, in words and as a table
  millrace profile -f pipeline/ --input sample.log --top 10   the ten dearest lines
  tail -n 10000 app.log | millrace profile -f pipeline.conf --input - --format json
  millrace profile --duration 10s                             the Millrace that runs on this machine
  docker exec CONTAINER millrace profile --pipeline main`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.profile(commandContext(cmd), cmd, &o) },
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringArrayVarP(&o.api.run.configs, "path.config", "f", nil, "file, folder or glob of the configuration; may be given several times")
	f.StringVar(&o.input, "input", "", "file with a sample of lines as the input gets them; - is the standard input")
	f.StringVar(&o.as, "input-plugin", "", "id or name of the input whose place the sample takes (default: the first)")
	f.DurationVar(&o.duration, "duration", 0, "how long to measure (default: 2s of a sample, 5s of a running pipeline)")
	f.IntVar(&o.top, "top", 0, "show only so many rows, those that cost most (default: all, in the order of the configuration)")
	f.StringVar(&o.format, "format", "text", "text or json")
	f.StringVar(&o.ecs, "pipeline.ecs_compatibility", "v8", "names of fields for a sample: disabled, v1, v8")
	f.BoolVar(&o.escapes, "config.support_escapes", false, `read \n, \t and the like in strings, for a sample`)
	f.StringVar(&o.pipeline, "pipeline", "", "id of the running pipeline, where there are several")
	o.api.connection(f)
	o.api.settings(f)
	return cmd
}

func (p *program) profile(ctx context.Context, cmd *cobra.Command, o *profileOptions) error {
	if err := o.check(cmd); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	measure := p.profileRunning
	if o.input != "" {
		measure = p.profileSample
	}
	r, err := measure(ctx, cmd, o)
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	if err != nil {
		return err
	}
	if o.format == "json" {
		if o.top > 0 {
			r.Keep(o.top)
		}
		enc := json.NewEncoder(p.out)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		return enc.Encode(r)
	}
	_, err = p.out.Write(appendVisible(nil, []byte(r.Text(o.top))))
	return err
}

// check refuses flags that make no sense, alone or together.
func (o *profileOptions) check(cmd *cobra.Command) error {
	replayed := o.input != ""
	var errs []error
	if o.format != "text" && o.format != "json" {
		errs = append(errs, fmt.Errorf("invalid --format %q: expected text or json", o.format))
	}
	if o.duration < 0 || cmd.Flags().Changed("duration") && o.duration == 0 {
		errs = append(errs, fmt.Errorf("invalid --duration %s: it must be above 0", o.duration))
	}
	if o.top < 0 {
		errs = append(errs, fmt.Errorf("invalid --top %d: it must not be below 0", o.top))
	}
	if _, err := ecsFlag(o.ecs); err != nil {
		errs = append(errs, fmt.Errorf("invalid --pipeline.ecs_compatibility %q: it is disabled, v1 or v8", o.ecs))
	}
	switch {
	case replayed && len(o.api.run.configs) == 0:
		errs = append(errs, errors.New("a sample needs a configuration: -f FILE"))
	case !replayed && len(o.api.run.configs) > 0:
		errs = append(errs, errors.New("a configuration needs a sample of lines: --input FILE; without -f a running Millrace is asked"))
	}
	for _, name := range []string{"input-plugin", "pipeline.ecs_compatibility", "config.support_escapes"} {
		if !replayed && cmd.Flags().Changed(name) {
			errs = append(errs, fmt.Errorf("--%s is for a sample: --input FILE", name))
		}
	}
	for _, name := range []string{"pipeline", "url", "user", "ca", "insecure", "api.http.host", "api.http.port"} {
		if replayed && cmd.Flags().Changed(name) {
			errs = append(errs, fmt.Errorf("--%s is for a running Millrace, which --input does not ask", name))
		}
	}
	return errors.Join(errs...)
}

// profileRunning asks a running Millrace.
func (p *program) profileRunning(ctx context.Context, cmd *cobra.Command, o *profileOptions) (*profile.Report, error) {
	client, err := o.api.client(cmd.Flags())
	if err != nil {
		return nil, err
	}
	duration := o.duration
	if duration == 0 {
		duration = runningTime
	}
	ctx, cancel := context.WithTimeout(ctx, duration+silence)
	defer cancel()
	q := url.Values{"duration": {duration.String()}}
	if o.pipeline != "" {
		q.Set("pipeline", o.pipeline)
	}
	resp, err := client.get(ctx, "/_millrace/profile?"+q.Encode())
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	r := new(profile.Report)
	if err := jsoniter.NewDecoder(io.LimitReader(resp.Body, 64<<20)).Decode(r); err != nil {
		return nil, fmt.Errorf("reading the profile: %w", err)
	}
	return r, nil
}

// profileSample works on a sample.
func (p *program) profileSample(ctx context.Context, cmd *cobra.Command, o *profileOptions) (r *profile.Report, err error) {
	lookup, err := variables(cmd.Flags(), o.api.run.configs)
	if err != nil {
		return nil, err
	}
	po := profile.Options{
		Registry: p.reg, Settings: pipeline.DefaultSettings(), Lookup: lookup, Log: logging.Discard(), Input: o.as, Duration: o.duration, CPU: processCPU,
	}
	if po.Duration == 0 {
		po.Duration = replayTime
	}
	if po.Files, err = parseConfigs(o.api.run.configs, o.escapes); err != nil {
		return nil, err
	}
	if po.Name, po.Sample, po.Cut, err = readSample(o.input); err != nil {
		return nil, err
	}
	s := &po.Settings
	s.ECS, s.Version = plugin.ECS(o.ecs), logstashVersion
	s.Hostname, _ = os.Hostname() // an unnamed host has the name ""
	if s.DataDir, err = os.MkdirTemp("", "millrace-profile-"); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(s.DataDir)) }()
	r, diags, err := profile.Replay(ctx, po)
	if err == nil && r == nil {
		return nil, fmt.Errorf("the configuration has mistakes:\n%w", diags.Err())
	}
	return r, err
}

// parseConfigs reads configuration files.
func parseConfigs(patterns []string, escapes bool) ([]*config.File, error) {
	names, err := pipetest.ConfigFiles(patterns)
	if err != nil {
		return nil, err
	}
	var files []*config.File
	var diags config.Diagnostics
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		f, d := config.Parse(name, text, config.ParseOptions{SupportEscapes: escapes})
		files, diags = append(files, f), append(diags, d...)
	}
	if diags.HasErrors() {
		return nil, fmt.Errorf("the configuration has mistakes:\n%w", diags.Err())
	}
	return files, nil
}

// readSample reads a file, or of a very large one the lines that it begins with.
func readSample(path string) (name, text string, cut bool, err error) {
	name, from := "the standard input", io.Reader(os.Stdin)
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return "", "", false, fmt.Errorf("--input: %w", err)
		}
		defer func() { _ = f.Close() }()
		name, from = filepath.Base(path), f
	}
	data, err := io.ReadAll(io.LimitReader(from, profile.MaxSampleBytes+1))
	if err != nil {
		return "", "", false, fmt.Errorf("--input: %w", err)
	}
	text = string(data)
	if cut = len(text) > profile.MaxSampleBytes; cut {
		text = text[:strings.LastIndexByte(text[:profile.MaxSampleBytes], '\n')+1]
	}
	return name, text, cut, nil
}

// processCPU returns the CPU time that the process has used.
func processCPU() time.Duration {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

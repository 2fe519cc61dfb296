package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"millrace/internal/logging"
	"millrace/pipeline/config"
	"millrace/pipeline/plugin"
)

// checkCommand is -t with everything that can be said.
func (p *program) checkCommand() *cobra.Command {
	var o runOptions
	var format string
	cmd := &cobra.Command{
		Use:   "check [FILE…]",
		Short: "Check configurations: every mistake at once, with its place and a hint",
		Long: `Check configurations: every mistake at once, with its place and a hint.

What cannot be found in the text alone is checked too: grok patterns, date formats, regular expressions, files. Nothing is opened or
connected to. Each FILE (a file, folder or glob) is a pipeline of its own; without one the pipeline of the settings is checked.
The exit code is 1 if there are errors.`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, files []string) error { return p.check(&o, cmd, files, format) },
	}
	o.flags(cmd.Flags())
	cmd.Flags().StringVar(&format, "format", "text", "text or json")
	return cmd
}

func (p *program) check(o *runOptions, cmd *cobra.Command, files []string, format string) error {
	if format != "text" && format != "json" {
		return fmt.Errorf("--format is text or json, not %q", format)
	}
	l, err := load(cmd.Flags(), o)
	if err != nil {
		return err
	}
	if len(files) > 0 {
		base := l.settings
		l.pipelines = nil
		for _, f := range files {
			s := base.Clone()
			if _, err := s.Set("path.config", f); err != nil {
				return err
			}
			if _, err := s.Set("config.string", ""); err != nil {
				return err
			}
			l.pipelines = append(l.pipelines, s)
		}
	}
	_, diags, err := p.compileAll(l, plugin.Builder{Log: logging.Discard(), Lookup: l.lookup})
	if err != nil {
		return err
	}
	if err := p.printDiagnostics(diags, format); err != nil {
		return err
	}
	if diags.HasErrors() {
		return exitError(1)
	}
	return nil
}

func (p *program) printDiagnostics(diags config.Diagnostics, format string) error {
	if format == "json" {
		if diags == nil {
			diags = config.Diagnostics{}
		}
		return printJSON(p.out, diags)
	}
	if _, err := io.WriteString(p.out, diags.String()); err != nil {
		return err
	}
	_, err := fmt.Fprintf(p.out, "%d errors, %d warnings\n", diags.Count(config.Error), diags.Count(config.Warning))
	return err
}

package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"millrace/internal/explain"
	"millrace/internal/settings"
	"millrace/pipeline/config"
	"millrace/pipeline/plugin"
)

// explainCommand tells what a configuration does.
func (p *program) explainCommand() *cobra.Command {
	var o runOptions
	var format string
	cmd := &cobra.Command{
		Use:   "explain [FILE…]",
		Short: "Tell what a configuration does, and what of it is old, slow or missing",
		Long: `Tell what a configuration does: the order of its statements and what their conditions ask for, options of old releases, fields that
depend on ecs_compatibility, patterns that are slow or dangerous, comparisons that are never true, the variables and files it needs.

Each FILE (a file, folder or glob) is a pipeline of its own; without one the pipelines of the settings are explained. Nothing is opened
but the configuration and the files of its patterns, and no secret is printed. Mistakes are for millrace check.`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, files []string) error { return p.explain(&o, cmd, files, format) },
	}
	o.flags(cmd.Flags())
	cmd.Flags().StringVar(&format, "format", "text", "text or json")
	return cmd
}

// explained is the report of one pipeline.
type explained struct {
	Pipeline string `json:"pipeline"`
	*explain.Report
}

func (p *program) explain(o *runOptions, cmd *cobra.Command, files []string, format string) error {
	if format != "text" && format != "json" {
		return fmt.Errorf("--format is text or json, not %q", format)
	}
	l, err := load(cmd.Flags(), o)
	if err != nil {
		return err
	}
	if len(files) > 0 {
		if l.pipelines, err = pipelinesOf(l.settings, files); err != nil {
			return err
		}
	}
	all := []explained{}
	for _, s := range l.pipelines {
		parsed, diags, err := parse(s)
		if err != nil {
			return err
		}
		if diags.HasErrors() {
			_, _ = io.WriteString(p.err, diags.String())
			return exitError(1)
		}
		all = append(all, explained{nameOf(s, parsed), explain.Explain(parsed, explain.Options{
			Registry: p.reg, ECS: plugin.ECS(s.Get("pipeline.ecs_compatibility")), Lookup: l.lookup,
		})})
	}
	if format == "json" {
		enc := json.NewEncoder(p.out)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		return enc.Encode(all)
	}
	for i, e := range all {
		if i > 0 {
			_, _ = fmt.Fprintln(p.out)
		}
		if len(all) > 1 {
			_, _ = fmt.Fprintf(p.out, "== %s\n", e.Pipeline)
		}
		if err := e.Write(p.out); err != nil {
			return err
		}
	}
	return nil
}

// pipelinesOf returns settings for files that are each a pipeline.
func pipelinesOf(base *settings.Settings, files []string) ([]*settings.Settings, error) {
	var out []*settings.Settings
	for _, f := range files {
		s := base.Clone()
		if _, err := s.Set("path.config", f); err != nil {
			return nil, err
		}
		if _, err := s.Set("config.string", ""); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// nameOf names a pipeline for people: by its file, or its id if it has several.
func nameOf(s *settings.Settings, files []*config.File) string {
	if len(files) == 1 {
		return files[0].Name
	}
	return s.Get("pipeline.id") + " " + s.Get("path.config")
}

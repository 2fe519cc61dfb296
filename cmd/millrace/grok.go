package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"millrace/filters/grok/debug"
)

// grokCommand shows what a grok pattern does with lines.
func (p *program) grokCommand() *cobra.Command {
	var o debug.Options
	var ecs string
	cmd := &cobra.Command{
		Use:   "grok PATTERN < lines",
		Short: "Show what a grok pattern captures, and what stops it",
		Long: `Show for each line of the standard input what the pattern captures. For a line that does not match, show how far the match got
and which part of the pattern stopped it. The exit code is 1 if a line did not match.`,
		Example: "  tail -5 access.log | millrace grok '%{COMBINEDAPACHELOG}'\n" +
			"  millrace grok --patterns_dir ./patterns --ecs_compatibility disabled '^%{MYLINE}' < sample.txt",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			mode, err := ecsFlag(ecs)
			if err != nil {
				return err
			}
			o.Pattern, o.ECS = args[0], mode
			all, err := debug.Run(o, cmd.InOrStdin(), p.out)
			if err == nil && !all {
				return exitError(1)
			}
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&ecs, "ecs_compatibility", "v8", "the set of patterns: disabled, v1, v8")
	f.StringArrayVar(&o.Dirs, "patterns_dir", nil, "file or folder of patterns; may be given several times")
	f.StringVar(&o.Glob, "patterns_files_glob", "*", "which files of the folders are read")
	f.StringArrayVar(&o.Definitions, "define", nil, "a pattern of your own, as NAME=PATTERN; may be given several times")
	f.BoolVar(&o.AllCaptures, "all_captures", false, "capture %{NAME} into the field NAME, as named_captures_only => false does")
	return cmd
}

// ecsFlag reads a value of ecs_compatibility.
func ecsFlag(mode string) (enabled bool, err error) {
	switch mode {
	case "disabled":
		return false, nil
	case "v1", "v8":
		return true, nil
	}
	return false, fmt.Errorf("invalid --ecs_compatibility %q: it is disabled, v1 or v8", mode)
}
